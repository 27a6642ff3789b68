// Convolution and its transpose without an im2col matrix: register blocks read a zero-padded copy
// of the source through a table of offsets, one per channel and tap. This file describes both as
// passes, divides them into tasks and stages the source.
#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/conv_weights.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Vectors of source pixels may begin at any pixel and be this much longer than the rest of the
// stage.
template <class T>
inline constexpr int64_t kSlack = 9 * kLanes<T>;

enum class Lanes { kPixels, kChannels, kGroups };

// How a pass is cut: tiles of window rows, and parts of the output channels.
struct Tiling {
  int64_t row_tiles, channel_parts;
  int64_t chunk;  // tasks run together
  Lanes lanes;
};

// Groups in the lanes: what suits channels_last images, and small ones.
template <class T>
bool groups_fill_lanes(const Pass& pass) {
  if (pass.source_channels != 1 || pass.out_channels != 1 || pass.groups == 1) return false;
  if (pass.taps > kGemmBlock) return false;  // sums in one piece
  constexpr int64_t kWideRows = 32;
  return pass.source_order.last() || pass.out_order.last() ||
         (pass.windows[1] < kWideRows && pass.groups >= kLanes<T>);
}

// Compares the share of lanes that compute something wanted: pixels between the rows of the output
// are wasted on one side, channels missing to a whole vector on the other. A result whose
// neighbours are not in the lanes has to be turned round, which takes as long as kTurn products.
template <class T>
bool pixels_fill_lanes(const Pass& pass, int64_t rows) {
  const int64_t columns = pass.windows[1];
  const int64_t pixels = (rows - 1) * (columns + pass.reach[1]) + columns;
  const int64_t pixel_lanes = ceil_div(pixels, kLanes<T>) * kLanes<T>;
  const int64_t channel_lanes = ceil_div(pass.out_channels, kLanes<T>) * kLanes<T>;
  const int64_t sum = pass.source_channels * pass.taps / (pass.phases[0] * pass.phases[1]);
  // Fewer than 8 sums side by side wait for each other.
  const int64_t abreast = lesser(columns, 14) * lesser(channel_lanes / kLanes<T>, kChannelVectors);
  constexpr int64_t kTurn = 16;
  const double turned = static_cast<double>(sum) / static_cast<double>(sum + kTurn);
  const bool last = pass.out_order.last();
  const double by_pixels = static_cast<double>(rows * columns) / static_cast<double>(pixel_lanes) *
                           (last ? turned : 1.0);
  const double by_channels = static_cast<double>(pass.out_channels) /
                             static_cast<double>(channel_lanes) * (last ? 1.0 : turned) *
                             static_cast<double>(lesser(abreast, 8)) / 8.0;
  return by_pixels >= by_channels;
}

// A stage should fit into a second level cache next to the weights.
inline constexpr int64_t kStageBytes = 384 * 1024;

template <class T>
Tiling choose_tiling(const Pass& pass) {
  const int64_t items = pass.batch * pass.blocks();
  const int64_t row_bytes = pass.block_groups * pass.source_channels * pass.axis[0].stride *
                            pass.axis[1].stride * (pass.windows[1] + pass.reach[1]) *
                            static_cast<int64_t>(sizeof(T));
  const int64_t flops = 2 * pass.block_groups * pass.out_channels * pass.source_channels *
                        pass.taps * pass.windows[0] * pass.windows[1];
  const int64_t wanted = ceil_div(wanted_tasks(flops * items), items);
  // Enough pixels for some register blocks, and not mostly halo.
  const int64_t least_rows = 1 + pass.reach[0] + 128 / (pass.windows[1] + pass.reach[1]);
  const int64_t by_cache = kStageBytes / row_bytes - pass.reach[0];
  Tiling tiling;
  tiling.row_tiles = greater(ceil_div(pass.windows[0], greater(by_cache, least_rows)),
                             lesser(wanted, ceil_div(pass.windows[0], least_rows)));
  const int64_t rows = ceil_div(pass.windows[0], tiling.row_tiles);
  tiling.lanes = pass.block_groups > 1              ? Lanes::kGroups
                 : pixels_fill_lanes<T>(pass, rows) ? Lanes::kPixels
                                                    : Lanes::kChannels;
  const int64_t least_channels = tiling.lanes == Lanes::kPixels ? 24 : kChannelPanel<T>;
  tiling.channel_parts =
      greater(lesser(ceil_div(wanted, tiling.row_tiles), pass.out_channels / least_channels), 1);
  const int64_t tasks = tiling.row_tiles * tiling.channel_parts;
  tiling.chunk = tasks > 1 ? 1 : items_in_task(items, flops);
  return tiling;
}

// Small stages are filled so many bytes ahead of their use: loads that overlap stores which are
// still on their way to the cache would wait for them.
inline constexpr int64_t kAheadBytes = 16 * 1024;

