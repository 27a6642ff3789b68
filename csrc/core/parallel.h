// The thread pool as kernels see it. Work is divided by shape alone: the number of tasks and what
// each computes never depend on the number of threads, so results have the same bits for any.
#pragma once

#include <cstdint>

#include "core/macros.h"

namespace tallow {

// Number of threads parallel work may use, the caller included; at least 1. Initially the CPUs of
// the affinity mask, limited by the cgroup quota and by OMP_NUM_THREADS.
int num_threads();
void set_num_threads(int count);

// Runs task(context, index) once for every index in [0, tasks) on the calling thread and the pool
// and returns when all are done. Tasks must not throw and must not touch Python or reference
// counts. Nested calls, calls while another thread uses the pool, and tasks <= 1 run inline.
void run_tasks(int64_t tasks, void (*task)(void* context, int64_t index), void* context);

// Calls body(begin, end) for consecutive chunks of `chunk` items covering [0, n). Choose `chunk`
// from the shape so that one chunk is worth at least some 20 microseconds; one chunk runs inline.
template <class Body>
TALLOW_INLINE void parallel_for(int64_t n, int64_t chunk, const Body& body) {
  if (n <= 0) return;
  if (chunk < 1) chunk = 1;
  if (n <= chunk) {
    body(int64_t{0}, n);
    return;
  }
  struct Call {
    const Body* body;
    int64_t n;
    int64_t chunk;
  } call{&body, n, chunk};
  run_tasks((n + chunk - 1) / chunk,
            [](void* context, int64_t index) {
              const Call& c = *static_cast<const Call*>(context);
              const int64_t begin = index * c.chunk;
              const int64_t end = begin + c.chunk < c.n ? begin + c.chunk : c.n;
              (*c.body)(begin, end);
            },
            &call);
}

}  // namespace tallow
