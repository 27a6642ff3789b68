// The element types of the core (Half, BFloat16, Complex, Types, ...) for code that also runs on
// the device, and dispatch by dtype on the host. Include it before any other header of the core.
#pragma once

#include <cuda_runtime.h>

#include "core/macros.h"

// Of functions that the host and the device may call.
#define TL_HD __host__ __device__

#ifdef __CUDACC__
// What the core marks for inlining is needed on both sides here.
#pragma push_macro("TALLOW_INLINE")
#undef TALLOW_INLINE
#define TALLOW_INLINE inline __host__ __device__ __attribute__((always_inline))
#pragma nv_diagnostic push
#pragma nv_diag_suppress 20012  // the annotation of defaulted constructors has no effect
#endif
#include "core/half.h"
#include "core/order_key.h"
#include "core/types.h"
#ifdef __CUDACC__
#pragma nv_diagnostic pop
#pragma pop_macro("TALLOW_INLINE")
#endif

namespace tallow::cuda {

// dispatch() of core/types.h, for bodies that exist on the host alone: they launch kernels.
template <class... Ts, class Body>
Status by_dtype(Types<Ts...>, DType dtype, const char* op, const Body& body) {
  Status status = Status::kOk;
  const bool found =
      ((dtype_of<Ts> == dtype && (status = body.template operator()<Ts>(), true)) || ...);
  return found ? status : unsupported_dtype(op, dtype);
}

}  // namespace tallow::cuda
