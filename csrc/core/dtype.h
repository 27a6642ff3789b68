// Facts about element types: names, signs and the promotion table.
#pragma once

#include <ostream>
#include <string>

#include "core/types.h"

namespace tallow {

bool is_signed(DType dtype);

// "float32": the attribute of the package.
const char* dtype_name(DType dtype);
// "torch.FloatTensor", with the package's spelling.
std::string tensor_type_name(DType dtype);
// "torch.float32", with the package's spelling; also what streaming a DType prints.
std::string dtype_repr(DType dtype);
std::ostream& operator<<(std::ostream& out, DType dtype);

// The smallest type both convert to without losing their kind, as NumPy and PyTorch do for arrays.
DType promote(DType a, DType b);
// The real type of a complex one, and the reverse; others are returned unchanged. Types that are
// for stored data have no complex one: an error.
DType real_type(DType dtype);
DType complex_type(DType dtype);

// The type of new floating-point tensors; float32 unless changed.
DType default_dtype();
void set_default_dtype(DType dtype);
// May a value of kind `from` be written into a tensor of type `to` (complex > floating > integral >
// bool)? The rule for `out=` and in-place results.
bool can_cast(DType from, DType to);

}  // namespace tallow
