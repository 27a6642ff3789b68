// Special functions of one and two float64 numbers, for the device and the host.
// Source of the formulas: DLMF 5.11 (digamma), 7.9 (erfcx), 8.9 and 8.11 (incomplete gamma
// functions), 10.25 and 10.40 (modified Bessel functions), 7.17 with Halley's method (erfinv).
#pragma once

#include "cuda/device_types.h"

#include <cmath>
#include <limits>

#include "core/half.h"

namespace tallow::cuda::special {

inline constexpr double kPi = 3.14159265358979323846;
inline constexpr double kSqrtPi = 1.77245385090551602730;
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kTiny = 1e-300;
inline constexpr double kEnough = 1e-17;  // terms below that part of a sum change nothing

// exp(x * x) erfc(x)
TL_HD inline double erfcx(double x) {
  if (x < 2) return x < -26.7 ? kInfinity : std::exp(x * x) * std::erfc(x);
  if (x > 1e8) return 1 / (kSqrtPi * x);
  double tail = x;  // the continued fraction x + (1/2)/(x + (2/2)/(x + ...)), from its end
  for (int k = 160; k > 0; --k) tail = x + 0.5 * k / tail;
  return 1 / (kSqrtPi * tail);
}

// The x > 0 whose erfc is q, 0 < q <= 1.
TL_HD inline double erfc_inverse(double q) {
  if (q == 1) return 0;
  // The beginning of the asymptotic series, or of the power series.
  const double t = std::sqrt(-2 * std::log(q / 2));
  double x = q > 0.5 ? (1 - q) * kSqrtPi / 2
                     : (t - (2.30753 + 0.27061 * t) / (1 + t * (0.99229 + 0.04481 * t))) /
                           1.41421356237309504880;  // Source: Abramowitz and Stegun, 26.2.22
  for (int i = 0; i < 4; ++i) {
    // The error of erfc over its derivative, without underflow.
    const double step = (erfcx(x) - q * std::exp(x * x)) * kSqrtPi / 2;
    x += step / (1 + x * step);
  }
  return x;
}

TL_HD inline double erfinv(double y) {
  if (!(std::fabs(y) <= 1)) return kNan;
  if (std::fabs(y) == 1) return y * kInfinity;
  if (std::fabs(y) < 0.5) {
    double x = y * kSqrtPi / 2;
    for (int i = 0; i < 5; ++i) {
      const double step = (y - std::erf(x)) * std::exp(x * x) * kSqrtPi / 2;
      x += step / (1 + x * step);
    }
    return x;
  }
  return std::copysign(erfc_inverse(1 - std::fabs(y)), y);
}

// The number below which a part p of the normal distribution lies.
TL_HD inline double ndtri(double p) {
  if (!(p >= 0 && p <= 1)) return kNan;
  if (p == 0 || p == 1) return p == 0 ? -kInfinity : kInfinity;
  const double x = 1.41421356237309504880 * erfc_inverse(2 * (p < 0.5 ? p : 1 - p));
  return p < 0.5 ? -x : x;
}

TL_HD inline double digamma(double x) {
  if (x == 0) return std::copysign(kInfinity, -x);
  double result = 0;
  if (x < 0) {
    const double part = x - std::trunc(x);
    if (part == 0) return kNan;
    result = -kPi / std::tan(kPi * part);
    x = 1 - x;
  }
  for (; x < 10; x += 1) result -= 1 / x;
  const double z = 1 / (x * x);
  const double series =
      z * (1.0 / 12 -
           z * (1.0 / 120 -
                z * (1.0 / 252 -
                     z * (1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760 - z * (1.0 / 12)))))));
  return result + std::log(x) - 0.5 / x - series;
}

// exp(-|x|) times the modified Bessel function of the first kind of order 0 or 1.
TL_HD inline double bessel_ie(double x, int order) {
  if (x != x) return x;
  const double size = std::fabs(x);
  double sum = 1;
  double term = 1;
  if (size < 25) {
    const double z = size * size / 4;
    for (int k = 1; k < 200 && term > kEnough * sum; ++k) {
      term *= z / (k * static_cast<double>(k + order));
      sum += term;
    }
    sum *= std::exp(-size) * (order ? size / 2 : 1);
  } else {
    for (int k = 1; k < 30; ++k) {
      const double odd = 2 * k - 1;
      term *= (odd * odd - 4 * order) / (8 * size * k);
      sum += term;
    }
    sum /= std::sqrt(2 * kPi * size);
  }
  return order && x < 0 ? -sum : sum;
}

// The same without the factor.
TL_HD inline double bessel_i(double x, int order) {
  const double size = std::fabs(x);
  if (size == kInfinity) return order ? x : size;
  const double half = std::exp(size / 2);  // exp(size) may be infinite where the result is not
  return bessel_ie(x, order) * half * half;
}

// The regularised incomplete gamma function of a at x, the lower or the upper one.
TL_HD inline double incomplete_gamma(double a, double x, bool upper) {
  if (!(a >= 0 && x >= 0) || (a == 0 && x == 0) || (a == kInfinity && x == kInfinity)) return kNan;
  if (a == 0 || x == kInfinity) return upper ? 0 : 1;
  if (x == 0 || a == kInfinity) return upper ? 1 : 0;
  const double factor = std::exp(a * std::log(x) - x - std::lgamma(a));
  constexpr int kMostTerms = 20000;
  if (x < a + 1) {
    double term = 1 / a;
    double sum = term;
    for (int k = 1; k < kMostTerms && term > kEnough * sum; ++k) {
      term *= x / (a + k);
      sum += term;
    }
    return upper ? 1 - factor * sum : factor * sum;
  }
  // Lentz's evaluation of the continued fraction.
  double b = x + 1 - a;
  double c = 1 / kTiny;
  double d = 1 / b;
  double fraction = d;
  for (int k = 1; k < kMostTerms; ++k) {
    const double n = -k * (k - a);
    b += 2;
    d = n * d + b;
    d = 1 / (std::fabs(d) < kTiny ? kTiny : d);
    c = b + n / c;
    if (std::fabs(c) < kTiny) c = kTiny;
    fraction *= d * c;
    if (std::fabs(d * c - 1) < 1e-16) break;
  }
  return upper ? factor * fraction : 1 - factor * fraction;
}

struct Nextafter {
  template <class T>
  TL_HD T operator()(T a, T b) const {
    return std::nextafter(a, b);
  }
};
// The same among the numbers of a half type, which are given as float.
template <class H>
struct NextafterHalf {
  TL_HD float operator()(float a, float b) const {
    if (a != a || b != b) return a + b;
    if (a == b) return b;
    H number(a);
    if (a == 0) {
      number.bits = b > 0 ? 1 : 0x8001;
    } else {
      number.bits = static_cast<uint16_t>((b > a) == (a > 0) ? number.bits + 1 : number.bits - 1);
    }
    return static_cast<float>(number);
  }
};

}  // namespace tallow::cuda::special