// Computes the task for `channels` of one image and group from its stage. `phases` has phases[0] x
// phases[1] entries.
template <class T>
void run_task(const Pass& pass, const Tiling& tiling, const Stage& stage, const Phase* phases,
              const int32_t* table, const T* staged, const Weights<T>& weights, const T* bias,
              int64_t item, const Range& rows, const Range& channels, T* out) {
  const int64_t group = pass.first_group(item);
  for (int64_t f = 0; f < pass.phases[0] * pass.phases[1]; ++f) {
    const int64_t first[2] = {f / pass.phases[1], f % pass.phases[1]};
    const Phase& phase = phases[f];
    Image<T> image;
    image.staged = staged;
    image.pitch = stage.pitch;
    image.table = table + phase.table;
    image.sum_length = pass.source_channels * phase.taps;
    image.weight = weights.data + item % pass.blocks() * weights.block +
                   phase.weight * weights.channels + channels.begin * image.sum_length;
    image.bias = bias ? bias + group * pass.out_channels + channels.begin : nullptr;
    image.channels =
        tiling.lanes == Lanes::kGroups ? lesser(pass.groups - group, kLanes<T>) : channels.size();
    const int64_t row_limit = ceil_div(pass.out_size[0] - first[0], pass.phases[0]);
    image.rows = lesser(rows.end, row_limit) - rows.begin;
    image.columns = ceil_div(pass.out_size[1] - first[1], pass.phases[1]);
    image.out_column = pass.phases[1] * pass.out_order.pixel;
    image.out_row = pass.phases[0] * pass.out_size[1] * pass.out_order.pixel;
    image.out_channel = pass.out_order.channel;
    image.out = out + pass.out_at(item) + channels.begin * image.out_channel +
                rows.begin * image.out_row +
                (first[0] * pass.out_size[1] + first[1]) * pass.out_order.pixel;
    switch (tiling.lanes) {
      case Lanes::kPixels:
        compute_pixels(image);
        break;
      case Lanes::kChannels:
        compute_channels(image);
        break;
      case Lanes::kGroups:
        compute_groups(image);
        break;
    }
  }
}

// Would the stage be the image itself? Then it is read in place, if no vectors of pixels are, which
// may go past its end.
bool stage_is_image(const Pass& pass, const Tiling& tiling, const Stage& stage) {
  bool whole = tiling.lanes == Lanes::kChannels && !pass.source_order.last();
  const int64_t size[2] = {stage.rows, stage.pitch};
  for (int d = 0; d < 2; ++d) {
    const StageAxis& axis = stage.axis[d];
    whole = whole && axis.stride == 1 && axis.origin == 0 && axis.source == size[d];
  }
  return whole && tiling.row_tiles == 1;
}

// Runs every (image, group, row tile, channel part) of a pass.
template <class T>
TALLOW_NOINLINE Status run_pass(const Pass& pass, const Tiling& tiling, const Stage& stage,
                                const Phase* phases, const int32_t* table, const T* source,
                                const Weights<T>& weights, const T* bias, T* out) {
  const bool groups = tiling.lanes == Lanes::kGroups;
  const bool in_place = stage_is_image(pass, tiling, stage);
  const int64_t need = in_place ? 0 : stage.numel(0) * (groups ? kLanes<T> : 1) + kSlack<T>;
  const int64_t tile_tasks = tiling.row_tiles * tiling.channel_parts;
  const int64_t tasks = pass.batch * pass.blocks() * tile_tasks;
  const int64_t channel_unit = tiling.lanes == Lanes::kChannels ? kChannelPanel<T> : 1;
  const int64_t stages = tile_tasks > 1 || in_place
                             ? 1
                             : greater(kAheadBytes / (need * static_cast<int64_t>(sizeof(T))), 1);
  int64_t failed = 0;
  parallel_for(tasks, tiling.chunk, [&](int64_t begin, int64_t end) {
    const Scratch<T> staged(stages * need);
    if (!staged && need > 0) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    int64_t staged_from = -1;  // the row whose surroundings are zero in the stages
    for (int64_t first = begin; first < end; first += stages) {
      const int64_t last = lesser(first + stages, end);
      const Range rows =
          part_of(pass.windows[0], 1, tiling.row_tiles, first % tile_tasks / tiling.channel_parts);
      const Range channels = part_of(pass.out_channels, channel_unit, tiling.channel_parts,
                                     first % tiling.channel_parts);
      if (staged_from != rows.begin) fill_row(staged.get(), stages * need);
      staged_from = rows.begin;
      for (int64_t t = first; t < last && !in_place; ++t) {
        const int64_t item = t / tile_tasks;
        const T* const from = source + pass.source_at(item);
        T* const to = staged.get() + (t - first) * need;
        if (groups) {
          fill_lanes(stage, from, pass.source_order,
                     lesser(pass.groups - pass.first_group(item), kLanes<T>), rows.begin, to);
        } else {
          fill_stage(stage, from, pass.source_order, rows.begin, to);
        }
      }
      for (int64_t t = first; t < last; ++t) {
        const int64_t item = t / tile_tasks;
        const T* const from =
            in_place ? source + pass.source_at(item) : staged.get() + (t - first) * need;
        run_task(pass, tiling, stage, phases, table, from, weights, bias, item, rows, channels,
                 out);
      }
    }
  });
  return failed ? out_of_memory(need * static_cast<int64_t>(sizeof(T))) : Status::kOk;
}

