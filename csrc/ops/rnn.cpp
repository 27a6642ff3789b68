#include "ops/rnn.h"

#include "autograd/engine.h"
#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/join_split.h"
#include "ops/kernel.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/reduce_shape.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// A sequence as rows, and how the steps divide it.
struct Sequence {
  RnnMode mode;
  bool reverse;
  std::vector<int64_t> sizes;
  int64_t hidden;

  int64_t width() const { return rnn_gates(mode) * hidden; }
};

RnnMode mode_of(std::string_view name) {
  if (name == "LSTM") return RnnMode::kLstm;
  if (name == "GRU") return RnnMode::kGru;
  if (name == "RNN_RELU") return RnnMode::kRelu;
  TALLOW_CHECK(name == "RNN_TANH", "Unrecognized RNN mode: ", name,
               "; expected RNN_TANH, RNN_RELU, LSTM or GRU");
  return RnnMode::kTanh;
}

// What the caller must have checked with better words; a kernel trusts these.
void check(const Sequence& s, const Tensor& rows, const Tensor& state, const Tensor& cell,
           const RnnWeights& w) {
  TALLOW_CHECK(!s.sizes.empty(), "Expected sequence length to be larger than 0 in RNN");
  int64_t total = 0;
  for (std::size_t t = 0; t < s.sizes.size(); ++t) {
    TALLOW_CHECK(s.sizes[t] >= 0, "rnn: batch_sizes must not be negative, but step ", t, " has ",
                 s.sizes[t]);
    TALLOW_CHECK(t == 0 || s.sizes[t] <= s.sizes[t - 1],
                 "rnn: batch_sizes must not increase, but step ", t, " has ", s.sizes[t], " after ",
                 s.sizes[t - 1]);
    total += s.sizes[t];
  }
  TALLOW_CHECK(rows.size(0) == total, "rnn: batch_sizes add up to ", total, ", but input has ",
               rows.size(0), " rows");
  const int64_t width = w.projection.defined() ? w.projection.size(0) : s.hidden;
  const auto check_shape = [](const char* name, const Tensor& tensor, const Dims& expected) {
    TALLOW_CHECK(!tensor.defined() || tensor.sizes() == expected, "rnn: expected ", name,
                 " of shape ", expected, ", but got ", tensor.sizes());
  };
  check_shape("w_ih", w.input, {s.width(), rows.size(1)});
  check_shape("w_hh", w.state, {s.width(), width});
  check_shape("b_ih", w.input_bias, {s.width()});
  check_shape("b_hh", w.state_bias, {s.width()});
  check_shape("hx", state, {s.sizes[0], width});
  check_shape("cx", cell, {s.sizes[0], s.hidden});
  TALLOW_CHECK(cell.defined() == (s.mode == RnnMode::kLstm), "rnn: an LSTM, and nothing else, ",
               "needs cx");
  TALLOW_CHECK(w.input_bias.defined() == w.state_bias.defined(),
               "rnn: expected both biases or none");
  for (const Tensor* tensor : {&w.input, &w.state, &w.input_bias, &w.state_bias, &state, &cell}) {
    TALLOW_CHECK(!tensor->defined() || tensor->dtype() == rows.dtype(),
                 "rnn: input, states and weights must have the same dtype, but got ",
                 scalar_type_name(rows.dtype()), " and ", scalar_type_name(tensor->dtype()));
  }
}

bool has_kernel(const Tensor& rows, const RnnWeights& w) {
  const bool floating = rows.dtype() == DType::kFloat32 || rows.dtype() == DType::kFloat64;
  return floating && !rows.device().is_meta() && !w.projection.defined() && w.state.size(1) > 0;
}

void* data_of(const Tensor& tensor) { return tensor.defined() ? tensor.ptr() : nullptr; }

// What the forward pass keeps for its derivative.
struct Kept {
  Tensor gates, new_part, state_before, cell_before;
};

// What the input and the biases add to the gates. A GRU's reset gate acts on the state's part of
// the new gate including its bias, which therefore stays apart.
Tensor from_input(const Sequence& s, const Tensor& rows, const RnnWeights& w) {
  if (!w.input_bias.defined()) return linear(rows, w.input);
  if (s.mode != RnnMode::kGru) return linear(rows, w.input, add(w.input_bias, w.state_bias));
  const Tensor bias = clone(w.input_bias);
  const Tensor first = narrow(bias, 0, 0, 2 * s.hidden);
  copy_(first, add(first, narrow(w.state_bias, 0, 0, 2 * s.hidden)));
  return linear(rows, w.input, bias);
}

