// Two-operand arithmetic.
#include "cuda/kernels/pointwise.h"

#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

// Source of the names: what PyTorch's messages call the same operations.
constexpr const char* kNames[] = {
    "add_cuda",         "sub_cuda",       "mul_cuda",       "div_true_cuda",    "div_trunc_cuda",
    "div_floor_cuda",   "remainder_cuda", "fmod_cuda",      "pow_cuda",         "maximum_cuda",
    "minimum_cuda",     "fmax_cuda",      "fmin_cuda",      "bitwise_and_cuda", "bitwise_or_cuda",
    "bitwise_xor_cuda", "lshift_cuda",    "rshift_cuda",    "atan2_cuda",       "hypot_cuda",
    "copysign_cuda",    "xlogy_cuda",     "logaddexp_cuda", "heaviside_cuda",   "nextafter_cuda",
    "igamma_cuda",      "igammac_cuda"};
static_assert(sizeof(kNames) / sizeof(kNames[0]) == static_cast<int>(BinaryOp::kPrelu));

Status of_floating(BinaryOp op, const Call<3>& call, const double* params) {
  using namespace formula;
  switch (op) {
    case BinaryOp::kAdd:
      return floating(Add{}, call);
    case BinaryOp::kSub:
      return floating(Sub{}, call);
    case BinaryOp::kMul:
      return floating(Mul{}, call);
    case BinaryOp::kDiv:
      return floating(Div{}, call);
    case BinaryOp::kDivTrunc:
      return floating(DivTrunc{}, call);
    case BinaryOp::kDivFloor:
      return floating(DivFloor{}, call);
    case BinaryOp::kRemainder:
      return floating(Remainder{}, call);
    case BinaryOp::kFmod:
      return floating(Fmod{}, call);
    case BinaryOp::kPow:
      return floating(Pow{}, call);
    case BinaryOp::kMaximum:
      return floating(Maximum{}, call);
    case BinaryOp::kMinimum:
      return floating(Minimum{}, call);
    case BinaryOp::kFmax:
      return floating(Fmax{}, call);
    case BinaryOp::kFmin:
      return floating(Fmin{}, call);
    case BinaryOp::kAtan2:
      return floating(Atan2{}, call);
    case BinaryOp::kHypot:
      return floating(Hypot{}, call);
    case BinaryOp::kCopysign:
      return floating(Copysign{}, call);
    case BinaryOp::kXlogy:
      return floating(Xlogy{}, call);
    case BinaryOp::kLogaddexp:
      return floating(Logaddexp{}, call);
    case BinaryOp::kHeaviside:
      return floating(Heaviside{}, call);
    case BinaryOp::kNextafter:
    case BinaryOp::kGammainc:
    case BinaryOp::kGammaincc:
      return special_function(op, call);
    default:
      return activation_backward(op, call, params);
  }
}

Status of_complex(BinaryOp op, const Call<3>& call) {
  using namespace formula;
  switch (op) {
    case BinaryOp::kAdd:
      return of_types(ComplexTypes{}, Add{}, call);
    case BinaryOp::kSub:
      return of_types(ComplexTypes{}, Sub{}, call);
    case BinaryOp::kMul:
      return of_types(ComplexTypes{}, Mul{}, call);
    case BinaryOp::kDiv:
      return of_types(ComplexTypes{}, Div{}, call);
    default:
      return call.unsupported();
  }
}

// On 0 and 1, sums are "or" and products are "and"; there is no difference or quotient.
Status of_bool(BinaryOp op, const Call<3>& call) {
  using namespace formula;
  switch (op) {
    case BinaryOp::kAdd:
    case BinaryOp::kMaximum:
    case BinaryOp::kFmax:
    case BinaryOp::kBitwiseOr:
    case BinaryOp::kHeaviside:
      return run_any<bool>(BitwiseOr{}, call);
    case BinaryOp::kMul:
    case BinaryOp::kMinimum:
    case BinaryOp::kFmin:
    case BinaryOp::kBitwiseAnd:
      return run_any<bool>(BitwiseAnd{}, call);
    case BinaryOp::kBitwiseXor:
      return run_any<bool>(BitwiseXor{}, call);
    default:
      return call.unsupported();
  }
}

}  // namespace

Status binary(BinaryOp op, DType compute, const Strided<3>& at, const DType (&dtypes)[3],
              const double* params) {
  const char* const name =
      op < BinaryOp::kPrelu ? kNames[static_cast<int>(op)] : "activation_backward_cuda";
  const Call<3> call{name, compute, at, dtypes};
  if (has_floating_formula(compute)) return of_floating(op, call, params);
  if (compute >= DType::kComplex64) return of_complex(op, call);
  return compute == DType::kBool ? of_bool(op, call) : binary_integer(op, call);
}

}  // namespace tallow::cuda
