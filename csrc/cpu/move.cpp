// Copies that change no element. What is contiguous on both sides goes as bytes, transposed planes
// in square blocks turned round in registers, everything else element by element.
#include "cpu/move.h"

#include <utility>

#include "core/parallel.h"
#include "cpu/gemm_transpose.h"
#include "cpu/tile_moves.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Bytes that one task moves: enough to pay for waking a thread.
constexpr int64_t kTaskBytes = int64_t{256} << 10;
// Bytes of a tile, and of the rows of a transposed one on either side: neighbouring lines are
// fetched together, and a tile's lines and pages stay within the first-level caches.
constexpr int64_t kTileBytes = int64_t{16} << 10;
constexpr int64_t kTransposedRow = 256;
// Rows shorter than this are not worth non-temporal stores.
constexpr int64_t kStreamRow = 4096;

// ---- Rows

template <int Bytes>
struct Chunk {
  char bytes[Bytes];
};

// Rows of Bytes < nbytes <= 2 * Bytes, as two pieces that overlap.
template <int Bytes>
TALLOW_INLINE void copy_overlapping(char* to, int64_t to_pitch, const char* from,
                                    int64_t from_pitch, int64_t nbytes, int64_t rows) {
  for (int64_t r = 0; r < rows; ++r) {
    Chunk<Bytes> head, tail;
    std::memcpy(&head, from, Bytes);
    std::memcpy(&tail, from + nbytes - Bytes, Bytes);
    std::memcpy(to, &head, Bytes);
    std::memcpy(to + nbytes - Bytes, &tail, Bytes);
    to += to_pitch;
    from += from_pitch;
  }
}

// Rows of some vectors, too short for a call of memcpy to pay; the last vector may overlap.
TALLOW_INLINE void copy_vectors(char* to, int64_t to_pitch, const char* from, int64_t from_pitch,
                                int64_t nbytes, int64_t rows) {
  const int64_t last = nbytes - kVectorBytes;
  for (int64_t r = 0; r < rows; ++r) {
    const auto move = [&](int64_t at) {
      store(reinterpret_cast<int64_t*>(to + at), load(reinterpret_cast<const int64_t*>(from + at)));
    };
    for (int64_t at = 0; at < last; at += kVectorBytes) move(at);
    move(last);
    to += to_pitch;
    from += from_pitch;
  }
}

// ---- Transposition

// kIndices of the interleaved first (or second) halves of two vectors.
template <bool kHigh, class V, int... I>
TALLOW_INLINE V interleave(V a, V b, std::integer_sequence<int, I...>) {
  constexpr int N = sizeof...(I);
  return __builtin_shufflevector(a, b, (I / 2 + (kHigh ? N / 2 : 0) + I % 2 * N)...);
}

// Transposes the square block held in `row`, in place: interleaving row i with row i + N / 2 moves
// one bit of the row number into the column number.
template <class T, int N>
TALLOW_INLINE void transpose_small(Vec<T, N> (&row)[N]) {
  using Lanes = std::make_integer_sequence<int, N>;
#pragma GCC unroll 4
  for (int step = 1; step < N; step *= 2) {
    Vec<T, N> t[N];
#pragma GCC unroll 16
    for (int i = 0; i < N / 2; ++i) {
      t[2 * i] = interleave<false>(row[i], row[i + N / 2], Lanes{});
      t[2 * i + 1] = interleave<true>(row[i], row[i + N / 2], Lanes{});
    }
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) row[i] = t[i];
  }
}

// Calls turn(to, from) for the N x N blocks that cover a plane of at least that size; the last ones
// overlap their neighbours.
template <int N, class Turn>
TALLOW_INLINE void for_each_block(char* to, const char* from, int item, const Plane& plane,
                                  const Turn& turn) {
  for (int64_t r = 0; r < plane.rows; r += N) {
    const int64_t row = r + N <= plane.rows ? r : plane.rows - N;
    char* const target = to + row * plane.to_row;
    const char* const source = from + row * item;
    for (int64_t c = 0; c < plane.cols; c += N) {
      const int64_t col = c + N <= plane.cols ? c : plane.cols - N;
      turn(target + col * item, source + col * plane.from_col);
    }
  }
}

