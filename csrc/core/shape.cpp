#include "core/shape.h"

#include <algorithm>

#include "core/dtype.h"
#include "core/error.h"
#include "core/strided.h"
#include "core/tensor.h"

namespace tallow {

int64_t checked_numel(const Dims& sizes) {
  TALLOW_CHECK(sizes.size() <= kMaxDims, "a tensor has at most ", kMaxDims, " dimensions, got ",
               sizes.size());
  int64_t numel = 1;
  bool empty = false;
  bool overflow = false;
  for (const int64_t size : sizes) {
    TALLOW_CHECK(size >= 0, "Trying to create tensor with negative dimension ", size, ": ", sizes);
    if (size == 0) empty = true;
    if (size > 0) overflow |= __builtin_mul_overflow(numel, size, &numel);
  }
  if (empty) return 0;
  TALLOW_CHECK(!overflow, "numel: integer multiplication overflow for sizes ", sizes);
  return numel;
}

int64_t checked_nbytes(int64_t numel, int64_t itemsize) {
  int64_t nbytes = 0;
  TALLOW_CHECK(!__builtin_mul_overflow(numel, itemsize, &nbytes),
               "Storage size calculation overflowed with numel=", numel,
               " and itemsize=", itemsize);
  return nbytes;
}

int64_t reach_nbytes(const Dims& sizes, const Dims& strides, int64_t offset, int64_t itemsize) {
  int64_t last = offset;
  for (int64_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == 0) return 0;
    int64_t step = 0;
    const bool overflow = __builtin_mul_overflow(sizes[d] - 1, strides[d], &step) ||
                          __builtin_add_overflow(last, step, &last);
    TALLOW_CHECK(!overflow, "Storage size calculation overflowed with sizes=", sizes,
                 " and strides=", strides);
  }
  return checked_nbytes(last + 1, itemsize);
}

namespace {

// The stride outside of a dimension; only tensors without elements can have too large ones.
int64_t stride_beyond(int64_t stride, int64_t size) {
  TALLOW_CHECK(!__builtin_mul_overflow(stride, std::max<int64_t>(size, 1), &stride),
               "Stride calculation overflowed");
  return stride;
}

}  // namespace

Dims contiguous_strides(const Dims& sizes) {
  Dims strides = Dims::filled(sizes.size(), 1);
  for (int64_t d = sizes.size() - 2; d >= 0; --d) {
    strides[d] = stride_beyond(strides[d + 1], sizes[d + 1]);
  }
  return strides;
}

bool is_contiguous(const Dims& sizes, const Dims& strides) {
  int64_t step = 1;
  bool contiguous = true;
  for (int64_t d = sizes.size() - 1; d >= 0; --d) {
    if (sizes[d] == 0) return true;
    if (sizes[d] == 1) continue;
    contiguous = contiguous && strides[d] == step;
    if (contiguous) step = stride_beyond(step, sizes[d]);
  }
  return contiguous;
}

namespace {

// Dimension numbers ordered by ascending stride, size-1 dimensions left out.
Dims by_stride(const Dims& sizes, const Dims& strides) {
  Dims order;
  for (int64_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] != 1) order.push_back(d);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return strides[a] < strides[b]; });
  return order;
}

}  // namespace

bool is_dense(const Dims& sizes, const Dims& strides) {
  for (const int64_t size : sizes) {
    if (size == 0) return true;
  }
  int64_t step = 1;
  for (const int64_t d : by_stride(sizes, strides)) {
    if (strides[d] != step) return false;
    step *= sizes[d];
  }
  return true;
}

Dims preserved_strides(const Dims& sizes, const Dims& strides) {
  if (is_contiguous(sizes, strides)) return contiguous_strides(sizes);
  if (is_dense(sizes, strides)) return strides;
  // Not dense: keep the order of the dimensions, outer ones last among equal strides.
  Dims order;
  for (int64_t d = sizes.size() - 1; d >= 0; --d) order.push_back(d);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    if (strides[a] == 0 || strides[b] == 0) return false;
    return strides[a] < strides[b];
  });
  Dims result = Dims::filled(sizes.size(), 1);
  int64_t step = 1;
  for (const int64_t d : order) {
    result[d] = step;
    step = stride_beyond(step, sizes[d]);
  }
  return result;
}

Dims channels_last_strides(const Dims& sizes) {
  TALLOW_CHECK(sizes.size() == 4, "required rank 4 tensor to use channels_last format");
  const int64_t pixel = stride_beyond(1, sizes[1]);
  const int64_t row = stride_beyond(pixel, sizes[3]);
  return {stride_beyond(row, sizes[2]), 1, row, pixel};
}

int64_t wrap_dim(int64_t dim, int64_t ndim) {
  const int64_t range = std::max<int64_t>(ndim, 1);
  TALLOW_CHECK_INDEX(dim >= -range && dim < range,
                     "Dimension out of range (expected to be in range of [", -range, ", ",
                     range - 1, "], but got ", dim, ")");
  return dim < 0 ? dim + range : dim;
}

Dims wrap_dims(const Dims& dims, int64_t ndim) {
  Dims wrapped = dims;
  uint64_t seen = 0;
  for (int64_t& dim : wrapped) {
    dim = wrap_dim(dim, ndim);
    TALLOW_CHECK(!(seen >> dim & 1), "dim ", dim, " appears multiple times in the list of dims");
    seen |= uint64_t{1} << dim;
  }
  return wrapped;
}

