// The text of kernel failures, written into the thread's buffer, so that reporting never allocates.
// Every module that holds kernels (the core, a device's plugin) compiles this file.
#include <cstdarg>
#include <cstdio>

#include "core/device_runtime.h"

namespace tallow {

namespace {

// PyTorch's scalar type names, in the order of DType; its error texts use them.
constexpr const char* kScalarTypeNames[kNumDTypes] = {"Bool",
                                                      "Byte",
                                                      "Char",
                                                      "Short",
                                                      "Int",
                                                      "Long",
                                                      "UInt16",
                                                      "UInt32",
                                                      "UInt64",
                                                      "Float8_e4m3fn",
                                                      "Float8_e5m2",
                                                      "Float8_e4m3fnuz",
                                                      "Float8_e5m2fnuz",
                                                      "Float8_e8m0fnu",
                                                      "Half",
                                                      "BFloat16",
                                                      "Float",
                                                      "Double",
                                                      "ComplexFloat",
                                                      "ComplexDouble"};

}  // namespace

Status fail(Status code, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(status_buffer(), kStatusBytes, format, arguments);
  va_end(arguments);
  return code;
}

const char* status_message() { return status_buffer(); }

const char* scalar_type_name(DType dtype) { return kScalarTypeNames[static_cast<int>(dtype)]; }

Status unsupported_dtype(const char* op, DType dtype) {
  return fail(Status::kNotImplemented, "\"%s\" not implemented for '%s'", op,
              scalar_type_name(dtype));
}

}  // namespace tallow
