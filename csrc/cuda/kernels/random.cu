// Element-by-element distributions. Element i uses the words of block i / 4 (of 32 bits) or i / 2
// (of 64).
#include "cuda/kernels/philox.h"

#include <cmath>

#include "backend/random.h"
#include "cuda/kernels/layout.h"
#include "cuda/kernels/table.h"

namespace tallow::cuda {

void fill_random_discrete(RandomKernels& table);

namespace {

inline constexpr double kPi = 3.14159265358979323846;

// ---- Distributions: element k of a block of words.

template <class T>
struct Uniform {
  using C = Compute<T>;
  static constexpr int kPerBlock = kDrawsPerBlock<C>;
  C from, to;
  TL_HD T operator()(const RandomWords& words, int k) const {
    const T value = T(std::fma(unit(draw_of<C>(words, k)), to - from, from));
    // Rounding may reach the end, which does not belong to the interval.
    return static_cast<C>(value) == static_cast<C>(T(to)) ? T(from) : value;
  }
};

template <class T>
struct Bernoulli {
  static constexpr int kPerBlock = 4;
  uint64_t threshold;  // of 2^32
  TL_HD T operator()(const RandomWords& words, int k) const {
    return T(static_cast<Compute<T>>(words.word(k) < threshold ? 1 : 0));
  }
};

template <class T>
struct Exponential {
  using C = Compute<T>;
  static constexpr int kPerBlock = kDrawsPerBlock<C>;
  C rate;
  TL_HD T operator()(const RandomWords& words, int k) const {
    return T(-std::log(positive_unit(draw_of<C>(words, k))) / rate);
  }
};

template <class T>
struct Geometric {
  static constexpr int kPerBlock = 2;
  double log_failure;  // log(1 - p)
  TL_HD T operator()(const RandomWords& words, int k) const {
    const double trials = std::ceil(std::log(positive_unit(words.wide(k))) / log_failure);
    return T(static_cast<Compute<T>>(trials < 1 ? 1 : trials));
  }
};

template <class T>
struct Cauchy {
  using C = Compute<T>;
  static constexpr int kPerBlock = kDrawsPerBlock<C>;
  C median, scale;
  TL_HD T operator()(const RandomWords& words, int k) const {
    return T(median + scale * std::tan(C(kPi) * (unit(draw_of<C>(words, k)) - C(0.5))));
  }
};

// Source: G. E. P. Box and M. E. Muller, "A note on the generation of random normal deviates",
// Annals of Mathematical Statistics 29 (1958).
template <class T, bool kExponential>
struct Normal {
  using C = Compute<T>;
  static constexpr int kPerBlock = kDrawsPerBlock<C>;
  C mean, std;
  TL_HD T operator()(const RandomWords& words, int k) const {
    const int pair = k / 2 * 2;
    const C radius = std::sqrt(C(-2) * std::log(positive_unit(draw_of<C>(words, pair))));
    const C angle = C(2 * kPi) * unit(draw_of<C>(words, pair + 1));
    const C z = radius * (k == pair ? std::cos(angle) : std::sin(angle));
    const C value = std::fma(z, std, mean);
    return T(kExponential ? std::exp(value) : value);
  }
};

// base + a number below `range`; 0 stands for any 64 bits.
template <class T, bool kWide>
struct Integers {
  static constexpr int kPerBlock = kWide ? 2 : 4;
  uint64_t base, range;
  TL_HD T operator()(const RandomWords& words, int k) const {
    uint64_t value;
    if constexpr (kWide) {
      value = range == 0 ? words.wide(k) : words.wide(k) % range;
    } else {
      value = words.word(k) * range >> 32;
    }
    return T(static_cast<Compute<T>>(static_cast<int64_t>(base + value)));
  }
};

template <class T, class D>
__global__ void fill_blocks(PhiloxState state, T* out, Layout<1> layout, int64_t n, D draw) {
  constexpr int kPer = D::kPerBlock;
  for (int64_t block = global_index(); block * kPer < n; block += grid_stride()) {
    const RandomWords words = random_block(state, static_cast<uint64_t>(block));
    TL_UNROLL
    for (int k = 0; k < kPer; ++k) {
      if (block * kPer + k >= n) break;
      int64_t at[1];
      layout.offsets(block * kPer + k, at);
      out[at[0]] = draw(words, k);
    }
  }
}

template <class T, class D>
Status draw(RandomStream* stream, const Strided<1>& out, const D& distribution) {
  if (out.numel == 0) return Status::kOk;
  TALLOW_CUDA_TRY(check_dims("random", out.ndim));
  const int64_t blocks = blocks_for(out.numel, D::kPerBlock);
  TALLOW_CUDA_TRY(launch(threads_for(blocks, 1), fill_blocks<T, D>, stream->philox,
                         static_cast<T*>(out.data[0]), layout_of(out), out.numel, distribution));
  stream->philox.offset += static_cast<uint64_t>(blocks);
  return Status::kOk;
}

Strided<1> contiguous_space(void* out, int64_t n) {
  Strided<1> space;
  space.data[0] = out;
  space.numel = n;
  space.ndim = 1;
  space.size[0] = n;
  space.stride[0][0] = 1;
  return space;
}

template <bool kExponential>
Status draw_normal(RandomStream* stream, DType dtype, const Strided<1>& out, double mean,
                   double std) {
  return by_dtype(FloatingAndHalf{}, dtype, "normal_kernel_cuda", [&]<class T>() {
    using C = Compute<T>;
    return draw<T>(stream, out, Normal<T, kExponential>{static_cast<C>(mean), static_cast<C>(std)});
  });
}

Status integers(RandomStream* stream, DType dtype, const Strided<1>& out, int64_t base,
                uint64_t range) {
  constexpr uint64_t kNarrow = uint64_t{1} << 24;  // beyond, 32 bits would favour some values
  return by_dtype(RealAndBool{}, dtype, "random_from_to_kernel_cuda", [&]<class T>() {
    const uint64_t first = static_cast<uint64_t>(base);
    return range != 0 && range <= kNarrow ? draw<T>(stream, out, Integers<T, false>{first, range})
                                          : draw<T>(stream, out, Integers<T, true>{first, range});
  });
}

// The number of values random_() draws from: all non-negative integers the type holds exactly.
template <class T>
constexpr uint64_t full_range() {
  if constexpr (std::is_same_v<T, bool>) {
    return 2;
  } else if constexpr (std::is_integral_v<T>) {
    return uint64_t{1} << (8 * sizeof(T) - (std::is_signed_v<T> ? 1 : 0));
  } else {
    return (uint64_t{1} << (std::is_same_v<T, Half>       ? 11
                            : std::is_same_v<T, BFloat16> ? 8
                            : std::is_same_v<T, float>    ? 24
                                                          : 53)) +
           1;
  }
}

Status fill(RandomStream* stream, RandomFill kind, DType dtype, const Strided<1>& out, double a,
            double b) {
  switch (kind) {
    case RandomFill::kUniform:
      return by_dtype(FloatingAndHalf{}, dtype, "uniform_cuda", [&]<class T>() {
        using C = Compute<T>;
        return draw<T>(stream, out, Uniform<T>{static_cast<C>(a), static_cast<C>(b)});
      });
    case RandomFill::kBernoulli:
      return by_dtype(RealAndBool{}, dtype, "bernoulli_scalar_cuda_", [&]<class T>() {
        return draw<T>(stream, out, Bernoulli<T>{static_cast<uint64_t>(a * 0x1p32)});
      });
    case RandomFill::kExponential:
      return by_dtype(FloatingAndHalf{}, dtype, "exponential_cuda", [&]<class T>() {
        return draw<T>(stream, out, Exponential<T>{static_cast<Compute<T>>(a)});
      });
    case RandomFill::kGeometric:
      return by_dtype(Real{}, dtype, "geometric_cuda", [&]<class T>() {
        return draw<T>(stream, out, Geometric<T>{std::log1p(-a)});
      });
    case RandomFill::kCauchy:
      return by_dtype(FloatingAndHalf{}, dtype, "cauchy_cuda", [&]<class T>() {
        using C = Compute<T>;
        return draw<T>(stream, out, Cauchy<T>{static_cast<C>(a), static_cast<C>(b)});
      });
    case RandomFill::kNormal:
      return draw_normal<false>(stream, dtype, out, a, b);
    case RandomFill::kLogNormal:
      return draw_normal<true>(stream, dtype, out, a, b);
    case RandomFill::kIntegers:
      break;
  }
  return by_dtype(RealAndBool{}, dtype, "random_kernel_cuda",
                  [&]<class T>() { return integers(stream, dtype, out, 0, full_range<T>()); });
}

Status normal_groups(RandomStream* stream, DType dtype, void* out, int64_t n, double mean,
                     double std) {
  return draw_normal<false>(stream, dtype, contiguous_space(out, n), mean, std);
}

}  // namespace

void fill_random(RandomKernels& table) {
  table.fill = fill;
  table.normal_groups = normal_groups;
  table.integers = integers;
  fill_random_discrete(table);
}

}  // namespace tallow::cuda
