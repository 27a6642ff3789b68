// The driver of all pointwise kernels: walks any strided iteration space in tiles small enough for
// the first-level cache, brings operands that are strided, broadcast or of another type into
// contiguous buffers, and calls one contiguous row function per tile.
#include "core/parallel.h"
#include "cpu/loops.h"
#include "cpu/tile_moves.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// One buffer holds a tile of one operand, or an element repeated that serves a longer tile, on
// which the row function then works in pieces; four of them and a staging area fit the smallest L1.
constexpr int kTileBytes = 4096;
constexpr int kMaxTile = 1024;
// From this length on, a row is passed to the row function where it lies.
constexpr int64_t kDirectRow = 64;
// Results on their way past the caches lie in a buffer of so many elements: the shorter, the sooner
// the memory has something to write.
constexpr int64_t kStreamPiece = 256;
constexpr int64_t kTransposeTile = 32;

int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

int bytes_of(DType dtype) { return static_cast<int>(item_size(dtype)); }

int64_t chunk_of(Cost cost) {
  switch (cost) {
    case Cost::kMemory:
      return 65536;
    case Cost::kShort:
      return 16384;
    case Cost::kLong:
      return 4096;
  }
  return 0;
}

// What has to happen to one operand between memory and the row function.
struct Operand {
  char* data;
  int64_t row_stride;  // in bytes, between the rows of a tile
  int64_t col_stride;  // in bytes
  int item;            // bytes of an element in memory
  int native_item;     // bytes of an element in the row function
  bool contiguous;     // neighbours in a row are neighbours in memory
  bool constant;       // one element serves the whole tile
  bool everywhere;     // the same element for every tile
  Conversion convert;  // empty: memory type and native type are the same
};

struct Plan {
  int operands;
  int outputs;
  Operand operand[kMaxOperands];
  // Tiles of tile_rows x tile_cols cut the plane of the last dimension (columns) and one other
  // (rows); the remaining dimensions are `outer`.
  int64_t rows, cols;
  int64_t tile_rows, tile_cols;
  int outer_ndim;
  int64_t outer_size[kMaxDims];
  int64_t outer_stride[kMaxOperands][kMaxDims];  // in bytes
  int64_t row_tiles, col_tiles, tiles;
  bool stream;
  bool direct;    // no operand needs a buffer, if the output is not streamed
  bool by_rows;   // tiles are whole rows that the row function takes as they lie
  int64_t piece;  // elements in one call of the row function, at most
  bool repeats;   // the row function takes a constant as one vector
  RowFn fn;
  const void* context;
};

// The native form of one operand's tile, in `buffer` unless it can be used where it lies. A
// constant is repeated so that it serves `piece` elements.
char* bring(const Operand& operand, const char* from, int64_t rows, int64_t cols, int64_t piece,
            char* buffer, char* staging) {
  const int64_t n = rows * cols;
  if (operand.constant) {
    alignas(16) char element[16];
    if (operand.convert) {
      operand.convert(element, from, 1);
      from = element;
    }
    fill_elements(buffer, from, operand.native_item, n < piece ? n : piece);
    return buffer;
  }
  const TileAt at{rows, cols, operand.row_stride, operand.col_stride};
  const bool flat = operand.contiguous && rows == 1;
  if (!operand.convert) {
    if (flat) return const_cast<char*>(from);
    gather(buffer, from, operand.item, at);
    return buffer;
  }
  if (!flat) {
    gather(staging, from, operand.item, at);
    from = staging;
  }
  operand.convert(buffer, from, n);
  return buffer;
}

// Moves the inputs, and an output unless it is buffered, on by a piece.
void advance(const Plan& plan, RowData& data, int first) {
  for (int k = first; k < plan.operands; ++k) {
    const Operand& operand = plan.operand[k];
    if (!operand.constant) data.at[k] += plan.piece * operand.native_item;
  }
}

// Calls the row function for n elements.
void call_row(const Plan& plan, RowData& data, int64_t n) {
  for (; n > plan.piece; n -= plan.piece) {
    plan.fn(data, plan.piece, plan.context);
    advance(plan, data, 0);
  }
  plan.fn(data, n, plan.context);
}

// The same, by way of the buffer at data[0] to `out`, past the caches.
void call_row_streaming(const Plan& plan, RowData& data, int64_t n, char* out) {
  const int64_t item = plan.operand[0].item;
  for (; n > plan.piece; n -= plan.piece, out += plan.piece * item) {
    plan.fn(data, plan.piece, plan.context);
    stream(out, data[0], plan.piece * item);
    advance(plan, data, plan.outputs);
  }
  plan.fn(data, n, plan.context);
  stream(out, data[0], n * item);
}

