// The gradient of a convolution's weight when there are few output channels: dot products whose
// lanes are pixels of the output, against a staged copy of the input. Neither operand is rearranged
// further, unless channels are neighbours.
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

// What all tasks share. A task has some images and a block of groups: one, or as many as fill a
// vector where the images have their channels side by side and would be read in pieces otherwise.
struct DotsPlan {
  int64_t in_channels, out_channels;  // per group
  int64_t pixels, taps;
  int64_t weights;       // per group
  int64_t block_groups;  // in a task; the last may have fewer
  int64_t blocks, partials, round_images;
  Stage stage;  // of all groups of a block
  int64_t flops;
  TALLOW_INLINE int64_t staged_image() const { return stage.numel(0); }
  // Elements of the gradients of one image and block, if they have to be turned round.
  TALLOW_INLINE int64_t turned_image() const { return block_groups * out_channels * pixels; }
};

template <class T>
DotsPlan make_plan(const ConvArgs& args) {
  DotsPlan plan;
  plan.in_channels = args.in_channels / args.groups;
  plan.out_channels = args.out_channels / args.groups;
  plan.pixels = args.out_size[0] * args.out_size[1];
  plan.taps = plan.in_channels * args.kernel[0] * args.kernel[1];
  plan.weights = plan.out_channels * plan.taps;
  plan.block_groups = 1;
  if (args.input_last || args.output_last) {
    plan.block_groups = lesser(ceil_div(kLanes<T>, plan.in_channels), args.groups);
  }
  plan.blocks = ceil_div(args.groups, plan.block_groups);
  plan.stage = stage_of_windows(args, plan.block_groups * plan.in_channels, args.out_size[0]);
  const int64_t round_image = plan.staged_image() + plan.turned_image();
  plan.round_images = greater(lesser(kRoundElements / round_image, kMaxRoundImages), 1);
  plan.flops = 2 * args.batch * args.groups * plan.weights * plan.pixels;
  plan.partials = lesser(lesser(8, args.batch), ceil_div(wanted_tasks(plan.flops), args.groups));
  return plan;
}

// A task's buffers.
template <class T>
struct DotsBuffers {
  T* staged;  // images
  T* turned;  // gradients, or null
  T* sums;    // of one group, by lanes
};

// The sums over a range of images for groups [first, first + groups) of a block.
template <class T>
void sum_block(const ConvArgs& args, const DotsPlan& plan, Round<T> round, const T* input,
               const T* output, int64_t first, int64_t groups, Range images,
               const DotsBuffers<T>& buffers, T* to) {
  const Order in = input_order(args);
  const Order out = output_order(args);
  Stage stage = plan.stage;
  stage.channels = groups * plan.in_channels;
  // A whole output image, one channel after the other.
  const int64_t size[2] = {args.out_size[0], args.out_size[1]};
  const Stage flat{
      {{1, 0, size[0], 1, 1}, {1, 0, size[1], 1, 1}}, groups * plan.out_channels, size[0], size[1]};
  fill_row(buffers.sums, groups * plan.weights * kWideLanes);
  for (int64_t n = images.begin; n < images.end; n += plan.round_images) {
    round.images = lesser(plan.round_images, images.end - n);
    const T* gradients = output + n * out.image + first * plan.out_channels * out.channel;
    round.gradient_image = out.image;
    for (int64_t i = 0; i < round.images; ++i) {
      fill_stage(stage, input + (n + i) * in.image + first * plan.in_channels * in.channel, in, 0,
                 buffers.staged + i * plan.staged_image());
      if (buffers.turned) {
        fill_stage(flat, gradients + i * out.image, out, 0,
                   buffers.turned + i * plan.turned_image());
      }
    }
    if (buffers.turned) {
      gradients = buffers.turned;
      round.gradient_image = plan.turned_image();
    }
    for (int64_t g = 0; g < groups; ++g) {
      round.staged = buffers.staged + stage.offset(g * plan.in_channels, 0, 0, 0, 0);
      round.gradient = gradients + g * plan.out_channels * plan.pixels;
      round.sums = buffers.sums + g * plan.weights * kWideLanes;
      add_round(round, plan.out_channels);
    }
  }
  for (int64_t i = 0; i < groups * plan.weights; ++i) {
    to[i] = fold_lanes(Wide<T>::load(buffers.sums + i * kWideLanes), Add{});
  }
}

// weight = the sum of the partial results in order, with the channels where the weight has them.
template <class T>
void add_partials(const ConvArgs& args, const DotsPlan& plan, const T* results, T* weight) {
  const Order order = weight_order(args);
  const int64_t taps = args.kernel[0] * args.kernel[1];
  const int64_t total = args.groups * plan.weights;
  for (int64_t i = 0; i < total; ++i) {
    T sum = results[i];
    for (int64_t p = 1; p < plan.partials; ++p) sum += results[p * total + i];
    weight[i / plan.taps * order.image + i % plan.taps / taps * order.channel +
           i % taps * order.pixel] = sum;
  }
}

template <class T>
Status grad_weight(const ConvArgs& args, const T* input, const T* output, T* weight) {
  const DotsPlan plan = make_plan<T>(args);
  const RunPlan run_plan(args);
  const int64_t vectors = run_plan.rows * run_plan.per_row * Wide<T>::kParts;
  const Scratch<Run> runs(vectors);
  if (!runs) return runs.failure();
  list_runs(args, plan.stage, run_plan, kLanes<T>, runs.get());
  Stage group_stage = plan.stage;
  group_stage.channels = plan.in_channels;
  const Scratch<int32_t> table(plan.taps);
  if (!table) return table.failure();
  list_window_offsets(args, group_stage, table.get());

  // Each (partial result, block of groups) is a task; the partial results are added in order.
  const bool direct = plan.partials == 1 && !args.weight_last;
  const int64_t weights = args.groups * plan.weights;
  const Scratch<T> partial(direct ? 0 : plan.partials * weights);
  if (!direct && !partial) return partial.failure();
  T* const results = direct ? weight : partial.get();
  const int64_t staged_size = plan.round_images * plan.staged_image() + 2 * kLanes<T>;
  const int64_t turned_size =
      args.output_last ? plan.round_images * plan.turned_image() + 2 * kLanes<T> : 0;
  const int64_t need = staged_size + turned_size + plan.block_groups * plan.weights * kWideLanes;
  const int64_t tasks = plan.partials * plan.blocks;
  int64_t failed = 0;
  parallel_for(tasks, items_in_task(tasks, plan.flops / tasks), [&](int64_t begin, int64_t end) {
    const Scratch<T> scratch(need);
    if (!scratch) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    T* const turned = scratch.get() + staged_size;
    const DotsBuffers<T> buffers{scratch.get(), turned_size ? turned : nullptr,
                                 turned + turned_size};
    Round<T> round{};
    round.staged_image = plan.staged_image();
    round.pixels = plan.pixels;
    round.runs = runs.get();
    round.run_count = vectors;
    round.gap = plan.stage.pitch - args.out_size[1];
    round.table = table.get();
    round.taps = plan.taps;
    fill_row(buffers.staged, staged_size);
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t % plan.blocks * plan.block_groups;
      sum_block(args, plan, round, input, output, first,
                lesser(plan.block_groups, args.groups - first),
                part_of(args.batch, 1, plan.partials, t / plan.blocks), buffers,
                results + t / plan.blocks * weights + first * plan.weights);
    }
  });
  if (failed) return out_of_memory(need * static_cast<int64_t>(sizeof(T)));
  if (!direct) add_partials(args, plan, results, weight);
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
