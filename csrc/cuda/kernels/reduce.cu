// Sums, products, norms, counts, extrema without positions, variances.
#include "cuda/kernels/reduce.h"

#include "cuda/kernels/table.h"

namespace tallow::cuda {

Status reduce_extremum(bool largest, DType dtype, const Reduction& r, int64_t* indices);

namespace {

// ---- What an element becomes before it is combined, what combines, and what is stored.

struct AsIs {
  template <class A>
  TL_HD A operator()(A x) const {
    return x;
  }
};
struct NanAsZero {
  template <class A>
  TL_HD A operator()(A x) const {
    return x == x ? x : A(0);
  }
};
struct Magnitude {
  template <class A>
  TL_HD A operator()(A x) const {
    return std::fabs(x);
  }
};
struct Squared {
  template <class A>
  TL_HD A operator()(A x) const {
    return x * x;
  }
};
struct Power {
  double p;
  template <class A>
  TL_HD A operator()(A x) const {
    return std::pow(std::fabs(x), static_cast<A>(p));
  }
};
struct DividedBy {
  double count;
  template <class A>
  TL_HD A operator()(A x) const {
    return x / static_cast<A>(count);
  }
};
struct SquareRoot {
  template <class A>
  TL_HD A operator()(A x) const {
    return std::sqrt(x);
  }
};

template <class A>
struct Sum {
  TL_HD static A identity() { return A(0); }
  TL_HD A operator()(A a, A b) const { return a + b; }
};
template <class A>
struct Product {
  TL_HD static A identity() { return A(1); }
  TL_HD A operator()(A a, A b) const { return a * b; }
};
template <class A>
struct Largest {  // of magnitudes
  TL_HD static A identity() { return A(0); }
  TL_HD A operator()(A a, A b) const { return formula::larger(a, b); }
};
template <class A>
struct Smallest {
  TL_HD static A identity() { return A(HUGE_VAL); }
  TL_HD A operator()(A a, A b) const { return formula::smaller(a, b); }
};

template <class Stored, class Acc, class Out, class Map, class Join, class Finish>
struct Fold {
  using T = Stored;
  using A = Acc;
  Out* out;
  Map before;
  Join combine;
  Finish after;

  TL_HD A identity() const { return Join::identity(); }
  TL_HD A map(T x, int64_t) const { return before(static_cast<A>(x)); }
  TL_HD A join(A a, A b) const { return combine(a, b); }
  TL_HD void store(A result, int64_t at) const { out[at] = static_cast<Out>(after(result)); }
};

template <class T, class A, class Out, template <class> class Join, class Map, class Finish>
Status fold(const char* op, const Reduction& r, const Map& map, const Finish& finish) {
  const Fold<T, A, Out, Map, Join<A>, Finish> rule{static_cast<Out*>(r.out), map, {}, finish};
  return reduce_by(op, rule, r);
}

// Sums and products: integers in int64, wrapping.
template <class T, template <class> class Join>
Status fold_numbers(const char* op, const Reduction& r) {
  if constexpr (std::is_integral_v<T>) {
    return fold<T, uint64_t, int64_t, Join>(op, r, AsIs{}, AsIs{});
  } else {
    return fold<T, Compute<T>, T, Join>(op, r, AsIs{}, AsIs{});
  }
}

// ---- Counts of elements that are not zero.

enum class Count : uint8_t { kNumber, kAny, kAll };

template <class Stored, class Out>
struct CountRule {
  using T = Stored;
  using A = int64_t;
  Out* out;
  Count what;
  int64_t n;

