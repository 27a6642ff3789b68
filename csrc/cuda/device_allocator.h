// The caching allocator of one device: free blocks by pool and stream, blocks that wait for other
// streams, and the pools of graphs. What it promises is said in allocator.h.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cuda/block_pool.h"
#include "cuda/memory_counters.h"
#include "cuda/status.h"

namespace tallow::cuda {

struct Pools {
  BlockPool small, large;
  int graphs = 0;  // that use it; those of the common pools never end
};

// The allocator of one device. Its lock is held by the callers of all member functions.
class DeviceAllocator {
  using Stats = DeviceMemoryStats;

 public:
  explicit DeviceAllocator(int device) : device_(device) { set_up(common_, 0); }

  Status allocate(int64_t nbytes, cudaStream_t stream, void** data);
  void deallocate(void* data);
  Status record_stream(void* data, cudaStream_t stream);
  Status release_cached();
  MemoryCounters& counters() { return counters_; }
  void set_fraction(double fraction, int64_t total);
  void begin_capture(uint64_t pool);
  void end_capture();
  void release_capture(uint64_t pool);

  std::mutex lock;

 private:
  static void set_up(Pools& pools, uint64_t capture) {
    pools.small.small = true;
    pools.small.capture = pools.large.capture = capture;
  }
  Pools& pools_here() {
    const bool capturing = capture_ != 0 && std::this_thread::get_id() == capturing_thread_;
    return capturing ? *captured_.at(capture_) : common_;
  }

  Block* take_free(BlockPool& pool, cudaStream_t stream, int64_t size);
  Block* new_segment(BlockPool& pool, cudaStream_t stream, int64_t nbytes);
  void split(Block* block, int64_t size);
  void make_free(Block* block);
  void absorb(Block* block, Block* neighbour);
  Status mark_other_streams(Block* block);
  void collect_events(bool wait);
  void release_segments(BlockPool& pool);
  Status out_of_memory(int64_t nbytes);
  void count(Stats::Kind kind, const Block& block, int64_t by) {
    counters_.count(kind, block.pool->small, by);
  }

  const int device_;
  Pools common_;
  std::map<uint64_t, std::unique_ptr<Pools>> captured_;
  uint64_t capture_ = 0;  // the pool of the capture in progress
  std::thread::id capturing_thread_;
  std::unordered_map<void*, Block*> in_use_;
  std::unordered_map<cudaStream_t, std::deque<std::pair<cudaEvent_t, Block*>>> events_;
  std::vector<Block*> after_capture_;  // freed during a capture, when no event can be recorded
  int64_t limit_ = INT64_MAX;
  MemoryCounters counters_;
};

}  // namespace tallow::cuda
