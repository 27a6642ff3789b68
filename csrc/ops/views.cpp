#include "ops/views.h"

#include <algorithm>

#include "autograd/record.h"
#include "autograd/views.h"
#include "core/error.h"
#include "ops/arithmetic.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/gather_scatter.h"
#include "ops/join_split.h"
#include "ops/reduce.h"

namespace tallow::ops {

Tensor view(const Tensor& self, const Dims& size) {
  const Dims shape = infer_shape(size, self.numel());
  const std::optional<Dims> strides = view_strides(self.sizes(), self.strides(), shape);
  TALLOW_CHECK(strides,
               "view size is not compatible with input tensor's size and stride (at least one "
               "dimension spans across two contiguous subspaces). Use .reshape(...) instead.");
  return record_view("ViewBackward0", self, shape, *strides, self.impl()->offset, [&](Saver&) {
    return [sizes = self.sizes()](Grads& g) { g.out[0] = reshape(g.grad(), sizes); };
  });
}

Tensor view_alias(const Tensor& self) {
  return record_view("AliasBackward0", self, self.sizes(), self.strides(), self.impl()->offset,
                     [](Saver&) { return [](Grads& g) { g.out[0] = g.grad(); }; });
}

Tensor view_as(const Tensor& self, const Tensor& other) { return view(self, other.sizes()); }

Tensor reshape(const Tensor& self, const Dims& shape) {
  const Dims sizes = infer_shape(shape, self.numel());
  if (self.is_contiguous()) return view(self, sizes);
  if (const std::optional<Dims> strides = view_strides(self.sizes(), self.strides(), sizes)) {
    const int64_t offset = self.impl()->offset;
    return record_view("ReshapeAliasBackward0", self, sizes, *strides, offset, [&](Saver&) {
      return [shape = self.sizes()](Grads& g) { g.out[0] = reshape(g.grad(), shape); };
    });
  }
  const Tensor copy = clone_strided(self, contiguous_strides(self.sizes()));
  const Tensor out = alias(copy, sizes, contiguous_strides(sizes), 0);
  return record("UnsafeViewBackward0", {&copy}, out, [&](Saver&) {
    return [shape = self.sizes()](Grads& g) { g.out[0] = reshape(g.grad(), shape); };
  });
}

Tensor reshape_as(const Tensor& self, const Tensor& other) { return reshape(self, other.sizes()); }

Tensor flatten(const Tensor& self, int64_t start_dim, int64_t end_dim) {
  const int64_t start = wrap_dim(start_dim, self.dim());
  const int64_t end = wrap_dim(end_dim, self.dim());
  TALLOW_CHECK(start <= end, "flatten() has invalid args: start_dim cannot come after end_dim");
  if (self.dim() == 0) return reshape(self, {1});
  if (start == end) return self;
  Dims shape;
  int64_t merged = 1;
  for (int64_t d = 0; d < self.dim(); ++d) {
    const int64_t size = self.sizes()[d];
    if (d < start || d > end) {
      shape.push_back(size);
      continue;
    }
    merged *= size;
    if (d == end) shape.push_back(merged);
  }
  return reshape(self, shape);
}

Tensor ravel(const Tensor& self) { return reshape(contiguous(self), {self.numel()}); }

Tensor unflatten(const Tensor& self, int64_t dim, const Dims& sizes) {
  const int64_t at = wrap_dim(dim, self.dim());
  TALLOW_CHECK(!sizes.empty(), "unflatten: sizes must be non-empty");
  const Dims parts = infer_shape(sizes, self.size(at));
  Dims shape;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (d != at) shape.push_back(self.sizes()[d]);
    for (int64_t i = 0; d == at && i < parts.size(); ++i) shape.push_back(parts[i]);
  }
  return view(self, shape);
}

Tensor transpose(const Tensor& self, int64_t dim0, int64_t dim1) {
  const int64_t a = wrap_dim(dim0, self.dim());
  const int64_t b = wrap_dim(dim1, self.dim());
  if (a == b) return view_alias(self);
  Dims sizes = self.sizes();
  Dims strides = self.strides();
  std::swap(sizes[a], sizes[b]);
  std::swap(strides[a], strides[b]);
  return record_view("TransposeBackward0", self, sizes, strides, self.impl()->offset, [&](Saver&) {
    return [a, b](Grads& g) { g.out[0] = transpose(g.grad(), a, b); };
  });
}

