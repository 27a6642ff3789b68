// What the files of the index family share: walking strided spaces in runs, element sizes, tasks.
#pragma once

#include <cstdint>

#include "backend/index.h"
#include "core/parallel.h"

namespace tallow::cpu::TALLOW_ISA {

void fill_index_lines(IndexKernels& table);
void fill_index_masks(IndexKernels& table);
void fill_index_creation(IndexKernels& table);
void fill_index_taps(IndexKernels& table);
void fill_index_sample(IndexKernels& table);
void fill_index_planes(IndexKernels& table);
void fill_index_squares(IndexKernels& table);

namespace {

// Bytes moved per task: enough to pay for waking a thread.
constexpr int64_t kTaskBytes = int64_t{128} << 10;

// Items per task when one item costs `bytes`.
TALLOW_INLINE int64_t items_per_task(int64_t bytes) {
  return bytes >= kTaskBytes ? 1 : kTaskBytes / (bytes > 0 ? bytes : 1);
}

// Calls body(offset, step, count) for the runs along the last dimension that cover the elements
// [begin, end) of a space, in order; operand k's elements are offset[k] + i * step[k].
template <int N, class Body>
TALLOW_INLINE void for_each_run(const Strided<N>& space, int64_t begin, int64_t end,
                                const Body& body) {
  const int last = space.ndim - 1;
  int64_t step[N];
  int64_t offset[N];
  for (int k = 0; k < N; ++k) {
    step[k] = last >= 0 ? space.stride[k][last] : 0;
    offset[k] = 0;
  }
  if (last <= 0) {
    for (int k = 0; k < N; ++k) offset[k] = begin * step[k];
    if (begin < end) body(offset, step, end - begin);
    return;
  }
  int64_t index[kMaxDims];
  int64_t remaining = begin;
  for (int d = last; d >= 0; --d) {
    index[d] = remaining % space.size[d];
    remaining /= space.size[d];
    for (int k = 0; k < N; ++k) offset[k] += index[d] * space.stride[k][d];
  }
  for (int64_t i = begin; i < end;) {
    const int64_t left_in_run = space.size[last] - index[last];
    const int64_t count = left_in_run < end - i ? left_in_run : end - i;
    body(offset, step, count);
    i += count;
    if (i >= end) break;
    for (int k = 0; k < N; ++k) offset[k] -= index[last] * step[k];
    index[last] = 0;
    for (int d = last - 1; d >= 0; --d) {
      for (int k = 0; k < N; ++k) offset[k] += space.stride[k][d];
      if (++index[d] < space.size[d]) break;
      for (int k = 0; k < N; ++k) offset[k] -= space.stride[k][d] * space.size[d];
      index[d] = 0;
    }
  }
}

struct Bytes16 {
  uint64_t low;
  uint64_t high;
};

// Calls body with an unsigned type as wide as the elements: moving them needs no more.
template <class Body>
TALLOW_INLINE void dispatch_bytes(DType dtype, const Body& body) {
  switch (item_size(dtype)) {
    case 1:
      return body.template operator()<uint8_t>();
    case 2:
      return body.template operator()<uint16_t>();
    case 4:
      return body.template operator()<uint32_t>();
    case 8:
      return body.template operator()<uint64_t>();
    default:
      return body.template operator()<Bytes16>();
  }
}

// Sums of elements as in-place accumulation makes them: half types round after every addition.
template <class T>
TALLOW_INLINE T add_elements(T a, T b) {
  if constexpr (dtype_of<T> == DType::kBool) {
    return a || b;
  } else if constexpr (sizeof(T) <= 2) {
    return T(static_cast<Compute<T>>(static_cast<Compute<T>>(a) + static_cast<Compute<T>>(b)));
  } else if constexpr (dtype_of<T> == DType::kInt32 || dtype_of<T> == DType::kInt64) {
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));  // wraps
  } else {
    return a + b;
  }
}

}  // namespace

}  // namespace tallow::cpu::TALLOW_ISA
