// Functions, distances, losses and paddings of few numbers, see few.h.
#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/record.h"
#include "ops/copy.h"
#include "ops/few.h"

namespace tallow::ops {

namespace {

constexpr int64_t kMostElements = 1024;

bool is_few(const Tensor& x) {
  return x.device().is_cpu() && (x.dtype() == DType::kFloat32 || x.dtype() == DType::kFloat64) &&
         x.numel() <= kMostElements && !should_record({&x});
}

// The elements of a small tensor of float32 or float64, one after the other.
class Values {
 public:
  explicit Values(const Tensor& tensor) : tensor_(contiguous(tensor)) {}
  double operator[](int64_t i) const {
    return tensor_.dtype() == DType::kFloat32 ? static_cast<double>(tensor_.data<float>()[i])
                                              : tensor_.data<double>()[i];
  }

 private:
  Tensor tensor_;
};

void put(const Tensor& to, int64_t i, double value) {
  if (to.dtype() == DType::kFloat32) {
    to.data<float>()[i] = static_cast<float>(value);
  } else {
    to.data<double>()[i] = value;
  }
}

// The sum of (q + k)^-s over k >= 0. Source: DLMF 25.11.5, the formula of Euler and Maclaurin.
double zeta(int64_t s, double q) {
  constexpr double kBernoulli[] = {1.0 / 6,  -1.0 / 30,     1.0 / 42, -1.0 / 30,
                                   5.0 / 66, -691.0 / 2730, 7.0 / 6,  -3617.0 / 510};
  constexpr int64_t kDirect = 10;
  if (q <= 0 && q == std::floor(q)) return INFINITY;
  const double power = -static_cast<double>(s);
  const int64_t steps = kDirect + (q < 0 ? static_cast<int64_t>(std::ceil(-q)) : 0);
  double total = 0;
  for (int64_t i = 0; i < steps; ++i, ++q) total += std::pow(q, power);
  const double inverse = 1 / q;
  double series = 0;
  for (int64_t k = 8; k > 0; --k) {
    double factor = kBernoulli[k - 1];  // times s (s + 1) ... (s + 2k - 2) / (2k)!
    for (int64_t i = 0; i < 2 * k - 1; ++i) factor *= static_cast<double>(s + i) / (i + 1.0);
    series = series * inverse * inverse + factor / (2.0 * static_cast<double>(k));
  }
  series = (series * inverse + 0.5) * inverse + 1 / static_cast<double>(s - 1);
  return total + series * std::pow(inverse, static_cast<double>(s - 1));
}

double gap(double sum, double difference, double p) {
  const double size = std::abs(difference);
  if (p == 2) return sum + size * size;
  if (p == 1) return sum + size;
  if (p == 0) return sum + (size != 0 ? 1 : 0);
  if (std::isinf(p)) return size > sum || std::isnan(size) ? size : sum;
  return sum + std::pow(size, p);
}

double distance(const Values& a, int64_t from_a, const Values& b, int64_t from_b, int64_t columns,
                double p) {
  double sum = 0;
  for (int64_t i = 0; i < columns; ++i) sum = gap(sum, a[from_a + i] - b[from_b + i], p);
  if (p == 2) return std::sqrt(sum);
  return p == 0 || p == 1 || std::isinf(p) ? sum : std::pow(sum, 1 / p);
}

double log_add(double a, double b) {
  const double high = std::max(a, b);
  if (high == -INFINITY || std::isnan(a) || std::isnan(b)) return a + b;
  return high + std::log1p(std::exp(std::min(a, b) - high));
}

// Minus the logarithm of the probability of one sequence of labels, by the forward recursion.
// Source: A. Graves et al., Connectionist temporal classification, ICML 2006, section 4.1.
double path_loss(const Values& log_probs, int64_t first, int64_t row, int64_t steps,
                 const std::vector<int64_t>& labels, int64_t blank) {
  const auto width = static_cast<int64_t>(2 * labels.size() + 1);
  if (steps == 0) return width == 1 ? 0.0 : INFINITY;
  const auto label = [&](int64_t i) {
    return i % 2 == 0 ? blank : labels[static_cast<std::size_t>(i / 2)];
  };
  std::vector<double> alpha(static_cast<std::size_t>(width), -INFINITY);
  for (int64_t i = 0; i < std::min<int64_t>(width, 2); ++i) {
    alpha[static_cast<std::size_t>(i)] = log_probs[first + label(i)];
  }
  for (int64_t t = 1; t < steps; ++t) {
    for (int64_t i = width - 1; i >= 0; --i) {  // from the end: the others are those of t - 1
      const auto at = static_cast<std::size_t>(i);
      double sum = alpha[at];
      if (i > 0) sum = log_add(sum, alpha[at - 1]);
      if (i > 1 && label(i) != blank && label(i) != label(i - 2)) sum = log_add(sum, alpha[at - 2]);
      alpha[at] = sum + log_probs[first + t * row + label(i)];
    }
  }
  const double last = alpha.back();
  return -(width > 1 ? log_add(last, alpha[alpha.size() - 2]) : last);
}

bool within(const Dims& values, int64_t count, int64_t least, int64_t most) {
  return values.size() == count && std::all_of(values.begin(), values.end(), [=](int64_t value) {
           return value >= least && value <= most;
         });
}

}  // namespace

Tensor polygamma_few(int64_t n, const Tensor& input) {
  if (n < 1 || n > 100 || !is_few(input)) return {};
  const Values x(input);
  const Tensor out = empty(input.sizes(), input.dtype());
  double scale = n % 2 == 1 ? 1 : -1;
  for (int64_t k = 2; k <= n; ++k) scale *= static_cast<double>(k);
  for (int64_t i = 0; i < out.numel(); ++i) {
    if (x[i] < -1e4) return {};
    put(out, i, scale * zeta(n + 1, x[i]));
  }
  return out;
}

Tensor cdist_few(const Tensor& x1, const Tensor& x2, double p) {
  if (!is_few(x1) || !is_few(x2) || x1.dim() < 2 || x1.dim() != x2.dim() || p < 0 ||
      x1.dtype() != x2.dtype() || x1.size(-1) != x2.size(-1)) {
    return {};
  }
  Dims shape = x1.sizes();
  shape[x1.dim() - 1] = x2.size(-2);
  for (int64_t d = 0; d + 2 < x1.dim(); ++d) {
    if (x1.sizes()[d] != x2.sizes()[d]) return {};
  }
  const int64_t rows = x1.size(-2), others = x2.size(-2), columns = x1.size(-1);
  const Tensor out = empty(shape, x1.dtype());
  const Values a(x1), b(x2);
  for (int64_t i = 0; i < out.numel(); ++i) {
    const int64_t row = i / others;  // among those of all batches
    put(out, i,
        distance(a, row * columns, b, (row / rows * others + i % others) * columns, columns, p));
  }
  return out;
}

Tensor pdist_few(const Tensor& input, double p) {
  if (!is_few(input) || input.dim() != 2 || p < 0) return {};
  const int64_t rows = input.size(0), columns = input.size(1);
  const Tensor out = empty({rows > 0 ? rows * (rows - 1) / 2 : 0}, input.dtype());
  const Values x(input);
  int64_t at = 0;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = i + 1; j < rows; ++j) {
      put(out, at++, distance(x, i * columns, x, j * columns, columns, p));
    }
  }
  return out;
}

