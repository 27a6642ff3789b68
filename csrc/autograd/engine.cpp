#include "autograd/engine.h"

#include <algorithm>

#include "autograd/accumulate.h"
#include "autograd/meta.h"
#include "autograd/observer.h"
#include "autograd/streams.h"
#include "core/error.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/reduce.h"
#include "ops/views.h"

namespace tallow {

void (*interrupt_check)() = nullptr;

namespace {

// Everything one backward pass knows about one node.
struct NodeState {
  Ref<Node> node;
  int64_t dependencies = 0;  // edges into the node from nodes that will run
  bool needed = true;        // does a wanted gradient lie at or behind the node?
  bool runs = true;          // behind it, that is: must its derivative be computed?
  TensorList gradients;      // of its outputs, summed so far
};

// Open-addressing map from nodes to their states, which keep the order of discovery.
class StateTable {
 public:
  StateTable() : slots_(64, -1) {}

  // Index of the node's state, and whether it is new.
  std::pair<int64_t, bool> insert(const Ref<Node>& node) {
    if (static_cast<std::size_t>(size()) * 2 >= slots_.size()) grow();
    int64_t& slot = find_slot(node.get());
    if (slot >= 0) return {slot, false};
    slot = size();
    states_.emplace_back();
    states_.back().node = node;
    return {slot, true};
  }
  // -1 if absent.
  int64_t find(const Node* node) { return find_slot(node); }
  int64_t size() const { return static_cast<int64_t>(states_.size()); }
  NodeState& operator[](int64_t i) { return states_[static_cast<std::size_t>(i)]; }

 private:
  int64_t& find_slot(const Node* node) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = (reinterpret_cast<std::size_t>(node) >> 6) * 0x9e3779b97f4a7c15u >> 20 & mask;
    while (slots_[i] >= 0 && states_[static_cast<std::size_t>(slots_[i])].node.get() != node) {
      i = (i + 1) & mask;
    }
    return slots_[i];
  }
  void grow() {
    slots_.assign(slots_.size() * 2, -1);
    for (int64_t i = 0; i < size(); ++i) find_slot((*this)[i].node.get()) = i;
  }

  std::vector<int64_t> slots_;
  std::vector<NodeState> states_;
};

struct ReadyNode {
  uint64_t sequence;
  int64_t state;
  bool operator<(const ReadyNode& other) const { return sequence < other.sequence; }
};

// Adds `gradient` to `sum`, in place where nobody can see it.
void add_gradient(Tensor& sum, Tensor gradient) {
  if (!sum.defined()) {
    sum = std::move(gradient);
    return;
  }
  if (is_sparse(sum) || is_sparse(gradient)) {
    sum = add_sparse(sum, gradient);
    return;
  }
  const bool exclusive = !grad_enabled() && sum.impl()->use_count() == 1 &&
                         sum.impl()->storage->use_count() == 1 && !has_internal_overlap(sum) &&
                         sum.dtype() == gradient.dtype();
  if (exclusive) {
    ops::add(sum, gradient, 1, Out::inplace(sum));
  } else {
    sum = ops::add(sum, gradient);
  }
}

// Makes a derivative's result fit the output it belongs to, or says which one does not.
Tensor checked_gradient(const Node& producer, int64_t index, const OutputMeta& expected,
                        Tensor gradient) {
  if (TALLOW_UNLIKELY(gradient.sizes() != expected.sizes)) {
    TALLOW_CHECK(is_expandable(expected.sizes, gradient.sizes()), "Function ", producer.name(),
                 " returned an invalid gradient at index ", index, " - got ", gradient.sizes(),
                 " but expected shape compatible with ", expected.sizes);
    gradient = ops::sum_to_size(gradient, expected.sizes);
  }
  if (is_sparse(gradient)) return gradient;
  TALLOW_CHECK(gradient.device() == expected.device, "Function ", producer.name(),
               " returned an invalid gradient at index ", index, " - expected device ",
               expected.device, " but got ", gradient.device());
  if (TALLOW_UNLIKELY(gradient.dtype() != expected.dtype)) {
    gradient = ops::to_dtype(gradient, expected.dtype);
  }
  return gradient;
}

void check_nan(const Node& node, const TensorList& gradients) {
  for (int64_t i = 0; i < gradients.size(); ++i) {
    const Tensor& gradient = gradients[i];
    if (!gradient.defined() || !is_differentiable(gradient.dtype())) continue;
    if (is_sparse(gradient)) continue;
    NoGradGuard no_grad;
    const Tensor unequal = ops::any(ops::ne(gradient, gradient));
    TALLOW_CHECK(!first_element<bool>("anomaly detection", unequal), "Function '", node.name(),
                 "' returned nan values in its ", i, "th output.");
  }
}

class BackwardPass;
thread_local BackwardPass* current_pass = nullptr;
std::vector<int64_t> running_passes;  // of all threads

class BackwardPass {
 public:
  BackwardPass(const std::vector<Edge>& inputs, const BackwardOptions& options, int64_t id)
      : inputs_(inputs),
        options_(options),
        captured_(inputs.size()),
        id_(id),
        outer_(current_pass) {
    current_pass = this;
    running_passes.push_back(id);
  }
  ~BackwardPass() {
    current_pass = outer_;
    std::erase(running_passes, id_);
  }
  BackwardPass(const BackwardPass&) = delete;
  BackwardPass& operator=(const BackwardPass&) = delete;