std::vector<Tensor> run_forward(const Sequence& s, const Tensor& rows, const Tensor& state,
                                const Tensor& cell, const RnnWeights& w, bool keep, Kept& kept) {
  const NoGradGuard guard;
  const auto new_rows = [&] {
    return empty({rows.size(0), s.hidden}, rows.dtype(), rows.device());
  };
  const Tensor weight = contiguous(w.state);
  const Tensor bias = w.state_bias.defined() ? contiguous(w.state_bias) : w.state_bias;
  std::vector<Tensor> results{new_rows(), clone_strided(state, {s.hidden, 1})};
  if (cell.defined()) results.push_back(clone_strided(cell, {s.hidden, 1}));
  kept.gates = from_input(s, rows, w);
  if (s.mode == RnnMode::kGru) kept.new_part = new_rows();
  if (keep) kept.state_before = new_rows();
  if (keep && cell.defined()) kept.cell_before = new_rows();
  RnnArgs args{};
  args.mode = s.mode;
  args.dtype = rows.dtype();
  args.reverse = s.reverse;
  args.steps = static_cast<int64_t>(s.sizes.size());
  args.sizes = s.sizes.data();
  args.hidden = s.hidden;
  args.weight = weight.ptr();
  if (s.mode == RnnMode::kGru && bias.defined()) {
    args.new_bias = narrow(bias, 0, 2 * s.hidden, s.hidden).ptr();
  }
  args.gates = kept.gates.ptr();
  args.new_part = data_of(kept.new_part);
  args.state = results[1].ptr();
  args.cell = cell.defined() ? results[2].ptr() : nullptr;
  args.output = results[0].ptr();
  args.output_stride = s.hidden;
  args.state_before = data_of(kept.state_before);
  args.cell_before = data_of(kept.cell_before);
  run<&Backend::rnn, &RnnKernels::forward>("rnn", rows.device(), args);
  return results;
}

// Gradients in the order of the inputs that rnn_layer() records.
struct RnnGrads {
  Tensor rows, state, cell, w_ih, w_hh, b_ih, b_hh;
};

RnnGrads kernel_grads(const Sequence& s, Grads& g, const Tensor& rows, const RnnWeights& w,
                      const Kept& kept) {
  const bool gru = s.mode == RnnMode::kGru;
  const Tensor grad = contiguous_data(g.grad_or_zeros(0));
  const Tensor weight = contiguous(w.state);
  const Tensor grad_gates = empty({rows.size(0), s.width()}, rows.dtype(), rows.device());
  Tensor grad_new;
  if (gru) grad_new = empty({rows.size(0), s.hidden}, rows.dtype(), rows.device());
  RnnGrads grads;
  grads.state = clone_strided(g.grad_or_zeros(1), {s.hidden, 1});
  if (s.mode == RnnMode::kLstm) grads.cell = clone_strided(g.grad_or_zeros(2), {s.hidden, 1});
  RnnBackwardArgs args{};
  args.mode = s.mode;
  args.dtype = rows.dtype();
  args.reverse = s.reverse;
  args.steps = static_cast<int64_t>(s.sizes.size());
  args.sizes = s.sizes.data();
  args.hidden = s.hidden;
  args.weight = weight.ptr();
  args.gates = kept.gates.ptr();
  args.new_part = data_of(kept.new_part);
  args.state_before = kept.state_before.ptr();
  args.cell_before = data_of(kept.cell_before);
  args.grad_output = grad.ptr();
  args.grad_output_stride = s.hidden;
  args.grad_state = grads.state.ptr();
  args.grad_cell = data_of(grads.cell);
  args.grad_gates = grad_gates.ptr();
  args.grad_new = data_of(grad_new);
  run<&Backend::rnn, &RnnKernels::backward>("rnn_backward", rows.device(), args);

  if (g.needs(0)) grads.rows = mm(grad_gates, w.input);
  if (g.needs(3)) grads.w_ih = mm(t(grad_gates), rows);
  const Tensor early = gru ? narrow(grad_gates, 1, 0, 2 * s.hidden) : grad_gates;
  if (g.needs(4)) {
    grads.w_hh = mm(t(early), kept.state_before);
    if (gru) grads.w_hh = cat({grads.w_hh, mm(t(grad_new), kept.state_before)});
  }
  if (g.needs(5) || g.needs(6)) {
    grads.b_ih = sum_dims(grad_gates, {0});
    grads.b_hh = grads.b_ih;
    if (gru) grads.b_hh = cat({narrow(grads.b_ih, 0, 0, 2 * s.hidden), sum_dims(grad_new, {0})});
  }
  return grads;
}

