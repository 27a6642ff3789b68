// The gradient of a convolution's weight: products of im2col rows with the output's gradient,
// summed over images in an order fixed by the shape.
#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/conv.h"
#include "cpu/gemm_transpose.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// The sum runs over units: some output rows of one image, or several small images. Units are dealt
// to `partials` partial results, which are added in order at the end; each partial is computed
// channel range by channel range, as sums[taps of the range, out channels].
struct Division {
  int64_t row_tiles;  // per image
  int64_t images;     // per unit; > 1 only if row_tiles == 1
  int64_t units;
  int64_t partials;
  int64_t channel_parts;  // of the input channels of a group
};

// Pixels that one product should sum over, and elements its im2col rows may have.
inline constexpr int64_t kUnitPixels = 512;
inline constexpr int64_t kUnitElements = 96 * 1024;
// Larger weights are not summed in partial results.
inline constexpr int64_t kPartialElements = 64 * 1024;

Division choose_division(const ConvArgs& args) {
  const int64_t channels = args.in_channels / args.groups;
  const int64_t taps = args.kernel[0] * args.kernel[1];
  const int64_t pixels = args.out_size[0] * args.out_size[1];
  const int64_t weights = args.out_channels * channels * taps;
  const int64_t flops = 2 * args.batch * weights * pixels;
  Division division;
  division.row_tiles = lesser(ceil_div(pixels, kUnitPixels), args.out_size[0]);
  division.images = division.row_tiles > 1 ? 1 : greater(kUnitPixels / pixels, 1);
  division.units = ceil_div(args.batch, division.images) * division.row_tiles;
  const int64_t wanted = ceil_div(wanted_tasks(flops), args.groups);
  const int64_t tile_pixels = greater(ceil_div(pixels, division.row_tiles), kUnitPixels);
  division.channel_parts = lesser(channels, ceil_div(channels * taps * tile_pixels, kUnitElements));
  division.partials = 1;
  if (weights <= kPartialElements) {
    division.partials = lesser(lesser(8, division.units), wanted);
  } else if (division.channel_parts < wanted) {
    division.channel_parts = lesser(wanted, ceil_div(channels * taps, 96));
  }
  return division;
}

template <class T>
TALLOW_INLINE void copy_exactly(const T* from, int64_t count, T* to) {
  int64_t i = 0;
  for (; i + kLanes<T> <= count; i += kLanes<T>) store(to + i, load(from + i));
  if (i < count) store_some(to + i, load_some(from + i, count - i), count - i);
}

// im2col rows [channel, tap][pixel] of the windows in `rows`, written `pitch` apart.
template <class T>
void gather_windows(const ConvArgs& args, const Stage& stage, const int32_t* table, const T* staged,
                    int64_t rows, int64_t pitch, T* to) {
  const int64_t count = stage.channels * args.kernel[0] * args.kernel[1];
  for (int64_t k = 0; k < count; ++k, to += pitch) {
    const T* const from = staged + table[k];
    for (int64_t y = 0; y < rows; ++y) {
      copy_exactly(from + y * stage.pitch, args.out_size[1], to + y * args.out_size[1]);
    }
  }
}

// Everything a task needs to add units to one partial result.
template <class T>
struct Accumulation {
  const ConvArgs& args;
  const Division& division;
  Stage stage;
  const T* input;
  const T* output;
  int64_t group;
  Range channels;  // of the group's input channels
  const int32_t* table;
  T* staged;
  T* windows;    // im2col rows
  T* gradients;  // rows of the output's gradient, when images must be joined
  T* packing;
};

