// The gradient of a convolution's weight when there are few output channels: dot products whose
// lanes are pixels of the output, against a staged copy of the input. Neither operand is rearranged
// further.
#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/conv.h"
#include "cpu/reduce_tree.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// One vector of output pixels, in row order, at `offset` in the stage and at `pixel` in an output
// plane. After each lane in `at` the next row begins, `gap` elements further on than the previous
// lane's neighbour.
struct Run {
  int32_t offset;
  int32_t pixel;
  uint8_t count;  // pixels; the other lanes are zero
  uint8_t breaks;
  uint8_t at[16];
};

// How runs cover the pixels: row by row if that fills most lanes, else across the ends of rows.
struct RunPlan {
  int64_t rows, columns;  // of runs of kWideLanes lanes; columns of pixels in a row
  int64_t per_row;
  TALLOW_INLINE explicit RunPlan(const ConvArgs& args) {
    const int64_t wide = ceil_div(args.out_size[1], int64_t{kWideLanes});
    const bool by_row = 4 * args.out_size[1] >= 3 * wide * kWideLanes;
    rows = by_row ? args.out_size[0] : 1;
    columns = by_row ? args.out_size[1] : args.out_size[0] * args.out_size[1];
    per_row = ceil_div(columns, int64_t{kWideLanes});
  }
};

void list_runs(const ConvArgs& args, const Stage& stage, const RunPlan& plan, int64_t lanes,
               Run* list) {
  const int64_t width = args.out_size[1];
  for (int64_t y = 0; y < plan.rows; ++y) {
    for (int64_t x = 0; x < plan.per_row * kWideLanes; x += lanes) {
      Run& run = *list++;
      const int64_t first = y * plan.columns + lesser(x, plan.columns - 1);
      run.pixel = static_cast<int32_t>(first);
      run.offset = static_cast<int32_t>(first / width * stage.pitch + first % width);
      run.count = static_cast<uint8_t>(greater(lesser(lanes, plan.columns - x), 0));
      run.breaks = 0;
      for (int64_t i = 1; i < run.count; ++i) {
        if ((first + i) % width == 0) run.at[run.breaks++] = static_cast<uint8_t>(i);
      }
    }
  }
}

// Sums of 16 lanes that are kept in registers at a time: rows (output channels) x columns (taps).
template <class T>
inline constexpr int kSums = (TALLOW_ISA_LEVEL >= 2 ? 24 : 12) / Wide<T>::kParts;
template <class T>
inline constexpr int kTapBlock = kSums<T> >= 12  ? 4
                                 : kSums<T> >= 4 ? 2
                                                 : 1;
template <class T>
inline constexpr int kChannelBlock = kSums<T> / kTapBlock<T> > 1 ? kSums<T> / kTapBlock<T> : 1;

// The images that one round adds to the sums.
template <class T>
struct Round {
  int64_t images;
  const T* staged;
  int64_t staged_image;  // elements between images
  const T* gradient;     // [channel][pixel]
  int64_t gradient_image;
  int64_t pixels;
  const Run* runs;
  int64_t run_count;  // a multiple of the vectors in 16 lanes
  int64_t gap;
  const int32_t* table;  // offset of each (input channel, tap)
  int64_t taps;          // number of those
  T* sums;               // [channel][tap][16 lanes]
};

template <class T>
using LaneNumber = typename SignedOf<sizeof(T)>::type;

template <class T>
TALLOW_INLINE Vec<LaneNumber<T>> lane_numbers() {
  Vec<LaneNumber<T>> lanes;
#pragma GCC unroll 16
  for (int i = 0; i < kLanes<T>; ++i) lanes[i] = i;
  return lanes;
}

template <class T>
TALLOW_INLINE Vec<T> load_pixels(const T* from, const Run& run, int64_t gap,
                                 Vec<LaneNumber<T>> lanes) {
  from += run.offset;
  Vec<T> value = load(from);
  for (int b = 0; b < run.breaks; ++b) {
    from += gap;
    value = lanes >= static_cast<LaneNumber<T>>(run.at[b]) ? load(from) : value;
  }
  if (run.count < kLanes<T>) {
    value = lanes < static_cast<LaneNumber<T>>(run.count) ? value : Vec<T>{};
  }
  return value;
}

