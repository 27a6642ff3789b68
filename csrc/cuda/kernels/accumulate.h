// The type that products are summed in.
#pragma once

#include "cuda/device_types.h"

#ifdef __CUDACC__
#include <cuda_fp16.h>
#endif

namespace tallow::cuda {

// Half types in float; integers wrap around, which unsigned arithmetic of any width that holds
// them gives.
template <class T>
struct AccumulatorOf {
  using type = Compute<T>;
};
template <>
struct AccumulatorOf<uint8_t> {
  using type = uint32_t;
};
template <>
struct AccumulatorOf<int8_t> {
  using type = uint32_t;
};
template <>
struct AccumulatorOf<int16_t> {
  using type = uint32_t;
};
template <>
struct AccumulatorOf<int32_t> {
  using type = uint32_t;
};
template <>
struct AccumulatorOf<int64_t> {
  using type = uint64_t;
};
template <class T>
using Accumulator = typename AccumulatorOf<T>::type;

// An element as a term of a sum.
template <class T>
TL_HD Accumulator<T> as_term(T x) {
#ifdef __CUDA_ARCH__
  // One instruction instead of the branches of the portable conversion.
  if constexpr (dtype_of<T> == DType::kFloat16) return __half2float(__ushort_as_half(x.bits));
#endif
  return static_cast<Accumulator<T>>(x);
}

template <class A>
struct RealPart {
  using type = A;
};
template <class R>
struct RealPart<Complex<R>> {
  using type = R;
};
// A scalar of the host as an accumulator; a complex one is real.
template <class A>
A from_double(double value) {
  return A(static_cast<typename RealPart<A>::type>(value));
}

template <class T>
inline constexpr bool is_floating = false;
template <>
inline constexpr bool is_floating<float> = true;
template <>
inline constexpr bool is_floating<double> = true;
template <>
inline constexpr bool is_floating<Half> = true;
template <>
inline constexpr bool is_floating<BFloat16> = true;

// Every dtype that has products.
using Multiplied = Types<uint8_t, int8_t, int16_t, int32_t, int64_t, float, double, Half, BFloat16,
                         complex64, complex128>;

}  // namespace tallow::cuda