Stage stage_of(const Pass& pass, const Tiling& tiling) {
  return {{pass.axis[0], pass.axis[1]},
          pass.source_channels,
          ceil_div(pass.windows[0], tiling.row_tiles) + pass.reach[0],
          pass.windows[1] + pass.reach[1]};
}

// Channels of a block of groups in the weights as they are arranged.
template <class T>
int64_t lane_channels(const Pass& pass, const Tiling& tiling) {
  if (tiling.lanes == Lanes::kGroups) return kLanes<T>;
  return tiling.lanes == Lanes::kPixels ? pass.out_channels : padded_channels<T>(pass);
}

// Offsets are 32 bits wide.
[[nodiscard]] Status check_stage(const Stage& stage) {
  if (stage.numel(0) <= INT32_MAX) return Status::kOk;
  return fail(Status::kRuntimeError, "convolution: one row of windows needs %lld elements at once",
              static_cast<long long>(stage.numel(0)));
}

template <class T>
Status forward(const ConvArgs& args, const T* input, const T* weight, const T* bias, T* output) {
  Pass pass;
  pass.batch = args.batch;
  pass.groups = args.groups;
  pass.source_channels = args.in_channels / args.groups;
  pass.out_channels = args.out_channels / args.groups;
  pass.taps = args.kernel[0] * args.kernel[1];
  pass.source_order = input_order(args);
  pass.out_order = output_order(args);
  pass.weight = weight_order(args);
  for (int d = 0; d < 2; ++d) {
    pass.out_size[d] = pass.windows[d] = args.out_size[d];
    pass.phases[d] = 1;
    pass.axis[d] = {args.stride[d], -args.padding[d], args.in_size[d], args.kernel[d],
                    args.dilation[d]};
    pass.reach[d] = (args.kernel[d] - 1) * args.dilation[d] / args.stride[d];
  }
  pass.block_groups = groups_fill_lanes<T>(pass) ? kLanes<T> : 1;
  const Tiling tiling = choose_tiling<T>(pass);
  const Stage stage = stage_of(pass, tiling);
  const Status status = check_stage(stage);
  if (status != Status::kOk) return status;
  const Scratch<int32_t> table(pass.source_channels * pass.taps);
  if (!table) return table.failure();
  list_window_offsets(args, stage, table.get());
  const Phase phase{pass.taps, 0, 0};
  const int64_t sums = pass.source_channels * pass.taps;
  const int64_t channels = lane_channels<T>(pass, tiling);
  const bool as_stored = tiling.lanes == Lanes::kPixels && !args.weight_last;
  const Scratch<T> arranged(as_stored ? 0 : pass.blocks() * channels * sums);
  if (!as_stored && !arranged) return arranged.failure();
  if (tiling.lanes == Lanes::kGroups) {
    arrange_weights_of_groups(pass, nullptr, weight, arranged.get());
  } else if (tiling.lanes == Lanes::kChannels) {
    pack_rows_of_weights(pass, weight, arranged.get());
  } else if (!as_stored) {
    arrange_rows_of_weights(pass, weight, arranged.get());
  }
  return run_pass(pass, tiling, stage, &phase, table.get(), input,
                  {as_stored ? weight : arranged.get(), channels * sums, channels}, bias, output);
}

// The taps of one dimension that reach the input elements of one residue class modulo the stride,
// and how far from the window's own output element they look.
struct Residue {
  const ConvArgs& args;
  int dimension;
  int64_t residue;
  TALLOW_INLINE bool reached_by(int64_t tap) const { return distance(tap) % stride() == 0; }
  TALLOW_INLINE int64_t shift(int64_t tap) const { return distance(tap) / stride(); }
  TALLOW_INLINE int64_t stride() const { return args.stride[dimension]; }
  TALLOW_INLINE int64_t distance(int64_t tap) const {
    return residue + args.padding[dimension] - tap * args.dilation[dimension];
  }
};