// Takes a tile of results from a buffer to memory.
void put(const Operand& operand, char* to, const char* result, int64_t rows, int64_t cols,
         char* staging, bool stream_out) {
  if (operand.convert) {
    if (operand.contiguous && rows == 1 && !stream_out) {
      operand.convert(to, result, cols);
      return;
    }
    operand.convert(staging, result, rows * cols);
    result = staging;
  }
  if (stream_out) {
    stream(to, result, cols * operand.item);
  } else {
    scatter(to, result, operand.item, {rows, cols, operand.row_stride, operand.col_stride});
  }
}

// Calls the row function for `count` rows, the operands of the first of which start at `at`; only
// an element that serves a row is brought to a buffer.
void run_in_place(const Plan& plan, char* const* at, int64_t count) {
  alignas(64) char constants[kMaxOperands][kVectorBytes];
  RowData data;
  for (int k = 0; k < plan.operands; ++k) {
    const bool constant = plan.operand[k].constant;
    data.at[k] = constant ? constants[k] : at[k];
    data.step[k] = constant ? 0 : 1;
    if (constant) fill_vector(constants[k], at[k], plan.operand[k].item);
  }
  for (int64_t row = 1;; ++row) {
    plan.fn(data, plan.cols, plan.context);
    if (row == count) return;
    for (int k = 0; k < plan.operands; ++k) {
      const Operand& operand = plan.operand[k];
      if (!operand.constant) {
        data.at[k] += operand.row_stride;
      } else if (operand.row_stride != 0) {
        fill_vector(constants[k], at[k] + row * operand.row_stride, operand.item);
      }
    }
  }
}

// What the tiles of a task share.
struct Buffers {
  // The odd size keeps equal positions of two buffers off the same cache set.
  alignas(64) char of[kMaxOperands + 1][kTileBytes + 192];
  bool expanded[kMaxOperands] = {};  // a constant that is the same for every tile, once it is there
};

// One tile, whatever its operands need.
TALLOW_INLINE void run_tile(const Plan& plan, char* const* at, int64_t rows, int64_t cols,
                            Buffers& buffers) {
  char* const staging = buffers.of[kMaxOperands];
  RowData data;
  for (int k = 0; k < plan.operands; ++k) {
    const Operand& operand = plan.operand[k];
    char* const buffer = buffers.of[k];
    data.step[k] = plan.repeats && operand.constant ? 0 : 1;
    if (k < plan.outputs) {
      const bool direct = operand.contiguous && rows == 1 && !operand.convert && !plan.stream;
      data.at[k] = direct ? at[k] : buffer;
    } else if (buffers.expanded[k]) {
      data.at[k] = buffer;
    } else {
      const int64_t repeated = data.step[k] == 0 ? kVectorBytes / operand.native_item : plan.piece;
      data.at[k] = bring(operand, at[k], rows, cols, repeated, buffer, staging);
      buffers.expanded[k] = operand.everywhere && rows == plan.tile_rows && cols == plan.tile_cols;
    }
  }
  const bool buffered = plan.outputs > 0 && data[0] == buffers.of[0];
  if (plan.stream && plan.direct) {
    call_row_streaming(plan, data, rows * cols, at[0]);
  } else {
    call_row(plan, data, rows * cols);
    if (buffered) put(plan.operand[0], at[0], buffers.of[0], rows, cols, staging, plan.stream);
  }
}

void run_tiles(const Plan& plan, int64_t begin, int64_t end) {
  Buffers buffers;
  int64_t rest = begin;
  int64_t col_tile = rest % plan.col_tiles;
  rest /= plan.col_tiles;
  int64_t row_tile = rest % plan.row_tiles;
  rest /= plan.row_tiles;
  int64_t index[kMaxDims];
  char* base[kMaxOperands];
  for (int k = 0; k < plan.operands; ++k) base[k] = plan.operand[k].data;
  for (int d = plan.outer_ndim - 1; d >= 0; --d) {
    index[d] = rest % plan.outer_size[d];
    rest /= plan.outer_size[d];
    for (int k = 0; k < plan.operands; ++k) base[k] += index[d] * plan.outer_stride[k][d];
  }
  while (begin < end) {
    const int64_t row = row_tile * plan.tile_rows;
    const int64_t col = col_tile * plan.tile_cols;
    char* at[kMaxOperands];
    for (int k = 0; k < plan.operands; ++k) {
      const Operand& operand = plan.operand[k];
      at[k] = base[k] + row * operand.row_stride + col * operand.col_stride;
    }
    if (plan.by_rows) {
      const int64_t count = least(plan.rows - row, end - begin);
      run_in_place(plan, at, count);
      begin += count;
      row_tile += count;
    } else {
      run_tile(plan, at, least(plan.rows - row, plan.tile_rows),
               least(plan.cols - col, plan.tile_cols), buffers);
      ++begin;
      if (++col_tile < plan.col_tiles) continue;
      col_tile = 0;
      ++row_tile;
    }
    if (row_tile < plan.row_tiles) continue;
    row_tile = 0;
    for (int d = plan.outer_ndim - 1; d >= 0; --d) {
      for (int k = 0; k < plan.operands; ++k) base[k] += plan.outer_stride[k][d];
      if (++index[d] < plan.outer_size[d]) break;
      index[d] = 0;
      for (int k = 0; k < plan.operands; ++k) {
        base[k] -= plan.outer_size[d] * plan.outer_stride[k][d];
      }
    }
  }
  if (plan.stream) finish_streaming();
}

