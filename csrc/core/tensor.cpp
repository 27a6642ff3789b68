#include "core/tensor.h"

#include <cstring>

#include "core/blocking.h"
#include "core/device_runtime.h"
#include "core/error.h"
#include "core/scalar.h"

namespace tallow {

void free_autograd_meta(TensorImpl* impl);  // autograd/meta.cpp
bool inference_mode_enabled();              // autograd/grad_mode.h

namespace {
FreeList<sizeof(TensorImpl)> free_list;
}  // namespace

void* TensorImpl::operator new(std::size_t) { return free_list.take(); }
void TensorImpl::operator delete(void* memory) { free_list.give(memory); }

TensorImpl::TensorImpl(Ref<Storage> storage_in, const Dims& sizes_in, const Dims& strides_in,
                       int64_t offset_in, DType dtype_in)
    : storage(std::move(storage_in)),
      sizes(sizes_in),
      strides(strides_in),
      offset(offset_in),
      numel(checked_numel(sizes)),
      dtype(dtype_in),
      device(storage->device()),
      contiguous(tallow::is_contiguous(sizes, strides)) {}

TensorImpl::TensorImpl(Ref<Storage> storage_in, const Dims& sizes_in, int64_t numel_in,
                       DType dtype_in)
    : storage(std::move(storage_in)),
      sizes(sizes_in),
      strides(contiguous_strides(sizes)),
      offset(0),
      numel(numel_in),
      dtype(dtype_in),
      device(storage->device()),
      contiguous(true) {}

TensorImpl::~TensorImpl() {
  if (meta) free_autograd_meta(this);
}

void TensorImpl::destroy(TensorImpl* impl) { delete impl; }

void TensorImpl::set_geometry(const Dims& new_sizes, const Dims& new_strides, int64_t new_offset) {
  sizes = new_sizes;
  strides = new_strides;
  offset = new_offset;
  numel = checked_numel(sizes);
  contiguous = tallow::is_contiguous(sizes, strides);
}

Tensor empty(const Dims& sizes, DType dtype, Device device) {
  const int64_t numel = checked_numel(sizes);
  const int64_t nbytes = checked_nbytes(numel, item_size(dtype));
  Tensor result(new TensorImpl(Storage::allocate(nbytes, device), sizes, numel, dtype));
  result.impl()->inference = inference_mode_enabled();
  return result;
}

Tensor empty_strided(const Dims& sizes, const Dims& strides, DType dtype, Device device) {
  TALLOW_CHECK(sizes.size() == strides.size(), "mismatch in length of strides and shape: ", strides,
               " and ", sizes);
  for (const int64_t stride : strides) {
    TALLOW_CHECK(stride >= 0, "empty_strided: strides must not be negative, got ", strides);
  }
  checked_numel(sizes);
  const int64_t nbytes = reach_nbytes(sizes, strides, 0, item_size(dtype));
  Tensor result(new TensorImpl(Storage::allocate(nbytes, device), sizes, strides, 0, dtype));
  result.impl()->inference = inference_mode_enabled();
  return result;
}

Tensor empty_like(const Tensor& like) { return empty_like(like, like.dtype()); }

Tensor empty_like(const Tensor& like, DType dtype) {
  if (TALLOW_LIKELY(like.is_contiguous())) return empty(like.sizes(), dtype, like.device());
  return empty_strided(like.sizes(), preserved_strides(like.sizes(), like.strides()), dtype,
                       like.device());
}

Tensor scalar_tensor(const Scalar& value, DType dtype, Device device) {
  Tensor result = empty({}, dtype, device);
  if (!result.ptr()) return result;
  if (TALLOW_LIKELY(device.is_cpu())) {
    value.store(dtype, result.ptr());
    return result;
  }
  alignas(16) char element[16];
  value.store(dtype, element);
  const int index = result.device().index;
  const Status status =
      cuda_runtime().copy(result.ptr(), index, element, -1, item_size(dtype), false);
  if (status != Status::kOk) raise_status(status);
  return result;
}

void copy_to_host(const char* op, void* to, const Tensor& tensor, int64_t nbytes) {
  const Device device = tensor.device();
  if (device.is_cpu()) {
    std::memcpy(to, tensor.ptr(), static_cast<std::size_t>(nbytes));
    return;
  }
  TALLOW_CHECK(device.is_cuda(), op, "() cannot be called on meta tensors");
  const DeviceRuntime& runtime = cuda_runtime();
  Status status = runtime.begin(op, device.index);
  if (status == Status::kOk) {
    const void* const from = tensor.ptr();
    const BlockingRegion region;
    status = runtime.copy(to, -1, from, device.index, nbytes, true);
  }
  if (status != Status::kOk) raise_status(status);
}

Tensor alias(const Tensor& tensor, const Dims& sizes, const Dims& strides, int64_t offset) {
  TensorImpl* const source = tensor.impl();
  Tensor result(new TensorImpl(source->storage, sizes, strides, offset, source->dtype));
  result.impl()->own_version = source->own_version;
  result.impl()->inference = source->inference;
  return result;
}

}  // namespace tallow
