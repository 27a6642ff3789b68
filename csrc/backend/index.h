// Kernels that read or write at given positions, or whose elements follow from their own position.
// Given positions are int64; `offsets` and `check` refuse those out of bounds, naming value, place
// and bound, and the kernels that take them rely on it.
#pragma once

#include <cstdint>

#include "core/strided.h"
#include "core/types.h"

namespace tallow {

// How a position out of bounds is reported. The message goes on to say where in the index it is.
enum class PositionError : uint8_t {
  kBounds,         // IndexError: "index 5 is out of bounds for dimension 0 with size 2"
  kBoundsRuntime,  // the same as a RuntimeError
  kSelf,           // IndexError: "index out of range in self"
  kTake,           // IndexError: "out of range: tried to access index 5 on a tensor of 4 elements."
};

// The dimension that positions point into.
struct IndexBound {
  int64_t size;
  int64_t stride;  // of the indexed operand, in elements
  int64_t dim;     // for messages
  bool wrap;       // -size ... -1 count from the end
  PositionError error;
  const char* prefix = "";  // of the message
};

// A copy between an `indexed` operand, parts of which are picked by `offsets` (in elements), and a
// `dense` one that has all parts one after the other. The iteration space is before x index x
// after; `before` and `after` give the strides of (indexed, dense) in that order, `index` those of
// dense only: `offsets` lies contiguously in its order. Only their geometry is used, not `data`.
struct IndexedBlocks {
  DType dtype;
  void* indexed;
  void* dense;
  const int64_t* offsets;
  Strided<2> before;
  Strided<1> index;
  Strided<2> after;
};

// One element of `indexed` for each of `positions`, along one dimension of `length` elements; the
// other operands are walked along it with strides of their own. `rest` is the iteration space of
// the other dimensions, with the strides of (indexed, dense, positions).
struct IndexedLines {
  DType dtype;
  void* indexed;
  void* dense;
  const int64_t* positions;
  int64_t length;
  int64_t indexed_size;  // that positions are below
  int64_t indexed_stride;
  int64_t dense_stride;
  int64_t position_stride;
  Strided<3> rest;
};

enum class ScatterOp : uint8_t { kSet, kAdd, kMul, kMin, kMax };

// One operand of IndexKernels::concat: `outer` rows of `row_bytes` each, back to back.
struct ConcatPart {
  const void* data;
  int64_t row_bytes;
};

// Weighted sums of elements along one dimension: element i of the result is the sum over k in
// [first[i], first[i + 1]) of weight[k] times element from[k] of the source.
struct Taps {
  int64_t count;  // elements of the result
  const int64_t* first;
  const int64_t* from;
  const double* weight;
};

// What is read between elements, and what is beyond the borders.
enum class SampleMode : uint8_t { kNearest, kLinear, kCubic };
enum class SamplePadding : uint8_t { kZeros, kBorder, kReflection };

// Arrays [batch][channels][size...] of `ndim` (2 or 3) dimensions, of fewer than 2^31 elements
// each, read at places [batch][points][ndim]: coordinates from the last dimension to the first, -1
// and 1 being the borders or, with align_corners, the centres of the outermost elements. Float or
// double; kCubic has two dimensions. Everything is contiguous.
struct SampleArgs {
  DType dtype;
  SampleMode mode;
  SamplePadding padding;
  bool align_corners;
  int ndim;
  int64_t batch, channels, points;
  int64_t size[3];
};

// Planes put together from the cells of others: cell (i, j) of a result, rows x columns in size, is
// cell (row[i], column[j]) of its source, or elements `value` where one of them is -1.
struct PlanePick {
  int64_t planes;
  int64_t in_rows, in_columns;
  int64_t rows, columns;
  const int64_t* row;
  const int64_t* column;
  int64_t cell_bytes;  // some elements of `item` bytes
  int item;
  const void* value;  // not read if nothing is -1
};

// Images of `rows` rows in all, with the channels behind the pixels: `width` places of `channels` x
// factor x factor numbers are as many squares of factor x factor pixels.
struct PixelSquares {
  int item;        // bytes of an element
  bool to_pixels;  // or to channels
  int64_t rows, width, channels, factor;
};

// Which side of the diagonal stays.
enum class Triangle : uint8_t { kLower, kUpper };

struct IndexKernels {
  // Are all positions within the bound? `positions` is in row-major order of the index tensor.
  Status (*check)(const Strided<1>& positions, const IndexBound& bound) = nullptr;
  // out[i] (+)= positions[i] * bound.stride, after the check, for i in the same order.
  Status (*offsets)(int64_t* out, const Strided<1>& positions, const IndexBound& bound,
                    bool add) = nullptr;