// One block in vectors of 16 bytes.
template <class T>
void transpose_plane(char* to, const char* from, const Plane& plane) {
  constexpr int N = 16 / static_cast<int>(sizeof(T));
  for_each_block<N>(to, from, sizeof(T), plane, [&](char* target, const char* source) {
    Vec<T, N> row[N];
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) std::memcpy(&row[i], source + i * plane.from_col, 16);
    transpose_small<T, N>(row);
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) std::memcpy(target + i * plane.to_row, &row[i], 16);
  });
}

// One block in whole vectors, which are whole cache lines where vectors are that long. T is a
// floating type for the sake of transpose(); the bits pass unchanged.
template <class T, bool kStream>
void transpose_wide(char* to, const char* from, const Plane& plane) {
  constexpr int N = kLanes<T>;
  for_each_block<N>(to, from, sizeof(T), plane, [&](char* target, const char* source) {
    Vec<T> row[N];
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) {
      row[i] = load(reinterpret_cast<const T*>(source + i * plane.from_col));
    }
    transpose(row);
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) {
      if constexpr (kStream) {
        stream_vector(target + i * plane.to_row, bits_as<Vec<int64_t>>(row[i]));
      } else {
        store(reinterpret_cast<T*>(target + i * plane.to_row), row[i]);
      }
    }
  });
}

// A plane whose source is contiguous along its rows and whose target is along its columns. False
// if it is too narrow for blocks.
bool transpose_in_blocks(char* to, const char* from, int item, const Plane& plane, bool streams) {
  const int64_t narrow = plane.rows < plane.cols ? plane.rows : plane.cols;
  if (item == 4 && narrow >= kLanes<float>) {
    (streams ? transpose_wide<float, true> : transpose_wide<float, false>)(to, from, plane);
  } else if (item == 8 && narrow >= kLanes<double>) {
    (streams ? transpose_wide<double, true> : transpose_wide<double, false>)(to, from, plane);
  } else if (item == 4 && narrow >= 4) {
    transpose_plane<uint32_t>(to, from, plane);
  } else if (item == 2 && narrow >= 8) {
    transpose_plane<uint16_t>(to, from, plane);
  } else if (item == 1 && narrow >= 16) {
    transpose_plane<uint8_t>(to, from, plane);
  } else {
    return false;
  }
  return true;
}

// ---- Element by element

template <class Word>
TALLOW_INLINE void move_word(char* to, const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof(word));
  std::memcpy(to, &word, sizeof(word));
}

// n copies of one word, all but the last in whole vectors.
template <class Word>
TALLOW_INLINE void spread_word(char* to, const char* from, int64_t n) {
  Word* const out = reinterpret_cast<Word*>(to);
  Word word;
  std::memcpy(&word, from, sizeof(word));
  if constexpr (sizeof(Word) == 16) {
    for (int64_t i = 0; i < n; ++i) out[i] = word;
  } else {
    constexpr int W = kLanes<Word>;
    const Vec<Word> all = broadcast(word);
    if (n < W) return store_partial(out, all, static_cast<int>(n));
    for (int64_t i = 0; i + W < n; i += W) store(out + i, all);
    store(out + n - W, all);
  }
}