  int64_t id() const { return id_; }
  bool is_partial() const { return !inputs_.empty() || (outer_ && outer_->is_partial()); }
  bool will_run(const Node& node) {
    const int64_t state = states_.find(&node);
    return state >= 0 && states_[state].needed;
  }

  std::vector<Tensor> run(const std::vector<Edge>& roots, const std::vector<Tensor>& gradients) {
    const GradModeGuard grad_mode(options_.create_graph);
    discover(roots);
    if (!inputs_.empty()) mark_needed();
    for (std::size_t i = 0; i < roots.size(); ++i) seed(roots[i], gradients[i]);
    for (int64_t i = 0; i < states_.size(); ++i) {
      if (states_[i].dependencies == 0 && states_[i].needed) enqueue(i);
    }
    int64_t steps = 0;
    while (!ready_.empty()) {
      std::pop_heap(ready_.begin(), ready_.end());
      const int64_t state = ready_.back().state;
      ready_.pop_back();
      if (TALLOW_LIKELY(!device_memory_used)) {
        visit(state);
      } else {
        const NodeStreamScope stream(*states_[state].node);
        streams_.add(*states_[state].node);
        visit(state);
      }
      if (interrupt_check && (++steps & 0xff) == 0) interrupt_check();
    }
    streams_.join();
    return std::move(captured_);
  }

 private:
  void discover(const std::vector<Edge>& roots) {
    std::vector<int64_t> stack;
    for (const Edge& root : roots) {
      const auto [state, is_new] = states_.insert(root.node);
      if (is_new) stack.push_back(state);
    }
    while (!stack.empty()) {
      const Ref<Node> node = states_[stack.back()].node;
      stack.pop_back();
      for (const Edge& edge : node->edges) {
        if (!edge.node) continue;
        const auto [state, is_new] = states_.insert(edge.node);
        ++states_[state].dependencies;
        if (is_new) stack.push_back(state);
      }
    }
  }

