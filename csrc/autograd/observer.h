// Observer: who is told of backward passes and nodes while a thread is watched.
#pragma once

#include <cstdint>

#include "autograd/hooks.h"

namespace tallow {

class Node;

// Every begin is followed by the end of the same thing, with `failed` if an exception came out.
class Observer {
 public:
  virtual void pass_begins() = 0;
  virtual void pass_ends(bool failed) = 0;
  virtual void node_begins(const Node& node, const TensorList& grad_outputs) = 0;
  // May throw: what the node computed is then not delivered.
  virtual void node_ends(const Node& node, const TensorList& grad_outputs,
                         const TensorList& grad_inputs) = 0;
  virtual void node_failed(const Node& node) = 0;

 protected:
  ~Observer() = default;
};

// Null unless the calling thread is watched. A node that is made while it is not null gets a note
// (see AnomalyHooks::capture).
extern thread_local Observer* observer __attribute__((tls_model("initial-exec")));

// The number of the next node: those from here on are younger than everything that exists now.
uint64_t next_node_sequence();

}  // namespace tallow
