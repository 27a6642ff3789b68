// Moves between channels and squares of pixels in images whose channels are neighbours.
#include "cpu/index.h"
#include "cpu/move.h"
#include "cpu/simd_pairs.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// The four channels c * 4 + k at one place become channel c at four places, and back.
void split_in_four(const float* from, float* const (&to)[4], int64_t channels) {
  constexpr int W = kLanes<float>;
  int64_t c = 0;
  for (; c + W <= channels; c += W) {
    const float* const at = from + 4 * c;
    const Vec<float> a = load(at), b = load(at + W), d = load(at + 2 * W), e = load(at + 3 * W);
    const Vec<float> even[2] = {even_elements(a, b), even_elements(d, e)};
    const Vec<float> odd[2] = {odd_elements(a, b), odd_elements(d, e)};
    store(to[0] + c, even_elements(even[0], even[1]));
    store(to[1] + c, even_elements(odd[0], odd[1]));
    store(to[2] + c, odd_elements(even[0], even[1]));
    store(to[3] + c, odd_elements(odd[0], odd[1]));
  }
  for (; c < channels; ++c) {
    for (int k = 0; k < 4; ++k) to[k][c] = from[4 * c + k];
  }
}
void join_four(const float* const (&from)[4], float* to, int64_t channels) {
  constexpr int W = kLanes<float>;
  int64_t c = 0;
  for (; c + W <= channels; c += W) {
    const Pair<Vec<float>> even = join_pairs(load(from[0] + c), load(from[2] + c));
    const Pair<Vec<float>> odd = join_pairs(load(from[1] + c), load(from[3] + c));
    const Pair<Vec<float>> low = join_pairs(even.low, odd.low);
    const Pair<Vec<float>> high = join_pairs(even.high, odd.high);
    float* const at = to + 4 * c;
    store(at, low.low);
    store(at + W, low.high);
    store(at + 2 * W, high.low);
    store(at + 3 * W, high.high);
  }
  for (; c < channels; ++c) {
    for (int k = 0; k < 4; ++k) to[4 * c + k] = from[k][c];
  }
}

// One place: all channels of a square lie side by side at `deep`, the rows of the square `pitch`
// bytes apart at `wide`.
void move_square(const PixelSquares& squares, char* wide, char* deep, int64_t pitch) {
  const int64_t item = squares.item, factor = squares.factor, channels = squares.channels;
  if (item == 4 && factor == 2) {
    float* const places[4] = {
        reinterpret_cast<float*>(wide), reinterpret_cast<float*>(wide) + channels,
        reinterpret_cast<float*>(wide + pitch), reinterpret_cast<float*>(wide + pitch) + channels};
    if (squares.to_pixels) {
      split_in_four(reinterpret_cast<const float*>(deep), places, channels);
    } else {
      join_four({places[0], places[1], places[2], places[3]}, reinterpret_cast<float*>(deep),
                channels);
    }
    return;
  }
  for (int64_t i = 0; i < factor; ++i) {
    char* const row = wide + i * pitch;
    char* const places = deep + i * factor * item;
    if (squares.to_pixels) {
      move_plane(row, places, squares.item,
                 {factor, channels, channels * item, item, item, factor * factor * item});
    } else {
      move_plane(places, row, squares.item,
                 {channels, factor, factor * factor * item, item, item, channels * item});
    }
  }
}

Status move_squares(void* out, const void* in, const PixelSquares& squares) {
  const int64_t factor = squares.factor;
  const int64_t square_row = factor * squares.channels * squares.item;
  const int64_t pitch = squares.width * square_row;
  const int64_t line_bytes = factor * pitch;  // of a row of places, on either side
  // One of them is only read.
  char* const to = static_cast<char*>(out);
  char* const from = static_cast<char*>(const_cast<void*>(in));
  char* const wide = squares.to_pixels ? to : from;
  char* const deep = squares.to_pixels ? from : to;
  parallel_for(squares.rows, items_per_task(2 * line_bytes), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t x = 0; x < squares.width; ++x) {
        move_square(squares, wide + row * line_bytes + x * square_row,
                    deep + row * line_bytes + x * factor * square_row, pitch);
      }
    }
  });
  return Status::kOk;
}

}  // namespace

void fill_index_squares(IndexKernels& table) { table.move_squares = move_squares; }

}  // namespace tallow::cpu::TALLOW_ISA
