// Convolution and its transpose without an im2col matrix: register blocks whose lanes are
// neighbouring output pixels read a zero-padded copy of the source through a table of offsets, one
// per channel and tap.
#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/conv.h"
#include "cpu/gemm_micro.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Source pixels are addressed with this many spare elements behind the last plane.
template <class T>
inline constexpr int64_t kSlack = kPanelWidth<T> + kLanes<T>;

// A pass over one kind of problem: every window of the source gives one output pixel per phase.
// The convolution has one phase. Its transpose with stride s has s of them per dimension: output
// pixels of phase r, r + s, r + 2 s ... see the same taps, at neighbouring source pixels.
struct Pass {
  int64_t batch, groups;
  int64_t source_channels, out_channels;  // per group
  int64_t out_size[2];
  int64_t phases[2];    // of the output
  int64_t windows[2];   // output pixels of phase 0
  int64_t reach[2];     // rows and columns that windows read beyond their own
  StageAxis axis[2];
  int64_t taps;         // of all phases together
  TALLOW_INLINE int64_t source_numel() const {
    return source_channels * axis[0].source * axis[1].source;
  }
  TALLOW_INLINE int64_t out_numel() const { return out_channels * out_size[0] * out_size[1]; }
};

// Where the taps of one output phase are, and its weights: [out channel][source channel][tap].
struct Phase {
  int64_t taps;          // per source channel
  int64_t table;         // position of its offsets
  int64_t weight;        // position of its weights in a group's
};

// Output pixels of `rows` window rows of one phase: pixel (y, x) reads the stage at y * pitch + x.
template <class T>
struct Image {
  const T* staged;
  int64_t pitch;
  const int32_t* table;
  int64_t sum_length;  // source channels x taps
  const T* weight;     // [channels][sum_length]
  const T* bias;       // null: none
  int64_t channels;
  int64_t rows, columns;
  T* out;
  int64_t out_channel, out_row, out_column;  // strides
};

template <class T, int MR>
TALLOW_INLINE MicroFunction<T> pick_table_vectors(int64_t vectors) {
  switch (vectors) {
    case 1: return micro_block<T, MR, 1, false, true>;
    case 2: return micro_block<T, MR, 2, false, true>;
    default: break;
  }
  if constexpr (kPanelVectors == 4) {
    return vectors == 3 ? micro_block<T, MR, 3, false, true> : micro_block<T, MR, 4, false, true>;
  }
  return nullptr;
}

template <class T>
TALLOW_INLINE MicroFunction<T> pick_table_micro(int64_t rows, int64_t vectors) {
  switch (rows) {
    case 1: return pick_table_vectors<T, 1>(vectors);
    case 2: return pick_table_vectors<T, 2>(vectors);
    case 3: return pick_table_vectors<T, 3>(vectors);
    case 4: return pick_table_vectors<T, 4>(vectors);
    case 5: return pick_table_vectors<T, 5>(vectors);
    default: return pick_table_vectors<T, 6>(vectors);
  }
}

// Copies the pixels of a tile (channels x panel columns) to the output, leaving out the columns
// between the end of an output row and the end of a staged row.
template <class T>
void write_tile(const Image<T>& image, const T* tile, Range channels, Range pixels) {
  for (int64_t p = pixels.begin; p < pixels.end;) {
    const int64_t y = p / image.pitch;
    const int64_t x = p % image.pitch;
    const int64_t run = lesser(image.columns - x, pixels.end - p);
    for (int64_t i = channels.begin; run > 0 && i < channels.end; ++i) {
      const T* const from = tile + (i - channels.begin) * kPanelWidth<T> + p - pixels.begin;
      T* const to = image.out + i * image.out_channel + y * image.out_row + x * image.out_column;
      if (image.out_column != 1) {
        for (int64_t s = 0; s < run; ++s) to[s * image.out_column] = from[s];
        continue;
      }
      int64_t s = 0;
      for (; s + kLanes<T> <= run; s += kLanes<T>) store(to + s, load(from + s));
      if (s < run) store_partial(to + s, load(from + s), static_cast<int>(run - s));
    }
    p += image.pitch - x;
  }
}

