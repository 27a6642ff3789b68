// The convolution pass with groups in the lanes, where every group has one channel: a depthwise
// convolution of images too small for pixels to fill the lanes, or with channels_last on one side.
#include "cpu/conv_pass.h"
#include "cpu/gemm_transpose.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Pixels summed side by side, which hides the latency of the additions. The stage may be read this
// far behind its end.
inline constexpr int kAbreast = 8;

// In which direction the taps go that come in threes of neighbours, 0 if they do not.
template <class T>
int direction_of_threes(const Image<T>& image) {
  if (image.sum_length < 3 || image.sum_length % 3 != 0) return 0;
  const int32_t step = image.table[1] - image.table[0];
  if (step != 1 && step != -1) return 0;
  for (int64_t l = 0; l < image.sum_length; l += 3) {
    if (image.table[l + 1] != image.table[l] + step) return 0;
    if (image.table[l + 2] != image.table[l] + 2 * step) return 0;
  }
  return step;
}

// Adds the products of the taps from `l` on to the pixels counted from the one at `staged`: of one
// tap, or of three if kDirection is not 0, each of whose pixels is loaded once.
template <class T, int kDirection>
TALLOW_INLINE void add_taps(const Image<T>& image, const T* staged, int64_t l,
                            Vec<T> (&sums)[kAbreast]) {
  constexpr int kW = kLanes<T>;
  constexpr int kTaps = kDirection == 0 ? 1 : 3;
  Vec<T> factor[kTaps];
#pragma GCC unroll 3
  for (int k = 0; k < kTaps; ++k) factor[k] = load(image.weight + (l + k) * kW);
  const T* const from = staged + image.table[l] * int64_t{kW};
#pragma GCC unroll 16
  for (int i = 0; i < kAbreast + kTaps - 1; ++i) {
    // Along the taps, so that each sum gets its products in their order.
    const int at = kDirection >= 0 ? i : kAbreast - 1 - i;
    const Vec<T> value = load(from + at * kW);
#pragma GCC unroll 3
    for (int k = 0; k < kTaps; ++k) {
      const int p = at - kDirection * k;
      if (p >= 0 && p < kAbreast) sums[p] = mul_add(factor[k], value, sums[p]);
    }
  }
}

// sums[p] = bias + the sum of pixel p, counted from the one at `staged`.
template <class T, int kDirection>
void sum_pixels(const Image<T>& image, const T* staged, Vec<T> bias, T* to) {
  constexpr int kW = kLanes<T>;
  Vec<T> sums[kAbreast];
#pragma GCC unroll 8
  for (int p = 0; p < kAbreast; ++p) sums[p] = Vec<T>{};
  for (int64_t l = 0; l < image.sum_length; l += kDirection == 0 ? 1 : 3) {
    add_taps<T, kDirection>(image, staged, l, sums);
  }
#pragma GCC unroll 8
  for (int p = 0; p < kAbreast; ++p) store(to + p * kW, image.bias ? sums[p] + bias : sums[p]);
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
  const int direction = direction_of_threes(image);
  const auto sum = direction == 0  ? sum_pixels<T, 0>
                   : direction > 0 ? sum_pixels<T, 1>
                                   : sum_pixels<T, -1>;
  for (int64_t y = 0; y < image.rows; ++y) {
    for (int64_t x = 0; x < image.columns; x += kRun) {
      const int64_t pixels = lesser(image.columns - x, kRun);
      for (int64_t p = 0; p < pixels; p += kAbreast) {
        sum(image, image.staged + (y * image.pitch + x + p) * kW, bias, run + p * kW);
      }
      write_pixels(image, run, pixels, image.out + y * image.out_row + x * image.out_column);
    }
  }
}

}  // namespace

void compute_groups(const Image<float>& image) { compute(image); }
void compute_groups(const Image<double>& image) { compute(image); }

}  // namespace tallow::cpu::TALLOW_ISA
