// Strided<N>: the plain description of N operands over one iteration space that the ops layer
// hands to elementwise kernels.
#pragma once

#include <cstdint>

namespace tallow {

inline constexpr int kMaxDims = 64;

// Operand k's element at index (i0, i1, ...) lies at data[k] + sum of i_d * stride[k][d], counted
// in elements of operand k's own type. Operand 0 is the output. Built by ops/elementwise: operands
// are broadcast (stride 0), dimensions are sorted so that the last one has the smallest output
// stride, neighbours that can be merged are merged, and size-1 dimensions are gone: a contiguous
// problem has ndim == 1 and all strides 1 (or 0). ndim == 0 means one element. `numel` may be 0.
//
// Bit k of `host` says that operand k is one element in host memory (a Python number, a 0-d CPU
// tensor) although the kernel runs on another device; its value is read during the call. Never set
// for the CPU.
template <int N>
struct Strided {
  void* data[N];
  int64_t numel;
  int ndim;
  int64_t size[kMaxDims];
  int64_t stride[N][kMaxDims];
  uint8_t host = 0;
};

// The iteration space of a reduction. The first `out_ndim` dimensions are kept, the last
// `reduce_ndim` are summed over; neighbours that can be merged are merged, and a group may have 0
// dimensions. The kept ones are sorted by descending input stride; the reduced ones stay in the
// tensor's own order, which floating sums follow. Strides are in elements.
struct Reduction {
  void* out;
  const void* in;
  int out_ndim;
  int reduce_ndim;
  int64_t out_numel;
  int64_t reduce_numel;
  int64_t out_size[kMaxDims];
  int64_t out_stride[kMaxDims];  // of the output
  int64_t in_stride[kMaxDims];   // of the input, along the kept dimensions
  int64_t reduce_size[kMaxDims];
  int64_t reduce_stride[kMaxDims];  // of the input, along the reduced dimensions
};

}  // namespace tallow
