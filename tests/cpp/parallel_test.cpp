// The thread pool: every task once, whatever calls it from wherever, and after a fork.
#include "core/parallel.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "check.h"
#include "core/blocking.h"

namespace {

using namespace tallow;  // NOLINT: a test of nothing else

// How often each of n tasks ran.
std::vector<std::atomic<int>> run_counting(int64_t n) {
  std::vector<std::atomic<int>> counts(static_cast<std::size_t>(n));
  parallel_for(n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ++counts[static_cast<std::size_t>(i)];
  });
  return counts;
}

bool all_once(int64_t n) {
  for (const std::atomic<int>& count : run_counting(n)) {
    if (count != 1) return false;
  }
  return true;
}

void every_task_runs_once() {
  for (const int threads : {1, 2, 3, 8, 17}) {
    set_num_threads(threads);
    for (const int64_t n : {0, 1, 2, 3, 7, 64, 1000}) CHECK(all_once(n));
  }
}

void chunks_cover_the_range_in_fixed_pieces() {
  set_num_threads(3);
  std::atomic<int64_t> total{0};
  std::atomic<bool> regular{true};
  parallel_for(1003, 100, [&](int64_t begin, int64_t end) {
    total += end - begin;
    if (begin % 100 != 0 || (end - begin != 100 && end != 1003)) regular = false;
  });
  CHECK(total == 1003);
  CHECK(regular);
}

void nested_calls_stay_on_their_thread() {
  set_num_threads(4);
  std::atomic<int> inner{0};
  std::atomic<bool> moved{false};
  parallel_for(16, 1, [&](int64_t, int64_t) {
    const std::thread::id here = std::this_thread::get_id();
    parallel_for(8, 1, [&](int64_t, int64_t) {
      ++inner;
      if (std::this_thread::get_id() != here) moved = true;
    });
  });
  CHECK(inner == 128);
  CHECK(!moved);
}

void several_threads_may_call_at_once() {
  set_num_threads(3);
  std::atomic<bool> good{true};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&good, t] {
      for (int round = 0; round < 500; ++round) {
        if (!all_once(1 + (round * 7 + t) % 50)) good = false;
        if (t == 0 && round % 50 == 0) set_num_threads(1 + round / 50 % 5);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(good);
}

void the_count_is_kept() {
  set_num_threads(5);
  CHECK(num_threads() == 5);
  set_num_threads(0);
  CHECK(num_threads() == 1);
}

std::atomic<int> entered{0};
std::atomic<int> left{0};
void* enter() {
  ++entered;
  return &entered;
}
// The pool must be free again here: this thread may wait for the interpreter.
void leave(void* token) {
  CHECK(token == &entered);
  ++left;
  if (left == 1) CHECK(all_once(10));
}

void blocking_regions_surround_parallel_work() {
  set_num_threads(2);
  set_blocking_hooks(enter, leave);
  CHECK(all_once(1));  // one task runs inline, without letting others run
  CHECK(entered == 0);
  CHECK(all_once(10));
  CHECK(entered == 2);  // the call itself and the one made by leave()
  CHECK(left == 2);
  set_blocking_hooks(nullptr, nullptr);
}

void a_forked_child_has_its_own_pool() {
  set_num_threads(4);
  CHECK(all_once(100));
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(10);
      bool good = true;
      for (int round = 0; round < 20; ++round) good = good && all_once(64);
      _exit(good ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(all_once(64));
  }
}

}  // namespace

int main(int argc, char**) {
  every_task_runs_once();
  chunks_cover_the_range_in_fixed_pieces();
  nested_calls_stay_on_their_thread();
  several_threads_may_call_at_once();
  the_count_is_kept();
  blocking_regions_surround_parallel_work();
  // ThreadSanitizer cannot follow threads made in a forked child: any argument leaves this out.
  if (argc == 1) a_forked_child_has_its_own_pool();
}
