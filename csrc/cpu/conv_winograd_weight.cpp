// The gradient of the weights of a 3x3 convolution by the Winograd algorithm of winograd.h. With
//
//   patches[point][tile][channel]       = B^T d B of the input,
//   gradients[point][tile][out channel] = A dy A^T of the output's gradient,
//   sums[point][channel][out channel]   = the sum over tiles of patches x gradients,
//
// which is 36 matrix products, the gradient is G^T sums G. All sums of a task stay in a cache while
// group after group of tiles passes: a task has some of the channels on both sides, and some of the
// groups. The partial results of the latter are added in order.
#include "cpu/conv_winograd.h"

#if TALLOW_HAS_WINOGRAD

#include "core/parallel.h"
#include "core/scratch.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

using namespace winograd;

// Channels of either side that a task has at most, and tiles that pass at a time.
inline constexpr int64_t kPart = 128;
inline constexpr int64_t kGroupTiles = 48;
// Elements that partial results may have together.
inline constexpr int64_t kPartialElements = 4 << 20;

struct Division {
  int64_t in_parts, out_parts, partials;
  TALLOW_INLINE int64_t tasks() const { return in_parts * out_parts * partials; }
};

Division divide(const ConvArgs& args, const Tiles& tiles) {
  const int64_t flops = 2 * kPoints * tiles.total() * args.in_channels * args.out_channels;
  const int64_t wanted = lesser(wanted_tasks(flops), 16);
  const int64_t sums = kPoints * whole_vectors(args.in_channels) * whole_vectors(args.out_channels);
  Division division;
  division.in_parts = ceil_div(args.in_channels, kPart);
  division.out_parts = ceil_div(args.out_channels, kPart);
  const int64_t parts = division.in_parts * division.out_parts;
  division.partials =
      greater(lesser(lesser(ceil_div(wanted, parts), tiles.groups), kPartialElements / sums), 1);
  return division;
}

// One task: channels `in` and `out`, groups `groups`.
struct Task {
  const Tiles& tiles;
  const Images& input;
  const Images& output;
  Range in, out, groups;
  Planes sums;  // of its first channels; rows are input channels
  int64_t patch_plane, gradient_plane;
  Lanes* staged;
  float* patches;
  float* gradients;
};

void add_group(const Task& task, Range strips, bool first) {
  const Planes patches{task.patches, task.patch_plane, whole_vectors(task.in.size())};
  const Planes gradients{task.gradients, task.gradient_plane, whole_vectors(task.out.size())};
  transform_images<kPatch>(task.tiles, strips, task.input, task.in.begin, PixelTransform{},
                           task.staged, patches);
  transform_images<kTile>(task.tiles, strips, task.output, task.out.begin, GradientTransform{},
                          task.staged, gradients);
  const int64_t count = each_piece(task.tiles, strips, [](const Piece&, int64_t) {});
  for (int64_t t = 0; t < count; t += kGemmBlock) {
    for (int point = 0; point < kPoints; ++point) {
      Gemm<float> g;
      g.m = task.in.size();
      g.n = gradients.pitch;
      g.k = lesser(count - t, kGemmBlock);
      g.a = patches.data + point * patches.plane + t * patches.pitch;
      g.a_row = 1;
      g.a_col = patches.pitch;
      g.b = gradients.data + point * gradients.plane + t * gradients.pitch;
      g.b_row = gradients.pitch;
      g.b_col = 1;
      g.c = task.sums.data + point * task.sums.plane;
      g.c_row = g.init_row = task.sums.pitch;
      g.c_col = g.init_col = 1;
      g.init = first && t == 0 ? nullptr : g.c;
      g.alpha = g.beta = 1;
      gemm_in_place(g);
    }
  }
}

// G^T sums G of kWidth output channels from `out` on and one input channel, for the sum of the
// partial results, which are `partial_size` apart.
TALLOW_INLINE void finish_taps(const Planes& sums, int64_t partials, int64_t partial_size,
                               int64_t out, int64_t in, Lanes (&taps)[kTaps * kTaps]) {
  const float* const from = sums.data + in * sums.pitch + out;
  transform_square<kPatch, kTaps>(
      TapGradientTransform{},
      [&](int i, int j) {
        const float* element = from + (i * kPatch + j) * sums.plane;
        Lanes sum = load(element);
        for (int64_t p = 1; p < partials; ++p) sum = sum + load(element += partial_size);
        return sum;
      },
      [&](int i, int j, Lanes value) { taps[i * kTaps + j] = value; });
}