  TL_HD A identity() const { return 0; }
  TL_HD A map(T x, int64_t) const {
    if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
      return static_cast<float>(x) != 0;
    } else {
      return x != T(0);
    }
  }
  TL_HD A join(A a, A b) const { return a + b; }
  TL_HD void store(A count, int64_t at) const {
    const A result = what == Count::kNumber ? count : what == Count::kAny ? count > 0 : count == n;
    out[at] = Out(static_cast<Compute<Out>>(result));
  }
};

template <class Out>
Status count(const char* op, Count what, DType dtype, const Reduction& r) {
  return by_dtype(All{}, dtype, op, [&]<class T>() -> Status {
    return reduce_by(op, CountRule<T, Out>{static_cast<Out*>(r.out), what, r.reduce_numel}, r);
  });
}

// ---- Norms.

template <class T>
Status norm(ReduceOp op, const Reduction& r, double p) {
  constexpr const char* kName = "norm_cuda";
  using A = Compute<T>;
  switch (op) {
    case ReduceOp::kNormZero:
      return reduce_by(kName, CountRule<T, T>{static_cast<T*>(r.out), Count::kNumber, 0}, r);
    case ReduceOp::kNormOne:
      return fold<T, A, T, Sum>(kName, r, Magnitude{}, AsIs{});
    case ReduceOp::kNormTwo:
      return fold<T, A, T, Sum>(kName, r, Squared{}, SquareRoot{});
    case ReduceOp::kNormInf:
      return fold<T, A, T, Largest>(kName, r, Magnitude{}, AsIs{});
    case ReduceOp::kNormNegInf:
      return fold<T, A, T, Smallest>(kName, r, Magnitude{}, AsIs{});
    default:
      return fold<T, A, T, Sum>(kName, r, Power{p}, Power{1 / p});
  }
}

// ---- Complex numbers.

// The same reduction with the real and the imaginary parts as one more kept dimension.
Reduction as_real(const Reduction& complex) {
  Reduction r = complex;
  for (int d = 0; d < r.out_ndim; ++d) {
    r.out_stride[d] *= 2;
    r.in_stride[d] *= 2;
  }
  for (int d = 0; d < r.reduce_ndim; ++d) r.reduce_stride[d] *= 2;
  const int parts = r.out_ndim++;
  r.out_size[parts] = 2;
  r.out_stride[parts] = r.in_stride[parts] = 1;
  r.out_numel *= 2;
  return r;
}

Status reduce_complex(ReduceOp op, DType dtype, const Reduction& r) {
  return by_dtype(ComplexTypes{}, dtype, "reduce_cuda", [&]<class T>() -> Status {
    using P = decltype(T().real);
    switch (op) {
      case ReduceOp::kSum:
        return fold<P, P, P, Sum>("sum_cuda", as_real(r), AsIs{}, AsIs{});
      case ReduceOp::kMean:
        return fold<P, P, P, Sum>("mean_cuda", as_real(r), AsIs{},
                                  DividedBy{static_cast<double>(r.reduce_numel)});
      case ReduceOp::kProd:
        return fold<T, T, T, Product>("prod_cuda", r, AsIs{}, AsIs{});
      default:
        return unsupported_dtype("reduce_cuda", dtype);
    }
  });
}

Status reduce(ReduceOp op, DType dtype, const Reduction& r, double p) {
  switch (op) {
    case ReduceOp::kAny:
      return count<bool>("any_cuda", Count::kAny, dtype, r);
    case ReduceOp::kAll:
      return count<bool>("all_cuda", Count::kAll, dtype, r);
    case ReduceOp::kCountNonzero:
      return count<int64_t>("count_nonzero_cuda", Count::kNumber, dtype, r);
    case ReduceOp::kMin:
    case ReduceOp::kMax:
      return reduce_extremum(op == ReduceOp::kMax, dtype, r, nullptr);
    default:
      break;
  }
  if (dtype >= DType::kComplex64) return reduce_complex(op, dtype, r);
  switch (op) {
    case ReduceOp::kSum:
      return by_dtype(RealAndBool{}, dtype, "sum_cuda",
                      [&]<class T>() { return fold_numbers<T, Sum>("sum_cuda", r); });
    case ReduceOp::kProd:
      return by_dtype(RealAndBool{}, dtype, "prod_cuda",
                      [&]<class T>() { return fold_numbers<T, Product>("prod_cuda", r); });
    case ReduceOp::kMean:
      return by_dtype(FloatingAndHalf{}, dtype, "mean_cuda", [&]<class T>() {
        return fold<T, Compute<T>, T, Sum>("mean_cuda", r, AsIs{},
                                           DividedBy{static_cast<double>(r.reduce_numel)});
      });
    case ReduceOp::kNanSum:
      return by_dtype(FloatingAndHalf{}, dtype, "nansum_cuda", [&]<class T>() {
        return fold<T, Compute<T>, T, Sum>("nansum_cuda", r, NanAsZero{}, AsIs{});
      });
    default:
      return by_dtype(FloatingAndHalf{}, dtype, "norm_cuda",
                      [&]<class T>() { return norm<T>(op, r, p); });
  }
}

// ---- Variance.

// Count, mean and sum of squared deviations of some elements.
template <class C>
struct Moments {
  C count, mean, square;
};

// Source: T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for
// computing sample variances", Stanford report STAN-CS-79-773 (1979).
template <class Stored>
struct VarianceRule {
  using T = Stored;
  using C = Compute<T>;
  using A = Moments<C>;
  T* out;
  T* mean;
  double denominator;
  bool root;

  TL_HD A identity() const { return {C(0), C(0), C(0)}; }
  TL_HD A map(T x, int64_t) const { return {C(1), static_cast<C>(x), C(0)}; }
  TL_HD A join(A a, A b) const {
    if (b.count == C(0)) return a;
    if (a.count == C(0)) return b;
    const C count = a.count + b.count;
    const C difference = b.mean - a.mean;
    const C share = b.count / count;
    return {count, a.mean + difference * share,
            a.square + b.square + difference * difference * a.count * share};
  }
  TL_HD void store(A result, int64_t at) const {
    const bool nothing = result.count == C(0);
    const C variance =
        (nothing ? C(0) : result.square) / static_cast<C>(denominator > 0 ? denominator : 0.0);
    out[at] = T(root ? std::sqrt(variance) : variance);
    if (mean) mean[at] = T(nothing ? C(0) / result.count : result.mean);
  }
};

Status variance(DType dtype, const Reduction& r, void* mean, double correction, bool root) {
  return by_dtype(FloatingAndHalf{}, dtype, "std_cuda", [&]<class T>() {
    return reduce_by("std_cuda",
                     VarianceRule<T>{static_cast<T*>(r.out), static_cast<T*>(mean),
                                     static_cast<double>(r.reduce_numel) - correction, root},
                     r);
  });
}

}  // namespace

void fill_reduce(ReduceKernels& table) {
  table.reduce = reduce;
  table.extremum = reduce_extremum;
  table.variance = variance;
}

}  // namespace tallow::cuda