Tensor ctc_losses_few(const Tensor& log_probs, const Tensor& targets, const Dims& input_lengths,
                      const Dims& target_lengths, int64_t blank) {
  if (!is_few(log_probs) || log_probs.dim() != 3 || targets.dtype() != DType::kInt64 ||
      targets.dim() > 2 || !targets.device().is_cpu()) {
    return {};
  }
  const int64_t time = log_probs.size(0), count = log_probs.size(1), classes = log_probs.size(2);
  const bool padded = targets.dim() == 2;
  const int64_t longest = padded ? targets.size(1) : targets.numel();
  if (blank < 0 || blank >= classes || !within(input_lengths, count, 0, time) ||
      !within(target_lengths, count, 0, longest) || (padded && targets.size(0) != count)) {
    return {};
  }
  const Tensor flat = contiguous(targets);
  const Values values(log_probs);
  const Tensor out = empty({count}, log_probs.dtype());
  int64_t begin = 0;
  for (int64_t item = 0; item < count; ++item) {
    if (padded) begin = item * longest;
    const int64_t end = begin + target_lengths[item];
    if (end > flat.numel()) return {};
    const std::vector<int64_t> labels(flat.data<int64_t>() + begin, flat.data<int64_t>() + end);
    for (const int64_t label : labels) {
      if (label < 0 || label >= classes) return {};
    }
    put(out, item,
        path_loss(values, item * classes, count * classes, input_lengths[item], labels, blank));
    begin = end;
  }
  return out;
}

