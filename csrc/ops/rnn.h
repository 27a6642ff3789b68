// Recurrent networks: one direction of one layer over a whole sequence.
#pragma once

#include <string_view>
#include <vector>

#include "backend/rnn.h"
#include "core/tensor.h"

namespace tallow::ops {

// The parameters of one direction. Biases may be undefined (both), and so may the projection of an
// LSTM's state.
struct RnnWeights {
  Tensor input;       // (gates * H, F)
  Tensor state;       // (gates * H, P): P is H, or the rows of the projection
  Tensor input_bias;  // (gates * H)
  Tensor state_bias;
  Tensor projection;  // (P, H)
};

// Runs over `input`: (steps, batch, F), or with `batch_sizes` (one per step, not increasing) the
// rows (sum of batch_sizes, F) of a packed sequence. `mode` is RNN_TANH, RNN_RELU, LSTM or GRU,
// `state` (batch, P), `cell` (batch, H) for an LSTM. Returns the states of all steps, in the form
// of the input, the final state, and for an LSTM the final cell.
std::vector<Tensor> rnn_layer(std::string_view mode, const Tensor& input, const Dims& batch_sizes,
                              const Tensor& state, const Tensor& w_ih, const Tensor& w_hh,
                              const Tensor& cell, const Tensor& b_ih, const Tensor& b_hh,
                              const Tensor& w_hr, bool reverse);

// The same for rows (sum of sizes, F), written with differentiable functions.
std::vector<Tensor> rnn_steps(RnnMode mode, const Tensor& rows, const std::vector<int64_t>& sizes,
                              const Tensor& state, const Tensor& cell, const RnnWeights& weights,
                              bool reverse);

}  // namespace tallow::ops