// Adds a round's products for channels [m, m + MB) and taps [k, k + KB).
template <class T, int MB, int KB>
void add_products(const Round<T>& round, int64_t m, int64_t k) {
  constexpr int kParts = Wide<T>::kParts;
  const Vec<LaneNumber<T>> lanes = lane_numbers<T>();
  const int64_t gap = round.gap;
  const int32_t* const table = round.table + k;
  T* const sums = round.sums + (m * round.taps + k) * kWideLanes;
  Wide<T> sum[MB][KB];
#pragma GCC unroll 16
  for (int i = 0; i < MB; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < KB; ++j) {
      sum[i][j] = Wide<T>::load(sums + (i * round.taps + j) * kWideLanes);
    }
  }
  for (int64_t n = 0; n < round.images; ++n) {
    const T* const staged = round.staged + n * round.staged_image;
    const T* const gradient = round.gradient + n * round.gradient_image + m * round.pixels;
    for (int64_t r = 0; r < round.run_count; r += kParts) {
#pragma GCC unroll 16
      for (int p = 0; p < kParts; ++p) {
        const Run& run = round.runs[r + p];
        Vec<T> x[KB];
        if (TALLOW_LIKELY(run.breaks == 0 && run.count == kLanes<T>)) {
#pragma GCC unroll 16
          for (int j = 0; j < KB; ++j) x[j] = load(staged + table[j] + run.offset);
        } else if (TALLOW_LIKELY(run.breaks == 0)) {
#pragma GCC unroll 16
          for (int j = 0; j < KB; ++j) {
            x[j] = load_partial(staged + table[j] + run.offset, run.count);
          }
        } else {
#pragma GCC unroll 16
          for (int j = 0; j < KB; ++j) x[j] = load_pixels(staged + table[j], run, gap, lanes);
        }
        const T* const from = gradient + run.pixel;
#pragma GCC unroll 16
        for (int i = 0; i < MB; ++i) {
          const Vec<T> y = run.count == kLanes<T>
                               ? load(from + i * round.pixels)
                               : load_partial(from + i * round.pixels, run.count);
#pragma GCC unroll 16
          for (int j = 0; j < KB; ++j) {
            sum[i][j].part[p] = mul_add(x[j], y, sum[i][j].part[p]);
          }
        }
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < MB; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < KB; ++j) {
#pragma GCC unroll 16
      for (int p = 0; p < kParts; ++p) {
        store(sums + (i * round.taps + j) * kWideLanes + p * kLanes<T>, sum[i][j].part[p]);
      }
    }
  }
}

template <class T, int MB>
void add_rows(const Round<T>& round, int64_t m) {
  if constexpr (MB > kChannelBlock<T>) {
    return;
  } else {
    int64_t k = 0;
    // All taps of a 3x3 kernel at once: a depthwise convolution.
    if constexpr (MB == 1 && kSums<T> >= 9) {
      for (; k + 9 <= round.taps; k += 9) add_products<T, 1, 9>(round, m, k);
    }
    for (; k + kTapBlock<T> <= round.taps; k += kTapBlock<T>) {
      add_products<T, MB, kTapBlock<T>>(round, m, k);
    }
    for (; k < round.taps; ++k) add_products<T, MB, 1>(round, m, k);
  }
}

template <class T>
void add_round(const Round<T>& round, int64_t channels) {
  const int64_t blocks = ceil_div(channels, kChannelBlock<T>);
  for (int64_t b = 0; b < blocks; ++b) {
    const Range part = part_of(channels, 1, blocks, b);
    switch (part.size()) {
      case 1:
        add_rows<T, 1>(round, part.begin);
        break;
      case 2:
        add_rows<T, 2>(round, part.begin);
        break;
      case 3:
        add_rows<T, 3>(round, part.begin);
        break;
      case 4:
        add_rows<T, 4>(round, part.begin);
        break;
      case 5:
        add_rows<T, 5>(round, part.begin);
        break;
      default:
        add_rows<T, 6>(round, part.begin);
        break;
    }
  }
}

