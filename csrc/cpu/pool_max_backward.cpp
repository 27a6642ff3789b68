// Derivatives of maximum pooling: gradients go to the stored positions, or are picked up there.
#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/move.h"
#include "cpu/pool.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Positions of the maxima of one plane, in order; taps become positions by a table.
struct Positions {
  const PoolArgs& args;
  PoolIndex kind;
  const void* index;
  const int32_t* tap_offset;  // flat distance of each tap from tap 0

  // Whether a row or column of windows has elements of the image: where they are spread wider than
  // the image, it may have none but padding, and the position means nothing.
  TALLOW_INLINE bool has_elements(int dimension, int64_t window) const {
    if (args.dilation[dimension] <= 1) return true;
    const TapRange taps(args, dimension, window);
    return taps.begin < taps.end;
  }

  // Calls body(output pixel, input pixel) for all windows of a plane that have elements.
  template <class Body>
  TALLOW_INLINE void each(int64_t plane, const Body& body) const {
    const int64_t rows = args.out_size[0];
    const int64_t columns = args.out_size[1];
    const int64_t* const flat = static_cast<const int64_t*>(index) + plane * rows * columns;
    const uint8_t* const taps = static_cast<const uint8_t*>(index) + plane * rows * columns;
    for (int64_t y = 0, o = 0; y < rows; ++y) {
      int64_t corner = (y * args.stride[0] - args.padding[0]) * args.in_size[1] - args.padding[1];
      const bool row = has_elements(0, y);
      for (int64_t x = 0; x < columns; ++x, ++o, corner += args.stride[1]) {
        if (!row || !has_elements(1, x)) continue;
        body(o, kind == PoolIndex::kFlat ? flat[o] : corner + tap_offset[taps[o]]);
      }
    }
  }
};

void list_tap_offsets(const PoolArgs& args, int32_t (&offsets)[256]) {
  const int64_t taps = args.kernel[0] * args.kernel[1];
  for (int64_t t = 0; t < 256 && t < taps; ++t) {
    offsets[t] = static_cast<int32_t>(t / args.kernel[1] * args.dilation[0] * args.in_size[1] +
                                      t % args.kernel[1] * args.dilation[1]);
  }
}

// The taps of neighbouring windows, and the gradients at these.
struct TapGrads {
  Vec<int32_t> tap;
  Vec<float> grad;
  TALLOW_INLINE TapGrads(const uint8_t* taps, const float* grads, int64_t count) {
    TapBytes<int32_t> bytes{};
    if (count >= kLanes<float>) {
      std::memcpy(&bytes, taps, sizeof(bytes));
    } else {
      const Vec<uint8_t> some = load_partial(taps, static_cast<int>(larger(count, 0)));
      std::memcpy(&bytes, &some, sizeof(bytes));
    }
    tap = taps_of(bytes);
    grad = count > 0 ? load_row(grads, count) : Vec<float>{};
  }
  // The gradients of the windows whose maximum is at tap `t`.
  TALLOW_INLINE Vec<float> at(int32_t t) const { return tap == t ? grad : Vec<float>{}; }
};

// Windows two columns wide that do not overlap.
TALLOW_INLINE bool are_apart(const PoolArgs& args) {
  for (int d = 0; d < 2; ++d) {
    if (args.stride[d] != args.kernel[d] || args.padding[d] != 0 || args.dilation[d] != 1 ||
        args.out_size[d] * args.stride[d] > args.in_size[d]) {
      return false;
    }
  }
  return args.kernel[1] == 2;
}

// Each window writes its own elements, all but one zero.
void spread_apart(const PoolArgs& args, const float* grad_out, const uint8_t* taps,
                  float* grad_in) {
  const int64_t columns = args.out_size[1];
  const int64_t width = args.in_size[1];
  const int64_t rows = args.kernel[0];
  for (int64_t y = 0; y < args.out_size[0]; ++y) {
    float* const top = grad_in + rows * y * width;
    for (int64_t x = 0; x < columns; x += kLanes<float>) {
      const TapGrads at(taps + y * columns + x, grad_out + y * columns + x, columns - x);
      for (int64_t i = 0; i < rows; ++i) {
        store_interleaved(top + i * width + 2 * x, at.at(static_cast<int32_t>(2 * i)),
                          at.at(static_cast<int32_t>(2 * i + 1)), 2 * (columns - x));
      }
    }
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t x = 2 * columns; x < width; ++x) top[i * width + x] = 0.0f;
    }
  }
  for (int64_t i = rows * args.out_size[0] * width; i < args.in_size[0] * width; ++i) {
    grad_in[i] = 0.0f;
  }
}

