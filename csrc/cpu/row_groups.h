// Walks over rows of which several are handled together, step by step.
#pragma once

#include "cpu/reduce_rows.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Each step is done for all rows of a group before the next one, so that what ends a step (folding
// lanes, a division) is under way while other rows are read. Their elements fit the first cache.
inline constexpr int kGroupRows = 16;
inline constexpr int64_t kGroupElements = 4096;

// Calls body(first, count) for groups of `outer` rows of n elements, in parallel.
template <class Body>
TALLOW_INLINE void for_each_row_group(int64_t outer, int64_t n, const Body& body) {
  const int64_t fit = kGroupElements / (n > 0 ? n : 1);
  const int64_t together = fit < 1 ? 1 : fit < kGroupRows ? fit : kGroupRows;
  parallel_for(outer, kNormalizeGrain / (n > 0 ? n : 1), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row += together) {
      body(row, static_cast<int>(end - row < together ? end - row : together));
    }
  });
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
