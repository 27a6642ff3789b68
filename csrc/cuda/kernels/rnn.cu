// Recurrent networks: per step one product of the state with the weights, and one kernel for the
// gates. What depends on no other step is left to products over the whole sequence.
#include "cuda/gpu.h"
#include "cuda/kernels/table.h"
#include "cuda/scratch.h"

namespace tallow::cuda {
namespace {

constexpr int kBlock = 256;

LaunchShape shape_for(int64_t count) { return {grid_for(count, kBlock), kBlock}; }

// Calls body(first_row, rows) step by step, or in the opposite order, until it fails.
template <class Body>
Status walk_steps(int64_t steps, const int64_t* sizes, bool last_first, const Body& body) {
  int64_t row = 0;
  for (int64_t t = 0; last_first && t < steps; ++t) row += sizes[t];
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t rows = sizes[last_first ? steps - 1 - i : i];
    if (last_first) row -= rows;
    TALLOW_CUDA_TRY(body(row, rows));
    if (!last_first) row += rows;
  }
  return Status::kOk;
}

// A contiguous or strided matrix; what matmul() takes of it.
struct Matrix {
  const void* data;
  int64_t row, column;  // strides
  MatmulOperand operand() const { return {data, {0, 0, row, column}}; }
};
// c = init + a b, c's rows c_row apart.
Status multiply(DType dtype, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b,
                const Matrix& init, void* c, int64_t c_row) {
  MatmulArgs args = {};
  args.dtype = dtype;
  args.batch[0] = args.batch[1] = 1;
  args.m = m;
  args.n = n;
  args.k = k;
  args.a = a.operand();
  args.b = b.operand();
  args.init = init.operand();
  args.c = c;
  args.c_stride[2] = c_row;
  args.alpha = args.beta = 1;
  return matmul(args);
}

template <class T>
__device__ T sigmoid(T x) {
  return 1 / (1 + exp(-x));
}

// ---- Forward. Gates of unit j lie `hidden` apart; a thread has one unit of one row.

// What one step reads and writes, from its own first row on.
template <class T>
struct Step {
  int64_t rows, hidden;
  T* gates;
  const T* new_part;
  T* state;
  T* cell;
  T* output;
  int64_t output_stride;
  T* state_before;
  T* cell_before;
};

template <class T, RnnMode kMode>
__global__ void step_kernel(Step<T> s) {
  const int64_t i = global_index();
  if (i >= s.rows * s.hidden) return;
  const int64_t row = i / s.hidden, unit = i % s.hidden, hidden = s.hidden;
  T* const gate = s.gates + row * rnn_gates(kMode) * hidden + unit;
  const T before = s.state[i];
  if (s.state_before) s.state_before[i] = before;
  T after;
  if constexpr (kMode == RnnMode::kLstm) {
    const T enter = sigmoid(gate[0]), forget = sigmoid(gate[hidden]);
    const T fresh = tanh(gate[2 * hidden]), leave = sigmoid(gate[3 * hidden]);
    const T cell = s.cell[i];
    if (s.cell_before) s.cell_before[i] = cell;
    const T next = forget * cell + enter * fresh;
    gate[0] = enter;
    gate[hidden] = forget;
    gate[2 * hidden] = fresh;
    gate[3 * hidden] = leave;
    s.cell[i] = next;
    after = leave * tanh(next);
  } else if constexpr (kMode == RnnMode::kGru) {
    const T reset = sigmoid(gate[0]), update = sigmoid(gate[hidden]);
    const T fresh = tanh(gate[2 * hidden] + reset * s.new_part[i]);
    gate[0] = reset;
    gate[hidden] = update;
    gate[2 * hidden] = fresh;
    after = fresh + update * (before - fresh);
  } else {
    after = kMode == RnnMode::kRelu ? (gate[0] > 0 || gate[0] != gate[0] ? gate[0] : T(0))
                                    : tanh(gate[0]);
    gate[0] = after;
  }
  s.state[i] = after;
  s.output[row * s.output_stride + unit] = after;
}

// Calls `body.template operator()<kMode>()`.
template <class Body>
Status with_mode(RnnMode mode, const Body& body) {
  switch (mode) {
    case RnnMode::kTanh:
      return body.template operator()<RnnMode::kTanh>();
    case RnnMode::kRelu:
      return body.template operator()<RnnMode::kRelu>();
    case RnnMode::kLstm:
      return body.template operator()<RnnMode::kLstm>();
    case RnnMode::kGru:
      return body.template operator()<RnnMode::kGru>();
  }
  return Status::kNotImplemented;
}

// Element `offset` of an array that may be null.
template <class T>
T* at(const void* data, int64_t offset) {
  return data ? const_cast<T*>(static_cast<const T*>(data)) + offset : nullptr;
}

// Adds the state's part to the gates; that of a GRU's new gate is kept apart.
template <class T>
Status multiply_state(const RnnArgs& args, int64_t first, int64_t rows) {
  const int64_t hidden = args.hidden;
  const int64_t width = rnn_gates(args.mode) * hidden;
  const bool gru = args.mode == RnnMode::kGru;
  T* const gates = at<T>(args.gates, first * width);
  const Matrix state{args.state, hidden, 1};
  const int64_t columns = gru ? 2 * hidden : width;
  TALLOW_CUDA_TRY(multiply(args.dtype, rows, columns, hidden, state, {args.weight, 1, hidden},
                           {gates, width, 1}, gates, width));
  if (!gru) return Status::kOk;
  return multiply(args.dtype, rows, hidden, hidden, state,
                  {at<T>(args.weight, columns * hidden), 1, hidden}, {args.new_bias, 0, 1},
                  at<T>(args.new_part, first * hidden), hidden);
}

template <class T, RnnMode kMode>
Status forward_of(const RnnArgs& args) {
  const int64_t hidden = args.hidden;
  return walk_steps(args.steps, args.sizes, args.reverse,
                    [&](int64_t first, int64_t rows) -> Status {
                      TALLOW_CUDA_TRY(multiply_state<T>(args, first, rows));
                      const Step<T> step{rows,
                                         hidden,
                                         at<T>(args.gates, first * rnn_gates(kMode) * hidden),
                                         at<T>(args.new_part, first * hidden),
                                         at<T>(args.state, 0),
                                         at<T>(args.cell, 0),
                                         at<T>(args.output, first * args.output_stride),
                                         args.output_stride,
                                         at<T>(args.state_before, first * hidden),
                                         at<T>(args.cell_before, first * hidden)};
                      return launch(shape_for(rows * hidden), step_kernel<T, kMode>, step);
                    });
}

// ---- Backward. What is left in grad_state is what reaches the previous state other than through
// the weights.

template <class T>
struct StepBack {
  int64_t rows, hidden;
  const T* gates;
  const T* new_part;
  const T* state_before;
  const T* cell_before;
  const T* grad_output;
  int64_t grad_output_stride;
  T* grad_state;
  T* grad_cell;
  T* grad_gates;
  T* grad_new;
};

template <class T, RnnMode kMode>
__global__ void step_back_kernel(StepBack<T> s) {
  const int64_t i = global_index();
  if (i >= s.rows * s.hidden) return;
  const int64_t row = i / s.hidden, unit = i % s.hidden, hidden = s.hidden;
  const T* const gate = s.gates + row * rnn_gates(kMode) * hidden + unit;
  T* const grad_gate = s.grad_gates + row * rnn_gates(kMode) * hidden + unit;
  const T grad = s.grad_state[i] + s.grad_output[row * s.grad_output_stride + unit];
  if constexpr (kMode == RnnMode::kLstm) {
    const T enter = gate[0], forget = gate[hidden], fresh = gate[2 * hidden],
            leave = gate[3 * hidden];
    const T before = s.cell_before[i];
    const T bent = tanh(forget * before + enter * fresh);
    const T grad_cell = s.grad_cell[i] + grad * leave * (1 - bent * bent);
    grad_gate[0] = grad_cell * fresh * enter * (1 - enter);
    grad_gate[hidden] = grad_cell * before * forget * (1 - forget);
    grad_gate[2 * hidden] = grad_cell * enter * (1 - fresh * fresh);
    grad_gate[3 * hidden] = grad * bent * leave * (1 - leave);
    s.grad_cell[i] = grad_cell * forget;
    s.grad_state[i] = 0;
  } else if constexpr (kMode == RnnMode::kGru) {
    const T reset = gate[0], update = gate[hidden], fresh = gate[2 * hidden];
    const T grad_fresh = grad * (1 - update) * (1 - fresh * fresh);
    grad_gate[0] = grad_fresh * s.new_part[i] * reset * (1 - reset);
    grad_gate[hidden] = grad * (s.state_before[i] - fresh) * update * (1 - update);
    grad_gate[2 * hidden] = grad_fresh;
    s.grad_new[i] = grad_fresh * reset;
    s.grad_state[i] = grad * update;
  } else {
    const T y = gate[0];
    grad_gate[0] = kMode == RnnMode::kRelu ? (y > 0 ? grad : T(0)) : grad * (1 - y * y);
    s.grad_state[i] = 0;
  }
}

// Adds what reaches the previous state through the weights.
template <class T>
Status multiply_grads(const RnnBackwardArgs& args, int64_t first, int64_t rows) {
  const int64_t hidden = args.hidden;
  const int64_t width = rnn_gates(args.mode) * hidden;
  const bool gru = args.mode == RnnMode::kGru;
  const Matrix state{args.grad_state, hidden, 1};
  const int64_t columns = gru ? 2 * hidden : width;
  TALLOW_CUDA_TRY(multiply(args.dtype, rows, hidden, columns,
                           {at<T>(args.grad_gates, first * width), width, 1},
                           {args.weight, hidden, 1}, state, args.grad_state, hidden));
  if (!gru) return Status::kOk;
  return multiply(
      args.dtype, rows, hidden, hidden, {at<T>(args.grad_new, first * hidden), hidden, 1},
      {at<T>(args.weight, columns * hidden), hidden, 1}, state, args.grad_state, hidden);
}

template <class T, RnnMode kMode>
Status backward_of(const RnnBackwardArgs& args) {
  const int64_t hidden = args.hidden;
  const int64_t width = rnn_gates(kMode) * hidden;
  return walk_steps(
      args.steps, args.sizes, !args.reverse, [&](int64_t first, int64_t rows) -> Status {
        const StepBack<T> step{rows,
                               hidden,
                               at<T>(args.gates, first * width),
                               at<T>(args.new_part, first * hidden),
                               at<T>(args.state_before, first * hidden),
                               at<T>(args.cell_before, first * hidden),
                               at<T>(args.grad_output, first * args.grad_output_stride),
                               args.grad_output_stride,
                               at<T>(args.grad_state, 0),
                               at<T>(args.grad_cell, 0),
                               at<T>(args.grad_gates, first * width),
                               at<T>(args.grad_new, first * hidden)};
        TALLOW_CUDA_TRY(launch(shape_for(rows * hidden), step_back_kernel<T, kMode>, step));
        return multiply_grads<T>(args, first, rows);
      });
}

Status forward(const RnnArgs& args) {
  return by_dtype(Floating{}, args.dtype, "rnn", [&]<class T>() {
    return with_mode(args.mode, [&]<RnnMode kMode>() { return forward_of<T, kMode>(args); });
  });
}

Status backward(const RnnBackwardArgs& args) {
  return by_dtype(Floating{}, args.dtype, "rnn_backward", [&]<class T>() {
    return with_mode(args.mode, [&]<RnnMode kMode>() { return backward_of<T, kMode>(args); });
  });
}

}  // namespace

void fill_rnn(RnnKernels& table) {
  table.forward = forward;
  table.backward = backward;
}

}  // namespace tallow::cuda
