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
#include "cpu/conv_winograd.h"

#if TALLOW_HAS_WINOGRAD

#include "core/parallel.h"
#include "core/scratch.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

using namespace winograd;

// Output channels that are multiplied at a time.
inline constexpr int64_t kChunk = 64;

// The convolution, or its transpose, as a pass from source to output.
struct Pass {
  int64_t batch;
  Images source;
  int64_t out_channels, out_size[2];
  const float* bias;  // or null
  float* out;
  Order out_order;
  // Where the stored weight of (out channel, source channel, tap) is, and whether its taps are
  // turned. One of the three strides is 1.
  const float* weight;
  int64_t weight_out, weight_source, weight_tap;
  bool turned;
  TALLOW_INLINE int64_t chunks() const { return ceil_div(out_channels, kChunk); }
  TALLOW_INLINE int64_t chunk_width(int64_t chunk) const {
    return lesser(kChunk, whole_vectors(out_channels - chunk * kChunk));
  }
};

// Every group reads all transformed weights, so groups are large, as long as there are enough to be
// tasks.
inline constexpr int64_t kMostTiles = 96;
inline constexpr int64_t kLeastTiles = 24;

// ---- Weights of a chunk for some source channels: [point][source channel][lane of the chunk].

struct Weights {
  float* data;
  Range sources;
  TALLOW_INLINE int64_t plane() const { return plane_of(sources.size() * kChunk); }
  TALLOW_INLINE float* at(int64_t source, int64_t lane) const {
    return data + (source - sources.begin) * kChunk + lane;
  }
};
TALLOW_INLINE int64_t weights_size(int64_t sources) { return kPoints * plane_of(sources * kChunk); }

// The taps of kWidth output channels, for up to kWidth source channels.
struct TapBlock {
  Lanes of[kWidth][kTaps * kTaps];  // [source channel]
};

// Loads the taps of kWidth output channels from `out` on for source channels from `source` on and
// returns of how many, at most `limit`.
TALLOW_NOINLINE int64_t load_taps(const Pass& pass, int64_t out, int64_t source, int64_t limit,
                                  TapBlock& taps) {
  constexpr int kCount = kTaps * kTaps;
  const float* const from = pass.weight + out * pass.weight_out + source * pass.weight_source;
  const int64_t outs = lesser(pass.out_channels - out, kWidth);
  const auto place = [&](int tap) { return pass.turned ? kCount - 1 - tap : tap; };
  if (pass.weight_out == 1) {
    for (int t = 0; t < kCount; ++t) {
      taps.of[0][place(t)] = load_some(from + t * pass.weight_tap, outs);
    }
    return 1;
  }
  // What is neighbours, taps or source channels, has to become other vectors.
  const bool by_source = pass.weight_source == 1;
  const int64_t sources = by_source ? lesser(limit, kWidth) : 1;
  for (int t = 0; t < kCount; t += by_source ? 1 : kWidth) {
    const int64_t count = by_source ? sources : lesser(kCount - t, kWidth);
    Lanes block[kWidth];
#pragma GCC unroll 16
    for (int o = 0; o < kWidth; ++o) {
      block[o] =
          o < outs ? load_some(from + o * pass.weight_out + t * pass.weight_tap, count) : Lanes{};
    }
    transpose(block);
    for (int i = 0; i < count; ++i) {
      taps.of[by_source ? i : 0][place(by_source ? t : t + i)] = block[i];
    }
  }
  return sources;
}

// Transforms the weights of a chunk for the source channels `part`.
void transform_weights(const Pass& pass, int64_t chunk, Range part, const Weights& to) {
  const int64_t plane = to.plane();
  // Returns for how many source channels.
  const auto transform = [&](int64_t lane, int64_t source) {
    TapBlock taps;
    const int64_t sources = load_taps(pass, chunk * kChunk + lane, source, part.end - source, taps);
    for (int64_t s = 0; s < sources; ++s) {
      float* const target = to.at(source + s, lane);
      transform_square<kTaps, kPatch>(
          TapTransform{}, [&](int i, int j) { return taps.of[s][i * kTaps + j]; },
          [&](int i, int j, Lanes value) { store(target + (i * kPatch + j) * plane, value); });
    }
    return sources;
  };
  // Along the stored weight.
  const int64_t width = pass.chunk_width(chunk);
  if (pass.weight_source < pass.weight_out) {
    for (int64_t lane = 0; lane < width; lane += kWidth) {
      for (int64_t c = part.begin; c < part.end;) c += transform(lane, c);
    }
  } else {
    for (int64_t c = part.begin; c < part.end; ++c) {
      for (int64_t lane = 0; lane < width; lane += kWidth) transform(lane, c);
    }
  }
}

