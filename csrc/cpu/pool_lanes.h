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

// Up to as many planes as there are lanes, and some pixels of them.
struct PlaneRun {
  int64_t plane, planes;
  int64_t interleaved;  // as in PoolArgs
  int64_t image;        // pixels of a plane
  int64_t begin, pixels;
  // Where element `begin` of the first plane is.
  TALLOW_INLINE int64_t first() const {
    return (plane / interleaved * image + begin) * interleaved +
           (interleaved > 1 ? plane % interleaved : 0);
  }
};

// Is there a whole block of pixels and planes? The last block then overlaps the one before it.
template <class C>
TALLOW_INLINE bool turns_in_place(const PlaneRun& run) {
  return run.planes == kLanes<C> && run.pixels >= kLanes<C>;
}

template <class T>
void interleave_planes(const void* in, const PlaneRun& run, Compute<T>* to) {
  using C = Compute<T>;
  constexpr int kW = kLanes<C>;
  const T* const from = static_cast<const T*>(in) + run.first();
  if (run.interleaved > 1) {
    for (int64_t p = 0; p < run.pixels; ++p) {
      store(to + p * kW, load_row(from + p * run.interleaved, run.planes));
    }
    return;
  }
  alignas(kVectorBytes) C block[kW * kW] = {};
  if constexpr (std::is_same_v<T, C>) {
    if (turns_in_place<C>(run)) {
      for (int64_t i = 0; i < run.pixels; i += kW) {
        const int64_t p = smaller(i, run.pixels - kW);
        turn_block(from + p, run.image, to + p * kW, kW);
      }
      return;
    }
  }
  for (int64_t p = 0; p < run.pixels; p += kW) {
    for (int64_t lane = 0; lane < run.planes; ++lane) {
      store(block + lane * kW, load_row(from + lane * run.image + p, run.pixels - p));
    }
    turn_block(static_cast<const C*>(block), kW, to + p * kW, kW);
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

// The way back.
template <class C, class T>
void separate_planes(const C* from, const PlaneRun& run, void* out) {
  constexpr int kW = kLanes<C>;
  T* const to = static_cast<T*>(out) + run.first();
  if (run.interleaved > 1) {
    for (int64_t p = 0; p < run.pixels; ++p) {
      put_row(to + p * run.interleaved, load(from + p * kW), run.planes);
    }
    return;
  }
  if constexpr (std::is_same_v<T, C>) {
    if (turns_in_place<C>(run)) {
      for (int64_t i = 0; i < run.pixels; i += kW) {
        const int64_t p = smaller(i, run.pixels - kW);
        turn_block(from + p * kW, kW, to + p, run.image);
      }
      return;
    }
  }
  for (int64_t p = 0; p < run.pixels; p += kW) {
    alignas(kVectorBytes) C block[kW * kW];
    turn_block(from + p * kW, kW, block, kW);
    for (int64_t lane = 0; lane < run.planes; ++lane) {
      put_row(to + lane * run.image + p, load(block + lane * kW), run.pixels - p);
    }
  }
}

// Both directions for one storage type; everything between them is compiled per arithmetic type.
template <class C>
struct PlaneMoves {
  void (*interleave)(const void* in, const PlaneRun& run, C* to);
  void (*separate)(const C* from, const PlaneRun& run, void* out);
  bool same_type;  // is the storage type C?
};
template <class T>
constexpr PlaneMoves<Compute<T>> kPlaneMoves = {
    interleave_planes<T>, separate_planes<Compute<T>, T>, std::is_same_v<T, Compute<T>>};

// Turned pixels: element `pixel` of plane `lane` lies at data[pixel * pitch + lane].
template <class C>
struct Turned {
  const C* data;
  int64_t pitch;
};
// Those of the run where they are, if they lie so already, else in `buffer`.
template <class C>
Turned<C> turned_planes(const PlaneMoves<C>& moves, const void* in, const PlaneRun& run,
                        C* buffer) {
  if (moves.same_type && run.interleaved > 1 && run.planes == kLanes<C>) {
    return {static_cast<const C*>(in) + run.first(), run.interleaved};
  }
  moves.interleave(in, run, buffer);
  return {buffer, kLanes<C>};
}

// Calls body(scratch, first plane, planes) for groups of as many planes as there are lanes, of one
// image if they are interleaved.
template <class C, class Body>
Status for_plane_groups(const PoolArgs& args, int64_t scratch_size, const Body& body) {
  constexpr int kW = kLanes<C>;
  const int64_t together = args.interleaved > 1 ? args.interleaved : args.planes;
  const int64_t groups = (together + kW - 1) / kW;
  int64_t failed = 0;
  parallel_for(args.planes / together * groups, (planes_per_task(args) + kW - 1) / kW,
               [&](int64_t begin, int64_t end) {
                 const Scratch<C> scratch(scratch_size);
                 if (!scratch) {
                   __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
                   return;
                 }
                 for (int64_t t = begin; t < end; ++t) {
                   const int64_t first = t % groups * kW;
                   body(scratch.get(), t / groups * together + first,
                        smaller(kW, together - first));
                 }
               });
  return failed ? out_of_memory(scratch_size * static_cast<int64_t>(sizeof(C))) : Status::kOk;
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
