// Depthwise convolutions of channels_last images, where every channel is a group of its own: lanes
// are neighbouring channels, read from the image where they are. Padding is a row of zeros.
#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/conv.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// One tap of an output phase: how far from its window's own source pixel it looks.
struct TapAt {
  int64_t index, row, column;
};

// Output pixels that see the same taps: every phases-th one each way, from `first` on.
struct DepthwisePhase {
  int64_t first[2];
  int64_t rows, windows;
  const TapAt* taps;
  int64_t count;
  bool in_threes;  // neighbouring taps of a row, from left to right unless mirrored
  bool mirrored;
};

// A convolution, or its transpose, which has as many phases of output pixels as strides; see Pass
// in conv_pass.h. A window of a phase begins at every `stride`-th source pixel.
template <class T>
struct Depthwise {
  int64_t batch, channels, taps, kernel_rows;
  const T* source;
  T* out;
  int64_t source_size[2], out_size[2], stride[2], phases[2];
  const T* weight;  // [tap][pitch]
  const T* zeros;   // of all channels
  const T* bias;    // or null
  int64_t pitch;
};

// What one tap sees in a row of windows.
template <class T>
struct RowTap {
  const T* base;  // where window 0 looks
  int64_t step;   // from window to window; 0 for a row of zeros
  int64_t column;
  const T* weight;
};

// The windows of one row of a phase, from either end.
template <class T>
struct WindowRow {
  const RowTap<T>* taps;
  int64_t count;
  int64_t stride;  // source columns from window to window
  int64_t width;   // of the source
  const T* zeros;
  const T* bias;
  T* out;
  int64_t out_step;
  int64_t ahead;  // from what the last tap sees to what is prefetched
};

// Windows and vectors of channels that are summed side by side. Sizes of maps are often multiples
// of 7.
inline constexpr int kWindows = 7;
inline constexpr int kVectors = TALLOW_ISA_LEVEL >= 2 ? 2 : 1;

// Channels [c, c + the vectors) of kCount windows from `x` on, or the first `channels` of a single
// vector. Taps come in runs of kRun, each of which sees what the one before sees in the next
// window, so that a pixel is loaded once for all of them.
template <class T, int kCount, int kDeep, int kRun>
TALLOW_NOINLINE void sum_windows(const WindowRow<T>& row, int64_t x, int64_t c, int64_t channels) {
  constexpr int kW = kLanes<T>;
  const auto read = [&](const T* from, int v) {
    return kDeep > 1 ? load(from + v * kW) : load_some(from, channels);
  };
  if (row.count > 0) {
    // The source row that the windows below this one will be the first to see.
    const RowTap<T>& last = row.taps[row.count - 1];
#pragma GCC unroll 8
    for (int p = 0; p < kCount; ++p) {
#pragma GCC unroll 2
      for (int v = 0; v < kDeep; ++v) {
        __builtin_prefetch(last.base + (x + p) * last.step + row.ahead + c + v * kW);
      }
    }
  }
  const int64_t stride = row.stride;
  const auto width = static_cast<uint64_t>(row.width);
  const T* const zeros = row.zeros;
  Vec<T> sum[kCount][kDeep];
#pragma GCC unroll 8
  for (int p = 0; p < kCount; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < kDeep; ++v) sum[p][v] = Vec<T>{};
  }
  for (int64_t t = 0; t < row.count; t += kRun) {
    const RowTap<T>* const tap = row.taps + t;
    const int64_t step = tap->step;
    const T* from = tap->base + x * step + c;
    int64_t column = tap->column + x * stride;
    Vec<T> factor[kRun][kDeep];
#pragma GCC unroll 3
    for (int k = 0; k < kRun; ++k) {
#pragma GCC unroll 2
      for (int v = 0; v < kDeep; ++v) factor[k][v] = load(tap[k].weight + c + v * kW);
    }
#pragma GCC unroll 16
    for (int p = 0; p < kCount + kRun - 1; ++p) {
      const T* const pixel = static_cast<uint64_t>(column) < width ? from : zeros;
#pragma GCC unroll 2
      for (int v = 0; v < kDeep; ++v) {
        const Vec<T> value = read(pixel, v);
#pragma GCC unroll 3
        for (int k = 0; k < kRun; ++k) {
          if (p < k || p - k >= kCount) continue;
          sum[p - k][v] = mul_add(factor[k][v], value, sum[p - k][v]);
        }
      }
      from += step;
      column += stride;
    }
  }
  if (row.bias) {
    Vec<T> bias[kDeep];
#pragma GCC unroll 2
    for (int v = 0; v < kDeep; ++v) bias[v] = read(row.bias + c, v);
#pragma GCC unroll 8
    for (int p = 0; p < kCount; ++p) {
#pragma GCC unroll 2
      for (int v = 0; v < kDeep; ++v) sum[p][v] += bias[v];
    }
  }
  const int64_t out_step = row.out_step;
  T* to = row.out + x * out_step + c;
