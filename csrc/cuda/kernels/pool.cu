// Pooling. Forward passes have a thread per window, backward passes a thread per image element that
// gathers from the windows that cover it, in their order: no atomics, the same bits every time.
#include <limits>

#include "cuda/gpu.h"
#include "cuda/kernels/accumulate.h"
#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

constexpr int kBlock = 256;

// The windows along one dimension.
struct Windows {
  int64_t in, out;
  int64_t kernel, stride, padding, dilation;  // kernel 0: adaptive

  __device__ int64_t first(int64_t o) const {  // inside the image
    if (kernel == 0) return o * in / out;
    const int64_t begin = start(o);
    return begin >= 0 ? begin : begin + (-begin + dilation - 1) / dilation * dilation;
  }
  __device__ int64_t end(int64_t o) const {
    if (kernel == 0) return ((o + 1) * in + out - 1) / out;
    return min(start(o) + (kernel - 1) * dilation + 1, in);
  }
  // Where elements are spread wider than the image, a window may have none but padding.
  __device__ bool has_elements(int64_t o) const { return first(o) < end(o); }
  __device__ int64_t step() const { return kernel == 0 ? 1 : dilation; }
  // Number of elements of an average; those in the padding count if they are asked for.
  __device__ int64_t counted(int64_t o, bool count_padding) const {
    if (!count_padding) return end(o) - first(o);
    return min(kernel, in + padding - start(o));
  }
  // Of the element where window o begins, perhaps outside of the image.
  __device__ int64_t start(int64_t o) const { return o * stride - padding; }

  // The windows that may cover element i.
  __device__ int64_t first_over(int64_t i) const {
    if (kernel == 0) return i * out / in;
    const int64_t distance = i + padding - (kernel - 1) * dilation;
    return distance <= 0 ? 0 : (distance + stride - 1) / stride;
  }
  __device__ int64_t last_over(int64_t i) const {
    if (kernel == 0) return ((i + 1) * out + in - 1) / in - 1;
    return min((i + padding) / stride, out - 1);
  }
  // Which of the window's elements i is; -1 if it lies between them.
  __device__ int64_t tap(int64_t o, int64_t i) const {
    if (kernel == 0) return i - first(o);
    const int64_t distance = i - start(o);
    return distance % dilation == 0 ? distance / dilation : -1;
  }
};

struct Geometry {
  int64_t planes, interleaved;
  Windows rows, columns;

  __device__ int64_t in_pixels() const { return rows.in * columns.in; }
  __device__ int64_t out_pixels() const { return rows.out * columns.out; }
};

Geometry geometry_of(const PoolArgs& a, bool adaptive = false) {
  const auto along = [&](int d) {
    return Windows{a.in_size[d], a.out_size[d], adaptive ? 0 : a.kernel[d],
                   a.stride[d],  a.padding[d],  a.dilation[d]};
  };
  return {a.planes, a.interleaved, along(0), along(1)};
}
LaunchShape windows_shape(const Geometry& g) {
  return {grid_for(g.planes * g.rows.out * g.columns.out, kBlock), kBlock};
}
LaunchShape pixels_shape(const Geometry& g) {
  return {grid_for(g.planes * g.rows.in * g.columns.in, kBlock), kBlock};
}

// Where element i in memory is, of images with `interleaved` planes each or of single planes, and
// back.
struct Pixel {
  int64_t plane, y, x;
};
__device__ Pixel pixel_at(int64_t i, const Geometry& g, int64_t height, int64_t width) {
  const int64_t pixel = i / g.interleaved;
  return {pixel / (height * width) * g.interleaved + i % g.interleaved, pixel / width % height,
          pixel % width};
}
__device__ int64_t place_of(const Geometry& g, int64_t plane, int64_t pixel, int64_t pixels) {
  return (plane / g.interleaved * pixels + pixel) * g.interleaved + plane % g.interleaved;
}
__device__ Pixel window_at(int64_t i, const Geometry& g) {
  return pixel_at(i, g, g.rows.out, g.columns.out);
}
__device__ Pixel element_at(int64_t i, const Geometry& g) {
  return pixel_at(i, g, g.rows.in, g.columns.in);
}
// The pixels of a plane of the input, `interleaved` elements apart.
template <class T>
__device__ const T* image_of(const Geometry& g, const T* in, int64_t plane) {
  return in + place_of(g, plane, 0, g.in_pixels());
}

// ---- Maxima.

// The maximum of a window that lies in the padding alone.
template <class A>
__device__ A smallest() {
  using Limits = std::numeric_limits<A>;
  return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
}

