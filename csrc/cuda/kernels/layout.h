// Where the elements of strided operands lie: the device's form of Strided<N>.
#pragma once

#include "cuda/device_types.h"

#include "core/strided.h"
#include "cuda/gpu.h"
#include "cuda/status.h"

namespace tallow::cuda {

// n / divisor for n < 2^31 by one multiplication and one shift.
// Source: T. Granlund and P. L. Montgomery, "Division by invariant integers using multiplication",
// PLDI 1994, figure 4.1.
struct Divider {
  uint32_t divisor;
  uint32_t factor;
  uint32_t shift;

  Divider() = default;
  explicit Divider(int64_t value) : divisor(static_cast<uint32_t>(value)), shift(0) {
    while ((uint64_t{1} << shift) < divisor) ++shift;
    factor = static_cast<uint32_t>(
        ((uint64_t{1} << 32) * ((uint64_t{1} << shift) - divisor)) / divisor + 1);
  }
  TL_HD uint32_t operator()(uint32_t n) const {
    const uint32_t high = static_cast<uint32_t>((static_cast<uint64_t>(n) * factor) >> 32);
    return (high + n) >> shift;
  }
};

// Division of positions below `range` by a size.
class Splitter {
 public:
  Splitter() = default;
  Splitter(int64_t size, int64_t range)
      : wide_(range > INT32_MAX), divide_(wide_ || size < 1 ? 1 : size), size_(size) {}
  TL_HD int64_t quotient(int64_t i) const {
    return wide_ ? i / size_ : divide_(static_cast<uint32_t>(i));
  }
  TL_HD int64_t size() const { return size_; }

 private:
  bool wide_;
  Divider divide_;
  int64_t size_;
};

inline constexpr int kLayoutDims = 12;

// The offset of element i, in elements, in each of N operands. Dimension 0 is the innermost.
template <int N>
struct Layout {
  int ndim;
  Splitter size[kLayoutDims];
  int64_t stride[N][kLayoutDims];

  TL_HD void offsets(int64_t i, int64_t (&offset)[N]) const {
    for (int k = 0; k < N; ++k) offset[k] = 0;
    for (int d = 0; d < ndim; ++d) {
      const int64_t rest = size[d].quotient(i);
      const int64_t at = i - rest * size[d].size();
      for (int k = 0; k < N; ++k) offset[k] += at * stride[k][d];
      i = rest;
    }
  }
};

template <int N>
Layout<N> layout_of(int ndim, int64_t numel, const int64_t* size,
                    const int64_t* const (&stride)[N]) {
  Layout<N> layout;
  layout.ndim = ndim;
  for (int d = 0; d < ndim; ++d) {
    layout.size[d] = Splitter(size[ndim - 1 - d], numel);
    for (int k = 0; k < N; ++k) layout.stride[k][d] = stride[k][ndim - 1 - d];
  }
  return layout;
}

template <int N>
Layout<N> layout_of(const Strided<N>& at) {
  const int64_t* stride[N];
  for (int k = 0; k < N; ++k) stride[k] = at.stride[k];
  return layout_of<N>(at.ndim, at.numel, at.size, stride);
}

// Are there few enough dimensions for a Layout?
[[nodiscard]] inline Status check_dims(const char* op, int ndim) {
  if (ndim <= kLayoutDims) return Status::kOk;
  return fail(Status::kNotImplemented,
              "%s: %d dimensions that cannot be merged are not supported on 'cuda' (at most %d)",
              op, ndim, kLayoutDims);
}

// How many threads work on `items`: enough to fill a device, each with several items where there
// are more. Kernels walk on by grid_stride(). No items are an empty grid, which is not launched.
inline LaunchShape threads_for(int64_t items, int64_t per_thread = 4) {
  constexpr int64_t kBlock = 256;
  constexpr int64_t kBlocks = 132 * 16;
  const int64_t threads = (items + per_thread - 1) / per_thread;
  const int64_t block =
      threads < kBlock ? blocks_for(threads > 0 ? threads : 1, kWarp) * kWarp : kBlock;
  const int64_t grid = (threads + block - 1) / block;
  return {dim3(static_cast<unsigned>(grid < kBlocks ? grid : kBlocks)),
          dim3(static_cast<unsigned>(block))};
}

}  // namespace tallow::cuda