// Writes the gradient of the weights of kWidth output channels from `out` on and input channels
// `in`: rows of taps, or of channels if those are neighbours in the weight.
void finish_weights(const ConvArgs& args, const Planes& sums, int64_t partials,
                    int64_t partial_size, int64_t out, Range in, float* weight) {
  constexpr int kCount = kTaps * kTaps;
  const Order order = weight_order(args);
  const int64_t outs = lesser(kWidth, args.out_channels - out);
  const int64_t step = order.last() ? kWidth : 1;
  Lanes taps[kWidth][kCount] = {};
  for (int64_t c = in.begin; c < in.end; c += step) {
    const int64_t channels = lesser(step, in.end - c);
    for (int64_t i = 0; i < channels; ++i) {
      finish_taps(sums, partials, partial_size, out, c + i, taps[i]);
    }
    float* const to = weight + out * order.image + c * order.channel;
    for (int t = 0; t < kCount; t += order.last() ? 1 : kWidth) {
      const int64_t count = order.last() ? channels : lesser(kCount - t, kWidth);
      Lanes block[kWidth];
      for (int i = 0; i < kWidth; ++i) {
        block[i] = i >= count ? Lanes{} : order.last() ? taps[i][t] : taps[0][t + i];
      }
      transpose(block);
#pragma GCC unroll 16
      for (int o = 0; o < kWidth; ++o) {
        if (o < outs) store_some(to + o * order.image + t * order.pixel, block[o], count);
      }
    }
  }
}

}  // namespace

Status conv_winograd_grad_weight(const ConvArgs& args, const float* input, const float* output,
                                 float* weight) {
  const Images in{input,
                  args.in_channels,
                  {args.in_size[0], args.in_size[1]},
                  {args.padding[0], args.padding[1]},
                  input_order(args)};
  const Images out{
      output, args.out_channels, {args.out_size[0], args.out_size[1]}, {0, 0}, output_order(args)};
  const Tiles tiles = list_tiles(args.batch, args.out_size, kGroupTiles);
  const Division division = divide(args, tiles);
  const int64_t in_part = lesser(kPart, whole_vectors(args.in_channels));
  const int64_t out_part = lesser(kPart, whole_vectors(args.out_channels));
  const int64_t pitch = whole_vectors(args.out_channels);
  const int64_t sum_plane = plane_of(whole_vectors(args.in_channels) * pitch);
  const int64_t partial_size = kPoints * sum_plane;
  const Scratch<float> sums(division.partials * partial_size);
  if (!sums) return sums.failure();

  const int64_t patch_plane = plane_of(tiles.group_tiles() * in_part);
  const int64_t gradient_plane = plane_of(tiles.group_tiles() * out_part);
  const int64_t staged = staged_size(tiles, kPatch - kTile) * kWidth;
  const int64_t need = staged + kPoints * (patch_plane + gradient_plane);
  int64_t failed = 0;
  parallel_for(division.tasks(), 1, [&](int64_t begin, int64_t end) {
    const Scratch<float> scratch(need);
    if (!scratch) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    float* const patches = scratch.get() + staged;
    for (int64_t t = begin; t < end; ++t) {
      const int64_t partial = t % division.partials;
      const int64_t part = t / division.partials;
      const Range ins =
          part_of(args.in_channels, kWidth, division.in_parts, part % division.in_parts);
      const Range outs =
          part_of(args.out_channels, kWidth, division.out_parts, part / division.in_parts);
      const Task task{
          tiles,
          in,
          out,
          ins,
          outs,
          part_of(tiles.groups, 1, division.partials, partial),
          {sums.get() + partial * partial_size + ins.begin * pitch + outs.begin, sum_plane, pitch},
          patch_plane,
          gradient_plane,
          reinterpret_cast<Lanes*>(scratch.get()),
          patches,
          patches + kPoints * patch_plane};
      for (int64_t g = task.groups.begin; g < task.groups.end; ++g) {
        add_group(task, tiles.group(g), g == task.groups.begin);
      }
    }
  });
  if (failed) return out_of_memory(need * static_cast<int64_t>(sizeof(float)));

  const int64_t vectors = ceil_div(args.out_channels, int64_t{kWidth});
  constexpr int64_t kChannels = 32;
  const int64_t parts = ceil_div(args.in_channels, kChannels);
  parallel_for(vectors * parts, ceil_div(8, division.partials), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t % parts * kChannels;
      finish_weights(args, {sums.get(), sum_plane, pitch}, division.partials, partial_size,
                     t / parts * kWidth, {first, lesser(args.in_channels, first + kChannels)},
                     weight);
    }
  });
  return Status::kOk;
}

}  // namespace tallow::cpu::TALLOW_ISA

#endif