// sums[channels x taps, out channels] (+)= windows x output gradient of one unit.
template <class T>
void add_unit(const Accumulation<T>& task, int64_t unit, bool first, T* sums) {
  const ConvArgs& args = task.args;
  const int64_t image = unit / task.division.row_tiles * task.division.images;
  const int64_t images = lesser(task.division.images, args.batch - image);
  const Range rows =
      part_of(args.out_size[0], 1, task.division.row_tiles, unit % task.division.row_tiles);
  const int64_t pixels = rows.size() * args.out_size[1];
  const int64_t out_channels = args.out_channels / args.groups;
  const int64_t in_channels = args.in_channels / args.groups;
  const int64_t total = images * pixels;
  const Order in = input_order(args);
  const Order out = output_order(args);
  const T* gradient = task.output + image * out.image + task.group * out_channels * out.channel +
                      rows.begin * args.out_size[1] * out.pixel;
  const T* source =
      task.input + image * in.image + (task.group * in_channels + task.channels.begin) * in.channel;
  // Windows of one pixel are the image itself, or what is left to do is to join the images. Pixels
  // of channels_last images follow each other as they are.
  // They are turned round where contiguous ones are summed in lanes.
  const int64_t taps = task.channels.size() * args.kernel[0] * args.kernel[1];
  const bool dots = gemm_prefers_dots(taps, out_channels, total);
  const bool pointwise = conv_is_pointwise(args);
  const bool in_place = pointwise && (in.last() ? !dots : images == 1);
  const bool joined = out.last() ? !dots : images == 1;
  for (int64_t n = 0; n < images; ++n) {
    const T* const one = source + n * in.image;
    if (pointwise && !in_place && !in.last()) {
      for (int64_t c = 0; c < task.channels.size(); ++c) {
        copy_exactly(one + c * in.channel, pixels, task.windows + c * total + n * pixels);
      }
    } else if (!in_place) {
      // Other tiles leave other borders behind.
      if (task.division.row_tiles > 1) fill_row(task.staged, task.stage.numel(0));
      fill_stage(task.stage, one, in, rows.begin, task.staged);
      gather_windows(args, task.stage, task.table, task.staged, rows.size(), total,
                     task.windows + n * pixels);
    }
    for (int64_t m = 0; m < out_channels && !joined; ++m) {
      const T* const from = gradient + n * out.image + m * out.channel;
      T* const to = task.gradients + m * total + n * pixels;
      if (!out.last()) copy_exactly(from, pixels, to);
      for (int64_t i = 0; i < pixels && out.last(); ++i) to[i] = from[i * out.pixel];
    }
  }
  Gemm<T> g;
  g.m = taps;
  g.n = out_channels;
  g.k = total;
  g.a = in_place ? source + rows.begin * args.in_size[1] * in.pixel : task.windows;
  g.a_row = in_place ? in.channel : total;
  g.a_col = in_place ? in.pixel : 1;
  g.b = joined ? gradient : task.gradients;
  g.b_row = joined ? out.pixel : 1;
  g.b_col = joined ? out.channel : total;
  g.c = sums;
  g.c_row = g.n;
  g.c_col = 1;
  g.init = first ? nullptr : sums;
  g.init_row = g.c_row;
  g.init_col = 1;
  g.alpha = g.beta = T(1);
  gemm_serial(g, task.packing);
}

// The most scratch that gemm_serial needs for a unit: sizes differ between units by at most a row,
// which may decide between dot products, without scratch, and blocks.
template <class T>
int64_t packing_size(const ConvArgs& args, int64_t rows, int64_t columns, int64_t pixels) {
  const bool in_place = conv_is_pointwise(args) && args.input_last;
  int64_t most = 0;
  const int64_t lengths[] = {pixels, lesser(pixels, 2 * kGemmBlock - 1)};
  for (const int64_t k : lengths) {
    Gemm<T> g{};
    g.m = rows;
    g.n = columns;
    g.k = k;
    g.a_row = in_place ? 1 : k;
    g.a_col = in_place ? args.in_channels : 1;
    g.b_row = args.output_last ? args.out_channels : 1;
    g.b_col = args.output_last ? 1 : k;
    most = greater(most, gemm_scratch(g));
  }
  return most + kGemmBlock * (kLanes<T> * 4);
}

