// Distances and losses of few numbers, see few.h.
#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/few.h"
#include "ops/few_values.h"

namespace tallow::ops {

namespace {

double distance(const Values& a, int64_t from_a, const Values& b, int64_t from_b, int64_t columns,
                double p) {
  double sum = 0;
  for (int64_t i = 0; i < columns; ++i) {
    const double size = std::abs(a[from_a + i] - b[from_b + i]);
    if (p == 2) {
      sum += size * size;
    } else if (p == 1) {
      sum += size;
    } else if (p == 0) {
      sum += size != 0 ? 1 : 0;
    } else if (std::isinf(p)) {
      sum = size > sum || std::isnan(size) ? size : sum;
    } else {
      sum += std::pow(size, p);
    }
  }
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

Tensor multilabel_margin_few(const Tensor& scores, const Tensor& classes) {
  if (!is_few(scores) || scores.dim() != 2 || classes.sizes() != scores.sizes() ||
      classes.dtype() != DType::kInt64 || !classes.device().is_cpu() || scores.size(1) == 0) {
    return {};
  }
  const int64_t columns = scores.size(1);
  const Tensor labels = contiguous(classes);
  const Values x(scores);
  const Tensor out = empty({scores.size(0)}, scores.dtype());
  for (int64_t row = 0; row < out.numel(); ++row) {
    const int64_t* const label = labels.data<int64_t>() + row * columns;
    for (int64_t j = 0; j < columns; ++j) {
      if (label[j] < -1 || label[j] >= columns) return {};
    }
    const int64_t* const end = std::find(label, label + columns, int64_t{-1});
    double sum = 0;
    for (int64_t j = 0; j < columns; ++j) {
      if (std::find(label, end, j) != end) continue;
      for (const int64_t* right = label; right != end; ++right) {
        const double violation = 1 - x[row * columns + *right] + x[row * columns + j];
        sum += violation > 0 || std::isnan(violation) ? violation : 0;
      }
    }
    put(out, row, sum / static_cast<double>(columns));
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
      if (violation <= 0) continue;  // a NaN stays
      sum += squared ? violation * violation : violation;
    }
    put(out, row, sum / static_cast<double>(columns));
  }
  return out;
}

}  // namespace tallow::ops
