// From tensors to the arguments of the index kernels: offsets, blocks and lines.
#pragma once

#include "autograd/grad_mode.h"
#include "autograd/inplace.h"
#include "backend/index.h"
#include "core/tensor.h"
#include "ops/copy.h"
#include "ops/kernel.h"

namespace tallow::ops {

// Describes N operands of one shape with neighbouring dimensions merged, in row-major order.
template <int N>
void set_space(Strided<N>& space, const int64_t* sizes, const int64_t* const (&strides)[N],
               int64_t ndim) {
  space.numel = 1;
  space.ndim = 0;
  for (int64_t d = 0; d < ndim; ++d) {
    space.numel *= sizes[d];
    if (sizes[d] == 1) continue;
    bool merges = space.ndim > 0;
    for (int k = 0; merges && k < N; ++k) {
      merges = space.stride[k][space.ndim - 1] == strides[k][d] * sizes[d];
    }
    const int at = merges ? space.ndim - 1 : space.ndim++;
    space.size[at] = merges ? space.size[at] * sizes[d] : sizes[d];
    for (int k = 0; k < N; ++k) space.stride[k][at] = strides[k][d];
  }
}

// An op of the form "a copy of self, then modified" writes to begin_write(): self itself when in
// place (checked), else a copy without history, in self's memory order or row-major. finish_write()
// says that it is written, moves it into the caller's `out=`, and returns what the op returns.
enum class WriteOrder : uint8_t { kPreserved, kRowMajor };
// `source` is what comes in.
Tensor begin_write(const Tensor& self, const Tensor& source, const Out& out, WriteOrder order);
Tensor finish_write(const Out& out, const Tensor& written);
// Half types are added up in float32 and rounded once: `add_to(wide)` gets a float32 copy of self.
bool accumulates_in_float(DType dtype);
template <class AddTo>
Tensor write_in_float(const Tensor& self, const Tensor& source, const Out& out, WriteOrder order,
                      const AddTo& add_to) {
  if (out.is_inplace()) check_inplace(self, source.requires_grad());
  const NoGradGuard no_grad;
  const Tensor wide = to_dtype(self, DType::kFloat32);
  add_to(wide);
  if (out.is_inplace()) return copy_(self, wide);
  const Tensor result = to_dtype(wide, self.dtype());
  return finish_write(out, order == WriteOrder::kRowMajor ? contiguous(result) : result);
}

// `source` itself, or a copy if writing to `destination` could change it.
Tensor unaliased(const Tensor& source, const Tensor& destination);

// Positions must be int64 or int32; the latter are widened by as_int64().
void check_index_dtype(const char* op, const Tensor& index);
Tensor as_int64(const Tensor& index);
// The positions of an index tensor in row-major order.
Strided<1> positions_of(const Tensor& index);
// A 0-d tensor as a view with one dimension.
Tensor at_least_1d(const Tensor& tensor);
void check_same_device(const char* op, const Tensor& self, const Tensor& other);

// Raises RuntimeError if a position is outside dimension `dim` of `self`.
void check_positions(const char* op, const Tensor& self, int64_t dim, const Tensor& positions,
                     bool wrap = false);
// How an op reads positions and reports those out of bounds.
struct PositionRules {
  PositionError error;
  bool wrap = false;        // negative positions count from the end
  const char* prefix = "";  // of the message
};

// Offsets of the positions in `index` into dimension `dim` of `self`, as a vector.
Tensor offsets_along(const char* op, const Tensor& self, int64_t dim, const Tensor& index,
                     const PositionRules& rules);

// `indexed` has dimensions before, [first, first + picked), after; `dense` has before, index, after
// with `index_dims` in the middle. `offsets` counts the elements of the index dimensions.
IndexedBlocks plan_blocks(const Tensor& indexed, int64_t first, int64_t picked, const Tensor& dense,
                          int64_t index_dims, const Tensor& offsets);

// gather and scatter along `dim`: `indexed` and `dense` cover at least the shape of `positions`.
IndexedLines plan_lines(const Tensor& indexed, const Tensor& dense, const Tensor& positions,
                        int64_t dim);

}  // namespace tallow::ops