Tensor permute(const Tensor& self, const Dims& dims) {
  TALLOW_CHECK(dims.size() == self.dim(),
               "permute(): number of dimensions in the tensor "
               "input does not match the length of the desired ordering of dimensions i.e. "
               "input.dim() = ",
               self.dim(), " is not equal to len(dims) = ", dims.size());
  const Dims order = wrap_dims(dims, self.dim());
  Dims sizes, strides, inverse;
  inverse.resize(order.size());
  for (int64_t d = 0; d < order.size(); ++d) {
    sizes.push_back(self.sizes()[order[d]]);
    strides.push_back(self.strides()[order[d]]);
    inverse[order[d]] = d;
  }
  return record_view("PermuteBackward0", self, sizes, strides, self.impl()->offset, [&](Saver&) {
    return [inverse](Grads& g) { g.out[0] = permute(g.grad(), inverse); };
  });
}

Tensor t(const Tensor& self) {
  TALLOW_CHECK(self.dim() <= 2, "t() expects a tensor with <= 2 dimensions, but self is ",
               self.dim(), "D");
  if (self.dim() < 2) return view_alias(self);
  Dims sizes{self.sizes()[1], self.sizes()[0]};
  Dims strides{self.strides()[1], self.strides()[0]};
  return record_view("TBackward0", self, sizes, strides, self.impl()->offset,
                     [&](Saver&) { return [](Grads& g) { g.out[0] = t(g.grad()); }; });
}

Tensor reverse_dims(const Tensor& self) {
  Dims order;
  for (int64_t d = self.dim() - 1; d >= 0; --d) order.push_back(d);
  return permute(self, order);
}

namespace {

Dims distinct_dims(const char* name, const Dims& dims, int64_t ndim) {
  Dims wrapped;
  uint64_t seen = 0;
  for (const int64_t dim : dims) {
    const int64_t at = wrap_dim(dim, ndim);
    TALLOW_CHECK(!(seen >> at & 1), "movedim: repeated dim in `", name, "` (", dims, ")");
    seen |= uint64_t{1} << at;
    wrapped.push_back(at);
  }
  return wrapped;
}

}  // namespace

Tensor movedim(const Tensor& self, const Dims& source, const Dims& destination) {
  TALLOW_CHECK(source.size() == destination.size(),
               "movedim: Invalid source or destination dims: source (", source,
               " dims) should contain the same number of dims as destination (", destination,
               " dims)");
  const Dims from = distinct_dims("source", source, self.dim());
  const Dims to = distinct_dims("destination", destination, self.dim());
  Dims order = Dims::filled(self.dim(), -1);
  uint64_t moved = 0;
  for (int64_t i = 0; i < from.size(); ++i) {
    order[to[i]] = from[i];
    moved |= uint64_t{1} << from[i];
  }
  int64_t next = 0;
  for (int64_t& dim : order) {
    if (dim >= 0) continue;
    while (moved >> next & 1) ++next;
    dim = next++;
  }
  return permute(self, order);
}

Tensor unsqueeze(const Tensor& self, int64_t dim) {
  const int64_t at = wrap_dim(dim, self.dim() + 1);
  Dims sizes = self.sizes();
  Dims strides = self.strides();
  const int64_t step = at < self.dim() ? sizes[at] * strides[at] : 1;
  sizes.insert(at, 1);
  strides.insert(at, step);
  return record_view("UnsqueezeBackward0", self, sizes, strides, self.impl()->offset, [&](Saver&) {
    return [at](Grads& g) { g.out[0] = squeeze_dims(g.grad(), {at}); };
  });
}

namespace {

Tensor squeeze_masked(const Tensor& self, uint64_t mask, const char* name) {
  Dims sizes, strides;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (self.sizes()[d] == 1 && (mask >> d & 1)) continue;
    sizes.push_back(self.sizes()[d]);
    strides.push_back(self.strides()[d]);
  }
  return record_view(name, self, sizes, strides, self.impl()->offset, [&](Saver&) {
    return [shape = self.sizes()](Grads& g) { g.out[0] = reshape(g.grad(), shape); };
  });
}

}  // namespace

