// Tensors kept for backward: slots inside a node, addressed by small ids that derivatives capture.
#pragma once

#include <cstdint>
#include <memory>

#include "autograd/hooks.h"
#include "core/inline_vector.h"
#include "core/tensor.h"

namespace tallow {

class Node;
struct Edge;

// The position of a saved tensor in its node.
struct SavedId {
  int32_t slot;
};

struct SavedSlot {
  Tensor tensor;                 // an input itself, or an alias of an output (without its edge)
  const char* name = nullptr;    // as in grad_fn._saved_<name>
  uint32_t version = 0;          // of the tensor when it was saved
  int32_t output : 31 = -1;      // which output, -1 for an input
  uint32_t has_grad_fn : 1 = 0;  // is it an input with a history?
  Ref<SavedTensorHook> hook;     // then `packed` replaces `tensor`, and what it unpacks to
  void* packed = nullptr;        // takes its history from `origin`
  std::unique_ptr<Edge> origin;

  SavedSlot() = default;
  SavedSlot(SavedSlot&& other) noexcept;
  ~SavedSlot();
};

class SavedSlots {
 public:
  SavedId add(const Tensor& tensor, const char* name, int32_t output);
  // The tensor in slot `id` of `node`, checked against modification.
  Tensor unpack(Node& node, SavedId id) const;
  // Makes saved inputs that share memory with `written`, which was just written to in place,
  // unusable.
  void mark_overwritten(const Tensor& written);
  void release();
  bool released() const { return released_; }
  int64_t size() const { return slots_.size(); }
  const SavedSlot& slot(int64_t i) const { return slots_[i]; }

 private:
  InlineVector<SavedSlot, 2> slots_;
  bool released_ = false;
};

// Handed to the function that builds a derivative: saves what it will need.
class Saver {
 public:
  explicit Saver(SavedSlots& slots) : slots_(slots) {}
  SavedId operator()(const Tensor& input, const char* name = "self") {
    return slots_.add(input, name, -1);
  }
  SavedId output(const Tensor& output, const char* name = "result", int32_t index = 0) {
    return slots_.add(output, name, index);
  }

 private:
  SavedSlots& slots_;
};

// The innermost saved_tensors_hooks of this thread, or null.
Ref<SavedTensorHook>& current_saved_tensor_hook();

// The error of a second backward over a freed graph.
[[noreturn]] void raise_graph_freed();

}  // namespace tallow
