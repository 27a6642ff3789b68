// Functions of one tensor.
#include "ops/numbers.h"
#include "ops/unary_math.h"
#include "python/bindings.h"

namespace tallow::python {

namespace {

constexpr unsigned kAll = kFunction | kMethod | kInplace | kOut;
constexpr unsigned kMethodOnly = kFunction | kMethod | kInplaceMethod | kOut;  // no function X_

void bind_rounding(Registry& r) {
  r.op<&ops::floor>("floor(input)", kAll, "Round towards minus infinity.");
  r.op<&ops::ceil>("ceil(input)", kAll, "Round towards plus infinity.");
  r.op<&ops::trunc>("trunc(input)", kAll, "Round towards zero.");
  r.alias("trunc", "fix");
  r.op<&ops::round>("round(input, *, decimals=0)", kAll, "Round to the nearest; halves to even.");
  r.op<&ops::frac>("frac(input)", kAll, "Fractional part, with the sign of the element.");
  r.op<&ops::nan_to_num>("nan_to_num(input, nan=None, posinf=None, neginf=None)", kAll,
                         "Replace NaN and infinities by finite numbers.");
}

void bind_exponentials(Registry& r) {
  r.op<&ops::exp>("exp(input)", kAll, "e to the power of each element.");
  r.op<&ops::exp2>("exp2(input)", kAll, "2 to the power of each element.");
  r.op<&ops::expm1>("expm1(input)", kAll, "exp(input) - 1, accurate near 0.");
  r.op<&ops::log>("log(input)", kAll, "Natural logarithm.");
  r.op<&ops::log2>("log2(input)", kAll, "Logarithm to base 2.");
  r.op<&ops::log10>("log10(input)", kAll, "Logarithm to base 10.");
  r.op<&ops::log1p>("log1p(input)", kAll, "log(1 + input), accurate near 0.");
  r.op<&ops::sqrt>("sqrt(input)", kAll, "Square root.");
  r.op<&ops::rsqrt>("rsqrt(input)", kAll, "1 / sqrt(input).");
  r.op<&ops::logit>("logit(input, eps=None)", kAll, "log(input / (1 - input)).");
}

void bind_angles(Registry& r) {
  r.op<&ops::sin>("sin(input)", kAll, "Sine.");
  r.op<&ops::cos>("cos(input)", kAll, "Cosine.");
  r.op<&ops::tan>("tan(input)", kAll, "Tangent.");
  r.op<&ops::asin>("asin(input)", kAll, "Inverse sine.");
  r.alias("asin", "arcsin");
  r.op<&ops::acos>("acos(input)", kAll, "Inverse cosine.");
  r.alias("acos", "arccos");
  r.op<&ops::atan>("atan(input)", kAll, "Inverse tangent.");
  r.alias("atan", "arctan");
  r.op<&ops::sinh>("sinh(input)", kAll, "Hyperbolic sine.");
  r.op<&ops::cosh>("cosh(input)", kAll, "Hyperbolic cosine.");
  r.op<&ops::tanh>("tanh(input)", kAll, "Hyperbolic tangent.");
  r.op<&ops::asinh>("asinh(input)", kAll, "Inverse hyperbolic sine.");
  r.alias("asinh", "arcsinh");
  r.op<&ops::acosh>("acosh(input)", kAll, "Inverse hyperbolic cosine.");
  r.alias("acosh", "arccosh");
  r.op<&ops::atanh>("atanh(input)", kAll, "Inverse hyperbolic tangent.");
  r.alias("atanh", "arctanh");
  r.op<&ops::deg2rad>("deg2rad(input)", kAll, "Degrees to radians.");
  r.op<&ops::rad2deg>("rad2deg(input)", kAll, "Radians to degrees.");
}

}  // namespace

void bind_math(Registry& r) {
  r.op<&ops::neg>("neg(input)", kAll, "Change the sign.");
  r.alias("neg", "negative");
  r.op<&ops::positive>("positive(input)", kFunction | kMethod, "Return the tensor itself.");
  r.op<&ops::abs>("abs(input)", kAll, "Absolute value.");
  r.alias("abs", "absolute");
  r.op<&ops::sign>("sign(input)", kMethodOnly, "-1, 0 or 1 by sign.");
  r.op<&ops::sgn>("sgn(input)", kMethodOnly, "Sign; for complex numbers, the direction.");
  r.op<&ops::square>("square(input)", kAll, "Multiply by itself.");
  r.op<&ops::reciprocal>("reciprocal(input)", kAll, "1 / input.");
  bind_rounding(r);
  bind_exponentials(r);
  bind_angles(r);
  r.op<&ops::erf>("erf(input)", kAll, "Error function.");
  r.op<&ops::erfc>("erfc(input)", kAll, "1 - erf(input), accurate for large input.");
  using Unary = Tensor (*)(const Tensor&, std::string_view);
  using Binary = Tensor (*)(const Tensor&, const Tensor&, std::string_view);
  r.op<static_cast<Unary>(&ops::special)>("_special(input, function)", kFunction,
                                          "A special function in float64, without derivative.");
  r.op<static_cast<Binary>(&ops::special)>("_special_binary(input, other, function)", kFunction,
                                           "The same of two tensors.");
  r.op<&ops::sigmoid>("sigmoid(input)", kAll, "1 / (1 + exp(-input)).");
  r.op<&ops::sinc>("sinc(input)", kAll, "sin(pi input) / (pi input), 1 at 0.");
  r.op<&ops::gcd>("gcd(input, other)", kAll, "Greatest common divisors of integers.");
  r.op<&ops::lcm>("lcm(input, other)", kAll, "Least common multiples of integers, not negative.");
  r.op<&ops::nextafter>("nextafter(input, other)", kMethodOnly,
                        "The next number that the type holds in the direction of other.");
  r.op<&ops::logaddexp2>("logaddexp2(input, other)", kFunction | kMethod | kOut,
                         "log2(2 ** input + 2 ** other) without overflow.");
  r.op<&ops::conj>("conj(input)", kFunction | kMethod, "Complex conjugate.");
  r.alias("conj", "conj_physical");
  r.op<&ops::tanh_backward>("tanh_backward(grad_output, output)", kFunction,
                            "Gradient of tanh from its result.");
  r.op<&ops::sigmoid_backward>("sigmoid_backward(grad_output, output)", kFunction,
                               "Gradient of sigmoid from its result.");
}

}  // namespace tallow::python