  // Edges point to older nodes (and to accumulators, which have no edges), so one sweep from the
  // oldest up sees every node after all it leads to.
  void mark_needed() {
    std::vector<int64_t> order(static_cast<std::size_t>(states_.size()));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
    const auto age = [&](int64_t i) {
      return states_[i].node->edges.empty() ? 0 : states_[i].node->sequence + 1;
    };
    std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return age(a) < age(b); });
    std::vector<bool> wanted(order.size());
    for (const Edge& input : inputs_) {
      const int64_t state = input.node ? states_.find(input.node.get()) : -1;
      if (state >= 0) wanted[static_cast<std::size_t>(state)] = true;
    }
    for (const int64_t i : order) {
      NodeState& state = states_[i];
      const bool is_input = wanted[static_cast<std::size_t>(i)];
      state.runs = is_input && options_.accumulate && state.node->variable().defined();
      for (const Edge& edge : state.node->edges) {
        state.runs = state.runs || (edge.node && states_[states_.find(edge.node.get())].needed);
      }
      state.needed = state.runs || is_input;
    }
    // Only edges from nodes that run are waited for.
    for (int64_t i = 0; i < states_.size(); ++i) states_[i].dependencies = 0;
    for (int64_t i = 0; i < states_.size(); ++i) {
      if (!states_[i].runs) continue;
      for (const Edge& edge : states_[i].node->edges) {
        if (edge.node) ++states_[states_.find(edge.node.get())].dependencies;
      }
    }
  }

  void seed(const Edge& root, const Tensor& gradient) {
    NodeState& state = states_[states_.find(root.node.get())];
    state.gradients.resize(std::max<int64_t>(state.node->outputs.size(), root.index + 1));
    if (TALLOW_LIKELY(!device_memory_used)) {
      add_gradient(state.gradients[root.index], gradient);
    } else {
      add_across(nullptr, *root.node, state.gradients[root.index], gradient);
    }
  }

  // add_gradient() on the stream of the node that will use the sum.
  TALLOW_NOINLINE static void add_across(const Node* producer, const Node& consumer, Tensor& sum,
                                         Tensor gradient) {
    hand_over(gradient, producing_stream(producer, gradient.device()), consumer);
    const NodeStreamScope stream(consumer);
    add_gradient(sum, std::move(gradient));
  }

  void enqueue(int64_t state) {
    ready_.push_back({states_[state].node->sequence, state});
    std::push_heap(ready_.begin(), ready_.end());
  }

  void visit(int64_t index) {
    NodeState& state = states_[index];
    const Ref<Node> node = state.node;
    const bool runs = state.runs;
    TensorList gradients = std::move(state.gradients);
    gradients.resize(node->outputs.size());
    TensorList results = TALLOW_LIKELY(!observer) ? run_node(node, gradients, runs)
                                                  : run_observed(node, gradients, runs);
    gradients.clear();
    if (!runs) return;
    results.resize(node->edges.size());
    for (int64_t i = 0; i < node->edges.size(); ++i) {
      const Edge& edge = node->edges[i];
      if (edge.node) deliver(node.get(), edge, std::move(results[i]));
    }
  }

  void capture(const Ref<Node>& node, const TensorList& gradients) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].node == node) captured_[i] = gradients[inputs_[i].index];
    }
  }

  TensorList run_node(const Ref<Node>& node, TensorList& gradients, bool runs) {
    // As in PyTorch: grad() sees what the hooks of a tensor made of its gradient only where the
    // gradient ends.
    const bool before_hooks = runs && !options_.accumulate;
    if (before_hooks) capture(node, gradients);
    run_tensor_hooks(*node, gradients);
    if (!before_hooks) capture(node, gradients);
    return runs ? call(*node, gradients) : TensorList();
  }

  TALLOW_NOINLINE TensorList run_observed(const Ref<Node>& node, TensorList& gradients, bool runs) {
    Observer* const told = observer;
    told->node_begins(*node, gradients);
    TensorList results;
    try {
      results = run_node(node, gradients, runs);
    } catch (...) {
      told->node_failed(*node);
      throw;
    }
    told->node_ends(*node, gradients, results);
    return results;
  }

  void deliver(const Node* producer, const Edge& edge, Tensor gradient) {
    const int64_t target_index = states_.find(edge.node.get());
    NodeState& target = states_[target_index];
    if (!target.needed) return;
    if (gradient.defined()) {
      target.gradients.resize(std::max<int64_t>(edge.node->outputs.size(), edge.index + 1));
      if (TALLOW_LIKELY(!device_memory_used)) {
        add_gradient(target.gradients[edge.index], std::move(gradient));
      } else {
        add_across(producer, *edge.node, target.gradients[edge.index], std::move(gradient));
      }
    }
    if (--target.dependencies == 0) enqueue(target_index);
  }

  void run_tensor_hooks(Node& node, TensorList& gradients) {
    const Tensor leaf = node.variable();
    if (leaf.defined()) {
      if (!gradients[0].defined()) return;
      const std::vector<Ref<TensorHook>> hooks = ensure_meta(leaf).leaf_hooks;
      for (const Ref<TensorHook>& hook : hooks) gradients[0] = (*hook)(gradients[0]);
      return;
    }
    if (!node.hooks) return;
    const std::vector<NodeHooks::OnOutput> hooks = node.hooks->tensor_hooks;
    for (const NodeHooks::OnOutput& entry : hooks) {
      Tensor& gradient = gradients[entry.index];
      if (gradient.defined()) gradient = (*entry.hook)(gradient);
    }
    for (const NodeHooks::Retain& entry : node.hooks->retain) {
      if (!gradients[entry.index].defined()) continue;
      AutogradMeta& meta = *entry.tensor->meta;
      meta.grad = meta.grad.defined() ? ops::add(meta.grad, gradients[entry.index])
                                      : ops::clone(gradients[entry.index]);
    }
  }

  TensorList call(Node& node, TensorList& gradients) {
    const Ref<Node> keep_alive(&node);
    if (node.hooks) {
      const std::vector<Ref<NodePreHook>> hooks = node.hooks->pre;
      for (const Ref<NodePreHook>& hook : hooks) (*hook)(gradients);
    }
    TensorList results;
    results.resize(node.edges.size());
    const bool has_gradient =
        node.accepts_undefined() || std::any_of(gradients.begin(), gradients.end(),
                                                [](const Tensor& t) { return t.defined(); });
    const bool has_post_hooks = node.hooks && !node.hooks->post.empty();
    TensorList grad_outputs;
    if (has_post_hooks) {
      for (const Tensor& gradient : gradients) grad_outputs.push_back(gradient);
    }
    if (has_gradient) {
      apply(node, gradients, results);
      fit_results(node, results);
    }
    if (!options_.retain_graph) node.release_saved();
    if (has_post_hooks) {
      const std::vector<Ref<NodePostHook>> hooks = node.hooks->post;
      for (const Ref<NodePostHook>& hook : hooks) (*hook)(results, grad_outputs);
    }
    return results;
  }

  static void fit_results(const Node& node, TensorList& results) {
    for (int64_t i = 0; i < node.edges.size(); ++i) {
      const Edge& edge = node.edges[i];
      if (!edge.node || !results[i].defined()) continue;
      results[i] = checked_gradient(node, i, edge.node->outputs[edge.index], std::move(results[i]));
    }
  }

  void apply(Node& node, TensorList& gradients, TensorList& results) {
    InlineVector<bool, 8> needed;
    const bool* mask = nullptr;
    if (!inputs_.empty()) {
      for (const Edge& edge : node.edges) {
        needed.push_back(edge.node && states_[states_.find(edge.node.get())].needed);
      }
      mask = needed.begin();
    }
    Grads grads(node, gradients, results, mask);
    if (TALLOW_LIKELY(!anomaly.enabled)) {
      node.apply(grads);
      return;
    }
    try {
      node.apply(grads);
      if (anomaly.check_nan) check_nan(node, results);
    } catch (...) {
      anomaly.report(node);
      throw;
    }
  }

  const std::vector<Edge>& inputs_;
  const BackwardOptions& options_;
  std::vector<Tensor> captured_;
  StateTable states_;
  std::vector<ReadyNode> ready_;
  UsedStreams streams_;
  int64_t id_;
  BackwardPass* outer_;  // the pass this one runs inside of
};