// The longer side of the plane is the inner loop, or else the side along which words repeat.
template <class Word>
void move_words(char* to, const char* from, const Plane& plane) {
  constexpr int64_t kItem = sizeof(Word);
  constexpr int64_t kShort = 16;
  const bool repeats = plane.from_col == 0 && plane.to_col == kItem && plane.cols * kItem >= kShort;
  const bool across = repeats || plane.cols >= plane.rows;
  const int64_t lines = across ? plane.rows : plane.cols;
  const int64_t count = across ? plane.cols : plane.rows;
  const int64_t to_line = across ? plane.to_row : plane.to_col;
  const int64_t from_line = across ? plane.from_row : plane.from_col;
  const int64_t to_step = across ? plane.to_col : plane.to_row;
  const int64_t from_step = across ? plane.from_col : plane.from_row;
  for (int64_t k = 0; k < lines; ++k) {
    char* const target = to + k * to_line;
    const char* const source = from + k * from_line;
    if (to_step == kItem && from_step == 0) {
      spread_word<Word>(target, source, count);
    } else if (to_step == kItem && from_step == 2 * kItem) {
      for (int64_t i = 0; i < count; ++i) {
        move_word<Word>(target + i * kItem, source + i * 2 * kItem);
      }
    } else if (to_step == kItem && from_step == 3 * kItem) {
      for (int64_t i = 0; i < count; ++i) {
        move_word<Word>(target + i * kItem, source + i * 3 * kItem);
      }
    } else if (to_step == kItem && from_step == -kItem) {
      for (int64_t i = 0; i < count; ++i) move_word<Word>(target + i * kItem, source - i * kItem);
    } else {
#pragma GCC unroll 4
      for (int64_t i = 0; i < count; ++i) {
        move_word<Word>(target + i * to_step, source + i * from_step);
      }
    }
  }
}

// ---- Spaces

struct Plan {
  int item;
  bool stream;
  char* to;
  const char* from;
  Plane plane;
  int64_t tile_rows, tile_cols;
  int64_t row_tiles, col_tiles, tiles;
  int outer_ndim;
  int64_t outer_size[kMaxDims];
  int64_t outer_stride[2][kMaxDims];  // in bytes
};

int64_t distance(int64_t stride) { return stride < 0 ? -stride : stride; }

// The dimension that makes a plane with the last one: the one along which the source's elements lie
// closest, if the last one is not that itself; then the one before the last. -1 if there is none.
int partner_of(const Strided<2>& at) {
  const int last = at.ndim - 1;
  int partner = last - 1;
  int64_t best = distance(at.stride[1][last]);
  if (best <= 1) return partner;
  for (int d = last - 1; d >= 0; --d) {
    const int64_t stride = distance(at.stride[1][d]);
    if (stride != 0 && stride < best) {
      best = stride;
      partner = d;
    }
  }
  return partner;
}

bool may_stream(const Plan& plan, int64_t numel) {
  const Plane& plane = plan.plane;
  if (numel * plan.item < kStreamBytes || plan.to == plan.from || plane.to_col != plan.item) {
    return false;
  }
  if (plane.from_col == plan.item) return plane.cols * plan.item >= kStreamRow;
  // Vectors of a transposed plane must be aligned, and long enough to be worth it.
  bool aligned = plane.from_row == plan.item && (plan.item == 4 || plan.item == 8) &&
                 reinterpret_cast<uintptr_t>(plan.to) % kVectorBytes == 0 &&
                 plane.to_row % kVectorBytes == 0 && plane.cols * plan.item % kVectorBytes == 0 &&
                 kVectorBytes == 64;
  for (int d = 0; d < plan.outer_ndim; ++d) {
    aligned = aligned && plan.outer_stride[0][d] % kVectorBytes == 0;
  }
  return aligned;
}

