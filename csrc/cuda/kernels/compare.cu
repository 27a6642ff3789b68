// Comparisons and logical operations: two operands of any type, bool out.
#include "cuda/kernels/pointwise.h"

#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

// Source of the names: what PyTorch's messages call the same operations.
constexpr const char* kNames[] = {"compare_eq_cuda",  "compare_ne_cuda", "compare_cuda",
                                  "compare_cuda",     "compare_cuda",    "compare_cuda",
                                  "logical_and_cuda", "logical_or_cuda", "logical_xor_cuda"};
static_assert(sizeof(kNames) / sizeof(kNames[0]) == static_cast<int>(CompareOp::kCount));

}  // namespace

Status compare(CompareOp op, DType compute, const Strided<3>& at, const DType (&dtypes)[3]) {
  using namespace formula;
  const Call<3> call{kNames[static_cast<int>(op)], formula_type(compute), at, dtypes};
  switch (op) {
    case CompareOp::kEq:
      return of_types(FullTypes{}, Equal{}, call);
    case CompareOp::kNe:
      return of_types(FullTypes{}, NotEqual{}, call);
    case CompareOp::kLt:
      return of_types(FullReal{}, Less{}, call);
    case CompareOp::kLe:
      return of_types(FullReal{}, LessEqual{}, call);
    case CompareOp::kGt:
      return of_types(FullReal{}, Greater{}, call);
    case CompareOp::kGe:
      return of_types(FullReal{}, GreaterEqual{}, call);
    case CompareOp::kLogicalAnd:
      return of_types(FullTypes{}, LogicalAnd{}, call);
    case CompareOp::kLogicalOr:
      return of_types(FullTypes{}, LogicalOr{}, call);
    case CompareOp::kLogicalXor:
      return of_types(FullTypes{}, LogicalXor{}, call);
    case CompareOp::kCount:
      break;
  }
  return call.unsupported();
}

}  // namespace tallow::cuda
