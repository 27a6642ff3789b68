// Two-operand arithmetic on floating-point and complex numbers. Integers: binary_integer.cpp.
#include "cpu/loops.h"
#include "cpu/simd_activation.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Python's rules on top of C's fmod: the remainder has the sign of the divisor.
template <class V>
TALLOW_INLINE V remainder(V a, V b) {
  const V rest = math::fmod(a, b);
  return (rest != 0) & ((b < 0) != (rest < 0)) ? rest + b : rest;
}

// floor(a / b) as if the quotient had been computed exactly.
template <class V>
TALLOW_INLINE V floor_divide(V a, V b) {
  const V rest = math::fmod(a, b);
  V quotient = (a - rest) / b;
  quotient = (rest != 0) & ((b < 0) != (rest < 0)) ? quotient - 1 : quotient;
  const V whole = floor(quotient);
  const V nearest = quotient - whole > 0.5f ? whole + 1 : whole;
  const V plain = a / b;
  return b == 0 ? plain : (quotient == 0 ? copysign(V{}, plain) : nearest);
}

// Is each of |b.real|, |b.imag| scaled so that neither over- nor underflows (Smith's method).
// Source: R. L. Smith, Algorithm 116: Complex division, CACM 5(8), 1962.
template <class C>
TALLOW_INLINE C complex_divide(C a, C b) {
  using T = decltype(b.real);
  const T abs_real = b.real < 0 ? -b.real : b.real;
  const T abs_imag = b.imag < 0 ? -b.imag : b.imag;
  if (abs_real >= abs_imag) {
    if (abs_real == 0 && abs_imag == 0) return {a.real / abs_real, a.imag / abs_imag};
    const T ratio = b.imag / b.real;
    const T scale = 1 / (b.real + b.imag * ratio);
    return {(a.real + a.imag * ratio) * scale, (a.imag - a.real * ratio) * scale};
  }
  const T ratio = b.real / b.imag;
  const T scale = 1 / (b.imag + b.real * ratio);
  return {(a.real * ratio + a.imag) * scale, (a.imag * ratio - a.real) * scale};
}

Row complex_row(BinaryOp op, DType compute) {
  switch (op) {
    case BinaryOp::kAdd:
      return elements2<[](auto a, auto b) { return a + b; }>(ComplexTypes{}, compute);
    case BinaryOp::kSub:
      return elements2<[](auto a, auto b) { return a - b; }>(ComplexTypes{}, compute);
    case BinaryOp::kMul:
      return elements2<[](auto a, auto b) { return a * b; }>(ComplexTypes{}, compute);
    case BinaryOp::kDiv:
      return elements2<[](auto a, auto b) { return complex_divide(a, b); }>(ComplexTypes{}, compute,
                                                                            Cost::kShort);
    default:
      return {};
  }
}

