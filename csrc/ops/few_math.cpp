// Functions and paddings of few numbers, see few.h.
#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/few.h"
#include "ops/few_values.h"

namespace tallow::ops {

namespace {

double integer_power(double x, int64_t n) {
  double result = 1;
  for (; n > 0; n /= 2, x *= x) {
    if (n % 2 == 1) result *= x;
  }
  return result;
}

// The sum of (q + k)^-s over k >= 0: directly up to `large`, from where on the terms of the formula
// of Euler and Maclaurin are small. Source: DLMF 25.11.5.
class Zeta {
 public:
  Zeta(int64_t s, double large) : s_(s), large_(large) {
    constexpr double kBernoulli[] = {1.0 / 6,  -1.0 / 30,     1.0 / 42, -1.0 / 30,
                                     5.0 / 66, -691.0 / 2730, 7.0 / 6,  -3617.0 / 510};
    const auto power = static_cast<double>(s);
    double factor = power / 2;  // s (s + 1) ... (s + 2k - 2) / (2k)!
    for (int k = 1; k <= kTerms; ++k) {
      terms_[k - 1] = kBernoulli[k - 1] * factor;
      factor *= (power + 2 * k - 1) * (power + 2 * k) / ((2 * k + 1) * (2 * k + 2));
    }
  }
  double operator()(double q) const {
    if (q <= 0 && q == std::floor(q)) return INFINITY;
    double total = 0;
    for (; q < large_; ++q) total += integer_power(1 / q, s_);
    const double inverse = 1 / q;
    double series = 0;
    for (int k = kTerms; k > 0; --k) series = series * inverse * inverse + terms_[k - 1];
    series = (series * inverse + 0.5) * inverse + 1 / static_cast<double>(s_ - 1);
    return total + series * integer_power(inverse, s_ - 1);
  }

