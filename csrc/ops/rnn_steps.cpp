// Recurrent networks step by step with differentiable functions: what has no kernel of its own, and
// the derivative of the derivative.
#include "ops/activation.h"
#include "ops/arithmetic.h"
#include "ops/join_split.h"
#include "ops/matmul.h"
#include "ops/rnn.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// Gate `index` of the columns of `gates`.
Tensor gate(const Tensor& gates, int64_t index, int64_t count) {
  const int64_t width = gates.size(-1) / count;
  return narrow(gates, -1, index * width, width);
}

struct State {
  Tensor hidden, cell;
};

// Source: S. Hochreiter, J. Schmidhuber, Neural Computation 9 (1997), with the forget gate of F.
// Gers, J. Schmidhuber, F. Cummins, Neural Computation 12 (2000).
State lstm_step(const Tensor& gates, const Tensor& before, const Tensor& projection) {
  const Tensor kept = mul(sigmoid(gate(gates, 1, 4)), before);
  const Tensor cell = add(kept, mul(sigmoid(gate(gates, 0, 4)), tanh(gate(gates, 2, 4))));
  const Tensor hidden = mul(sigmoid(gate(gates, 3, 4)), tanh(cell));
  return {projection.defined() ? linear(hidden, projection) : hidden, cell};
}

// Source: K. Cho et al., EMNLP 2014, with the reset gate applied after the product.
Tensor gru_step(const Tensor& from_input, const Tensor& from_state, const Tensor& before) {
  const Tensor reset = sigmoid(add(gate(from_input, 0, 3), gate(from_state, 0, 3)));
  const Tensor update = sigmoid(add(gate(from_input, 1, 3), gate(from_state, 1, 3)));
  const Tensor fresh = tanh(add(gate(from_input, 2, 3), mul(reset, gate(from_state, 2, 3))));
  return add(fresh, mul(update, sub(before, fresh)));
}

State step(RnnMode mode, const Tensor& from_input, const State& before, const RnnWeights& w) {
  const Tensor from_state = linear(before.hidden, w.state, w.state_bias);
  switch (mode) {
    case RnnMode::kLstm:
      return lstm_step(add(from_input, from_state), before.cell, w.projection);
    case RnnMode::kGru:
      return {gru_step(from_input, from_state, before.hidden), Tensor()};
    case RnnMode::kRelu:
      return {relu(add(from_input, from_state)), Tensor()};
    case RnnMode::kTanh:
      break;
  }
  return {tanh(add(from_input, from_state)), Tensor()};
}

Tensor first_rows(const Tensor& tensor, int64_t rows) {
  return tensor.defined() && rows < tensor.size(0) ? narrow(tensor, 0, 0, rows) : tensor;
}

// `tensor` with its first rows replaced.
Tensor with_first_rows(const Tensor& tensor, const Tensor& rows) {
  const int64_t count = rows.size(0);
  if (count == tensor.size(0)) return rows;
  return cat({rows, narrow(tensor, 0, count, tensor.size(0) - count)});
}

}  // namespace

std::vector<Tensor> rnn_steps(RnnMode mode, const Tensor& rows, const std::vector<int64_t>& sizes,
                              const Tensor& state, const Tensor& cell, const RnnWeights& weights,
                              bool reverse) {
  const Tensor from_input = linear(rows, weights.input, weights.input_bias);
  const std::size_t steps = sizes.size();
  std::vector<Tensor> outputs(steps);
  State now{state, cell};
  int64_t row = reverse ? rows.size(0) : 0;
  for (std::size_t i = 0; i < steps; ++i) {
    const std::size_t t = reverse ? steps - 1 - i : i;
    const int64_t n = sizes[t];
    if (reverse) row -= n;
    const State next = step(mode, narrow(from_input, 0, row, n),
                            {first_rows(now.hidden, n), first_rows(now.cell, n)}, weights);
    if (!reverse) row += n;
    outputs[t] = next.hidden;
    now.hidden = with_first_rows(now.hidden, next.hidden);
    if (next.cell.defined()) now.cell = with_first_rows(now.cell, next.cell);
  }
  std::vector<Tensor> results{cat(outputs), now.hidden};
  if (now.cell.defined()) results.push_back(now.cell);
  return results;
}

}  // namespace tallow::ops
