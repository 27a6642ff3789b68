// The kernel table: what a device owes. One struct of plain function pointers per device; every
// CPU instruction-set level fills one, and so does the optional CUDA plugin. Kernels know pointers
// and sizes, never tensors. A null entry means "not implemented", never a crash.
#pragma once

#include "backend/attention.h"
#include "backend/conv.h"
#include "backend/index.h"
#include "backend/linalg.h"
#include "backend/loss.h"
#include "backend/matmul.h"
#include "backend/norm.h"
#include "backend/optim.h"
#include "backend/pointwise.h"
#include "backend/pool.h"
#include "backend/random.h"
#include "backend/reduce.h"
#include "backend/rnn.h"
#include "backend/softmax.h"
#include "backend/sort.h"

namespace tallow {

struct Backend {
  const char* name;
  PointwiseKernels pointwise;
  ReduceKernels reduce;
  SoftmaxKernels softmax;
  MatmulKernels matmul;
  ConvKernels conv;
  PoolKernels pool;
  NormKernels norm;
  LossKernels loss;
  IndexKernels index;
  SortKernels sort;
  RandomKernels random;
  OptimKernels optim;
  AttentionKernels attention;
  RnnKernels rnn;
  LinalgKernels linalg;
};

// The table of the CPU level in use. Chosen once, at load: the best level the CPU has, or the one
// named by TALLOW_CPU_LEVEL (baseline, avx2, avx512).
const Backend& cpu_backend();

}  // namespace tallow
