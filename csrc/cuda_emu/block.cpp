#include "cuda_emu/block.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "cuda_emu/fiber.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

namespace tallow::emu {

namespace {

constexpr int kWarp = 32;
constexpr std::size_t kMaxShared = 227 * 1024;
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kStackBytes = 256 * 1024;
#else
constexpr std::size_t kStackBytes = 64 * 1024;
#endif

enum class State { kNew, kReady, kBarrier, kWarp, kDone };

struct Thread {
  uint3 index;
  int warp, lane;
  State state;
  int fiber;  // on which it waits
  // What it waits for.
  const char* file;
  int line;
  Vote vote;
  WarpOp op;
  unsigned mask;
  uint64_t value;
  int argument;
  uint64_t result;
};

struct Stack {
  Fiber fiber;
  char* memory;  // above a page that faults
};

struct Executor {
  std::vector<Thread> threads;
  std::vector<int> order;  // in which threads start and leave barriers
  std::vector<std::unique_ptr<Stack>> stacks;
  std::vector<int> idle;  // stacks without a thread
  std::deque<int> ready;
  std::size_t started = 0;
  int live = 0;
  int at_barrier = 0;
  int running = -1;  // thread
  int stack = -1;    // on which it runs; -1: the host
  Fiber* host = nullptr;
  const std::function<void()>* body = nullptr;
  bool failed = false;
  char report[1024] = "";

  Order kind = Order::kForward;
  std::mt19937 random;

