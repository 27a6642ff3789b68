// Derivatives of activations, fused: a is the incoming gradient, b the input x or the result y of
// the forward operation.
#include "cpu/loops.h"
#include "cpu/simd_activation.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

Row softplus_backward(DType compute) {
  return floating_params2<[](auto g, auto x, const auto& p) {
    const auto scaled = x * p.p0;
    const auto soft = g * math::sigmoid(scaled);
    return p.p1 < scaled ? g : soft;
  }>(compute, Cost::kShort);
}

// The slope of elu: p1 for x > 0, else p0 * p2 * exp(p2 * x).
Row elu_backward(DType compute) {
  return floating_params2<[](auto g, auto x, const auto& p) {
    const auto positive = g * p.p1;
    const auto below = x <= 0;
    if (!any(below)) return positive;
    const auto negative = g * p.p2 * p.p0 * math::exp(x * p.p2);
    return below ? negative : positive;
  }>(compute, Cost::kShort);
}

// The same from the result, as p0 * exp(p2 * x) = y + p0.
Row elu_backward_result(DType compute) {
  return floating_params2<[](auto g, auto y, const auto& p) {
    return y <= 0 ? g * p.p2 * (y + p.p0) : g * p.p1;
  }>(compute);
}

Row hardswish_backward(DType compute) {
  return floating2<[](auto g, auto x) {
    using V = decltype(x);
    const V middle = g * (x / 3 + static_cast<Lane<V>>(0.5));
    const V upper = x < 3 ? middle : g;
    return x <= -3 ? V{} : upper;
  }>(compute);
}

Row hardsigmoid_backward(DType compute) {
  return floating2<[](auto g, auto x) {
    using V = decltype(x);
    return (-3 < x) & (x < 3) ? g / 6 : V{};
  }>(compute);
}

Row hardtanh_backward(DType compute) {
  return floating_params2<[](auto g, auto x, const auto& p) {
    using V = decltype(x);
    return (x <= p.p0) | (p.p1 <= x) ? V{} : g;
  }>(compute);
}

Row shrink_backward(DType compute) {
  return floating_params2<[](auto g, auto x, const auto& p) {
    using V = decltype(x);
    return (-p.p0 <= x) & (x <= p.p0) ? V{} : g;
  }>(compute);
}

}  // namespace

Row activation_backward_row(BinaryOp op, DType compute) {
  constexpr Cost kShort = Cost::kShort;
  switch (op) {
    case BinaryOp::kPrelu:
      return floating2<[](auto x, auto w) { return 0 < x ? x : w * x; }>(compute);
    case BinaryOp::kThresholdBackward:
      return floating_params2<[](auto g, auto x, const auto& p) {
        return x <= p.p0 ? decltype(g){} : g;
      }>(compute);
    case BinaryOp::kTanhBackward:
      return floating2<[](auto g, auto y) { return g * (1 - y * y); }>(compute);
    case BinaryOp::kSigmoidBackward:
      return floating2<[](auto g, auto y) { return g * ((1 - y) * y); }>(compute);
    case BinaryOp::kLogSigmoidBackward:
      return floating2<[](auto g, auto x) { return g * math::sigmoid(-x); }>(compute, kShort);
    case BinaryOp::kGeluBackward:
      return floating2<[](auto g, auto x) { return g * math::gelu_slope(x); }>(compute, kShort);
    case BinaryOp::kGeluTanhBackward:
      return floating2<[](auto g, auto x) { return g * math::gelu_tanh_slope(x); }>(compute,
                                                                                    kShort);
    case BinaryOp::kSiluBackward:
      return floating2<[](auto g, auto x) { return g * math::silu_slope(x); }>(compute, kShort);
    case BinaryOp::kMishBackward:
      return floating2<[](auto g, auto x) { return g * math::mish_slope(x); }>(compute, kShort);
    case BinaryOp::kSoftplusBackward:
      return softplus_backward(compute);
    case BinaryOp::kEluBackward:
      return elu_backward(compute);
    case BinaryOp::kEluBackwardResult:
      return elu_backward_result(compute);
    case BinaryOp::kLeakyReluBackward:
      return floating_params2<[](auto g, auto x, const auto& p) { return 0 < x ? g : g * p.p0; }>(
          compute);
    case BinaryOp::kHardtanhBackward:
      return hardtanh_backward(compute);
    case BinaryOp::kHardswishBackward:
      return hardswish_backward(compute);
    case BinaryOp::kHardsigmoidBackward:
      return hardsigmoid_backward(compute);
    case BinaryOp::kShrinkBackward:
      return shrink_backward(compute);
    default:
      return {};
  }
}

}  // namespace tallow::cpu::TALLOW_ISA
