// The counters of one device's allocator.
#pragma once

#include <algorithm>

#include "core/device_runtime.h"

namespace tallow::cuda {

struct MemoryCounters {
  using Stats = DeviceMemoryStats;

  // For all blocks, and for the small ones or the others.
  void count(Stats::Kind kind, bool small, int64_t by) {
    for (const Stats::Pool pool : {Stats::kAll, small ? Stats::kSmall : Stats::kLarge}) {
      Stats::Counter& counter = stats.counters[kind][pool];
      counter.current += by;
      counter.peak = std::max(counter.peak, counter.current);
      (by > 0 ? counter.allocated : counter.freed) += by > 0 ? by : -by;
    }
  }
  int64_t now(Stats::Kind kind) const { return stats.counters[kind][Stats::kAll].current; }

  // Lets the peaks, or the sums, start again.
  void reset(bool peak_only) {
    for (auto& kind : stats.counters) {
      for (Stats::Counter& counter : kind) {
        if (peak_only) {
          counter.peak = counter.current;
        } else {
          counter.allocated = counter.freed = 0;
        }
      }
    }
    if (!peak_only) stats.retries = stats.out_of_memory = 0;
  }

  Stats stats = {};
};

}  // namespace tallow::cuda
