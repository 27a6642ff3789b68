// Activations of one operand.
#include "cpu/loops.h"
#include "cpu/simd_activation.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// x < 0 ? p0 * expm1(p2 * x) : p1 * x; positive numbers need no exponential.
Row elu(DType compute) {
  return floating_params1<[](auto x, const auto& p) {
    const auto positive = p.p1 * x;
    const auto below = x < 0;
    if (!any(below)) return positive;
    const auto negative = p.p0 * math::expm1(p.p2 * x);
    return below ? negative : positive;
  }>(compute, Cost::kShort);
}

// log(1 + exp(beta x)) / beta, linear beyond the threshold.
Row softplus(DType compute) {
  return floating_params1<[](auto x, const auto& p) {
    const auto scaled = x * p.p0;
    const auto soft = math::softplus(scaled) / p.p0;
    return p.p1 < scaled ? x : soft;
  }>(compute, Cost::kShort);
}

Row hardswish(DType compute) {
  return floating1<[](auto x) {
    using V = decltype(x);
    const V six = splat<V>(6);
    return x * minimum(maximum(x + 3, V{}), six) / 6;
  }>(compute);
}

Row hardsigmoid(DType compute) {
  return floating1<[](auto x) {
    using V = decltype(x);
    return minimum(maximum(x + 3, V{}), splat<V>(6)) / 6;
  }>(compute);
}

Row hardshrink(DType compute) {
  return floating_params1<[](auto x, const auto& p) {
    using V = decltype(x);
    return (-p.p0 <= x) & (x <= p.p0) ? V{} : x;
  }>(compute);
}

// NaN goes through.
Row softshrink(DType compute) {
  return floating_params1<[](auto x, const auto& p) {
    using V = decltype(x);
    const V below = x < -p.p0 ? x + p.p0 : x * V{};
    return p.p0 < x ? x - p.p0 : below;
  }>(compute);
}

}  // namespace

Row activation_row(UnaryOp op, DType compute) {
  constexpr Cost kShort = Cost::kShort;
  switch (op) {
    case UnaryOp::kSigmoid:
      return floating1<[](auto x) { return math::sigmoid(x); }>(compute, kShort);
    case UnaryOp::kLogSigmoid:
      return floating1<[](auto x) { return math::log_sigmoid(x); }>(compute, kShort);
    case UnaryOp::kGelu:
      return floating1<[](auto x) { return math::gelu(x); }>(compute, kShort);
    case UnaryOp::kGeluTanh:
      return floating1<[](auto x) { return math::gelu_tanh(x); }>(compute, kShort);
    case UnaryOp::kSilu:
      return floating1<[](auto x) { return math::silu(x); }>(compute, kShort);
    case UnaryOp::kMish:
      return floating1<[](auto x) { return math::mish(x); }>(compute, kShort);
    case UnaryOp::kSoftplus:
      return softplus(compute);
    case UnaryOp::kElu:
      return elu(compute);
    case UnaryOp::kLeakyRelu:
      return floating_params1<[](auto x, const auto& p) { return 0 < x ? x : x * p.p0; }>(compute);
    case UnaryOp::kHardswish:
      return hardswish(compute);
    case UnaryOp::kHardsigmoid:
      return hardsigmoid(compute);
    case UnaryOp::kHardshrink:
      return hardshrink(compute);
    case UnaryOp::kSoftshrink:
      return softshrink(compute);
    default:
      return {};
  }
}

}  // namespace tallow::cpu::TALLOW_ISA
