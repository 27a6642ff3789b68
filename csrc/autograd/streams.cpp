#include "autograd/streams.h"

#include "core/device_runtime.h"
#include "core/error.h"

namespace tallow {

namespace {

void check(Status status) {
  if (status != Status::kOk) raise_status(status);
}

void wait_for(int device, void* waiting, void* stream) {
  const DeviceRuntime& runtime = cuda_runtime();
  void* event = nullptr;
  check(runtime.event_create(device, false, false, &event));
  Status status = runtime.event_record(device, event, stream);
  if (status == Status::kOk) status = runtime.stream_wait_event(device, waiting, event);
  runtime.event_destroy(device, event);
  check(status);
}

// Of the node's outputs, -1 for the CPU.
int device_of(const Node& node) {
  const bool on_cuda = !node.outputs.empty() && node.outputs[0].device.is_cuda();
  return on_cuda ? node.outputs[0].device.index : -1;
}

}  // namespace

NodeStreamScope::NodeStreamScope(const Node& node) : device_(device_of(node)) {
  if (device_ < 0) return;
  const DeviceRuntime& runtime = cuda_runtime();
  previous_ = runtime.current_stream(device_);
  runtime.set_stream(device_, node.stream);
}

NodeStreamScope::~NodeStreamScope() {
  if (device_ >= 0) cuda_runtime().set_stream(device_, previous_);
}

void* producing_stream(const Node* node, Device device) {
  if (!device.is_cuda()) return nullptr;
  if (node && device_of(*node) == device.index) return node->stream;
  return cuda_runtime().current_stream(device.index);
}

void hand_over(const Tensor& gradient, void* producer, const Node& consumer) {
  const Device device = gradient.device();
  if (!device.is_cuda() || device_of(consumer) != device.index || consumer.stream == producer) {
    return;
  }
  wait_for(device.index, consumer.stream, producer);
  void* const data = gradient.impl()->storage->data();
  if (data) check(cuda_runtime().record_stream(device.index, data, consumer.stream));
}

void UsedStreams::add(const Node& node) {
  const int device = device_of(node);
  if (device < 0) return;
  for (const Used& used : used_) {
    if (used.device == device && used.stream == node.stream) return;
  }
  used_.push_back({device, node.stream});
}

void UsedStreams::join() const {
  for (const Used& used : used_) {
    void* const current = cuda_runtime().current_stream(used.device);
    if (current != used.stream) wait_for(used.device, current, used.stream);
  }
}

}  // namespace tallow
