#include "ops/index.h"

#include <algorithm>

#include "autograd/record.h"
#include "ops/creation.h"
#include "ops/index_plan.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// An advanced index after masks became positions and everything was broadcast: the dimensions of
// `source` (a view of the indexed tensor) are before, picked, after.
struct Selection {
  Tensor source;
  int64_t first = 0;   // number of dimensions before
  int64_t picked = 0;  // number of indexed dimensions
  Dims shape;          // of the index
  Tensor offsets;      // into source, one per element of the index
  Dims permutation;    // of self's dimensions that gives source; empty: none

  Dims result_shape() const {
    Dims result(source.sizes().data(), first);
    for (const int64_t size : shape) result.push_back(size);
    for (int64_t d = first + picked; d < source.dim(); ++d) result.push_back(source.sizes()[d]);
    return result;
  }
};

bool is_mask(const Tensor& index) {
  return index.dtype() == DType::kBool || index.dtype() == DType::kUInt8;
}

// A mask over several dimensions that lie in memory as one is a mask over that one: `self` becomes
// the tensor with those dimensions merged, and the mask a vector.
void merge_masked_dims(Tensor& self, std::vector<Tensor>& indices) {
  int64_t at = 0;
  for (Tensor& index : indices) {
    const int64_t covered = index.defined() && is_mask(index) ? index.dim() : 1;
    const bool fits = covered > 1 && at + covered <= self.dim() &&
                      Dims(self.sizes().data() + at, covered) == index.sizes();
    bool mergeable = fits && self.numel() > 0;
    for (int64_t d = at; mergeable && d + 1 < at + covered; ++d) {
      mergeable = self.strides()[d] == self.strides()[d + 1] * self.sizes()[d + 1];
    }
    if (mergeable) {
      Dims sizes = self.sizes();
      Dims strides = self.strides();
      for (int64_t d = 1; d < covered; ++d) {
        sizes.erase(at);
        strides.erase(at);
      }
      sizes[at] = index.numel();
      self = alias(self, sizes, strides, self.impl()->offset);
      const NoGradGuard no_grad;
      index = reshape(index, {-1});
    }
    at += mergeable ? 1 : covered;
  }
}

// Positions instead of masks; int64 throughout. Entry d belongs to dimension d of self; undefined
// entries stand for whole dimensions.
std::vector<Tensor> expand_masks(const Tensor& self, const std::vector<Tensor>& indices) {
  std::vector<Tensor> result;
  for (const Tensor& index : indices) {
    if (!index.defined()) {
      result.emplace_back();
      continue;
    }
    TALLOW_CHECK_INDEX(
        is_mask(index) || index.dtype() == DType::kInt64 || index.dtype() == DType::kInt32,
        "tensors used as indices must be long, int, byte or bool tensors");
    // Positions may come from the host.
    const bool moves = self.device().is_cuda() && index.device().is_cpu();
    if (!moves) check_same_device("index", self, index);
    if (!is_mask(index)) {
      result.push_back(as_int64(moves ? to_device(index, self.device()) : index));
      continue;
    }
    const int64_t at = static_cast<int64_t>(result.size());
    for (int64_t d = 0; d < index.dim(); ++d) {
      TALLOW_CHECK_INDEX(at + d < self.dim(), "too many indices for tensor of dimension ",
                         self.dim());
      TALLOW_CHECK_INDEX(index.sizes()[d] == self.sizes()[at + d], "The shape of the mask ",
                         index.sizes(), " at index ", d,
                         " does not match the shape of the indexed tensor ", self.sizes(),
                         " at index ", at + d);
    }
    for (Tensor& positions : nonzero_tuple(index)) {
      result.push_back(moves ? to_device(positions, self.device()) : std::move(positions));
    }
  }
  TALLOW_CHECK_INDEX(static_cast<int64_t>(result.size()) <= self.dim(),
                     "too many indices for tensor of dimension ", self.dim(), " (got ",
                     result.size(), ")");
  return result;
}