// The taps that reach one phase of the input: writes them to `taps` and the offsets they read at to
// the table, from phase.table on.
void list_taps(const ConvArgs& args, const Pass& pass, const Stage& stage, const Residue& rows,
               const Residue& columns, Phase& phase, int32_t* taps, int32_t* table) {
  phase.taps = 0;
  for (int64_t i = 0; i < args.kernel[0]; ++i) {
    for (int64_t j = 0; j < args.kernel[1]; ++j) {
      if (!rows.reached_by(i) || !columns.reached_by(j)) continue;
      taps[phase.taps++] = static_cast<int32_t>(i * args.kernel[1] + j);
    }
  }
  int32_t* entry = table + phase.table;
  for (int64_t c = 0; c < pass.source_channels; ++c) {
    for (int64_t s = 0; s < phase.taps; ++s) {
      const int64_t row = rows.shift(taps[s] / args.kernel[1]) - pass.axis[0].origin;
      const int64_t column = columns.shift(taps[s] % args.kernel[1]) - pass.axis[1].origin;
      *entry++ = static_cast<int32_t>(stage.offset(c, 0, 0, row, column));
    }
  }
}

template <class T>
Status grad_input(const ConvArgs& args, const T* output, const T* weight, const T* bias, T* input) {
  Pass pass;
  pass.batch = args.batch;
  pass.groups = args.groups;
  pass.source_channels = args.out_channels / args.groups;
  pass.out_channels = args.in_channels / args.groups;
  pass.taps = args.kernel[0] * args.kernel[1];
  pass.source_order = output_order(args);
  pass.out_order = input_order(args);
  pass.weight = weight_order(args);
  for (int d = 0; d < 2; ++d) {
    pass.out_size[d] = args.in_size[d];
    pass.phases[d] = args.stride[d];
    pass.windows[d] = ceil_div(args.in_size[d], args.stride[d]);
    int64_t least = INT64_MAX;
    int64_t most = INT64_MIN;
    for (int64_t r = 0; r < args.stride[d]; ++r) {
      const Residue residue{args, d, r};
      for (int64_t t = 0; t < args.kernel[d]; ++t) {
        if (!residue.reached_by(t)) continue;
        least = lesser(least, residue.shift(t));
        most = greater(most, residue.shift(t));
      }
    }
    pass.axis[d] = {1, least, args.out_size[d], 1, 1};
    pass.reach[d] = most - least;
  }
  pass.block_groups = groups_fill_lanes<T>(pass) ? kLanes<T> : 1;
  const Tiling tiling = choose_tiling<T>(pass);
  const Stage stage = stage_of(pass, tiling);
  const Status status = check_stage(stage);
  if (status != Status::kOk) return status;
  const int64_t sums = pass.source_channels * pass.taps;  // of all phases together
  const Scratch<Phase> phases(args.stride[0] * args.stride[1]);
  if (!phases) return phases.failure();
  const Scratch<int32_t> taps(pass.taps);
  if (!taps) return taps.failure();
  const Scratch<int32_t> table(sums);
  if (!table) return table.failure();
  int64_t listed = 0;
  for (int64_t f = 0; f < args.stride[0] * args.stride[1]; ++f) {
    Phase& phase = phases[f];
    phase.table = phase.weight = listed * pass.source_channels;
    list_taps(args, pass, stage, Residue{args, 0, f / args.stride[1]},
              Residue{args, 1, f % args.stride[1]}, phase, taps.get() + listed, table.get());
    listed += phase.taps;
  }
  const int64_t channels = lane_channels<T>(pass, tiling);
  const Scratch<T> arranged(pass.blocks() * channels * sums);
  if (!arranged) return arranged.failure();
  if (tiling.lanes == Lanes::kGroups) {
    arrange_weights_of_groups(pass, taps.get(), weight, arranged.get());
  } else if (tiling.lanes == Lanes::kPixels) {
    arrange_transposed_weights(pass, phases.get(), taps.get(), weight, arranged.get());
  } else {
    pack_transposed_weights(pass, phases.get(), taps.get(), weight, arranged.get());
  }
  return run_pass(pass, tiling, stage, phases.get(), table.get(), output,
                  {arranged.get(), channels * sums, channels}, bias, input);
}

}  // namespace

Status conv_direct_forward(const ConvArgs& args, const float* input, const float* weight,
                           const float* bias, float* output) {
  return forward(args, input, weight, bias, output);
}
Status conv_direct_forward(const ConvArgs& args, const double* input, const double* weight,
                           const double* bias, double* output) {
  return forward(args, input, weight, bias, output);
}
Status conv_direct_grad_input(const ConvArgs& args, const float* output, const float* weight,
                              const float* bias, float* input) {
  return grad_input(args, output, weight, bias, input);
}
Status conv_direct_grad_input(const ConvArgs& args, const double* output, const double* weight,
                              const double* bias, double* input) {
  return grad_input(args, output, weight, bias, input);
}

}  // namespace tallow::cpu::TALLOW_ISA
