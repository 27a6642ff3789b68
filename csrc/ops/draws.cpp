// Gamma, Poisson and binomial numbers: how many uniform ones an element takes depends on their
// values, so they are drawn one element after the other, in float64 and with PyTorch's algorithms,
// which gives PyTorch's numbers for a seed.
#include <cmath>

#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/random.h"

namespace tallow::ops {

namespace {

// Source: G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", ACM TOMS
// 26(3), 2000. `exponent` is 1 / alpha, `d` is alpha - 1 / 3, of alpha + 1 if alpha is below 1.
double gamma_number(RandomStream& stream, double alpha, double exponent, double d) {
  if (std::isnan(alpha)) return alpha;
  if (alpha <= 0) return 0;
  const double scale = alpha < 1 ? std::pow(1 - draw_double(stream), exponent) : 1;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    double x, y;
    do {
      x = draw_normal(stream);
      y = 1 + c * x;
    } while (y <= 0);
    const double v = y * y * y;
    const double u = 1 - draw_double(stream);
    const double square = x * x;
    if (u < 1 - 0.0331 * square * square ||
        std::log(u) < 0.5 * square + d * (1 - v + std::log(v))) {
      return scale * d * v;
    }
  }
}

// What transformed rejection starts from: a place `us` from the edge of the hat, and a height.
struct Proposal {
  explicit Proposal(RandomStream& stream)
      : u(draw_double(stream) - 0.5), v(draw_double(stream)), us(0.5 - std::fabs(u)) {}
  double u, v, us;
};

// Source: D. E. Knuth, "The Art of Computer Programming" 2, 3.4.1, for small rates; W. Hoermann,
// "The transformed rejection method for generating Poisson random variables", 1993 (PTRS).
double poisson_number(RandomStream& stream, double rate) {
  if (rate == 0) return 0;
  if (rate < 10) {
    const double limit = std::exp(-rate);
    double count = 0;
    for (double product = draw_double(stream); product > limit; ++count) {
      product *= draw_double(stream);
    }
    return count;
  }
  const double log_rate = std::log(rate);
  const double b = 0.931 + 2.53 * std::sqrt(rate);
  const double a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  const double v_r = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const Proposal p(stream);
    if (p.us == 0) continue;
    const double k = std::floor((2 * a / p.us + b) * p.u + rate + 0.43);
    if (p.us >= 0.07 && p.v <= v_r) return k;
    if (k < 0 || (p.us < 0.013 && p.v > p.us)) continue;
    const double height = std::log(p.v) + std::log(inverse_alpha) - std::log(a / (p.us * p.us) + b);
    if (height <= -rate + k * log_rate - std::lgamma(k + 1)) return k;
  }
}

// log k! less Stirling's approximation of it.
double stirling_tail(double k) {
  if (k < 10) {
    constexpr double kLogRootTau = 0.91893853320467274178;
    return std::lgamma(k + 1) - ((k + 0.5) * std::log(k + 1) - (k + 1) + kLogRootTau);
  }
  const double square = (k + 1) * (k + 1);
  return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

// Source: W. Hoermann, "The generation of binomial random variates", 1993 (BTRS).
double binomial_by_rejection(RandomStream& stream, double count, double prob) {
  const double deviation = std::sqrt(count * prob * (1 - prob));
  const double b = 1.15 + 2.53 * deviation;
  const double a = -0.0873 + 0.0248 * b + 0.01 * prob;
  const double c = count * prob + 0.5;
  const double v_r = 0.92 - 4.2 / b;
  const double odds = prob / (1 - prob);
  const double alpha = (2.83 + 5.1 / b) * deviation;
  const double m = std::floor((count + 1) * prob);
  for (;;) {
    const Proposal p(stream);
    const double k = p.us == 0 ? -1 : std::floor((2 * a / p.us + b) * p.u + c);
    if (p.us >= 0.07 && p.v <= v_r) return k;
    if (k < 0 || k > count) continue;
    const double bound = (m + 0.5) * std::log((m + 1) / (odds * (count - m + 1))) +
                         (count + 1) * std::log((count - m + 1) / (count - k + 1)) +
                         (k + 0.5) * std::log(odds * (count - k + 1) / (k + 1)) + stirling_tail(m) +
                         stirling_tail(count - m) - stirling_tail(k) - stirling_tail(count - k);
    if (std::log(p.v * alpha / (a / (p.us * p.us) + b)) <= bound) return k;
  }
}

// Source: L. Devroye, "Non-Uniform Random Variate Generation", 1986, X.4.3: lengths of runs of
// failures are geometric.
double binomial_number(RandomStream& stream, double count, double prob) {
  if (std::isnan(count) || std::isnan(prob)) return count + prob;
  if (count <= 0 || prob <= 0) return 0;
  if (prob >= 1) return count;
  if (prob > 0.5) return count - binomial_number(stream, count, 1 - prob);
  if (count * prob >= 10) return binomial_by_rejection(stream, count, prob);
  const double log_fail = std::log1p(-prob);
  double successes = 0;
  for (double total = 0;; ++successes) {
    total += std::ceil(std::log(draw_double(stream)) / log_fail);
    if (total > count) return successes;
  }
}

// A parameter as contiguous float64 numbers.
class Numbers {
 public:
  explicit Numbers(const Tensor& tensor)
      : held_(contiguous(to_device(to_dtype(tensor, DType::kFloat64), kCPU))) {}
  double operator[](int64_t i) const { return static_cast<const double*>(held_.ptr())[i]; }

 private:
  Tensor held_;
};

void check_same_sizes(const char* op, const Tensor& a, const Tensor& b) {
  TALLOW_CHECK(a.sizes() == b.sizes(), op, "(): expected parameters of one shape, given ",
               a.sizes(), " and ", b.sizes());
}

// draw(stream, i) for every element i of a tensor like this one.
template <class Draw>
Tensor draw_each(const Tensor& like, Generator* generator, const Draw& draw) {
  RandomStream& stream = *stream_of(generator, kCPU);
  const Tensor out = empty(like.sizes(), DType::kFloat64, kCPU);
  double* const to = static_cast<double*>(out.ptr());
  for (int64_t i = 0; i < out.numel(); ++i) to[i] = draw(stream, i);
  return out;
}

}  // namespace

Tensor draw_gamma(const Tensor& alpha, const Tensor& exponent, const Tensor& d,
                  Generator* generator) {
  check_same_sizes("_draw_gamma", alpha, exponent);
  check_same_sizes("_draw_gamma", alpha, d);
  const Numbers alphas(alpha), exponents(exponent), ds(d);
  return draw_each(alpha, generator, [&](RandomStream& stream, int64_t i) {
    return gamma_number(stream, alphas[i], exponents[i], ds[i]);
  });
}

Tensor draw_poisson(const Tensor& rate, Generator* generator) {
  const Numbers rates(rate);
  for (int64_t i = 0; i < rate.numel(); ++i) {
    TALLOW_CHECK(rates[i] >= 0, "invalid Poisson rate, expected rate to be non-negative, but got ",
                 rates[i]);
  }
  return draw_each(rate, generator, [&](RandomStream& stream, int64_t i) {
    return poisson_number(stream, rates[i]);
  });
}

Tensor draw_binomial(const Tensor& count, const Tensor& prob, Generator* generator) {
  check_same_sizes("_draw_binomial", count, prob);
  const Numbers counts(count), probs(prob);
  return draw_each(count, generator, [&](RandomStream& stream, int64_t i) {
    return binomial_number(stream, counts[i], probs[i]);
  });
}

}  // namespace tallow::ops
