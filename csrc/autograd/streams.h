// Backward on CUDA streams: every derivative runs on the stream that its forward ran on, and waits
// for the gradients that come from others.
#pragma once

#include <vector>

#include "autograd/node.h"

namespace tallow {

// Makes the node's stream the current one of its device for the scope; nothing for a CPU node.
class NodeStreamScope {
 public:
  explicit NodeStreamScope(const Node& node);
  ~NodeStreamScope();
  NodeStreamScope(const NodeStreamScope&) = delete;
  NodeStreamScope& operator=(const NodeStreamScope&) = delete;

 private:
  int device_ = -1;
  void* previous_ = nullptr;
};

// The stream on which `node` makes a gradient on `device`; null node: the caller.
void* producing_stream(const Node* node, Device device);
// Work of `consumer` from now on sees `gradient`, which was made on `producer`.
void hand_over(const Tensor& gradient, void* producer, const Node& consumer);

// The streams that a backward pass has used.
class UsedStreams {
 public:
  void add(const Node& node);
  // The caller's current streams wait for them.
  void join() const;

 private:
  struct Used {
    int device;
    void* stream;
  };
  std::vector<Used> used_;
};

}  // namespace tallow