template <class T>
__global__ void max_kernel(Geometry g, const T* in, T* out, PoolIndex kind, void* index) {
  using A = Compute<T>;
  const int64_t i = global_index();
  if (i >= g.planes * g.out_pixels()) return;
  const Pixel window = window_at(i, g);
  const T* const image = image_of(g, in, window.plane);
  const int64_t top = g.rows.first(window.y), left = g.columns.first(window.x);
  int64_t best_y = top, best_x = left;
  A best = smallest<A>();
  for (int64_t y = top; y < g.rows.end(window.y); y += g.rows.step()) {
    for (int64_t x = left; x < g.columns.end(window.x); x += g.columns.step()) {
      const A value = static_cast<A>(image[(y * g.columns.in + x) * g.interleaved]);
      if (!(value > best) && !(value != value)) continue;
      best = value;
      best_y = y;
      best_x = x;
    }
  }
  out[i] = static_cast<T>(best);
  if (kind == PoolIndex::kFlat) {
    static_cast<int64_t*>(index)[i] = best_y * g.columns.in + best_x;
  } else if (kind == PoolIndex::kTap) {
    const int64_t tap =
        g.rows.tap(window.y, best_y) * g.columns.kernel + g.columns.tap(window.x, best_x);
    static_cast<uint8_t*>(index)[i] = static_cast<uint8_t>(tap);
  }
}

template <class T>
__global__ void max_backward_kernel(Geometry g, const T* grad_out, PoolIndex kind,
                                    const void* index, T* grad_in) {
  using A = Accumulator<T>;
  const int64_t i = global_index();
  if (i >= g.planes * g.in_pixels()) return;
  const Pixel at = element_at(i, g);
  const int64_t flat = at.y * g.columns.in + at.x;
  A sum = 0;
  for (int64_t oy = g.rows.first_over(at.y); oy <= g.rows.last_over(at.y); ++oy) {
    for (int64_t ox = g.columns.first_over(at.x); ox <= g.columns.last_over(at.x); ++ox) {
      const int64_t o = place_of(g, at.plane, oy * g.columns.out + ox, g.out_pixels());
      const int64_t ty = g.rows.tap(oy, at.y), tx = g.columns.tap(ox, at.x);
      if (ty < 0 || tx < 0) continue;
      const bool here = kind == PoolIndex::kFlat
                            ? static_cast<const int64_t*>(index)[o] == flat
                            : static_cast<const uint8_t*>(index)[o] == ty * g.columns.kernel + tx;
      if (here) sum += static_cast<A>(grad_out[o]);
    }
  }
  grad_in[i] = static_cast<T>(sum);
}

template <class T>
__global__ void max_gather_kernel(Geometry g, const T* in, PoolIndex kind, const void* index,
                                  T* out) {
  const int64_t i = global_index();
  if (i >= g.planes * g.out_pixels()) return;
  const Pixel window = window_at(i, g);
  if (!g.rows.has_elements(window.y) || !g.columns.has_elements(window.x)) {
    out[i] = T(0);
    return;
  }
  int64_t flat;
  if (kind == PoolIndex::kFlat) {
    flat = static_cast<const int64_t*>(index)[i];
  } else {
    const int64_t tap = static_cast<const uint8_t*>(index)[i];
    const int64_t y = g.rows.start(window.y) + tap / g.columns.kernel * g.rows.dilation;
    const int64_t x = g.columns.start(window.x) + tap % g.columns.kernel * g.columns.dilation;
    flat = y * g.columns.in + x;
  }
  out[i] = image_of(g, in, window.plane)[flat * g.interleaved];
}

// ---- Averages.

// What the sum of a window is divided by.
struct Divisor {
  bool count_padding;
  int64_t given;  // 0: the number of elements
  __device__ int64_t of(const Geometry& g, int64_t oy, int64_t ox) const {
    return given ? given : g.rows.counted(oy, count_padding) * g.columns.counted(ox, count_padding);
  }
};

template <class A>
__device__ A divided(A sum, int64_t divisor) {
  if constexpr (is_floating<A>) {
    return sum / static_cast<A>(divisor);
  } else {
    return static_cast<A>(static_cast<int64_t>(sum) / divisor);
  }
}

template <class T>
__global__ void average_kernel(Geometry g, Divisor divisor, const T* in, T* out) {
  using A = Accumulator<T>;
  const int64_t i = global_index();
  if (i >= g.planes * g.out_pixels()) return;
  const Pixel window = window_at(i, g);
  const T* const image = image_of(g, in, window.plane);
  A sum = 0;
  for (int64_t y = g.rows.first(window.y); y < g.rows.end(window.y); ++y) {
    for (int64_t x = g.columns.first(window.x); x < g.columns.end(window.x); ++x) {
      sum += static_cast<A>(image[(y * g.columns.in + x) * g.interleaved]);
    }
  }
  out[i] = static_cast<T>(divided(sum, divisor.of(g, window.y, window.x)));
}