template <class T>
void compute_image(const Image<T>& image) {
  if (image.rows <= 0 || image.columns <= 0) return;
  const int64_t pixels = (image.rows - 1) * image.pitch + image.columns;
  const int64_t panels = ceil_div(pixels, kPanelWidth<T>);
  const int64_t blocks = ceil_div(image.channels, kRows);
  alignas(64) T tile[kRows * kPanelWidth<T> + kLanes<T>];
  MicroBlock<T> micro;
  micro.a_row = image.sum_length;
  micro.a_col = 1;
  micro.c = tile;
  micro.c_row = kPanelWidth<T>;
  micro.init_row = 1;
  micro.init_col = 0;
  micro.alpha = micro.beta = T(1);
  for (int64_t p = 0; p < panels; ++p) {
    const Range panel = part_of(pixels, kLanes<T>, panels, p);
    const int64_t vectors = ceil_div(panel.size(), kLanes<T>);
    micro.columns = vectors * kLanes<T>;
    micro.b = image.staged + panel.begin;
    for (int64_t r = 0; r < blocks; ++r) {
      const Range block = part_of(image.channels, 1, blocks, r);
      const MicroFunction<T> run = pick_table_micro<T>(block.size(), vectors);
      micro.init = image.bias ? image.bias + block.begin : nullptr;
      for (int64_t l = 0; l == 0 || l < image.sum_length; l += kGemmBlock) {
        micro.kc = lesser(image.sum_length - l, kGemmBlock);
        micro.a = image.weight + block.begin * image.sum_length + l;
        micro.b_table = image.table + l;
        micro.accumulate = l > 0;
        run(micro);
      }
      write_tile(image, tile, block, panel);
    }
  }
}

// How a pass is cut: tiles of window rows, and parts of the output channels.
struct Tiling {
  int64_t row_tiles, channel_parts;
  int64_t chunk;  // tasks run together
};

// A stage should fit into a second level cache next to the weights.
inline constexpr int64_t kStageBytes = 384 * 1024;

template <class T>
Tiling choose_tiling(const Pass& pass) {
  const int64_t items = pass.batch * pass.groups;
  const int64_t row_bytes = pass.source_channels * pass.axis[0].stride * pass.axis[1].stride *
                            (pass.windows[1] + pass.reach[1]) * static_cast<int64_t>(sizeof(T));
  const int64_t flops = 2 * pass.out_channels * pass.source_channels * pass.taps *
                        pass.windows[0] * pass.windows[1];
  const int64_t wanted = ceil_div(wanted_tasks(flops * items), items);
  // Enough pixels for some register blocks, and not mostly halo.
  const int64_t least_rows =
      1 + pass.reach[0] + 2 * kPanelWidth<T> / (pass.windows[1] + pass.reach[1]);
  const int64_t by_cache = kStageBytes / row_bytes - pass.reach[0];
  Tiling tiling;
  tiling.row_tiles =
      greater(ceil_div(pass.windows[0], greater(by_cache, least_rows)),
              lesser(wanted, ceil_div(pass.windows[0], least_rows)));
  tiling.channel_parts =
      greater(lesser(ceil_div(wanted, tiling.row_tiles), pass.out_channels / 24), 1);
  const int64_t tasks = tiling.row_tiles * tiling.channel_parts;
  tiling.chunk = tasks > 1 ? 1 : ceil_div(kTaskFlops / 2, flops + 1);
  return tiling;
}