// ---- One group of tiles.

struct Group {
  const Pass& pass;
  const Tiles& tiles;
  Range strips;
  int64_t count;  // of tiles
  Planes patches, sums;
  Lanes* staged;
};

// sums (+)= patches x weights, for source channels `part` and the `width` columns of a chunk.
void multiply(const Group& group, int64_t width, Range part, const Weights& weights) {
  for (int point = 0; point < kPoints; ++point) {
    Gemm<float> g;
    g.m = group.count;
    g.n = width;
    g.k = part.size();
    g.a = group.patches.data + point * group.patches.plane + part.begin;
    g.a_row = group.patches.pitch;
    g.a_col = 1;
    g.b = weights.at(part.begin, 0) + point * weights.plane();
    g.b_row = kChunk;
    g.b_col = 1;
    g.c = group.sums.data + point * group.sums.plane;
    g.c_row = g.init_row = group.sums.pitch;
    g.c_col = g.init_col = 1;
    g.init = part.begin > 0 ? g.c : nullptr;
    g.alpha = g.beta = 1;
    gemm_in_place(g);
  }
}

// Output pixels of kWidth channels from `channel` on, whose sums begin at `lane`.
void finish_tiles(const Group& group, int64_t lane, int64_t channel) {
  const Pass& pass = group.pass;
  const Planes& sums = group.sums;
  const int channels = static_cast<int>(lesser(kWidth, pass.out_channels - channel));
  const Lanes bias = pass.bias ? load_some(pass.bias + channel, channels) : Lanes{};
  const Order& order = pass.out_order;
  each_piece(group.tiles, group.strips, [&](const Piece& piece, int64_t tile) {
    const int64_t height = lesser(piece.rows * kTile, pass.out_size[0] - piece.y * kTile);
    const int64_t pitch = lesser(piece.columns * kTile, pass.out_size[1] - piece.x * kTile);
    const float* from = sums.data + tile * sums.pitch + lane;
    for (int64_t y = 0; y < height; y += kTile) {
      for (int64_t x = 0; x < pitch; x += kTile, from += sums.pitch) {
        Lanes* const to = group.staged + y * pitch + x;
        const int64_t rows = height - y;
        const int64_t columns = pitch - x;
        transform_square<kPatch, kTile>(
            SumTransform{},
            [&](int i, int j) { return load(from + (i * kPatch + j) * sums.plane); },
            [&](int i, int j, Lanes value) {
              if (i < rows && j < columns) to[i * pitch + j] = value + bias;
            });
      }
    }
    const Pixels pixels{order.channel, pass.out_size[1] * order.pixel, order.pixel, height, pitch};
    unstage_pixels(pixels, group.staged, channels,
                   pass.out + piece.image * order.image + channel * order.channel +
                       (piece.y * pass.out_size[1] + piece.x) * kTile * order.pixel);
  });
}

// Some chunks of a group. `shared` are the weights of all chunks and source channels, or null; then
// there is `own` room for those of one chunk and kGemmBlock source channels.
void compute_group(const Group& group, Range chunks, float* shared, float* own) {
  const Pass& pass = group.pass;
  const Range sources{0, pass.source.channels};
  transform_images<kPatch>(group.tiles, group.strips, pass.source, 0, PixelTransform{},
                           group.staged, group.patches);
  for (int64_t chunk = chunks.begin; chunk < chunks.end; ++chunk) {
    const int64_t width = pass.chunk_width(chunk);
    for (int64_t c = 0; c < sources.end; c += kGemmBlock) {
      const Range part{c, lesser(sources.end, c + kGemmBlock)};
      Weights weights{shared + chunk * weights_size(sources.end), sources};
      if (!shared) {
        weights = {own, part};
        transform_weights(pass, chunk, part, weights);
      }
      multiply(group, width, part, weights);
    }
    for (int64_t j = 0; j < width; j += kWidth) finish_tiles(group, j, chunk * kChunk + j);
  }
}

// Source channels whose weights one task transforms.
inline constexpr int64_t kWeightChannels = 32;

