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

#if TALLOW_ISA_LEVEL == 2

// Rows of int64 that are divided eight at a time as doubles: below 2^53 the quotient of two
// integers is too far from the next integer to be rounded to it. F(a, b, truncated quotient).
template <auto F, auto One>
void divide_row(const RowData& data, int64_t n, const void*) {
  constexpr int W = kLanes<int64_t>;
  constexpr int64_t kLimit = int64_t{1} << 53;
  int64_t* const out = reinterpret_cast<int64_t*>(data[0]);
  const int64_t* const a = reinterpret_cast<const int64_t*>(data[1]);
  const int64_t* const b = reinterpret_cast<const int64_t*>(data[2]);
  int64_t i = 0;
  for (; i + W <= n; i += W) {
    const Vec<int64_t> x = load(a + i), y = load(b + i);
    if (TALLOW_UNLIKELY(any((kLimit <= x) | (x <= -kLimit)))) {
      for (int64_t k = i; k < i + W; ++k) out[k] = One(a[k], b[k]);
      continue;
    }
    const Vec<double> quotient = convert<Vec<double>>(x) / convert<Vec<double>>(y);
    store(out + i, F(x, y, convert<Vec<int64_t>>(quotient)));
  }
  for (; i < n; ++i) out[i] = One(a[i], b[i]);
}

using Longs = Vec<int64_t>;

Row long_division_row(BinaryOp op) {
  constexpr auto kQuotient = [](Longs, Longs, Longs q) { return q; };
  constexpr auto kFloored = [](Longs a, Longs b, Longs q) {
    const Longs rest = a - q * b;
    return (rest != 0) & ((rest ^ b) < 0) ? q - 1 : q;
  };
  constexpr auto kRest = [](Longs a, Longs b, Longs q) { return a - q * b; };
  constexpr auto kFlooredRest = [](Longs a, Longs b, Longs q) {
    const Longs rest = a - q * b;
    return (rest != 0) & ((rest ^ b) < 0) ? rest + b : rest;
  };
  RowFn fn = nullptr;
  switch (op) {
    case BinaryOp::kDivTrunc:
      fn = divide_row<kQuotient, truncated_quotient<int64_t>>;
      break;
    case BinaryOp::kDivFloor:
      fn = divide_row<kFloored, floored_quotient<int64_t>>;
      break;
    case BinaryOp::kRemainder:
      fn = divide_row<kFlooredRest, floored_remainder<int64_t>>;
      break;
    case BinaryOp::kFmod:
      fn = divide_row<kRest, truncated_remainder<int64_t>>;
      break;
    default:
      break;
  }
  return {fn, DType::kInt64, DType::kInt64, Cost::kShort};
}

#endif

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
#if TALLOW_ISA_LEVEL == 2
  if (const Row row = long_division_row(op); row.fn && compute == DType::kInt64) return row;
#endif
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
