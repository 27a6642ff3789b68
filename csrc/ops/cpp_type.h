// The C++ spelling of element types, which some of PyTorch's error messages use.
#pragma once

#include "core/types.h"

namespace tallow::ops {

inline const char* cpp_type_name(DType dtype) {
  static constexpr const char* kNames[kNumDTypes] = {
      "bool",
      "unsigned char",
      "signed char",
      "short int",
      "int",
      "long int",
      "unsigned short",
      "unsigned int",
      "unsigned long",
      "c10::Float8_e4m3fn",
      "c10::Float8_e5m2",
      "c10::Float8_e4m3fnuz",
      "c10::Float8_e5m2fnuz",
      "c10::Float8_e8m0fnu",
      "c10::Half",
      "c10::BFloat16",
      "float",
      "double",
      "c10::complex<float>",
      "c10::complex<double>",
  };
  return kNames[static_cast<int>(dtype)];
}

}  // namespace tallow::ops