Tensor squeeze(const Tensor& self) {
  return squeeze_masked(self, ~uint64_t{0}, "SqueezeBackward0");
}

Tensor squeeze_dims(const Tensor& self, const Dims& dim) {
  uint64_t mask = 0;
  for (const int64_t d : wrap_dims(dim, self.dim())) mask |= uint64_t{1} << d;
  return squeeze_masked(self, mask, dim.size() == 1 ? "SqueezeBackward1" : "SqueezeBackward2");
}

Tensor expand(const Tensor& self, const Dims& size) {
  TALLOW_CHECK(size.size() >= self.dim(), "expand(", tensor_type_name(self.dtype()), "{",
               self.sizes(), "}, size=", size, "): the number of sizes provided (", size.size(),
               ") must be greater or equal to the number of dimensions in the tensor (", self.dim(),
               ")");
  Dims target = size;
  const int64_t lead = size.size() - self.dim();
  for (int64_t d = size.size() - 1; d >= 0; --d) {
    if (d < lead) {
      TALLOW_CHECK(size[d] >= 0, "The expanded size of the tensor (", size[d],
                   ") isn't allowed in a leading, non-existing dimension ", d);
      continue;
    }
    const int64_t existing = self.sizes()[d - lead];
    if (size[d] == -1) target[d] = existing;
    TALLOW_CHECK(existing == 1 || existing == target[d], "The expanded size of the tensor (",
                 size[d], ") must match the existing size (", existing,
                 ") at non-singleton dimension ", d, ".  Target sizes: ", size,
                 ".  Tensor sizes: ", self.sizes());
  }
  const Dims strides = broadcast_strides(self.sizes(), self.strides(), target);
  return record_view("ExpandBackward0", self, target, strides, self.impl()->offset, [&](Saver&) {
    return [shape = self.sizes()](Grads& g) { g.out[0] = sum_to_size(g.grad(), shape); };
  });
}

Tensor expand_as(const Tensor& self, const Tensor& other) { return expand(self, other.sizes()); }

Tensor sum_to_size(const Tensor& self, const Dims& size) {
  if (self.sizes() == size) return self;
  TALLOW_CHECK(is_expandable(size, self.sizes()), "size {", size, "} is not expandable to size {",
               self.sizes(), "}.");
  const int64_t lead = self.dim() - size.size();
  Dims summed;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (d < lead || (size[d - lead] == 1 && self.sizes()[d] != 1)) summed.push_back(d);
  }
  const Tensor result = summed.empty() ? self : sum_dims(self, summed, true);
  return lead > 0 ? view(result, size) : result;
}

Tensor select(const Tensor& self, int64_t dim, int64_t index) {
  TALLOW_CHECK_INDEX(self.dim() > 0, "select() cannot be applied to a 0-dim tensor.");
  const int64_t at = wrap_dim(dim, self.dim());
  const int64_t size = self.sizes()[at];
  TALLOW_CHECK_INDEX(index >= -size && index < size, "index ", index,
                     " is out of bounds for dimension ", at, " with size ", size);
  const int64_t position = index < 0 ? index + size : index;
  Dims sizes = self.sizes();
  Dims strides = self.strides();
  const int64_t offset = self.impl()->offset + position * strides[at];
  sizes.erase(at);
  strides.erase(at);
  return record_view("SelectBackward0", self, sizes, strides, offset, [&](Saver&) {
    return [shape = self.sizes(), at, position](Grads& g) {
      Dims steps = contiguous_strides(shape);
      const int64_t start = position * steps[at];
      steps.erase(at);
      g.out[0] = embed(g.grad(), shape, g.grad().sizes(), steps, start);
    };
  });
}