// Windows of 3 x 3 at stride 2 with a border of 1: row 2 p of the image is row 1 of the windows p,
// row 2 p + 1 their row 2 and row 0 of the windows p + 1; columns likewise.
TALLOW_INLINE bool are_three_by_three(const PoolArgs& args) {
  for (int d = 0; d < 2; ++d) {
    if (args.kernel[d] != 3 || args.stride[d] != 2 || args.padding[d] != 1 ||
        args.dilation[d] != 1 || args.out_size[d] != (args.in_size[d] + 1) / 2) {
      return false;
    }
  }
  return true;
}

// In the order of the windows, as they would be added one by one.
void spread_three_by_three(const PoolArgs& args, const float* grad_out, const uint8_t* taps,
                           float* grad_in) {
  const int64_t columns = args.out_size[1];
  const int64_t width = args.in_size[1];
  for (int64_t y = 0; y < args.in_size[0]; ++y) {
    const int64_t window_row = y / 2 * columns;
    const bool odd_row = y % 2 != 0;
    // Two rows of windows at most; `first` is the row of theirs that this one is.
    const int32_t first = odd_row ? 6 : 3;
    const bool second = odd_row && y / 2 + 1 < args.out_size[0];
    for (int64_t x = 0; x < columns; x += kLanes<float>) {
      Vec<float> even{}, odd{};
      const auto add = [&](int64_t from, int32_t tap) {
        const TapGrads own(taps + from, grad_out + from, columns - x);
        const TapGrads next(taps + from + 1, grad_out + from + 1, columns - x - 1);
        even += own.at(tap + 1);
        odd += own.at(tap + 2);
        odd += next.at(tap);
      };
      add(window_row + x, first);
      if (second) add(window_row + columns + x, 0);
      store_interleaved(grad_in + y * width + 2 * x, even, odd, width - 2 * x);
    }
  }
}

// ---- Interleaved planes: a block of channels of every pixel at a time.

inline constexpr int64_t kBlockChannels = 64;

// Calls body(first element of the channels among the outputs, among the inputs, channels) for
// blocks of channels of all images.
template <class Body>
void for_channel_blocks(const PoolArgs& args, const Body& body) {
  const int64_t channels = args.interleaved;
  const int64_t blocks = (channels + kBlockChannels - 1) / kBlockChannels;
  parallel_for(args.planes / channels * blocks, 65536 / (in_pixels(args) * kBlockChannels) + 1,
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) {
                   const int64_t c = t % blocks * kBlockChannels;
                   const int64_t image = t / blocks * channels;
                   body(image * out_pixels(args) + c, image * in_pixels(args) + c,
                        smaller(channels - c, kBlockChannels));
                 }
               });
}

// Calls body(output pixel, channel of the block, input pixel) in the order of the pixels, for the
// windows that have elements.
template <class Body>
TALLOW_INLINE void each_position(const Positions& positions, int64_t first, int64_t channels,
                                 const Body& body) {
  const PoolArgs& args = positions.args;
  for (int64_t o = 0; o < out_pixels(args); ++o) {
    if (!positions.has_elements(0, o / args.out_size[1])) continue;
    if (!positions.has_elements(1, o % args.out_size[1])) continue;
    const int64_t at = first + o * args.interleaved;
    const int64_t* const flat = static_cast<const int64_t*>(positions.index) + at;
    const uint8_t* const taps = static_cast<const uint8_t*>(positions.index) + at;
    const int64_t y = o / args.out_size[1] * args.stride[0] - args.padding[0];
    const int64_t corner =
        y * args.in_size[1] + o % args.out_size[1] * args.stride[1] - args.padding[1];
    const bool is_flat = positions.kind == PoolIndex::kFlat;
    for (int64_t c = 0; c < channels; ++c) {
      body(o, c, is_flat ? flat[c] : corner + positions.tap_offset[taps[c]]);
    }
  }
}