 private:
  static constexpr int kTerms = 8;
  int64_t s_;
  double large_;
  double terms_[kTerms];
};

}  // namespace

Tensor polygamma_few(int64_t n, const Tensor& input) {
  if (n < 1 || n > 100 || !is_few(input)) return {};
  const Values x(input);
  const Tensor out = empty(input.sizes(), input.dtype());
  double scale = n % 2 == 1 ? 1 : -1;
  for (int64_t k = 2; k <= n; ++k) scale *= static_cast<double>(k);
  const bool wide = input.dtype() == DType::kFloat64;
  const Zeta zeta(n + 1, static_cast<double>(n) + (wide ? 11 : 6));
  for (int64_t i = 0; i < out.numel(); ++i) {
    if (x[i] < -1e4) return {};
    put(out, i, scale * zeta(x[i]));
  }
  return out;
}

namespace {

// For each position of a padded dimension the one it is read from, or -1: the value.
bool read_positions(std::string_view mode, int64_t size, int64_t before, int64_t after,
                    std::vector<int64_t>& from) {
  if (std::min(before, after) < -kMostElements || std::max(before, after) > kMostElements) {
    return false;
  }
  if (size < 1 || size + before + after < 1 || size + before + after > kMostElements) return false;
  if (mode == "reflect" && (before >= size || after >= size)) return false;
  from.clear();
  for (int64_t i = -before; i < size + after; ++i) {
    if (mode == "constant") {
      from.push_back(i >= 0 && i < size ? i : -1);
    } else if (mode == "replicate") {
      from.push_back(std::clamp<int64_t>(i, 0, size - 1));
    } else {
      from.push_back(std::abs(i) < size ? std::abs(i) : 2 * (size - 1) - i);
    }
  }
  return true;
}

}  // namespace

Tensor pad_few(const Tensor& input, const Dims& pad, std::string_view mode,
               std::optional<double> value) {
  const int64_t dims = pad.size() / 2;
  const bool constant = mode == "constant";
  if (!is_few(input) || !input.is_contiguous() || pad.size() % 2 != 0 || dims == 0 ||
      dims > input.dim() || input.numel() == 0) {
    return {};
  }
  if (!constant && ((mode != "reflect" && mode != "replicate") || value.value_or(0) != 0 ||
                    dims > 3 || input.dim() - dims < 1 || input.dim() - dims > 2)) {
    return {};
  }
  // The last three dimensions by number, those before them one after the other.
  std::vector<int64_t> from[3];
  Dims shape = input.sizes();
  if (dims > 3) return {};
  for (int64_t i = 0; i < 3; ++i) {  // i = 0: the last
    const bool padded = i < dims;
    const int64_t size = i < input.dim() ? input.size(-1 - i) : 1;
    if (!read_positions(mode, size, padded ? pad[2 * i] : 0, padded ? pad[2 * i + 1] : 0,
                        from[2 - i])) {
      return {};
    }
    if (i < input.dim()) shape[input.dim() - 1 - i] = static_cast<int64_t>(from[2 - i].size());
  }
  const auto sizes = [&](int64_t i) { return i < input.dim() ? input.size(-1 - i) : 1; };
  const int64_t plane = sizes(2) * sizes(1) * sizes(0);
  const int64_t cells = static_cast<int64_t>(from[0].size() * from[1].size() * from[2].size());
  if (input.numel() / plane * cells > 4 * kMostElements) return {};
  const Tensor out = empty(shape, input.dtype());
  const auto copy = [&]<class T>(const T* x, T* to) {
    const T filling = static_cast<T>(value.value_or(0));
    for (int64_t base = 0; base < input.numel(); base += plane) {
      for (const int64_t d : from[0]) {
        for (const int64_t h : from[1]) {
          const bool inside = d >= 0 && h >= 0;
          const T* const row = x + base + (d * sizes(1) + h) * sizes(0);
          for (const int64_t w : from[2]) *to++ = inside && w >= 0 ? row[w] : filling;
        }
      }
    }
  };
  if (input.dtype() == DType::kFloat32) {
    copy(input.data<float>(), out.data<float>());
  } else {
    copy(input.data<double>(), out.data<double>());
  }
  return out;
}

Tensor xlog1py_few(const Tensor& input, const Tensor& other) {
  if (!is_few(input) || !is_few(other) || input.dtype() != other.dtype() ||
      input.sizes() != other.sizes()) {
    return {};
  }
  const Values x(input), y(other);
  const Tensor out = empty(input.sizes(), input.dtype());
  for (int64_t i = 0; i < out.numel(); ++i) {
    put(out, i, x[i] == 0 && !std::isnan(y[i]) ? 0.0 : x[i] * std::log1p(y[i]));
  }
  return out;
}

Tensor entr_few(const Tensor& input) {
  if (!is_few(input)) return {};
  const Values x(input);
  const Tensor out = empty(input.sizes(), input.dtype());
  for (int64_t i = 0; i < out.numel(); ++i) {
    put(out, i, x[i] == 0 ? 0.0 : x[i] < 0 ? -INFINITY : -x[i] * std::log(x[i]));
  }
  return out;
}

Tensor cross_few(const Tensor& input, const Tensor& other, int64_t dim) {
  if (!is_few(input) || !is_few(other) || input.dtype() != other.dtype() ||
      input.sizes() != other.sizes() || dim < -input.dim() || dim >= input.dim() ||
      input.size(dim) != 3) {
    return {};
  }
  int64_t inner = 1;
  for (int64_t d = dim < 0 ? dim + input.dim() + 1 : dim + 1; d < input.dim(); ++d) {
    inner *= input.sizes()[d];
  }
  const Values a(input), b(other);
  const Tensor out = empty(input.sizes(), input.dtype());
  for (int64_t i = 0; i < out.numel(); ++i) {
    const int64_t row = i / inner % 3;
    const int64_t first = i - row * inner;
    const int64_t next = first + (row + 1) % 3 * inner, last = first + (row + 2) % 3 * inner;
    put(out, i, a[next] * b[last] - a[last] * b[next]);
  }
  return out;
}

Tensor angle_few(const Tensor& input) {
  if (!is_few(input)) return {};
  const Values x(input);
  const Tensor out = empty(input.sizes(), input.dtype());
  for (int64_t i = 0; i < out.numel(); ++i) {
    put(out, i, std::isnan(x[i]) ? x[i] : x[i] < 0 ? M_PI : 0.0);
  }
  return out;
}

std::tuple<Tensor, Tensor> frexp_few(const Tensor& input) {
  if (!is_few(input)) return {};
  const Values x(input);
  const Tensor mantissa = empty(input.sizes(), input.dtype());
  const Tensor exponent = empty(input.sizes(), DType::kInt32);
  for (int64_t i = 0; i < mantissa.numel(); ++i) {
    int power = 0;
    put(mantissa, i, std::isfinite(x[i]) ? std::frexp(x[i], &power) : x[i]);
    exponent.data<int32_t>()[i] = power;
  }
  return {mantissa, exponent};
}

}  // namespace tallow::ops
