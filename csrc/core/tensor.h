// Tensor: a reference-counted handle to a strided view of a Storage.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/device.h"
#include "core/dims.h"
#include "core/dtype.h"
#include "core/ref.h"
#include "core/shape.h"
#include "core/storage.h"

namespace tallow {

struct AutogradMeta;  // autograd/meta.h

struct TensorImpl : Counted {
  TensorImpl(Ref<Storage> storage, const Dims& sizes, const Dims& strides, int64_t offset,
             DType dtype);
  // Row-major, from the start of the storage; `numel` is checked_numel(sizes).
  TensorImpl(Ref<Storage> storage, const Dims& sizes, int64_t numel, DType dtype);
  ~TensorImpl();
  static void destroy(TensorImpl* impl);
  static void* operator new(std::size_t size);
  static void operator delete(void* memory);

  // Changes the geometry and the facts derived from it.
  void set_geometry(const Dims& new_sizes, const Dims& new_strides, int64_t new_offset);

  Ref<Storage> storage;
  Dims sizes;
  Dims strides;    // in elements
  int64_t offset;  // in elements
  int64_t numel;
  DType dtype;
  Device device;
  bool contiguous;
  bool inference = false;           // made under inference_mode: no version counter, no autograd
  Ref<VersionCounter> own_version;  // null: the storage's counter
  AutogradMeta* meta = nullptr;     // owned; null until autograd has something to say
};

// In which order the dimensions of a 4-d tensor lie in memory.
enum class MemoryFormat : uint8_t { kContiguous, kPreserve, kChannelsLast, kChannelsLast3d };

class Tensor {
 public:
  TALLOW_INLINE Tensor() = default;
  TALLOW_INLINE explicit Tensor(TensorImpl* impl) : impl_(impl) {}
  TALLOW_INLINE explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}

  TALLOW_INLINE bool defined() const { return static_cast<bool>(impl_); }
  TALLOW_INLINE TensorImpl* impl() const { return impl_.get(); }
  TALLOW_INLINE DType dtype() const { return impl_->dtype; }
  TALLOW_INLINE Device device() const { return impl_->device; }
  TALLOW_INLINE int64_t dim() const { return impl_->sizes.size(); }
  TALLOW_INLINE int64_t numel() const { return impl_->numel; }
  TALLOW_INLINE const Dims& sizes() const { return impl_->sizes; }
  TALLOW_INLINE const Dims& strides() const { return impl_->strides; }
  // `d` may be negative.
  int64_t size(int64_t d) const { return impl_->sizes[wrap_dim(d, dim())]; }
  int64_t stride(int64_t d) const { return impl_->strides[wrap_dim(d, dim())]; }
  TALLOW_INLINE bool is_contiguous() const { return impl_->contiguous; }
  TALLOW_INLINE bool same(const Tensor& other) const { return impl_ == other.impl_; }

  // The first element; null for empty and meta tensors.
  TALLOW_INLINE void* ptr() const {
    char* const base = static_cast<char*>(impl_->storage->data());
    return base ? base + impl_->offset * item_size(impl_->dtype) : nullptr;
  }
  template <class T>
  TALLOW_INLINE T* data() const {
    return static_cast<T*>(ptr());
  }

  bool requires_grad() const;  // autograd/meta.cpp

  uint32_t version() const { return version_slot(); }
  // Where the version is counted: the same for all tensors that count together.
  const void* version_counter() const { return &version_slot(); }
  void bump_version() const { ++version_slot(); }

 private:
  uint32_t& version_slot() const {
    if (impl_->own_version) return impl_->own_version->value;
    Storage& storage = *impl_->storage;
    return storage.shared_version ? storage.shared_version->value : storage.version;
  }

  Ref<TensorImpl> impl_;
};

// Uninitialised memory, row-major.
Tensor empty(const Dims& sizes, DType dtype, Device device = kCPU);
Tensor empty_strided(const Dims& sizes, const Dims& strides, DType dtype, Device device = kCPU);
// The shape and, where dense, the memory order of `like`.
Tensor empty_like(const Tensor& like);
Tensor empty_like(const Tensor& like, DType dtype);
// A 0-d tensor holding `value`.
class Scalar;
Tensor scalar_tensor(const Scalar& value, DType dtype, Device device = kCPU);

// The first `nbytes` bytes of a tensor that is contiguous that far, in host memory: waits for the
// device on which they lie. `op` is for messages.
void copy_to_host(const char* op, void* to, const Tensor& tensor, int64_t nbytes);
// The first element, wherever it lies; T is the tensor's type.
template <class T>
T first_element(const char* op, const Tensor& tensor) {
  if (TALLOW_LIKELY(tensor.device().is_cpu())) return *tensor.data<T>();
  T value;
  copy_to_host(op, &value, tensor, sizeof(T));
  return value;
}

// Shares storage and version counter, but is no view in autograd's eyes and has no history.
Tensor alias(const Tensor& tensor, const Dims& sizes, const Dims& strides, int64_t offset);
inline Tensor alias(const Tensor& tensor) {
  return alias(tensor, tensor.sizes(), tensor.strides(), tensor.impl()->offset);
}

}  // namespace tallow
