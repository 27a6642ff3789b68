// Pointwise kernels: one output element from the input elements at the same position, plus the
// casting copy and the fill. A new operation is an enumerator here and a formula in csrc/cpu.
#pragma once

#include "core/strided.h"
#include "core/types.h"

namespace tallow {

// p0, p1, p2 are the `params` of the call; "half types" need no formulas of their own, kernels
// widen them to float.
enum class UnaryOp : uint8_t {
  // Every arithmetic type (bool excluded unless noted).
  kNeg,
  kAbs,  // of complex: real output
  kSign,
  kSquare,
  kCube,
  kReciprocal,  // floating and complex
  kConj,        // complex
  kBitwiseNot,  // bool (logical) and integral
  kLogicalNot,  // any type, bool output
  kIsNan,       // any type, bool output
  kIsInf,
  kIsFinite,
  // Floating types only, from here on.
  kFloor,
  kCeil,
  kTrunc,
  kRound,          // half to even
  kRoundDecimals,  // round(x * p0) / p0, or round(x / p1) * p1 when p1 != 0
  kFrac,
  kNanToNum,  // NaN -> p0, +inf -> p1, -inf -> p2
  kSqrt,
  kRsqrt,
  kExp,
  kExp2,
  kExpm1,
  kLog,
  kLog2,
  kLog10,
  kLog1p,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kTanh,
  kAsinh,
  kAcosh,
  kAtanh,
  kErf,
  kErfc,
  // Special functions: `compute` must be float64.
  kErfinv,
  kErfcx,
  kNdtri,
  kLgamma,
  kDigamma,
  kBesselI0,
  kBesselI0e,  // times exp(-|x|)
  kBesselI1,
  kBesselI1e,
  kBesselJ0,
  kBesselJ1,
  // Activations.
  kSigmoid,
  kLogSigmoid,
  kGelu,
  kGeluTanh,
  kSilu,
  kMish,
  kSoftplus,   // beta p0, threshold p1
  kElu,        // x < 0 ? p0 * expm1(p2 * x) : p1 * x
  kLeakyRelu,  // slope p0
  kHardswish,
  kHardsigmoid,
  kHardshrink,  // lambda p0
  kSoftshrink,  // lambda p0
  kCount,
};

enum class BinaryOp : uint8_t {
  kAdd,  // bool: or
  kSub,
  kMul,  // bool: and
  kDiv,  // floating and complex
  kDivTrunc,
  kDivFloor,
  kRemainder,  // sign of the divisor
  kFmod,       // sign of the dividend
  kPow,
  kMaximum,  // NaN wins
  kMinimum,
  kFmax,  // NaN loses
  kFmin,
  kBitwiseAnd,
  kBitwiseOr,
  kBitwiseXor,
  kShiftLeft,   // by >= width or < 0: 0
  kShiftRight,  // by >= width or < 0: the sign everywhere
  kAtan2,
  kHypot,
  kCopysign,
  kXlogy,
  kLogaddexp,
  kHeaviside,
  kNextafter,  // the number next to a towards b
  kGammainc,   // the incomplete gamma functions of a at b, lower and upper; compute float64
  kGammaincc,
  kPrelu,  // a > 0 ? a : b * a
  // Derivatives: a is the incoming gradient; b the input (x) or the result (y) of the forward op.
  kThresholdBackward,  // x <= p0 ? 0 : a
  kTanhBackward,       // y
  kSigmoidBackward,    // y
  kLogSigmoidBackward,
  kGeluBackward,
  kGeluTanhBackward,
  kSiluBackward,
  kMishBackward,
  kSoftplusBackward,
  kEluBackward,        // x; p0..p2 as forward
  kEluBackwardResult,  // y; p0..p2 as forward
  kLeakyReluBackward,
  kHardtanhBackward,  // p0 < x && x < p1 ? a : 0
  kHardswishBackward,
  kHardsigmoidBackward,
  kShrinkBackward,  // -p0 <= x && x <= p0 ? 0 : a
  kCount,
};

enum class CompareOp : uint8_t {
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,
  kLogicalAnd,
  kLogicalOr,
  kLogicalXor,
  kCount,
};

enum class TernaryOp : uint8_t {
  kWhere,      // a ? b : c, with a converted to bool
  kAddScaled,  // a + b * c, fused for floating types
  kClamp,      // min(max(a, b), c); NaN in any operand gives NaN
  kLerp,       // a + c * (b - a), from the nearer end
  kAddcmul,    // a + p0 * b * c
  kAddcdiv,    // a + p0 * b / c
  kThreshold,  // a <= b ? c : a
  kCount,
};

// `compute` is the type the formula is evaluated in; operand k has type dtypes[k] and is converted
// on the way in or out as copy() does, so that mixed types need no temporaries. The output may be
// the same memory as an input if their strides are equal too. An operation that is not defined for
// `compute` fails with "<op>" not implemented for '<dtype>'.
struct PointwiseKernels {
  Status (*unary)(UnaryOp op, DType compute, const Strided<2>& at, const DType (&dtypes)[2],
                  const double* params) = nullptr;
  // Integer division by zero fails with "ZeroDivisionError" before anything is written.
  Status (*binary)(BinaryOp op, DType compute, const Strided<3>& at, const DType (&dtypes)[3],
                   const double* params) = nullptr;
  // The formula's result is bool; the output may have any type.
  Status (*compare)(CompareOp op, DType compute, const Strided<3>& at,
                    const DType (&dtypes)[3]) = nullptr;
  Status (*ternary)(TernaryOp op, DType compute, const Strided<4>& at, const DType (&dtypes)[4],
                    const double* params) = nullptr;
  // Converts between any two types. Float to integer truncates, through int64 for int64 and through
  // int32 for the narrower types; NaN and values outside that range give its smallest value.
  // Integers wrap. Complex to real drops the imaginary part; to bool tests for non-zero.
  Status (*copy)(const Strided<2>& at, DType out, DType in) = nullptr;
  // Writes the element at `value` (of type `dtype`) everywhere.
  Status (*fill)(const Strided<1>& at, DType dtype, const void* value) = nullptr;
};

}  // namespace tallow