void plan_tiles(Plan& plan) {
  const Plane& plane = plan.plane;
  const int64_t room = kTileBytes / plan.item;
  const bool transposed =
      plane.rows > 1 && plane.from_row != 0 && distance(plane.from_row) < distance(plane.from_col);
  int64_t cols = transposed ? kTransposedRow / plan.item : 4 * room;
  if (plane.rows == 1 || plane.cols < cols) cols = plane.cols < 4 * room ? plane.cols : 4 * room;
  plan.tile_cols = cols;
  plan.tile_rows = (transposed ? room : 4 * room) / cols;
  if (plan.tile_rows < 1) plan.tile_rows = 1;
  if (plan.tile_rows > plane.rows) plan.tile_rows = plane.rows;
  plan.row_tiles = (plane.rows + plan.tile_rows - 1) / plan.tile_rows;
  plan.col_tiles = (plane.cols + plan.tile_cols - 1) / plan.tile_cols;
  plan.tiles = plan.row_tiles * plan.col_tiles;
  for (int d = 0; d < plan.outer_ndim; ++d) plan.tiles *= plan.outer_size[d];
}

void plan_space(Plan& plan, const Strided<2>& at, int item) {
  const int last = at.ndim - 1;
  const int partner = last > 0 ? partner_of(at) : -1;
  plan.item = item;
  plan.to = static_cast<char*>(at.data[0]);
  plan.from = static_cast<const char*>(at.data[1]);
  plan.plane = {partner >= 0 ? at.size[partner] : 1,
                at.size[last],
                partner >= 0 ? at.stride[0][partner] * item : 0,
                at.stride[0][last] * item,
                partner >= 0 ? at.stride[1][partner] * item : 0,
                at.stride[1][last] * item};
  plan.outer_ndim = 0;
  for (int d = 0; d < last; ++d) {
    if (d == partner) continue;
    plan.outer_size[plan.outer_ndim] = at.size[d];
    for (int k = 0; k < 2; ++k) plan.outer_stride[k][plan.outer_ndim] = at.stride[k][d] * item;
    ++plan.outer_ndim;
  }
  plan.stream = may_stream(plan, at.numel);
  plan_tiles(plan);
}

void move_tile(const Plan& plan, char* to, const char* from, const Plane& plane) {
  if (!plan.stream) {
    move_plane(to, from, plan.item, plane);
  } else if (plane.from_col == plan.item) {
    for (int64_t r = 0; r < plane.rows; ++r) {
      stream(to + r * plane.to_row, from + r * plane.from_row, plane.cols * plan.item);
    }
  } else if (!transpose_in_blocks(to, from, plan.item, plane, true)) {
    move_plane(to, from, plan.item, plane);
  }
}

void move_tiles(const Plan& plan, int64_t begin, int64_t end) {
  int64_t rest = begin;
  int64_t col_tile = rest % plan.col_tiles;
  rest /= plan.col_tiles;
  int64_t row_tile = rest % plan.row_tiles;
  rest /= plan.row_tiles;
  int64_t index[kMaxDims];
  char* to = plan.to;
  const char* from = plan.from;
  for (int d = plan.outer_ndim - 1; d >= 0; --d) {
    index[d] = rest % plan.outer_size[d];
    rest /= plan.outer_size[d];
    to += index[d] * plan.outer_stride[0][d];
    from += index[d] * plan.outer_stride[1][d];
  }
  Plane tile = plan.plane;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t row = row_tile * plan.tile_rows;
    const int64_t col = col_tile * plan.tile_cols;
    const int64_t rows = plan.plane.rows - row;
    const int64_t cols = plan.plane.cols - col;
    tile.rows = rows < plan.tile_rows ? rows : plan.tile_rows;
    tile.cols = cols < plan.tile_cols ? cols : plan.tile_cols;
    move_tile(plan, to + row * tile.to_row + col * tile.to_col,
              from + row * tile.from_row + col * tile.from_col, tile);
    if (++col_tile < plan.col_tiles) continue;
    col_tile = 0;
    if (++row_tile < plan.row_tiles) continue;
    row_tile = 0;
    for (int d = plan.outer_ndim - 1; d >= 0; --d) {
      to += plan.outer_stride[0][d];
      from += plan.outer_stride[1][d];
      if (++index[d] < plan.outer_size[d]) break;
      index[d] = 0;
      to -= plan.outer_size[d] * plan.outer_stride[0][d];
      from -= plan.outer_size[d] * plan.outer_stride[1][d];
    }
  }
  if (plan.stream) finish_streaming();
}

