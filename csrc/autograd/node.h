// Node: one recorded operation, an edge list to older nodes and what its derivative needs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "autograd/hooks.h"
#include "autograd/saved.h"
#include "core/inline_vector.h"
#include "core/ref.h"
#include "core/tensor.h"

namespace tallow {

class Node;

// Where the gradient of one input goes; a null node means it is not needed.
struct Edge {
  Ref<Node> node;
  uint32_t index = 0;
};

// Enough about an output to check its gradient and to make zeros for it.
struct OutputMeta {
  Dims sizes;
  DType dtype = DType::kFloat32;
  Device device;
};

// The gradients a derivative receives and fills in.
class Grads {
 public:
  Grads(Node& node, TensorList& in, TensorList& out, const bool* needed)
      : in(in), out(out), node_(node), needed_(needed) {}

  // Gradient of output i; undefined if nothing depends on that output. The only output of a
  // single-output node always has one.
  const Tensor& grad(int64_t i = 0) const { return in[i]; }
  Tensor grad_or_zeros(int64_t i) const;
  // Must out[i] be computed?
  bool needs(int64_t i) const;
  // A saved tensor; raises if it was freed or modified in place since.
  Tensor operator[](SavedId id) const;
  Node& node() const { return node_; }

  TensorList& in;
  TensorList& out;

 private:
  Node& node_;
  const bool* needed_;  // one flag per edge, null: all that have a node
};

// Hooks on a node; allocated only when the first is registered.
struct NodeHooks {
  struct OnOutput {
    uint32_t index;
    Ref<TensorHook> hook;
  };
  struct Retain {
    uint32_t index;
    TensorImpl* tensor;  // not owned: the tensor unregisters itself when it dies
  };
  std::vector<OnOutput> tensor_hooks;
  std::vector<Retain> retain;
  std::vector<Ref<NodePreHook>> pre;
  std::vector<Ref<NodePostHook>> post;
};

class Node : public Counted {
 public:
  explicit Node(const char* name);
  virtual ~Node();
  // Without recursion: chains of any length are freed on any stack.
  static void destroy(Node* node);
  static void* operator new(std::size_t size);
  static void operator delete(void* memory, std::size_t size);

  // Fills grads.out, one per edge, from grads.in.
  virtual void apply(Grads& grads) = 0;
  // Drops saved tensors after a backward pass that does not retain the graph.
  virtual void release_saved();
  virtual std::string name() const { return name_; }
  void rename(const char* name) { name_ = name; }
  // The leaf of an AccumulateGrad node.
  virtual Tensor variable() const { return Tensor(); }
  // Must the engine run this node even if every incoming gradient is undefined?
  virtual bool accepts_undefined() const { return false; }

  void add_edge(const Tensor& input);
  void add_output(const Tensor& output);
  NodeHooks& hooks_or_create();

  uint64_t sequence;
  InlineVector<Edge, 2> edges;
  InlineVector<OutputMeta, 1> outputs;
  SavedSlots saved;
  std::unique_ptr<NodeHooks> hooks;
  void* stream = nullptr;  // of the outputs' CUDA device when the node was made
  void* origin = nullptr;  // what anomaly mode or explain() noted of the forward call, owned

 private:
  const char* name_;
};

// Live nodes, for leak tests.
int64_t live_nodes();

// How anomaly mode's forward traces are made and dropped; installed by the binding.
struct AnomalyHooks {
  bool enabled = false;
  bool check_nan = true;
  void* (*capture)() = nullptr;
  void (*drop)(void* trace) = nullptr;
  void (*report)(const Node& node) = nullptr;
};
extern AnomalyHooks anomaly;

}  // namespace tallow
