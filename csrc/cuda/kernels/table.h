// The kernels of the CUDA backend, by the family of the table they belong to, and the functions
// that kernel files share.
#pragma once

#include "cuda/device_types.h"

#include "backend/backend.h"

namespace tallow::cuda {

// ---- Pointwise: entries of PointwiseKernels.
Status unary(UnaryOp op, DType compute, const Strided<2>& at, const DType (&dtypes)[2],
             const double* params);
Status binary(BinaryOp op, DType compute, const Strided<3>& at, const DType (&dtypes)[3],
              const double* params);
Status compare(CompareOp op, DType compute, const Strided<3>& at, const DType (&dtypes)[3]);
Status ternary(TernaryOp op, DType compute, const Strided<4>& at, const DType (&dtypes)[4],
               const double* params);
Status copy(const Strided<2>& at, DType out, DType in);
Status fill(const Strided<1>& at, DType dtype, const void* value);

template <int N>
struct Call;
Status activation(UnaryOp op, const Call<2>& call, const double* params);
Status activation_backward(BinaryOp op, const Call<3>& call, const double* params);
Status binary_integer(BinaryOp op, const Call<3>& call);
Status special_function(UnaryOp op, const Call<2>& call);
Status special_function(BinaryOp op, const Call<3>& call);

// ---- Products and convolutions: by a library of NVIDIA's (lib/choice.cpp) or by our own kernels.
Status matmul(const MatmulArgs& args);
Status matmul_by_kernel(const MatmulArgs& args);
ConvKernels conv_by_kernel();

// ---- One function for each family's file or files; each sets the entries that it has.
void fill_attention(AttentionKernels& table);
void fill_batch_norm(NormKernels& table);
void fill_conv(ConvKernels& table);
void fill_loss(LossKernels& table);
void fill_norm(NormKernels& table);
void fill_pair_loss(LossKernels& table);
void fill_pool(PoolKernels& table);
void fill_rnn(RnnKernels& table);
void fill_softmax(SoftmaxKernels& table);
void fill_reduce(ReduceKernels& table);
void fill_index(IndexKernels& table);
void fill_random(RandomKernels& table);
void fill_optim(OptimKernels& table);
void fill_sort(SortKernels& table);

}  // namespace tallow::cuda