#pragma GCC unroll 8
  for (int p = 0; p < kCount; ++p, to += out_step) {
#pragma GCC unroll 2
    for (int v = 0; v < kDeep; ++v) {
      store_some(to + v * kW, sum[p][v], kDeep > 1 ? int64_t{kW} : channels);
    }
  }
}

// `channels` of kCount windows from `x` on.
template <class T, int kCount, int kRun>
TALLOW_INLINE void all_channels(const WindowRow<T>& row, int64_t x, Range channels) {
  constexpr int64_t kTogether = kVectors * kLanes<T>;
  int64_t c = channels.begin;
  if constexpr (kCount > 1 && kVectors > 1) {
    for (; c + kTogether <= channels.end; c += kTogether) {
      sum_windows<T, kCount, kVectors, kRun>(row, x, c, kTogether);
    }
  }
  for (; c < channels.end; c += kLanes<T>) {
    sum_windows<T, kCount, 1, kRun>(row, x, c, lesser(channels.end - c, kLanes<T>));
  }
}

template <class T, int kRun>
void all_windows(const WindowRow<T>& row, Range windows, Range channels) {
  int64_t x = windows.begin;
  if (windows.size() < kWindows) {
    for (; x < windows.end; ++x) all_channels<T, 1, 1>(row, x, channels);
  }
  // The last ones may be computed twice.
  for (; x < windows.end; x += kWindows) {
    all_channels<T, kWindows, kRun>(row, lesser(x, windows.end - kWindows), channels);
  }
}

// Some windows of row `y`. `list` has room for all taps.
template <class T>
void compute_windows(const Depthwise<T>& d, const DepthwisePhase& phase, int64_t image, int64_t y,
                     Range windows, Range channels, RowTap<T>* list) {
  const int64_t width = d.source_size[1];
  const int64_t out_row = image * d.out_size[0] + phase.first[0] + y * d.phases[0];
  WindowRow<T> row{list,
                   phase.count,
                   d.stride[1],
                   width,
                   d.zeros,
                   d.bias,
                   d.out + (out_row * d.out_size[1] + phase.first[1]) * d.channels,
                   d.phases[1] * d.channels,
                   d.stride[0] * width * d.channels};
  // Taps from right to left are numbered from left to right once windows are mirrored.
  int64_t direction = 1;
  int64_t first = 0;
  if (phase.mirrored) {
    direction = -1;
    first = phase.windows - 1;
    windows = {phase.windows - windows.end, phase.windows - windows.begin};
    row.out += first * row.out_step;
    row.out_step = -row.out_step;
    row.stride = -row.stride;
  }
  for (int64_t t = 0; t < phase.count; ++t) {
    const TapAt& tap = phase.taps[t];
    const int64_t from = y * d.stride[0] + tap.row;
    const int64_t column = tap.column + first * d.stride[1];
    list[t] = {d.zeros, 0, column, d.weight + tap.index * d.pitch};
    if (from < 0 || from >= d.source_size[0]) continue;
    list[t].base = d.source + ((image * d.source_size[0] + from) * width + column) * d.channels;
    list[t].step = direction * d.stride[1] * d.channels;
  }
  if (phase.in_threes) {
    all_windows<T, 3>(row, windows, channels);
  } else {
    all_windows<T, 1>(row, windows, channels);
  }
}

// Rows of a phase, in pieces of channels and windows whose rows stay in a first level cache until
// the last row of taps has passed.
inline constexpr int64_t kPieceBytes = 32 * 1024;
inline constexpr int64_t kPieceChannels = 128;

template <class T>
void compute_rows(const Depthwise<T>& d, const DepthwisePhase& phase, int64_t image, Range rows,
                  RowTap<T>* list) {
  const int64_t channel_parts = ceil_div(d.channels, kPieceChannels);
  const int64_t alive = (d.kernel_rows + 1) * d.stride[1] * ceil_div(d.channels, channel_parts) *
                        static_cast<int64_t>(sizeof(T));
  const int64_t column_parts = ceil_div(phase.windows, greater(kPieceBytes / alive, 2 * kWindows));
  for (int64_t c = 0; c < channel_parts; ++c) {
    const Range channels = part_of(d.channels, kVectors * kLanes<T>, channel_parts, c);
    for (int64_t x = 0; x < column_parts; ++x) {
      const Range windows = part_of(phase.windows, kWindows, column_parts, x);
      for (int64_t y = rows.begin; y < lesser(rows.end, phase.rows); ++y) {
        compute_windows(d, phase, image, y, windows, channels, list);
      }
    }
  }
}

