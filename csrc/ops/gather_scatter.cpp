#include "ops/gather_scatter.h"

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/index_plan.h"
#include "ops/ternary.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// gather() after the checks of its arguments.
Tensor gather_checked(const Tensor& self, int64_t dim, const Tensor& index) {
  Tensor out = empty(index.sizes(), self.dtype(), self.device());
  const Tensor positions = at_least_1d(as_int64(index));
  if (out.numel() > 0) {
    check_positions("gather", self, dim, positions);
    run<&Backend::index, &IndexKernels::take_lines>(
        "gather", self.device(), plan_lines(at_least_1d(self), at_least_1d(out), positions, dim));
  }
  return out;
}

}  // namespace

Tensor gather(const Tensor& self, int64_t dim, const Tensor& given, bool) {
  dim = wrap_dim(dim, self.dim());
  // An index of nothing may have any type.
  const Tensor index = given.numel() > 0 ? given : to_dtype(given, DType::kInt64);
  check_index_dtype("gather", index);
  check_same_device("gather", self, index);
  if (index.numel() > 0) {
    TALLOW_CHECK(std::max<int64_t>(index.dim(), 1) == std::max<int64_t>(self.dim(), 1),
                 "Index tensor must have the same number of dimensions as input tensor");
    const Dims sizes = at_least_1d(index).sizes();
    const Dims bound = at_least_1d(self).sizes();
    for (int64_t d = 0; d < sizes.size(); ++d) {
      TALLOW_CHECK(d == dim || sizes[d] <= bound[d], "Size does not match at dimension ", d,
                   " expected index ", index.sizes(), " to be no larger than self ", self.sizes(),
                   " apart from dimension ", dim);
    }
  }
  Tensor out = gather_checked(self, dim, index);
  return record("GatherBackward0", {&self}, std::move(out), [&](Saver& save) {
    return [positions = save(index, "index"), dim, like = self.sizes()](Grads& g) {
      const Tensor& grad = g.grad();
      const Tensor base = zeros(like, grad.dtype(), grad.device());
      g.out[0] = scatter_add(base, dim, g[positions], grad, Out::inplace(base));
    };
  });
}

Tensor take_along_dim(const Tensor& input, const Tensor& indices, std::optional<int64_t> dim) {
  TALLOW_CHECK(indices.dtype() == DType::kInt64 || indices.dtype() == DType::kInt32,
               "torch.take_along_dim(): dtype of indices should be Long but got ",
               scalar_type_name(indices.dtype()));
  if (!dim) return take_along_dim(reshape(input, {-1}), reshape(indices, {-1}), 0);
  TALLOW_CHECK(
      input.dim() == indices.dim(),
      "torch.take_along_dim(): input and indices should have the same number of dimensions,"
      " but got ",
      input.dim(), " dimensions for input, and ", indices.dim(), " dimensions for indices");
  const int64_t along = wrap_dim(*dim, input.dim());
  const int64_t size = input.dim() > 0 ? input.sizes()[along] : 1;
  Dims shape = input.sizes();
  Dims others = indices.sizes();
  if (input.dim() > 0) {
    shape[along] = 1;
    others[along] = 1;
  }
  const Dims common = broadcast_shapes(shape, others);
  Dims input_shape = common;
  Dims index_shape = common;
  if (input.dim() > 0) {
    input_shape[along] = size;
    index_shape[along] = indices.sizes()[along];
  }
  check_positions("take_along_dim", input, along, at_least_1d(as_int64(indices)), true);
  const Tensor wrapped = where(lt(indices, Scalar(0)), add(indices, Scalar(size)), indices);
  return gather(expand(input, input_shape), along, expand(wrapped, index_shape));
}

Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index) {
  dim = wrap_dim(dim, self.dim());
  TALLOW_CHECK_INDEX(index.dim() <= 1, "index_select(): Index is supposed to be a vector");
  TALLOW_CHECK(index.dtype() == DType::kInt64 || index.dtype() == DType::kInt32,
               "index_select(): Expected dtype int32 or int64 for index");
  TALLOW_CHECK(self.dim() > 0 || index.numel() == 1,
               "index_select(): Index to scalar can have only 1 value, got ", index.numel(),
               " value(s)");
  check_same_device("index_select", self, index);
  const Tensor source = at_least_1d(self);
  Dims shape = source.sizes();
  shape[dim] = index.numel();
  Tensor out;
  if (source.dim() == 1) {
    // Single elements: positions serve without being turned into offsets.
    const Tensor positions = at_least_1d(as_int64(index));
    const IndexBound bound{source.sizes()[0], 1, 0, false, PositionError::kSelf};
    run<&Backend::index, &IndexKernels::check>("index_select", self.device(),
                                               positions_of(positions), bound);
    out = empty(self.dim() > 0 ? shape : Dims(), self.dtype(), self.device());
    run<&Backend::index, &IndexKernels::take_lines>(
        "index_select", self.device(), plan_lines(source, at_least_1d(out), positions, 0));
  } else {
    const Tensor offsets =
        offsets_along("index_select", source, dim, index, {PositionError::kSelf});
    out = empty(shape, self.dtype(), self.device());
    run<&Backend::index, &IndexKernels::take_blocks>("index_select", self.device(),
                                                     plan_blocks(source, dim, 1, out, 1, offsets));
  }
  return record("IndexSelectBackward0", {&self}, std::move(out), [&](Saver& save) {
    return [positions = save(index, "index"), dim, like = self.sizes()](Grads& g) {
      const Tensor& grad = g.grad();
      const Tensor base = zeros(like, grad.dtype(), grad.device());
      g.out[0] = index_add_(base, dim, g[positions], grad);
    };
  });
}