// The same gradients by differentiable functions: the steps are run again and differentiated.
RnnGrads recorded_grads(const Sequence& s, Grads& g, const Tensor& rows, const Tensor& state,
                        const Tensor& cell, const RnnWeights& w) {
  // Views of their own, so that a tensor that occurs twice gets two gradients.
  const auto own = [](const Tensor& tensor) {
    return tensor.defined() ? view_alias(tensor) : tensor;
  };
  const Tensor x = own(rows), h = own(state), c = own(cell);
  const RnnWeights weights{own(w.input), own(w.state), own(w.input_bias), own(w.state_bias), {}};
  const std::vector<Tensor> results = rnn_steps(s.mode, x, s.sizes, h, c, weights, s.reverse);
  std::vector<BackwardRoot> roots;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto output = static_cast<int64_t>(i);
    if (g.grad(output).defined()) roots.push_back({results[i], {}, g.grad(output)});
  }
  RnnGrads grads;
  const Tensor* const inputs[] = {
      &x, &h, &c, &weights.input, &weights.state, &weights.input_bias, &weights.state_bias};
  Tensor* const wanted[] = {&grads.rows, &grads.state, &grads.cell, &grads.w_ih,
                            &grads.w_hh, &grads.b_ih,  &grads.b_hh};
  std::vector<Edge> edges;
  std::vector<Tensor*> targets;
  for (int i = 0; i < 7; ++i) {
    if (!inputs[i]->defined() || !inputs[i]->requires_grad() || !g.needs(i)) continue;
    edges.push_back(gradient_edge(*inputs[i]));
    targets.push_back(wanted[i]);
  }
  const std::vector<Tensor> found =
      run_backward(roots, edges, {.retain_graph = true, .create_graph = true, .accumulate = false});
  for (std::size_t i = 0; i < targets.size(); ++i) *targets[i] = found[i];
  return grads;
}

const char* node_name(RnnMode mode) {
  switch (mode) {
    case RnnMode::kLstm:
      return "LstmBackward0";
    case RnnMode::kGru:
      return "GruBackward0";
    case RnnMode::kRelu:
      return "RnnReluBackward0";
    case RnnMode::kTanh:
      break;
  }
  return "RnnTanhBackward0";
}

std::vector<Tensor> run_fused(const Sequence& s, const Tensor& rows, const Tensor& state,
                              const Tensor& cell, const RnnWeights& w) {
  const std::initializer_list<const Tensor*> inputs{&rows,    &state,        &cell,        &w.input,
                                                    &w.state, &w.input_bias, &w.state_bias};
  Kept kept;
  std::vector<Tensor> results = run_forward(s, rows, state, cell, w, should_record(inputs), kept);
  const Tensor last = results.size() > 2 ? results[2] : Tensor();
  record(node_name(s.mode), inputs, {&results[0], &results[1], &last}, [&](Saver& save) {
    return [x = save(rows, "input"), h = save(state, "hx"), c = save(cell, "cx"),
            w_ih = save(w.input, "w_ih"), w_hh = save(w.state, "w_hh"),
            b_ih = save(w.input_bias, "b_ih"), b_hh = save(w.state_bias, "b_hh"),
            gates = save(kept.gates, "gates"), new_part = save(kept.new_part, "new_part"),
            before = save(kept.state_before, "state_before"),
            cell_before = save(kept.cell_before, "cell_before"), s](Grads& g) {
      const RnnWeights weights{g[w_ih], g[w_hh], g[b_ih], g[b_hh], {}};
      const RnnGrads grads = grad_enabled()
                                 ? recorded_grads(s, g, g[x], g[h], g[c], weights)
                                 : kernel_grads(s, g, g[x], weights,
                                                {g[gates], g[new_part], g[before], g[cell_before]});
      const Tensor* const all[] = {&grads.rows, &grads.state, &grads.cell, &grads.w_ih,
                                   &grads.w_hh, &grads.b_ih,  &grads.b_hh};
      for (int i = 0; i < 7; ++i) {
        if (g.needs(i)) g.out[i] = *all[i];
      }
    };
  });
  return results;
}

}  // namespace

std::vector<Tensor> rnn_layer(std::string_view mode, const Tensor& input, const Dims& batch_sizes,
                              const Tensor& state, const Tensor& w_ih, const Tensor& w_hh,
                              const Tensor& cell, const Tensor& b_ih, const Tensor& b_hh,
                              const Tensor& w_hr, bool reverse) {
  const bool packed = !batch_sizes.empty();
  TALLOW_CHECK(input.dim() == (packed ? 2 : 3), "rnn: expected input with ", packed ? 2 : 3,
               " dimensions, but got ", input.dim());
  const RnnMode kind = mode_of(mode);
  TALLOW_CHECK(w_ih.dim() == 2 && w_ih.size(0) % rnn_gates(kind) == 0,
               "rnn: expected w_ih with 2 dimensions and a multiple of ", rnn_gates(kind),
               " rows, but got shape ", w_ih.sizes());
  Sequence s{kind, reverse, {}, w_ih.size(0) / rnn_gates(kind)};
  if (packed) {
    s.sizes.assign(batch_sizes.begin(), batch_sizes.end());
  } else {
    s.sizes.assign(static_cast<std::size_t>(input.size(0)), input.size(1));
  }
  const Tensor rows =
      packed ? contiguous(input) : reshape(input, {input.size(0) * input.size(1), input.size(2)});
  const RnnWeights weights{w_ih, w_hh, b_ih, b_hh, w_hr};
  check(s, rows, state, cell, weights);
  std::vector<Tensor> results = has_kernel(rows, weights)
                                    ? run_fused(s, rows, state, cell, weights)
                                    : rnn_steps(kind, rows, s.sizes, state, cell, weights, reverse);
  if (!packed) {
    results[0] = view(results[0], {input.size(0), input.size(1), results[0].size(1)});
  }
  return results;
}

}  // namespace tallow::ops
