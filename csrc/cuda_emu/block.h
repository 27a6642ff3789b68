// The block executor: runs the threads of one block after another as fibers of the calling host
// thread. A thread gives way only at a barrier or a warp intrinsic, so that what it reads between
// two barriers is what the threads before it wrote and nothing of those after it: a missing barrier
// shows as a wrong result, in every run the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "cuda_emu/vector_types.h"

namespace tallow::emu {

enum class Order { kForward, kReverse, kShuffled };
// The order in which blocks run, threads of a block start and threads leave a barrier.
void set_order(Order order, uint32_t seed);

// Runs `thread` once per thread of the grid. False if a thread trapped or the threads cannot go on
// together; failure_report() says why.
bool run_grid(dim3 grid, dim3 block, std::size_t shared_bytes, const std::function<void()>& thread);
const char* failure_report();

// ---- what device code calls; only inside run_grid ----

void* dynamic_shared();
// Leaves the kernel: the launch fails with `reason`.
[[noreturn]] void trap(const char* reason, const char* file, int line);

enum class Vote { kNone, kCount, kAnd, kOr };
// A barrier of the block that also counts or combines a predicate.
int block_barrier(Vote vote, bool predicate, const char* file, int line);

enum class WarpOp {
  kSync,
  kShuffle,   // result: the value of lane `argument`
  kBallot,    // result: the lanes with a value other than 0
  kMatchAny,  // result: the lanes with my value
  kTogether,  // see warp_together()
};
// An operation of the lanes in `mask`, which all have to call it from the same line.
uint64_t warp_collective(WarpOp op, unsigned mask, uint64_t value, int argument, const char* file,
                         int line);
// What all 32 lanes of a warp do as one: `run` is called once, with what each lane brings.
void warp_together(void* mine, void (*run)(void* const* lanes), const char* file, int line);
int current_lane();

}  // namespace tallow::emu

// The built-in variables of the running thread.
extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;
