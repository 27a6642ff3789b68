// Two-operand arithmetic on integers.
#include "cuda/kernels/pointwise.h"

#include "cuda/kernels/table.h"

namespace tallow::cuda {

Status binary_integer(BinaryOp op, const Call<3>& call) {
  using namespace formula;
  const auto run = [&](const auto& f) { return of_types(Integral{}, f, call); };
  switch (op) {
    case BinaryOp::kAdd:
      return run(Add{});
    case BinaryOp::kSub:
      return run(Sub{});
    case BinaryOp::kMul:
      return run(Mul{});
    case BinaryOp::kDivTrunc:
      return run(IntegerDivTrunc{});
    case BinaryOp::kDivFloor:
      return run(IntegerDivFloor{});
    case BinaryOp::kRemainder:
      return run(IntegerRemainder{});
    case BinaryOp::kFmod:
      return run(IntegerFmod{});
    case BinaryOp::kPow:
      return run(IntegerPow{});
    case BinaryOp::kMaximum:
    case BinaryOp::kFmax:
      return run(Maximum{});
    case BinaryOp::kMinimum:
    case BinaryOp::kFmin:
      return run(Minimum{});
    case BinaryOp::kBitwiseAnd:
      return run(BitwiseAnd{});
    case BinaryOp::kBitwiseOr:
      return run(BitwiseOr{});
    case BinaryOp::kBitwiseXor:
      return run(BitwiseXor{});
    case BinaryOp::kShiftLeft:
      return run(ShiftLeft{});
    case BinaryOp::kShiftRight:
      return run(ShiftRight{});
    case BinaryOp::kHeaviside:
      return run(Heaviside{});
    default:
      return call.unsupported();
  }
}

}  // namespace tallow::cuda