Tensor slice(const Tensor& self, int64_t dim, std::optional<int64_t> start,
             std::optional<int64_t> end, int64_t step) {
  TALLOW_CHECK(self.dim() > 0, "slice() cannot be applied to a 0-dim tensor.");
  TALLOW_CHECK_VALUE(step > 0, "step must be greater than zero");
  const int64_t at = wrap_dim(dim, self.dim());
  const int64_t size = self.sizes()[at];
  const auto clip = [&](int64_t i) { return std::clamp(i < 0 ? i + size : i, int64_t{0}, size); };
  const int64_t first = clip(start.value_or(0));
  const int64_t last = std::max(first, clip(end.value_or(size)));
  Dims sizes = self.sizes();
  Dims strides = self.strides();
  sizes[at] = (last - first + step - 1) / step;
  const int64_t offset = self.impl()->offset + (first < size ? first * strides[at] : 0);
  strides[at] *= step;
  return record_view("SliceBackward0", self, sizes, strides, offset, [&](Saver&) {
    return [shape = self.sizes(), at, first, step](Grads& g) {
      Dims steps = contiguous_strides(shape);
      const int64_t begin = first * steps[at];
      steps[at] *= step;
      g.out[0] = embed(g.grad(), shape, g.grad().sizes(), steps, begin);
    };
  });
}

Tensor narrow(const Tensor& self, int64_t dim, int64_t start, int64_t length) {
  TALLOW_CHECK(self.dim() > 0, "narrow() cannot be applied to a 0-dim tensor.");
  TALLOW_CHECK(length >= 0, "narrow(): length must be non-negative.");
  const int64_t size = self.size(dim);
  TALLOW_CHECK_INDEX(start >= -size && start <= size,
                     "start out of range (expected to be in range of [", -size, ", ", size,
                     "], but got ", start, ")");
  const int64_t first = start < 0 ? start + size : start;
  TALLOW_CHECK(first <= size - length, "start (", first, ") + length (", length,
               ") exceeds dimension size (", size, ").");
  return slice(self, dim, first, first + length, 1);
}

Tensor diagonal(const Tensor& self, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t a = wrap_dim(dim1, self.dim());
  const int64_t b = wrap_dim(dim2, self.dim());
  TALLOW_CHECK(a != b, "diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  const auto geometry = [=](const Dims& shape, const Dims& steps, Dims& sizes, Dims& strides) {
    const int64_t rows = shape[a] - (offset < 0 ? -offset : 0);
    const int64_t columns = shape[b] - (offset > 0 ? offset : 0);
    for (int64_t d = 0; d < shape.size(); ++d) {
      if (d == a || d == b) continue;
      sizes.push_back(shape[d]);
      strides.push_back(steps[d]);
    }
    sizes.push_back(std::max<int64_t>(std::min(rows, columns), 0));
    strides.push_back(steps[a] + steps[b]);
    if (sizes.back() == 0) return int64_t{0};
    return offset >= 0 ? offset * steps[b] : -offset * steps[a];
  };
  Dims sizes, strides;
  const int64_t start = geometry(self.sizes(), self.strides(), sizes, strides);
  return record_view(
      "DiagonalBackward0", self, sizes, strides, self.impl()->offset + start, [&](Saver&) {
        return [shape = self.sizes(), geometry](Grads& g) {
          Dims view_sizes, steps;
          const int64_t begin = geometry(shape, contiguous_strides(shape), view_sizes, steps);
          g.out[0] = embed(g.grad(), shape, view_sizes, steps, begin);
        };
      });
}

Tensor unfold(const Tensor& self, int64_t dimension, int64_t size, int64_t step) {
  const int64_t at = wrap_dim(dimension, self.dim());
  const int64_t extent = self.dim() == 0 ? 1 : self.sizes()[at];
  TALLOW_CHECK(size >= 0, "size is ", size, " but must be >= 0");
  TALLOW_CHECK(size <= extent, "maximum size for tensor at dimension ", at, " is ", extent,
               " but size is ", size);
  TALLOW_CHECK(step > 0, "step is ", step, " but must be > 0");
  const auto geometry = [=](Dims sizes, Dims steps) {
    const int64_t stride = sizes.empty() ? 1 : steps[at];
    if (!sizes.empty()) {
      sizes[at] = (extent - size) / step + 1;
      steps[at] = stride * step;
    }
    sizes.push_back(size);
    steps.push_back(stride);
    return std::pair(sizes, steps);
  };
  const auto [sizes, strides] = geometry(self.sizes(), self.strides());
  return record_view("UnfoldBackward0", self, sizes, strides, self.impl()->offset, [&](Saver&) {
    return [shape = self.sizes(), geometry](Grads& g) {
      const auto [view_sizes, steps] = geometry(shape, contiguous_strides(shape));
      g.out[0] = embed(g.grad(), shape, view_sizes, steps, 0);
    };
  });
}

