// Element types, status codes and dtype dispatch: the only core header (besides float8.h, half.h,
// parallel.h and scratch.h) that kernels may see.
#pragma once

#include <cstdint>

#include "core/float8.h"
#include "core/half.h"
#include "core/macros.h"

namespace tallow {

// In the order of their kinds: bool, integers, floating point, complex. Those from kUInt16 to
// kFloat8E8M0FNU are for stored data: elements are moved, converted and compared for equality, and
// few kernels compute with them.
enum class DType : uint8_t {
  kBool,
  kUInt8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt16,
  kUInt32,
  kUInt64,
  kFloat8E4M3FN,
  kFloat8E5M2,
  kFloat8E4M3FNUZ,
  kFloat8E5M2FNUZ,
  kFloat8E8M0FNU,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  kComplex64,
  kComplex128,
};
inline constexpr int kNumDTypes = 20;

// Bytes of one element.
TALLOW_INLINE constexpr int64_t item_size(DType dtype) {
  // The binary logarithms, an octal digit each, the last one for bool; an array would be a symbol
  // that the objects of all instruction-set levels share.
  constexpr uint64_t kDigits = 043'3211'00000'321'32100'0;
  return int64_t{1} << (kDigits >> 3 * static_cast<int>(dtype) & 7);
}

// Integers; bool is not one.
TALLOW_INLINE constexpr bool is_integral(DType dtype) {
  return dtype >= DType::kUInt8 && dtype <= DType::kUInt64;
}
TALLOW_INLINE constexpr bool is_floating(DType dtype) {
  return dtype >= DType::kFloat8E4M3FN && dtype <= DType::kFloat64;
}
TALLOW_INLINE constexpr bool is_complex(DType dtype) { return dtype >= DType::kComplex64; }
// May a tensor of this type require a gradient?
TALLOW_INLINE constexpr bool is_differentiable(DType dtype) {
  return dtype >= DType::kFloat8E4M3FN;
}
TALLOW_INLINE constexpr bool is_stored_only(DType dtype) {
  return dtype >= DType::kUInt16 && dtype <= DType::kFloat8E8M0FNU;
}
TALLOW_INLINE constexpr bool is_wide_unsigned(DType dtype) {
  return dtype >= DType::kUInt16 && dtype <= DType::kUInt64;
}
TALLOW_INLINE constexpr bool is_float8(DType dtype) {
  return dtype >= DType::kFloat8E4M3FN && dtype <= DType::kFloat8E8M0FNU;
}

// Complex numbers as plain storage and arithmetic; std::complex would leak weak symbols from the
// per-instruction-set objects.
template <class T>
struct Complex {
  T real;
  T imag;

