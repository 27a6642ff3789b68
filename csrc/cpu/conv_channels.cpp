// The convolution pass with output channels in the lanes: pixels of an output row are broadcast
// straight from the stage, weights are packed so that those of neighbouring channels are
// neighbours. No pixel is computed in vain, whatever the width of the image.
#include "cpu/conv_pass.h"
#include "cpu/gemm_transpose.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// 14 x 2 sums and 2 weights leave 2 of 32 registers, 6 x 2 and 2 leave 2 of 16.
inline constexpr int kPixels = TALLOW_ISA_LEVEL >= 2 ? 14 : 6;

template <class T>
inline constexpr int kTileWidth = kChannelVectors * kLanes<T>;

// One block of the sum for `P` pixels and NV vectors of channels.
template <class T>
struct ChannelBlock {
  const T* staged;  // the first pixel
  const int32_t* table;
  int64_t steps;
  const T* weight;  // [steps][NV vectors]
  const T* bias;    // one per channel, or null
  bool accumulate;
  T* tile;  // [P][kTileWidth]
};

template <class T, int P, int NV>
void channel_block(const ChannelBlock<T>& block) {
  constexpr int kW = kLanes<T>;
  Vec<T> sum[P][NV];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sum[p][v] = Vec<T>{};
  }
  const T* weight = block.weight;
  const int32_t* table = block.table;
  for (int64_t steps = block.steps; steps > 0; --steps) {
    const T* const pixel = block.staged + *table++;
    Vec<T> factor[NV];
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) factor[v] = load(weight + v * kW);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      const Vec<T> value = broadcast(pixel[p]);
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) sum[p][v] = mul_add(value, factor[v], sum[p][v]);
    }
    weight += NV * kW;
  }
  T* const tile = block.tile;
  const T* const base = block.accumulate ? tile : block.bias;
  if (base) {
    const int64_t base_pixel = block.accumulate ? kTileWidth<T> : 0;
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) sum[p][v] = load(base + p * base_pixel + v * kW) + sum[p][v];
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) store(tile + p * kTileWidth<T> + v * kW, sum[p][v]);
  }
}

template <class T>
using ChannelFunction = void (*)(const ChannelBlock<T>&);

template <class T, int NV>
ChannelFunction<T> pick_pixels(int64_t pixels) {
  switch (pixels) {
    case 1:
      return channel_block<T, 1, NV>;
    case 2:
      return channel_block<T, 2, NV>;
    case 3:
      return channel_block<T, 3, NV>;
    case 4:
      return channel_block<T, 4, NV>;
    case 5:
      return channel_block<T, 5, NV>;
    case 6:
      return channel_block<T, 6, NV>;
    default:
      break;
  }
  if constexpr (kPixels == 14) {
    switch (pixels) {
      case 7:
        return channel_block<T, 7, NV>;
      case 8:
        return channel_block<T, 8, NV>;
      case 9:
        return channel_block<T, 9, NV>;
      case 10:
        return channel_block<T, 10, NV>;
      case 11:
        return channel_block<T, 11, NV>;
      case 12:
        return channel_block<T, 12, NV>;
      case 13:
        return channel_block<T, 13, NV>;
      default:
        return channel_block<T, 14, NV>;
    }
  }
  return nullptr;
}

// out[channel][pixel] = tile[pixel][channel] for channels [0, channels): turns it round unless
// channels are neighbours there too.
template <class T>
void write_tile(const Image<T>& image, const T* tile, int64_t pixels, int64_t channels, T* out) {
  constexpr int kW = kLanes<T>;
  if (image.out_channel == 1) {
    for (int64_t p = 0; p < pixels; ++p) {
      for (int64_t i = 0; i < channels; i += kW) {
        store_some(out + p * image.out_column + i, load(tile + p * kTileWidth<T> + i),
                   lesser(channels - i, kW));
      }
    }
    return;
  }
  if (image.out_column != 1) {
    for (int64_t i = 0; i < channels; ++i) {
      for (int64_t p = 0; p < pixels; ++p) {
        out[i * image.out_channel + p * image.out_column] = tile[p * kTileWidth<T> + i];
      }
    }
    return;
  }
  for (int64_t p = 0; p < pixels; p += kW) {
    const int count = static_cast<int>(lesser(kW, pixels - p));
    for (int64_t i = 0; i < channels; i += kW) {
      Vec<T> block[kW];
#pragma GCC unroll 16
      for (int r = 0; r < kW; ++r) {
        block[r] = load(tile + lesser(p + r, pixels - 1) * kTileWidth<T> + i);
      }
      transpose(block);
      T* const to = out + i * image.out_channel + p;
      const int rows = static_cast<int>(lesser(kW, channels - i));
#pragma GCC unroll 16
      for (int r = 0; r < kW; ++r) {
        if (r >= rows) continue;
        if (count == kW) {
          store(to + r * image.out_channel, block[r]);
        } else {
          store_partial(to + r * image.out_channel, block[r], count);
        }
      }
    }
  }
}

template <class T>
void compute(const Image<T>& image) {
  if (image.rows <= 0 || image.columns <= 0) return;
  constexpr int kW = kLanes<T>;
  alignas(64) T tile[kPixels * kTileWidth<T>];
  alignas(64) T bias[kTileWidth<T>] = {};
  const int64_t blocks = ceil_div(image.columns, kPixels);
  for (int64_t c = 0; c < image.channels; c += kTileWidth<T>) {
    const int64_t channels = lesser(kTileWidth<T>, image.channels - c);
    const int64_t vectors = ceil_div(channels, kW);
    for (int64_t i = 0; image.bias && i < channels; ++i) bias[i] = image.bias[c + i];
    const T* const weight = image.weight + c * image.sum_length;
    for (int64_t y = 0; y < image.rows; ++y) {
      for (int64_t b = 0; b < blocks; ++b) {
        const Range pixels = part_of(image.columns, 1, blocks, b);
        const ChannelFunction<T> run =
            vectors == 1 ? pick_pixels<T, 1>(pixels.size()) : pick_pixels<T, 2>(pixels.size());
        ChannelBlock<T> block;
        block.staged = image.staged + y * image.pitch + pixels.begin;
        block.bias = image.bias ? bias : nullptr;
        block.tile = tile;
        for (int64_t l = 0; l == 0 || l < image.sum_length; l += kGemmBlock) {
          block.steps = lesser(image.sum_length - l, kGemmBlock);
          block.table = image.table + l;
          block.weight = weight + l * vectors * kW;
          block.accumulate = l > 0;
          run(block);
        }
        write_tile(image, tile, pixels.size(), channels,
                   image.out + c * image.out_channel + y * image.out_row +
                       pixels.begin * image.out_column);
      }
    }
  }
}

}  // namespace

void compute_channels(const Image<float>& image) { compute(image); }
void compute_channels(const Image<double>& image) { compute(image); }

}  // namespace tallow::cpu::TALLOW_ISA
