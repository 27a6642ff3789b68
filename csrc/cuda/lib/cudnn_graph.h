// One convolution as a graph of cuDNN's, from its description to a plan that can be run.
#pragma once

#include <utility>
#include <vector>

#include "cuda/lib/cudnn_api.h"
#include "cuda/lib/vendor.h"

namespace tallow::cuda::cudnn {

// Owns a descriptor and keeps the first failure of a call on it.
class Owned {
 public:
  Owned(const Api& api, Kind kind) : api_(&api) {
    result_ = api.BackendCreateDescriptor(kind, &descriptor_);
  }
  Owned(Owned&& other) noexcept
      : api_(other.api_),
        descriptor_(std::exchange(other.descriptor_, nullptr)),
        result_(other.result_) {}
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (descriptor_) api_->BackendDestroyDescriptor(descriptor_);
  }

  void set(Attribute attribute, Value type, int64_t count, const void* values) {
    if (result_ == kSuccess) {
      result_ = api_->BackendSetAttribute(descriptor_, attribute, type, count, values);
    }
  }
  template <class T>
  void set(Attribute attribute, Value type, const T& value) {
    set(attribute, type, 1, &value);
  }
  bool finalize() {
    if (result_ == kSuccess) result_ = api_->BackendFinalize(descriptor_);
    return good();
  }
  bool good() const { return result_ == kSuccess; }
  Result result() const { return result_; }
  const Descriptor& get() const { return descriptor_; }

 private:
  const Api* api_;
  Descriptor descriptor_ = nullptr;
  Result result_ = kSuccess;
};

// Names of the three tensors in a plan.
enum TensorId : int64_t { kInputId = 1, kWeightId = 2, kOutputId = 3 };

// What a plan depends on; compared as bytes.
struct ConvKey {
  int64_t batch, groups, in_channels, out_channels;
  int64_t in_size[2], out_size[2], kernel[2], stride[2], padding[2], dilation[2];
  int64_t alignment[3];  // of input, weight, output in bytes
  int32_t type;          // Type
  int32_t kind;          // ConvKind
  int32_t device;
  int32_t tf32;      // Type float may be rounded to 10 bits
  int32_t winograd;  // algorithms with other roundings than a plain sum are allowed
  int32_t last[3];   // whether the memory of input, weight, output is channels_last
};

// A finished plan, and the engine configuration that it needs alive.
struct Plan {
  std::vector<Owned> parts;
  Descriptor plan = nullptr;  // null if no engine can do it
  int64_t workspace = 0;
};

// Where a plan is for: the device of a handle, or one that is described and need not be here.
struct Place {
  Handle handle = nullptr;
  Descriptor device = nullptr;
};

Plan make_plan(const Api& api, const Place& place, const ConvKey& key);

}  // namespace tallow::cuda::cudnn