  TALLOW_INLINE Complex() : real(0), imag(0) {}
  TALLOW_INLINE Complex(T re, T im = T(0)) : real(re), imag(im) {}
  TALLOW_INLINE Complex operator+(Complex b) const { return {real + b.real, imag + b.imag}; }
  TALLOW_INLINE Complex operator-(Complex b) const { return {real - b.real, imag - b.imag}; }
  TALLOW_INLINE Complex operator-() const { return {-real, -imag}; }
  TALLOW_INLINE Complex operator*(Complex b) const {
    return {real * b.real - imag * b.imag, real * b.imag + imag * b.real};
  }
  TALLOW_INLINE Complex operator/(Complex b) const {
    const T scale = b.real * b.real + b.imag * b.imag;
    return {(real * b.real + imag * b.imag) / scale, (imag * b.real - real * b.imag) / scale};
  }
  TALLOW_INLINE bool operator==(Complex b) const { return real == b.real && imag == b.imag; }
  TALLOW_INLINE bool operator!=(Complex b) const { return !(*this == b); }
};
using complex64 = Complex<float>;
using complex128 = Complex<double>;

// What a kernel answers. The text of a failure is kept per thread; the ops layer turns both into a
// C++ exception and the binding into a Python one. No exception crosses the kernel table.
enum class Status : int32_t {
  kOk,
  kRuntimeError,
  kIndexError,
  kValueError,
  kTypeError,
  kNotImplemented,
  kOutOfMemory,
};

// Stores a printf-style message for the calling thread and returns `code`. Call it on the thread
// that called the kernel: errors found inside parallel_for are collected first.
[[nodiscard]] Status fail(Status code, const char* format, ...)
    __attribute__((format(printf, 2, 3), cold, noinline));
// The message of the last fail() on this thread.
const char* status_message();

template <class... Ts>
struct Types {};

using Floating = Types<float, double>;
using FloatingAndHalf = Types<float, double, Half, BFloat16>;
using Integral = Types<uint8_t, int8_t, int16_t, int32_t, int64_t>;
using IntegralAndBool = Types<bool, uint8_t, int8_t, int16_t, int32_t, int64_t>;
using ComplexTypes = Types<complex64, complex128>;
using Real = Types<uint8_t, int8_t, int16_t, int32_t, int64_t, float, double, Half, BFloat16>;
using RealAndBool =
    Types<bool, uint8_t, int8_t, int16_t, int32_t, int64_t, float, double, Half, BFloat16>;
using All = Types<bool, uint8_t, int8_t, int16_t, int32_t, int64_t, float, double, Half, BFloat16,
                  complex64, complex128>;
using StoredOnly = Types<uint16_t, uint32_t, uint64_t, Float8E4M3FN, Float8E5M2, Float8E4M3FNUZ,
                         Float8E5M2FNUZ, Float8E8M0FNU>;

template <class T>
inline constexpr DType dtype_of = DType::kBool;
template <>
inline constexpr DType dtype_of<uint8_t> = DType::kUInt8;
template <>
inline constexpr DType dtype_of<int8_t> = DType::kInt8;
template <>
inline constexpr DType dtype_of<int16_t> = DType::kInt16;
template <>
inline constexpr DType dtype_of<int32_t> = DType::kInt32;
template <>
inline constexpr DType dtype_of<int64_t> = DType::kInt64;
template <>
inline constexpr DType dtype_of<uint16_t> = DType::kUInt16;
template <>
inline constexpr DType dtype_of<uint32_t> = DType::kUInt32;
template <>
inline constexpr DType dtype_of<uint64_t> = DType::kUInt64;
template <>
inline constexpr DType dtype_of<Float8E4M3FN> = DType::kFloat8E4M3FN;
template <>
inline constexpr DType dtype_of<Float8E5M2> = DType::kFloat8E5M2;
template <>
inline constexpr DType dtype_of<Float8E4M3FNUZ> = DType::kFloat8E4M3FNUZ;
template <>
inline constexpr DType dtype_of<Float8E5M2FNUZ> = DType::kFloat8E5M2FNUZ;
template <>
inline constexpr DType dtype_of<Float8E8M0FNU> = DType::kFloat8E8M0FNU;
template <>
inline constexpr DType dtype_of<Half> = DType::kFloat16;
template <>
inline constexpr DType dtype_of<BFloat16> = DType::kBFloat16;
template <>
inline constexpr DType dtype_of<float> = DType::kFloat32;
template <>
inline constexpr DType dtype_of<double> = DType::kFloat64;
template <>
inline constexpr DType dtype_of<complex64> = DType::kComplex64;
template <>
inline constexpr DType dtype_of<complex128> = DType::kComplex128;

// The type a kernel computes in: types of fewer bits than float widen to it.
template <class T>
struct ComputeType {
  using type = T;
};
template <>
struct ComputeType<Half> {
  using type = float;
};
template <>
struct ComputeType<BFloat16> {
  using type = float;
};
template <int kMantissa, int kBias, Float8Kind kKind>
struct ComputeType<Float8<kMantissa, kBias, kKind>> {
  using type = float;
};
template <>
struct ComputeType<Float8E8M0FNU> {
  using type = float;
};
template <class T>
using Compute = typename ComputeType<T>::type;

// "Float": the name in error messages and tensor type names.
const char* scalar_type_name(DType dtype);
// The error of dispatch(): `"softmax" not implemented for 'Long'`, PyTorch's wording.
[[nodiscard]] Status unsupported_dtype(const char* op, DType dtype);

// Calls `body.template operator()<T>()` with the T in the list whose dtype is `dtype`. `body`
// returns Status. An absent dtype fails with the op's name.
template <class... Ts, class Body>
TALLOW_INLINE Status dispatch(Types<Ts...>, DType dtype, const char* op, const Body& body) {
  Status status = Status::kOk;
  const bool found =
      ((dtype_of<Ts> == dtype && (status = body.template operator()<Ts>(), true)) || ...);
  return found ? status : unsupported_dtype(op, dtype);
}

}  // namespace tallow
