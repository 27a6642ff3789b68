// The functions that fill one instruction-set level's kernel table, one per family.
#pragma once

#include "backend/backend.h"

namespace tallow::cpu::TALLOW_ISA {

void fill_attention(AttentionKernels& table);
void fill_conv(ConvKernels& table);
void fill_index(IndexKernels& table);
void fill_linalg(LinalgKernels& table);
void fill_loss(LossKernels& table);
void fill_matmul(MatmulKernels& table);
void fill_norm(NormKernels& table);
void fill_optim(OptimKernels& table);
void fill_pointwise(PointwiseKernels& table);
void fill_pool(PoolKernels& table);
void fill_random(RandomKernels& table);
void fill_reduce(ReduceKernels& table);
void fill_rnn(RnnKernels& table);
void fill_softmax(SoftmaxKernels& table);
void fill_sort(SortKernels& table);

// The complete table of this level.
const Backend& table();

}  // namespace tallow::cpu::TALLOW_ISA
