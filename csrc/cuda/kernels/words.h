// Elements as plain words, for kernels that move bits and need not know the type.
#pragma once

#include "cuda/kernels/layout.h"

namespace tallow::cuda {

struct alignas(16) Word16 {
  uint64_t half[2];
};

// Calls body.operator()<W>() with the word of `bytes` bytes.
template <class Body>
Status by_size(int64_t bytes, const Body& body) {
  switch (bytes) {
    case 1:
      return body.template operator()<uint8_t>();
    case 2:
      return body.template operator()<uint16_t>();
    case 4:
      return body.template operator()<uint32_t>();
    case 8:
      return body.template operator()<uint64_t>();
    default:
      return body.template operator()<Word16>();
  }
}

}  // namespace tallow::cuda
