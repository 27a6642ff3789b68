// 3x3 convolutions of stride 1 by the Winograd algorithm of winograd.h, with channels in the lanes.
//
// Tiles are taken in groups whose transformed patches stay in a second level cache. For a group:
//
//   patches[point][tile][channel]  = B^T d B  of every tile and source channel,
//   sums[point][tile][out channel] = patches[point] x weights[point], 36 matrix products,
//   output pixels                  = A^T sums A + bias,
//
// the last two for kChunk output channels at a time. The transformed weights are four times as
// large as the weights. Where there are several groups they are computed once, before; a single
// group computes those of a piece when it comes to it, and they never leave the caches.
#include "cpu/conv.h"

#if TALLOW_HAS_WINOGRAD

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/gemm_micro.h"
#include "cpu/winograd.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

using namespace winograd;

// Output channels that are multiplied at a time, and tiles of a group, where images allow.
inline constexpr int64_t kChunk = 64;
inline constexpr int64_t kGroupTiles = 48;

TALLOW_INLINE int64_t whole_vectors(int64_t channels) {
  return ceil_div(channels, kWidth) * kWidth;
}

// Distance of the planes of two points: an odd number of cache lines, or the 36 elements of a tile
// would share one set of the cache.
TALLOW_INLINE int64_t plane_of(int64_t elements) {
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(float));
  return (ceil_div(elements, kLine) | 1) * kLine;
}

// The convolution, or its transpose, as a pass from source to output.
struct Pass {
  int64_t batch, source_channels, out_channels;
  int64_t source_size[2], out_size[2];
  int64_t padding[2];  // zeros before the source
  const float* source;
  const float* bias;  // or null
  float* out;
  // Where the stored weight of (out channel, source channel) is, and whether its taps are turned.
  const float* weight;
  int64_t weight_out, weight_source;
  bool turned;
};

// How the tiles are divided. A strip is one row of tiles, or a part of it in wide images; a group
// is some strips in a row.
struct Division {
  int64_t tile_rows, tile_columns;  // of an image
  int64_t column_parts;
  int64_t strips, groups;
  int64_t chunks, chunk_parts;  // of the output channels
  int64_t most_strips;          // in a group
  int64_t strip_columns;        // tiles in the longest strip
  TALLOW_INLINE int64_t group_tiles() const { return most_strips * strip_columns; }
};

TALLOW_INLINE int64_t flops_of(const Pass& pass, const Division& d) {
  return 2 * kPoints * d.strips * d.strip_columns * pass.source_channels * pass.out_channels;
}

Division divide(const Pass& pass) {
  Division d;
  d.tile_rows = ceil_div(pass.out_size[0], kTile);
  d.tile_columns = ceil_div(pass.out_size[1], kTile);
  d.column_parts = ceil_div(d.tile_columns, 2 * kGroupTiles);
  d.strip_columns = ceil_div(d.tile_columns, d.column_parts);
  d.strips = pass.batch * d.tile_rows * d.column_parts;
  d.groups = ceil_div(d.strips, greater(kGroupTiles / d.strip_columns, 1));
  d.most_strips = ceil_div(d.strips, d.groups);
  d.chunks = ceil_div(pass.out_channels, kChunk);
  // Every part of the output channels transforms the source anew: no more parts than needed.
  d.chunk_parts = lesser(d.chunks, ceil_div(wanted_tasks(flops_of(pass, d)), d.groups));
  return d;
}

// Rows [y, y + rows) of tiles and columns [x, x + columns) of an image.
struct Piece {
  int64_t image, y, rows, x, columns;
};

// Calls body(piece, number of its first tile in the group) for the pieces of a group: neighbouring
// strips of one image are one piece.
template <class Body>
void each_piece(const Division& d, Range strips, const Body& body) {
  int64_t tile = 0;
  for (int64_t s = strips.begin; s < strips.end;) {
    const int64_t row = s / d.column_parts;
    const Range columns = part_of(d.tile_columns, 1, d.column_parts, s % d.column_parts);
    const int64_t y = row % d.tile_rows;
    const int64_t rows = d.column_parts > 1 ? 1 : lesser(strips.end - s, d.tile_rows - y);
    body(Piece{row / d.tile_rows, y, rows, columns.begin, columns.size()}, tile);
    tile += rows * columns.size();
    s += rows;
  }
}

// ---- Weights: [chunk][point][panel][source channel][panel width], the panels of a matrix product.