// Describes a phase, whose taps are written to `list` in the order of the kernel.
template <class T>
DepthwisePhase describe_phase(const ConvArgs& args, bool transposed, const Depthwise<T>& d,
                              int64_t row, int64_t column, TapAt* list) {
  DepthwisePhase phase{{row, column},
                       ceil_div(d.out_size[0] - row, d.phases[0]),
                       ceil_div(d.out_size[1] - column, d.phases[1]),
                       list,
                       0,
                       true,
                       transposed};
  for (int64_t k = 0; k < args.kernel[0]; ++k) {
    for (int64_t j = 0; j < args.kernel[1]; ++j) {
      int64_t at[2] = {k * args.dilation[0] - args.padding[0],
                       j * args.dilation[1] - args.padding[1]};
      bool reached = true;
      for (int i = 0; i < 2 && transposed; ++i) {
        const int64_t distance = phase.first[i] - at[i];
        reached = reached && distance % args.stride[i] == 0;
        at[i] = distance / args.stride[i];
      }
      if (reached) list[phase.count++] = {k * args.kernel[1] + j, at[0], at[1]};
    }
  }
  const int64_t next = phase.mirrored ? -d.stride[1] : d.stride[1];
  phase.in_threes = phase.count % 3 == 0;
  for (int64_t t = 0; t < phase.count && phase.in_threes; ++t) {
    const TapAt& begin = list[t - t % 3];
    phase.in_threes = list[t].row == begin.row && list[t].column == begin.column + t % 3 * next;
  }
  return phase;
}

template <class T>
Status run(const ConvArgs& args, bool transposed, const T* source, const T* weight, const T* bias,
           T* out) {
  Depthwise<T> d;
  d.batch = args.batch;
  d.channels = args.groups;
  d.taps = args.kernel[0] * args.kernel[1];
  d.kernel_rows = args.kernel[0];
  d.source = source;
  d.out = out;
  for (int i = 0; i < 2; ++i) {
    d.source_size[i] = transposed ? args.out_size[i] : args.in_size[i];
    d.out_size[i] = transposed ? args.in_size[i] : args.out_size[i];
    d.stride[i] = transposed ? 1 : args.stride[i];
    d.phases[i] = transposed ? args.stride[i] : 1;
  }
  d.pitch = ceil_div(d.channels, kLanes<T>) * kLanes<T>;
  const Scratch<T> arranged((d.taps + 1) * d.pitch);
  if (!arranged) return arranged.failure();
  for (int64_t t = 0; t <= d.taps; ++t) {
    for (int64_t c = 0; c < d.pitch; ++c) {
      arranged[t * d.pitch + c] = t < d.taps && c < d.channels ? weight[c * d.taps + t] : T(0);
    }
  }
  d.weight = arranged.get();
  d.zeros = arranged.get() + d.taps * d.pitch;
  d.bias = bias;
  const int64_t count = d.phases[0] * d.phases[1];
  const Scratch<TapAt> taps(count * d.taps);
  if (!taps) return taps.failure();
  const Scratch<DepthwisePhase> phases(count);
  if (!phases) return phases.failure();
  for (int64_t f = 0; f < count; ++f) {
    phases[f] = describe_phase(args, transposed, d, f / d.phases[1], f % d.phases[1],
                               taps.get() + f * d.taps);
  }
  const int64_t work = 2 * d.channels * d.taps * d.out_size[1] * d.phases[0];
  // Each product takes some four times as long as in a matrix product.
  const int64_t tiles = ceil_div(phases[0].rows, items_in_task(phases[0].rows, 4 * work));
  const int64_t images = tiles > 1 ? 1 : items_in_task(d.batch, 4 * work * phases[0].rows);
  int64_t failed = 0;
  parallel_for(d.batch * tiles, images, [&](int64_t begin, int64_t end) {
    const Scratch<RowTap<T>> list(d.taps);
    if (!list) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t t = begin; t < end; ++t) {
      const Range rows = part_of(phases[0].rows, 1, tiles, t % tiles);
      for (int64_t f = 0; f < count; ++f) {
        compute_rows(d, phases[f], t / tiles, rows, list.get());
      }
    }
  });
  return failed ? out_of_memory(d.taps * static_cast<int64_t>(sizeof(RowTap<T>))) : Status::kOk;
}

}  // namespace

bool conv_depthwise_suits(const ConvArgs& args) {
  const bool depthwise = args.groups == args.in_channels && args.groups == args.out_channels;
  // Sums in one piece, as elsewhere.
  return depthwise && args.groups > 1 && args.input_last && args.output_last &&
         args.kernel[0] * args.kernel[1] <= kGemmBlock;
}
Status conv_depthwise_forward(const ConvArgs& args, const float* input, const float* weight,
                              const float* bias, float* output) {
  return run(args, false, input, weight, bias, output);
}
Status conv_depthwise_grad_input(const ConvArgs& args, const float* output, const float* weight,
                                 const float* bias, float* input) {
  return run(args, true, output, weight, bias, input);
}

}  // namespace tallow::cpu::TALLOW_ISA