Dims broadcast_index_shape(const std::vector<Tensor>& positions) {
  Dims shape;
  for (const Tensor& index : positions) {
    if (!index.defined()) continue;
    if (!is_expandable(index.sizes(), shape) && !is_expandable(shape, index.sizes())) {
      Dims joined;
      try {
        joined = broadcast_shapes(shape, index.sizes());
      } catch (const Error&) {
        std::ostringstream shapes;
        for (const Tensor& each : positions) {
          if (each.defined()) shapes << (shapes.tellp() > 0 ? ", " : "") << each.sizes();
        }
        raise<IndexError>(
            "shape mismatch: indexing tensors could not be broadcast together with "
            "shapes ",
            shapes.str());
      }
      shape = joined;
    } else {
      shape = broadcast_shapes(shape, index.sizes());
    }
  }
  return shape;
}

// Brings the indexed dimensions of `self` next to each other: where they already are, or in front.
void arrange(Selection& selection, const Tensor& self, std::vector<Tensor>& positions) {
  positions.resize(static_cast<std::size_t>(self.dim()));
  Dims indexed;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (positions[static_cast<std::size_t>(d)].defined()) indexed.push_back(d);
  }
  selection.picked = indexed.size();
  selection.source = self;
  if (indexed.empty()) return;
  selection.first = indexed[0];
  if (indexed.back() - indexed[0] + 1 == indexed.size()) return;
  selection.first = 0;
  selection.permutation = indexed;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (!positions[static_cast<std::size_t>(d)].defined()) selection.permutation.push_back(d);
  }
  Dims sizes;
  Dims strides;
  std::vector<Tensor> arranged;
  for (const int64_t d : selection.permutation) {
    sizes.push_back(self.sizes()[d]);
    strides.push_back(self.strides()[d]);
    arranged.push_back(positions[static_cast<std::size_t>(d)]);
  }
  selection.source = alias(self, sizes, strides, self.impl()->offset);
  positions = std::move(arranged);
}

// Sums up the offsets of all indexed dimensions, checking every position. Messages name the
// dimension of the tensor the user indexed.
void compute_offsets(Selection& selection, const std::vector<Tensor>& positions) {
  const Tensor& source = selection.source;
  selection.offsets = empty({checked_numel(selection.shape)}, DType::kInt64, source.device());
  for (int64_t k = 0; k < selection.picked; ++k) {
    const int64_t d = selection.first + k;
    const Tensor& index = positions[static_cast<std::size_t>(d)];
    const Tensor spread = alias(index, selection.shape,
                                broadcast_strides(index.sizes(), index.strides(), selection.shape),
                                index.impl()->offset);
    const int64_t named = selection.permutation.empty() ? d : selection.permutation[d];
    const IndexBound bound{source.sizes()[d], source.strides()[d], named, true,
                           PositionError::kBounds};
    run<&Backend::index, &IndexKernels::offsets>("index", source.device(),
                                                 selection.offsets.data<int64_t>(),
                                                 positions_of(spread), bound, k > 0);
  }
}

Selection select_elements(const Tensor& self, const std::vector<Tensor>& indices) {
  TALLOW_CHECK_INDEX(!indices.empty(), "at least one index must be provided");
  TALLOW_CHECK_INDEX(static_cast<int64_t>(indices.size()) <= self.dim(),
                     "too many indices for tensor of dimension ", self.dim(), " (got ",
                     indices.size(), ")");
  Tensor merged = self;
  std::vector<Tensor> given = indices;
  merge_masked_dims(merged, given);
  std::vector<Tensor> positions = expand_masks(merged, given);
  Selection selection;
  selection.shape = broadcast_index_shape(positions);
  arrange(selection, merged, positions);
  compute_offsets(selection, positions);
  return selection;
}

IndexedBlocks blocks_of(const Selection& selection, const Tensor& dense) {
  return plan_blocks(selection.source, selection.first, selection.picked, dense,
                     selection.shape.size(), selection.offsets);
}

using SavedIds = InlineVector<SavedId, 2>;

// Undefined tensors (whole dimensions) are kept as such.
SavedIds save_all(Saver& save, const std::vector<Tensor>& indices) {
  SavedIds ids;
  for (const Tensor& index : indices) ids.push_back(save(index, "indices"));
  return ids;
}

std::vector<Tensor> load_all(Grads& g, const SavedIds& ids) {
  std::vector<Tensor> indices;
  for (int64_t i = 0; i < ids.size(); ++i) indices.push_back(g[ids[i]]);
  return indices;
}

}  // namespace

