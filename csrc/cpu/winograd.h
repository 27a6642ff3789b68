// The transforms of the Winograd convolution F(4x4, 3x3).
//
// A one-dimensional convolution of 6 pixels d with 3 taps g gives 4 outputs. Seen as polynomials,
// its transpose is a product of degree 5, which is known from its values at 6 points: 6
// multiplications instead of 12. With the matrices below
//
//   output = A^T ((G g) * (B^T d))        (* element by element)
//
// and in two dimensions the matrices act on rows and columns: 36 multiplications give 4 x 4
// outputs, which take 144 directly. G depends on the weights alone; summing over channels happens
// between the transforms, so the 36 products are 36 matrix products over tiles and channels.
//
// The points decide about accuracy. The usual 0, 1, -1, 2, -2 and infinity lose twice as much as
// 0, 5/8, -5/8, 3/2, -3/2 and infinity, whose powers are also exact in binary.
// Source: Lavin and Gray, arXiv 1509.09308; Barabasz et al., arXiv 1803.10986 (choice of points).
#pragma once

#include "cpu/conv.h"
#include "cpu/gemm_transpose.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA::winograd {
namespace {

using Lanes = Vec<float>;
inline constexpr int kWidth = kLanes<float>;

inline constexpr int kTile = 4;                   // outputs of a tile, each way
inline constexpr int kTaps = 3;                   // taps of the kernel
inline constexpr int kPatch = kTile + kTaps - 1;  // pixels a tile sees
inline constexpr int kPoints = kPatch * kPatch;

// The points are 0, +-kA, +-kB and infinity.
inline constexpr double kA = 5.0 / 8.0, kB = 3.0 / 2.0;
inline constexpr double kA2 = kA * kA, kB2 = kB * kB;

TALLOW_INLINE Lanes times(double factor, Lanes v) { return splat<Lanes>(factor) * v; }
TALLOW_INLINE Lanes plus_times(Lanes sum, double factor, Lanes v) {
  return mul_add(splat<Lanes>(factor), v, sum);
}

// B^T d: row p holds the coefficients of the product of (x - q) over all points q but p.
struct PixelTransform {
  TALLOW_INLINE void operator()(const Lanes (&d)[kPatch], Lanes (&v)[kPatch]) const {
    const Lanes even_a = plus_times(d[4], -kB2, d[2]);
    const Lanes odd_a = plus_times(d[3], -kB2, d[1]);
    const Lanes even_b = plus_times(d[4], -kA2, d[2]);
    const Lanes odd_b = plus_times(d[3], -kA2, d[1]);
    v[0] = plus_times(plus_times(d[4], -(kA2 + kB2), d[2]), kA2 * kB2, d[0]);
    v[1] = plus_times(even_a, kA, odd_a);
    v[2] = plus_times(even_a, -kA, odd_a);
    v[3] = plus_times(even_b, kB, odd_b);
    v[4] = plus_times(even_b, -kB, odd_b);
    v[5] = plus_times(plus_times(d[5], -(kA2 + kB2), d[3]), kA2 * kB2, d[1]);
  }
};

// One over the product of a point's distances from the other points.
inline constexpr double kAtZero = 1 / (kA2 * kB2);
inline constexpr double kAtA = 1 / (2 * kA2 * (kA2 - kB2));
inline constexpr double kAtB = 1 / (2 * kB2 * (kB2 - kA2));

// G g: the values of g0 + g1 x + g2 x^2 at the points, divided by those products.
struct TapTransform {
  TALLOW_INLINE void operator()(const Lanes (&g)[kTaps], Lanes (&u)[kPatch]) const {
    const Lanes even_a = plus_times(times(kAtA, g[0]), kAtA * kA2, g[2]);
    const Lanes even_b = plus_times(times(kAtB, g[0]), kAtB * kB2, g[2]);
    u[0] = times(kAtZero, g[0]);
    u[1] = plus_times(even_a, kAtA * kA, g[1]);
    u[2] = plus_times(even_a, -kAtA * kA, g[1]);
    u[3] = plus_times(even_b, kAtB * kB, g[1]);
    u[4] = plus_times(even_b, -kAtB * kB, g[1]);
    u[5] = g[2];
  }
};

// A^T m: column p holds the powers 0 to 3 of the point.
struct SumTransform {
  TALLOW_INLINE void operator()(const Lanes (&m)[kPatch], Lanes (&y)[kTile]) const {
    const Lanes even_a = m[1] + m[2];
    const Lanes odd_a = m[1] - m[2];
    const Lanes even_b = m[3] + m[4];
    const Lanes odd_b = m[3] - m[4];
    y[0] = m[0] + even_a + even_b;
    y[1] = plus_times(times(kA, odd_a), kB, odd_b);
    y[2] = plus_times(times(kA2, even_a), kB2, even_b);
    y[3] = plus_times(plus_times(m[5], kA2 * kA, odd_a), kB2 * kB, odd_b);
  }
};

// The transposes of the last two, for the gradient of the weights: A y and G^T s.
struct GradientTransform {
  TALLOW_INLINE void operator()(const Lanes (&y)[kTile], Lanes (&q)[kPatch]) const {
    const Lanes even_a = plus_times(y[0], kA2, y[2]);
    const Lanes odd_a = plus_times(times(kA, y[1]), kA2 * kA, y[3]);
    const Lanes even_b = plus_times(y[0], kB2, y[2]);
    const Lanes odd_b = plus_times(times(kB, y[1]), kB2 * kB, y[3]);
    q[0] = y[0];
    q[1] = even_a + odd_a;
    q[2] = even_a - odd_a;
    q[3] = even_b + odd_b;
    q[4] = even_b - odd_b;
    q[5] = y[3];
  }
};

struct TapGradientTransform {
  TALLOW_INLINE void operator()(const Lanes (&s)[kPatch], Lanes (&g)[kTaps]) const {
    const Lanes even_a = s[1] + s[2];
    const Lanes even_b = s[3] + s[4];
    g[0] = plus_times(plus_times(times(kAtZero, s[0]), kAtA, even_a), kAtB, even_b);
    g[1] = plus_times(times(kAtA * kA, s[1] - s[2]), kAtB * kB, s[3] - s[4]);
    g[2] = plus_times(plus_times(s[5], kAtA * kA2, even_a), kAtB * kB2, even_b);
  }
};

// Applies a transform to the columns and then the rows of an array of vectors. get(row, column)
// gives an element of the In x In array, put(row, column, value) takes one of the Out x Out result.
template <int In, int Out, class Transform, class Get, class Put>
TALLOW_INLINE void transform_square(const Transform& transform, const Get& get, const Put& put) {
  Lanes half[Out][In];
#pragma GCC unroll 6
  for (int j = 0; j < In; ++j) {
    Lanes from[In];
    Lanes to[Out];
#pragma GCC unroll 6
    for (int i = 0; i < In; ++i) from[i] = get(i, j);
    transform(from, to);
#pragma GCC unroll 6
    for (int i = 0; i < Out; ++i) half[i][j] = to[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < Out; ++i) {
    Lanes to[Out];
    transform(half[i], to);
#pragma GCC unroll 6
    for (int j = 0; j < Out; ++j) put(i, j, to[j]);
  }
}

// ---- Between images and lanes that hold channels.

// A rectangle of pixels inside an image of some channels. Pixels of a row or channels of a pixel
// are neighbours.
struct Pixels {
  int64_t channel, row, pixel;  // strides of the image
  int64_t rows, columns;
};

// Calls body(first pixel, staged pixel, count) for runs of up to kWidth pixels that are neighbours
// in the image, row by row; staged rows are `pitch` vectors apart. Rows without a gap are joined.
template <class Body>
TALLOW_INLINE void each_run(const Pixels& pixels, const Body& body) {
  const bool joined = pixels.row == pixels.columns;
  const int64_t rows = joined ? 1 : pixels.rows;
  const int64_t length = joined ? pixels.rows * pixels.columns : pixels.columns;
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < length; x += kWidth) {
      body(y, x, length - x < kWidth ? static_cast<int>(length - x) : kWidth);
    }
  }
}