  void permute(std::vector<int>& indices);
  bool run_block();
  void begin(std::size_t count);
  [[noreturn]] void stack_main();
  // Gives the host thread to whatever can run; returns when the caller's thread is resumed.
  void give_way();
  void change_to(int target);
  int next_stack();
  int idle_stack();
  bool release_barrier();
  void finish_warp(Thread& last, unsigned lanes);
  void fail(const char* format, ...) __attribute__((format(printf, 2, 3)));
  void report_stuck();
};

Executor executor;

alignas(128) unsigned char shared_memory[kMaxShared];
std::size_t shared_size = 0;

void Executor::fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(report, sizeof report, format, arguments);
  va_end(arguments);
  failed = true;
}

void Executor::permute(std::vector<int>& indices) {
  std::iota(indices.begin(), indices.end(), 0);
  if (kind == Order::kReverse) std::reverse(indices.begin(), indices.end());
  if (kind == Order::kShuffled) std::shuffle(indices.begin(), indices.end(), random);
}

void stack_entry() { executor.stack_main(); }

int Executor::idle_stack() {
  if (idle.empty()) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* const memory = mmap(nullptr, kStackBytes + page, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return -1;
    mprotect(memory, page, PROT_NONE);
    stacks.push_back(std::make_unique<Stack>());
    stacks.back()->memory = static_cast<char*>(memory) + page;
    stacks.back()->fiber.prepare(stacks.back()->memory, kStackBytes, stack_entry);
    return static_cast<int>(stacks.size()) - 1;
  }
  const int index = idle.back();
  idle.pop_back();
  return index;
}

// A stack runs threads that have not started until one of them has to wait, so that a kernel
// without barriers needs no switch between its threads.
void Executor::stack_main() {
  Fiber::entered(stacks[static_cast<std::size_t>(stack)]->fiber);
  for (;;) {
    while (started < order.size()) {
      running = order[started++];
      Thread& thread = threads[static_cast<std::size_t>(running)];
      threadIdx = thread.index;
      thread.state = State::kReady;
      (*body)();
      threads[static_cast<std::size_t>(running)].state = State::kDone;
      --live;
    }
    idle.push_back(stack);
    give_way();
  }
}

bool Executor::release_barrier() {
  if (at_barrier == 0 || at_barrier != static_cast<int>(threads.size())) return false;
  const Thread& first = threads[0];
  int count = 0;
  for (const Thread& thread : threads) {
    if (thread.line != first.line || std::strcmp(thread.file, first.file) != 0) {
      fail(
          "divergent barrier: thread (%u, %u, %u) of block (%u, %u, %u) waits at %s:%d, thread "
          "(%u, %u, %u) at %s:%d",
          first.index.x, first.index.y, first.index.z, blockIdx.x, blockIdx.y, blockIdx.z,
          first.file, first.line, thread.index.x, thread.index.y, thread.index.z, thread.file,
          thread.line);
      return false;
    }
    count += thread.value != 0;
  }
  if (kind == Order::kShuffled) permute(order);
  for (const int index : order) {
    Thread& thread = threads[static_cast<std::size_t>(index)];
    const bool all = count == static_cast<int>(threads.size());
    thread.result = thread.vote == Vote::kCount ? static_cast<uint64_t>(count)
                    : thread.vote == Vote::kAnd ? all
                                                : count != 0;
    thread.state = State::kReady;
    ready.push_back(index);
  }
  at_barrier = 0;
  return true;
}

void Executor::report_stuck() {
  int exited = 0, waiting = 0;
  const Thread* barrier = nullptr;
  const Thread* warp = nullptr;
  for (const Thread& thread : threads) {
    exited += thread.state == State::kDone;
    if (thread.state == State::kBarrier) barrier = &thread, ++waiting;
    if (thread.state == State::kWarp) warp = &thread;
  }
  if (warp != nullptr) {
    fail(
        "divergent warp: lane %d of warp %d in block (%u, %u, %u) waits at %s:%d for the lanes "
        "0x%08x, not all of which come there",
        warp->lane, warp->warp, blockIdx.x, blockIdx.y, blockIdx.z, warp->file, warp->line,
        warp->mask);
  } else if (barrier != nullptr) {
    fail("divergent barrier: %d of %zu threads of block (%u, %u, %u) wait at %s:%d, %d have ended",
         waiting, threads.size(), blockIdx.x, blockIdx.y, blockIdx.z, barrier->file, barrier->line,
         exited);
  }
}

// The stack to go on with, -1 for the host.
int Executor::next_stack() {
  if (failed) return -1;
  if (ready.empty() && started == order.size() && live > 0 && !release_barrier()) {
    if (!failed) report_stuck();
    return -1;
  }
  if (!ready.empty()) {
    running = ready.front();
    ready.pop_front();
    return threads[static_cast<std::size_t>(running)].fiber;
  }
  if (started == order.size()) return -1;
  const int index = idle_stack();
  if (index < 0) fail("no memory for the stack of a thread");
  return index;
}

void Executor::change_to(int target) {
  const int mine = stack;
  if (target == mine) return;
  Fiber& from = mine < 0 ? *host : stacks[static_cast<std::size_t>(mine)]->fiber;
  Fiber& to = target < 0 ? *host : stacks[static_cast<std::size_t>(target)]->fiber;
  stack = target;
  Fiber::change(from, to);
}

void Executor::give_way() {
  change_to(next_stack());
  if (running >= 0) threadIdx = threads[static_cast<std::size_t>(running)].index;
}

void Executor::begin(std::size_t count) {
  threads.resize(count);
  order.resize(count);
  permute(order);
  for (std::size_t i = 0; i < count; ++i) {
    Thread& thread = threads[i];
    const auto n = static_cast<unsigned>(i);
    thread = {};
    thread.index = {n % blockDim.x, n / blockDim.x % blockDim.y, n / blockDim.x / blockDim.y};
    thread.warp = static_cast<int>(i) / kWarp;
    thread.lane = static_cast<int>(i) % kWarp;
  }
  ready.clear();
  started = 0;
  live = static_cast<int>(count);
  at_barrier = 0;
  // What a kernel reads before it wrote it is NaN.
  std::memset(shared_memory, 0xff, shared_size);
}

bool Executor::run_block() {
  Fiber the_host;
  host = &the_host;
  stack = -1;
  running = -1;
  change_to(next_stack());
  running = -1;
  if (!failed) return true;
  // The stacks are left in the middle of their frames; start them again.
  idle.clear();
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    stacks[i]->fiber.prepare(stacks[i]->memory, kStackBytes, stack_entry);
    idle.push_back(static_cast<int>(i));
  }
  return false;
}

}  // namespace

void set_order(Order order, uint32_t seed) {
  executor.kind = order;
  executor.random.seed(seed);
}

const char* failure_report() { return executor.report; }

void* dynamic_shared() { return shared_memory; }

bool run_grid(dim3 grid, dim3 block, std::size_t shared_bytes,
              const std::function<void()>& thread) {
  gridDim = grid;
  blockDim = block;
  shared_size = shared_bytes;
  executor.body = &thread;
  executor.failed = false;
  const std::size_t count = std::size_t{block.x} * block.y * block.z;
  std::vector<int> blocks(std::size_t{grid.x} * grid.y * grid.z);
  executor.permute(blocks);
#ifdef __SANITIZE_ADDRESS__
  __asan_poison_memory_region(shared_memory + shared_bytes, kMaxShared - shared_bytes);
#endif
  bool good = true;
  for (std::size_t i = 0; good && i < blocks.size(); ++i) {
    const auto n = static_cast<unsigned>(blocks[i]);
    blockIdx = {n % grid.x, n / grid.x % grid.y, n / grid.x / grid.y};
    executor.begin(count);
    good = executor.run_block();
  }
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(shared_memory, kMaxShared);
#endif
  return good;
}

