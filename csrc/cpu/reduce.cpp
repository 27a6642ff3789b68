// Sums, products, norms and variances of floating-point numbers, see reduce_tree.h for the order of
// evaluation, and of complex ones.
#include "backend/reduce.h"

#include <cmath>

#include "cpu/reduce_walk.h"
#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {

Status reduce_extremum(bool largest, DType dtype, const Reduction& r, int64_t* indices);
Status reduce_integers(ReduceOp op, DType dtype, const Reduction& r);
Status reduce_counts(ReduceOp op, DType dtype, const Reduction& r);

namespace {

// One fold per output, then finish(folded) is stored as Out.
template <class A, class Join, class Map, class Out, class Finish>
Status fold_and_store(const Reduction& r, const Reader<A>& reader, const Finish& finish) {
  constexpr int64_t kFew = 16;
  A few[kFew];
  Scratch<A> many(r.out_numel > kFew ? r.out_numel : 0);
  if (r.out_numel > kFew && !many) return many.failure();
  A* const results = r.out_numel > kFew ? many.get() : few;
  if (r.reduce_numel == 0) {
    // + 0 makes the -0.0 that sums start from the 0.0 that a sum of nothing is.
    for (int64_t o = 0; o < r.out_numel; ++o) results[o] = Join::template identity<A> + A(0);
  } else if (r.out_numel > 0) {
    const Status status = fold_all<A, Join, Map>(r, reader, nullptr, &results);
    if (status != Status::kOk) return status;
  }
  Out* const out = static_cast<Out*>(r.out);
  if (r.out_ndim == 1 && r.out_stride[0] == 1) {
    for (int64_t o = 0; o < r.out_numel; ++o) out[o] = static_cast<Out>(finish(results[o]));
    return Status::kOk;
  }
  for_each_output(r,
                  [&](int64_t at, int64_t o) { out[at] = static_cast<Out>(finish(results[o])); });
  return Status::kOk;
}

constexpr auto kAsFolded = [](auto x) { return x; };

template <class T, class Join>
Status fold_numbers(const Reduction& r) {
  using A = Compute<T>;
  if constexpr (std::is_same_v<Join, Add>) {
    return fold_and_store<A, Add, Identity, T>(r, sum_reader<T, A>(), kAsFolded);
  } else {
    return fold_and_store<A, Join, Identity, T>(r, reader<T, A>(), kAsFolded);
  }
}

// Is any of the results NaN?
template <class T>
bool has_nan(const Reduction& r) {
  bool found = false;
  for_each_output(r, [&](int64_t at, int64_t) {
    const Compute<T> x = static_cast<Compute<T>>(static_cast<const T*>(r.out)[at]);
    found = found || x != x;
  });
  return found;
}

struct NanAsZero {
  template <class A>
  TALLOW_INLINE A operator()(A x, double) const {
    return x == x ? x : A(0);
  }
};
struct Magnitude {
  template <class A>
  TALLOW_INLINE A operator()(A x, double) const {
    return std::fabs(x);
  }
};
struct NegatedMagnitude {
  template <class A>
  TALLOW_INLINE A operator()(A x, double) const {
    return -std::fabs(x);
  }
};
struct Power {
  template <class A>
  TALLOW_INLINE A operator()(A x, double p) const {
    return std::pow(std::fabs(x), static_cast<A>(p));
  }
};

// Norms, and the extrema that share their folds.
template <class T>
Status fold_norm(ReduceOp op, const Reduction& r, double p) {
  using A = Compute<T>;
  switch (op) {
    case ReduceOp::kMax:
      return fold_and_store<A, Maximum, Identity, T>(r, reader<T, A>(), kAsFolded);
    case ReduceOp::kMin:
      return fold_and_store<A, Minimum, Identity, T>(r, reader<T, A>(), kAsFolded);
    case ReduceOp::kNormOne:
      return fold_and_store<A, Add, Identity, T>(r, reader<T, A, Magnitude>(), kAsFolded);
    case ReduceOp::kNormTwo:
      return fold_and_store<A, Add, Square, T>(r, reader<T, A>(), [](A x) { return std::sqrt(x); });
    case ReduceOp::kNormInf:
      return fold_and_store<A, Maximum, Identity, T>(r, reader<T, A, Magnitude>(), kAsFolded);
    case ReduceOp::kNormNegInf:
      return fold_and_store<A, Maximum, Identity, T>(r, reader<T, A, NegatedMagnitude>(),
                                                     [](A x) { return -x; });
    default: {
      const A root = A(1) / static_cast<A>(p);
      return fold_and_store<A, Add, Identity, T>(r, reader<T, A, Power>(p),
                                                 [&](A x) { return std::pow(x, root); });
    }
  }
}

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

template <class T>
Status multiply_complex(const Reduction& r) {
  const T* const in = static_cast<const T*>(r.in);
  T* const out = static_cast<T*>(r.out);
  Cursor kept(r.out_ndim, r.out_size, r.in_stride, 0);
  for_each_output(r, [&](int64_t at, int64_t) {
    T product(1);
    Cursor reduced(r.reduce_ndim, r.reduce_size, r.reduce_stride, 0);
    for (int64_t i = 0; i < r.reduce_numel; ++i, reduced.advance(1)) {
      product = product * in[kept.offset() + reduced.offset()];
    }
    out[at] = product;
    kept.advance(1);
  });
  return Status::kOk;
}

template <class T>
Status count_complex(ReduceOp op, const Reduction& r) {
  const T* const in = static_cast<const T*>(r.in);
  Cursor kept(r.out_ndim, r.out_size, r.in_stride, 0);
  for_each_output(r, [&](int64_t at, int64_t) {
    int64_t count = 0;
    Cursor reduced(r.reduce_ndim, r.reduce_size, r.reduce_stride, 0);
    for (int64_t i = 0; i < r.reduce_numel; ++i, reduced.advance(1)) {
      count += in[kept.offset() + reduced.offset()] != T(0);
    }
    if (op == ReduceOp::kCountNonzero) {
      static_cast<int64_t*>(r.out)[at] = count;
    } else {
      static_cast<bool*>(r.out)[at] = op == ReduceOp::kAny ? count > 0 : count == r.reduce_numel;
    }
    kept.advance(1);
  });
  return Status::kOk;
}

Status reduce_complex(ReduceOp op, DType dtype, const Reduction& r) {
  return dispatch(ComplexTypes{}, dtype, "reduce", [&]<class T>() -> Status {
    using A = decltype(T{}.real);
    const A count = static_cast<A>(r.reduce_numel);
    switch (op) {
      case ReduceOp::kSum:
        return fold_numbers<A, Add>(as_real(r));
      case ReduceOp::kMean:
        return fold_and_store<A, Add, Identity, A>(as_real(r), reader<A, A>(),
                                                   [&](A x) { return x / count; });
      case ReduceOp::kProd:
        return multiply_complex<T>(r);
      case ReduceOp::kAny:
      case ReduceOp::kAll:
      case ReduceOp::kCountNonzero:
        return count_complex<T>(op, r);
      default:
        return unsupported_dtype("reduce", dtype);
    }
  });
}

Status reduce(ReduceOp op, DType dtype, const Reduction& r, double p) {
  if (dtype == DType::kComplex64 || dtype == DType::kComplex128) {
    return reduce_complex(op, dtype, r);
  }
  switch (op) {
    case ReduceOp::kSum:
    case ReduceOp::kProd:
      if (!is_differentiable(dtype)) return reduce_integers(op, dtype, r);
      return dispatch(FloatingAndHalf{}, dtype, "sum_cpu", [&]<class T>() -> Status {
        return op == ReduceOp::kSum ? fold_numbers<T, Add>(r) : fold_numbers<T, Multiply>(r);
      });
    case ReduceOp::kMean:
      return dispatch(FloatingAndHalf{}, dtype, "mean_cpu", [&]<class T>() -> Status {
        using A = Compute<T>;
        const A count = static_cast<A>(r.reduce_numel);
        return fold_and_store<A, Add, Identity, T>(r, sum_reader<T, A>(),
                                                   [&](A x) { return x / count; });
      });
    case ReduceOp::kNanSum:
      return dispatch(FloatingAndHalf{}, dtype, "nansum_cpu", [&]<class T>() -> Status {
        // Hardly ever is there a NaN, and without one the sum is the same.
        const Status status = fold_numbers<T, Add>(r);
        if (status != Status::kOk || !has_nan<T>(r)) return status;
        using A = Compute<T>;
        return fold_and_store<A, Add, Identity, T>(r, reader<T, A, NanAsZero>(), kAsFolded);
      });
    case ReduceOp::kMin:
    case ReduceOp::kMax:
      if (dtype >= DType::kFloat16 && r.reduce_numel > 0 &&
          ((has_short_rows(r) && r.reduce_numel <= kLeaf / 2) || prefers_columns(r))) {
        return dispatch(FloatingAndHalf{}, dtype, "amax",
                        [&]<class T>() -> Status { return fold_norm<T>(op, r, p); });
      }
      return reduce_extremum(op == ReduceOp::kMax, dtype, r, nullptr);
    case ReduceOp::kAny:
    case ReduceOp::kAll:
    case ReduceOp::kCountNonzero:
    case ReduceOp::kNormZero:
      return reduce_counts(op, dtype, r);
    default:
      return dispatch(FloatingAndHalf{}, dtype, "norm_cpu",
                      [&]<class T>() -> Status { return fold_norm<T>(op, r, p); });
  }
}

// Two passes: the mean, then the sums of x - mean and of its square. The first of these corrects
// for the rounding of the mean.
// Source: T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance:
// analysis and recommendations", The American Statistician 37 (1983), formula 1.7.
template <class T>
Status variance_of(const Reduction& r, T* mean, double correction, bool root) {
  using A = Compute<T>;
  const double denominator = static_cast<double>(r.reduce_numel) - correction > 0
                                 ? static_cast<double>(r.reduce_numel) - correction
                                 : 0.0;
  const A count = static_cast<A>(r.reduce_numel);
  Scratch<A> scratch(r.out_numel * 3);
  if (!scratch) return scratch.failure();
  A* const center = scratch.get();
  A* const first = center + r.out_numel;
  A* const second = first + r.out_numel;
  if (r.reduce_numel == 0) {
    for (int64_t o = 0; o < r.out_numel; ++o) center[o] = first[o] = second[o] = A(0);
  } else if (r.out_numel > 0) {
    A* const sums[1] = {center};
    Status status = fold_all<A, Add, Identity>(r, sum_reader<T, A>(), nullptr, sums);
    if (status != Status::kOk) return status;
    for (int64_t o = 0; o < r.out_numel; ++o) center[o] /= count;
    A* const moments[2] = {first, second};
    status = fold_all<A, Add, Deviation, SquaredDeviation>(r, reader<T, A>(), center, moments);
    if (status != Status::kOk) return status;
  }
  for_each_output(r, [&](int64_t at, int64_t o) {
    const A shift = first[o] / count;
    const A variance = (second[o] - first[o] * shift) / static_cast<A>(denominator);
    static_cast<T*>(r.out)[at] = T(root ? std::sqrt(variance) : variance);
    if (mean) mean[at] = T(center[o] + shift);
  });
  return Status::kOk;
}

Status variance(DType dtype, const Reduction& r, void* mean, double correction, bool root) {
  return dispatch(FloatingAndHalf{}, dtype, "std_cpu", [&]<class T>() -> Status {
    return variance_of<T>(r, static_cast<T*>(mean), correction, root);
  });
}

}  // namespace

void fill_reduce(ReduceKernels& table) {
  table.reduce = reduce;
  table.extremum = reduce_extremum;
  table.variance = variance;
}

}  // namespace tallow::cpu::TALLOW_ISA
