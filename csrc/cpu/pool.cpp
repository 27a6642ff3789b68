// The pooling family's part of the kernel table.
#include "cpu/pool.h"

#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {

void fill_pool(PoolKernels& table) {
  fill_pool_max(table);
  fill_pool_max_backward(table);
  fill_pool_average(table);
  fill_pool_adaptive(table);
}

}  // namespace tallow::cpu::TALLOW_ISA
