// The driver of reductions: many elements to one result, by a rule that says how. Work is split by
// shape alone and every split is combined in a fixed order, so results have the same bits each
// time.
#pragma once

#include "cuda/kernels/formulas.h"
#include "cuda/kernels/layout.h"

#include "cuda/scratch.h"

namespace tallow::cuda {

// A Rule has
//   using T, A;                         the stored type; what partial results are (plain data)
//   A identity() const;                 leaves the other operand of join as it is
//   A map(T x, int64_t i) const;        element x at place i of the reduced ones
//   A join(A a, A b) const;             associative and commutative, but for rounding
//   void store(A result, int64_t at)    writes the result to element `at` of the output or outputs

// Elements that a warp (of a row) or a thread (down a column) combines alone; more are split.
inline constexpr int64_t kRowSegment = 64 * kWarp;
inline constexpr int64_t kColumnSegment = 256;
inline constexpr unsigned kReduceBlock = 256;

// Where the outputs are, and the elements of each.
struct ReduceSpace {
  Layout<2> kept;  // of the output, of the input
  Layout<1> reduced;
  int64_t outputs;
  int64_t n;
  int64_t segments;
};

// One warp for each segment of each output, lanes side by side. With one segment the result is
// stored, else it goes to partial[segment * outputs + output].
template <class R>
__global__ void reduce_rows(R rule, const typename R::T* in, typename R::A* partial,
                            ReduceSpace space) {
  using A = typename R::A;
  const int lane = lane_index();
  const int64_t first = global_index() / kWarp;
  const int64_t step = grid_stride() / kWarp;
  for (int64_t item = first; item < space.outputs * space.segments; item += step) {
    const int64_t output = item / space.segments;
    const int64_t begin = (item - output * space.segments) * kRowSegment;
    const int64_t end = begin + kRowSegment < space.n ? begin + kRowSegment : space.n;
    int64_t at[2];
    space.kept.offsets(output, at);
    A total = rule.identity();
    for (int64_t i = begin + lane; i < end; i += kWarp) {
      int64_t offset[1];
      space.reduced.offsets(i, offset);
      total = rule.join(total, rule.map(in[at[1] + offset[0]], i));
    }
    total = warp_reduce(total, [&](const A& a, const A& b) { return rule.join(a, b); });
    if (lane != 0) continue;
    if (partial) {
      partial[begin / kRowSegment * space.outputs + output] = total;
    } else {
      rule.store(total, at[0]);
    }
  }
}

// One thread for each segment of each output; neighbouring threads have neighbouring outputs.
template <class R>
__global__ void reduce_columns(R rule, const typename R::T* in, typename R::A* partial,
                               ReduceSpace space) {
  using A = typename R::A;
  for (int64_t item = global_index(); item < space.outputs * space.segments;
       item += grid_stride()) {
    const int64_t segment = item / space.outputs;
    const int64_t output = item - segment * space.outputs;
    const int64_t begin = segment * kColumnSegment;
    const int64_t end = begin + kColumnSegment < space.n ? begin + kColumnSegment : space.n;
    int64_t at[2];
    space.kept.offsets(output, at);
    A total = rule.identity();
    for (int64_t i = begin; i < end; ++i) {
      int64_t offset[1];
      space.reduced.offsets(i, offset);
      total = rule.join(total, rule.map(in[at[1] + offset[0]], i));
    }
    if (partial) {
      partial[item] = total;
    } else {
      rule.store(total, at[0]);
    }
  }
}

// One more round: `count` partial results of each output to fewer, or to the result.
template <class R>
__global__ void reduce_partial(R rule, const typename R::A* in, typename R::A* partial,
                               Layout<2> kept, int64_t outputs, int64_t count, int64_t segments) {
  using A = typename R::A;
  for (int64_t item = global_index(); item < outputs * segments; item += grid_stride()) {
    const int64_t segment = item / outputs;
    const int64_t output = item - segment * outputs;
    const int64_t begin = segment * kColumnSegment;
    const int64_t end = begin + kColumnSegment < count ? begin + kColumnSegment : count;
    A total = rule.identity();
    for (int64_t i = begin; i < end; ++i) total = rule.join(total, in[i * outputs + output]);
    if (partial) {
      partial[item] = total;
    } else {
      int64_t at[2];
      kept.offsets(output, at);
      rule.store(total, at[0]);
    }
  }
}

inline LaunchShape reduce_shape(int64_t threads) {
  constexpr int64_t kBlocks = 132 * 16;
  const int64_t whole = blocks_for(threads, kWarp) * kWarp;
  const int64_t block = whole < kReduceBlock ? whole : kReduceBlock;
  return {dim3(grid_for(threads, block, kBlocks)), dim3(static_cast<unsigned>(block))};
}

// Rounds over partial results until one is left of each output.
template <class R>
Status finish_partial(const R& rule, const typename R::A* in, const Layout<2>& kept,
                      int64_t outputs, int64_t count) {
  if (count == 0) return Status::kOk;
  const int64_t segments = blocks_for(count, kColumnSegment);
  Scratch<typename R::A> partial;
  if (segments > 1) TALLOW_CUDA_TRY(partial.allocate(segments * outputs));
  TALLOW_CUDA_TRY(launch(reduce_shape(outputs * segments), reduce_partial<R>, rule, in,
                         partial.get(), kept, outputs, count, segments));
  return segments > 1 ? finish_partial(rule, partial.get(), kept, outputs, segments) : Status::kOk;
}

// Is it better to give each output a thread? Yes where neighbouring outputs are closer in memory
// than neighbouring reduced elements, or a warp would find little to do.
inline bool prefers_columns(const Reduction& r) {
  if (r.reduce_ndim == 0 || r.reduce_numel <= kWarp / 2) return true;
  return r.out_ndim > 0 && r.out_size[r.out_ndim - 1] >= 4 &&
         r.in_stride[r.out_ndim - 1] < r.reduce_stride[r.reduce_ndim - 1];
}

template <class R>
Status reduce_by(const char* op, const R& rule, const Reduction& r) {
  if (r.out_numel == 0) return Status::kOk;
  TALLOW_CUDA_TRY(check_dims(op, r.out_ndim > r.reduce_ndim ? r.out_ndim : r.reduce_ndim));
  const bool columns = prefers_columns(r);
  const int64_t splits = blocks_for(r.reduce_numel, columns ? kColumnSegment : kRowSegment);
  ReduceSpace space;
  const int64_t* const kept[2] = {r.out_stride, r.in_stride};
  const int64_t* const reduced[1] = {r.reduce_stride};
  space.kept = layout_of<2>(r.out_ndim, r.out_numel, r.out_size, kept);
  space.reduced = layout_of<1>(r.reduce_ndim, r.reduce_numel, r.reduce_size, reduced);
  space.outputs = r.out_numel;
  space.n = r.reduce_numel;
  space.segments = splits > 1 ? splits : 1;
  const auto in = static_cast<const typename R::T*>(r.in);
  Scratch<typename R::A> partial;
  if (space.segments > 1) TALLOW_CUDA_TRY(partial.allocate(space.segments * space.outputs));
  const int64_t items = space.outputs * space.segments;
  TALLOW_CUDA_TRY(
      columns
          ? launch(reduce_shape(items), reduce_columns<R>, rule, in, partial.get(), space)
          : launch(reduce_shape(items * kWarp), reduce_rows<R>, rule, in, partial.get(), space));
  return space.segments > 1
             ? finish_partial(rule, partial.get(), space.kept, space.outputs, space.segments)
             : Status::kOk;
}

}  // namespace tallow::cuda