Tensor multi_margin_few(const Tensor& scores, const Tensor& classes, bool squared, double margin) {
  if (!is_few(scores) || scores.dim() != 2 || classes.dim() != 1 ||
      classes.dtype() != DType::kInt64 || !classes.device().is_cpu() ||
      classes.numel() != scores.size(0) || scores.size(1) == 0) {
    return {};
  }
  const int64_t columns = scores.size(1);
  const Tensor labels = contiguous(classes);
  const Values x(scores);
  const Tensor out = empty({scores.size(0)}, scores.dtype());
  for (int64_t row = 0; row < out.numel(); ++row) {
    const int64_t label = labels.data<int64_t>()[row];
    if (label < 0 || label >= columns) return {};
    double sum = 0;
    for (int64_t j = 0; j < columns; ++j) {
      if (j == label) continue;
      const double violation = margin - x[row * columns + label] + x[row * columns + j];
      if (violation <= 0) continue;
      sum += squared ? violation * violation : violation;
    }
    put(out, row, sum / static_cast<double>(columns));
  }
  return out;
}

namespace {

// For each position of a padded dimension the one it is read from, or -1: the value.
bool read_positions(std::string_view mode, int64_t size, int64_t before, int64_t after,
                    std::vector<int64_t>& from) {
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
  const Values x(input);
  const Tensor out = empty(shape, input.dtype());
  int64_t to = 0;
  for (int64_t base = 0; base < input.numel(); base += plane) {
    for (const int64_t d : from[0]) {
      for (const int64_t h : from[1]) {
        for (const int64_t w : from[2]) {
          const bool inside = d >= 0 && h >= 0 && w >= 0;
          put(out, to++, inside ? x[base + (d * sizes(1) + h) * sizes(0) + w] : value.value_or(0));
        }
      }
    }
  }
  return out;
}

Tensor polar_few(const Tensor& abs, const Tensor& angle) {
  if (!is_few(abs) || !is_few(angle) || abs.dtype() != angle.dtype() ||
      abs.sizes() != angle.sizes()) {
    return {};
  }
  const bool narrow = abs.dtype() == DType::kFloat32;
  const Tensor out = empty(abs.sizes(), narrow ? DType::kComplex64 : DType::kComplex128);
  const Values sizes(abs), angles(angle);
  for (int64_t i = 0; i < out.numel(); ++i) {
    const double re = sizes[i] * std::cos(angles[i]), im = sizes[i] * std::sin(angles[i]);
    if (narrow) {
      float* const to = static_cast<float*>(out.ptr()) + 2 * i;
      to[0] = static_cast<float>(re);
      to[1] = static_cast<float>(im);
    } else {
      double* const to = static_cast<double*>(out.ptr()) + 2 * i;
      to[0] = re;
      to[1] = im;
    }
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