template <class T>
Status interleaved_backward(const Positions& positions, const T* grad_out, T* grad_in) {
  using C = Compute<T>;
  const PoolArgs& args = positions.args;
  constexpr bool kInPlace = sizeof(T) == sizeof(C);
  const int64_t step = args.interleaved;
  int64_t failed = 0;
  for_channel_blocks(args, [&](int64_t from, int64_t to, int64_t channels) {
    const Scratch<C> wide(kInPlace ? 0 : in_pixels(args) * channels);
    if (!kInPlace && !wide) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    C* sums = wide.get();
    int64_t pitch = channels;
    if constexpr (kInPlace) {
      sums = grad_in + to;
      pitch = step;
    }
    for (int64_t i = 0; i < in_pixels(args); ++i) {
      for (int64_t c = 0; c < channels; ++c) sums[i * pitch + c] = C(0);
    }
    each_position(positions, from, channels, [&](int64_t o, int64_t c, int64_t i) {
      sums[i * pitch + c] += static_cast<C>(grad_out[from + o * step + c]);
    });
    for (int64_t i = 0; !kInPlace && i < in_pixels(args); ++i) {
      for (int64_t c = 0; c < channels; ++c) {
        grad_in[to + i * step + c] = static_cast<T>(sums[i * pitch + c]);
      }
    }
  });
  return failed ? out_of_memory(in_pixels(args) * kBlockChannels * static_cast<int64_t>(sizeof(C)))
                : Status::kOk;
}

// The gradients of `Vectors` vectors of channels of one element: the sum over the windows that
// cover it, in their order.
template <int Vectors>
TALLOW_INLINE void collect_channels(const PoolArgs& args, const Covering& rows,
                                    const Covering& columns, int64_t tap, const float* grad_out,
                                    const uint8_t* taps, float* to) {
  constexpr int kW = kLanes<float>;
  Vec<float> sum[Vectors] = {};
  for (int64_t oy = rows.first; oy <= rows.last; ++oy) {
    for (int64_t ox = columns.first; ox <= columns.last; ++ox) {
      const int64_t from = (oy * args.out_size[1] + ox) * args.interleaved;
      const int32_t own =
          static_cast<int32_t>(tap - oy * args.stride[0] * args.kernel[1] - ox * args.stride[1]);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) {
        sum[v] += TapGrads(taps + from + v * kW, grad_out + from + v * kW, kW).at(own);
      }
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < Vectors; ++v) store(to + v * kW, sum[v]);
}

// Worth it for whole vectors of images that fit the cache: elsewhere an image at a time, filled
// with zeros first, comes faster.
bool is_collected(const Positions& positions) {
  const PoolArgs& args = positions.args;
  return positions.kind == PoolIndex::kTap && args.dilation[0] == 1 && args.dilation[1] == 1 &&
         args.interleaved % kLanes<float> == 0 &&
         args.planes * in_pixels(args) * static_cast<int64_t>(sizeof(float)) < kStreamBytes;
}

void collect_interleaved(const PoolArgs& args, const float* grad_out, const uint8_t* taps,
                         float* grad_in) {
  constexpr int kW = kLanes<float>;
  const int64_t channels = args.interleaved;
  const int64_t height = args.in_size[0];
  const int64_t width = args.in_size[1];
  const auto collect_row = [&](int64_t image, int64_t y) {
    const Covering rows(args, 0, y);
    const int64_t first = image * out_pixels(args) * channels;
    for (int64_t x = 0; x < width; ++x) {
      const Covering columns(args, 1, x);
      const int64_t tap = (y + args.padding[0]) * args.kernel[1] + x + args.padding[1];
      float* const to = grad_in + (image * in_pixels(args) + y * width + x) * channels;
      int64_t c = 0;
      for (; c + 4 * kW <= channels; c += 4 * kW) {
        collect_channels<4>(args, rows, columns, tap, grad_out + first + c, taps + first + c,
                            to + c);
      }
      for (; c < channels; c += kW) {
        collect_channels<1>(args, rows, columns, tap, grad_out + first + c, taps + first + c,
                            to + c);
      }
    }
  };
  parallel_for(args.planes / channels * height, 65536 / (width * channels) + 1,
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) collect_row(t / height, t % height);
               });
}

