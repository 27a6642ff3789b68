// Special functions, evaluated in double whatever the operands' type; the driver converts.
#include <cmath>

#include "cpu/loops.h"
#include "cpu/simd_special.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

template <auto F>
Row doubles(DType compute) {
  if (compute != DType::kFloat64) return {};
  return {vector_row1<double, F>, compute, compute, Cost::kLong};
}

// The number next to x towards y: one more or less in the last place.
template <class V>
TALLOW_INLINE V nextafter(V x, V y) {
  using Bits = Vec<std::conditional_t<sizeof(Lane<V>) == 4, int32_t, int64_t>>;
  const Bits bits = bits_as<Bits>(x);
  const Bits away = (x < y) == (0 < x) ? Bits{} + 1 : Bits{} - 1;
  const V smallest = copysign(bits_as<V>(Bits{} + 1), y);
  const V next = x == 0 ? smallest : bits_as<V>(bits + away);
  const V moved = x == y ? y : next;
  return x != x ? x : (y != y ? y : moved);
}

TALLOW_NOINLINE Vec<double> lgamma(Vec<double> x) { return math::lgamma(x); }

// The share of the series for the lower part, which has to be multiplied by the density.
// Source of both expansions: Abramowitz and Stegun, 6.5.29 and 6.5.31.
constexpr int kMostTerms = 3000;

double gamma_series(double a, double x) {
  double term = 1 / a;
  double sum = term;
  for (int k = 1; k < kMostTerms && term > sum * 1e-17; ++k) {
    term *= x / (a + k);
    sum += term;
  }
  return sum;
}
// The continued fraction of the upper part, by the method of Lentz.
double gamma_fraction(double a, double x) {
  constexpr double kTiny = 1e-300;
  double b = x + 1 - a;
  double c = 1 / kTiny;
  double d = 1 / b;
  double result = d;
  for (int k = 1; k < kMostTerms; ++k) {
    const double factor = k * (a - k);
    b += 2;
    d = factor * d + b;
    d = 1 / (std::fabs(d) < kTiny ? kTiny : d);
    c = b + factor / c;
    c = std::fabs(c) < kTiny ? kTiny : c;
    result *= c * d;
    if (std::fabs(c * d - 1) < 1e-16) break;
  }
  return result;
}

// The regularised incomplete gamma functions of a at x.
TALLOW_NOINLINE double gamma_part(double a, double x, bool upper) {
  const bool endless_a = a == __builtin_inf(), endless_x = x == __builtin_inf();
  const bool defined = a >= 0 && x >= 0 && !(a == 0 && x == 0) && !(endless_a && endless_x);
  if (!defined) return __builtin_nan("");
  if (a == 0 || endless_x) return upper ? 0 : 1;
  if (x == 0 || endless_a) return upper ? 1 : 0;
  const double log_gamma = lgamma(broadcast(a))[0];
  const double density = std::exp(a * std::log(x) - x - log_gamma);
  const bool is_lower = x < a + 1;
  const double part = density * (is_lower ? gamma_series(a, x) : gamma_fraction(a, x));
  return is_lower == upper ? 1 - part : part;
}

}  // namespace

Row special_row(BinaryOp op, DType compute) {
  if (op == BinaryOp::kNextafter) {
    return floating2<[](auto a, auto b) { return nextafter(a, b); }>(compute);
  }
  if (op == BinaryOp::kGammainc) {
    return elements2<[](double a, double x) { return gamma_part(a, x, false); }>(
        Types<double>{}, compute, Cost::kLong);
  }
  return elements2<[](double a, double x) { return gamma_part(a, x, true); }>(Types<double>{},
                                                                              compute, Cost::kLong);
}

Row special_row(UnaryOp op, DType compute) {
  switch (op) {
    case UnaryOp::kErfinv:
      return doubles<[](auto x) { return math::erfinv(x); }>(compute);
    case UnaryOp::kErfcx:
      return doubles<[](auto x) { return math::erfcx(x); }>(compute);
    case UnaryOp::kNdtri:
      return doubles<[](auto x) { return math::ndtri(x); }>(compute);
    case UnaryOp::kLgamma:
      return doubles<[](auto x) { return lgamma(x); }>(compute);
    case UnaryOp::kDigamma:
      return doubles<[](auto x) { return math::digamma(x); }>(compute);
    case UnaryOp::kBesselI0:
      return doubles<[](auto x) { return math::bessel_i<0>(x); }>(compute);
    case UnaryOp::kBesselI0e:
      return doubles<[](auto x) { return math::bessel_ie<0>(x); }>(compute);
    case UnaryOp::kBesselI1:
      return doubles<[](auto x) { return math::bessel_i<1>(x); }>(compute);
    case UnaryOp::kBesselI1e:
      return doubles<[](auto x) { return math::bessel_ie<1>(x); }>(compute);
    case UnaryOp::kBesselJ0:
      return doubles<[](auto x) { return math::bessel_j<0>(x); }>(compute);
    case UnaryOp::kBesselJ1:
      return doubles<[](auto x) { return math::bessel_j<1>(x); }>(compute);
    default:
      return {};
  }
}

}  // namespace tallow::cpu::TALLOW_ISA
