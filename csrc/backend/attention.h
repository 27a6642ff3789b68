// Attention kernels: values averaged with the softmax of the products of queries and keys as
// weights, without a matrix of all weights in memory.
#pragma once

#include "core/types.h"

namespace tallow {

// [batch][heads][rows][columns]; strides in elements, columns are contiguous.
struct AttentionOperand {
  void* data;
  int64_t batch_stride, head_stride, row_stride;
};

struct AttentionArgs {
  DType dtype;  // float32 or float64
  int64_t batch;
  int64_t heads;        // of query and out
  int64_t key_heads;    // divides heads: head h reads head h / (heads / key_heads)
  int64_t queries;      // rows of query and out
  int64_t keys;         // rows of key and value, not 0
  int64_t width;        // columns of query and key
  int64_t value_width;  // columns of value and out
  AttentionOperand query, key, value, out;
  // Null, or for [batch][heads][queries][keys] either bool (true: the key takes part) or a summand
  // of `dtype`. Strides may be 0.
  const void* mask;
  bool mask_is_bool;
  int64_t mask_stride[4];
  bool causal;  // query i sees keys 0 to i only
  double scale;
  // [batch][heads][queries]: log(sum(exp(scores))), infinity for a query that sees nothing.
  void* logsumexp;
};

// out, key and value have the heads of the tensor each belongs to.
struct AttentionGrads {
  AttentionOperand grad_out, query, key, value;
};

struct AttentionKernels {
  // A query that sees no key gets zeros.
  Status (*forward)(const AttentionArgs& args) = nullptr;
  // out and logsumexp are those of the forward pass.
  Status (*backward)(const AttentionArgs& args, const AttentionGrads& grads) = nullptr;
};

}  // namespace tallow