namespace {

// Adjacent pieces of `self` along `dim`, recorded as one node whose outputs they are.
std::vector<Tensor> split_views(const char* name, const Tensor& self, const Dims& lengths,
                                int64_t dim, bool drop_dim) {
  std::vector<Tensor> pieces;
  int64_t offset = self.impl()->offset;
  for (const int64_t length : lengths) {
    Dims sizes = self.sizes();
    Dims strides = self.strides();
    const int64_t start = offset;
    offset += length * strides[dim];
    sizes[dim] = length;
    if (drop_dim) {
      sizes.erase(dim);
      strides.erase(dim);
    }
    const Tensor piece = alias(self, sizes, strides, start);
    if (!self.impl()->inference) {
      set_view(piece, self, view_origin(ViewOrigin::kMultiOutput));
    }
    pieces.push_back(piece);
  }
  record(name, self, pieces, [&](Saver&) {
    return [dim, drop_dim](Grads& g) {
      std::vector<Tensor> grads;
      for (int64_t i = 0; i < g.in.size(); ++i) {
        const Tensor grad = g.grad_or_zeros(i);
        grads.push_back(drop_dim ? unsqueeze(grad, dim) : grad);
      }
      g.out[0] = cat(grads, dim);
    };
  });
  return pieces;
}

}  // namespace

std::vector<Tensor> split(const Tensor& self, int64_t split_size, int64_t dim) {
  TALLOW_CHECK(self.dim() > 0, "split expects at least a 1-dimensional tensor");
  TALLOW_CHECK(split_size >= 0,
               "split expects split_size be non-negative, but got split_size=", split_size);
  const int64_t at = wrap_dim(dim, self.dim());
  const int64_t size = self.sizes()[at];
  TALLOW_CHECK(split_size > 0 || size == 0,
               "split_size can only be 0 if dimension size is 0, but "
               "got dimension size of ",
               size);
  Dims lengths;
  for (int64_t begin = 0; begin < size; begin += split_size) {
    lengths.push_back(std::min(split_size, size - begin));
  }
  if (lengths.empty()) lengths.push_back(0);
  return split_views("SplitBackward0", self, lengths, at, false);
}

std::vector<Tensor> split_with_sizes(const Tensor& self, const Dims& split_sizes, int64_t dim) {
  TALLOW_CHECK(self.dim() > 0, "split_with_sizes expects at least a 1-dimensional tensor");
  const int64_t at = wrap_dim(dim, self.dim());
  int64_t total = 0;
  for (const int64_t size : split_sizes) {
    TALLOW_CHECK(size >= 0,
                 "split_with_sizes expects split_sizes have only non-negative entries, "
                 "but got split_sizes=",
                 split_sizes);
    total += size;
  }
  TALLOW_CHECK(total == self.sizes()[at], "split_with_sizes expects split_sizes to sum exactly to ",
               self.sizes()[at], " (input tensor's size at dimension ", at,
               "), but got split_sizes=", split_sizes);
  return split_views("SplitWithSizesBackward0", self, split_sizes, at, false);
}

std::vector<Tensor> chunk(const Tensor& self, int64_t chunks, int64_t dim) {
  TALLOW_CHECK(self.dim() > 0, "chunk expects at least a 1-dimensional tensor");
  TALLOW_CHECK(chunks > 0, "chunk expects `chunks` to be greater than 0, got: ", chunks);
  const int64_t size = self.size(dim);
  const int64_t length = size / chunks + (size % chunks != 0 ? 1 : 0);
  if (length == 0) {  // an empty dimension still gives `chunks` pieces
    return split_with_sizes(self, Dims::filled(chunks, 0), dim);
  }
  return split(self, length, dim);
}

std::vector<Tensor> unbind(const Tensor& self, int64_t dim) {
  TALLOW_CHECK_INDEX(self.dim() > 0, "Dimension specified as ", dim,
                     " but tensor has no dimensions");
  const int64_t at = wrap_dim(dim, self.dim());
  return split_views("UnbindBackward0", self, Dims::filled(self.sizes()[at], 1), at, true);
}

