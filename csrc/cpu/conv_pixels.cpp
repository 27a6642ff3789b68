// The convolution pass with neighbouring pixels in the lanes: register blocks of output channels by
// pixels, as in a matrix product whose right operand is read through the table of offsets. A row of
// the output and the rest of the staged row behind it follow each other without a gap, so a block
// may run over several rows; the columns in between are computed in vain and left out at the end.
#include "cpu/conv_pass.h"
#include "cpu/gemm_micro.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

template <class T, int MR>
TALLOW_INLINE MicroFunction<T> pick_table_vectors(int64_t vectors) {
  switch (vectors) {
    case 1:
      return micro_block<T, MR, 1, false, true>;
    case 2:
      return micro_block<T, MR, 2, false, true>;
    default:
      break;
  }
  if constexpr (kPanelVectors == 4) {
    return vectors == 3 ? micro_block<T, MR, 3, false, true> : micro_block<T, MR, 4, false, true>;
  }
  return nullptr;
}

template <class T>
TALLOW_INLINE MicroFunction<T> pick_table_micro(int64_t rows, int64_t vectors) {
  switch (rows) {
    case 1:
      return pick_table_vectors<T, 1>(vectors);
    case 2:
      return pick_table_vectors<T, 2>(vectors);
    case 3:
      return pick_table_vectors<T, 3>(vectors);
    case 4:
      return pick_table_vectors<T, 4>(vectors);
    case 5:
      return pick_table_vectors<T, 5>(vectors);
    default:
      return pick_table_vectors<T, 6>(vectors);
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
void compute(const Image<T>& image) {
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

// ---- One output channel: too little for register blocks, so some rows of pixels instead.

// Vectors of pixels summed side by side, which hides the latency of the additions.
inline constexpr int kAbreast = 8;

// Pixels [x, x + kCount vectors) of kRowCount rows; the last vector of a row has `tail` pixels.
template <class T, int kRowCount, int kCount>
TALLOW_INLINE void row_block(const Image<T>& image, const T* staged, int64_t tail, T* out) {
  Vec<T> sum[kRowCount][kCount];
#pragma GCC unroll 8
  for (int r = 0; r < kRowCount; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) sum[r][v] = Vec<T>{};
  }
  for (int64_t l = 0; l < image.sum_length; ++l) {
    const Vec<T> factor = broadcast(image.weight[l]);
    const T* from = staged + image.table[l];
#pragma GCC unroll 8
    for (int r = 0; r < kRowCount; ++r, from += image.pitch) {
#pragma GCC unroll 8
      for (int v = 0; v < kCount; ++v) {
        sum[r][v] = mul_add(factor, load(from + v * kLanes<T>), sum[r][v]);
      }
    }
  }
  const Vec<T> bias = broadcast(image.bias ? *image.bias : T(0));
#pragma GCC unroll 8
  for (int r = 0; r < kRowCount; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) {
      const Vec<T> value = image.bias ? sum[r][v] + bias : sum[r][v];
      const int64_t count = v == kCount - 1 ? tail : kLanes<T>;
      T* const to = out + r * image.out_row + v * kLanes<T> * image.out_column;
      if (image.out_column != 1) {
        for (int64_t i = 0; i < count; ++i) to[i * image.out_column] = value[i];
      } else if (count == kLanes<T>) {
        store(to, value);
      } else {
        store_partial(to, value, static_cast<int>(count));
      }
    }
  }
}

// Rows [y, image.rows) of a column of vectors: kRowCount at a time, the rest by halves of that.
template <class T, int kRowCount, int kCount>
void row_blocks(const Image<T>& image, int64_t x, int64_t tail, int64_t y) {
  const T* const staged = image.staged + x;
  T* const out = image.out + x * image.out_column;
  for (; y + kRowCount <= image.rows; y += kRowCount) {
    row_block<T, kRowCount, kCount>(image, staged + y * image.pitch, tail, out + y * image.out_row);
  }
  if constexpr (kRowCount > 1) row_blocks<T, kRowCount / 2, kCount>(image, x, tail, y);
}

template <class T>
void compute_one(const Image<T>& image) {
  for (int64_t x = 0; x < image.columns; x += 4 * kLanes<T>) {
    const int64_t left = lesser(image.columns - x, 4 * kLanes<T>);
    const int64_t vectors = ceil_div(left, kLanes<T>);
    const int64_t tail = left - (vectors - 1) * kLanes<T>;
    switch (vectors) {
      case 1:
        row_blocks<T, kAbreast / 1, 1>(image, x, tail, 0);
        break;
      case 2:
        row_blocks<T, kAbreast / 2, 2>(image, x, tail, 0);
        break;
      case 3:
        row_blocks<T, kAbreast / 3, 3>(image, x, tail, 0);
        break;
      default:
        row_blocks<T, kAbreast / 4, 4>(image, x, tail, 0);
        break;
    }
  }
}

template <class T>
void compute_any(const Image<T>& image) {
  if (image.rows <= 0 || image.columns <= 0) return;
  // Longer sums need the blocks of the matrix product.
  if (image.channels == 1 && image.sum_length <= kGemmBlock) {
    compute_one(image);
  } else {
    compute(image);
  }
}

}  // namespace

void compute_pixels(const Image<float>& image) { compute_any(image); }
void compute_pixels(const Image<double>& image) { compute_any(image); }

}  // namespace tallow::cpu::TALLOW_ISA
