// Scalar: a Python number on its way into an op.
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/dtype.h"
#include "core/error.h"
#include "core/types.h"

namespace tallow {

class Scalar {
 public:
  // kLarge: an integer from 2^63 to 2^64 - 1, which only uint64 and floating-point types hold.
  enum class Kind : uint8_t { kBool, kInt, kLarge, kDouble, kComplex };

  TALLOW_INLINE Scalar() : Scalar(int64_t{0}) {}
  TALLOW_INLINE Scalar(bool value) : kind_(Kind::kBool), int_(value) {}
  TALLOW_INLINE Scalar(int value) : kind_(Kind::kInt), int_(value) {}
  TALLOW_INLINE Scalar(int64_t value) : kind_(Kind::kInt), int_(value) {}
  TALLOW_INLINE Scalar(uint64_t value)
      : kind_(value >> 63 ? Kind::kLarge : Kind::kInt), int_(static_cast<int64_t>(value)) {}
  TALLOW_INLINE Scalar(double value) : kind_(Kind::kDouble), double_(value) {}
  TALLOW_INLINE Scalar(complex128 value)
      : kind_(Kind::kComplex), double_(value.real), imag_(value.imag) {}

  Kind kind() const { return kind_; }
  bool is_bool() const { return kind_ == Kind::kBool; }
  bool is_integral() const { return kind_ <= Kind::kLarge; }  // bool included
  bool is_floating() const { return kind_ == Kind::kDouble; }
  bool is_complex() const { return kind_ == Kind::kComplex; }

  // The type a tensor made of this number alone would have.
  DType dtype() const {
    switch (kind_) {
      case Kind::kBool:
        return DType::kBool;
      case Kind::kInt:
      case Kind::kLarge:
        return DType::kInt64;
      case Kind::kDouble:
        return default_dtype();
      case Kind::kComplex:
        return complex_type(default_dtype());
    }
    return DType::kFloat32;
  }

  double to_double() const {
    TALLOW_CHECK(kind_ != Kind::kComplex || imag_ == 0,
                 "value cannot be converted to type double without overflow");
    if (kind_ == Kind::kLarge) return static_cast<double>(static_cast<uint64_t>(int_));
    return kind_ <= Kind::kInt ? static_cast<double>(int_) : double_;
  }
  int64_t to_int64() const {
    if (kind_ <= Kind::kInt) return int_;
    const double value = to_double();
    TALLOW_CHECK(value >= -0x1p63 && value < 0x1p63,
                 "value cannot be converted to type int64_t without overflow");
    return static_cast<int64_t>(value);
  }
  // Negative numbers wrap.
  uint64_t to_uint64() const {
    if (is_integral()) return static_cast<uint64_t>(int_);
    const double value = to_double();
    if (value < 0x1p63) return static_cast<uint64_t>(to_int64());
    TALLOW_CHECK(value < 0x1p64, "value cannot be converted to type uint64_t without overflow");
    return static_cast<uint64_t>(value);
  }
  bool to_bool() const {
    return is_integral() ? int_ != 0 : double_ != 0 || (is_complex() && imag_ != 0);
  }
  complex128 to_complex() const {
    return is_integral() ? complex128(to_double())
                         : complex128(double_, is_complex() ? imag_ : 0.0);
  }

  // The value as element type T. Integers out of T's range raise; floats round.
  template <class T>
  T to() const {
    if constexpr (std::is_same_v<T, bool>) {
      return to_bool();
    } else if constexpr (std::is_same_v<T, complex64>) {
      const complex128 value = to_complex();
      return {static_cast<float>(value.real), static_cast<float>(value.imag)};
    } else if constexpr (std::is_same_v<T, complex128>) {
      return to_complex();
    } else if constexpr (std::is_same_v<T, uint64_t>) {
      return to_uint64();
    } else if constexpr (std::is_integral_v<T>) {
      const int64_t value = to_int64();
      // Negative numbers wrap into unsigned types as in PyTorch.
      TALLOW_CHECK(static_cast<int64_t>(static_cast<T>(value)) == value ||
                       (std::is_unsigned_v<T> && value < 0 &&
                        value >= -static_cast<int64_t>(static_cast<T>(-1))),
                   "value cannot be converted to type ", dtype_name(dtype_of<T>),
                   " without overflow");
      return static_cast<T>(value);
    } else {
      return T(static_cast<Compute<T>>(to_double()));
    }
  }

  // Writes the value as one element of type `dtype`.
  void store(DType dtype, void* destination) const;

  Scalar operator-() const {
    if (kind_ == Kind::kComplex) return Scalar(complex128(-double_, -imag_));
    return kind_ <= Kind::kInt ? Scalar(-int_) : Scalar(-to_double());
  }
  bool equals(double value) const { return !is_complex() && to_double() == value; }

 private:
  Kind kind_;
  union {
    int64_t int_;
    double double_;
  };
  double imag_ = 0;
};

std::ostream& operator<<(std::ostream& out, const Scalar& scalar);

}  // namespace tallow