// The dimension that shares tiles with the last one: where a strided operand has its smallest
// stride, otherwise the last but one. -1 if there is none.
int partner_dim(const Space& space) {
  const int last = space.ndim - 1;
  int partner = last - 1;
  for (int k = 1; k < space.operands; ++k) {
    const int64_t col = space.stride[k][last];
    if (col == 0 || col == 1) continue;
    int64_t best = col < 0 ? -col : col;
    for (int d = 0; d < last; ++d) {
      const int64_t stride = space.stride[k][d] < 0 ? -space.stride[k][d] : space.stride[k][d];
      if (stride != 0 && stride < best && space.size[d] >= 4) {
        best = stride;
        partner = d;
      }
    }
  }
  return partner;
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Decides what happens to each operand. Native types are row.out for an output, row.first for the
// first input and `compute` for the others.
void plan_operands(Plan& plan, const Space& space, const Row& row, DType compute,
                   const DType* dtypes, int partner) {
  const int last = space.ndim - 1;
  for (int k = 0; k < space.operands; ++k) {
    Operand& operand = plan.operand[k];
    const bool output = k < plan.outputs;
    const DType native = output ? row.out : k == plan.outputs ? row.first : compute;
    operand.data = static_cast<char*>(space.data[k]);
    operand.item = bytes_of(dtypes[k]);
    operand.native_item = bytes_of(native);
    operand.col_stride = last >= 0 ? space.stride[k][last] * operand.item : operand.item;
    operand.row_stride = partner >= 0 ? space.stride[k][partner] * operand.item : 0;
    operand.contiguous = operand.col_stride == operand.item;
    operand.constant = false;
    operand.everywhere = !output;
    for (int d = 0; d < space.ndim; ++d) {
      operand.everywhere = operand.everywhere && space.stride[k][d] == 0;
    }
    operand.convert = dtypes[k] == native ? Conversion()
                      : output            ? Conversion(dtypes[k], native)
                                          : Conversion(native, dtypes[k]);
  }
}

void plan_tiles(Plan& plan, const Space& space, int partner, int64_t chunk) {
  const int last = space.ndim - 1;
  plan.cols = last >= 0 ? space.size[last] : 1;
  plan.rows = partner >= 0 ? space.size[partner] : 1;
  bool direct = true;
  bool transposed = false;
  bool constant = false;
  bool converted = false;
  int widest = 1;
  for (int k = 0; k < plan.operands; ++k) {
    const Operand& operand = plan.operand[k];
    const bool repeated = k >= plan.outputs && operand.col_stride == 0 && plan.cols >= kDirectRow;
    direct = direct && (repeated || (operand.contiguous && !operand.convert));
    constant = constant || repeated;
    converted = converted || operand.convert;
    const int64_t col = operand.col_stride < 0 ? -operand.col_stride : operand.col_stride;
    const int64_t row = operand.row_stride < 0 ? -operand.row_stride : operand.row_stride;
    transposed = transposed || (col > operand.item && row > 0 && row < col);
    const int item = operand.item > operand.native_item ? operand.item : operand.native_item;
    widest = item > widest ? item : widest;
  }
  // Tiles of a transposition are written in pieces of rows, which must meet in a cache.
  plan.stream = plan.stream && !transposed;
  plan.direct = direct;
  const int64_t room = kTileBytes / widest < kMaxTile ? kTileBytes / widest : kMaxTile;
  if (transposed && plan.rows > 1) {
    plan.tile_cols = plan.cols < kTransposeTile ? plan.cols : kTransposeTile;
    plan.tile_rows = room / plan.tile_cols;
  } else {
    const int64_t limit = direct ? chunk : room;
    plan.tile_cols = plan.cols < limit ? plan.cols : limit;
    plan.tile_rows = plan.cols >= kDirectRow ? 1 : room / plan.tile_cols;
  }
  if (plan.tile_rows > plan.rows) plan.tile_rows = plan.rows;
  for (int k = plan.outputs; k < plan.operands; ++k) {
    Operand& operand = plan.operand[k];
    operand.constant = (operand.col_stride == 0 || plan.cols == 1) &&
                       (operand.row_stride == 0 || plan.tile_rows == 1);
    constant = constant || operand.constant;
  }
  plan.piece = constant && !plan.repeats ? room : plan.tile_rows * plan.tile_cols;
  if (plan.stream && direct && plan.piece > kStreamPiece) plan.piece = kStreamPiece;
  plan.row_tiles = ceil_div(plan.rows, plan.tile_rows);
  plan.col_tiles = ceil_div(plan.cols, plan.tile_cols);
  plan.tiles = plan.row_tiles * plan.col_tiles;
  plan.by_rows = direct && !converted && !plan.stream && plan.tile_rows == 1 &&
                 plan.col_tiles == 1 && (plan.repeats || !constant);
  plan.outer_ndim = 0;
  for (int d = 0; d < last; ++d) {
    if (d == partner) continue;
    plan.outer_size[plan.outer_ndim] = space.size[d];
    for (int k = 0; k < plan.operands; ++k) {
      plan.outer_stride[k][plan.outer_ndim] = space.stride[k][d] * plan.operand[k].item;
    }
    plan.tiles *= space.size[d];
    ++plan.outer_ndim;
  }
}

bool streams(const Space& space, const DType* dtypes, int outputs) {
  if (outputs == 0 || space.numel * bytes_of(dtypes[0]) < kStreamBytes) return false;
  for (int k = 1; k < space.operands; ++k) {
    if (space.data[k] == space.data[0]) return false;  // the lines are in the cache already
  }
  const int last = space.ndim - 1;
  return last >= 0 && space.stride[0][last] == 1 && space.size[last] >= kMaxTile;
}

// Out of line, so that the short path does not pay for the plan's stack frame.
TALLOW_NOINLINE void run_planned(const Row& row, DType compute, const Space& space,
                                 const DType* dtypes, const void* context, int outputs) {
  Plan plan;
  plan.operands = space.operands;
  plan.outputs = outputs;
  plan.fn = row.fn;
  plan.repeats = row.repeats;
  plan.context = context;
  plan.stream = streams(space, dtypes, outputs);
  const int partner = space.ndim >= 2 ? partner_dim(space) : -1;
  plan_operands(plan, space, row, compute, dtypes, partner);
  plan_tiles(plan, space, partner, chunk_of(row.cost));
  const int64_t per_tile = plan.tile_rows * plan.tile_cols;
  parallel_for(plan.tiles, ceil_div(chunk_of(row.cost), per_tile),
               [&plan](int64_t begin, int64_t end) { run_tiles(plan, begin, end); });
}

// A space of one short contiguous row, types as the row function has them; operands may be
// constant. Done without a plan: the common call on a few elements should not pay for one.
bool run_short(const Row& row, DType compute, const Space& space, const DType* dtypes,
               const void* context, int outputs) {
  if (space.ndim > 1 || space.numel > chunk_of(row.cost)) return false;
  bool constant = false;
  for (int k = 0; k < space.operands; ++k) {
    const DType native = k < outputs ? row.out : k == outputs ? row.first : compute;
    const int64_t stride = space.ndim == 0 ? 1 : space.stride[k][0];
    if (dtypes[k] != native || (stride != 1 && (stride != 0 || k < outputs))) return false;
    constant = constant || stride == 0;
  }
  constexpr int64_t kShort = 64;
  if (constant && space.numel > kShort && !row.repeats) return false;
  alignas(64) char constants[kMaxOperands][kShort * 16];
  RowData data;
  for (int k = 0; k < space.operands; ++k) {
    data.at[k] = static_cast<char*>(space.data[k]);
    data.step[k] = 1;
    if (constant && space.stride[k][0] == 0) {
      const int item = bytes_of(dtypes[k]);
      data.step[k] = row.repeats ? 0 : 1;
      fill_elements(constants[k], data[k], item, row.repeats ? kVectorBytes / item : space.numel);
      data.at[k] = constants[k];
    }
  }
  row.fn(data, space.numel, context);
  return true;
}

}  // namespace

void run_space(const Row& row, DType compute, const Space& space, const DType* dtypes,
               const void* context, int outputs) {
  if (space.numel == 0 || run_short(row, compute, space, dtypes, context, outputs)) return;
  run_planned(row, compute, space, dtypes, context, outputs);
}

}  // namespace tallow::cpu::TALLOW_ISA