template <class T>
__global__ void average_backward_kernel(Geometry g, Divisor divisor, const T* grad_out,
                                        T* grad_in) {
  using A = Accumulator<T>;
  const int64_t i = global_index();
  if (i >= g.planes * g.in_pixels()) return;
  const Pixel at = element_at(i, g);
  A sum = 0;
  for (int64_t oy = g.rows.first_over(at.y); oy <= g.rows.last_over(at.y); ++oy) {
    for (int64_t ox = g.columns.first_over(at.x); ox <= g.columns.last_over(at.x); ++ox) {
      const int64_t o = place_of(g, at.plane, oy * g.columns.out + ox, g.out_pixels());
      sum += divided(static_cast<A>(grad_out[o]), divisor.of(g, oy, ox));
    }
  }
  grad_in[i] = static_cast<T>(sum);
}

// ---- Entries of the table.

// Adaptive windows have no kernel.
Geometry geometry_for_positions(const PoolArgs& args) {
  return geometry_of(args, args.kernel[0] == 0);
}

Status max_of(const Geometry& g, DType dtype, const void* in, void* out, PoolIndex kind,
              void* index) {
  return by_dtype(Real{}, dtype, "max_pool2d", [&]<class T>() {
    return launch(windows_shape(g), max_kernel<T>, g, static_cast<const T*>(in),
                  static_cast<T*>(out), kind, index);
  });
}

Status max_pool(const PoolArgs& args, const void* in, void* out, PoolIndex kind, void* index) {
  return max_of(geometry_of(args), args.dtype, in, out, kind, index);
}

Status adaptive_max(const PoolArgs& args, const void* in, void* out, int64_t* index) {
  return max_of(geometry_of(args, true), args.dtype, in, out, PoolIndex::kFlat, index);
}

Status max_backward(const PoolArgs& args, const void* grad_out, PoolIndex kind, const void* index,
                    void* grad_in) {
  const Geometry g = geometry_for_positions(args);
  return by_dtype(Real{}, args.dtype, "max_pool2d_backward", [&]<class T>() {
    return launch(pixels_shape(g), max_backward_kernel<T>, g, static_cast<const T*>(grad_out), kind,
                  index, static_cast<T*>(grad_in));
  });
}

Status max_gather(const PoolArgs& args, const void* in, PoolIndex kind, const void* index,
                  void* out) {
  const Geometry g = geometry_for_positions(args);
  return by_dtype(Real{}, args.dtype, "max_pool2d_gather", [&]<class T>() {
    return launch(windows_shape(g), max_gather_kernel<T>, g, static_cast<const T*>(in), kind, index,
                  static_cast<T*>(out));
  });
}

using Averaged = Types<float, double, Half, BFloat16, int64_t>;

Status average_of(const Geometry& g, DType dtype, const Divisor& divisor, const void* in,
                  void* out) {
  return by_dtype(Averaged{}, dtype, "avg_pool2d", [&]<class T>() {
    return launch(windows_shape(g), average_kernel<T>, g, divisor, static_cast<const T*>(in),
                  static_cast<T*>(out));
  });
}
Status average_backward_of(const Geometry& g, DType dtype, const Divisor& divisor,
                           const void* grad_out, void* grad_in) {
  return by_dtype(FloatingAndHalf{}, dtype, "avg_pool2d_backward", [&]<class T>() {
    return launch(pixels_shape(g), average_backward_kernel<T>, g, divisor,
                  static_cast<const T*>(grad_out), static_cast<T*>(grad_in));
  });
}

Status average(const PoolArgs& args, bool count_padding, int64_t divisor, const void* in,
               void* out) {
  return average_of(geometry_of(args), args.dtype, {count_padding, divisor}, in, out);
}
Status average_backward(const PoolArgs& args, bool count_padding, int64_t divisor,
                        const void* grad_out, void* grad_in) {
  return average_backward_of(geometry_of(args), args.dtype, {count_padding, divisor}, grad_out,
                             grad_in);
}
Status adaptive_average(const PoolArgs& args, const void* in, void* out) {
  return average_of(geometry_of(args, true), args.dtype, {false, 0}, in, out);
}
Status adaptive_average_backward(const PoolArgs& args, const void* grad_out, void* grad_in) {
  return average_backward_of(geometry_of(args, true), args.dtype, {false, 0}, grad_out, grad_in);
}

}  // namespace

void fill_pool(PoolKernels& table) {
  table.max = max_pool;
  table.max_backward = max_backward;
  table.max_gather = max_gather;
  table.average = average;
  table.average_backward = average_backward;
  table.adaptive_max = adaptive_max;
  table.adaptive_average = adaptive_average;
  table.adaptive_average_backward = adaptive_average_backward;
}

}  // namespace tallow::cuda