namespace {

// Do two elements of the view share an address? Sorted by stride, each dimension must step over all
// that the smaller ones cover.
bool overlaps(const Dims& sizes, const Dims& strides) {
  Dims order;
  for (int64_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] > 1) order.push_back(d);
  }
  std::sort(order.begin(), order.end(),
            [&](int64_t a, int64_t b) { return strides[a] < strides[b]; });
  int64_t covered = 0;
  for (const int64_t d : order) {
    if (strides[d] <= covered) return true;
    covered += (sizes[d] - 1) * strides[d];
  }
  return false;
}

// The gradient of a tensor of geometry (sizes, strides, offset) from that of a strided view of the
// same storage: through a flat buffer that stands for the storage.
struct StridedAdjoint {
  explicit StridedAdjoint(const Tensor& base, const Tensor& view)
      : sizes(base.sizes()),
        strides(base.strides()),
        view_sizes(view.sizes()),
        view_strides(view.strides()) {
    const int64_t start = std::min(base.impl()->offset, view.impl()->offset);
    offset = base.impl()->offset - start;
    view_offset = view.impl()->offset - start;
    span = std::max(reach_nbytes(sizes, strides, offset, 1),
                    reach_nbytes(view_sizes, view_strides, view_offset, 1));
  }
  void operator()(Grads& g) const {
    Tensor flat = embed(g.grad(), {span}, view_sizes, view_strides, view_offset);
    if (overlaps(sizes, strides)) {
      // Elements at one address (an expanded tensor's) share its gradient equally.
      const Tensor one = ones(sizes, flat.dtype(), flat.device());
      flat = div(flat, embed(one, {span}, sizes, strides, offset));
    }
    g.out[0] = as_strided(flat, sizes, strides, offset);
  }
  Dims sizes, strides, view_sizes, view_strides;
  int64_t offset, view_offset, span;
};

}  // namespace

Tensor as_strided(const Tensor& self, const Dims& size, const Dims& stride,
                  std::optional<int64_t> storage_offset) {
  TALLOW_CHECK(size.size() == stride.size(), "mismatch in length of strides and shape");
  const int64_t offset = storage_offset.value_or(self.impl()->offset);
  TALLOW_CHECK(offset >= 0, "Tensor: invalid storage offset ", offset);
  checked_numel(size);
  for (const int64_t step : stride) {
    TALLOW_CHECK(step >= 0,
                 "as_strided: Negative strides are not supported at the moment, got "
                 "strides: ",
                 stride);
  }
  const int64_t needed = reach_nbytes(size, stride, offset, item_size(self.dtype()));
  TALLOW_CHECK(needed <= self.impl()->storage->nbytes(), "setStorage: sizes ", size, ", strides ",
               stride, ", storage offset ", offset, ", and itemsize ", item_size(self.dtype()),
               " requiring a storage size of ", needed, " are out of bounds for storage of size ",
               self.impl()->storage->nbytes());
  const Tensor geometry = alias(self, size, stride, offset);
  return record_view("AsStridedBackward0", self, size, stride, offset,
                     [&](Saver&) { return StridedAdjoint(self, geometry); });
}

Ref<Node> as_strided_node(const Tensor& base, const Tensor& view) {
  return tallow::detail::make_node("AsStridedBackward0",
                                   [&](Saver&) { return StridedAdjoint(base, view); });
}

Tensor embed(const Tensor& self, const Dims& base_size, const Dims& size, const Dims& stride,
             int64_t offset) {
  Tensor out;
  {
    const NoGradGuard no_grad;
    out = zeros(base_size, self.dtype(), self.device());
    if (self.numel() > 0 && !overlaps(size, stride)) {
      copy_(alias(out, size, stride, offset), self);
    } else if (self.numel() > 0) {
      const Tensor positions = arange(0, out.numel(), 1, DType::kInt64, self.device());
      const Tensor index = reshape(alias(positions, size, stride, offset), {-1});
      index_add_(reshape(out, {-1}), 0, index, reshape(self, {-1}));
    }
  }
  return record("AsStridedScatterBackward0", {&self}, out, [&](Saver&) {
    return [size, stride, offset](Grads& g) {
      const Tensor grad = contiguous(g.grad());
      g.out[0] = as_strided(grad, size, stride, grad.impl()->offset + offset);
    };
  });
}

}  // namespace tallow::ops