// Elements that the staged images and gradients of one round should have.
inline constexpr int64_t kRoundElements = 48 * 1024;
inline constexpr int64_t kMaxRoundImages = 16;

template <class T>
Status grad_weight(const ConvArgs& args, const T* input, const T* output, T* weight) {
  const int64_t in_channels = args.in_channels / args.groups;
  const int64_t out_channels = args.out_channels / args.groups;
  const int64_t in_pixels = args.in_size[0] * args.in_size[1];
  const int64_t pixels = args.out_size[0] * args.out_size[1];
  const int64_t taps = in_channels * args.kernel[0] * args.kernel[1];
  const Stage stage = stage_of_windows(args, in_channels, args.out_size[0]);
  const int64_t staged_image = stage.numel(0);
  const int64_t round_images =
      greater(lesser(kRoundElements / (staged_image + out_channels * pixels), kMaxRoundImages), 1);
  const RunPlan plan(args);
  const int64_t vectors = plan.rows * plan.per_row * Wide<T>::kParts;
  const Scratch<Run> runs(vectors);
  if (!runs) return runs.failure();
  list_runs(args, stage, plan, kLanes<T>, runs.get());
  const Scratch<int32_t> table(taps);
  if (!table) return table.failure();
  list_window_offsets(args, stage, table.get());

  // Each (partial result, group) is a task; the partial results are added in order.
  const int64_t flops = 2 * args.batch * args.groups * out_channels * taps * pixels;
  const int64_t partials =
      lesser(lesser(8, args.batch), ceil_div(wanted_tasks(flops), args.groups));
  const int64_t weights = out_channels * taps;
  const Scratch<T> partial(partials > 1 ? partials * args.groups * weights : 0);
  if (partials > 1 && !partial) return partial.failure();
  T* const results = partials > 1 ? partial.get() : weight;
  const int64_t staged_size = round_images * staged_image + 2 * kLanes<T>;
  const int64_t need = staged_size + weights * kWideLanes;
  const int64_t tasks = partials * args.groups;
  int64_t failed = 0;
  parallel_for(tasks, kTaskFlops / 2 / (flops / tasks + 1) + 1, [&](int64_t begin, int64_t end) {
    const Scratch<T> scratch(need);
    if (!scratch) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    fill_row(scratch.get(), staged_size);
    T* const sums = scratch.get() + staged_size;
    for (int64_t t = begin; t < end; ++t) {
      const int64_t group = t % args.groups;
      const Range images = part_of(args.batch, 1, partials, t / args.groups);
      fill_row(sums, weights * kWideLanes);
      for (int64_t n = images.begin; n < images.end; n += round_images) {
        Round<T> round{lesser(round_images, images.end - n),
                       scratch.get(),
                       staged_image,
                       output + (n * args.out_channels + group * out_channels) * pixels,
                       args.out_channels * pixels,
                       pixels,
                       runs.get(),
                       vectors,
                       stage.pitch - args.out_size[1],
                       table.get(),
                       taps,
                       sums};
        for (int64_t i = 0; i < round.images; ++i) {
          fill_stage(stage, input + ((n + i) * args.in_channels + group * in_channels) * in_pixels,
                     0, scratch.get() + i * staged_image);
        }
        add_round(round, out_channels);
      }
      T* const to = results + t * weights;
      for (int64_t i = 0; i < weights; ++i) {
        to[i] = fold_lanes(Wide<T>::load(sums + i * kWideLanes), Add{});
      }
    }
  });
  if (failed) return out_of_memory(need * static_cast<int64_t>(sizeof(T)));
  for (int64_t i = 0; partials > 1 && i < args.groups * weights; ++i) {
    T sum = results[i];
    for (int64_t p = 1; p < partials; ++p) sum += results[p * args.groups * weights + i];
    weight[i] = sum;
  }
  return Status::kOk;
}

}  // namespace

Status conv_dots_grad_weight(const ConvArgs& args, const float* input, const float* output,
                             float* weight) {
  return grad_weight(args, input, output, weight);
}
Status conv_dots_grad_weight(const ConvArgs& args, const double* input, const double* output,
                             double* weight) {
  return grad_weight(args, input, output, weight);
}

}  // namespace tallow::cpu::TALLOW_ISA
