// The convolution pass with groups in the lanes, where every group has one channel: a depthwise
// convolution of images too small for pixels to fill the lanes, or with channels_last on one side.
#include "cpu/conv_pass.h"
#include "cpu/gemm_transpose.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Pixels summed side by side, which hides the latency of the additions. The stage may be read this
// far behind its end.
inline constexpr int kAbreast = 8;

// sums[p] = bias + the sum of pixel p, counted from the one at `staged`.
template <class T>
TALLOW_INLINE void sum_pixels(const Image<T>& image, const T* staged, Vec<T> bias,
                              Vec<T> (&sums)[kAbreast]) {
  constexpr int kW = kLanes<T>;
#pragma GCC unroll 8
  for (int p = 0; p < kAbreast; ++p) sums[p] = Vec<T>{};
  for (int64_t l = 0; l < image.sum_length; ++l) {
    const Vec<T> factor = load(image.weight + l * kW);
    const T* const from = staged + image.table[l] * int64_t{kW};
#pragma GCC unroll 8
    for (int p = 0; p < kAbreast; ++p) sums[p] = mul_add(factor, load(from + p * kW), sums[p]);
  }
  if (!image.bias) return;
#pragma GCC unroll 8
  for (int p = 0; p < kAbreast; ++p) sums[p] += bias;
}

// Writes `pixels` pixels of a row.
template <class T>
TALLOW_INLINE void write_pixels(const Image<T>& image, const T* sums, int64_t pixels, T* out) {
  constexpr int kW = kLanes<T>;
  if (image.out_channel == 1) {
    for (int64_t p = 0; p < pixels; ++p) {
      store_some(out + p * image.out_column, load(sums + p * kW), image.channels);
    }
    return;
  }
  if (image.out_column != 1) {
    for (int64_t p = 0; p < pixels; ++p) {
      for (int64_t c = 0; c < image.channels; ++c) {
        out[c * image.out_channel + p * image.out_column] = sums[p * kW + c];
      }
    }
    return;
  }
  for (int64_t p = 0; p < pixels; p += kW) {
    Vec<T> block[kW];
#pragma GCC unroll 16
    for (int i = 0; i < kW; ++i) block[i] = load(sums + lesser(p + i, pixels - 1) * kW);
    transpose(block);
#pragma GCC unroll 16
    for (int c = 0; c < kW; ++c) {
      if (c < image.channels) {
        store_some(out + c * image.out_channel + p, block[c], lesser(pixels - p, kW));
      }
    }
  }
}

template <class T>
void compute(const Image<T>& image) {
  constexpr int kW = kLanes<T>;
  constexpr int64_t kRun = kW > kAbreast ? kW : kAbreast;  // pixels written at a time
  alignas(64) T run[kRun * kW];
  const Vec<T> bias = image.bias ? load_some(image.bias, image.channels) : Vec<T>{};
  for (int64_t y = 0; y < image.rows; ++y) {
    for (int64_t x = 0; x < image.columns; x += kRun) {
      const int64_t pixels = lesser(image.columns - x, kRun);
      for (int64_t p = 0; p < pixels; p += kAbreast) {
        Vec<T> sums[kAbreast];
        sum_pixels(image, image.staged + (y * image.pitch + x + p) * kW, bias, sums);
#pragma GCC unroll 8
        for (int i = 0; i < kAbreast; ++i) store(run + (p + i) * kW, sums[i]);
      }
      write_pixels(image, run, pixels, image.out + y * image.out_row + x * image.out_column);
    }
  }
}

}  // namespace

void compute_groups(const Image<float>& image) { compute(image); }
void compute_groups(const Image<double>& image) { compute(image); }

}  // namespace tallow::cpu::TALLOW_ISA
