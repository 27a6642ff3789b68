// Comparisons, predicates, logical and bitwise operations.
#include "ops/compare.h"
#include "python/bindings.h"
#include "python/one_tensor.h"

namespace tallow::python {

void bind_compare(Registry& r) {
  constexpr unsigned kAll = kFunction | kMethod | kInplaceMethod | kOut;
  constexpr unsigned kPlain = kFunction | kMethod;
  r.op<&ops::eq>("eq(input, other)", kAll, "Compare for equality.");
  r.op<&ops::ne>("ne(input, other)", kAll, "Compare for inequality.");
  r.alias("ne", "not_equal");
  r.op<&ops::lt>("lt(input, other)", kAll, "Say where input < other.");
  r.alias("lt", "less");
  r.op<&ops::le>("le(input, other)", kAll, "Say where input <= other.");
  r.alias("le", "less_equal");
  r.op<&ops::gt>("gt(input, other)", kAll, "Say where input > other.");
  r.alias("gt", "greater");
  r.op<&ops::ge>("ge(input, other)", kAll, "Say where input >= other.");
  r.alias("ge", "greater_equal");
  r.op<&ops::isclose>("isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False)", kPlain,
                      "Say where |input - other| <= atol + rtol * |other|.");

  r.op<&ops::logical_not>("logical_not(input)", kAll, "Say which elements are zero.");
  r.op<&ops::logical_and>("logical_and(input, other)", kAll, "Say where both are non-zero.");
  r.op<&ops::logical_or>("logical_or(input, other)", kAll, "Say where either is non-zero.");
  r.op<&ops::logical_xor>("logical_xor(input, other)", kAll, "Say where exactly one is non-zero.");

  r.op<&ops::bitwise_not>("bitwise_not(input)", kAll, "Flip every bit; logical not of bool.");
  bind_one_tensor<&ops::bitwise_and>(r, "bitwise_and(input, other)", kAll,
                                     "Keep the bits set in both.");
  bind_one_tensor<&ops::bitwise_or>(r, "bitwise_or(input, other)", kAll,
                                    "Keep the bits set in either.");
  bind_one_tensor<&ops::bitwise_xor>(r, "bitwise_xor(input, other)", kAll,
                                     "Keep the bits set in exactly one.");
  bind_one_tensor<&ops::bitwise_left_shift>(r, "bitwise_left_shift(input, other)", kAll,
                                            "Shift bits towards the high end.");
  bind_one_tensor<&ops::bitwise_right_shift>(r, "bitwise_right_shift(input, other)", kAll,
                                             "Shift bits towards the low end, keeping the sign.");

  r.op<&ops::isnan>("isnan(input)", kPlain, "Say which elements are NaN.");
  r.op<&ops::isinf>("isinf(input)", kPlain, "Say which elements are infinite.");
  r.op<&ops::isfinite>("isfinite(input)", kPlain,
                       "Say which elements are neither NaN nor infinite.");
  r.op<&ops::isposinf>("isposinf(input)", kPlain | kOut, "Say which elements are plus infinity.");
  r.op<&ops::isneginf>("isneginf(input)", kPlain | kOut, "Say which elements are minus infinity.");
  r.op<&ops::signbit>("signbit(input)", kPlain | kOut, "Say which elements have the sign bit set.");
}

}  // namespace tallow::python
