// Recurrent networks: per step one product of the state with the weights, and the gates.
#include "cpu/rnn.h"

#include "cpu/gemm_pack.h"
#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// The transposed weights of each block of units and gate as a panel of their own, so that a step
// reads them in order. Short sequences read the weights where they lie.
template <class T>
class GateWeights {
 public:
  static TALLOW_INLINE bool pays(int64_t rows) { return rows >= 128; }
  static TALLOW_INLINE int64_t size(int64_t gates, int64_t hidden) {
    return gates * hidden * ceil_div(hidden, kUnits) * kUnits;
  }

  GateWeights(const T* weight, int64_t gates, int64_t hidden, T* copy)
      : weight_(weight), gates_(gates), hidden_(hidden), copy_(copy) {
    for (int64_t unit = 0; copy && unit < hidden; unit += kUnits) {
      for (int64_t gate = 0; gate < gates; ++gate) {
        pack_panel(weight + (gate * hidden + unit) * hidden, 1, hidden, hidden,
                   lesser(kUnits, hidden - unit), kUnits, panel(unit, gate));
      }
    }
  }

  // Describes b for `gate` of the units from `unit` on.
  TALLOW_INLINE void describe(int64_t unit, int64_t gate, StepProduct<T>& p) const {
    p.b = copy_ ? panel(unit, gate) : weight_ + (gate * hidden_ + unit) * hidden_;
    p.b_row = copy_ ? kUnits : 1;
    p.b_col = copy_ ? 1 : hidden_;
  }

 private:
  TALLOW_INLINE T* panel(int64_t unit, int64_t gate) const {
    return copy_ + (unit / kUnits * gates_ + gate) * hidden_ * kUnits;
  }
  const T* weight_;
  int64_t gates_, hidden_;
  T* copy_;
};

// ---- The gates of n units of one row, which lie `hidden` apart.

// To 2.5 ulp, which is less than the rounding of the products the gates are made of; math::sigmoid
// spends a third of an LSTM's time on the last one.
template <class T>
TALLOW_INLINE Vec<T> gate(const T* from, int count) {
  return 1 / (1 + math::exp(-get(from, count)));
}

template <class T>
TALLOW_INLINE void lstm_units(T* gates, int64_t hidden, T* cell, T* out, int64_t n) {
  for_vectors<T>(n, [&](int64_t j, int count) {
    const Vec<T> enter = gate(gates + j, count);
    const Vec<T> forget = gate(gates + hidden + j, count);
    const Vec<T> fresh = math::tanh(get(gates + 2 * hidden + j, count));
    const Vec<T> leave = gate(gates + 3 * hidden + j, count);
    const Vec<T> c = forget * get(cell + j, count) + enter * fresh;
    put(gates + j, enter, count);
    put(gates + hidden + j, forget, count);
    put(gates + 2 * hidden + j, fresh, count);
    put(gates + 3 * hidden + j, leave, count);
    put(cell + j, c, count);
    put(out + j, leave * math::tanh(c), count);
  });
}

template <class T>
TALLOW_INLINE void gru_units(T* gates, int64_t hidden, const T* new_part, const T* state, T* out,
                             int64_t n) {
  for_vectors<T>(n, [&](int64_t j, int count) {
    const Vec<T> reset = gate(gates + j, count);
    const Vec<T> update = gate(gates + hidden + j, count);
    const Vec<T> fresh =
        math::tanh(get(gates + 2 * hidden + j, count) + reset * get(new_part + j, count));
    put(gates + j, reset, count);
    put(gates + hidden + j, update, count);
    put(gates + 2 * hidden + j, fresh, count);
    put(out + j, fresh + update * (get(state + j, count) - fresh), count);
  });
}

template <class T>
TALLOW_INLINE void plain_units(bool relu, T* gates, T* out, int64_t n) {
  for_vectors<T>(n, [&](int64_t j, int count) {
    const Vec<T> x = get(gates + j, count);
    const Vec<T> y = relu ? maximum(x, Vec<T>{}) : math::tanh(x);
    put(gates + j, y, count);
    put(out + j, y, count);
  });
}

