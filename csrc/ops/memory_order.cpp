#include "ops/memory_order.h"

#include "autograd/grad_mode.h"
#include "core/error.h"
#include "core/shape.h"
#include "ops/copy.h"

namespace tallow::ops {

namespace {

// From the innermost dimension of a channels_last tensor outwards.
constexpr int64_t kInsideOut[] = {1, 3, 2, 0};

Tensor copy_in_order(const Tensor& tensor, bool channels_last) {
  const NoGradGuard guard;
  return clone_strided(tensor, strides_in_order(tensor.sizes(), channels_last));
}

}  // namespace

bool is_dense_channels_last(const Tensor& tensor) {
  if (tensor.dim() != 4) return false;
  int64_t expected = 1;
  for (const int64_t d : kInsideOut) {
    if (tensor.sizes()[d] != 1 && tensor.strides()[d] != expected) return false;
    expected *= tensor.sizes()[d];
  }
  return true;
}

bool suggests_channels_last(const Tensor& tensor) {
  if (tensor.dim() != 4 || tensor.strides()[1] == 0) return false;
  int64_t least = 0;
  for (const int64_t d : kInsideOut) {
    const int64_t size = tensor.sizes()[d], stride = tensor.strides()[d];
    if (size == 0 || stride < least) return false;
    // A single pixel per channel of one image, or a single channel, whose strides tell nothing.
    if (d == 0 && least == tensor.strides()[1]) return false;
    least = size > 1 ? stride * size : stride;
  }
  return true;
}

Dims strides_in_format(const Dims& sizes, MemoryFormat format) {
  if (format == MemoryFormat::kChannelsLast) return channels_last_strides(sizes);
  if (format != MemoryFormat::kChannelsLast3d) return contiguous_strides(sizes);
  TALLOW_CHECK(sizes.size() == 5, "required rank 5 tensor to use channels_last_3d format");
  // A volume is a batch of images, its planes.
  const Dims image = channels_last_strides({sizes[2], sizes[1], sizes[3], sizes[4]});
  const int64_t plane = image[0];
  return {contiguous_strides({sizes[0], sizes[2], plane})[0], 1, plane, image[2], image[3]};
}

bool is_in_format(const Tensor& tensor, MemoryFormat format) {
  const int64_t rank = format == MemoryFormat::kChannelsLast3d ? 5 : 4;
  if (tensor.dim() != rank) return false;
  const Dims wanted = strides_in_format(tensor.sizes(), format);
  for (int64_t d = 0; d < rank; ++d) {
    if (tensor.sizes()[d] != 1 && tensor.strides()[d] != wanted[d]) return false;
  }
  return true;
}

Dims strides_in_order(const Dims& sizes, bool channels_last) {
  return channels_last ? channels_last_strides(sizes) : contiguous_strides(sizes);
}

Tensor empty_in_order(const Dims& sizes, bool channels_last, const Tensor& like) {
  return empty_in_order(sizes, channels_last, like.dtype(), like.device());
}
Tensor empty_in_order(const Dims& sizes, bool channels_last, DType dtype, Device device) {
  return empty_strided(sizes, strides_in_order(sizes, channels_last), dtype, device);
}

OrderedData ordered_data(const Tensor& tensor) {
  if (!tensor.defined() || tensor.is_contiguous()) return {tensor, false};
  if (is_dense_channels_last(tensor)) return {tensor, true};
  const bool last = suggests_channels_last(tensor);
  return {copy_in_order(tensor, last), last};
}

Tensor data_in_order(const Tensor& tensor, bool channels_last) {
  if (channels_last ? is_dense_channels_last(tensor) : tensor.is_contiguous()) return tensor;
  return copy_in_order(tensor, channels_last);
}

}  // namespace tallow::ops
