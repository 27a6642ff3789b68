// One-operand formulas.
#include "cuda/kernels/pointwise.h"

#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

// Source of the names: what PyTorch's messages call the same operations.
constexpr const char* kNames[] = {"neg_cuda",
                                  "abs_cuda",
                                  "sign_cuda",
                                  "square_cuda",
                                  "cube_cuda",
                                  "reciprocal_cuda",
                                  "conj_cuda",
                                  "bitwise_not_cuda",
                                  "logical_not_cuda",
                                  "isnan",
                                  "isinf",
                                  "isfinite",
                                  "floor_cuda",
                                  "ceil_cuda",
                                  "trunc_cuda",
                                  "round_cuda",
                                  "round_cuda",
                                  "frac_cuda",
                                  "nan_to_num_cuda",
                                  "sqrt_cuda",
                                  "rsqrt_cuda",
                                  "exp_cuda",
                                  "exp2_cuda",
                                  "expm1_cuda",
                                  "log_cuda",
                                  "log2_cuda",
                                  "log10_cuda",
                                  "log1p_cuda",
                                  "sin_cuda",
                                  "cos_cuda",
                                  "tan_cuda",
                                  "asin_cuda",
                                  "acos_cuda",
                                  "atan_cuda",
                                  "sinh_cuda",
                                  "cosh_cuda",
                                  "tanh_cuda",
                                  "asinh_cuda",
                                  "acosh_cuda",
                                  "atanh_cuda",
                                  "erf_cuda",
                                  "erfc_cuda",
                                  "erfinv_cuda",
                                  "erfcx_cuda",
                                  "ndtri_cuda",
                                  "lgamma_cuda",
                                  "digamma_cuda",
                                  "i0_cuda",
                                  "i0e_cuda",
                                  "i1_cuda",
                                  "i1e_cuda",
                                  "bessel_j0_cuda",
                                  "bessel_j1_cuda",
                                  "sigmoid_cuda",
                                  "log_sigmoid_cuda",
                                  "GeluCUDAKernelImpl",
                                  "GeluCUDAKernelImpl",
                                  "silu_cuda",
                                  "mish_cuda",
                                  "softplus_cuda",
                                  "elu_cuda",
                                  "leaky_relu_cuda",
                                  "hardswish_cuda",
                                  "hardsigmoid_cuda",
                                  "hardshrink_cuda",
                                  "softshrink_cuda"};
static_assert(sizeof(kNames) / sizeof(kNames[0]) == static_cast<int>(UnaryOp::kCount));

// A formula for floating numbers, and one for the other types.
template <class Floating, class Other, class... Ts>
Status either(const Floating& f, const Other& g, Types<Ts...> others, const Call<2>& call) {
  return has_floating_formula(call.compute) ? floating(f, call) : of_types(others, g, call);
}

// The formula in float or double, and bool or a part of a complex number as the result.
template <class... Ts, class F>
Status any_result(Types<Ts...> types, const F& f, const Call<2>& call) {
  return of_types(types, f, Call<2>{call.op, formula_type(call.compute), call.at, call.dtypes});
}

using NotFloating = Types<uint8_t, int8_t, int16_t, int32_t, int64_t, complex64, complex128>;

Status arithmetic(UnaryOp op, const Call<2>& call) {
  using namespace formula;
  switch (op) {
    case UnaryOp::kNeg:
      return call.compute >= DType::kComplex64 ? of_types(ComplexTypes{}, NegFloating{}, call)
                                               : either(NegFloating{}, Neg{}, Integral{}, call);
    case UnaryOp::kAbs:
      return either(Abs{}, Abs{}, NotFloating{}, call);
    case UnaryOp::kSign:
      return either(Sign{}, Sign{}, IntegralAndBool{}, call);
    case UnaryOp::kSquare:
      return either(Square{}, Square{}, NotFloating{}, call);
    case UnaryOp::kCube:
      return either(Cube{}, Cube{}, NotFloating{}, call);
    case UnaryOp::kReciprocal:
      return either(Reciprocal{}, Reciprocal{}, ComplexTypes{}, call);
    case UnaryOp::kConj:
      return of_types(ComplexTypes{}, Conj{}, call);
    case UnaryOp::kBitwiseNot:
      return of_types(IntegralAndBool{}, BitwiseNot{}, call);
    case UnaryOp::kLogicalNot:
      return any_result(FullTypes{}, LogicalNot{}, call);
    case UnaryOp::kIsNan:
      return any_result(FullTypes{}, IsNan{}, call);
    case UnaryOp::kIsInf:
      return any_result(FullTypes{}, IsInf{}, call);
    default:
      return any_result(FullTypes{}, IsFinite{}, call);
  }
}

Status function(UnaryOp op, const Call<2>& call, const double* p) {
  using namespace formula;
  switch (op) {
    case UnaryOp::kFloor:
      return floating(Floor{}, call);
    case UnaryOp::kCeil:
      return floating(Ceil{}, call);
    case UnaryOp::kTrunc:
      return floating(Trunc{}, call);
    case UnaryOp::kRound:
      return floating(Round{}, call);
    case UnaryOp::kRoundDecimals:
      return floating(RoundDecimals{p[0], p[1], p[2]}, call);
    case UnaryOp::kFrac:
      return floating(Frac{}, call);
    case UnaryOp::kNanToNum:
      return floating(NanToNum{p[0], p[1], p[2]}, call);
    case UnaryOp::kSqrt:
      return floating(Sqrt{}, call);
    case UnaryOp::kRsqrt:
      return floating(Rsqrt{}, call);
    case UnaryOp::kExp:
      return floating(Exp{}, call);
    case UnaryOp::kExp2:
      return floating(Exp2{}, call);
    case UnaryOp::kExpm1:
      return floating(Expm1{}, call);
    case UnaryOp::kLog:
      return floating(Log{}, call);
    case UnaryOp::kLog2:
      return floating(Log2{}, call);
    case UnaryOp::kLog10:
      return floating(Log10{}, call);
    case UnaryOp::kLog1p:
      return floating(Log1p{}, call);
    case UnaryOp::kSin:
      return floating(Sin{}, call);
    case UnaryOp::kCos:
      return floating(Cos{}, call);
    case UnaryOp::kTan:
      return floating(Tan{}, call);
    case UnaryOp::kAsin:
      return floating(Asin{}, call);
    case UnaryOp::kAcos:
      return floating(Acos{}, call);
    case UnaryOp::kAtan:
      return floating(Atan{}, call);
    case UnaryOp::kSinh:
      return floating(Sinh{}, call);
    case UnaryOp::kCosh:
      return floating(Cosh{}, call);
    case UnaryOp::kTanh:
      return floating(Tanh{}, call);
    case UnaryOp::kAsinh:
      return floating(Asinh{}, call);
    case UnaryOp::kAcosh:
      return floating(Acosh{}, call);
    case UnaryOp::kAtanh:
      return floating(Atanh{}, call);
    case UnaryOp::kErf:
      return floating(Erf{}, call);
    default:
      return floating(Erfc{}, call);
  }
}

}  // namespace

Status unary(UnaryOp op, DType compute, const Strided<2>& at, const DType (&dtypes)[2],
             const double* params) {
  const Call<2> call{kNames[static_cast<int>(op)], compute, at, dtypes};
  if (op <= UnaryOp::kIsFinite) return arithmetic(op, call);
  if (op <= UnaryOp::kErfc) return function(op, call, params);
  if (op < UnaryOp::kSigmoid) return special_function(op, call);
  return activation(op, call, params);
}

}  // namespace tallow::cuda
