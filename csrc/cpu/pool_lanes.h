// Planes side by side: as many planes as a vector has lanes, turned so that element `pixel` of
// plane `lane` lies at [pixel * lanes + lane]. A step on one pixel then serves all planes, whatever
// the windows look like.
#pragma once

#include <cstdint>

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/gemm_transpose.h"
#include "cpu/pool.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Pixels of a strip, of input and of output, unless a single row needs more: what fits a small part
// of the second-level cache.
inline constexpr int64_t kStripPixels = 2048;

// Elements that hold `pixels` turned pixels and the rest of the last block.
template <class C>
constexpr int64_t turned_size(int64_t pixels) {
  return (pixels + kLanes<C>)*kLanes<C>;
}

// A block of lanes x lanes elements becomes its transpose.
template <class C>
TALLOW_NOINLINE void turn_block(const C* from, int64_t from_pitch, C* to, int64_t to_pitch) {
  constexpr int kW = kLanes<C>;
  Vec<C> row[kW];
#pragma GCC unroll 16
  for (int i = 0; i < kW; ++i) row[i] = load(from + i * from_pitch);
  transpose(row);
#pragma GCC unroll 16
  for (int i = 0; i < kW; ++i) store(to + i * to_pitch, row[i]);
}

// `pixels` elements from in[begin] on of `planes` <= lanes planes, which are `pitch` elements
// apart.
template <class T>
void interleave_planes(const void* in, int64_t begin, int64_t pitch, int64_t pixels, int64_t planes,
                       Compute<T>* to) {
  using C = Compute<T>;
  constexpr int kW = kLanes<C>;
  const T* const from = static_cast<const T*>(in) + begin;
  alignas(kVectorBytes) C block[kW * kW] = {};
  for (int64_t p = 0; p < pixels; p += kW) {
    const C* rows = block;
    int64_t rows_pitch = kW;
    if constexpr (sizeof(T) == sizeof(C)) {
      if (planes == kW && pixels - p >= kW) {
        rows = from + p;
        rows_pitch = pitch;
      }
    }
    for (int64_t lane = 0; rows == block && lane < planes; ++lane) {
      store(block + lane * kW, load_row(from + lane * pitch + p, pixels - p));
    }
    turn_block(rows, rows_pitch, to + p * kW, kW);
  }
}

template <class T>
TALLOW_INLINE void put_row(T* to, Vec<Compute<T>> values, int64_t count) {
  store_row(to, values, count);
}
// Positions are integers as wide as the arithmetic type, in its bits.
template <class V>
TALLOW_INLINE void put_row(int64_t* to, V values, int64_t count) {
  using Position = typename SignedOf<sizeof(values[0])>::type;
  const auto at = bits_as<Vec<Position>>(values);
  for (int64_t i = 0; i < smaller(count, kLanes<Position>); ++i) to[i] = at[i];
}

// The way back, to out[begin] and on.
template <class C, class T>
void separate_planes(const C* from, int64_t begin, int64_t pitch, int64_t pixels, int64_t planes,
                     void* out) {
  constexpr int kW = kLanes<C>;
  T* const to = static_cast<T*>(out) + begin;
  for (int64_t p = 0; p < pixels; p += kW) {
    if constexpr (std::is_same_v<T, C>) {
      if (planes == kW && pixels - p >= kW) {
        turn_block(from + p * kW, kW, to + p, pitch);
        continue;
      }
    }
    alignas(kVectorBytes) C block[kW * kW];
    turn_block(from + p * kW, kW, block, kW);
    for (int64_t lane = 0; lane < planes; ++lane) {
      put_row(to + lane * pitch + p, load(block + lane * kW), pixels - p);
    }
  }
}

// Both directions for one storage type; everything between them is compiled per arithmetic type.
template <class C>
struct PlaneMoves {
  void (*interleave)(const void* in, int64_t begin, int64_t pitch, int64_t pixels, int64_t planes,
                     C* to);
  void (*separate)(const C* from, int64_t begin, int64_t pitch, int64_t pixels, int64_t planes,
                   void* out);
};
template <class T>
constexpr PlaneMoves<Compute<T>> kPlaneMoves = {interleave_planes<T>,
                                                separate_planes<Compute<T>, T>};

// Calls body(scratch, first plane, planes) for groups of as many planes as there are lanes.
template <class C, class Body>
Status for_plane_groups(const PoolArgs& args, int64_t scratch_size, const Body& body) {
  constexpr int kW = kLanes<C>;
  int64_t failed = 0;
  parallel_for((args.planes + kW - 1) / kW, (planes_per_task(args) + kW - 1) / kW,
               [&](int64_t begin, int64_t end) {
                 const Scratch<C> scratch(scratch_size);
                 if (!scratch) {
                   __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
                   return;
                 }
                 for (int64_t group = begin; group < end; ++group) {
                   body(scratch.get(), group * kW, smaller(kW, args.planes - group * kW));
                 }
               });
  return failed ? out_of_memory(scratch_size * static_cast<int64_t>(sizeof(C))) : Status::kOk;
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
