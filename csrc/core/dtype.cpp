#include "core/dtype.h"

#include "core/error.h"

namespace tallow {

namespace {

constexpr const char* kNames[kNumDTypes] = {"bool",
                                            "uint8",
                                            "int8",
                                            "int16",
                                            "int32",
                                            "int64",
                                            "uint16",
                                            "uint32",
                                            "uint64",
                                            "float8_e4m3fn",
                                            "float8_e5m2",
                                            "float8_e4m3fnuz",
                                            "float8_e5m2fnuz",
                                            "float8_e8m0fnu",
                                            "float16",
                                            "bfloat16",
                                            "float32",
                                            "float64",
                                            "complex64",
                                            "complex128"};

DType default_dtype_value = DType::kFloat32;

// 0 bool, 1 integral, 2 floating, 3 complex.
int category(DType dtype) {
  if (dtype == DType::kBool) return 0;
  if (is_integral(dtype)) return 1;
  return is_floating(dtype) ? 2 : 3;
}

}  // namespace

bool is_signed(DType dtype) {
  return dtype != DType::kBool && dtype != DType::kUInt8 && !is_wide_unsigned(dtype) &&
         dtype != DType::kFloat8E8M0FNU;
}

const char* dtype_name(DType dtype) { return kNames[static_cast<int>(dtype)]; }
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
  TALLOW_CHECK(!is_stored_only(dtype), "Unknown Complex ScalarType for ", scalar_type_name(dtype));
  if (dtype == DType::kFloat64) return DType::kComplex128;
  return is_complex(dtype) ? dtype : DType::kComplex64;
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  TALLOW_CHECK(!is_float8(a) && !is_float8(b),
               "Promotion for Float8 Types is not supported, attempted to promote ",
               scalar_type_name(a), " and ", scalar_type_name(b));
  const bool wide = is_wide_unsigned(a) || is_wide_unsigned(b);
  TALLOW_CHECK(!wide || is_floating(a) || is_floating(b),
               "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote ",
               scalar_type_name(a), " and ", scalar_type_name(b));
  if (b < a) std::swap(a, b);
  // From here a < b in the order of the enumeration.
  if (is_complex(b)) {
    return b == DType::kComplex128 || a == DType::kFloat64 ? DType::kComplex128 : DType::kComplex64;
  }
  if (is_floating(b)) {
    return a == DType::kFloat16 && b == DType::kBFloat16 ? DType::kFloat32 : b;
  }
  // The only unsigned integer here is uint8: next to a signed one it needs the next wider type.
  if (a == DType::kUInt8 && b == DType::kInt8) return DType::kInt16;
  return b;
}

DType default_dtype() { return default_dtype_value; }
void set_default_dtype(DType dtype) {
  TALLOW_CHECK_TYPE(is_floating(dtype),
                    "only floating-point types are supported as the default type");
  TALLOW_CHECK_TYPE(!is_float8(dtype), "couldn't find storage object ", scalar_type_name(dtype),
                    "Storage");
  default_dtype_value = dtype;
}

bool can_cast(DType from, DType to) { return category(from) <= category(to); }

}  // namespace tallow
