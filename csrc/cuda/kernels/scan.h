// Running totals along the middle of a contiguous [outer][n][inner] array. Long lines are cut into
// segments of fixed length, whose totals are summed up first, so that results do not depend on the
// device.
#pragma once

#include "cuda/kernels/layout.h"

#include "cuda/scratch.h"

namespace tallow::cuda {

// A Rule has
//   using A;                                   what is carried along (plain data)
//   A load(int64_t at, int64_t i) const;       element `at` of the array, the i-th of its line
//   A join(A before, A next) const;            associative, but for rounding
//   void store(A total, int64_t at) const;

inline constexpr int64_t kScanSegment = 512;

struct ScanSpace {
  Splitter inner;
  int64_t lines, n, segments;

  __device__ int64_t start(int64_t line) const {
    const int64_t outer = inner.quotient(line);
    return outer * n * inner.size() + (line - outer * inner.size());
  }
};

// Totals of all segments but the last, in totals[segment * lines + line].
template <class R>
__global__ void total_segments(R rule, typename R::A* totals, ScanSpace space) {
  for (int64_t item = global_index(); item < (space.segments - 1) * space.lines;
       item += grid_stride()) {
    const int64_t segment = item / space.lines;
    const int64_t at = space.start(item - segment * space.lines);
    const int64_t begin = segment * kScanSegment;
    typename R::A total = rule.load(at + begin * space.inner.size(), begin);
    for (int64_t i = begin + 1; i < begin + kScanSegment; ++i) {
      total = rule.join(total, rule.load(at + i * space.inner.size(), i));
    }
    totals[item] = total;
  }
}

// Each total becomes that of everything up to the end of its segment.
template <class R>
__global__ void add_segments(R rule, typename R::A* totals, ScanSpace space) {
  for (int64_t line = global_index(); line < space.lines; line += grid_stride()) {
    for (int64_t s = 1; s + 1 < space.segments; ++s) {
      typename R::A& total = totals[s * space.lines + line];
      total = rule.join(totals[(s - 1) * space.lines + line], total);
    }
  }
}

template <class R>
__global__ void scan_segments(R rule, const typename R::A* totals, ScanSpace space) {
  using A = typename R::A;
  for (int64_t item = global_index(); item < space.segments * space.lines; item += grid_stride()) {
    const int64_t segment = item / space.lines;
    const int64_t line = item - segment * space.lines;
    const int64_t pitch = space.inner.size();
    const int64_t at = space.start(line);
    const int64_t begin = segment * kScanSegment;
    const int64_t end = begin + kScanSegment < space.n ? begin + kScanSegment : space.n;
    A total = rule.load(at + begin * pitch, begin);
    if (segment > 0) total = rule.join(totals[(segment - 1) * space.lines + line], total);
    rule.store(total, at + begin * pitch);
    for (int64_t i = begin + 1; i < end; ++i) {
      total = rule.join(total, rule.load(at + i * pitch, i));
      rule.store(total, at + i * pitch);
    }
  }
}

template <class R>
Status scan_by(const R& rule, int64_t outer, int64_t n, int64_t inner) {
  if (outer * n * inner == 0) return Status::kOk;
  const int64_t lines = outer * inner;
  const ScanSpace space{Splitter(inner, lines), lines, n, blocks_for(n, kScanSegment)};
  Scratch<typename R::A> totals;
  if (space.segments > 1) {
    const int64_t count = (space.segments - 1) * lines;
    TALLOW_CUDA_TRY(totals.allocate(count));
    TALLOW_CUDA_TRY(launch(threads_for(count, 1), total_segments<R>, rule, totals.get(), space));
    TALLOW_CUDA_TRY(launch(threads_for(lines, 1), add_segments<R>, rule, totals.get(), space));
  }
  return launch(threads_for(space.segments * lines, 1), scan_segments<R>, rule, totals.get(),
                space);
}

}  // namespace tallow::cuda