// The gradient to start with: the given one, checked, or 1 for a one-element root.
Tensor root_gradient(const OutputMeta& root, const Tensor& given, std::size_t index) {
  if (!given.defined()) {
    TALLOW_CHECK(checked_numel(root.sizes) == 1,
                 "grad can be implicitly created only for scalar outputs");
    return ops::ones(root.sizes, root.dtype, root.device);
  }
  TALLOW_CHECK(given.sizes() == root.sizes, "Mismatch in shape: grad_output[", index,
               "] has a shape of ", size_repr(given.sizes()), " and output[", index,
               "] has a shape of ", size_repr(root.sizes), ".");
  return given.dtype() == root.dtype ? given : ops::to_dtype(given, root.dtype);
}

int64_t passes = 0;

}  // namespace

std::vector<Tensor> run_backward(const std::vector<BackwardRoot>& roots,
                                 const std::vector<Edge>& inputs, const BackwardOptions& options) {
  std::vector<Edge> edges;
  std::vector<Tensor> seeds;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const BackwardRoot& root = roots[i];
    edges.push_back(root.tensor.defined() ? gradient_edge(root.tensor) : root.edge);
    TALLOW_CHECK(edges.back().node, "element ", i,
                 " of tensors does not require grad and does not have a grad_fn");
    const Edge& edge = edges.back();
    seeds.push_back(root_gradient(edge.node->outputs[edge.index], root.gradient, i));
  }
  BackwardPass pass(inputs, options, passes++);
  if (TALLOW_LIKELY(!observer)) return pass.run(edges, seeds);
  Observer* const told = observer;
  told->pass_begins();
  try {
    std::vector<Tensor> results = pass.run(edges, seeds);
    told->pass_ends(false);
    return results;
  } catch (...) {
    told->pass_ends(true);
    throw;
  }
}

int64_t current_pass_id() { return current_pass ? current_pass->id() : -1; }

bool pass_is_partial() { return current_pass && current_pass->is_partial(); }

bool pass_is_running(int64_t id) {
  return std::ranges::find(running_passes, id) != running_passes.end();
}

bool pass_will_run(const Node& node) { return current_pass && current_pass->will_run(node); }

}  // namespace tallow
