// The kernel table of the CUDA devices. An entry that stays null is an operation without a kernel,
// which raises NotImplementedError with its name.
#include "cuda/kernels/table.h"

namespace tallow::cuda {

const Backend& kernel_table();

namespace {

Backend make_table() {
  Backend table = {};
  table.name = "cuda";
  table.pointwise = {unary, binary, compare, ternary, copy, fill};
  fill_reduce(table.reduce);
  fill_softmax(table.softmax);
  table.matmul.matmul = matmul;
  fill_conv(table.conv);
  fill_pool(table.pool);
  fill_norm(table.norm);
  fill_loss(table.loss);
  fill_attention(table.attention);
  fill_rnn(table.rnn);
  fill_index(table.index);
  fill_sort(table.sort);
  fill_random(table.random);
  fill_optim(table.optim);
  return table;
}

}  // namespace

const Backend& kernel_table() {
  static const Backend table = make_table();
  return table;
}

}  // namespace tallow::cuda