namespace {

// Shape with dimension `dim` left out.
Dims slice_shape(const Dims& sizes, int64_t dim) {
  Dims shape = sizes;
  if (shape.size() > 0) shape.erase(dim);
  return shape;
}

// What index_add, index_copy and index_fill differ in.
struct SliceWrite {
  const char* op;
  PositionRules rules;
  bool accumulate;
  WriteOrder order;
};

// Writes the slices of `source`, one per position, to those of self.
Tensor write_slices(const SliceWrite& write, const Tensor& self, int64_t dim, const Tensor& index,
                    const Tensor& source, const Out& out) {
  if (write.accumulate && accumulates_in_float(self.dtype())) {
    return write_in_float(self, source, out, write.order, [&](const Tensor& wide) {
      write_slices(write, wide, dim, index, to_dtype(source, DType::kFloat32), Out::inplace(wide));
    });
  }
  const Tensor checked = offsets_along(write.op, at_least_1d(self), dim, index, write.rules);
  Tensor result = begin_write(self, source, out, write.order);
  // A fresh result may have other strides than self: the offsets must be those of the result.
  const Tensor target = at_least_1d(result);
  const Tensor offsets = result.strides() == self.strides()
                             ? checked
                             : offsets_along(write.op, target, dim, index, write.rules);
  run<&Backend::index, &IndexKernels::put_blocks>(
      write.op, self.device(), plan_blocks(target, dim, 1, unaliased(source, result), 1, offsets),
      write.accumulate);
  return finish_write(out, result);
}

}  // namespace

Tensor index_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                 const Scalar& alpha, Out out) {
  dim = wrap_dim(dim, self.dim());
  TALLOW_CHECK_INDEX(index.dim() <= 1, "index_add_(): Index is supposed to be a vector");
  TALLOW_CHECK(index.dtype() == DType::kInt64 || index.dtype() == DType::kInt32,
               "index_add_(): Expected dtype int32/int64 for index");
  TALLOW_CHECK(self.dtype() == source.dtype(), "index_add_(): self (",
               scalar_type_name(self.dtype()), ") and source (", scalar_type_name(source.dtype()),
               ") must have the same scalar type");
  check_same_device("index_add_", self, index);
  check_same_device("index_add_", self, source);
  const Tensor slices = at_least_1d(source);
  TALLOW_CHECK(dim < slices.dim() && index.numel() == slices.sizes()[dim],
               "index_add_(): Number of indices (", index.numel(),
               ") should be equal to source.size(dim): (",
               dim < slices.dim() ? slices.sizes()[dim] : 1, "), for dim: ", dim);
  TALLOW_CHECK(
      slice_shape(self.sizes(), dim) == slice_shape(source.sizes(), dim),
      "source tensor shape must match self tensor shape, excluding the specified dimension."
      " Got self.shape = ",
      self.sizes(), " source.shape = ", source.sizes());
  Tensor scaled = slices;
  if (!alpha.equals(1)) {
    const NoGradGuard no_grad;
    scaled = mul(slices, alpha);
  }
  Tensor result =
      write_slices({"index_add_", {PositionError::kBoundsRuntime}, true, WriteOrder::kRowMajor},
                   self, dim, index, scaled, out);
  return record("IndexAddBackward0", {&self, &source}, std::move(result), [&](Saver& save) {
    return [positions = save(index, "index"), dim, alpha, shape = source.sizes()](Grads& g) {
      if (g.needs(0)) g.out[0] = g.grad();
      if (!g.needs(1)) return;
      const Tensor picked = reshape(index_select(g.grad(), dim, g[positions]), shape);
      g.out[1] = alpha.equals(1) ? picked : mul(picked, alpha);
    };
  });
}

