// Element-by-element distributions: uniform, bernoulli, exponential, geometric, cauchy, normal in
// double, integers.
//
// Every formula that could be contracted names its fused operations, because the stream must not
// depend on the compiler or the instruction set.
// Source: transformations as in PyTorch 2.13's CPU generator, pinned by tests/core/test_random.py.
#include "cpu/random.h"

#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {

namespace {

// Calls generate(values, count) for consecutive blocks of elements and stores them to `out`, whose
// runs may be strided.
template <class T, class Generate>
void fill_blocks(const Strided<1>& out, const Generate& generate) {
  T* const data = static_cast<T*>(out.data[0]);
  const bool contiguous = out.ndim == 0 || (out.ndim == 1 && out.stride[0][0] == 1);
  if (contiguous) {
    for (int64_t i = 0; i < out.numel; i += kRandomBlock) {
      generate(data + i, out.numel - i < kRandomBlock ? out.numel - i : kRandomBlock);
    }
    return;
  }
  T block[kRandomBlock];
  int64_t index[kMaxDims] = {};
  int64_t offset = 0;
  for (int64_t i = 0; i < out.numel; i += kRandomBlock) {
    const int64_t count = out.numel - i < kRandomBlock ? out.numel - i : kRandomBlock;
    generate(block, count);
    for (int64_t k = 0; k < count; ++k) {
      data[offset] = block[k];
      for (int d = out.ndim - 1; d >= 0; --d) {
        offset += out.stride[0][d];
        if (++index[d] < out.size[d]) break;
        offset -= out.stride[0][d] * out.size[d];
        index[d] = 0;
      }
    }
  }
}

template <class T>
TALLOW_INLINE T from_double(double value) {
  return T(static_cast<Compute<T>>(value));
}

Status fill_uniform(RandomStream& stream, DType dtype, const Strided<1>& out, double a, double b) {
  return dispatch(FloatingAndHalf{}, dtype, "uniform", [&]<class T>() -> Status {
    using C = Compute<T>;
    const C from = static_cast<C>(a);
    const C to = static_cast<C>(b);
    const C width = to - from;
    const C rounded_to = T(to);
    fill_blocks<T>(out, [&](T* values, int64_t count) {
      uint32_t words[2 * kRandomBlock];
      if constexpr (sizeof(C) == 8) {
        draw_words(stream, words, 2 * count);
        for (int64_t i = 0; i < count; ++i) {
          const double x = static_cast<double>(static_cast<int64_t>(bits53(words, i))) * 0x1p-53;
          const double value = __builtin_fma(x, width, from);
          values[i] = value == to ? from : value;
        }
      } else {
        draw_words(stream, words, count);
        for (int64_t i = 0; i < count; ++i) {
          const float x = static_cast<float>(static_cast<int32_t>(words[i] & kMask24)) * 0x1p-24f;
          const T value = T(__builtin_fmaf(x, width, from));
          values[i] = static_cast<C>(value) == rounded_to ? T(from) : value;
        }
      }
    });
    return Status::kOk;
  });
}

Status fill_bernoulli(RandomStream& stream, DType dtype, const Strided<1>& out, double p) {
  const int64_t threshold = threshold53(p);
  return dispatch(RealAndBool{}, dtype, "bernoulli_scalar_cpu_", [&]<class T>() -> Status {
    fill_blocks<T>(out, [&](T* values, int64_t count) {
      uint32_t words[2 * kRandomBlock];
      draw_words(stream, words, 2 * count);
      for (int64_t i = 0; i < count; ++i) {
        const bool hit = static_cast<int64_t>(bits53(words, i)) < threshold;
        values[i] = T(static_cast<Compute<T>>(hit ? 1 : 0));
      }
    });
    return Status::kOk;
  });
}

// Distributions computed one by one in double, through the C library.
template <class Types, class Next>
Status fill_scalar(DType dtype, const Strided<1>& out, const char* op, const Next& next) {
  return dispatch(Types{}, dtype, op, [&]<class T>() -> Status {
    fill_blocks<T>(out, [&](T* values, int64_t count) {
      for (int64_t i = 0; i < count; ++i) values[i] = from_double<T>(next());
    });
    return Status::kOk;
  });
}

// word % range for 1 < range < 2^28, through a quotient in double that may be one off; compilers
// vectorise this, unlike a division.
TALLOW_INLINE uint32_t remainder_of(uint32_t word, uint32_t range, double inverse) {
  const uint32_t quotient = static_cast<uint32_t>(static_cast<int32_t>(word * inverse));
  int32_t rest = static_cast<int32_t>(word - quotient * range);
  rest += rest < 0 ? static_cast<int32_t>(range) : 0;
  rest -= rest >= static_cast<int32_t>(range) ? static_cast<int32_t>(range) : 0;
  return static_cast<uint32_t>(rest);
}

// base + word % range, as T; range 0: any 64 bits. Two words where one would favour small values.
template <class T>
void fill_range(RandomStream& stream, const Strided<1>& out, uint64_t base, uint64_t range) {
  constexpr uint64_t kOneWord = uint64_t{1} << 28;
  const bool one_word = range > 1 && range < kOneWord;
  const uint32_t divisor = static_cast<uint32_t>(range);
  const double inverse = 1.0 / static_cast<double>(range);
  fill_blocks<T>(out, [&](T* values, int64_t count) {
    uint32_t words[2 * kRandomBlock];
    draw_words(stream, words, range != 0 && range < kOneWord ? count : 2 * count);
    for (int64_t i = 0; one_word && i < count; ++i) {
      const uint64_t value = base + remainder_of(words[i], divisor, inverse);
      values[i] = T(static_cast<Compute<T>>(static_cast<int64_t>(value)));
    }
    for (int64_t i = 0; !one_word && i < count; ++i) {
      uint64_t value = base;
      if (range != 1) {
        const uint64_t word = static_cast<uint64_t>(words[2 * i]) << 32 | words[2 * i + 1];
        value = range != 0 ? base + word % range : word;
      }
      values[i] = T(static_cast<Compute<T>>(static_cast<int64_t>(value)));
    }
  });
}

Status integers(RandomStream* stream, DType dtype, const Strided<1>& out, int64_t base,
                uint64_t range) {
  return dispatch(RealAndBool{}, dtype, "random_from_to_kernel_cpu", [&]<class T>() -> Status {
    fill_range<T>(*stream, out, static_cast<uint64_t>(base), range);
    return Status::kOk;
  });
}

// The number of values random_() draws from: all non-negative integers the type holds exactly.
template <class T>
constexpr uint64_t full_range() {
  if constexpr (dtype_of<T> == DType::kBool) return 2;
  if constexpr (dtype_of<T> == DType::kFloat16) return (uint64_t{1} << 11) + 1;
  if constexpr (dtype_of<T> == DType::kBFloat16) return (uint64_t{1} << 8) + 1;
  if constexpr (dtype_of<T> == DType::kFloat32) return (uint64_t{1} << 24) + 1;
  if constexpr (dtype_of<T> == DType::kFloat64) return (uint64_t{1} << 53) + 1;
  if constexpr (dtype_of<T> == DType::kUInt8) return 256;
  return uint64_t{1} << (8 * sizeof(T) - 1);
}

Status fill_integers(RandomStream& stream, DType dtype, const Strided<1>& out) {
  return dispatch(RealAndBool{}, dtype, "random_kernel_cpu", [&]<class T>() -> Status {
    constexpr uint64_t kRange = full_range<T>();
    fill_blocks<T>(out, [&](T* values, int64_t count) {
      uint32_t words[2 * kRandomBlock];
      constexpr bool kWide = sizeof(T) == 8;
      draw_words(stream, words, kWide ? 2 * count : count);
      for (int64_t i = 0; i < count; ++i) {
        uint64_t word = words[i];
        if constexpr (kWide) word = static_cast<uint64_t>(words[2 * i]) << 32 | words[2 * i + 1];
        values[i] = T(static_cast<Compute<T>>(static_cast<int64_t>(word % kRange)));
      }
    });
    return Status::kOk;
  });
}

Status fill(RandomStream* stream, RandomFill kind, DType dtype, const Strided<1>& out, double a,
            double b) {
  switch (kind) {
    case RandomFill::kUniform:
      return fill_uniform(*stream, dtype, out, a, b);
    case RandomFill::kBernoulli:
      return fill_bernoulli(*stream, dtype, out, a);
    case RandomFill::kExponential:
      return fill_scalar<FloatingAndHalf>(dtype, out, "exponential_cpu", [&] {
        return -1.0 / a * __builtin_log1p(-draw_double(*stream));
      });
    case RandomFill::kGeometric:
      return fill_scalar<Real>(dtype, out, "geometric_cpu", [&] {
        return __builtin_ceil(__builtin_log(draw_double(*stream)) / __builtin_log1p(-a));
      });
    case RandomFill::kCauchy:
      return fill_scalar<FloatingAndHalf>(dtype, out, "cauchy_cpu", [&] {
        constexpr double kPi = 3.14159265358979323846;
        return __builtin_fma(b, __builtin_tan(kPi * (draw_double(*stream) - 0.5)), a);
      });
    case RandomFill::kNormal:
      return fill_scalar<FloatingAndHalf>(dtype, out, "normal_kernel_cpu", [&] {
        return __builtin_fma(draw_normal(*stream), b, a);
      });
    case RandomFill::kLogNormal:
      return fill_scalar<FloatingAndHalf>(dtype, out, "log_normal_cpu", [&] {
        return __builtin_exp(__builtin_fma(draw_normal(*stream), b, a));
      });
    case RandomFill::kIntegers:
      return fill_integers(*stream, dtype, out);
  }
  return Status::kNotImplemented;
}

}  // namespace

void fill_random(RandomKernels& table) {
  table.fill = fill;
  table.integers = integers;
  fill_random_normal(table);
  fill_random_discrete(table);
}

}  // namespace tallow::cpu::TALLOW_ISA
