// Size classes, thread-local free lists for small blocks, one shared cache for the rest.
//
// A freed block is kept in the list of its size class: by the thread that freed it when it is small
// (bounded in bytes), else in the shared cache (bounded by max(256 MiB, live / 2), least recently
// used classes leave first). Free blocks hold the list's links themselves. Nothing here is ever
// destroyed, so memory may be freed while threads and the process are ending.
#include "core/allocator.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "core/macros.h"
#include "core/size_classes.h"

namespace tallow {

namespace {

constexpr int64_t kMaxSlab = 1 << 10;           // blocks up to here are cut from slabs
constexpr int64_t kMaxThreadBlock = 256 << 10;  // blocks up to here may stay with the thread
constexpr int64_t kHugePage = 2 << 20;          // blocks from here on are mapped directly
constexpr int64_t kSlabBytes = 256 << 10;
constexpr int64_t kThreadCacheBytes = 16 << 20;
constexpr int64_t kRefillBytes = 4 << 10;
constexpr int64_t kSharedCacheBytes = 256 << 20;

// With a sanitizer every block comes from malloc, so that its red zones surround each tensor.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kCaching = false;
#else
constexpr bool kCaching = true;
#endif

constexpr ClassSizes kClassSize;
constexpr int kNumSlabClasses = class_of(kMaxSlab) + 1;
constexpr int kNumThreadClasses = class_of(kMaxThreadBlock) + 1;

struct FreeBlock {
  FreeBlock* next;
};

// The first thread to allocate owns plain counters (one writer, no locked instructions); all other
// threads share a second, atomic set. A figure is the sum of the two. While several threads
// allocate at once, the peak may miss an overlap of some nanoseconds; everything else is exact.
struct Counters {
  std::atomic<int64_t> live{0};
  std::atomic<int64_t> allocations{0};
  std::atomic<int64_t> frees{0};
};
constinit Counters owner_counters;
constinit Counters shared_counters;
constinit std::atomic<bool> owner_taken{false};
constinit std::atomic<int64_t> peak{0};
constinit std::atomic<int64_t> fail_countdown{0};

template <bool kOwner>
TALLOW_INLINE int64_t bump(std::atomic<int64_t>& counter, int64_t by) {
  if constexpr (!kOwner) return counter.fetch_add(by, std::memory_order_relaxed) + by;
  const int64_t value = counter.load(std::memory_order_relaxed) + by;
  counter.store(value, std::memory_order_relaxed);
  return value;
}

template <bool kOwner>
TALLOW_INLINE void count_allocation(int64_t nbytes) {
  Counters& mine = kOwner ? owner_counters : shared_counters;
  const Counters& others = kOwner ? shared_counters : owner_counters;
  bump<kOwner>(mine.allocations, 1);
  const int64_t live =
      bump<kOwner>(mine.live, nbytes) + others.live.load(std::memory_order_relaxed);
  int64_t seen = peak.load(std::memory_order_relaxed);
  while (live > seen && !peak.compare_exchange_weak(seen, live, std::memory_order_relaxed)) {
  }
}

template <bool kOwner>
TALLOW_INLINE void count_free(int64_t nbytes) {
  Counters& mine = kOwner ? owner_counters : shared_counters;
  bump<kOwner>(mine.frees, 1);
  bump<kOwner>(mine.live, -nbytes);
}

int64_t live_bytes() {
  return owner_counters.live.load(std::memory_order_relaxed) +
         shared_counters.live.load(std::memory_order_relaxed);
}

// More than the machine has cannot be meant seriously, even where the system overcommits.
int64_t largest_request() {
  static const int64_t limit = [] {
    const int64_t pages = sysconf(_SC_PHYS_PAGES);
    const int64_t physical = pages > 0 ? pages * sysconf(_SC_PAGESIZE) : int64_t{1} << 46;
    const int64_t doubled = 2 * physical;  // leaves room for swap and for sparse use
    return doubled < kClassSize.of[kNumClasses - 1] ? doubled : kClassSize.of[kNumClasses - 1];
  }();
  return limit;
}

// Blocks of 2 MiB and more start at a huge page and may use them: a first touch in 4 KiB pages
// costs five times as much.
void* map_block(int64_t nbytes) noexcept {
  void* raw =
      mmap(nullptr, nbytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  char* const begin = static_cast<char*>(raw);
  const int64_t misaligned = reinterpret_cast<uintptr_t>(begin) % kHugePage;
  const int64_t head = misaligned ? kHugePage - misaligned : 0;
  if (head) munmap(begin, head);
  munmap(begin + head + nbytes, kHugePage - head);
#ifdef MADV_HUGEPAGE
  madvise(begin + head, nbytes, MADV_HUGEPAGE);
#endif
  return begin + head;
}

void* system_allocate(int64_t block_bytes) noexcept {
  if (kCaching && block_bytes >= kHugePage) return map_block(block_bytes);
  void* data = nullptr;
  return posix_memalign(&data, kAlignment, block_bytes) == 0 ? data : nullptr;
}

void system_free(void* data, int64_t block_bytes) noexcept {
  if (kCaching && block_bytes >= kHugePage) {
    munmap(data, block_bytes);
  } else {
    free(data);
  }
}

struct ThreadCache {
  FreeBlock* lists[kNumThreadClasses];
  std::atomic<int64_t> bytes;  // written by its thread only
  bool is_owner;               // of the plain counters
  ThreadCache* next;           // in the registry
};

// Shared by all threads; every member is guarded by `mutex`.
struct SharedCache {
  std::mutex mutex;
  FreeBlock* lists[kNumClasses];
  int64_t last_use[kNumClasses];
  int64_t clock;
  int64_t bytes;       // in lists, without slab blocks
  int64_t slab_bytes;  // in lists, cut from slabs: never given back, so outside the limit
  char* slab;
  int64_t slab_left;
  ThreadCache* threads;
};
constinit SharedCache shared{};

// The calling thread's cache: null before its first slow call and after the thread's end. The
// initial-exec model makes the access one instruction even in a shared library.
#if defined(__linux__)
__attribute__((tls_model("initial-exec")))
#endif
constinit thread_local ThreadCache* thread_cache = nullptr;
constinit thread_local bool thread_ended = false;

TALLOW_INLINE void push(FreeBlock*& list, void* data) {
  FreeBlock* const block = static_cast<FreeBlock*>(data);
  block->next = list;
  list = block;
}

TALLOW_INLINE void* pop(FreeBlock*& list) {
  FreeBlock* const block = list;
  list = block->next;
  return block;
}

TALLOW_INLINE void add_bytes(ThreadCache& cache, int64_t by) { bump<true>(cache.bytes, by); }

// The four functions below need shared.mutex.

int64_t& cached_bytes_of(int c) { return c < kNumSlabClasses ? shared.slab_bytes : shared.bytes; }

// Gives cached blocks back to the system, least recently used classes first, until at most `limit`
// bytes are left.
void shrink_shared(int64_t limit) noexcept {
  while (shared.bytes > limit) {
    int oldest = -1;
    for (int c = kNumSlabClasses; c < kNumClasses; ++c) {
      if (shared.lists[c] && (oldest < 0 || shared.last_use[c] < shared.last_use[oldest])) {
        oldest = c;
      }
    }
    system_free(pop(shared.lists[oldest]), kClassSize.of[oldest]);
    shared.bytes -= kClassSize.of[oldest];
  }
}

void keep_shared(void* data, int c) noexcept {
  push(shared.lists[c], data);
  shared.last_use[c] = ++shared.clock;
  cached_bytes_of(c) += kClassSize.of[c];
  const int64_t half_live = live_bytes() / 2;
  shrink_shared(half_live > kSharedCacheBytes ? half_live : kSharedCacheBytes);
}

// A block from the shared cache, the slab or the system; null on failure.
void* take_shared(int c) noexcept {
  const int64_t size = kClassSize.of[c];
  if (shared.lists[c]) {
    shared.last_use[c] = ++shared.clock;
    cached_bytes_of(c) -= size;
    return pop(shared.lists[c]);
  }
  if (size > kMaxSlab) return system_allocate(size);
  if (shared.slab_left < size) {
    while (shared.slab_left >= kAlignment) {  // the rest becomes blocks of the smallest class
      push(shared.lists[0], shared.slab);
      shared.slab_bytes += kAlignment;
      shared.slab += kAlignment;
      shared.slab_left -= kAlignment;
    }
    void* const slab = system_allocate(kSlabBytes);
    if (!slab) return nullptr;
    shared.slab = static_cast<char*>(slab);
    shared.slab_left = kSlabBytes;
  }
  void* const block = shared.slab;
  shared.slab += size;
  shared.slab_left -= size;
  return block;
}

// Moves all blocks of a thread to the shared cache.
void drain(ThreadCache& cache) noexcept {
  for (int c = 0; c < kNumThreadClasses; ++c) {
    while (cache.lists[c]) keep_shared(pop(cache.lists[c]), c);
  }
  cache.bytes.store(0, std::memory_order_relaxed);
}

void end_thread(void* data) {
  ThreadCache* const cache = static_cast<ThreadCache*>(data);
  {
    const std::lock_guard lock(shared.mutex);
    drain(*cache);
    ThreadCache** link = &shared.threads;
    while (*link && *link != cache) link = &(*link)->next;
    if (*link) *link = cache->next;
  }
  if (cache->is_owner) owner_taken.store(false, std::memory_order_release);
  thread_cache = nullptr;
  thread_ended = true;
  free(cache);
}

// A fork may happen while another thread holds the lock or changes its own cache: hold the lock
// across it, and in the child forget the caches of the threads that are gone.
void fork_child() {
  shared.threads = thread_cache;
  if (thread_cache) {
    thread_cache->next = nullptr;
    thread_cache->is_owner = true;
  }
  owner_taken.store(thread_cache != nullptr, std::memory_order_relaxed);
  shared.mutex.unlock();
}

pthread_key_t make_thread_key() {
  pthread_key_t key;
  if (pthread_key_create(&key, end_thread) != 0) std::abort();
  pthread_atfork([] { shared.mutex.lock(); }, [] { shared.mutex.unlock(); }, fork_child);
  return key;
}

// The calling thread's cache, made on first use; null once the thread is ending or out of memory.
ThreadCache* own_cache() noexcept {
  if (thread_cache || thread_ended) return thread_cache;
  static const pthread_key_t key = make_thread_key();
  void* const memory = calloc(1, sizeof(ThreadCache));
  if (!memory) return nullptr;
  ThreadCache* const cache = new (memory) ThreadCache{};
  if (pthread_setspecific(key, cache) != 0) {
    free(memory);
    return nullptr;
  }
  cache->is_owner = !owner_taken.exchange(true, std::memory_order_acquire);
  const std::lock_guard lock(shared.mutex);
  cache->next = shared.threads;
  shared.threads = cache;
  thread_cache = cache;
  return cache;
}

// Takes a block of class c and, for small ones, some more for the thread's own list.
void* refill(ThreadCache* cache, int c) noexcept {
  const std::lock_guard lock(shared.mutex);
  void* const block = take_shared(c);
  if (!block || !cache || c >= kNumThreadClasses) return block;
  const int64_t size = kClassSize.of[c];
  for (int64_t extra = size; extra < kRefillBytes; extra += size) {
    if (size > kMaxSlab && !shared.lists[c]) break;
    void* const more = take_shared(c);
    if (!more) break;
    push(cache->lists[c], more);
    add_bytes(*cache, size);
  }
  return block;
}

TALLOW_NOINLINE void* allocate_slow(int64_t nbytes) noexcept {
  if (fail_countdown.load(std::memory_order_relaxed) > 0 &&
      fail_countdown.fetch_sub(1, std::memory_order_relaxed) == 1) {
    return nullptr;
  }
  if (nbytes < 0 || nbytes > largest_request()) return nullptr;
  ThreadCache* const cache = own_cache();
  const int c = class_of(nbytes);
  void* data;
  if (!kCaching) {
    data = system_allocate(nbytes > 0 ? nbytes : 1);
  } else if (cache && c < kNumThreadClasses && cache->lists[c]) {
    data = pop(cache->lists[c]);
    add_bytes(*cache, -kClassSize.of[c]);
  } else {
    data = refill(cache, c);
    if (!data) {
      empty_cache();
      data = refill(cache, c);
    }
  }
  if (!data) return nullptr;
  cache && cache->is_owner ? count_allocation<true>(nbytes) : count_allocation<false>(nbytes);
  return data;
}

TALLOW_NOINLINE void free_slow(void* data, int64_t nbytes) noexcept {
  ThreadCache* const cache = own_cache();
  cache && cache->is_owner ? count_free<true>(nbytes) : count_free<false>(nbytes);
  if (!kCaching) return free(data);
  const int c = class_of(nbytes);
  const std::lock_guard lock(shared.mutex);
  keep_shared(data, c);
}

}  // namespace

OutOfMemoryError::OutOfMemoryError(int64_t nbytes) noexcept {
  std::snprintf(message_, sizeof(message_),
                "DefaultCPUAllocator: can't allocate memory: you tried to allocate %lld bytes.",
                static_cast<long long>(nbytes));
}

OutOfMemoryError::OutOfMemoryError(const char* message) noexcept {
  std::snprintf(message_, sizeof(message_), "%s", message);
}

void* cpu_try_allocate(int64_t nbytes) noexcept {
  ThreadCache* const cache = thread_cache;
  if (TALLOW_LIKELY(kCaching && cache && cache->is_owner &&
                    static_cast<uint64_t>(nbytes) <= kMaxThreadBlock &&
                    fail_countdown.load(std::memory_order_relaxed) <= 0)) {
    const int c = class_of(nbytes);
    if (TALLOW_LIKELY(cache->lists[c] != nullptr)) {
      add_bytes(*cache, -kClassSize.of[c]);
      count_allocation<true>(nbytes);
      return pop(cache->lists[c]);
    }
  }
  return allocate_slow(nbytes);
}

void* cpu_allocate(int64_t nbytes) {
  void* const data = cpu_try_allocate(nbytes);
  if (TALLOW_UNLIKELY(!data)) throw OutOfMemoryError(nbytes);
  return data;
}

void cpu_free(void* data, int64_t nbytes) noexcept {
  if (!data) return;
  ThreadCache* const cache = thread_cache;
  if (TALLOW_LIKELY(kCaching && cache && nbytes <= kMaxThreadBlock &&
                    cache->bytes.load(std::memory_order_relaxed) < kThreadCacheBytes)) {
    const int c = class_of(nbytes);
    push(cache->lists[c], data);
    add_bytes(*cache, kClassSize.of[c]);
    return cache->is_owner ? count_free<true>(nbytes) : count_free<false>(nbytes);
  }
  free_slow(data, nbytes);
}

MemoryStats memory_stats() {
  const std::lock_guard lock(shared.mutex);
  MemoryStats stats{};
  stats.live_bytes = live_bytes();
  stats.peak_bytes = peak.load(std::memory_order_relaxed);
  stats.allocations = owner_counters.allocations + shared_counters.allocations;
  stats.frees = owner_counters.frees + shared_counters.frees;
  stats.cached_bytes = shared.bytes + shared.slab_bytes;
  for (const ThreadCache* cache = shared.threads; cache; cache = cache->next) {
    stats.cached_bytes += cache->bytes.load(std::memory_order_relaxed);
  }
  return stats;
}

void reset_peak_memory() { peak.store(live_bytes(), std::memory_order_relaxed); }

void empty_cache() {
  const std::lock_guard lock(shared.mutex);
  if (thread_cache) drain(*thread_cache);
  shrink_shared(0);
}

void fail_nth_allocation(int64_t n) { fail_countdown.store(n > 0 ? n : 0); }

}  // namespace tallow
