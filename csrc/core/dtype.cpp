#include "core/dtype.h"

#include "core/error.h"

namespace tallow {

namespace {

constexpr const char* kNames[kNumDTypes] = {"bool",    "uint8",   "int8",      "int16",
                                            "int32",   "int64",   "float16",   "bfloat16",
                                            "float32", "float64", "complex64", "complex128"};
constexpr const char* kScalarNames[kNumDTypes] = {
    "Bool", "Byte",     "Char",  "Short",  "Int",          "Long",
    "Half", "BFloat16", "Float", "Double", "ComplexFloat", "ComplexDouble"};

DType default_dtype_value = DType::kFloat32;

// 0 bool, 1 integral, 2 floating, 3 complex.
int category(DType dtype) {
  if (dtype == DType::kBool) return 0;
  if (is_integral(dtype)) return 1;
  return is_floating(dtype) ? 2 : 3;
}

}  // namespace

const char* dtype_name(DType dtype) { return kNames[static_cast<int>(dtype)]; }
const char* scalar_type_name(DType dtype) { return kScalarNames[static_cast<int>(dtype)]; }
std::string tensor_type_name(DType dtype) {
  return package_name() + "." + scalar_type_name(dtype) + "Tensor";
}
std::string dtype_repr(DType dtype) { return package_name() + "." + dtype_name(dtype); }
std::ostream& operator<<(std::ostream& out, DType dtype) { return out << dtype_repr(dtype); }

DType real_type(DType dtype) {
  if (dtype == DType::kComplex64) return DType::kFloat32;
  if (dtype == DType::kComplex128) return DType::kFloat64;
  return dtype;
}

DType complex_type(DType dtype) {
  if (dtype == DType::kFloat64) return DType::kComplex128;
  return is_complex(dtype) ? dtype : DType::kComplex64;
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  if (b < a) std::swap(a, b);
  // From here a < b in the order of the enumeration.
  if (is_complex(b)) {
    return b == DType::kComplex128 || a == DType::kFloat64 ? DType::kComplex128 : DType::kComplex64;
  }
  if (is_floating(b)) {
    return a == DType::kFloat16 && b == DType::kBFloat16 ? DType::kFloat32 : b;
  }
  // The only unsigned integer is uint8: next to a signed one it needs the next wider signed type.
  if (a == DType::kUInt8 && b == DType::kInt8) return DType::kInt16;
  return b;
}

DType default_dtype() { return default_dtype_value; }
void set_default_dtype(DType dtype) {
  TALLOW_CHECK_TYPE(is_floating(dtype),
                    "only floating-point types are supported as the default type");
  default_dtype_value = dtype;
}

bool can_cast(DType from, DType to) { return category(from) <= category(to); }

}  // namespace tallow
