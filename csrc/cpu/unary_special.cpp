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

// The share of the series for the lower part, which has to be multiplied by the density, in the
// lanes that are `wanted`; the others have any numbers. No lane sees when the others end: terms
// that small do not change a sum. Source of both expansions: Abramowitz and Stegun, 6.5.29
// and 6.5.31.
constexpr int kMostTerms = 3000;

TALLOW_INLINE Vec<double> gamma_series(Vec<double> a, Vec<double> x, Mask<double> wanted) {
  Vec<double> term = 1 / a;
  Vec<double> sum = term;
  for (int k = 1; k < kMostTerms && any(wanted & (term > sum * 1e-17)); ++k) {
    term *= x / (a + k);
    sum += term;
  }
  return sum;
}
// The continued fraction of the upper part, by the method of Lentz.
TALLOW_INLINE Vec<double> gamma_fraction(Vec<double> a, Vec<double> x, Mask<double> wanted) {
  const auto away_from_zero = [](Vec<double> v) {
    return abs(v) < 1e-300 ? splat<Vec<double>>(1e-300) : v;
  };
  Vec<double> b = x + 1 - a;
  Vec<double> c = splat<Vec<double>>(1e300);
  Vec<double> d = 1 / b;
  Vec<double> result = d;
  for (int k = 1; k < kMostTerms && any(wanted); ++k) {
    const Vec<double> factor = k * (a - k);
    b += 2;
    d = 1 / away_from_zero(factor * d + b);
    c = away_from_zero(b + factor / c);
    const Vec<double> change = c * d;
    result = wanted ? result * change : result;
    wanted &= abs(change - 1) >= 1e-16;
  }
  return result;
}

// The regularised incomplete gamma functions of a at x.
template <bool kUpper>
TALLOW_INLINE Vec<double> gamma_part(Vec<double> a, Vec<double> x) {
  using V = Vec<double>;
  const V infinity = splat<V>(__builtin_inf()), zero{}, one = splat<V>(1);
  const auto endless_a = a == infinity, endless_x = x == infinity;
  const auto defined = (a >= 0) & (x >= 0) & ~((a == 0) & (x == 0)) & ~(endless_a & endless_x);
  const auto all_below = (a == 0) | endless_x;
  const auto ordinary = defined & ~all_below & ~(x == 0) & ~endless_a;
  const auto is_lower = x < a + 1;
  V part{};
  if (any(ordinary & is_lower)) part = gamma_series(a, x, ordinary & is_lower);
  if (any(ordinary & ~is_lower)) {
    part = is_lower ? part : gamma_fraction(a, x, ordinary & ~is_lower);
  }
  part *= math::Full::exp(a * math::Full::log(x) - x - lgamma(a));
  const V lower = is_lower ? part : 1 - part;
  const V upper = is_lower ? 1 - part : part;
  const V end = all_below == 0 ? (kUpper ? one : zero) : (kUpper ? zero : one);
  const V value = ordinary ? (kUpper ? upper : lower) : end;
  return defined ? value : splat<V>(__builtin_nan(""));
}

template <bool kUpper>
Row gamma_row(DType compute) {
  if (compute != DType::kFloat64) return {};
  constexpr auto kPart = [](auto a, auto x) { return gamma_part<kUpper>(a, x); };
  return {vector_row2<double, kPart>, compute, compute, Cost::kLong, true};
}

}  // namespace

Row special_row(BinaryOp op, DType compute) {
  if (op == BinaryOp::kNextafter) {
    return floating2<[](auto a, auto b) { return nextafter(a, b); }>(compute);
  }
  return op == BinaryOp::kGammainc ? gamma_row<false>(compute) : gamma_row<true>(compute);
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