// Units [unit, unit + n) of one step of `rows` rows from row `first` on.
template <class T>
bool compute_units(const RnnArgs& args, const GateWeights<T>& weights, int64_t first, int64_t rows,
                   int64_t unit, int64_t n) {
  const int64_t hidden = args.hidden;
  const int64_t gates = rnn_gates(args.mode);
  const int64_t width = gates * hidden;
  T* const gate_rows = static_cast<T*>(args.gates) + first * width + unit;
  T* const state = static_cast<T*>(args.state);
  T* const cell = static_cast<T*>(args.cell);
  T* const new_part = static_cast<T*>(args.new_part);
  const T* const new_bias = static_cast<const T*>(args.new_bias);
  const bool gru = args.mode == RnnMode::kGru;
  StepProduct<T> p{};
  p.rows = rows;
  p.columns = n;
  p.k = hidden;
  p.a = state;
  p.a_row = hidden;
  for (int64_t gate = 0; gate < gates; ++gate) {
    weights.describe(unit, gate, p);
    p.c = gate_rows + gate * hidden;
    p.c_row = p.init_row = width;
    p.init = p.c;
    if (gru && gate == 2) {
      p.c = new_part + first * hidden + unit;
      p.c_row = hidden;
      p.init = new_bias ? new_bias + unit : nullptr;
      p.init_row = 0;
    }
    if (!multiply(p)) return false;
  }
  for (int64_t i = 0; i < rows; ++i) {
    T* const at = gate_rows + i * width;
    T* const out = static_cast<T*>(args.output) + (first + i) * args.output_stride + unit;
    if (args.mode == RnnMode::kLstm) {
      lstm_units(at, hidden, cell + i * hidden + unit, out, n);
    } else if (gru) {
      gru_units(at, hidden, new_part + (first + i) * hidden + unit, state + i * hidden + unit, out,
                n);
    } else {
      plain_units(args.mode == RnnMode::kRelu, at, out, n);
    }
  }
  return true;
}

template <class T>
Status forward_of(const RnnArgs& args) {
  const int64_t hidden = args.hidden;
  const int64_t gates = rnn_gates(args.mode);
  const bool copies = GateWeights<T>::pays(total_rows(args.steps, args.sizes));
  const Scratch<T> copy(copies ? GateWeights<T>::size(gates, hidden) : 0);
  if (copies && !copy) return copy.failure();
  const GateWeights<T> weights(static_cast<const T*>(args.weight), gates, hidden,
                               copies ? copy.get() : nullptr);
  T* const state = static_cast<T*>(args.state);
  const bool done =
      walk_steps(args.steps, args.sizes, args.reverse, [&](int64_t first, int64_t rows) {
        if (args.state_before) {
          copy_rows(static_cast<T*>(args.state_before) + first * hidden, hidden, state, hidden,
                    rows, hidden);
        }
        if (args.cell_before) {
          copy_rows(static_cast<T*>(args.cell_before) + first * hidden, hidden,
                    static_cast<const T*>(args.cell), hidden, rows, hidden);
        }
        const bool computed =
            for_each_block(hidden, 2 * rows * gates * hidden, [&](int64_t unit, int64_t n) {
              return compute_units<T>(args, weights, first, rows, unit, n);
            });
        copy_rows(state, hidden, static_cast<const T*>(args.output) + first * args.output_stride,
                  args.output_stride, rows, hidden);
        return computed;
      });
  return done ? Status::kOk : out_of_memory(hidden * kUnits * static_cast<int64_t>(sizeof(T)));
}

Status forward(const RnnArgs& args) {
  return dispatch(Floating{}, args.dtype, "rnn", [&]<class T>() { return forward_of<T>(args); });
}

}  // namespace

void fill_rnn(RnnKernels& table) {
  table.forward = forward;
  table.backward = rnn_backward;
}

}  // namespace tallow::cpu::TALLOW_ISA