Status run(const Pass& pass) {
  const int64_t sources = pass.source.channels;
  const int64_t total = list_tiles(pass.batch, pass.out_size, kMostTiles).total();
  const int64_t flops = 2 * kPoints * total * sources * pass.out_channels;
  const int64_t wanted = wanted_tasks(flops);
  const int64_t share_of_task = total / ceil_div(lesser(wanted, 8), pass.chunks());
  const Tiles tiles = list_tiles(pass.batch, pass.out_size,
                                 greater(lesser(share_of_task, kMostTiles), kLeastTiles));
  // Every part of the output channels transforms the source anew: no more parts than needed.
  const int64_t chunk_parts = lesser(pass.chunks(), ceil_div(wanted, tiles.groups));
  const bool share = tiles.groups > 1;
  const Scratch<float> shared(share ? pass.chunks() * weights_size(sources) : 0);
  if (share) {
    if (!shared) return shared.failure();
    const int64_t parts = ceil_div(sources, kWeightChannels);
    parallel_for(pass.chunks() * parts, 4, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t chunk = t / parts;
        const int64_t first = t % parts * kWeightChannels;
        transform_weights(pass, chunk, {first, lesser(sources, first + kWeightChannels)},
                          {shared.get() + chunk * weights_size(sources), {0, sources}});
      }
    });
  }
  const int64_t channels = whole_vectors(sources);
  const int64_t patch_plane = plane_of(tiles.group_tiles() * channels);
  const int64_t sum_plane = plane_of(tiles.group_tiles() * kChunk);
  const int64_t staged = staged_size(tiles, kPatch - kTile) * kWidth;
  const int64_t own = share ? 0 : weights_size(lesser(sources, kGemmBlock));
  const int64_t need = staged + kPoints * (patch_plane + sum_plane) + own;
  const int64_t tasks = tiles.groups * chunk_parts;
  int64_t failed = 0;
  parallel_for(tasks, items_in_task(tasks, flops / tasks), [&](int64_t begin, int64_t end) {
    const Scratch<float> scratch(need);
    if (!scratch) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    float* const patches = scratch.get() + staged;
    float* const sums = patches + kPoints * patch_plane;
    for (int64_t t = begin; t < end; ++t) {
      const Range strips = tiles.group(t / chunk_parts);
      const Range chunks = part_of(pass.chunks(), 1, chunk_parts, t % chunk_parts);
      const Group group{pass,
                        tiles,
                        strips,
                        each_piece(tiles, strips, [](const Piece&, int64_t) {}),
                        {patches, patch_plane, channels},
                        {sums, sum_plane, kChunk},
                        reinterpret_cast<Lanes*>(scratch.get())};
      compute_group(group, chunks, share ? shared.get() : nullptr, sums + kPoints * sum_plane);
    }
  });
  return failed ? out_of_memory(need * static_cast<int64_t>(sizeof(float))) : Status::kOk;
}

}  // namespace

bool conv_winograd_pays(const ConvArgs& args, bool for_weight) {
  for (int d = 0; d < 2; ++d) {
    if (args.kernel[d] != kTaps || args.stride[d] != 1 || args.dilation[d] != 1) return false;
    if (args.padding[d] >= kTaps) return false;
  }
  if (!args.winograd || args.groups != 1) return false;
  // Fewer channels do not fill the products.
  constexpr int64_t kChannels = 32;
  if (args.in_channels < kChannels || args.out_channels < kChannels) return false;
  // Weights are transformed once, or back: that takes as long as some tiles, or more if they do not
  // stay in a cache.
  constexpr int64_t kTiles = 16;
  constexpr int64_t kCachedWeights = 64 * 1024;
  const int64_t times = args.in_channels * args.out_channels / kCachedWeights;
  return list_tiles(args.batch, args.out_size, 1).total() >=
         (for_weight ? greater(times, 1) : 1) * kTiles;
}

Status conv_winograd_forward(const ConvArgs& args, const float* input, const float* weight,
                             const float* bias, float* output) {
  const Order stored = weight_order(args);
  return run({args.batch,
              {input,
               args.in_channels,
               {args.in_size[0], args.in_size[1]},
               {args.padding[0], args.padding[1]},
               input_order(args)},
              args.out_channels,
              {args.out_size[0], args.out_size[1]},
              bias,
              output,
              output_order(args),
              weight,
              stored.image,
              stored.channel,
              stored.pixel,
              false});
}

// The transpose of a convolution of stride 1 is one with turned kernels and the rest of the
// padding.
Status conv_winograd_grad_input(const ConvArgs& args, const float* output, const float* weight,
                                const float* bias, float* input) {
  const Order stored = weight_order(args);
  return run({args.batch,
              {output,
               args.out_channels,
               {args.out_size[0], args.out_size[1]},
               {kTaps - 1 - args.padding[0], kTaps - 1 - args.padding[1]},
               output_order(args)},
              args.in_channels,
              {args.in_size[0], args.in_size[1]},
              bias,
              input,
              input_order(args),
              weight,
              stored.channel,
              stored.image,
              stored.pixel,
              true});
}

}  // namespace tallow::cpu::TALLOW_ISA

#endif