// Out of line, so that the short path does not pay for the plan's stack frame.
TALLOW_NOINLINE void move_planned(const Strided<2>& at, int item) {
  Plan plan;
  plan_space(plan, at, item);
  const int64_t tile_bytes = plan.tile_rows * plan.tile_cols * item;
  parallel_for(plan.tiles, (kTaskBytes + tile_bytes - 1) / tile_bytes,
               [&plan](int64_t begin, int64_t end) { move_tiles(plan, begin, end); });
}

}  // namespace

void copy_rows(char* to, int64_t to_pitch, const char* from, int64_t from_pitch, int64_t nbytes,
               int64_t rows) {
  const Plane column{rows, 1, to_pitch, 0, from_pitch, 0};
  if (nbytes > 128 && nbytes <= 1024) {
    copy_vectors(to, to_pitch, from, from_pitch, nbytes, rows);
  } else if (nbytes > 128) {
    for (int64_t r = 0; r < rows; ++r) {
      std::memcpy(to + r * to_pitch, from + r * from_pitch, static_cast<size_t>(nbytes));
    }
  } else if (nbytes > 64) {
    copy_overlapping<64>(to, to_pitch, from, from_pitch, nbytes, rows);
  } else if (nbytes > 32) {
    copy_overlapping<32>(to, to_pitch, from, from_pitch, nbytes, rows);
  } else if (nbytes > 16) {
    copy_overlapping<16>(to, to_pitch, from, from_pitch, nbytes, rows);
  } else if (nbytes > 8) {
    copy_overlapping<8>(to, to_pitch, from, from_pitch, nbytes, rows);
  } else if (nbytes == 8) {
    move_words<uint64_t>(to, from, column);
  } else if (nbytes > 4) {
    copy_overlapping<4>(to, to_pitch, from, from_pitch, nbytes, rows);
  } else if (nbytes == 4) {
    move_words<uint32_t>(to, from, column);
  } else if (nbytes > 1) {
    copy_overlapping<2>(to, to_pitch, from, from_pitch, nbytes, rows);
  } else if (nbytes == 1) {
    move_words<uint8_t>(to, from, column);
  }
}

void move_plane(char* to, const char* from, int item, const Plane& plane) {
  if (plane.to_col != item && plane.to_row == item) {
    const Plane turned{plane.cols,   plane.rows,     plane.to_col,
                       plane.to_row, plane.from_col, plane.from_row};
    return move_plane(to, from, item, turned);
  }
  if (plane.to_col == item && plane.from_col == item) {
    return copy_rows(to, plane.to_row, from, plane.from_row, plane.cols * item, plane.rows);
  }
  if (plane.to_col == item && plane.from_row == item && plane.from_col != 0 &&
      transpose_in_blocks(to, from, item, plane, false)) {
    return;
  }
  switch (item) {
    case 1:
      return move_words<uint8_t>(to, from, plane);
    case 2:
      return move_words<uint16_t>(to, from, plane);
    case 4:
      return move_words<uint32_t>(to, from, plane);
    case 8:
      return move_words<uint64_t>(to, from, plane);
    default:
      return move_words<Word16>(to, from, plane);
  }
}

void move_space(const Strided<2>& at, int item) {
  if (at.numel == 0) return;
  const bool contiguous =
      at.ndim == 0 || (at.ndim == 1 && at.stride[0][0] == 1 && at.stride[1][0] == 1);
  if (contiguous && at.numel * item <= kTaskBytes) {
    std::memcpy(at.data[0], at.data[1], static_cast<size_t>(at.numel * item));
  } else {
    move_planned(at, item);
  }
}

}  // namespace tallow::cpu::TALLOW_ISA