// weight[group, m, k] = the sum over partial results, in order, of sums[partial, group, k, m],
// where k counts channels and taps. The weight has them in this order, or all channels of a tap
// together.
template <class T>
void collect(const ConvArgs& args, int64_t partials, const T* sums, T* weight) {
  constexpr int kW = kLanes<T>;
  const int64_t out_channels = args.out_channels / args.groups;
  const Order order = weight_order(args);
  const int64_t taps = args.kernel[0] * args.kernel[1];
  // Runs of k whose weights are neighbours.
  const int64_t runs = order.last() ? taps : 1;
  const int64_t length = order.image / runs;
  const int64_t stripes = ceil_div(out_channels, int64_t{kW});
  const int64_t partial_size = args.groups * order.image * out_channels;
  const auto turn = [&](const T* from, int64_t k_step, int64_t columns, int64_t rows, T* to) {
    Vec<T> block[kW] = {};
    for (int64_t p = 0; p < partials; ++p) {
      for (int64_t r = 0; r < rows; ++r) {
        const Vec<T> part = load_some(from + p * partial_size + r * k_step, columns);
        block[r] = p == 0 ? part : block[r] + part;
      }
    }
    transpose(block);
    for (int64_t c = 0; c < columns; ++c) store_some(to + c * order.image, block[c], rows);
  };
  parallel_for(args.groups * stripes, 32768 / (order.image * kW * partials) + 1,
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) {
                   const int64_t group = t / stripes;
                   const int64_t m = t % stripes * kW;
                   const T* const from = sums + group * order.image * out_channels + m;
                   T* const to = weight + (group * out_channels + m) * order.image;
                   for (int64_t run = 0; run < runs; ++run) {
                     for (int64_t k = 0; k < length; k += kW) {
                       turn(from + (k * runs + run) * out_channels, runs * out_channels,
                            lesser(kW, out_channels - m), lesser(kW, length - k),
                            to + run * length + k);
                     }
                   }
                 }
               });
}

template <class T>
Status grad_weight(const ConvArgs& args, const T* input, const T* output, T* weight) {
  const int64_t taps = args.kernel[0] * args.kernel[1];
  const int64_t in_channels = args.in_channels / args.groups;
  const int64_t out_channels = args.out_channels / args.groups;
  const Division division = choose_division(args);
  const int64_t part_channels = ceil_div(in_channels, division.channel_parts);
  const int64_t tile_rows = ceil_div(args.out_size[0], division.row_tiles);
  const int64_t pixels = division.images * tile_rows * args.out_size[1];
  const Stage stage = stage_of_windows(args, part_channels, tile_rows);
  const Scratch<int32_t> table(part_channels * taps);
  if (!table) return table.failure();
  list_window_offsets(args, stage, table.get());
  const int64_t staged_size = stage.numel(2 * kLanes<T>);
  const int64_t windows_size = part_channels * taps * pixels + kLanes<T>;
  const int64_t gradients_size =
      division.images > 1 || args.output_last ? out_channels * pixels + kLanes<T> : 0;
  const int64_t pack_size = packing_size<T>(args, part_channels * taps, out_channels, pixels);
  const int64_t need = staged_size + windows_size + gradients_size + pack_size;
  const int64_t weights = in_channels * taps * out_channels;  // per group
  const Scratch<T> sums(division.partials * args.groups * weights);
  if (!sums) return sums.failure();
  int64_t failed = 0;
  const int64_t tasks = division.partials * args.groups * division.channel_parts;
  const int64_t flops =
      2 * args.batch * args.groups * weights * args.out_size[0] * args.out_size[1];
  parallel_for(tasks, items_in_task(tasks, flops / tasks), [&](int64_t begin, int64_t end) {
    const Scratch<T> scratch(need);
    if (!scratch) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t t = begin; t < end; ++t) {
      const int64_t part = t % division.channel_parts;
      const int64_t group = t / division.channel_parts % args.groups;
      const int64_t partial = t / division.channel_parts / args.groups;
      Accumulation<T> task{args,
                           division,
                           stage,
                           input,
                           output,
                           group,
                           part_of(in_channels, 1, division.channel_parts, part),
                           table.get(),
                           scratch.get(),
                           scratch.get() + staged_size,
                           scratch.get() + staged_size + windows_size,
                           scratch.get() + staged_size + windows_size + gradients_size};
      task.stage.channels = task.channels.size();
      fill_row(task.staged, staged_size);
      T* const target = sums.get() + (partial * args.groups + group) * weights +
                        task.channels.begin * taps * out_channels;
      const Range units = part_of(division.units, 1, division.partials, partial);
      for (int64_t u = units.begin; u < units.end; ++u) {
        add_unit(task, u, u == units.begin, target);
      }
    }
  });
  if (failed) return out_of_memory(need * static_cast<int64_t>(sizeof(T)));
  collect(args, division.partials, sums.get(), weight);
  return Status::kOk;
}

}  // namespace

Status conv_product_grad_weight(const ConvArgs& args, const float* input, const float* output,
                                float* weight) {
  return grad_weight(args, input, output, weight);
}
Status conv_product_grad_weight(const ConvArgs& args, const double* input, const double* output,
                                double* weight) {
  return grad_weight(args, input, output, weight);
}

}  // namespace tallow::cpu::TALLOW_ISA
