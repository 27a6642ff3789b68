// Copies: between layouts, types and devices, and writing over a tensor.
#pragma once

#include <optional>

#include "core/operand.h"
#include "core/tensor.h"

namespace tallow::ops {

// Fresh memory in the same order as `self` where it is dense.
Tensor clone(const Tensor& self);
Tensor clone_strided(const Tensor& self, const Dims& strides);
Tensor contiguous(const Tensor& self);
// `self` itself if it already has the property.
Tensor to_dtype(const Tensor& self, DType dtype);
Tensor to_device(const Tensor& self, Device device, bool non_blocking = false);
Tensor to_memory_format(const Tensor& self, MemoryFormat format);

// In page-locked memory of the host, from which copies to a CUDA device can be asynchronous.
Tensor pin_memory(const Tensor& self);
bool is_pinned(const Tensor& self);

// Converts and copies into fresh memory, unrecorded. `destination` has the source's shape: nothing
// is broadcast here, expand() the source first.
void copy_data(const Tensor& destination, const Tensor& source, bool non_blocking = false);

// Each writes over `self` in place and returns it. The source is broadcast and converted.
Tensor copy_(const Tensor& self, const Tensor& source, bool non_blocking = false);
// Refuses to fill tensors of an 8-bit floating-point type with a number beyond its range, except
// for a single element: there, as everywhere else, numbers are saturated or become infinite or NaN.
void check_fits(const Tensor& self, const Scalar& value);
Tensor fill_(const Tensor& self, const Operand& value);
Tensor zero_(const Tensor& self);
// Changes the shape in place, growing the storage if needed; new elements are unspecified.
Tensor resize_(const Tensor& self, const Dims& size);

}  // namespace tallow::ops
