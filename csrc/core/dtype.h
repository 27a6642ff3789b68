// Facts about element types: sizes, names, kinds and the promotion table.
#pragma once

#include <ostream>
#include <string>

#include "core/types.h"

namespace tallow {

inline constexpr int64_t kItemSizes[kNumDTypes] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};

TALLOW_INLINE constexpr int64_t item_size(DType dtype) {
  return kItemSizes[static_cast<int>(dtype)];
}
TALLOW_INLINE constexpr bool is_floating(DType dtype) {
  return dtype >= DType::kFloat16 && dtype <= DType::kFloat64;
}
TALLOW_INLINE constexpr bool is_complex(DType dtype) { return dtype >= DType::kComplex64; }
// Integers; bool is not one.
TALLOW_INLINE constexpr bool is_integral(DType dtype) {
  return dtype >= DType::kUInt8 && dtype <= DType::kInt64;
}
// May a tensor of this type require a gradient?
TALLOW_INLINE constexpr bool is_differentiable(DType dtype) { return dtype >= DType::kFloat16; }

// "float32": the attribute of the package.
const char* dtype_name(DType dtype);
// "Float": the name in error messages and tensor type names.
const char* scalar_type_name(DType dtype);
// "torch.FloatTensor", with the package's spelling.
std::string tensor_type_name(DType dtype);
// "torch.float32", with the package's spelling; also what streaming a DType prints.
std::string dtype_repr(DType dtype);
std::ostream& operator<<(std::ostream& out, DType dtype);

// The smallest type both convert to without losing their kind, as NumPy and PyTorch do for arrays.
DType promote(DType a, DType b);
// The real type of a complex one, and the reverse; others are returned unchanged.
DType real_type(DType dtype);
DType complex_type(DType dtype);

// The type of new floating-point tensors; float32 unless changed.
DType default_dtype();
void set_default_dtype(DType dtype);
// May a value of kind `from` be written into a tensor of type `to` (complex > floating > integral >
// bool)? The rule for `out=` and in-place results.
bool can_cast(DType from, DType to);

}  // namespace tallow
