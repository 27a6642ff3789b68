// Recurrent network kernels: one direction of one layer over a whole sequence.
#pragma once

#include "core/types.h"

namespace tallow {

enum class RnnMode : uint8_t { kTanh, kRelu, kLstm, kGru };

// Blocks of `hidden` columns in the gates: LSTM in, forget, cell, out; GRU reset, update, new.
constexpr int64_t rnn_gates(RnnMode mode) {
  return mode == RnnMode::kLstm ? 4 : mode == RnnMode::kGru ? 3 : 1;
}

// A sequence of steps, each a batch of rows; step t has sizes[t] rows, never more than step t - 1,
// and its rows follow those of step t - 1. `reverse` runs from the last step to the first. The
// state has a row per sample of the largest batch, of which a step uses the first. Every array is
// contiguous but where a stride (in elements, between rows) is given.
struct RnnArgs {
  RnnMode mode;
  DType dtype;  // float32 or float64
  bool reverse;
  int64_t steps;
  const int64_t* sizes;
  int64_t hidden;
  const void* weight;    // [gates * hidden][hidden]: from the state to the gates
  const void* new_bias;  // GRU: what the state's part of the new gate starts from; may be null
  // [rows][gates * hidden]. Before: what the input (and biases) add; after: the activated gates.
  void* gates;
  void* new_part;  // GRU, [rows][hidden]: the state's part of the new gate, written
  void* state;     // [batch][hidden]: the initial state, replaced by the final one
  void* cell;      // LSTM: the same
  void* output;    // [rows][hidden]
  int64_t output_stride;
  // [rows][hidden]: the states that the steps began with, for backward; may be null.
  void* state_before;
  void* cell_before;
};

struct RnnBackwardArgs {
  RnnMode mode;
  DType dtype;
  bool reverse;
  int64_t steps;
  const int64_t* sizes;
  int64_t hidden;
  const void* weight;
  const void* gates;  // what the forward pass left
  const void* new_part;
  const void* state_before;
  const void* cell_before;
  const void* grad_output;  // [rows][hidden]
  int64_t grad_output_stride;
  void* grad_state;  // [batch][hidden]: the gradient of the final state, replaced by the initial's
  void* grad_cell;
  void* grad_gates;  // [rows][gates * hidden]: of what the input adds; written
  void* grad_new;    // GRU, [rows][hidden]: of new_part; written
};

struct RnnKernels {
  Status (*forward)(const RnnArgs& args) = nullptr;
  Status (*backward)(const RnnBackwardArgs& args) = nullptr;
};

}  // namespace tallow
