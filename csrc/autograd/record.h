// record(): the one way an op puts itself into the graph. Its derivative stands in the same
// function.
#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/meta.h"
#include "autograd/node.h"

namespace tallow {

namespace detail {

// A node whose derivative is a lambda; what the lambda captures is the node's state.
template <class F>
class FunctionNode final : public Node {
 public:
  template <class Make>
  FunctionNode(const char* name, const Make& make) : Node(name), function_(build(make)) {}
  void apply(Grads& grads) override { function_(grads); }

 private:
  template <class Make>
  F build(const Make& make) {
    Saver saver(saved);
    return make(saver);
  }
  F function_;
};

template <class Make>
Ref<Node> make_node(const char* name, const Make& make) {
  using F = decltype(make(std::declval<Saver&>()));
  return Ref<Node>(new FunctionNode<F>(name, make));
}

TALLOW_INLINE bool needs_grad(const Tensor& tensor) {
  return tensor.defined() && tensor.impl()->meta && tensor.requires_grad();
}

// Gives `out` the history `node`.
void connect(const Tensor& out, const Ref<Node>& node, uint32_t index);

// make_node() with the type of `make` erased.
using NodeMaker = Ref<Node> (*)(const char* name, const void* make);
template <class Make>
Ref<Node> erased_make_node(const char* name, const void* make) {
  return make_node(name, *static_cast<const Make*>(make));
}
// Records an op that wrote to `out`, its first input. Apart from record(), which is inlined.
TALLOW_NOINLINE void record_inplace(const char* name, std::initializer_list<const Tensor*> inputs,
                                    const Tensor& out, NodeMaker make_node, const void* make);

}  // namespace detail

// Will an op over these inputs be recorded?
template <class Inputs>
TALLOW_INLINE bool should_record(const Inputs& inputs) {
  if (!recording_enabled()) return false;
  for (const Tensor* input : inputs) {
    if (detail::needs_grad(*input)) return true;
  }
  return false;
}
TALLOW_INLINE bool should_record(std::initializer_list<const Tensor*> inputs) {
  return should_record<std::initializer_list<const Tensor*>>(inputs);
}

// Records that `out` was computed from `inputs`. `make(Saver&)` is called only if that matters, and
// returns the derivative, a `void(Grads&)`. Passing inputs[0] as `out` means it was modified in
// place.
template <class Make>
TALLOW_INLINE Tensor record(const char* name, std::initializer_list<const Tensor*> inputs,
                            Tensor out, const Make& make) {
  if (TALLOW_LIKELY(!should_record(inputs)) || !is_differentiable(out.dtype())) return out;
  if (TALLOW_UNLIKELY(out.same(**inputs.begin()))) {
    detail::record_inplace(name, inputs, out, &detail::erased_make_node<Make>, &make);
    return out;
  }
  const Ref<Node> node = detail::make_node(name, make);
  for (const Tensor* input : inputs) node->add_edge(*input);
  detail::connect(out, node, 0);
  return out;
}

// The same with several outputs; those of integer type carry no gradient.
template <class Make>
void record(const char* name, std::initializer_list<const Tensor*> inputs,
            std::initializer_list<const Tensor*> outs, const Make& make) {
  if (TALLOW_LIKELY(!should_record(inputs))) return;
  const Ref<Node> node = detail::make_node(name, make);
  for (const Tensor* input : inputs) node->add_edge(*input);
  uint32_t index = 0;
  for (const Tensor* out : outs) {
    if (out->defined()) {
      detail::connect(*out, node, index);
    } else {
      node->outputs.emplace_back();
    }
    ++index;
  }
}

// The same over a list of inputs.
template <class Make>
Tensor record(const char* name, const std::vector<Tensor>& inputs, Tensor out, const Make& make) {
  bool wanted = false;
  for (const Tensor& input : inputs) wanted = wanted || detail::needs_grad(input);
  if (!wanted || !recording_enabled() || !is_differentiable(out.dtype())) return out;
  const Ref<Node> node = detail::make_node(name, make);
  for (const Tensor& input : inputs) node->add_edge(input);
  detail::connect(out, node, 0);
  return out;
}

// The same over a list of outputs (unbind, split: see ops/views.h).
template <class Make>
void record(const char* name, const Tensor& input, const std::vector<Tensor>& outs,
            const Make& make) {
  if (!recording_enabled() || !detail::needs_grad(input)) return;
  const Ref<Node> node = detail::make_node(name, make);
  node->add_edge(input);
  for (std::size_t i = 0; i < outs.size(); ++i) {
    detail::connect(outs[i], node, static_cast<uint32_t>(i));
  }
}

}  // namespace tallow