  // dense = indexed[offsets]. All types.
  Status (*take_blocks)(const IndexedBlocks& blocks) = nullptr;
  // indexed[offsets] = dense, or += in the order of the offsets, whatever the number of threads.
  Status (*put_blocks)(const IndexedBlocks& blocks, bool accumulate) = nullptr;

  // dense = indexed[positions] along one dimension (gather). All types.
  Status (*take_lines)(const IndexedLines& lines) = nullptr;
  // indexed[positions] op= dense along one dimension (scatter). kMin and kMax: real types.
  Status (*put_lines)(const IndexedLines& lines, ScatterOp op) = nullptr;

  // The number of elements of a contiguous array that are not zero.
  Status (*count_nonzero)(DType dtype, const void* in, int64_t n, int64_t* count) = nullptr;
  // Where they are: coordinate d of the i-th one goes to out[i * place_stride + d * dim_stride].
  // `count` is what count_nonzero() said.
  Status (*nonzero)(DType dtype, const void* in, const int64_t* sizes, int64_t ndim, int64_t count,
                    int64_t* out, int64_t place_stride, int64_t dim_stride) = nullptr;

  // counts[p] += 1 for each of n positions p, all in [0, length). The CPU alone has this.
  Status (*bincount)(const int64_t* positions, int64_t n, int64_t* counts,
                     int64_t length) = nullptr;

  // Applies the taps along the middle of a contiguous [outer][n][inner] array, adding up in their
  // order. Floating types; the CPU alone has this.
  Status (*weighted_taps)(DType dtype, void* out, const void* in, const Taps& taps, int64_t outer,
                          int64_t n, int64_t inner) = nullptr;

  // out[n][c][p] = what array c of example n is at place p. The CPU alone has these two.
  Status (*sample)(const SampleArgs& args, void* out, const void* in, const void* places) = nullptr;
  // Adds to grad_in, which begins at zero, and writes grad_places; either may be null.
  Status (*sample_backward)(const SampleArgs& args, void* grad_in, void* grad_places,
                            const void* grad_out, const void* in, const void* places) = nullptr;

  // Contiguous planes and cells. The CPU alone has this.
  Status (*pick_planes)(void* out, const void* in, const PlanePick& pick) = nullptr;

  // The CPU alone has this.
  Status (*move_squares)(void* out, const void* in, const PixelSquares& squares) = nullptr;

  // data[0] = mask (data[2], bool) ? value : data[1]; data[0] and data[1] may be the same memory.
  Status (*masked_fill)(DType dtype, const Strided<3>& operands, const void* value) = nullptr;

  // out[r] = the r-th rows of all parts, one after the other, for r in [0, outer).
  Status (*concat)(void* out, const ConcatPart* parts, int64_t count, int64_t outer) = nullptr;

  // out[i] = start + i * step for n contiguous elements: computed in int64 for integers, in double
  // and rounded once for floating and half types.
  Status (*arange)(DType dtype, void* out, int64_t n, double start, double step,
                   int64_t integer_start, int64_t integer_step) = nullptr;
  // n > 1 numbers from start to end with equal distances, the second half counted back from the
  // end, so that both ends are exact. Real types.
  Status (*linspace)(DType dtype, void* out, int64_t n, double start, double end) = nullptr;

  // data[0] = data[1], whose strides may be negative. All types.
  Status (*flip)(DType dtype, const Strided<2>& operands) = nullptr;

  // `matrices` contiguous rows x columns matrices, with zeros where column - row > diagonal
  // (kLower) or column - row < diagonal (kUpper). `out` and `in` may be the same memory.
  Status (*triangle)(Triangle kept, DType dtype, void* out, const void* in, int64_t matrices,
                     int64_t rows, int64_t columns, int64_t diagonal) = nullptr;
};

}  // namespace tallow