// Runs every (image, group, row tile, channel part) of a pass. `phases` has phases[0] x phases[1]
// entries; weights of group g begin at weight + g * weight_group.
template <class T>
Status run_pass(const Pass& pass, const Tiling& tiling, const Stage& stage, const Phase* phases,
                const int32_t* table, const T* source, const T* weight, int64_t weight_group,
                const T* bias, T* out) {
  const int64_t need = stage.numel(kSlack<T>);
  const int64_t tile_tasks = tiling.row_tiles * tiling.channel_parts;
  const int64_t tasks = pass.batch * pass.groups * tile_tasks;
  int64_t failed = 0;
  parallel_for(tasks, tiling.chunk, [&](int64_t begin, int64_t end) {
    const Scratch<T> staged(need);
    if (!staged) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    fill_row(staged.get() + need - kSlack<T>, kSlack<T>);
    for (int64_t t = begin; t < end; ++t) {
      const int64_t item = t / tile_tasks;
      const int64_t group = item % pass.groups;
      const Range rows = part_of(pass.windows[0], 1, tiling.row_tiles,
                                 t % tile_tasks / tiling.channel_parts);
      const Range channels =
          part_of(pass.out_channels, kRows, tiling.channel_parts, t % tiling.channel_parts);
      fill_stage(stage, source + item * pass.source_numel(), rows.begin, staged.get());
      for (int64_t f = 0; f < pass.phases[0] * pass.phases[1]; ++f) {
        const int64_t first[2] = {f / pass.phases[1], f % pass.phases[1]};
        const Phase& phase = phases[f];
        Image<T> image;
        image.staged = staged.get();
        image.pitch = stage.pitch;
        image.table = table + phase.table;
        image.sum_length = pass.source_channels * phase.taps;
        image.weight = weight + group * weight_group + phase.weight * pass.out_channels +
                       channels.begin * image.sum_length;
        image.bias = bias ? bias + group * pass.out_channels + channels.begin : nullptr;
        image.channels = channels.size();
        const int64_t row_limit = ceil_div(pass.out_size[0] - first[0], pass.phases[0]);
        image.rows = lesser(rows.end, row_limit) - rows.begin;
        image.columns = ceil_div(pass.out_size[1] - first[1], pass.phases[1]);
        image.out_column = pass.phases[1];
        image.out_row = pass.phases[0] * pass.out_size[1];
        image.out_channel = pass.out_size[0] * pass.out_size[1];
        image.out = out + item * pass.out_numel() + channels.begin * image.out_channel +
                    rows.begin * image.out_row + first[0] * pass.out_size[1] + first[1];
        compute_image(image);
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
  for (int d = 0; d < 2; ++d) {
    pass.out_size[d] = pass.windows[d] = args.out_size[d];
    pass.phases[d] = 1;
    pass.axis[d] = {args.stride[d], -args.padding[d], args.in_size[d], args.kernel[d],
                    args.dilation[d]};
    pass.reach[d] = (args.kernel[d] - 1) * args.dilation[d] / args.stride[d];
  }
  const Tiling tiling = choose_tiling<T>(pass);
  const Stage stage = stage_of(pass, tiling);
  const Status status = check_stage(stage);
  if (status != Status::kOk) return status;
  const Scratch<int32_t> table(pass.source_channels * pass.taps);
  if (!table) return table.failure();
  int64_t position = 0;
  for (int64_t c = 0; c < pass.source_channels; ++c) {
    for (int64_t i = 0; i < args.kernel[0]; ++i) {
      for (int64_t j = 0; j < args.kernel[1]; ++j) {
        const int64_t row = i * args.dilation[0];
        const int64_t column = j * args.dilation[1];
        table[position++] = static_cast<int32_t>(
            stage.offset(c, row % args.stride[0], column % args.stride[1], row / args.stride[0],
                         column / args.stride[1]));
      }
    }
  }
  const Phase phase{pass.taps, 0, 0};
  const int64_t weight_group = pass.out_channels * pass.source_channels * pass.taps;
  return run_pass(pass, tiling, stage, &phase, table.get(), input, weight, weight_group, bias,
                  output);
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

// Rows of weights, one per (group, phase, input channel), in the order of the table. Input channels
// are taken a few at a time, so that whole cache lines of the stored weight are used.
template <class T>
void arrange_weights(const Pass& pass, const Phase* phases, const int32_t* taps, const T* weight,
                     T* arranged) {
  constexpr int64_t kBlock = 8;
  const int64_t blocks = ceil_div(pass.out_channels, kBlock);
  const int64_t group_size = pass.source_channels * pass.out_channels * pass.taps;
  const int64_t chunk = 65536 / (pass.source_channels * pass.taps * kBlock) + 1;
  parallel_for(pass.groups * blocks, chunk, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const T* const from = weight + t / blocks * group_size;
      const Range channels = part_of(pass.out_channels, 1, blocks, t % blocks);
      const int32_t* list = taps;
      for (int64_t f = 0; f < pass.phases[0] * pass.phases[1]; ++f) {
        const Phase& phase = phases[f];
        T* const to = arranged + t / blocks * group_size + phase.weight * pass.out_channels;
        for (int64_t c = 0; c < pass.source_channels; ++c) {
          for (int64_t o = channels.begin; o < channels.end; ++o) {
            const T* const stored = from + (c * pass.out_channels + o) * pass.taps;
            T* const row = to + (o * pass.source_channels + c) * phase.taps;
            for (int64_t s = 0; s < phase.taps; ++s) row[s] = stored[list[s]];
          }
        }
        list += phase.taps;
      }
    }
  });
}

template <class T>
Status grad_input(const ConvArgs& args, const T* output, const T* weight, const T* bias, T* input) {
  Pass pass;
  pass.batch = args.batch;
  pass.groups = args.groups;
  pass.source_channels = args.out_channels / args.groups;
  pass.out_channels = args.in_channels / args.groups;
  pass.taps = args.kernel[0] * args.kernel[1];
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
  const Tiling tiling = choose_tiling<T>(pass);
  const Stage stage = stage_of(pass, tiling);
  const Status status = check_stage(stage);
  if (status != Status::kOk) return status;
  const int64_t sums = pass.source_channels * pass.taps;  // of all phases together
  const int64_t weight_group = sums * pass.out_channels;
  const Scratch<Phase> phases(args.stride[0] * args.stride[1]);
  if (!phases) return phases.failure();
  const Scratch<int32_t> taps(pass.taps);
  if (!taps) return taps.failure();
  const Scratch<int32_t> table(sums);
  if (!table) return table.failure();
  const Scratch<T> arranged(weight_group * args.groups);
  if (!arranged) return arranged.failure();
  int64_t listed = 0;
  for (int64_t f = 0; f < args.stride[0] * args.stride[1]; ++f) {
    Phase& phase = phases[f];
    phase.table = phase.weight = listed * pass.source_channels;
    list_taps(args, pass, stage, Residue{args, 0, f / args.stride[1]},
              Residue{args, 1, f % args.stride[1]}, phase, taps.get() + listed, table.get());
    listed += phase.taps;
  }
  arrange_weights(pass, phases.get(), taps.get(), weight, arranged.get());
  return run_pass(pass, tiling, stage, phases.get(), table.get(), output, arranged.get(),
                  weight_group, bias, input);
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