Dims broadcast_shapes(const Dims& a, const Dims& b) {
  const Dims& longer = a.size() >= b.size() ? a : b;
  const int64_t ndim = longer.size();
  Dims shape = longer;
  for (int64_t i = 1; i <= ndim; ++i) {
    const int64_t size_a = i <= a.size() ? a[a.size() - i] : 1;
    const int64_t size_b = i <= b.size() ? b[b.size() - i] : 1;
    TALLOW_CHECK(size_a == size_b || size_a == 1 || size_b == 1, "The size of tensor a (", size_a,
                 ") must match the size of tensor b (", size_b, ") at non-singleton dimension ",
                 ndim - i);
    shape[ndim - i] = size_a == 1 ? size_b : size_a;
  }
  return shape;
}

bool is_expandable(const Dims& from, const Dims& to) {
  if (from.size() > to.size()) return false;
  for (int64_t i = 1; i <= from.size(); ++i) {
    const int64_t size = from[from.size() - i];
    if (size != 1 && size != to[to.size() - i]) return false;
  }
  return true;
}

Dims broadcast_strides(const Dims& sizes, const Dims& strides, const Dims& target) {
  const int64_t lead = target.size() - sizes.size();
  Dims result = Dims::filled(target.size(), 0);
  for (int64_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] != 1 || target[lead + d] == 1) result[lead + d] = strides[d];
  }
  return result;
}

Dims infer_shape(const Dims& shape, int64_t numel) {
  Dims result = shape;
  int64_t known = 1;
  int64_t inferred = -1;
  for (int64_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == -1) {
      TALLOW_CHECK(inferred < 0, "only one dimension can be inferred");
      inferred = d;
    } else {
      TALLOW_CHECK(shape[d] >= 0, "invalid shape dimension ", shape[d]);
      TALLOW_CHECK(!__builtin_mul_overflow(known, shape[d], &known), "shape '", shape,
                   "' is invalid for input of size ", numel);
    }
  }
  if (inferred >= 0 && known > 0 && numel % known == 0) {
    result[inferred] = numel / known;
    return result;
  }
  TALLOW_CHECK(!(inferred >= 0 && known == 0 && numel == 0),
               "cannot reshape tensor of 0 elements into shape ", shape,
               " because the unspecified dimension size -1 can be any value and is ambiguous");
  TALLOW_CHECK(inferred < 0 && known == numel, "shape '", shape, "' is invalid for input of size ",
               numel);
  return result;
}

std::optional<Dims> view_strides(const Dims& sizes, const Dims& strides, const Dims& shape) {
  if (checked_numel(sizes) == 0) {
    return sizes == shape ? strides : contiguous_strides(shape);
  }
  Dims result;
  result.resize(shape.size());
  // Walk both shapes from the back; each maximal run of old dimensions that is contiguous in
  // memory must be cut into whole new dimensions.
  int64_t view = shape.size() - 1;
  int64_t run_numel = 1;
  int64_t view_numel = 1;
  int64_t run_stride = sizes.empty() ? 1 : strides.back();
  for (int64_t d = sizes.size() - 1; d >= 0; --d) {
    run_numel *= sizes[d];
    const bool run_ends = d == 0 || (sizes[d - 1] != 1 && strides[d - 1] != run_numel * run_stride);
    if (!run_ends) continue;
    while (view >= 0 && (view_numel < run_numel || shape[view] == 1)) {
      result[view] = view_numel * run_stride;
      view_numel *= shape[view];
      --view;
    }
    if (view_numel != run_numel) return std::nullopt;
    if (d > 0) {
      run_stride = strides[d - 1];
      run_numel = 1;
      view_numel = 1;
    }
  }
  while (view >= 0) result[view--] = run_stride;  // leading 1s of a view of a 0-d tensor
  return result;
}

bool has_internal_overlap(const Tensor& tensor) {
  for (int64_t d = 0; d < tensor.dim(); ++d) {
    if (tensor.sizes()[d] > 1 && tensor.strides()[d] == 0) return tensor.numel() > 0;
  }
  return false;
}

bool partially_overlaps(const Tensor& a, const Tensor& b) {
  if (a.impl()->storage != b.impl()->storage || a.numel() == 0 || b.numel() == 0) return false;
  if (a.impl()->offset == b.impl()->offset && a.sizes() == b.sizes() &&
      a.strides() == b.strides()) {
    return false;
  }
  // Address ranges that do not meet cannot overlap; interleaved views of one storage (every second
  // column, say) are told apart only when both are dense.
  const int64_t item = item_size(a.dtype());
  const int64_t other_item = item_size(b.dtype());
  const int64_t a_begin = a.impl()->offset * item;
  const int64_t b_begin = b.impl()->offset * other_item;
  const int64_t a_end = reach_nbytes(a.sizes(), a.strides(), a.impl()->offset, item);
  const int64_t b_end = reach_nbytes(b.sizes(), b.strides(), b.impl()->offset, other_item);
  if (a_end <= b_begin || b_end <= a_begin) return false;
  return is_dense(a.sizes(), a.strides()) && is_dense(b.sizes(), b.strides());
}

Dims reduced_shape(const Dims& sizes, const Dims& dims, bool keepdim) {
  uint64_t mask = 0;
  for (const int64_t dim : dims) mask |= uint64_t{1} << dim;
  if (dims.empty()) mask = ~uint64_t{0};
  Dims shape;
  for (int64_t d = 0; d < sizes.size(); ++d) {
    if (!(mask >> d & 1)) {
      shape.push_back(sizes[d]);
    } else if (keepdim) {
      shape.push_back(1);
    }
  }
  return shape;
}

}  // namespace tallow
