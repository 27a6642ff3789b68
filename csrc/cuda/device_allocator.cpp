#include "cuda/device_allocator.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <set>

namespace tallow::cuda {

namespace {

// An amount as people write it: "1.50 GiB".
struct Amount {
  char text[32];
  explicit Amount(int64_t nbytes) {
    const char* const units[] = {"bytes", "KiB", "MiB", "GiB"};
    double value = static_cast<double>(nbytes);
    int unit = 0;
    while (value >= 1024 && unit < 3) {
      value /= 1024;
      ++unit;
    }
    std::snprintf(text, sizeof(text), unit == 0 ? "%.0f %s" : "%.2f %s", value, units[unit]);
  }
};

}  // namespace

Block* DeviceAllocator::take_free(BlockPool& pool, cudaStream_t stream, int64_t size) {
  Block key;
  key.stream = stream;
  key.size = size;
  const auto found = pool.free.lower_bound(&key);
  if (found == pool.free.end() || (*found)->stream != stream) return nullptr;
  Block* const block = *found;
  pool.free.erase(found);
  if (block->is_split()) {
    count(Stats::kInactiveSplit, *block, -1);
    count(Stats::kInactiveSplitBytes, *block, -block->size);
  }
  return block;
}

Block* DeviceAllocator::new_segment(BlockPool& pool, cudaStream_t stream, int64_t nbytes) {
  const int64_t reserved = counters_.now(Stats::kReservedBytes);
  if (nbytes > limit_ - reserved) return nullptr;
  void* memory = nullptr;
  // A capture in progress must not be broken by a call that it does not record.
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  (void)cudaThreadExchangeStreamCaptureMode(&mode);
  const cudaError_t error = cudaMalloc(&memory, static_cast<std::size_t>(nbytes));
  (void)cudaThreadExchangeStreamCaptureMode(&mode);
  if (error != cudaSuccess) {
    (void)cudaGetLastError();
    return nullptr;
  }
  auto* const block = new Block;
  block->stream = stream;
  block->pool = &pool;
  block->data = static_cast<char*>(memory);
  block->size = nbytes;
  ++counters_.stats.device_allocations;
  count(Stats::kSegment, *block, 1);
  count(Stats::kReservedBytes, *block, nbytes);
  return block;
}

// Cuts `block` down to `size`; the rest becomes a free block.
void DeviceAllocator::split(Block* block, int64_t size) {
  auto* const rest = new Block;
  rest->stream = block->stream;
  rest->pool = block->pool;
  rest->data = block->data + size;
  rest->size = block->size - size;
  rest->previous = block;
  rest->next = block->next;
  if (rest->next) rest->next->previous = rest;
  block->next = rest;
  block->size = size;
  block->pool->free.insert(rest);
  count(Stats::kInactiveSplit, *rest, 1);
  count(Stats::kInactiveSplitBytes, *rest, rest->size);
}

Status DeviceAllocator::allocate(int64_t nbytes, cudaStream_t stream, void** data) {
  if (capture_ == 0) collect_events(false);
  const int64_t size = rounded_block(nbytes);
  Pools& pools = pools_here();
  BlockPool& pool = size <= kSmallBlock ? pools.small : pools.large;
  Block* block = take_free(pool, stream, size);
  if (!block) block = new_segment(pool, stream, segment_for(size));
  if (!block) {
    ++counters_.stats.retries;
    if (release_cached() != Status::kOk) (void)cudaGetLastError();
    block = new_segment(pool, stream, segment_for(size));
  }
  if (!block) return out_of_memory(nbytes);
  if (worth_splitting(*block, size)) split(block, size);
  block->in_use = true;
  block->requested = nbytes;
  in_use_.emplace(block->data, block);
  count(Stats::kAllocation, *block, 1);
  count(Stats::kAllocatedBytes, *block, block->size);
  count(Stats::kActive, *block, 1);
  count(Stats::kActiveBytes, *block, block->size);
  count(Stats::kRequestedBytes, *block, nbytes);
  *data = block->data;
  return Status::kOk;
}

void DeviceAllocator::deallocate(void* data) {
  const auto found = in_use_.find(data);
  if (found == in_use_.end()) return;
  Block* const block = found->second;
  in_use_.erase(found);
  block->in_use = false;
  count(Stats::kAllocation, *block, -1);
  count(Stats::kAllocatedBytes, *block, -block->size);
  count(Stats::kRequestedBytes, *block, -block->requested);
  if (block->other_streams.empty()) {
    make_free(block);
  } else if (capture_ != 0) {
    after_capture_.push_back(block);
  } else if (mark_other_streams(block) != Status::kOk) {
    make_free(block);  // the device is lost; nothing will run on it any more
  }
}

Status DeviceAllocator::record_stream(void* data, cudaStream_t stream) {
  const auto found = in_use_.find(data);
  if (found != in_use_.end() && found->second->stream != stream) {
    found->second->other_streams.insert(stream);
  }
  return Status::kOk;
}

// Puts an event behind the work that may still use the block on other streams.
Status DeviceAllocator::mark_other_streams(Block* block) {
  const std::set<cudaStream_t> streams = std::move(block->other_streams);
  block->other_streams.clear();
  for (const cudaStream_t stream : streams) {
    cudaEvent_t event = nullptr;
    TALLOW_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    TALLOW_CUDA_CHECK(cudaEventRecord(event, stream));
    ++block->events;
    events_[stream].emplace_back(event, block);
  }
  return Status::kOk;
}

void DeviceAllocator::collect_events(bool wait) {
  for (auto& [stream, queue] : events_) {
    while (!queue.empty()) {
      const auto [event, block] = queue.front();
      const cudaError_t error = wait ? cudaEventSynchronize(event) : cudaEventQuery(event);
      if (error == cudaErrorNotReady) {
        (void)cudaGetLastError();
        break;
      }
      (void)cudaEventDestroy(event);
      queue.pop_front();
      if (--block->events == 0) make_free(block);
    }
  }
}

// Joins a free neighbour to a block that is being freed.
void DeviceAllocator::absorb(Block* block, Block* neighbour) {
  if (!neighbour || neighbour->in_use || neighbour->events > 0) return;
  const auto found = neighbour->pool->free.find(neighbour);
  if (found == neighbour->pool->free.end()) return;  // waits for the end of a capture
  neighbour->pool->free.erase(found);
  count(Stats::kInactiveSplit, *neighbour, -1);
  count(Stats::kInactiveSplitBytes, *neighbour, -neighbour->size);
  if (neighbour == block->previous) {
    block->data = neighbour->data;
    block->previous = neighbour->previous;
    if (block->previous) block->previous->next = block;
  } else {
    block->next = neighbour->next;
    if (block->next) block->next->previous = block;
  }
  block->size += neighbour->size;
  delete neighbour;
}

void DeviceAllocator::make_free(Block* block) {
  count(Stats::kActive, *block, -1);
  count(Stats::kActiveBytes, *block, -block->size);
  absorb(block, block->previous);
  absorb(block, block->next);
  block->pool->free.insert(block);
  if (block->is_split()) {
    count(Stats::kInactiveSplit, *block, 1);
    count(Stats::kInactiveSplitBytes, *block, block->size);
  }
}

void DeviceAllocator::release_segments(BlockPool& pool) {
  for (auto next = pool.free.begin(); next != pool.free.end();) {
    Block* const block = *next;
    if (block->is_split()) {
      ++next;
      continue;
    }
    next = pool.free.erase(next);
    (void)cudaFree(block->data);  // waits for the work that uses it
    ++counters_.stats.device_frees;
    count(Stats::kSegment, *block, -1);
    count(Stats::kReservedBytes, *block, -block->size);
    delete block;
  }
}

Status DeviceAllocator::release_cached() {
  if (capture_ != 0) return Status::kOk;  // freeing memory would break the capture
  ++counters_.stats.synchronisations;
  collect_events(true);
  release_segments(common_.large);
  release_segments(common_.small);
  for (auto pools = captured_.begin(); pools != captured_.end();) {
    if (pools->second->graphs > 0) {
      ++pools;
      continue;
    }
    release_segments(pools->second->large);
    release_segments(pools->second->small);
    const bool empty = pools->second->large.free.empty() && pools->second->small.free.empty();
    const bool unused = std::none_of(in_use_.begin(), in_use_.end(), [&](const auto& entry) {
      return entry.second->pool->capture == pools->first;
    });
    pools = empty && unused ? captured_.erase(pools) : std::next(pools);
  }
  return Status::kOk;
}

Status DeviceAllocator::out_of_memory(int64_t nbytes) {
  ++counters_.stats.out_of_memory;
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  if (cudaMemGetInfo(&free_bytes, &total_bytes) != cudaSuccess) (void)cudaGetLastError();
  const int64_t used = counters_.now(Stats::kAllocatedBytes);
  const int64_t reserved = counters_.now(Stats::kReservedBytes);
  char limit[96] = "";
  if (limit_ != INT64_MAX) {
    std::snprintf(limit, sizeof(limit), " This process may use %s of it.", Amount(limit_).text);
  }
  return fail(Status::kOutOfMemory,
              "CUDA out of memory. Tried to allocate %s. GPU %d has a total capacity of %s of "
              "which %s is free.%s Tensors hold %s, another %s is reserved by tallow but unused.%s",
              Amount(nbytes).text, device_, Amount(static_cast<int64_t>(total_bytes)).text,
              Amount(static_cast<int64_t>(free_bytes)).text, limit, Amount(used).text,
              Amount(reserved - used).text,
              capture_ != 0 ? " Cached memory cannot be freed while a graph is captured." : "");
}

void DeviceAllocator::set_fraction(double fraction, int64_t total) {
  limit_ = fraction >= 1 ? INT64_MAX : static_cast<int64_t>(fraction * static_cast<double>(total));
}

void DeviceAllocator::begin_capture(uint64_t pool) {
  std::unique_ptr<Pools>& pools = captured_[pool];
  if (!pools) {
    pools = std::make_unique<Pools>();
    set_up(*pools, pool);
  }
  ++pools->graphs;
  capture_ = pool;
  capturing_thread_ = std::this_thread::get_id();
}

void DeviceAllocator::end_capture() {
  capture_ = 0;
  const std::vector<Block*> waiting = std::move(after_capture_);
  after_capture_.clear();
  for (Block* const block : waiting) {
    if (mark_other_streams(block) != Status::kOk) make_free(block);
  }
}

void DeviceAllocator::release_capture(uint64_t pool) {
  const auto found = captured_.find(pool);
  if (found != captured_.end()) --found->second->graphs;
}

}  // namespace tallow::cuda
