#include "cuda/pinned.h"

#include <bit>
#include <map>
#include <mutex>
#include <vector>

#include "cuda/device.h"

namespace tallow::cuda {

namespace {

struct PinnedBlock {
  int64_t size = 0;
  bool in_use = false;
  std::vector<cudaEvent_t> events;  // of the copies that use it
};

std::mutex lock;
std::map<const char*, PinnedBlock>& blocks() {
  static auto* const all = new std::map<const char*, PinnedBlock>;
  return *all;
}

// The block that holds the address, or end().
std::map<const char*, PinnedBlock>::iterator find(const void* data) {
  auto next = blocks().upper_bound(static_cast<const char*>(data));
  if (next == blocks().begin()) return blocks().end();
  --next;
  const bool inside = static_cast<const char*>(data) < next->first + next->second.size;
  return inside ? next : blocks().end();
}

bool copies_are_done(PinnedBlock& block) {
  while (!block.events.empty()) {
    if (cudaEventQuery(block.events.back()) == cudaErrorNotReady) {
      (void)cudaGetLastError();
      return false;
    }
    (void)cudaEventDestroy(block.events.back());
    block.events.pop_back();
  }
  return true;
}

}  // namespace

Status allocate_pinned(int64_t nbytes, void** data) {
  *data = nullptr;
  if (nbytes == 0) return Status::kOk;
  if (nbytes < 0 || nbytes > (int64_t{1} << 46)) {
    return fail(Status::kOutOfMemory, "pinned memory: cannot allocate %lld bytes",
                static_cast<long long>(nbytes));
  }
  const auto size = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(nbytes)));
  TALLOW_CUDA_TRY(activate(active_device()));
  const std::lock_guard<std::mutex> guard(lock);
  for (auto& [start, block] : blocks()) {
    if (block.in_use || block.size != size || !copies_are_done(block)) continue;
    block.in_use = true;
    *data = const_cast<char*>(start);
    return Status::kOk;
  }
  TALLOW_CUDA_CHECK(cudaHostAlloc(data, static_cast<std::size_t>(size), cudaHostAllocPortable));
  blocks()[static_cast<const char*>(*data)] = {size, true, {}};
  return Status::kOk;
}

void free_pinned(void* data) {
  if (!data) return;
  const std::lock_guard<std::mutex> guard(lock);
  const auto block = find(data);
  if (block != blocks().end()) block->second.in_use = false;
}

bool is_pinned(const void* data) {
  const std::lock_guard<std::mutex> guard(lock);
  return find(data) != blocks().end();
}

Status use_pinned(const void* data, cudaStream_t stream) {
  const std::lock_guard<std::mutex> guard(lock);
  const auto block = find(data);
  if (block == blocks().end()) return Status::kOk;
  (void)copies_are_done(block->second);  // forgets old ones
  cudaEvent_t event = nullptr;
  TALLOW_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  TALLOW_CUDA_CHECK(cudaEventRecord(event, stream));
  block->second.events.push_back(event);
  return Status::kOk;
}

void release_pinned() {
  const std::lock_guard<std::mutex> guard(lock);
  for (auto next = blocks().begin(); next != blocks().end();) {
    if (next->second.in_use || !copies_are_done(next->second)) {
      ++next;
      continue;
    }
    (void)cudaFreeHost(const_cast<char*>(next->first));
    next = blocks().erase(next);
  }
}

}  // namespace tallow::cuda
