// Activations and their derivatives.
#include "cuda/kernels/pointwise.h"

#include "cuda/kernels/table.h"

namespace tallow::cuda {

Status activation(UnaryOp op, const Call<2>& call, const double* p) {
  using namespace formula;
  switch (op) {
    case UnaryOp::kSigmoid:
      return floating(Sigmoid{}, call);
    case UnaryOp::kLogSigmoid:
      return floating(LogSigmoid{}, call);
    case UnaryOp::kGelu:
      return floating(Gelu{}, call);
    case UnaryOp::kGeluTanh:
      return floating(GeluTanh{}, call);
    case UnaryOp::kSilu:
      return floating(Silu{}, call);
    case UnaryOp::kMish:
      return floating(Mish{}, call);
    case UnaryOp::kSoftplus:
      return floating(Softplus{p[0], p[1], p[2]}, call);
    case UnaryOp::kElu:
      return floating(Elu{p[0], p[1], p[2]}, call);
    case UnaryOp::kLeakyRelu:
      return floating(LeakyRelu{p[0], p[1], p[2]}, call);
    case UnaryOp::kHardswish:
      return floating(Hardswish{}, call);
    case UnaryOp::kHardsigmoid:
      return floating(Hardsigmoid{}, call);
    case UnaryOp::kHardshrink:
      return floating(Hardshrink{p[0], p[1], p[2]}, call);
    case UnaryOp::kSoftshrink:
      return floating(Softshrink{p[0], p[1], p[2]}, call);
    default:
      return call.unsupported();
  }
}

Status activation_backward(BinaryOp op, const Call<3>& call, const double* p) {
  using namespace formula;
  switch (op) {
    case BinaryOp::kPrelu:
      return floating(Prelu{}, call);
    case BinaryOp::kThresholdBackward:
      return floating(ThresholdBackward{p[0], p[1], p[2]}, call);
    case BinaryOp::kTanhBackward:
      return floating(TanhBackward{}, call);
    case BinaryOp::kSigmoidBackward:
      return floating(SigmoidBackward{}, call);
    case BinaryOp::kLogSigmoidBackward:
      return floating(LogSigmoidBackward{}, call);
    case BinaryOp::kGeluBackward:
      return floating(GeluBackward{}, call);
    case BinaryOp::kGeluTanhBackward:
      return floating(GeluTanhBackward{}, call);
    case BinaryOp::kSiluBackward:
      return floating(SiluBackward{}, call);
    case BinaryOp::kMishBackward:
      return floating(MishBackward{}, call);
    case BinaryOp::kSoftplusBackward:
      return floating(SoftplusBackward{p[0], p[1], p[2]}, call);
    case BinaryOp::kEluBackward:
      return floating(EluBackward{p[0], p[1], p[2]}, call);
    case BinaryOp::kEluBackwardResult:
      return floating(EluBackwardResult{p[0], p[1], p[2]}, call);
    case BinaryOp::kLeakyReluBackward:
      return floating(LeakyReluBackward{p[0], p[1], p[2]}, call);
    case BinaryOp::kHardtanhBackward:
      return floating(HardtanhBackward{p[0], p[1], p[2]}, call);
    case BinaryOp::kHardswishBackward:
      return floating(HardswishBackward{}, call);
    case BinaryOp::kHardsigmoidBackward:
      return floating(HardsigmoidBackward{}, call);
    case BinaryOp::kShrinkBackward:
      return floating(ShrinkBackward{p[0], p[1], p[2]}, call);
    default:
      return call.unsupported();
  }
}

}  // namespace tallow::cuda