Tensor index_copy(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                  Out out) {
  dim = wrap_dim(dim, self.dim());
  TALLOW_CHECK_INDEX(index.dim() <= 1, "index_copy_(): Index should have dimension 1 or 0 (got ",
                     index.dim(), ")");
  TALLOW_CHECK_INDEX(self.dim() == source.dim() || self.dim() == 0 || source.dim() == 0,
                     "index_copy_(): When source and destination are not scalars, their "
                     "dimensionality must match. Source dimensionality (",
                     source.dim(), "), destination dimensionality (", self.dim(), ")");
  TALLOW_CHECK(index.dtype() == DType::kInt64,
               "index_copy_(): Expected a long tensor for index, but got ",
               scalar_type_name(index.dtype()));
  TALLOW_CHECK(self.dtype() == source.dtype(),
               "index_copy_(): self and source expected to have the same dtype, but got (self) ",
               scalar_type_name(self.dtype()), " and (source) ", scalar_type_name(source.dtype()));
  check_same_device("index_copy_", self, index);
  check_same_device("index_copy_", self, source);
  const Tensor slices = at_least_1d(source);
  const Dims mine = slice_shape(self.sizes(), dim);
  const Dims theirs = slice_shape(source.sizes(), dim);
  TALLOW_CHECK(mine == theirs,
               "index_copy_(): Source/destination tensor must have same slice shapes. Destination "
               "slice shape: ",
               mine, " at dimension ", dim, " and source slice shape: ", theirs, " at dimension ",
               source.dim() > 0 ? dim : 0, ".");
  TALLOW_CHECK_INDEX(index.numel() == slices.sizes()[dim], "index_copy_(): Number of indices (",
                     index.numel(), ") should be equal to source.size(dim) (", slices.sizes()[dim],
                     ")");
  const PositionRules rules{PositionError::kBounds, false, "index_copy_(): "};
  Tensor result = write_slices({"index_copy_", rules, false, WriteOrder::kRowMajor}, self, dim,
                               index, slices, out);
  return record("IndexCopyBackward0", {&self, &source}, std::move(result), [&](Saver& save) {
    return [positions = save(index, "index"), dim, shape = source.sizes()](Grads& g) {
      const Tensor at = g[positions];
      if (g.needs(0)) g.out[0] = index_fill(g.grad(), dim, at, Scalar(0));
      if (g.needs(1)) g.out[1] = reshape(index_select(g.grad(), dim, at), shape);
    };
  });
}

namespace {

// `element` as a tensor of `shape`: one slice along `dim` that is there in full, so that it can be
// copied, and counts for all.
Tensor spread_slice(const Tensor& element, int64_t dim, const Dims& shape) {
  const NoGradGuard no_grad;
  Dims slice = shape;
  for (int64_t d = 0; d <= dim; ++d) slice[d] = 1;
  return expand(contiguous(expand(element, slice)), shape);
}

}  // namespace

Tensor index_fill(const Tensor& self, int64_t dim, const Tensor& index, const Operand& value,
                  Out out) {
  dim = wrap_dim(dim, self.dim());
  TALLOW_CHECK_INDEX(index.dtype() == DType::kInt64 || index.dtype() == DType::kInt32,
                     "index_fill_(): Expected dtype int64 for index.");
  TALLOW_CHECK_INDEX(index.dim() <= 1, "Index has to be a vector/scalar");
  check_same_device("index_fill_", self, index);
  const bool is_tensor = value.is_tensor();
  TALLOW_CHECK(!is_tensor || value.tensor().dim() == 0,
               "index_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
               is_tensor ? value.tensor().dim() : 0, " dimension(s).");
  TALLOW_CHECK(is_complex(self.dtype()) || !is_complex(value.dtype()),
               "index_fill_(): Converting complex Scalar to non-complex type is not supported");
  Tensor element;
  {
    const NoGradGuard no_grad;
    element = is_tensor ? to_dtype(to_device(value.tensor(), self.device()), self.dtype())
                        : scalar_tensor(value.scalar(), self.dtype(), self.device());
  }
  Dims shape = at_least_1d(self).sizes();
  shape[dim] = index.numel();
  const Tensor spread = spread_slice(element, dim, shape);
  Tensor result =
      write_slices({"index_fill_", {PositionError::kBounds, true}, false, WriteOrder::kPreserved},
                   self, dim, index, spread, out);
  const Tensor none;
  const Tensor& source = is_tensor ? value.tensor() : none;
  return record(is_tensor ? "IndexFillBackward1" : "IndexFillBackward0", {&self, &source},
                std::move(result), [&](Saver& save) {
                  return [positions = save(index, "index"), dim](Grads& g) {
                    const Tensor at = g[positions];
                    const Tensor& grad = g.grad();
                    if (g.needs(0)) g.out[0] = index_fill(grad, dim, at, Scalar(0));
                    if (!g.needs(1)) return;
                    const Tensor none_filled = zeros(grad.sizes(), DType::kBool, grad.device());
                    const Tensor filled = index_fill(none_filled, dim, at, Scalar(true));
                    g.out[1] = sum_to_size(where(filled, grad, Scalar(0)), {});
                  };
                });
}

}  // namespace tallow::ops
