// The text of kernel failures, written into the thread's buffer, so that reporting never allocates.
// Every module that holds kernels (the core, a device's plugin) compiles this file.
#include <cstdarg>
#include <cstdio>

#include "core/device_runtime.h"

namespace tallow {

namespace {

// PyTorch's scalar type names, in the order of DType; its error texts use them.
constexpr const char* kScalarTypeNames[kNumDTypes] = {
    "Bool", "Byte",     "Char",  "Short",  "Int",          "Long",
    "Half", "BFloat16", "Float", "Double", "ComplexFloat", "ComplexDouble",
};

}  // namespace

Status fail(Status code, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(status_buffer(), kStatusBytes, format, arguments);
  va_end(arguments);
  return code;
}

const char* status_message() { return status_buffer(); }

Status unsupported_dtype(const char* op, DType dtype) {
  return fail(Status::kNotImplemented, "\"%s\" not implemented for '%s'", op,
              kScalarTypeNames[static_cast<int>(dtype)]);
}

}  // namespace tallow
