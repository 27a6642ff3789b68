// The text of kernel failures: one buffer per thread, so that reporting never allocates.
#include <cstdarg>
#include <cstdio>

#include "core/types.h"

namespace tallow {

namespace {

constexpr int kMessageBytes = 1024;
thread_local char message_buffer[kMessageBytes];

// PyTorch's scalar type names, in the order of DType; its error texts use them.
constexpr const char* kScalarTypeNames[kNumDTypes] = {
    "Bool", "Byte",     "Char",  "Short",  "Int",          "Long",
    "Half", "BFloat16", "Float", "Double", "ComplexFloat", "ComplexDouble",
};

}  // namespace

Status fail(Status code, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message_buffer, kMessageBytes, format, arguments);
  va_end(arguments);
  return code;
}

const char* status_message() { return message_buffer; }

Status unsupported_dtype(const char* op, DType dtype) {
  return fail(Status::kNotImplemented, "\"%s\" not implemented for '%s'", op,
              kScalarTypeNames[static_cast<int>(dtype)]);
}

}  // namespace tallow
