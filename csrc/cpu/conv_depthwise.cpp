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

// A convolution, or its transpose, which has as many phases of output pixels as strides; see Pass
// in conv_pass.h. A window of a phase begins at every `stride`-th source pixel.
template <class T>
struct Depthwise {
  int64_t batch, channels, taps;
  const T* source;
  T* out;
  int64_t source_size[2], out_size[2], stride[2], phases[2];
  const T* weight;  // [tap][pitch]
  const T* zeros;   // of all channels
  const T* bias;    // or null
  int64_t pitch;
};

// The windows of one row of a phase.
template <class T>
struct WindowRow {
  int64_t taps;
  const T* const* base;  // what each tap of window 0 reads
  const int64_t* step;   // from window to window; 0 for rows of zeros
  const T* const* weight;
  const T* bias;
  T* out;
  int64_t out_step;
};

// Channels [c, c + count) of kCount windows from `x` on, count at most a vector.
template <class T, int kCount>
TALLOW_INLINE void sum_windows(const WindowRow<T>& row, int64_t x, int64_t c, int64_t count) {
  Vec<T> sum[kCount];
#pragma GCC unroll 6
  for (int p = 0; p < kCount; ++p) sum[p] = Vec<T>{};
  for (int64_t t = 0; t < row.taps; ++t) {
    const int64_t step = row.step[t];
    const T* from = row.base[t] + x * step + c;
    const Vec<T> factor = load(row.weight[t] + c);
#pragma GCC unroll 6
    for (int p = 0; p < kCount; ++p, from += step) {
      sum[p] = mul_add(factor, load_some(from, count), sum[p]);
    }
  }
  T* to = row.out + x * row.out_step + c;
#pragma GCC unroll 6
  for (int p = 0; p < kCount; ++p, to += row.out_step) {
    if (row.bias) sum[p] += load_some(row.bias + c, count);
    store_some(to, sum[p], count);
  }
}

template <class T, int kCount>
void all_channels(const WindowRow<T>& row, int64_t x, int64_t channels) {
  int64_t c = 0;
  for (; c + kLanes<T> <= channels; c += kLanes<T>) {
    sum_windows<T, kCount>(row, x, c, kLanes<T>);
  }
  if (c < channels) sum_windows<T, kCount>(row, x, c, channels - c);
}

// A row of windows of one phase. `base`, `step` and `factors` have room for all taps, twice.
template <class T>
void compute_row(const Depthwise<T>& d, const TapAt* taps, int64_t count, int64_t image, int64_t y,
                 const int64_t (&phase)[2], const T** base, int64_t* step, const T** factors) {
  const int64_t width = d.source_size[1];
  const int64_t pixel = d.stride[1] * d.channels;
  const int64_t windows = ceil_div(d.out_size[1] - phase[1], d.phases[1]);
  Range inside{0, windows};  // windows whose taps are all in the image's columns
  for (int64_t t = 0; t < count; ++t) {
    const TapAt& tap = taps[t];
    const int64_t in_row = y * d.stride[0] + tap.row;
    const bool exists = in_row >= 0 && in_row < d.source_size[0];
    base[t] =
        exists ? d.source + ((image * d.source_size[0] + in_row) * width + tap.column) * d.channels
               : d.zeros;
    step[t] = exists ? pixel : 0;
    factors[t] = d.weight + tap.index * d.pitch;
    if (tap.column < 0) {
      inside.begin = greater(inside.begin, ceil_div(-tap.column, d.stride[1]));
    }
    inside.end =
        lesser(inside.end, width > tap.column ? ceil_div(width - tap.column, d.stride[1]) : 0);
  }
  inside.begin = lesser(inside.begin, windows);
  inside.end = greater(inside.begin, inside.end);
  WindowRow<T> row{count, base, step, factors, d.bias, nullptr, d.phases[1] * d.channels};
  row.out =
      d.out + ((image * d.out_size[0] + phase[0] + y * d.phases[0]) * d.out_size[1] + phase[1]) *
                  d.channels;
  int64_t x = inside.begin;
  for (; x + 6 <= inside.end; x += 6) all_channels<T, 6>(row, x, d.channels);
  for (; x < inside.end; ++x) all_channels<T, 1>(row, x, d.channels);
  // At the borders each tap is looked at.
  WindowRow<T> border = row;
  border.base = base + count;
  border.step = step + count;
  for (x = 0; x < windows; ++x) {
    if (x == inside.begin) x = inside.end;
    if (x == windows) break;
    for (int64_t t = 0; t < count; ++t) {
      const int64_t column = x * d.stride[1] + taps[t].column;
      const bool exists = column >= 0 && column < width;
      base[count + t] = exists ? base[t] + x * step[t] : d.zeros;
      step[count + t] = 0;
    }
    border.out = row.out + x * row.out_step;
    all_channels<T, 1>(border, 0, d.channels);
  }
}

// The taps of one phase: their number, written to `list` in the order of the kernel.
int64_t list_taps(const ConvArgs& args, bool transposed, const int64_t (&phase)[2], TapAt* list) {
  int64_t count = 0;
  for (int64_t i = 0; i < args.kernel[0]; ++i) {
    for (int64_t j = 0; j < args.kernel[1]; ++j) {
      int64_t at[2] = {i * args.dilation[0] - args.padding[0],
                       j * args.dilation[1] - args.padding[1]};
      bool reached = true;
      for (int d = 0; d < 2 && transposed; ++d) {
        const int64_t distance = phase[d] - at[d];
        reached = reached && distance % args.stride[d] == 0;
        at[d] = distance / args.stride[d];
      }
      if (reached) list[count++] = {i * args.kernel[1] + j, at[0], at[1]};
    }
  }
  return count;
}

template <class T>
Status run(const ConvArgs& args, bool transposed, const T* source, const T* weight, const T* bias,
           T* out) {
  Depthwise<T> d;
  d.batch = args.batch;
  d.channels = args.groups;
  d.taps = args.kernel[0] * args.kernel[1];
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
  const int64_t phases = d.phases[0] * d.phases[1];
  const Scratch<TapAt> taps(phases * d.taps);
  if (!taps) return taps.failure();
  const Scratch<int64_t> counts(phases);
  if (!counts) return counts.failure();
  for (int64_t f = 0; f < phases; ++f) {
    counts[f] =
        list_taps(args, transposed, {f / d.phases[1], f % d.phases[1]}, taps.get() + f * d.taps);
  }
  const int64_t rows = ceil_div(d.out_size[0], d.phases[0]);
  const int64_t work = 2 * d.channels * d.taps * d.out_size[1] * d.phases[0];
  int64_t failed = 0;
  parallel_for(d.batch * rows, kTaskFlops / 8 / work + 1, [&](int64_t begin, int64_t end) {
    const Scratch<const T*> base(2 * d.taps);
    const Scratch<const T*> factors(d.taps);
    const Scratch<int64_t> step(2 * d.taps);
    if (!base || !factors || !step) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t t = begin; t < end; ++t) {
      for (int64_t f = 0; f < phases; ++f) {
        const int64_t phase[2] = {f / d.phases[1], f % d.phases[1]};
        if (phase[0] + t % rows * d.phases[0] >= d.out_size[0] || phase[1] >= d.out_size[1]) {
          continue;
        }
        compute_row(d, taps.get() + f * d.taps, counts[f], t / rows, t % rows, phase, base.get(),
                    step.get(), factors.get());
      }
    }
  });
  return failed ? out_of_memory(2 * d.taps * static_cast<int64_t>(sizeof(int64_t))) : Status::kOk;
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
