// The memory order of images (N, C, H, W): contiguous or channels_last. Operators decide here which
// order their results get, and give kernels their operands in one of the two.
#pragma once

#include "core/tensor.h"

namespace tallow::ops {

// Does a tensor's memory put the channels behind the sizes, as PyTorch judges by its strides? They
// may have gaps. Where one channel or one pixel leaves it open, it is the order the strides follow.
bool suggests_channels_last(const Tensor& tensor);

// Do the channels follow each other, then the pixels without gaps? Dimensions of size 1 do not
// matter.
bool is_dense_channels_last(const Tensor& tensor);

// Strides of a fresh tensor in a format that a user named: images, or volumes (N, C, D, H, W), with
// the channels behind the sizes; raises for other ranks. Formats that name no order are contiguous.
Dims strides_in_format(const Dims& sizes, MemoryFormat format);
// Does a tensor have these strides, but for dimensions of size 1?
bool is_in_format(const Tensor& tensor, MemoryFormat format);

// Strides of a fresh tensor, contiguous or channels_last.
Dims strides_in_order(const Dims& sizes, bool channels_last);
Tensor empty_in_order(const Dims& sizes, bool channels_last, const Tensor& like);
Tensor empty_in_order(const Dims& sizes, bool channels_last, DType dtype, Device device);

// A tensor whose elements are dense in one of the two orders, for kernels: not recorded. `last`
// says which; tensors that are in both count as contiguous.
struct OrderedData {
  Tensor data;  // undefined if the tensor is
  bool last;
};
// The tensor itself wherever it is dense, else a copy in the order it suggests.
OrderedData ordered_data(const Tensor& tensor);
// The tensor itself if it is dense in the given order, else a copy in that.
Tensor data_in_order(const Tensor& tensor, bool channels_last);

}  // namespace tallow::ops
