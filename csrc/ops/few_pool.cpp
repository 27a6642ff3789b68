// Pooling of few numbers in three dimensions, see few.h.
#include <algorithm>
#include <cmath>

#include "autograd/record.h"
#include "ops/copy.h"
#include "ops/few.h"

namespace tallow::ops {

namespace {

constexpr int64_t kMostElements = 1024;  // of the input
constexpr int64_t kMostWindows = 16;     // along one dimension

// The windows of one dimension: elements begin[o], begin[o] + step, ... before end[o], all inside.
struct Windows {
  int64_t size, count, step;
  int64_t begin[kMostWindows], end[kMostWindows];
  int64_t counted[kMostWindows];  // elements that an average divides by
};
// Of height and width, or of depth, height and width; images have a depth of 1.
struct Boxes {
  Windows depth, height, width;
};

bool is_few(const Tensor& x, int64_t spatial) {
  return x.device().is_cpu() && (x.dtype() == DType::kFloat32 || x.dtype() == DType::kFloat64) &&
         (x.dim() == spatial + 1 || x.dim() == spatial + 2) && x.numel() > 0 &&
         x.numel() <= kMostElements && !should_record({&x});
}

// Number d of a list of one for all dimensions, or of `count`.
bool is_list(const Dims& values, int64_t count) {
  return values.size() == 1 || values.size() == count;
}
int64_t pick(const Dims& values, int64_t d) { return values.size() == 1 ? values[0] : values[d]; }

struct Step {
  int64_t kernel, stride, padding, dilation;
};

// As many windows of one size as fit; false for arguments that are to be refused.
bool slide(const Step& at, bool ceil_mode, bool count_padding, Windows& windows) {
  if (at.kernel < 1 || at.stride < 1 || at.dilation < 1 || at.padding < 0) return false;
  if (std::max({at.kernel, at.stride, at.dilation, at.padding}) > kMostElements) return false;
  const int64_t reach = at.dilation * (at.kernel - 1) + 1;
  if (at.padding > reach / 2) return false;
  const int64_t span = windows.size + 2 * at.padding - reach;
  if (span < 0) return false;
  windows.count = (span + (ceil_mode ? at.stride - 1 : 0)) / at.stride + 1;
  if (ceil_mode && (windows.count - 1) * at.stride >= windows.size + at.padding) --windows.count;
  if (windows.count > kMostWindows) return false;
  windows.step = at.dilation;
  for (int64_t o = 0; o < windows.count; ++o) {
    const int64_t first = o * at.stride - at.padding;
    const int64_t last = std::min(first + reach, windows.size + at.padding);
    const int64_t skipped = first < 0 ? (-first + at.dilation - 1) / at.dilation : 0;
    windows.begin[o] = first + skipped * at.dilation;
    windows.end[o] = std::min(last, windows.size);
    if (windows.begin[o] >= windows.end[o]) return false;
    windows.counted[o] = count_padding ? last - first : windows.end[o] - windows.begin[o];
  }
  return true;
}

bool slide_volume(const Tensor& x, const Dims& kernel, const Dims& stride, const Dims& padding,
                  const Dims& dilation, bool ceil_mode, bool count_padding, Boxes& boxes) {
  const Dims& step = stride.empty() ? kernel : stride;
  if (!is_list(kernel, 3) || !is_list(step, 3) || !is_list(padding, 3) || !is_list(dilation, 3)) {
    return false;
  }
  Windows* const all[] = {&boxes.depth, &boxes.height, &boxes.width};
  for (int64_t d = 0; d < 3; ++d) {
    all[d]->size = x.sizes()[x.dim() - 3 + d];
    const Step at{pick(kernel, d), pick(step, d), pick(padding, d), pick(dilation, d)};
    if (!slide(at, ceil_mode, count_padding, *all[d])) return false;
  }
  return true;
}

bool divide_volume(const Tensor& x, const Dims& output_size, Boxes& boxes) {
  if (output_size.size() != 3) return false;
  Windows* const all[] = {&boxes.depth, &boxes.height, &boxes.width};
  for (int64_t d = 0; d < 3; ++d) {
    Windows& windows = *all[d];
    const int64_t size = windows.size = x.sizes()[x.dim() - 3 + d];
    const int64_t count = windows.count = output_size[d];
    if (count < 1 || count > kMostWindows) return false;
    windows.step = 1;
    for (int64_t o = 0; o < count; ++o) {
      windows.begin[o] = o * size / count;
      windows.end[o] = ((o + 1) * size + count - 1) / count;
      windows.counted[o] = windows.end[o] - windows.begin[o];
    }
  }
  return true;
}

template <class Visit>
void for_box(const Boxes& boxes, int64_t d, int64_t h, int64_t w, const Visit& visit) {
  const Windows &depth = boxes.depth, &height = boxes.height, &width = boxes.width;
  for (int64_t z = depth.begin[d]; z < depth.end[d]; z += depth.step) {
    for (int64_t y = height.begin[h]; y < height.end[h]; y += height.step) {
      for (int64_t x = width.begin[w]; x < width.end[w]; x += width.step) {
        visit((z * height.size + y) * width.size + x);
      }
    }
  }
}

// Calls visit(window, d, h, w) for the windows of one plane, in order.
template <class Visit>
void for_windows(const Boxes& boxes, const Visit& visit) {
  int64_t window = 0;
  for (int64_t d = 0; d < boxes.depth.count; ++d) {
    for (int64_t h = 0; h < boxes.height.count; ++h) {
      for (int64_t w = 0; w < boxes.width.count; ++w) visit(window++, d, h, w);
    }
  }
}

int64_t windows_of(const Boxes& boxes) {
  return boxes.depth.count * boxes.height.count * boxes.width.count;
}
int64_t pixels_of(const Boxes& boxes) {
  return boxes.depth.size * boxes.height.size * boxes.width.size;
}

Dims pooled_shape(const Tensor& x, const Boxes& boxes, int64_t spatial) {
  Dims shape = x.sizes();
  const int64_t counts[] = {boxes.depth.count, boxes.height.count, boxes.width.count};
  for (int64_t d = 0; d < spatial; ++d) shape[x.dim() - spatial + d] = counts[3 - spatial + d];
  return shape;
}

template <class T>
void average_planes(const T* x, T* out, int64_t planes, const Boxes& boxes) {
  const int64_t windows = windows_of(boxes);
  for (int64_t plane = 0; plane < planes; ++plane, x += pixels_of(boxes), out += windows) {
    for_windows(boxes, [&](int64_t window, int64_t d, int64_t h, int64_t w) {
      double sum = 0;
      for_box(boxes, d, h, w, [&](int64_t at) { sum += static_cast<double>(x[at]); });
      const int64_t count =
          boxes.depth.counted[d] * boxes.height.counted[h] * boxes.width.counted[w];
      out[window] = static_cast<T>(sum / static_cast<double>(count));
    });
  }
}

// The first of equal maxima, or the last NaN.
template <class T>
void plane_maxima(const T* x, T* out, int64_t* places, const Boxes& boxes) {
  for_windows(boxes, [&](int64_t window, int64_t d, int64_t h, int64_t w) {
    int64_t place = -1;
    for_box(boxes, d, h, w, [&](int64_t at) {
      if (place < 0 || x[at] > x[place] || std::isnan(x[at])) place = at;
    });
    out[window] = x[place];
    places[window] = place;
  });
}

Tensor average(const Tensor& input, const Boxes& boxes) {
  const Tensor x = contiguous(input);
  const Tensor out = empty(pooled_shape(x, boxes, 3), x.dtype());
  const int64_t planes = x.numel() / pixels_of(boxes);
  if (x.dtype() == DType::kFloat32) {
    average_planes(x.data<float>(), out.data<float>(), planes, boxes);
  } else {
    average_planes(x.data<double>(), out.data<double>(), planes, boxes);
  }
  return out;
}

// `set_boxes(plane)` changes the boxes before each plane.
template <class SetBoxes>
std::tuple<Tensor, Tensor> maxima(const Tensor& input, const Boxes& boxes, int64_t spatial,
                                  const SetBoxes& set_boxes) {
  const Tensor x = contiguous(input);
  const Dims shape = pooled_shape(x, boxes, spatial);
  const Tensor out = empty(shape, x.dtype());
  const Tensor places = empty(shape, DType::kInt64);
  const int64_t windows = windows_of(boxes);
  for (int64_t plane = 0; plane < x.numel() / pixels_of(boxes); ++plane) {
    set_boxes(plane);
    const int64_t from = plane * pixels_of(boxes);
    const int64_t to = plane * windows;
    int64_t* const at = places.data<int64_t>() + to;
    if (x.dtype() == DType::kFloat32) {
      plane_maxima(x.data<float>() + from, out.data<float>() + to, at, boxes);
    } else {
      plane_maxima(x.data<double>() + from, out.data<double>() + to, at, boxes);
    }
  }
  return {out, places};
}

// Source: B. Graham, Fractional max-pooling, 2014.
template <class T>
void scatter_windows(T sample, int64_t kernel, Windows& windows) {
  const int64_t last = windows.size - kernel;
  const T alpha =
      windows.count > 1
          ? static_cast<T>(static_cast<double>(last) / static_cast<double>(windows.count - 1))
          : T(0);
  windows.step = 1;
  for (int64_t o = 0; o < windows.count; ++o) {
    const auto moved = static_cast<int64_t>((static_cast<T>(o) + sample) * alpha) -
                       static_cast<int64_t>(sample * alpha);
    windows.begin[o] = o + 1 == windows.count ? last : std::clamp<int64_t>(moved, 0, last);
    windows.end[o] = windows.begin[o] + kernel;
  }
}

}  // namespace

Tensor avg_pool3d_few(const Tensor& input, const Dims& kernel_size, const Dims& stride,
                      const Dims& padding, bool ceil_mode, bool count_include_pad) {
  Boxes boxes;
  if (!is_few(input, 3) || !slide_volume(input, kernel_size, stride, padding, {1}, ceil_mode,
                                         count_include_pad, boxes)) {
    return {};
  }
  for (int64_t d = 0; d < 3; ++d) {  // larger windows are refused
    if (input.sizes()[input.dim() - 3 + d] < pick(kernel_size, d)) return {};
  }
  return average(input, boxes);
}

std::tuple<Tensor, Tensor> max_pool3d_few(const Tensor& input, const Dims& kernel_size,
                                          const Dims& stride, const Dims& padding,
                                          const Dims& dilation, bool ceil_mode) {
  Boxes boxes;
  if (!is_few(input, 3) ||
      !slide_volume(input, kernel_size, stride, padding, dilation, ceil_mode, false, boxes)) {
    return {};
  }
  return maxima(input, boxes, 3, [](int64_t) {});
}

Tensor adaptive_avg_pool3d_few(const Tensor& input, const Dims& output_size) {
  Boxes boxes;
  if (!is_few(input, 3) || !divide_volume(input, output_size, boxes)) return {};
  return average(input, boxes);
}

std::tuple<Tensor, Tensor> adaptive_max_pool3d_few(const Tensor& input, const Dims& output_size) {
  Boxes boxes;
  if (!is_few(input, 3) || !divide_volume(input, output_size, boxes)) return {};
  return maxima(input, boxes, 3, [](int64_t) {});
}

std::tuple<Tensor, Tensor> fractional_max_pool_few(const Tensor& input, const Dims& kernel_size,
                                                   const Dims& output_size, const Tensor& samples) {
  const int64_t spatial = samples.dim() == 3 ? samples.sizes()[2] : 0;
  if ((spatial != 2 && spatial != 3) || !is_few(input, spatial) || !is_few(samples, 1) ||
      samples.dtype() != input.dtype() || kernel_size.size() != spatial ||
      output_size.size() != spatial) {
    return {};
  }
  const bool batched = input.dim() == spatial + 2;
  const int64_t channels = input.sizes()[batched ? 1 : 0];
  if (samples.sizes()[0] < (batched ? input.sizes()[0] : 1) || samples.sizes()[1] < channels) {
    return {};
  }
  Boxes boxes;
  boxes.depth = {1, 1, 1, {0}, {1}, {1}};
  Windows* const all[] = {&boxes.depth, &boxes.height, &boxes.width};
  for (int64_t d = 0; d < spatial; ++d) {
    Windows& windows = *all[3 - spatial + d];
    windows.size = input.sizes()[input.dim() - spatial + d];
    windows.count = output_size[d];
    const int64_t kernel = kernel_size[d];
    if (kernel < 1 || kernel > windows.size || windows.count < 1 || windows.count > kMostWindows ||
        windows.count + kernel - 1 > windows.size) {
      return {};
    }
  }
  const Dims& steps = samples.strides();
  return maxima(input, boxes, spatial, [&](int64_t plane) {
    const int64_t at = plane / channels * steps[0] + plane % channels * steps[1];
    for (int64_t d = 0; d < spatial; ++d) {
      // The last random number is for the first dimension of volumes, in PyTorch's order.
      const int64_t column = spatial == 3 ? d : 1 - d;
      const int64_t place = at + column * steps[2];
      Windows& windows = *all[3 - spatial + d];
      if (samples.dtype() == DType::kFloat32) {
        scatter_windows(samples.data<float>()[place], kernel_size[d], windows);
      } else {
        scatter_windows(samples.data<double>()[place], kernel_size[d], windows);
      }
    }
  });
}

}  // namespace tallow::ops