namespace {

// Row-major, except that slices of a tensor with another memory order keep theirs.
Tensor empty_result(const Selection& selection) {
  const Tensor& source = selection.source;
  const Dims shape = selection.result_shape();
  Dims strides = contiguous_strides(shape);
  if (selection.first == 0 && !source.is_contiguous()) {
    const int64_t count = source.dim() - selection.picked;
    const Dims slice(source.sizes().data() + selection.picked, count);
    const Dims slice_strides(source.strides().data() + selection.picked, count);
    const Dims kept = preserved_strides(slice, slice_strides);
    for (int64_t d = 0; d < count; ++d) strides[shape.size() - count + d] = kept[d];
  }
  return empty_strided(shape, strides, source.dtype(), source.device());
}

}  // namespace

Tensor index(const Tensor& self, const std::vector<Tensor>& indices) {
  const Selection selection = select_elements(self, indices);
  Tensor out = empty_result(selection);
  run<&Backend::index, &IndexKernels::take_blocks>("index", self.device(),
                                                   blocks_of(selection, out));
  return record("IndexBackward0", {&self}, std::move(out), [&](Saver& save) {
    return [ids = save_all(save, indices), like = self.sizes()](Grads& g) {
      const Tensor& grad = g.grad();
      const Tensor base = zeros(like, grad.dtype(), grad.device());
      g.out[0] = index_put_(base, load_all(g, ids), grad, true);
    };
  });
}

namespace {

// index_put() without history.
Tensor put_selected(const Tensor& self, const std::vector<Tensor>& indices, const Tensor& values,
                    bool accumulate, const Out& out) {
  if (accumulate && accumulates_in_float(self.dtype())) {
    return write_in_float(self, values, out, WriteOrder::kPreserved, [&](const Tensor& wide) {
      put_selected(wide, indices, to_dtype(values, DType::kFloat32), true, Out::inplace(wide));
    });
  }
  // Checked against self first, so that nothing is written when a position is wrong.
  Selection selection = select_elements(self, indices);
  const Dims shape = selection.result_shape();
  Dims given = values.sizes();
  while (given.size() > shape.size() && given[0] == 1) given.erase(0);
  TALLOW_CHECK(is_expandable(given, shape), "shape mismatch: value tensor of shape ",
               values.sizes(), " cannot be broadcast to indexing result of shape ", shape);
  const Tensor result =
      out.is_inplace() ? self : begin_write(self, values, out, WriteOrder::kPreserved);
  if (!out.is_inplace()) selection = select_elements(result, indices);
  const Tensor source = unaliased(to_device(values, self.device()), result);
  const Dims strides(source.strides().data() + (values.dim() - given.size()), given.size());
  const Tensor spread =
      alias(source, shape, broadcast_strides(given, strides, shape), source.impl()->offset);
  run<&Backend::index, &IndexKernels::put_blocks>("index_put_", self.device(),
                                                  blocks_of(selection, spread), accumulate);
  return finish_write(out, result);
}

}  // namespace

Tensor index_put(const Tensor& self, const std::vector<Tensor>& indices, const Tensor& values,
                 bool accumulate, Out out) {
  TALLOW_CHECK(self.dtype() == values.dtype(),
               "Index put requires the source and destination dtypes match, got ",
               scalar_type_name(self.dtype()), " for the destination and ",
               scalar_type_name(values.dtype()), " for the source.");
  if (values.dim() > 0) check_same_device("index_put_", self, values);
  if (out.is_inplace()) {
    check_history(self, values.requires_grad());
    check_no_overlap(self, values);
    for (const Tensor& index : indices) {
      if (index.defined()) check_no_overlap(self, index);
    }
  }
  const Tensor result = put_selected(self, indices, values, accumulate, out);
  return record("IndexPutBackward0", {&self, &values}, result, [&](Saver& save) {
    return [ids = save_all(save, indices), accumulate](Grads& g) {
      const Tensor& grad = g.grad();
      if (g.needs(0)) {
        g.out[0] = accumulate
                       ? grad
                       : index_put(grad, load_all(g, ids), zeros({}, grad.dtype(), grad.device()));
      }
      if (g.needs(1)) g.out[1] = ops::index(grad, load_all(g, ids));
    };
  });
}