TALLOW_INLINE int64_t chunk_width(const Pass& pass, int64_t chunk) {
  return lesser(kChunk, whole_vectors(pass.out_channels - chunk * kChunk));
}
TALLOW_INLINE int64_t chunk_size(int64_t channels) { return kPoints * plane_of(channels * kChunk); }

// The nine taps of kWidth output channels from `out` on, for one source channel.
TALLOW_INLINE void load_taps(const Pass& pass, int64_t out, int64_t source,
                             Lanes (&taps)[kTaps * kTaps]) {
  constexpr int kCount = kTaps * kTaps;
  const float* const from = pass.weight + out * pass.weight_out + source * pass.weight_source;
#pragma GCC unroll 4
  for (int first = 0; first < kCount; first += kWidth) {
    const int count = kCount - first < kWidth ? kCount - first : kWidth;
    Lanes block[kWidth];
#pragma GCC unroll 16
    for (int o = 0; o < kWidth; ++o) {
      block[o] = out + o < pass.out_channels ? load_some(from + o * pass.weight_out + first, count)
                                             : Lanes{};
    }
    transpose(block);
#pragma GCC unroll 16
    for (int t = 0; t < kWidth; ++t) {
      if (t < count) taps[pass.turned ? kCount - 1 - first - t : first + t] = block[t];
    }
  }
}

// Transforms the weights of one vector of output channels, `column` in its chunk, into planes for
// just the source channels `sources`.
void transform_weights(const Pass& pass, int64_t chunk, int64_t column, Range sources,
                       float* planes) {
  const int64_t panel = column / kPanelWidth<float> * kPanelWidth<float>;
  const int64_t panel_width = lesser(kPanelWidth<float>, chunk_width(pass, chunk) - panel);
  const int64_t plane = plane_of(sources.size() * kChunk);
  float* to = planes + panel * sources.size() + column - panel;
  for (int64_t c = sources.begin; c < sources.end; ++c, to += panel_width) {
    Lanes taps[kTaps * kTaps];
    load_taps(pass, chunk * kChunk + column, c, taps);
    transform_square<kTaps, kPatch>(
        transform_taps, [&](int i, int j) { return taps[i * kTaps + j]; },
        [&](int i, int j, Lanes value) { store(to + (i * kPatch + j) * plane, value); });
  }
}

// ---- One group.

struct Group {
  const Pass& pass;
  const Division& division;
  Range strips;
  int64_t tiles;
  int64_t channels;  // of the source, in whole vectors
  int64_t patch_plane, sum_plane;
  Lanes* staged;  // pixels with kWidth channels each
  float* patches;
  float* sums;
};

// Stages what a piece sees of kWidth source channels; borders are zero already, if `clean`.
void stage_piece(const Pass& pass, const Piece& piece, int64_t channel, bool clean, Lanes* staged) {
  const int64_t pitch = piece.columns * kTile + 2;
  const int64_t height = piece.rows * kTile + 2;
  if (!clean) {
    for (int64_t i = 0; i < height * pitch; ++i) staged[i] = Lanes{};
  }
  // Source coordinates of the first staged pixel, and what of it exists.
  const int64_t top = piece.y * kTile - pass.padding[0];
  const int64_t left = piece.x * kTile - pass.padding[1];
  const Range rows{greater(top, 0), lesser(top + height, pass.source_size[0])};
  const Range columns{greater(left, 0), lesser(left + pitch, pass.source_size[1])};
  if (rows.size() <= 0 || columns.size() <= 0) return;
  const int64_t plane = pass.source_size[0] * pass.source_size[1];
  const Pixels pixels{plane, pass.source_size[1], rows.size(), columns.size()};
  const float* const from = pass.source + (piece.image * pass.source_channels + channel) * plane +
                            rows.begin * pass.source_size[1] + columns.begin;
  stage_pixels(pixels, from, static_cast<int>(lesser(kWidth, pass.source_channels - channel)),
               pitch, staged + (rows.begin - top) * pitch + columns.begin - left);
}

void transform_patches(const Group& group) {
  Piece last{-1, -1, -1, -1, -1};
  for (int64_t c = 0; c < group.channels; c += kWidth) {
    each_piece(group.division, group.strips, [&](const Piece& piece, int64_t tile) {
      const bool clean = piece.y == last.y && piece.rows == last.rows && piece.x == last.x;
      stage_piece(group.pass, piece, c, clean, group.staged);
      last = piece;
      const int64_t pitch = piece.columns * kTile + 2;
      float* to = group.patches + tile * group.channels + c;
      for (int64_t y = 0; y < piece.rows; ++y) {
        for (int64_t x = 0; x < piece.columns; ++x, to += group.channels) {
          const Lanes* const from = group.staged + (y * pitch + x) * kTile;
          transform_square<kPatch, kPatch>(
              transform_pixels, [&](int i, int j) { return from[i * pitch + j]; },
              [&](int i, int j, Lanes value) {
                store(to + (i * kPatch + j) * group.patch_plane, value);
              });
        }
      }
    });
  }
}

