#include "autograd/saved.h"

#include "autograd/blame.h"
#include "autograd/grad_mode.h"
#include "autograd/meta.h"
#include "autograd/node.h"
#include "autograd/record.h"
#include "core/error.h"

namespace tallow {

namespace {

thread_local Ref<SavedTensorHook> saved_tensor_hook;

// PyTorch's wording: "ExpBackward0" speaks of itself as "Exp" here.
std::string forward_name(const std::string& name) {
  const std::size_t suffix = name.rfind("Backward");
  return suffix == std::string::npos || suffix == 0 ? name : name.substr(0, suffix);
}

[[noreturn]] TALLOW_COLD void raise_modified(const SavedSlot& slot, Node& node) {
  const Tensor& tensor = slot.tensor;
  std::ostringstream text;
  text << "one of the variables needed for gradient computation has been modified by an inplace "
          "operation: ["
       << tensor_type_name(tensor.dtype()) << ' ' << tensor.sizes() << ']';
  const Ref<Node> producer = slot.output >= 0 ? Ref<Node>(&node) : grad_fn(tensor);
  if (producer) {
    const uint32_t index =
        slot.output >= 0 ? static_cast<uint32_t>(slot.output) : tensor.impl()->meta->output_nr;
    text << ", which is output " << index << " of " << forward_name(producer->name()) << ',';
  }
  text << " is at version " << tensor.version() << "; expected version " << slot.version
       << " instead. Hint: ";
  if (anomaly.enabled) {
    text << "the backtrace further above shows the operation that failed to compute its gradient. "
            "The variable in question was changed in there or anywhere later. Good luck!";
  } else {
    text << "enable anomaly detection to find the operation that failed to compute its gradient, "
            "with "
         << package_name() << ".autograd.set_detect_anomaly(True, check_nan=False).";
  }
  if (blame.modified) blame.modified(tensor, slot.version, node);
  throw RuntimeError(text.str());
}

// Makes gradients of `tensor` flow to `origin`.
void attach(const Tensor& tensor, const Edge& origin) {
  const Ref<Node> node = detail::make_node(
      "AliasBackward0", [](Saver&) { return [](Grads& g) { g.out[0] = g.grad(); }; });
  node->edges.push_back({origin.node, origin.index});
  node->add_output(tensor);
  set_grad_fn(tensor, node, 0);
}

}  // namespace

BlameHooks blame;

Ref<SavedTensorHook>& current_saved_tensor_hook() { return saved_tensor_hook; }

void raise_graph_freed() {
  raise<RuntimeError>(
      "Trying to backward through the graph a second time (or directly access saved tensors after "
      "they have already been freed). Saved intermediate values of the graph are freed when you "
      "call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
      "through the graph a second time or if you need to access saved tensors after calling "
      "backward.");
}

SavedSlot::SavedSlot(SavedSlot&& other) noexcept
    : tensor(std::move(other.tensor)),
      name(other.name),
      version(other.version),
      output(other.output),
      has_grad_fn(other.has_grad_fn),
      hook(std::move(other.hook)),
      packed(std::exchange(other.packed, nullptr)),
      origin(std::move(other.origin)) {}

SavedSlot::~SavedSlot() {
  if (packed) hook->drop(packed);
}

SavedId SavedSlots::add(const Tensor& tensor, const char* name, int32_t output) {
  const SavedId id{static_cast<int32_t>(slots_.size())};
  SavedSlot& slot = slots_.emplace_back();
  slot.name = name;
  slot.output = output;
  if (!tensor.defined()) return id;
  TALLOW_CHECK(!tensor.impl()->inference || inference_mode_enabled(),
               "Inference tensors cannot be saved for backward. Please do not use Tensors created "
               "in inference mode in computation tracked by autograd. To work around this, you can "
               "make a clone to get a normal tensor and use it in autograd, or use "
               "`",
               package_name(), ".no_grad()` instead of `", package_name(), ".inference_mode()`.");
  if (TALLOW_UNLIKELY(static_cast<bool>(saved_tensor_hook))) {
    const Tensor detached = alias(tensor);
    const uint32_t before = detached.version();
    slot.hook = saved_tensor_hook;
    if (output < 0 && tensor.requires_grad()) {
      slot.origin = std::make_unique<Edge>(gradient_edge(tensor));
    }
    slot.packed = slot.hook->pack(detached);
    TALLOW_CHECK(detached.version() == before,
                 "A saved tensor pack hook is modifying its input in place. Tensors provided as "
                 "input to pack hook cannot be modified by in-place operations as this can lead "
                 "to unexpected side-effects. Please open an issue if you need to perform in-place "
                 "operations on the input to a pack hook.");
    return id;
  }
  slot.tensor = output >= 0 ? alias(tensor) : tensor;
  slot.version = tensor.version();
  slot.has_grad_fn = output < 0 && has_grad_fn(tensor);
  return id;
}

Tensor SavedSlots::unpack(Node& node, SavedId id) const {
  if (TALLOW_UNLIKELY(released_)) {
    if (blame.freed) blame.freed(node);
    raise_graph_freed();
  }
  const SavedSlot& slot = slots_[id.slot];
  Tensor result;
  if (slot.packed) {
    result = alias(slot.hook->unpack(slot.packed));
    if (slot.output < 0) {
      if (slot.origin && grad_enabled()) attach(result, *slot.origin);
      return result;
    }
  } else {
    if (!slot.tensor.defined()) return Tensor();
    TALLOW_CHECK(!slot.has_grad_fn || has_grad_fn(slot.tensor),
                 "Trying to use a saved tensor that has been detached in-place, i.e. with "
                 ".detach_().This is not supported, please use out-of-place `.detach()` instead");
    if (TALLOW_UNLIKELY(slot.tensor.version() != slot.version)) raise_modified(slot, node);
    if (slot.output < 0 || !grad_enabled()) return slot.tensor;
    result = alias(slot.tensor);
  }
  if (grad_enabled() && is_differentiable(result.dtype())) {
    set_grad_fn(result, Ref<Node>(&node), static_cast<uint32_t>(slot.output));
  }
  return result;
}

void SavedSlots::mark_overwritten(const Tensor& written) {
  for (SavedSlot& slot : slots_) {
    const bool shares = slot.output < 0 && slot.tensor.defined() &&
                        slot.tensor.impl()->storage == written.impl()->storage &&
                        slot.tensor.version() == written.version();
    if (shares) slot.version = written.version() - 1;
  }
}

void SavedSlots::release() {
  if (slots_.empty()) return;  // nothing was saved: the node may run again
  released_ = true;
  for (SavedSlot& slot : slots_) {
    slot.tensor = Tensor();
    if (slot.packed) slot.hook->drop(std::exchange(slot.packed, nullptr));
    slot.hook.reset();
  }
}

}  // namespace tallow
