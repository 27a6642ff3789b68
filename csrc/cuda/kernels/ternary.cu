// Three-operand formulas: where, clamp, lerp, addcmul and their like.
#include "cuda/kernels/pointwise.h"

#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

// Source of the names: what PyTorch's messages call the same operations.
constexpr const char* kNames[] = {"where_cuda",   "add_cuda",     "clamp_cuda",    "lerp_cuda",
                                  "addcmul_cuda", "addcdiv_cuda", "threshold_cuda"};
static_assert(sizeof(kNames) / sizeof(kNames[0]) == static_cast<int>(TernaryOp::kCount));

struct Where {
  template <class T>
  TL_HD T operator()(bool condition, T a, T b) const {
    return condition ? a : b;
  }
};

Status where(const Call<4>& call) {
  return by_dtype(FullTypes{}, formula_type(call.compute), call.op,
                  [&]<class T>() -> Status { return run_any<T, bool>(Where{}, call); });
}

template <class... Ts, class F>
Status either(const F& f, Types<Ts...> others, const Call<4>& call) {
  return has_floating_formula(call.compute) ? floating(f, call) : of_types(others, f, call);
}

using NotBoolOrFloat = Types<uint8_t, int8_t, int16_t, int32_t, int64_t, complex64, complex128>;
using NotFloat = Types<bool, uint8_t, int8_t, int16_t, int32_t, int64_t, complex64, complex128>;

}  // namespace

Status ternary(TernaryOp op, DType compute, const Strided<4>& at, const DType (&dtypes)[4],
               const double* p) {
  using namespace formula;
  const Call<4> call{kNames[static_cast<int>(op)], compute, at, dtypes};
  switch (op) {
    case TernaryOp::kWhere:
      return where(call);
    case TernaryOp::kAddScaled:
      return either(AddScaled{}, NotFloat{}, call);
    case TernaryOp::kClamp:
      return either(Clamp{}, IntegralAndBool{}, call);
    case TernaryOp::kLerp:
      return floating(Lerp{}, call);
    case TernaryOp::kAddcmul:
      return either(Addcmul{p[0], p[1], p[2]}, NotBoolOrFloat{}, call);
    case TernaryOp::kAddcdiv:
      return either(Addcdiv{p[0], p[1], p[2]}, ComplexTypes{}, call);
    case TernaryOp::kThreshold:
      return either(Threshold{}, Integral{}, call);
    case TernaryOp::kCount:
      break;
  }
  return call.unsupported();
}

}  // namespace tallow::cuda