namespace {

void check_flat_index(const char* op, const Tensor& self, const Tensor& index) {
  TALLOW_CHECK(index.dtype() == DType::kInt64, op, "(): Expected a long tensor for index, but got ",
               scalar_type_name(index.dtype()));
  TALLOW_CHECK_INDEX(self.numel() > 0 || index.numel() == 0, op,
                     "(): tried to take from an empty tensor");
  check_same_device(op, self, index);
}

}  // namespace

Tensor take(const Tensor& self, const Tensor& index) {
  check_flat_index("take", self, index);
  Tensor flat;
  {
    const NoGradGuard no_grad;
    const Tensor source = contiguous(self);
    flat = alias(source, {source.numel()}, {1}, source.impl()->offset);
  }
  const Tensor offsets = offsets_along("take", flat, 0, index, {PositionError::kTake, true});
  Tensor out = empty(index.sizes(), self.dtype(), self.device());
  const Tensor dense = alias(out, {out.numel()}, {1}, 0);
  run<&Backend::index, &IndexKernels::take_blocks>("take", self.device(),
                                                   plan_blocks(flat, 0, 1, dense, 1, offsets));
  return record("TakeBackward0", {&self}, std::move(out), [&](Saver& save) {
    return [positions = save(index, "index"), like = self.sizes()](Grads& g) {
      const Tensor& grad = g.grad();
      const Tensor base = zeros(like, grad.dtype(), grad.device());
      g.out[0] = put(base, g[positions], grad, true, Out::inplace(base));
    };
  });
}

namespace {

// put() without history, after the checks.
Tensor put_flat(const Tensor& self, const Tensor& index, const Tensor& source, bool accumulate,
                const Out& out) {
  const NoGradGuard no_grad;
  if (!self.is_contiguous()) {
    // Through a row-major copy: positions count in that order.
    const Tensor written = put_flat(contiguous(self), index, source, accumulate, {});
    if (out.is_inplace()) return copy_(self, written);
    return clone_strided(written, preserved_strides(self.sizes(), self.strides()));
  }
  if (accumulate && accumulates_in_float(self.dtype())) {
    return write_in_float(self, source, out, WriteOrder::kRowMajor, [&](const Tensor& wide) {
      put_flat(wide, index, to_dtype(source, DType::kFloat32), true, Out::inplace(wide));
    });
  }
  const Tensor flat_self = alias(self, {self.numel()}, {1}, self.impl()->offset);
  const Tensor offsets = offsets_along("put_", flat_self, 0, index, {PositionError::kTake, true});
  const Tensor result = begin_write(self, source, out, WriteOrder::kRowMajor);
  const Tensor values = contiguous(unaliased(source, result));
  const Tensor flat = alias(result, {result.numel()}, {1}, result.impl()->offset);
  const Tensor dense = alias(values, {values.numel()}, {1}, values.impl()->offset);
  run<&Backend::index, &IndexKernels::put_blocks>(
      "put_", self.device(), plan_blocks(flat, 0, 1, dense, 1, offsets), accumulate);
  return finish_write(out, result);
}

}  // namespace

Tensor put(const Tensor& self, const Tensor& index, const Tensor& source, bool accumulate,
           Out out) {
  check_flat_index("put_", self, index);
  TALLOW_CHECK(self.dtype() == source.dtype(),
               "put_(): self and source expected to have the same dtype, but got self.dtype = ",
               scalar_type_name(self.dtype()),
               " and source.dtype = ", scalar_type_name(source.dtype()));
  TALLOW_CHECK(index.numel() == source.numel(),
               "put_(): Expected source and index to have the same number of elements, but got "
               "source.numel() = ",
               source.numel(), ", index.numel() = ", index.numel());
  check_same_device("put_", self, source);
  if (out.is_inplace()) check_inplace(self, source.requires_grad());
  const Tensor result = put_flat(self, index, source, accumulate, out);
  return record("PutBackward0", {&self, &source}, result, [&](Saver& save) {
    return [at = save(index, "index"), accumulate, shape = source.sizes()](Grads& g) {
      const Tensor& grad = g.grad();
      const Tensor positions = g[at];
      if (g.needs(0)) {
        const Tensor none = zeros(positions.sizes(), grad.dtype(), grad.device());
        g.out[0] = accumulate ? grad : put(grad, positions, none);
      }
      if (g.needs(1)) g.out[1] = reshape(take(grad, positions), shape);
    };
  });
}

}  // namespace tallow::ops