// staged[y * pitch + x] = a vector of `channels` channels of pixel (y, x), zero beyond them.
TALLOW_INLINE void stage_pixels(const Pixels& pixels, const float* image, int channels,
                                int64_t pitch, Lanes* staged) {
  if (pixels.pixel != 1) {
    for (int64_t y = 0; y < pixels.rows; ++y) {
      for (int64_t x = 0; x < pixels.columns; ++x) {
        staged[y * pitch + x] = load_some(image + y * pixels.row + x * pixels.pixel, channels);
      }
    }
    return;
  }
  each_run(pixels, [&](int64_t first_row, int64_t first, int count) {
    const float* const from = image + first_row * pixels.row + first;
    Lanes block[kWidth];
#pragma GCC unroll 16
    for (int c = 0; c < kWidth; ++c) {
      if (c >= channels) {
        block[c] = Lanes{};
      } else {
        block[c] = load_some(from + c * pixels.channel, count);
      }
    }
    transpose(block);
    int64_t column = first % pixels.columns;
    Lanes* to = staged + (first_row + first / pixels.columns) * pitch + column;
#pragma GCC unroll 16
    for (int p = 0; p < kWidth; ++p) {
      if (p >= count) continue;
      *to++ = block[p];
      if (++column == pixels.columns) {
        column = 0;
        to += pitch - pixels.columns;
      }
    }
  });
}

// The way back: writes `channels` channels of staged pixels, whose rows follow without a gap.
TALLOW_INLINE void unstage_pixels(const Pixels& pixels, const Lanes* staged, int channels,
                                  float* image) {
  if (pixels.pixel != 1) {
    for (int64_t y = 0; y < pixels.rows; ++y) {
      for (int64_t x = 0; x < pixels.columns; ++x) {
        store_some(image + y * pixels.row + x * pixels.pixel, *staged++, channels);
      }
    }
    return;
  }
  each_run(pixels, [&](int64_t first_row, int64_t first, int count) {
    const Lanes* const from = staged + first_row * pixels.columns + first;
    float* const to = image + first_row * pixels.row + first;
    Lanes block[kWidth];
#pragma GCC unroll 16
    for (int p = 0; p < kWidth; ++p) block[p] = from[p < count ? p : count - 1];
    transpose(block);
#pragma GCC unroll 16
    for (int c = 0; c < kWidth; ++c) {
      if (c < channels) store_some(to + c * pixels.channel, block[c], count);
    }
  });
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA::winograd
