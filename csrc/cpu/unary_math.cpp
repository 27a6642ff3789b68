// Elementary functions of floating-point numbers; the formulas are in simd_math.h.
#include "cpu/loops.h"
#include "cpu/simd_math.h"

namespace tallow::cpu::TALLOW_ISA {

Row unary_math_row(UnaryOp op, DType compute) {
  constexpr Cost kShort = Cost::kShort;
  constexpr Cost kLong = Cost::kLong;
  switch (op) {
    case UnaryOp::kSqrt:
      return floating1<[](auto x) { return sqrt(x); }>(compute);
    case UnaryOp::kRsqrt:
      return floating1<[](auto x) { return math::rsqrt(x); }>(compute, kShort);
    case UnaryOp::kExp:
      return floating1<[](auto x) { return math::exp(x); }>(compute, kShort);
    case UnaryOp::kExp2:
      return floating1<[](auto x) { return math::exp2(x); }>(compute, kShort);
    case UnaryOp::kExpm1:
      return floating1<[](auto x) { return math::expm1(x); }>(compute, kShort);
    case UnaryOp::kLog:
      return floating1<[](auto x) { return math::log(x); }>(compute, kShort);
    case UnaryOp::kLog2:
      return floating1<[](auto x) { return math::log2(x); }>(compute, kShort);
    case UnaryOp::kLog10:
      return floating1<[](auto x) { return math::log10(x); }>(compute, kShort);
    case UnaryOp::kLog1p:
      return floating1<[](auto x) { return math::log1p(x); }>(compute, kShort);
    case UnaryOp::kSin:
      return floating1<[](auto x) { return math::sin(x); }>(compute, kShort);
    case UnaryOp::kCos:
      return floating1<[](auto x) { return math::cos(x); }>(compute, kShort);
    case UnaryOp::kTan:
      return floating1<[](auto x) { return math::tan(x); }>(compute, kLong);
    case UnaryOp::kAsin:
      return floating1<[](auto x) { return math::asin(x); }>(compute, kLong);
    case UnaryOp::kAcos:
      return floating1<[](auto x) { return math::acos(x); }>(compute, kLong);
    case UnaryOp::kAtan:
      return floating1<[](auto x) { return math::atan(x); }>(compute, kLong);
    case UnaryOp::kSinh:
      return floating1<[](auto x) { return math::sinh(x); }>(compute, kLong);
    case UnaryOp::kCosh:
      return floating1<[](auto x) { return math::cosh(x); }>(compute, kLong);
    case UnaryOp::kTanh:
      return floating1<[](auto x) { return math::tanh(x); }>(compute, kShort);
    case UnaryOp::kAsinh:
      return floating1<[](auto x) { return math::asinh(x); }>(compute, kLong);
    case UnaryOp::kAcosh:
      return floating1<[](auto x) { return math::acosh(x); }>(compute, kLong);
    case UnaryOp::kAtanh:
      return floating1<[](auto x) { return math::atanh(x); }>(compute, kLong);
    case UnaryOp::kErf:
      return floating1<[](auto x) { return math::erf(x); }>(compute, kShort);
    case UnaryOp::kErfc:
      return floating1<[](auto x) { return math::erfc(x); }>(compute, kShort);
    default:
      return special_row(op, compute);
  }
}

}  // namespace tallow::cpu::TALLOW_ISA