Row float_row(BinaryOp op, DType compute) {
  switch (op) {
    case BinaryOp::kAdd:
      return floating2<[](auto a, auto b) { return a + b; }>(compute);
    case BinaryOp::kSub:
      return floating2<[](auto a, auto b) { return a - b; }>(compute);
    case BinaryOp::kMul:
      return floating2<[](auto a, auto b) { return a * b; }>(compute);
    case BinaryOp::kDiv:
      return floating2<[](auto a, auto b) { return a / b; }>(compute);
    case BinaryOp::kDivTrunc:
      return floating2<[](auto a, auto b) { return trunc(a / b); }>(compute);
    case BinaryOp::kDivFloor:
      return floating2<[](auto a, auto b) { return floor_divide(a, b); }>(compute, Cost::kShort);
    case BinaryOp::kRemainder:
      return floating2<[](auto a, auto b) { return remainder(a, b); }>(compute, Cost::kShort);
    case BinaryOp::kFmod:
      return floating2<[](auto a, auto b) { return math::fmod(a, b); }>(compute, Cost::kShort);
    case BinaryOp::kPow:
      return floating2<[](auto a, auto b) { return math::pow(a, b); }>(compute, Cost::kLong);
    case BinaryOp::kMaximum:
      return floating2<[](auto a, auto b) { return maximum(a, b); }>(compute);
    case BinaryOp::kMinimum:
      return floating2<[](auto a, auto b) { return minimum(a, b); }>(compute);
    case BinaryOp::kFmax:
      return floating2<[](auto a, auto b) {
        const auto larger = a < b ? b : a;  // a if either is NaN
        return a != a ? b : larger;
      }>(compute);
    case BinaryOp::kFmin:
      return floating2<[](auto a, auto b) {
        const auto smaller = b < a ? b : a;
        return a != a ? b : smaller;
      }>(compute);
    case BinaryOp::kAtan2:
      return floating2<[](auto a, auto b) { return math::atan2(a, b); }>(compute, Cost::kLong);
    case BinaryOp::kHypot:
      return floating2<[](auto a, auto b) { return math::hypot(a, b); }>(compute, Cost::kShort);
    case BinaryOp::kCopysign:
      return floating2<[](auto a, auto b) { return copysign(a, b); }>(compute);
    case BinaryOp::kXlogy:
      return floating2<[](auto a, auto b) { return math::xlogy(a, b); }>(compute, Cost::kShort);
    case BinaryOp::kLogaddexp:
      return floating2<[](auto a, auto b) { return math::logaddexp(a, b); }>(compute, Cost::kShort);
    case BinaryOp::kHeaviside:
      return floating2<[](auto a, auto b) {
        using V = decltype(a);
        const V step = 0 < a ? splat<V>(1) : V{};
        return a == 0 ? b : step;
      }>(compute);
    case BinaryOp::kNextafter:
    case BinaryOp::kGammainc:
    case BinaryOp::kGammaincc:
      return special_row(op, compute);
    default:
      return activation_backward_row(op, compute);
  }
}

}  // namespace

Row binary_row(BinaryOp op, DType compute) {
  switch (compute) {
    case DType::kFloat32:
    case DType::kFloat64:
      return float_row(op, compute);
    case DType::kComplex64:
    case DType::kComplex128:
      return complex_row(op, compute);
    default:
      return integer_row(op, compute);
  }
}

const char* op_name(BinaryOp op) {
  // The suffixes are PyTorch's.
  switch (op) {
    case BinaryOp::kAdd:
      return "add_stub";
    case BinaryOp::kSub:
      return "add_stub";
    case BinaryOp::kMul:
      return "mul";
    case BinaryOp::kDiv:
      return "div_true_cpu";
    case BinaryOp::kDivTrunc:
      return "div_trunc_cpu";
    case BinaryOp::kDivFloor:
      return "div_floor_cpu";
    case BinaryOp::kRemainder:
      return "remainder_cpu";
    case BinaryOp::kFmod:
      return "fmod_cpu";
    case BinaryOp::kPow:
      return "pow";
    case BinaryOp::kMaximum:
      return "maximum_cpu";
    case BinaryOp::kMinimum:
      return "minimum_cpu";
    case BinaryOp::kFmax:
      return "fmax_cpu";
    case BinaryOp::kFmin:
      return "fmin_cpu";
    case BinaryOp::kBitwiseAnd:
      return "bitwise_and_cpu";
    case BinaryOp::kBitwiseOr:
      return "bitwise_or_cpu";
    case BinaryOp::kBitwiseXor:
      return "bitwise_xor_cpu";
    case BinaryOp::kShiftLeft:
      return "lshift_cpu";
    case BinaryOp::kShiftRight:
      return "rshift_cpu";
    case BinaryOp::kAtan2:
      return "atan2_cpu";
    case BinaryOp::kHypot:
      return "hypot_cpu";
    case BinaryOp::kCopysign:
      return "copysign_cpu";
    case BinaryOp::kXlogy:
      return "xlogy_cpu";
    case BinaryOp::kLogaddexp:
      return "logaddexp_cpu";
    case BinaryOp::kHeaviside:
      return "heaviside_cpu";
    case BinaryOp::kNextafter:
      return "nextafter_cpu";
    case BinaryOp::kGammainc:
      return "igamma_cpu";
    case BinaryOp::kGammaincc:
      return "igammac_cpu";
    case BinaryOp::kPrelu:
      return "prelu_cpu";
    default:
      return "activation_backward_cpu";
  }
}

}  // namespace tallow::cpu::TALLOW_ISA
