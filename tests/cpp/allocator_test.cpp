// The allocator: alignment, exact counters, reuse, threads, failures, fork.
#include "core/allocator.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

#include "check.h"

namespace {

using namespace tallow;  // NOLINT: a test of nothing else

constexpr int64_t kSizes[] = {0,       1,       63,      64,      65,           512,
                              513,     1000,    1024,    1025,    4096,         100'000,
                              262'144, 262'145, 1 << 20, 3 << 20, (5 << 20) + 7};

bool is_aligned(const void* data) { return reinterpret_cast<uintptr_t>(data) % 64 == 0; }

void blocks_are_aligned_writable_and_distinct() {
  std::vector<char*> blocks;
  for (const int64_t size : kSizes) {
    for (int k = 0; k < 3; ++k) {
      blocks.push_back(static_cast<char*>(cpu_allocate(size)));
      CHECK(is_aligned(blocks.back()));
      std::memset(blocks.back(), static_cast<int>(blocks.size()), static_cast<std::size_t>(size));
    }
  }
  std::size_t i = 0;
  for (const int64_t size : kSizes) {
    for (int k = 0; k < 3; ++k, ++i) {
      if (size > 0) {
        CHECK(blocks[i][0] == static_cast<char>(i + 1));
        CHECK(blocks[i][size - 1] == static_cast<char>(i + 1));
      }
      cpu_free(blocks[i], size);
    }
  }
  cpu_free(nullptr, 8);
}

void counters_are_exact() {
  const MemoryStats before = memory_stats();
  reset_peak_memory();
  void* const a = cpu_allocate(1000);
  void* const b = cpu_allocate(3 << 20);
  cpu_free(a, 1000);
  void* const c = cpu_allocate(10);
  const MemoryStats now = memory_stats();
  CHECK(now.live_bytes - before.live_bytes == (3 << 20) + 10);
  CHECK(now.peak_bytes - before.live_bytes == (3 << 20) + 1000);
  CHECK(now.allocations - before.allocations == 3);
  CHECK(now.frees - before.frees == 1);
  cpu_free(b, 3 << 20);
  cpu_free(c, 10);
  CHECK(memory_stats().live_bytes == before.live_bytes);
  reset_peak_memory();
  CHECK(memory_stats().peak_bytes == before.live_bytes);
}

void counters_survive_threads() {
  const MemoryStats before = memory_stats();
  std::vector<std::thread> threads;
  std::vector<void*> handed_over(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&handed_over, t] {
      for (int round = 0; round < 2000; ++round) {
        const int64_t size = 1 + (round * 37 + t * 101) % 5000;
        void* const block = cpu_allocate(size);
        std::memset(block, t, static_cast<std::size_t>(size));
        cpu_free(block, size);
      }
      handed_over[static_cast<std::size_t>(t)] = cpu_allocate(777);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(memory_stats().live_bytes - before.live_bytes == 8 * 777);
  for (void* const block : handed_over) cpu_free(block, 777);
  const MemoryStats after = memory_stats();
  CHECK(after.live_bytes == before.live_bytes);
  CHECK(after.allocations - before.allocations == 8 * 2001);
  CHECK(after.frees - before.frees == 8 * 2001);
}

// Sanitizer builds take every block from malloc.
bool caches() {
  void* const block = cpu_allocate(5000);
  cpu_free(block, 5000);
  return memory_stats().cached_bytes > 0;
}

void freed_blocks_are_used_again() {
  if (!caches()) return;
  for (const int64_t size : {int64_t{100}, int64_t{5000}, int64_t{4} << 20}) {
    void* const first = cpu_allocate(size);
    cpu_free(first, size);
    void* const second = cpu_allocate(size);
    CHECK(first == second);
    cpu_free(second, size);
  }
}

void the_cache_can_be_emptied() {
  if (!caches()) return;
  void* const block = cpu_allocate(64 << 20);
  cpu_free(block, 64 << 20);
  CHECK(memory_stats().cached_bytes >= 64 << 20);
  empty_cache();
  CHECK(memory_stats().cached_bytes < 64 << 20);
}

void the_cache_is_bounded() {
  if (!caches()) return;
  std::vector<void*> blocks;
  for (int i = 0; i < 40; ++i) blocks.push_back(cpu_allocate(16 << 20));
  for (void* const block : blocks) cpu_free(block, 16 << 20);
  CHECK(memory_stats().cached_bytes <= (256 << 20) + (32 << 20));
}

bool fails(int64_t nbytes) {
  try {
    cpu_free(cpu_allocate(nbytes), nbytes);
    return false;
  } catch (const OutOfMemoryError& error) {
    const std::string_view text = error.what();
    CHECK(text.starts_with("DefaultCPUAllocator: can't allocate memory: you tried to allocate "));
    CHECK(text.find(std::to_string(nbytes)) != std::string_view::npos);
    return true;
  }
}

void absurd_sizes_fail() {
  const MemoryStats before = memory_stats();
  CHECK(fails(-1));
  CHECK(fails(INT64_MIN));
  CHECK(fails(INT64_MAX));
  CHECK(fails(int64_t{1} << 50));
  CHECK(cpu_try_allocate(INT64_MAX) == nullptr);
  CHECK(memory_stats().allocations == before.allocations);
}

void the_nth_allocation_fails_once() {
  for (const int64_t n : {1, 2, 5}) {
    fail_nth_allocation(n);
    for (int64_t k = 1; k <= 6; ++k) CHECK(fails(100) == (k == n));
  }
  fail_nth_allocation(3);
  fail_nth_allocation(0);
  for (int k = 0; k < 5; ++k) CHECK(!fails(100));
}

void a_forked_child_can_allocate() {
  std::thread([] { cpu_free(cpu_allocate(100), 100); }).join();
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(10);
      void* const small = cpu_allocate(100);
      void* const large = cpu_allocate(8 << 20);
      std::memset(large, 1, 8 << 20);
      cpu_free(large, 8 << 20);
      cpu_free(small, 100);
      empty_cache();
      _exit(memory_stats().live_bytes >= 0 ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(status == 0);
  }
}

}  // namespace

int main() {
  blocks_are_aligned_writable_and_distinct();
  counters_are_exact();
  counters_survive_threads();
  freed_blocks_are_used_again();
  the_cache_can_be_emptied();
  the_cache_is_bounded();
  absurd_sizes_fail();
  the_nth_allocation_fails_once();
  a_forked_child_can_allocate();
}
