// The CPU allocator: a counted cache of size classes in front of the system's memory.
#pragma once

#include <cstdint>
#include <new>

namespace tallow {

// Thrown when memory cannot be had; the message names the size. Holds its text inline, because
// allocating it could fail too.
class OutOfMemoryError : public std::bad_alloc {
 public:
  explicit OutOfMemoryError(int64_t nbytes) noexcept;
  explicit OutOfMemoryError(const char* message) noexcept;  // as reported by out_of_memory()
  const char* what() const noexcept override { return message_; }

 private:
  char message_[512];
};

// 64-byte aligned, uninitialised memory of at least `nbytes` (zero is allowed and gives a valid
// pointer). Any thread may call these, and memory may be freed by another thread than the one that
// took it. `cpu_free` needs the size that was asked for.
void* cpu_allocate(int64_t nbytes);                  // throws OutOfMemoryError
void* cpu_try_allocate(int64_t nbytes) noexcept;     // null on failure
void cpu_free(void* data, int64_t nbytes) noexcept;  // null is allowed

struct MemoryStats {
  int64_t live_bytes;    // asked for and not yet freed
  int64_t peak_bytes;    // largest live_bytes since the start or reset_peak_memory()
  int64_t allocations;   // number of successful calls
  int64_t frees;         // number of blocks given back
  int64_t cached_bytes;  // held for reuse, not in use
};
MemoryStats memory_stats();
void reset_peak_memory();

// Returns cached memory to the system: the shared cache and that of the calling thread. Blocks of
// at most 1 KiB are cut from slabs and stay.
void empty_cache();

// Makes the n-th allocation from now fail, once (1 = the next one; 0 = none). For tests.
void fail_nth_allocation(int64_t n);

}  // namespace tallow
