// Two-operand arithmetic on integers and bool. Arithmetic wraps; the driver's caller has already
// refused zero divisors.
#include "cpu/loops.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

template <class T>
TALLOW_INLINE T truncated_quotient(T a, T b) {
  // The one quotient that does not fit; the instruction would trap.
  if (b == T(-1) && std::is_signed_v<T>) return static_cast<T>(Wrapping<T>(0) - Wrapping<T>(a));
  return static_cast<T>(a / b);
}

template <class T>
TALLOW_INLINE T truncated_remainder(T a, T b) {
  if (b == T(-1) && std::is_signed_v<T>) return 0;
  return static_cast<T>(a % b);
}

template <class T>
TALLOW_INLINE T floored_quotient(T a, T b) {
  const T quotient = truncated_quotient(a, b);
  if constexpr (std::is_unsigned_v<T>) return quotient;
  // One division for both: the remainder is what the quotient leaves.
  const T rest = static_cast<T>(Wrapping<T>(a) - Wrapping<T>(quotient) * Wrapping<T>(b));
  return static_cast<T>(quotient - ((rest != 0) & ((rest ^ b) < 0)));
}

template <class T>
TALLOW_INLINE T floored_remainder(T a, T b) {
  const T rest = truncated_remainder(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
}

// a^b by squaring; a negative exponent leaves only 1 and -1 away from 0.
template <class T>
TALLOW_INLINE T integer_power(T a, T b) {
  if (b < 0) {
    if (a == 1) return 1;
    if (a == T(-1)) return b % 2 == 0 ? T(1) : T(-1);
    return 0;
  }
  Wrapping<T> result = 1;
  Wrapping<T> factor = static_cast<Wrapping<T>>(a);
  for (uint64_t exponent = static_cast<uint64_t>(b); exponent != 0; exponent >>= 1) {
    if (exponent & 1) result *= factor;
    factor *= factor;
  }
  return static_cast<T>(result);
}

template <class T>
inline constexpr int kBits = static_cast<int>(sizeof(T)) * 8;

template <class T>
TALLOW_INLINE T shift_left(T a, T b) {
  if (b < 0 || b >= T(kBits<T>)) return 0;
  return static_cast<T>(static_cast<Wrapping<T>>(a) << b);
}

template <class T>
TALLOW_INLINE T shift_right(T a, T b) {
  if (b < 0 || b >= T(kBits<T>)) return a < 0 ? T(-1) : T(0);
  return static_cast<T>(a >> b);
}

// On 0 and 1, sums are "or" and products are "and"; there is no difference or quotient.
Row bool_row(BinaryOp op, DType compute) {
  using Bool = Types<bool>;
  switch (op) {
    case BinaryOp::kAdd:
    case BinaryOp::kMaximum:
    case BinaryOp::kFmax:
    case BinaryOp::kBitwiseOr:
      return elements2<[](bool a, bool b) { return a | b; }>(Bool{}, compute);
    case BinaryOp::kMul:
    case BinaryOp::kMinimum:
    case BinaryOp::kFmin:
    case BinaryOp::kBitwiseAnd:
      return elements2<[](bool a, bool b) { return a & b; }>(Bool{}, compute);
    case BinaryOp::kBitwiseXor:
      return elements2<[](bool a, bool b) { return a ^ b; }>(Bool{}, compute);
    case BinaryOp::kHeaviside:
      return elements2<[](bool a, bool b) { return a | b; }>(Bool{}, compute);
    default:
      return {};
  }
}

}  // namespace

Row integer_row(BinaryOp op, DType compute) {
  if (compute == DType::kBool) return bool_row(op, compute);
  constexpr Integral kTypes{};
  switch (op) {
    case BinaryOp::kAdd:
      return elements2<[]<class T>(T a, T b) { return T(Wrapping<T>(a) + Wrapping<T>(b)); }>(
          kTypes, compute);
    case BinaryOp::kSub:
      return elements2<[]<class T>(T a, T b) { return T(Wrapping<T>(a) - Wrapping<T>(b)); }>(
          kTypes, compute);
    case BinaryOp::kMul:
      return elements2<[]<class T>(T a, T b) { return T(Wrapping<T>(a) * Wrapping<T>(b)); }>(
          kTypes, compute);
    case BinaryOp::kDivTrunc:
      return elements2<[](auto a, auto b) { return truncated_quotient(a, b); }>(kTypes, compute,
                                                                                Cost::kShort);
    case BinaryOp::kDivFloor:
      return elements2<[](auto a, auto b) { return floored_quotient(a, b); }>(kTypes, compute,
                                                                              Cost::kShort);
    case BinaryOp::kRemainder:
      return elements2<[](auto a, auto b) { return floored_remainder(a, b); }>(kTypes, compute,
                                                                               Cost::kShort);
    case BinaryOp::kFmod:
      return elements2<[](auto a, auto b) { return truncated_remainder(a, b); }>(kTypes, compute,
                                                                                 Cost::kShort);
    case BinaryOp::kPow:
      return elements2<[](auto a, auto b) { return integer_power(a, b); }>(kTypes, compute,
                                                                           Cost::kShort);
    case BinaryOp::kMaximum:
    case BinaryOp::kFmax:
      return elements2<[](auto a, auto b) { return a < b ? b : a; }>(kTypes, compute);
    case BinaryOp::kMinimum:
    case BinaryOp::kFmin:
      return elements2<[](auto a, auto b) { return a < b ? a : b; }>(kTypes, compute);
    case BinaryOp::kBitwiseAnd:
      return elements2<[](auto a, auto b) { return a & b; }>(kTypes, compute);
    case BinaryOp::kBitwiseOr:
      return elements2<[](auto a, auto b) { return a | b; }>(kTypes, compute);
    case BinaryOp::kBitwiseXor:
      return elements2<[](auto a, auto b) { return a ^ b; }>(kTypes, compute);
    case BinaryOp::kShiftLeft:
      return elements2<[](auto a, auto b) { return shift_left(a, b); }>(kTypes, compute);
    case BinaryOp::kShiftRight:
      return elements2<[](auto a, auto b) { return shift_right(a, b); }>(kTypes, compute);
    case BinaryOp::kHeaviside:
      return elements2<[]<class T>(T a, T b) { return a == 0 ? b : T(0 < a); }>(kTypes, compute);
    default:
      return {};
  }
}

}  // namespace tallow::cpu::TALLOW_ISA
