// The thread pool: persistent workers, one contiguous range of tasks per thread, stealing from the
// far end of the others' ranges when a thread's own is done.
//
// A job is announced through one word, the gate. A worker that takes part enters the gate, works
// until no task is left to take, and leaves; the caller works too, then closes the gate and waits
// only for workers that are inside. A worker that was asleep or descheduled and never entered is
// not waited for: its share has been stolen. The pool is never destroyed, workers are detached and
// block all signals, and a forked child starts without workers and makes new ones on demand.
#include "core/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <mutex>

#include "core/blocking.h"
#include "core/cpu_count.h"

namespace tallow {

namespace {

constexpr int kMaxThreads = 256;
constexpr int64_t kMaxTasks = int64_t{1} << 31;  // per job; more run as several jobs
constexpr auto kSpin = std::chrono::microseconds(30);

TALLOW_INLINE void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Tasks [first, last) of one thread, packed into one word so that both ends move atomically.
struct alignas(64) Range {
  std::atomic<uint64_t> word;

  void set(uint64_t first, uint64_t last) {
    word.store(first << 32 | last, std::memory_order_relaxed);
  }
  bool take_first(int64_t& index) { return take(index, true); }
  bool take_last(int64_t& index) { return take(index, false); }

 private:
  bool take(int64_t& index, bool front) {
    uint64_t seen = word.load(std::memory_order_relaxed);
    while (true) {
      const uint64_t first = seen >> 32;
      const uint64_t last = seen & 0xffffffffu;
      if (first >= last) return false;
      index = static_cast<int64_t>(front ? first : last - 1);
      const uint64_t next = front ? (first + 1) << 32 | last : first << 32 | (last - 1);
      if (word.compare_exchange_weak(seen, next, std::memory_order_relaxed)) return true;
    }
  }
};

// The gate: bits 0-15 count workers inside, bits 16-31 hold the number of threads of the job (0:
// closed), bits 32-63 number the jobs.
constexpr uint64_t kInside = 0xffffu;
constexpr int kThreadsShift = 16;
constexpr int kJobShift = 32;

uint32_t job_of(uint64_t gate) { return static_cast<uint32_t>(gate >> kJobShift); }
int threads_of(uint64_t gate) { return static_cast<int>(gate >> kThreadsShift & 0xffffu); }

enum : uint32_t { kAwake, kAsleep };

struct alignas(64) Worker {
  std::atomic<uint32_t> state;
};

// Everything is guarded by `mutex` except what is atomic; the job's fields are written while the
// gate is closed and empty, and read only inside it.
struct Pool {
  std::mutex mutex;
  int num_workers = 0;
  void (*task)(void*, int64_t) = nullptr;
  void* context = nullptr;
  int64_t base = 0;
  alignas(64) std::atomic<uint64_t> gate{0};
  Range ranges[kMaxThreads] = {};
  Worker workers[kMaxThreads] = {};
};
constinit Pool pool;
constinit std::atomic<int> thread_count{0};  // 0: not chosen yet

// True while this thread runs tasks, so that nested calls stay on it.
constinit thread_local bool inside_tasks = false;

void work(int self, int threads) {
  void (*const task)(void*, int64_t) = pool.task;
  void* const context = pool.context;
  const int64_t base = pool.base;
  int64_t index;
  while (pool.ranges[self].take_first(index)) task(context, base + index);
  for (int step = 1; step < threads; ++step) {
    Range& victim = pool.ranges[(self + step) % threads];
    while (victim.take_last(index)) task(context, base + index);
  }
}

// Spins for a while, then sleeps, until a job after `last_job` is announced; returns the gate.
uint64_t wait_for_job(Worker& worker, uint32_t last_job) {
  const auto deadline = std::chrono::steady_clock::now() + kSpin;
  while (true) {
    for (int i = 0; i < 16; ++i) {
      const uint64_t gate = pool.gate.load(std::memory_order_acquire);
      if (job_of(gate) != last_job) return gate;
      pause_briefly();
    }
    if (std::chrono::steady_clock::now() > deadline) break;
  }
  while (true) {
    // The caller announces first and looks for sleepers second; we do it the other way round, so
    // one of the two sees the other.
    worker.state.store(kAsleep, std::memory_order_seq_cst);
    const uint64_t gate = pool.gate.load(std::memory_order_seq_cst);
    if (job_of(gate) != last_job) {
      worker.state.store(kAwake, std::memory_order_relaxed);
      return gate;
    }
    worker.state.wait(kAsleep, std::memory_order_relaxed);
  }
}

void* worker_main(void* argument) {
  const int self = static_cast<int>(reinterpret_cast<intptr_t>(argument));
  inside_tasks = true;
  uint32_t last_job = 0;
  while (true) {
    uint64_t gate = wait_for_job(pool.workers[self], last_job);
    last_job = job_of(gate);
    while (job_of(gate) == last_job && self < threads_of(gate)) {
      if (pool.gate.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire)) {
        work(self, threads_of(gate));
        pool.gate.fetch_sub(1, std::memory_order_release);
        break;
      }
    }
  }
  return nullptr;
}

// The child of a fork has one thread. Whatever the pool was doing belongs to the parent.
void fork_child() { new (&pool) Pool{}; }

// Makes workers up to `wanted`; having fewer only makes things slower. Needs pool.mutex.
void ensure_workers(int wanted) {
  if (pool.num_workers >= wanted) return;
  static const int registered = pthread_atfork(nullptr, nullptr, fork_child);
  (void)registered;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  while (pool.num_workers < wanted) {
    const intptr_t id = pool.num_workers + 1;
    pthread_t thread;
    if (pthread_create(&thread, &attributes, worker_main, reinterpret_cast<void*>(id)) != 0) break;
    ++pool.num_workers;
  }
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// Runs one job on `threads` threads, the caller being thread 0. Needs pool.mutex.
void run_job(int64_t base, int64_t tasks, int threads, void (*task)(void*, int64_t),
             void* context) {
  pool.task = task;
  pool.context = context;
  pool.base = base;
  for (int t = 0; t < threads; ++t) {
    pool.ranges[t].set(tasks * t / threads, tasks * (t + 1) / threads);
  }
  const uint64_t job = job_of(pool.gate.load(std::memory_order_relaxed)) + 1;
  pool.gate.store(job << kJobShift | static_cast<uint64_t>(threads) << kThreadsShift,
                  std::memory_order_seq_cst);
  for (int t = 1; t < threads; ++t) {
    Worker& worker = pool.workers[t];
    if (worker.state.load(std::memory_order_seq_cst) == kAsleep) {
      worker.state.store(kAwake, std::memory_order_relaxed);
      worker.state.notify_one();
    }
  }
  work(0, threads);
  uint64_t gate =
      pool.gate.fetch_and(~(uint64_t{0xffffu} << kThreadsShift), std::memory_order_acquire);
  for (int spins = 0; gate & kInside; ++spins) {
    spins < 2000 ? pause_briefly() : static_cast<void>(sched_yield());
    gate = pool.gate.load(std::memory_order_acquire);
  }
}

}  // namespace

int num_threads() {
  int count = thread_count.load(std::memory_order_relaxed);
  if (count == 0) {
    const int chosen = usable_cpus();
    if (thread_count.compare_exchange_strong(count, chosen)) count = chosen;
  }
  return count < kMaxThreads ? count : kMaxThreads;
}

void set_num_threads(int count) { thread_count.store(count < 1 ? 1 : count); }

void run_tasks(int64_t tasks, void (*task)(void* context, int64_t index), void* context) {
  if (tasks <= 1 || inside_tasks) {
    for (int64_t i = 0; i < tasks; ++i) task(context, i);
    return;
  }
  // Outermost: the pool must be free again before this thread waits for the interpreter.
  const BlockingRegion region;
  const int64_t wanted = num_threads() < tasks ? num_threads() : tasks;
  std::unique_lock lock(pool.mutex, std::defer_lock);
  if (wanted > 1 && lock.try_lock()) ensure_workers(static_cast<int>(wanted) - 1);
  const int threads = lock ? static_cast<int>(wanted) : 1;
  inside_tasks = true;
  if (threads == 1) {
    for (int64_t i = 0; i < tasks; ++i) task(context, i);
  } else {
    for (int64_t base = 0; base < tasks; base += kMaxTasks) {
      const int64_t count = tasks - base < kMaxTasks ? tasks - base : kMaxTasks;
      run_job(base, count, threads, task, context);
    }
  }
  inside_tasks = false;
}

}  // namespace tallow
