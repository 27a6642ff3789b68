// Resizing of small images, see few.h.
#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/record.h"
#include "ops/few.h"

namespace tallow::ops {

namespace {

constexpr int64_t kMostElements = 1024;

// The elements of one dimension that one of the result is made of, and their weights.
template <class T>
struct Taps {
  int64_t count;
  int64_t at[4];
  T weight[4];
};

enum class Mode : uint8_t { kNearest, kNearestExact, kLinear, kCubic };

struct Axis {
  int64_t length, size;
  double scale;  // steps in the input per step in the result
};

// Source: R. Keys, Cubic convolution interpolation for digital image processing, 1981.
template <class T>
T cubic_kernel(T x) {
  constexpr T a = T(-0.75);
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : T(0);
}

template <class T>
Taps<T> taps_of(const Axis& axis, int64_t i, Mode mode, bool align_corners) {
  const int64_t most = axis.length - 1;
  if (mode == Mode::kNearest || mode == Mode::kNearestExact) {
    // In float32, as PyTorch: another precision can pick the neighbour.
    const float shift = mode == Mode::kNearestExact ? 0.5F : 0.0F;
    const float at = (static_cast<float>(i) + shift) * static_cast<float>(axis.scale);
    const bool same = axis.size == axis.length && axis.scale == 1.0;
    const auto place = static_cast<int64_t>(std::floor(at));
    return {1, {same ? i : std::clamp<int64_t>(place, 0, most)}, {T(1)}};
  }
  const T scale = static_cast<T>(axis.scale);
  const T source =
      align_corners ? static_cast<T>(i) * scale : (static_cast<T>(i) + T(0.5)) * scale - T(0.5);
  if (mode == Mode::kCubic) {
    const T low = std::floor(source);
    Taps<T> taps{4, {}, {}};
    for (int64_t k = 0; k < 4; ++k) {
      const T step = static_cast<T>(k - 1);
      taps.at[k] = std::clamp<int64_t>(static_cast<int64_t>(low + step), 0, most);
      taps.weight[k] = cubic_kernel(source - low - step);
    }
    return taps;
  }
  const T inside = std::max(source, T(0));
  const T low = std::min(std::floor(inside), static_cast<T>(most));
  const auto first = static_cast<int64_t>(low);
  return {2, {first, std::min(first + 1, most)}, {1 - (inside - low), inside - low}};
}

template <class T>
void resize(const T* x, T* out, int64_t planes, const Axis (&axes)[3], Mode mode, bool align) {
  std::vector<Taps<T>> taps[3];
  for (int d = 0; d < 3; ++d) {
    // The dimensions that an image or a line lacks.
    const bool missing = axes[d].length == 1 && axes[d].size == 1;
    for (int64_t i = 0; i < axes[d].size; ++i) {
      taps[d].push_back(missing ? Taps<T>{1, {0}, {T(1)}} : taps_of<T>(axes[d], i, mode, align));
    }
  }
  const int64_t height = axes[1].length, width = axes[2].length;
  for (int64_t plane = 0; plane < planes; ++plane, x += axes[0].length * height * width) {
    for (const Taps<T>& z : taps[0]) {
      for (const Taps<T>& y : taps[1]) {
        for (const Taps<T>& c : taps[2]) {
          double sum = 0;
          for (int64_t i = 0; i < z.count; ++i) {
            for (int64_t j = 0; j < y.count; ++j) {
              const T* const row = x + (z.at[i] * height + y.at[j]) * width;
              double along = 0;
              for (int64_t k = 0; k < c.count; ++k) {
                along += static_cast<double>(c.weight[k]) * static_cast<double>(row[c.at[k]]);
              }
              sum += static_cast<double>(z.weight[i]) * static_cast<double>(y.weight[j]) * along;
            }
          }
          *out++ = static_cast<T>(sum);
        }
      }
    }
  }
}

// The mode by its name and the number of dimensions it is for.
std::optional<Mode> mode_of(std::string_view name, int64_t spatial) {
  if (name == "nearest") return Mode::kNearest;
  if (name == "nearest-exact") return Mode::kNearestExact;
  if (name == "bicubic" && spatial == 2) return Mode::kCubic;
  constexpr std::string_view kLinear[] = {"linear", "bilinear", "trilinear"};
  return name == kLinear[spatial - 1] ? std::optional(Mode::kLinear) : std::nullopt;
}

}  // namespace

Tensor interpolate_few(const Tensor& input, const std::optional<Dims>& size,
                       std::optional<double> scale_factor, std::string_view mode_name,
                       std::optional<bool> align_corners, std::optional<bool> recompute) {
  const int64_t spatial = input.dim() - 2;
  if (!input.device().is_cpu() || spatial < 1 || spatial > 3 || !input.is_contiguous() ||
      input.numel() == 0 || input.numel() > kMostElements || should_record({&input}) ||
      (input.dtype() != DType::kFloat32 && input.dtype() != DType::kFloat64)) {
    return {};
  }
  const auto mode = mode_of(mode_name, spatial);
  if (!mode || (*mode <= Mode::kNearestExact && align_corners)) return {};
  if (size.has_value() == scale_factor.has_value()) return {};
  if (size && (recompute.value_or(false) || size->size() != spatial)) return {};
  if (scale_factor && !(*scale_factor > 0 && *scale_factor <= 64)) return {};
  const bool align = align_corners.value_or(false);
  Axis axes[3] = {{1, 1, 1.0}, {1, 1, 1.0}, {1, 1, 1.0}};
  Dims shape = input.sizes();
  int64_t total = input.sizes()[0] * input.sizes()[1];
  const int64_t planes = total;
  for (int64_t d = 0; d < spatial; ++d) {
    Axis& axis = axes[3 - spatial + d];
    axis.length = input.sizes()[2 + d];
    axis.size =
        size ? (*size)[d]
             : static_cast<int64_t>(std::floor(static_cast<double>(axis.length) * *scale_factor));
    if (axis.size < 1 || axis.size > kMostElements) return {};
    // As in PyTorch, these copy a side that keeps its length, whatever the factor.
    const bool copies = *mode == Mode::kLinear || (*mode == Mode::kNearest && spatial == 2);
    const bool copied = copies && axis.size == axis.length;
    const bool by_sizes = size || recompute.value_or(false) || copied;
    axis.scale = by_sizes ? static_cast<double>(axis.length) / static_cast<double>(axis.size)
                          : 1.0 / *scale_factor;
    if (align) {
      axis.scale = axis.size > 1
                       ? static_cast<double>(axis.length - 1) / static_cast<double>(axis.size - 1)
                       : 0.0;
    }
    shape[2 + d] = axis.size;
    total *= axis.size;
    if (total > 4 * kMostElements) return {};
  }
  const Tensor out = empty(shape, input.dtype());
  if (input.dtype() == DType::kFloat32) {
    resize(input.data<float>(), out.data<float>(), planes, axes, *mode, align);
  } else {
    resize(input.data<double>(), out.data<double>(), planes, axes, *mode, align);
  }
  return out;
}

}  // namespace tallow::ops