template <class T>
void interleaved_gather(const Positions& positions, const T* in, T* out) {
  const int64_t step = positions.args.interleaved;
  for_channel_blocks(positions.args, [&](int64_t to, int64_t from, int64_t channels) {
    each_position(positions, to, channels, [&](int64_t o, int64_t c, int64_t i) {
      out[to + o * step + c] = in[from + i * step + c];
    });
  });
}

// ---- Planes one by one.

template <class T>
Status max_backward_typed(const PoolArgs& args, const T* grad_out, PoolIndex kind,
                          const void* index, T* grad_in) {
  using C = Compute<T>;
  const int64_t in_pixels = args.in_size[0] * args.in_size[1];
  const int64_t out_pixels = args.out_size[0] * args.out_size[1];
  int32_t offsets[256];
  list_tap_offsets(args, offsets);
  const Positions positions{args, kind, index, offsets};
  if (interleaved(args)) {
    if constexpr (dtype_of<T> == DType::kFloat32) {
      if (is_collected(positions)) {
        collect_interleaved(args, grad_out, static_cast<const uint8_t*>(index), grad_in);
        return Status::kOk;
      }
    }
    return interleaved_backward(positions, grad_out, grad_in);
  }
  const bool in_place = sizeof(T) == sizeof(C);
  [[maybe_unused]] const bool apart = are_apart(args);
  [[maybe_unused]] const bool fast = kind == PoolIndex::kTap && (apart || are_three_by_three(args));
  int64_t failed = 0;
  parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
    const Scratch<C> wide(in_place ? 0 : in_pixels);
    if (!in_place && !wide) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t plane = begin; plane < end; ++plane) {
      const T* const from = grad_out + plane * out_pixels;
      T* const to = grad_in + plane * in_pixels;
      C* sums = wide.get();
      if constexpr (sizeof(T) == sizeof(C)) sums = to;
      if constexpr (dtype_of<T> == DType::kFloat32) {
        if (fast) {
          (apart ? spread_apart : spread_three_by_three)(
              args, from, static_cast<const uint8_t*>(index) + plane * out_pixels, to);
          continue;
        }
      }
      for (int64_t i = 0; i < in_pixels; ++i) sums[i] = C(0);
      positions.each(plane, [&](int64_t o, int64_t i) { sums[i] += static_cast<C>(from[o]); });
      if constexpr (sizeof(T) != sizeof(C)) {
        for (int64_t i = 0; i < in_pixels; ++i) to[i] = static_cast<T>(sums[i]);
      }
    }
  });
  return failed ? out_of_memory(in_pixels * static_cast<int64_t>(sizeof(C))) : Status::kOk;
}

Status max_backward(const PoolArgs& args, const void* grad_out, PoolIndex kind, const void* index,
                    void* grad_in) {
  return dispatch(FloatingAndHalf{}, args.dtype, "max_pool2d_backward", [&]<class T>() -> Status {
    return max_backward_typed(args, static_cast<const T*>(grad_out), kind, index,
                              static_cast<T*>(grad_in));
  });
}

Status max_gather(const PoolArgs& args, const void* in, PoolIndex kind, const void* index,
                  void* out) {
  return dispatch(FloatingAndHalf{}, args.dtype, "max_pool2d_gather", [&]<class T>() -> Status {
    if (args.dilation[0] > 1 || args.dilation[1] > 1) {  // windows that have no elements
      std::memset(out, 0, sizeof(T) * static_cast<size_t>(args.planes * out_pixels(args)));
    }
    const int64_t in_pixels = args.in_size[0] * args.in_size[1];
    const int64_t out_pixels = args.out_size[0] * args.out_size[1];
    int32_t offsets[256];
    list_tap_offsets(args, offsets);
    const Positions positions{args, kind, index, offsets};
    if (interleaved(args)) {
      interleaved_gather(positions, static_cast<const T*>(in), static_cast<T*>(out));
      return Status::kOk;
    }
    parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        const T* const from = static_cast<const T*>(in) + plane * in_pixels;
        T* const to = static_cast<T*>(out) + plane * out_pixels;
        positions.each(plane, [&](int64_t o, int64_t i) { to[o] = from[i]; });
      }
    });
    return Status::kOk;
  });
}

}  // namespace

void fill_pool_max_backward(PoolKernels& table) {
  table.max_backward = max_backward;
  table.max_gather = max_gather;
}

}  // namespace tallow::cpu::TALLOW_ISA