// Transformed weights of one chunk, in planes for the source channels `sources`.
struct Weights {
  const float* data;
  Range sources;
};

// sums (+)= patches x weights, for source channels `part` and the `width` columns of a chunk.
void multiply(const Group& group, int64_t width, Range part, const Weights& weights) {
  const int64_t channels = weights.sources.size();
  const int64_t blocks = ceil_div(group.tiles, kRows);
  MicroBlock<float> micro;
  micro.kc = part.size();
  micro.a_row = group.channels;
  micro.a_col = 1;
  micro.c_row = width;
  micro.accumulate = part.begin > 0;
  micro.init = nullptr;
  micro.alpha = micro.beta = 1;
  for (int point = 0; point < kPoints; ++point) {
    const float* const patches = group.patches + point * group.patch_plane + part.begin;
    const float* const plane = weights.data + point * plane_of(channels * kChunk);
    float* const sums = group.sums + point * group.sum_plane;
    for (int64_t j = 0; j < width; j += kPanelWidth<float>) {
      micro.columns = micro.b_row = lesser(kPanelWidth<float>, width - j);
      micro.b = plane + j * channels + (part.begin - weights.sources.begin) * micro.b_row;
      for (int64_t b = 0; b < blocks; ++b) {
        const Range rows = part_of(group.tiles, 1, blocks, b);
        micro.a = patches + rows.begin * group.channels;
        micro.c = sums + rows.begin * width + j;
        pick_rows<float, false>(rows.size(), micro.columns / kWidth)(micro);
      }
    }
  }
}

// Output pixels of kWidth channels, whose sums begin at column `column` of the chunk.
void finish_tiles(const Group& group, int64_t width, int64_t column, int64_t channel) {
  const Pass& pass = group.pass;
  const int channels = static_cast<int>(lesser(kWidth, pass.out_channels - channel));
  const Lanes bias = pass.bias ? load_some(pass.bias + channel, channels) : Lanes{};
  const int64_t plane = pass.out_size[0] * pass.out_size[1];
  each_piece(group.division, group.strips, [&](const Piece& piece, int64_t tile) {
    const int64_t height = lesser(piece.rows * kTile, pass.out_size[0] - piece.y * kTile);
    const int64_t pitch = lesser(piece.columns * kTile, pass.out_size[1] - piece.x * kTile);
    const float* from = group.sums + tile * width + column;
    for (int64_t y = 0; y < height; y += kTile) {
      for (int64_t x = 0; x < pitch; x += kTile, from += width) {
        Lanes* const to = group.staged + y * pitch + x;
        const int64_t rows = height - y;
        const int64_t columns = pitch - x;
        transform_square<kPatch, kTile>(
            transform_sums,
            [&](int i, int j) { return load(from + (i * kPatch + j) * group.sum_plane); },
            [&](int i, int j, Lanes value) {
              if (i < rows && j < columns) to[i * pitch + j] = value + bias;
            });
      }
    }
    const Pixels pixels{plane, pass.out_size[1], height, pitch};
    unstage_pixels(pixels, group.staged, channels,
                   pass.out + (piece.image * pass.out_channels + channel) * plane +
                       piece.y * kTile * pass.out_size[1] + piece.x * kTile);
  });
}

// Some chunks of a group. `weights` are those of all chunks and source channels, or null; then
// there is `own` room for those of one chunk and kGemmBlock source channels.
void compute_group(const Group& group, Range chunks, const float* weights, float* own) {
  const Pass& pass = group.pass;
  const Range sources{0, pass.source_channels};
  transform_patches(group);
  for (int64_t chunk = chunks.begin; chunk < chunks.end; ++chunk) {
    const int64_t width = chunk_width(pass, chunk);
    for (int64_t c = 0; c < sources.end; c += kGemmBlock) {
      const Range part{c, lesser(sources.end, c + kGemmBlock)};
      if (weights) {
        multiply(group, width, part, {weights + chunk * chunk_size(sources.end), sources});
      } else {
        for (int64_t j = 0; j < width; j += kWidth) transform_weights(pass, chunk, j, part, own);
        multiply(group, width, part, {own, part});
      }
    }
    for (int64_t j = 0; j < width; j += kWidth) {
      finish_tiles(group, width, j, chunk * kChunk + j);
    }
  }
}