void trap(const char* reason, const char* file, int line) {
  executor.fail("%s at %s:%d by thread (%u, %u, %u) of block (%u, %u, %u)", reason, file, line,
                threadIdx.x, threadIdx.y, threadIdx.z, blockIdx.x, blockIdx.y, blockIdx.z);
  executor.give_way();
  __builtin_unreachable();
}

int block_barrier(Vote vote, bool predicate, const char* file, int line) {
  const int mine = executor.running;
  Thread& thread = executor.threads[static_cast<std::size_t>(mine)];
  thread.state = State::kBarrier;
  thread.fiber = executor.stack;
  thread.file = file;
  thread.line = line;
  thread.vote = vote;
  thread.value = predicate;
  ++executor.at_barrier;
  executor.give_way();
  return static_cast<int>(executor.threads[static_cast<std::size_t>(mine)].result);
}

int current_lane() { return executor.threads[static_cast<std::size_t>(executor.running)].lane; }

namespace {

struct Together {
  void* mine;
  void (*run)(void* const* lanes);
};

}  // namespace

void warp_together(void* mine, void (*run)(void* const* lanes), const char* file, int line) {
  Together part{mine, run};
  const auto address = reinterpret_cast<std::uintptr_t>(&part);
  (void)warp_collective(WarpOp::kTogether, 0xffffffffu, address, 0, file, line);
}

void Executor::finish_warp(Thread& last, unsigned lanes) {
  Thread* const warp = &threads[static_cast<std::size_t>(last.warp) * kWarp];
  if (last.op == WarpOp::kTogether) {
    void* parts[kWarp];
    for (int lane = 0; lane < kWarp; ++lane) {
      parts[lane] = reinterpret_cast<Together*>(warp[lane].value)->mine;
    }
    reinterpret_cast<Together*>(last.value)->run(parts);
  }
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    Thread& thread = warp[__builtin_ctz(rest)];
    uint64_t result = 0;
    if (thread.op == WarpOp::kShuffle) {
      if ((lanes >> thread.argument & 1) == 0) {
        fail("lane %d shuffles from lane %d, which is not among 0x%08x, at %s:%d", thread.lane,
             thread.argument, lanes, thread.file, thread.line);
      } else {
        result = warp[thread.argument].value;
      }
    }
    for (unsigned other = lanes; other != 0; other &= other - 1) {
      const int lane = __builtin_ctz(other);
      const bool set = thread.op == WarpOp::kBallot     ? warp[lane].value != 0
                       : thread.op == WarpOp::kMatchAny ? warp[lane].value == thread.value
                                                        : false;
      if (set) result |= uint64_t{1} << lane;
      if (thread.op != WarpOp::kBallot && thread.op != WarpOp::kMatchAny) break;
    }
    thread.result = result;
  }
  // A warp goes on before others, so that it is as far ahead of them as barriers allow; in shuffled
  // order some stay in step.
  const bool ahead = kind != Order::kShuffled || random() % 2 == 0;
  int resumed[kWarp];
  int count = 0;
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    Thread& thread = warp[__builtin_ctz(rest)];
    if (&thread == &last) continue;
    thread.state = State::kReady;
    resumed[count++] = static_cast<int>(&thread - threads.data());
  }
  ready.insert(ahead ? ready.begin() : ready.end(), resumed, resumed + count);
}

uint64_t warp_collective(WarpOp op, unsigned mask, uint64_t value, int argument, const char* file,
                         int line) {
  const int mine = executor.running;
  Thread& thread = executor.threads[static_cast<std::size_t>(mine)];
  if ((mask >> thread.lane & 1) == 0) trap("the calling lane is not in its own mask", file, line);
  thread.state = State::kWarp;
  thread.fiber = executor.stack;
  thread.file = file;
  thread.line = line;
  thread.op = op;
  thread.mask = mask;
  thread.value = value;
  thread.argument = argument;

  const std::size_t base = static_cast<std::size_t>(thread.warp) * kWarp;
  unsigned arrived = 0;
  for (std::size_t lane = 0; lane < kWarp && base + lane < executor.threads.size(); ++lane) {
    const Thread& other = executor.threads[base + lane];
    if (other.state != State::kWarp || (mask >> lane & 1) == 0) continue;
    if (other.mask != mask || other.op != op || other.line != line ||
        std::strcmp(other.file, file) != 0) {
      executor.fail(
          "lanes %d and %d of a warp meet in different operations: 0x%08x at %s:%d and "
          "0x%08x at %s:%d",
          thread.lane, other.lane, mask, file, line, other.mask, other.file, other.line);
      break;
    }
    arrived |= 1u << lane;
  }
  if (!executor.failed && arrived == mask) {
    executor.finish_warp(thread, mask);
    thread.state = State::kReady;
    if (!executor.failed) return thread.result;
  }
  executor.give_way();
  return executor.threads[static_cast<std::size_t>(mine)].result;
}

}  // namespace tallow::emu
