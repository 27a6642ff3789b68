// Gradients of recurrent networks, step by step against the order of the forward pass. What depends
// on no other step (the gradients of weights, biases and inputs) is left to products over the whole
// sequence.
#include "cpu/rnn.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// ---- Gradients of n units of one row. `grad` is that of the new state; what is left in
// `grad_state` is what reaches the previous one other than through the weights.

template <class T>
TALLOW_INLINE void lstm_units(const T* gates, int64_t hidden, const T* cell_before, const T* grad,
                              T* grad_state, T* grad_cell, T* grad_gates, int64_t n) {
  for_vectors<T>(n, [&](int64_t j, int count) {
    const Vec<T> enter = get(gates + j, count);
    const Vec<T> forget = get(gates + hidden + j, count);
    const Vec<T> fresh = get(gates + 2 * hidden + j, count);
    const Vec<T> leave = get(gates + 3 * hidden + j, count);
    const Vec<T> before = get(cell_before + j, count);
    const Vec<T> dh = get(grad_state + j, count) + get(grad + j, count);
    const Vec<T> bent = math::tanh(forget * before + enter * fresh);
    const Vec<T> dc = get(grad_cell + j, count) + dh * leave * (1 - bent * bent);
    put(grad_gates + j, dc * fresh * enter * (1 - enter), count);
    put(grad_gates + hidden + j, dc * before * forget * (1 - forget), count);
    put(grad_gates + 2 * hidden + j, dc * enter * (1 - fresh * fresh), count);
    put(grad_gates + 3 * hidden + j, dh * bent * leave * (1 - leave), count);
    put(grad_cell + j, dc * forget, count);
    put(grad_state + j, Vec<T>{}, count);
  });
}

template <class T>
TALLOW_INLINE void gru_units(const T* gates, int64_t hidden, const T* new_part,
                             const T* state_before, const T* grad, T* grad_state, T* grad_gates,
                             T* grad_new, int64_t n) {
  for_vectors<T>(n, [&](int64_t j, int count) {
    const Vec<T> reset = get(gates + j, count);
    const Vec<T> update = get(gates + hidden + j, count);
    const Vec<T> fresh = get(gates + 2 * hidden + j, count);
    const Vec<T> dh = get(grad_state + j, count) + get(grad + j, count);
    const Vec<T> d_fresh = dh * (1 - update) * (1 - fresh * fresh);
    put(grad_gates + j, d_fresh * get(new_part + j, count) * reset * (1 - reset), count);
    put(grad_gates + hidden + j,
        dh * (get(state_before + j, count) - fresh) * update * (1 - update), count);
    put(grad_gates + 2 * hidden + j, d_fresh, count);
    put(grad_new + j, d_fresh * reset, count);
    put(grad_state + j, dh * update, count);
  });
}

template <class T>
TALLOW_INLINE void plain_units(bool relu, const T* gates, const T* grad, T* grad_state,
                               T* grad_gates, int64_t n) {
  for_vectors<T>(n, [&](int64_t j, int count) {
    const Vec<T> y = get(gates + j, count);
    const Vec<T> dh = get(grad_state + j, count) + get(grad + j, count);
    put(grad_gates + j, relu ? (Vec<T>{} < y ? dh : Vec<T>{}) : dh * (1 - y * y), count);
    put(grad_state + j, Vec<T>{}, count);
  });
}

template <class T>
void differentiate_row(const RnnBackwardArgs& args, int64_t row, int64_t sample) {
  const int64_t hidden = args.hidden;
  const int64_t width = rnn_gates(args.mode) * hidden;
  const T* const gates = static_cast<const T*>(args.gates) + row * width;
  const T* const grad = static_cast<const T*>(args.grad_output) + row * args.grad_output_stride;
  T* const grad_state = static_cast<T*>(args.grad_state) + sample * hidden;
  T* const grad_gates = static_cast<T*>(args.grad_gates) + row * width;
  switch (args.mode) {
    case RnnMode::kLstm:
      return lstm_units(gates, hidden, static_cast<const T*>(args.cell_before) + row * hidden, grad,
                        grad_state, static_cast<T*>(args.grad_cell) + sample * hidden, grad_gates,
                        hidden);
    case RnnMode::kGru:
      return gru_units(gates, hidden, static_cast<const T*>(args.new_part) + row * hidden,
                       static_cast<const T*>(args.state_before) + row * hidden, grad, grad_state,
                       grad_gates, static_cast<T*>(args.grad_new) + row * hidden, hidden);
    default:
      return plain_units(args.mode == RnnMode::kRelu, gates, grad, grad_state, grad_gates, hidden);
  }
}

// The weights of a block of units, all gates, as one panel.
template <class T>
TALLOW_INLINE void copy_panels(const T* weight, int64_t rows, int64_t hidden, T* copy) {
  for (int64_t unit = 0; unit < hidden; unit += kUnits) {
    copy_rows(copy + unit * rows, kUnits, weight + unit, hidden, rows,
              lesser(kUnits, hidden - unit));
  }
}

// Adds what reaches units [unit, unit + n) of the previous state through the weights.
template <class T>
bool add_through_weights(const RnnBackwardArgs& args, const T* panels, int64_t first, int64_t rows,
                         int64_t unit, int64_t n) {
  const int64_t hidden = args.hidden;
  const int64_t width = rnn_gates(args.mode) * hidden;
  const bool gru = args.mode == RnnMode::kGru;
  StepProduct<T> p{};
  p.rows = rows;
  p.columns = n;
  p.k = gru ? 2 * hidden : width;
  p.a = static_cast<const T*>(args.grad_gates) + first * width;
  p.a_row = width;
  p.b = panels ? panels + unit * width : static_cast<const T*>(args.weight) + unit;
  p.b_row = panels ? kUnits : hidden;
  p.b_col = 1;
  p.c = static_cast<T*>(args.grad_state) + unit;
  p.c_row = p.init_row = hidden;
  p.init = p.c;
  if (!multiply(p)) return false;
  if (!gru) return true;
  p.b += p.k * p.b_row;
  p.k = hidden;
  p.a = static_cast<const T*>(args.grad_new) + first * hidden;
  p.a_row = hidden;
  return multiply(p);
}

template <class T>
Status backward_of(const RnnBackwardArgs& args) {
  const int64_t hidden = args.hidden;
  const int64_t width = rnn_gates(args.mode) * hidden;
  const bool copies = total_rows(args.steps, args.sizes) >= 128 && hidden > kUnits;
  const Scratch<T> copy(copies ? width * ceil_div(hidden, kUnits) * kUnits : 0);
  if (copies && !copy) return copy.failure();
  if (copies) copy_panels(static_cast<const T*>(args.weight), width, hidden, copy.get());
  const T* const panels = copies ? copy.get() : nullptr;
  const bool done =
      walk_steps(args.steps, args.sizes, !args.reverse, [&](int64_t first, int64_t rows) {
        parallel_for(rows, ceil_div(4096, hidden), [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) differentiate_row<T>(args, first + i, i);
        });
        return for_each_block(hidden, 2 * rows * width, [&](int64_t unit, int64_t n) {
          return add_through_weights<T>(args, panels, first, rows, unit, n);
        });
      });
  return done ? Status::kOk : out_of_memory(hidden * kUnits * static_cast<int64_t>(sizeof(T)));
}

}  // namespace

Status rnn_backward(const RnnBackwardArgs& args) {
  return dispatch(Floating{}, args.dtype, "rnn_backward",
                  [&]<class T>() { return backward_of<T>(args); });
}

}  // namespace tallow::cpu::TALLOW_ISA
