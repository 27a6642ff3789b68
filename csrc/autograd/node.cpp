#include "autograd/node.h"

#include "autograd/meta.h"
#include "autograd/observer.h"
#include "core/device_runtime.h"
#include "ops/creation.h"

namespace tallow {

namespace {

constexpr std::size_t kSizeStep = 64;
constexpr std::size_t kSizeClasses = 16;

// Nodes differ in size by what their derivative captures; each 64-byte class has its free list.
struct NodeMemory {
  struct Block {
    Block* next;
  };
  Block* heads[kSizeClasses] = {};
  int64_t counts[kSizeClasses] = {};
};
NodeMemory memory;
constexpr int64_t kMaxFreeNodes = 16384;

int64_t node_count = 0;
uint64_t next_sequence = 0;
// Nodes whose last reference went while another node was being deleted. Keeps its memory.
std::vector<Node*>& pending_nodes = *new std::vector<Node*>;
bool destroying = false;

}  // namespace

AnomalyHooks anomaly;
thread_local Observer* observer = nullptr;

int64_t live_nodes() { return node_count; }

uint64_t next_node_sequence() { return next_sequence; }

void* Node::operator new(std::size_t size) {
  const std::size_t size_class = (size - 1) / kSizeStep;
  if (size_class >= kSizeClasses) return ::operator new(size);
  if (NodeMemory::Block* const block = memory.heads[size_class]) {
    memory.heads[size_class] = block->next;
    --memory.counts[size_class];
    return block;
  }
  return ::operator new((size_class + 1) * kSizeStep);
}

void Node::operator delete(void* pointer, std::size_t size) {
  const std::size_t size_class = (size - 1) / kSizeStep;
  if (size_class >= kSizeClasses || memory.counts[size_class] >= kMaxFreeNodes) {
    ::operator delete(pointer);
    return;
  }
  auto* const block = static_cast<NodeMemory::Block*>(pointer);
  block->next = memory.heads[size_class];
  memory.heads[size_class] = block;
  ++memory.counts[size_class];
}

Node::Node(const char* name) : sequence(next_sequence++), name_(name) {
  ++node_count;
  if (TALLOW_UNLIKELY(anomaly.enabled || observer)) origin = anomaly.capture();
}

Node::~Node() {
  --node_count;
  if (origin) anomaly.drop(origin);
}

void Node::destroy(Node* node) {
  if (destroying) {
    pending_nodes.push_back(node);
    return;
  }
  destroying = true;
  delete node;
  while (!pending_nodes.empty()) {
    Node* const next = pending_nodes.back();
    pending_nodes.pop_back();
    delete next;
  }
  destroying = false;
}

void Node::release_saved() { saved.release(); }

void Node::add_edge(const Tensor& input) {
  edges.push_back(input.defined() ? gradient_edge(input) : Edge{});
}

void Node::add_output(const Tensor& output) {
  OutputMeta& meta = outputs.emplace_back();
  meta.sizes = output.sizes();
  meta.dtype = output.dtype();
  meta.device = output.device();
  if (TALLOW_UNLIKELY(meta.device.is_cuda())) {
    stream = cuda_runtime().current_stream(meta.device.index);
  }
}

NodeHooks& Node::hooks_or_create() {
  if (!hooks) hooks = std::make_unique<NodeHooks>();
  return *hooks;
}

Tensor Grads::grad_or_zeros(int64_t i) const {
  if (in[i].defined()) return in[i];
  const OutputMeta& meta = node_.outputs[i];
  return ops::zeros(meta.sizes, meta.dtype, meta.device);
}

bool Grads::needs(int64_t i) const {
  return needed_ ? needed_[i] : static_cast<bool>(node_.edges[i].node);
}

Tensor Grads::operator[](SavedId id) const { return node_.saved.unpack(node_, id); }

}  // namespace tallow
