// Normal numbers in groups of 16 contiguous elements: eight Box-Muller pairs (j, j + 8).
//
// Source: single-precision ln, sin and cos from S. Moshier's Cephes library (polynomials and range
// reduction), with the fused operations where PyTorch 2.13's AVX2 build has them; the stream's
// golden hashes in tests/core pin every one.
#include "cpu/random.h"

namespace tallow::cpu::TALLOW_ISA {

namespace {

constexpr int64_t kGroup = 16;
constexpr int64_t kHalfGroup = kGroup / 2;
constexpr int64_t kPairs = kRandomBlock / 2;  // per block

// Natural logarithm of a normal positive float.
TALLOW_INLINE float cephes_log(float x) {
  const int32_t bits = __builtin_bit_cast(int32_t, x);
  const float mantissa = __builtin_bit_cast(float, (bits & 0x007fffff) | 0x3f000000);  // [.5, 1)
  const bool low = mantissa < 0.707106781186547524f;
  const float e = static_cast<float>((bits >> 23) - 126) - (low ? 1.0f : 0.0f);
  const float m = (mantissa - 1.0f) + (low ? mantissa : 0.0f);
  const float z = m * m;
  float y = 7.0376836292e-2f;
  y = __builtin_fmaf(y, m, -1.1514610310e-1f);
  y = __builtin_fmaf(y, m, 1.1676998740e-1f);
  y = __builtin_fmaf(y, m, -1.2420140846e-1f);
  y = __builtin_fmaf(y, m, 1.4249322787e-1f);
  y = __builtin_fmaf(y, m, -1.6668057665e-1f);
  y = __builtin_fmaf(y, m, 2.0000714765e-1f);
  y = __builtin_fmaf(y, m, -2.4999993993e-1f);
  y = __builtin_fmaf(y, m, 3.3333331174e-1f);
  y *= m;
  y = __builtin_fmaf(y, z, e * -2.12194440e-4f);
  y = __builtin_fmaf(-z, 0.5f, y);
  return __builtin_fmaf(e, 0.693359375f, m + y);
}

// Sine and cosine of x in [0, 2 pi].
TALLOW_INLINE void cephes_sincos(float x, float& sine, float& cosine) {
  const int32_t j = (static_cast<int32_t>(x * 1.27323954473516f) + 1) & ~1;  // x / (pi / 4)
  const float octant = static_cast<float>(j);
  x = __builtin_fmaf(octant, -0.78515625f, x);
  x = __builtin_fmaf(octant, -2.4187564849853515625e-4f, x);
  x = __builtin_fmaf(octant, -3.77489497744594108e-8f, x);
  const float z = x * x;
  float c = __builtin_fmaf(2.443315711809948e-5f, z, -1.388731625493765e-3f);
  c = __builtin_fmaf(c, z, 4.166664568298827e-2f);
  c *= z;
  c = __builtin_fmaf(c, z, -(z * 0.5f));
  c += 1.0f;
  float s = __builtin_fmaf(-1.9515295891e-4f, z, 8.3321608736e-3f);
  s = __builtin_fmaf(s, z, -1.6666654611e-1f);
  s *= z;
  s = __builtin_fmaf(s, x, x);
  const bool swap = (j & 2) != 0;
  const int32_t sine_sign = (j & 4) << 29;
  const int32_t cosine_sign = (~(j - 2) & 4) << 29;
  sine = __builtin_bit_cast(float, __builtin_bit_cast(int32_t, swap ? c : s) ^ sine_sign);
  cosine = __builtin_bit_cast(float, __builtin_bit_cast(int32_t, swap ? s : c) ^ cosine_sign);
}

// count (a multiple of 16, at most kRandomBlock) words -> normals, in single precision.
void transform_groups(const uint32_t* words, float* out, int64_t count, float mean, float std) {
  float first[kPairs];
  float second[kPairs];
  for (int64_t g = 0; g < count; g += kGroup) {
    for (int64_t j = 0; j < kHalfGroup; ++j) {
      const int32_t a = static_cast<int32_t>(words[g + j] & kMask24);
      const int32_t b = static_cast<int32_t>(words[g + kHalfGroup + j] & kMask24);
      first[g / 2 + j] = static_cast<float>(a) * 0x1p-24f;
      second[g / 2 + j] = static_cast<float>(b) * 0x1p-24f;
    }
  }
  for (int64_t i = 0; i < count / 2; ++i) {
    const float radius = __builtin_sqrtf(-2.0f * cephes_log(1.0f - first[i]));
    float sine;
    float cosine;
    cephes_sincos(second[i] * 6.28318530717958647692f, sine, cosine);
    first[i] = __builtin_fmaf(radius * cosine, std, mean);
    second[i] = __builtin_fmaf(radius * sine, std, mean);
  }
  for (int64_t g = 0; g < count; g += kGroup) {
    for (int64_t j = 0; j < kHalfGroup; ++j) {
      out[g + j] = first[g / 2 + j];
      out[g + kHalfGroup + j] = second[g / 2 + j];
    }
  }
}

// The same for float64, two words each, through the C library.
void transform_groups(const uint32_t* words, double* out, int64_t count, double mean, double std) {
  for (int64_t g = 0; g < count; g += kGroup) {
    for (int64_t j = 0; j < kHalfGroup; ++j) {
      const double a = static_cast<double>(bits53(words, g + j)) * 0x1p-53;
      const double b = static_cast<double>(bits53(words, g + kHalfGroup + j)) * 0x1p-53;
      const double radius = __builtin_sqrt(-2.0 * __builtin_log(1.0 - a));
      const double angle = 2.0 * 3.14159265358979323846 * b;
      out[g + j] = __builtin_fma(radius * __builtin_cos(angle), std, mean);
      out[g + kHalfGroup + j] = __builtin_fma(radius * __builtin_sin(angle), std, mean);
    }
  }
}

// float32 and float64 draw words for all n elements before those of the redrawn tail.
template <class T>
void normal_floating(RandomStream& stream, T* out, int64_t n, T mean, T std) {
  constexpr int64_t kWords = sizeof(T) / 4;
  uint32_t words[kWords * kRandomBlock];
  const int64_t full = n / kGroup * kGroup;
  for (int64_t i = 0; i < full; i += kRandomBlock) {
    const int64_t count = full - i < kRandomBlock ? full - i : kRandomBlock;
    draw_words(stream, words, kWords * count);
    transform_groups(words, out + i, count, mean, std);
  }
  if (full == n) return;
  draw_words(stream, words, kWords * (n - full));
  draw_words(stream, words, kWords * kGroup);
  transform_groups(words, out + n - kGroup, kGroup, mean, std);
}

// The half types draw nothing for the tail before redrawing it.
template <class T>
void normal_half(RandomStream& stream, T* out, int64_t n, float mean, float std) {
  uint32_t words[kRandomBlock];
  float values[kRandomBlock];
  const int64_t full = n / kGroup * kGroup;
  for (int64_t i = 0; i < full; i += kRandomBlock) {
    const int64_t count = full - i < kRandomBlock ? full - i : kRandomBlock;
    draw_words(stream, words, count);
    transform_groups(words, values, count, mean, std);
    for (int64_t k = 0; k < count; ++k) out[i + k] = T(values[k]);
  }
  if (full == n) return;
  draw_words(stream, words, kGroup);
  transform_groups(words, values, kGroup, mean, std);
  for (int64_t k = 0; k < kGroup; ++k) out[n - kGroup + k] = T(values[k]);
}

Status normal_groups(RandomStream* stream, DType dtype, void* out, int64_t n, double mean,
                     double std) {
  return dispatch(FloatingAndHalf{}, dtype, "normal_kernel_cpu", [&]<class T>() -> Status {
    T* const values = static_cast<T*>(out);
    using C = Compute<T>;
    if constexpr (sizeof(T) == 2) {
      normal_half(*stream, values, n, static_cast<C>(mean), static_cast<C>(std));
    } else {
      normal_floating(*stream, values, n, static_cast<C>(mean), static_cast<C>(std));
    }
    return Status::kOk;
  });
}

}  // namespace

void fill_random_normal(RandomKernels& table) { table.normal_groups = normal_groups; }

}  // namespace tallow::cpu::TALLOW_ISA