Status run(const Pass& pass) {
  const Division d = divide(pass);
  const bool shared = d.groups > 1;
  const Scratch<float> weights(shared ? d.chunks * chunk_size(pass.source_channels) : 0);
  if (shared) {
    if (!weights) return weights.failure();
    const int64_t vectors = ceil_div(pass.out_channels, kWidth);
    parallel_for(vectors, 512 / pass.source_channels + 1, [&](int64_t begin, int64_t end) {
      for (int64_t v = begin; v < end; ++v) {
        const int64_t chunk = v * kWidth / kChunk;
        transform_weights(pass, chunk, v * kWidth % kChunk, {0, pass.source_channels},
                          weights.get() + chunk * chunk_size(pass.source_channels));
      }
    });
  }
  const int64_t channels = whole_vectors(pass.source_channels);
  const int64_t patch_plane = plane_of(d.group_tiles() * channels);
  const int64_t sum_plane = plane_of(d.group_tiles() * kChunk);
  const int64_t staged_size = (d.most_strips * kTile + 2) * (d.strip_columns * kTile + 2) * kWidth;
  const int64_t own_size = shared ? 0 : chunk_size(lesser(pass.source_channels, kGemmBlock));
  const int64_t need = staged_size + kPoints * (patch_plane + sum_plane) + own_size;
  const int64_t tasks = d.groups * d.chunk_parts;
  const int64_t chunk = kTaskFlops / 2 / (flops_of(pass, d) / tasks + 1) + 1;
  int64_t failed = 0;
  parallel_for(tasks, chunk, [&](int64_t begin, int64_t end) {
    const Scratch<float> scratch(need);
    if (!scratch) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    float* const patches = scratch.get() + staged_size;
    float* const sums = patches + kPoints * patch_plane;
    for (int64_t t = begin; t < end; ++t) {
      const Range strips = part_of(d.strips, 1, d.groups, t / d.chunk_parts);
      int64_t tiles = 0;
      each_piece(d, strips, [&](const Piece& piece, int64_t first) {
        tiles = first + piece.rows * piece.columns;
      });
      const Group group{pass,     d,           strips,    tiles,
                        channels, patch_plane, sum_plane, reinterpret_cast<Lanes*>(scratch.get()),
                        patches,  sums};
      compute_group(group, part_of(d.chunks, 1, d.chunk_parts, t % d.chunk_parts),
                    shared ? weights.get() : nullptr, sums + kPoints * sum_plane);
    }
  });
  return failed ? out_of_memory(need * static_cast<int64_t>(sizeof(float))) : Status::kOk;
}

}  // namespace

bool conv_winograd_pays(const ConvArgs& args, int64_t source_channels, int64_t out_channels,
                        const int64_t (&out_size)[2]) {
  for (int d = 0; d < 2; ++d) {
    if (args.kernel[d] != kTaps || args.stride[d] != 1 || args.dilation[d] != 1) return false;
  }
  if (!args.winograd || args.groups != 1 || source_channels < 32 || out_channels < 32) return false;
  const int64_t tiles = args.batch * ceil_div(out_size[0], kTile) * ceil_div(out_size[1], kTile);
  return tiles >= 16;
}

Status conv_winograd_forward(const ConvArgs& args, const float* input, const float* weight,
                             const float* bias, float* output) {
  const int64_t taps = kTaps * kTaps;
  return run({args.batch,
              args.in_channels,
              args.out_channels,
              {args.in_size[0], args.in_size[1]},
              {args.out_size[0], args.out_size[1]},
              {args.padding[0], args.padding[1]},
              input,
              bias,
              output,
              weight,
              args.in_channels * taps,
              taps,
              false});
}

// The transpose of a convolution of stride 1 is one with turned kernels and the rest of the
// padding.
Status conv_winograd_grad_input(const ConvArgs& args, const float* output, const float* weight,
                                const float* bias, float* input) {
  const int64_t taps = kTaps * kTaps;
  return run({args.batch,
              args.out_channels,
              args.in_channels,
              {args.out_size[0], args.out_size[1]},
              {args.in_size[0], args.in_size[1]},
              {kTaps - 1 - args.padding[0], kTaps - 1 - args.padding[1]},
              output,
              bias,
              input,
              weight,
              taps,
              args.in_channels * taps,
              true});
}

}  // namespace tallow::cpu::TALLOW_ISA

#endif
