// Special functions, computed in float64.
#include "cuda/kernels/special.h"
#include "cuda/kernels/pointwise.h"

#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

struct SpecialOne {
  UnaryOp op;
  TL_HD double operator()(double x) const {
    switch (op) {
      case UnaryOp::kErfinv:
        return special::erfinv(x);
      case UnaryOp::kErfcx:
        return special::erfcx(x);
      case UnaryOp::kNdtri:
        return special::ndtri(x);
      case UnaryOp::kLgamma:
        return std::lgamma(x);
      case UnaryOp::kDigamma:
        return special::digamma(x);
      case UnaryOp::kBesselI0:
        return special::bessel_i(x, 0);
      case UnaryOp::kBesselI0e:
        return special::bessel_ie(x, 0);
      case UnaryOp::kBesselI1:
        return special::bessel_i(x, 1);
      case UnaryOp::kBesselI1e:
        return special::bessel_ie(x, 1);
      case UnaryOp::kBesselJ0:
        return ::j0(x);
      default:
        return ::j1(x);
    }
  }
};

struct SpecialTwo {
  bool upper;
  TL_HD double operator()(double a, double x) const {
    return special::incomplete_gamma(a, x, upper);
  }
};

}  // namespace

Status special_function(UnaryOp op, const Call<2>& call) {
  return call.compute == DType::kFloat64 ? run_any<double>(SpecialOne{op}, call)
                                         : call.unsupported();
}

Status special_function(BinaryOp op, const Call<3>& call) {
  if (op == BinaryOp::kNextafter) {
    switch (call.compute) {
      case DType::kFloat16:
        return run_any<float>(special::NextafterHalf<Half>{}, call);
      case DType::kBFloat16:
        return run_any<float>(special::NextafterHalf<BFloat16>{}, call);
      case DType::kFloat32:
        return run_any<float>(special::Nextafter{}, call);
      default:
        return run_any<double>(special::Nextafter{}, call);
    }
  }
  return call.compute == DType::kFloat64
             ? run_any<double>(SpecialTwo{op == BinaryOp::kGammaincc}, call)
             : call.unsupported();
}

}  // namespace tallow::cuda
