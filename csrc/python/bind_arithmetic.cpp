// Arithmetic of two and three operands.
#include "ops/arithmetic.h"
#include "ops/index.h"
#include "ops/ternary.h"
#include "python/bindings.h"
#include "python/one_tensor.h"

namespace tallow::python {

namespace {

std::vector<Tensor> where_positions(const Tensor& condition) {
  return ops::nonzero_tuple(condition);
}
// The method's order of arguments.
Tensor where_method(const Tensor& self, const Tensor& condition, const Operand& other) {
  return ops::where(condition, self, other);
}

void bind_extremes(Registry& r) {
  constexpr unsigned kPlain = kFunction | kMethod | kOut;
  r.op<&ops::maximum>("maximum(input, other)", kPlain, "Take the larger element; NaN wins.");
  r.op<&ops::minimum>("minimum(input, other)", kPlain, "Take the smaller element; NaN wins.");
  r.op<&ops::fmax>("fmax(input, other)", kPlain, "Take the larger element; NaN loses.");
  r.op<&ops::fmin>("fmin(input, other)", kPlain, "Take the smaller element; NaN loses.");
}

void bind_selection(Registry& r) {
  constexpr unsigned kAll = kFunction | kMethod | kInplace | kOut;
  r.op<&where_positions, &ops::where>(
      {"where(condition)", "where(condition, input, other)"}, kFunction,
      "Take elements of input where condition holds, else of other.");
  r.op<&where_method>("where(input, condition, other)", kMethod,
                      "Keep elements where condition holds, else take those of other.");
  r.op<&ops::clamp, &ops::clamp_tensors>(
      {"clamp(input, min=None, max=None)", "clamp(input, min=None, max=None)"}, kAll,
      "Limit elements to [min, max].");
  r.alias("clamp", "clip");
  r.op<&ops::clamp_min>("clamp_min(input, min)", kAll, "Raise elements to at least min.");
  r.op<&ops::clamp_max>("clamp_max(input, max)", kAll, "Lower elements to at most max.");
}

void bind_combinations(Registry& r) {
  constexpr unsigned kAll = kFunction | kMethod | kInplaceMethod | kOut;
  r.op<&ops::lerp>("lerp(input, end, weight)", kAll,
                   "Interpolate: input + weight * (end - input).");
  r.op<&ops::addcmul>("addcmul(input, tensor1, tensor2, *, value=1)", kAll,
                      "Add value * tensor1 * tensor2.");
  r.op<&ops::addcdiv>("addcdiv(input, tensor1, tensor2, *, value=1)", kAll,
                      "Add value * tensor1 / tensor2.");
}

}  // namespace

void bind_arithmetic(Registry& r) {
  constexpr unsigned kAll = kFunction | kMethod | kInplaceMethod | kOut;
  r.op<&ops::add>("add(input, other, *, alpha=1)", kAll, "Add alpha * other.");
  r.op<&ops::sub>("sub(input, other, *, alpha=1)", kAll, "Subtract alpha * other.");
  r.alias("sub", "subtract");
  r.op<&ops::rsub>("rsub(input, other, *, alpha=1)", kFunction,
                   "Subtract alpha * input from other.");
  r.op<&ops::mul>("mul(input, other)", kAll, "Multiply.");
  r.alias("mul", "multiply");
  r.op<&ops::div>("div(input, other, *, rounding_mode=None)", kAll,
                  "Divide; rounding_mode 'trunc' or 'floor' rounds the quotient.");
  r.alias("div", "divide");
  r.alias("div", "true_divide");
  r.op<&ops::floor_divide>("floor_divide(input, other)", kAll,
                           "Divide and round towards minus infinity.");
  bind_one_tensor<&ops::remainder>(r, "remainder(input, other)", kAll,
                                   "Take the remainder that has the sign of the divisor.");
  r.op<&ops::fmod>("fmod(input, other)", kAll,
                   "Take the remainder that has the sign of the dividend.");
  bind_one_tensor<&ops::pow>(r, "pow(input, exponent)", kAll, "Raise to a power.");
  bind_one_tensor<&ops::float_power>(r, "float_power(input, exponent)", kAll,
                                     "Raise to a power in double precision.");
  bind_extremes(r);
  r.op<&ops::atan2>("atan2(input, other)", kAll, "Angle of the point (other, input).");
  r.alias("atan2", "arctan2");
  r.op<&ops::hypot>("hypot(input, other)", kAll, "Length of the hypotenuse.");
  r.op<&ops::copysign>("copysign(input, other)", kAll, "Give elements the sign of other.");
  bind_one_tensor<&ops::xlogy>(r, "xlogy(input, other)", kFunction | kMethod | kInplace | kOut,
                               "input * log(other), 0 where input is 0.");
  r.op<&ops::logaddexp>("logaddexp(input, other)", kFunction | kMethod | kOut,
                        "log(exp(input) + exp(other)) without overflow.");
  r.op<&ops::heaviside>("heaviside(input, values)", kAll,
                        "0 for negative, 1 for positive elements, values at 0.");
  bind_selection(r);
  bind_combinations(r);
}

}  // namespace tallow::python
