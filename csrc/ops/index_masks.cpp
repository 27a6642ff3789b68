// Masks and triangles: the part of ops/index.h where positions come from a mask or the shape.
#include <cstring>

#include "autograd/record.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/index_plan.h"
#include "ops/ternary.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// The elements of `tensor` that are not zero.
int64_t count_set(const char* op, const Tensor& tensor) {
  TALLOW_CHECK_NOT_IMPLEMENTED(
      !tensor.device().is_meta(), op,
      "(): the size of the result depends on data, which a tensor on device "
      "'meta' does not have");
  int64_t count = 0;
  run<&Backend::index, &IndexKernels::count_nonzero>(op, tensor.device(), tensor.dtype(),
                                                     static_cast<const void*>(tensor.ptr()),
                                                     tensor.numel(), &count);
  return count;
}

// Row-major memory without history.
Tensor plain_contiguous(const Tensor& tensor) {
  const NoGradGuard no_grad;
  return contiguous(tensor);
}

// Coordinate d of the i-th set element at out[i * place_stride + d * dim_stride].
void write_positions(const Tensor& set, int64_t count, const Tensor& out, int64_t place_stride,
                     int64_t dim_stride) {
  if (count == 0) return;
  run<&Backend::index, &IndexKernels::nonzero>(
      "nonzero", set.device(), set.dtype(), static_cast<const void*>(set.ptr()), set.sizes().data(),
      set.dim(), count, out.data<int64_t>(), place_stride, dim_stride);
}

void check_mask(const char* op, const Tensor& self, const Tensor& mask) {
  TALLOW_CHECK(mask.dtype() == DType::kBool, op,
               " only supports boolean masks, but got mask with "
               "dtype ",
               dtype_name(mask.dtype()));
  check_same_device(op, self, mask);
}

// Offsets of the set elements of a row-major mask, into a row-major tensor of its shape.
Tensor set_offsets(const Tensor& mask, int64_t count) {
  Tensor offsets = empty({count}, DType::kInt64, mask.device());
  const Tensor flat = alias(mask, {mask.numel()}, {1}, mask.impl()->offset);
  write_positions(flat, count, offsets, 1, 0);
  return offsets;
}

Tensor flat_view(const Tensor& contiguous_tensor) {
  return alias(contiguous_tensor, {contiguous_tensor.numel()}, {1},
               contiguous_tensor.impl()->offset);
}

}  // namespace

Tensor masked_fill(const Tensor& self, const Tensor& mask, const Operand& value, Out out) {
  check_mask("masked_fill_", self, mask);
  const bool is_tensor = value.is_tensor();
  TALLOW_CHECK(!is_tensor || value.tensor().dim() == 0,
               "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
               is_tensor ? value.tensor().dim() : 0, " dimension(s).");
  TALLOW_CHECK(is_complex(self.dtype()) || !is_complex(value.dtype()),
               "value cannot be converted to type ", dtype_name(self.dtype()), " without overflow");
  const Dims shape = broadcast_shapes(self.sizes(), mask.sizes());
  TALLOW_CHECK(!out.is_inplace() || shape == self.sizes(), "output with shape ", self.sizes(),
               " doesn't match the broadcast shape ", shape);
  // Where the mask is larger than self, the result is filled from self's expansion.
  const Dims self_strides = broadcast_strides(self.sizes(), self.strides(), shape);
  alignas(16) char element[16];
  if (is_tensor) {
    const NoGradGuard no_grad;
    const Tensor converted = to_dtype(to_device(value.tensor(), kCPU), self.dtype());
    std::memcpy(element, converted.ptr(), static_cast<std::size_t>(item_size(self.dtype())));
  } else {
    value.scalar().store(self.dtype(), element);
  }
  if (out.is_inplace()) {
    check_history(self, is_tensor && value.tensor().requires_grad());
    check_overlap(self, mask);
  }
  const Tensor result = out.is_inplace() ? self : empty(shape, self.dtype(), self.device());
  const Tensor bits = unaliased(mask, result);
  const Dims mask_strides = broadcast_strides(bits.sizes(), bits.strides(), shape);
  Strided<3> operands;
  operands.data[0] = result.ptr();
  operands.data[1] = self.ptr();
  operands.data[2] = bits.ptr();
  set_space<3>(operands, shape.data(),
               {result.strides().data(), self_strides.data(), mask_strides.data()}, shape.size());
  run<&Backend::index, &IndexKernels::masked_fill>("masked_fill", self.device(), self.dtype(),
                                                   operands, static_cast<const void*>(element));
  const Tensor none;
  const Tensor& source = is_tensor ? value.tensor() : none;
  return record(is_tensor ? "MaskedFillBackward1" : "MaskedFillBackward0", {&self, &source},
                finish_write(out, result), [&](Saver& save) {
                  return [filled = save(mask, "mask")](Grads& g) {
                    const Tensor where_filled = g[filled];
                    if (g.needs(0)) g.out[0] = masked_fill(g.grad(), where_filled, Scalar(0));
                    if (g.needs(1)) {
                      g.out[1] = sum_to_size(where(where_filled, g.grad(), Scalar(0)), {});
                    }
                  };
                });
}

Tensor masked_select(const Tensor& self, const Tensor& mask) {
  TALLOW_CHECK(mask.dtype() == DType::kBool, "masked_select: expected BoolTensor for mask");
  check_same_device("masked_select", self, mask);
  const Dims shape = broadcast_shapes(mask.sizes(), self.sizes());
  Tensor source;
  Tensor bits;
  {
    const NoGradGuard no_grad;
    source = contiguous(expand(self, shape));
    bits = contiguous(expand(mask, shape));
  }
  const int64_t count = count_set("masked_select", bits);
  Tensor out = empty({count}, self.dtype(), self.device());
  run<&Backend::index, &IndexKernels::take_blocks>(
      "masked_select", self.device(),
      plan_blocks(flat_view(source), 0, 1, out, 1, set_offsets(bits, count)));
  return record("MaskedSelectBackward0", {&self}, std::move(out), [&](Saver& save) {
    return [selected = save(mask, "mask"), shape](Grads& g) {
      const Tensor& grad = g.grad();
      const Tensor base = zeros(shape, grad.dtype(), grad.device());
      g.out[0] = masked_scatter(base, g[selected], grad, Out::inplace(base));
    };
  });
}

Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source, Out out) {
  TALLOW_CHECK(mask.dtype() == DType::kBool,
               "masked_scatter_ only supports boolean masks, but got "
               "mask with dtype ",
               dtype_name(mask.dtype()));
  TALLOW_CHECK(self.dtype() == source.dtype(),
               "masked_scatter: expected self and source to have same dtypes but got ",
               scalar_type_name(self.dtype()), " and ", scalar_type_name(source.dtype()));
  check_same_device("masked_scatter", self, mask);
  check_same_device("masked_scatter", self, source);
  const Dims shape = broadcast_shapes(self.sizes(), mask.sizes());
  TALLOW_CHECK(!out.is_inplace() || shape == self.sizes(), "output with shape ", self.sizes(),
               " doesn't match the broadcast shape ", shape);
  Tensor bits;
  Tensor values;
  {
    const NoGradGuard no_grad;
    bits = contiguous(expand(mask, shape));
    values = contiguous(unaliased(source, self));
  }
  const int64_t count = count_set("masked_scatter", bits);
  TALLOW_CHECK(values.numel() >= count,
               "Number of elements of source < number of ones in mask: source has ", values.numel(),
               ", the mask ", count);
  if (out.is_inplace()) check_inplace(self, source.requires_grad());
  // Written in a row-major copy; an in-place result of another layout is copied back.
  Tensor result = self;
  if (!out.is_inplace() || !self.is_contiguous()) {
    const NoGradGuard no_grad;
    result = clone_strided(expand(self, shape), contiguous_strides(shape));
  }
  run<&Backend::index, &IndexKernels::put_blocks>(
      "masked_scatter", self.device(),
      plan_blocks(flat_view(result), 0, 1, alias(values, {count}, {1}, values.impl()->offset), 1,
                  set_offsets(bits, count)),
      false);
  if (out.is_inplace() && !result.same(self)) {
    const NoGradGuard no_grad;
    copy_(self, result);
    result = self;
  } else {
    result = finish_write(out, result);
  }
  return record("MaskedScatterBackward0", {&self, &source}, result, [&](Saver& save) {
    return [written = save(mask, "mask"), count, size = source.sizes()](Grads& g) {
      const Tensor replaced = g[written];
      if (g.needs(0)) g.out[0] = masked_fill(g.grad(), replaced, Scalar(0));
      if (!g.needs(1)) return;
      const Tensor taken = masked_select(g.grad(), replaced);
      const Dims flat{checked_numel(size)};
      g.out[1] = reshape(embed(taken, flat, {count}, {1}, 0), size);
    };
  });
}

Tensor nonzero(const Tensor& self) {
  const Tensor set = plain_contiguous(self);
  const int64_t count = count_set("nonzero", set);
  // Column by column in memory, as in PyTorch.
  const Tensor columns = empty({self.dim(), count}, DType::kInt64, self.device());
  write_positions(set, count, columns, 1, count);
  return alias(columns, {count, self.dim()}, {1, count}, 0);
}

std::vector<Tensor> nonzero_tuple(const Tensor& self) {
  const Tensor set = at_least_1d(plain_contiguous(self));
  const int64_t count = count_set("nonzero", set);
  const Tensor out = empty({set.dim(), count}, DType::kInt64, self.device());
  write_positions(set, count, out, 1, count);
  std::vector<Tensor> result;
  for (int64_t d = 0; d < set.dim(); ++d) {
    result.push_back(alias(out, {count}, {1}, d * count));
  }
  return result;
}

Tensor argwhere(const Tensor& self) { return nonzero(self); }

namespace {

Tensor triangle(Triangle kept, const char* op, const char* node, const Tensor& self,
                int64_t diagonal, const Out& out) {
  TALLOW_CHECK(self.dim() >= 2, op, ": input tensor must have at least 2 dimensions");
  if (out.is_inplace()) check_inplace(self);
  Tensor source;
  Tensor result;
  {
    const NoGradGuard no_grad;
    source = contiguous(self);
    result = out.is_inplace() && self.is_contiguous()
                 ? self
                 : empty(self.sizes(), self.dtype(), self.device());
  }
  const int64_t columns = self.sizes().back();
  const int64_t rows = self.sizes()[self.dim() - 2];
  if (self.numel() > 0) {
    run<&Backend::index, &IndexKernels::triangle>(
        op, self.device(), kept, self.dtype(), result.ptr(), static_cast<const void*>(source.ptr()),
        self.numel() / (rows * columns), rows, columns, diagonal);
  }
  if (out.is_inplace() && !result.same(self)) {
    const NoGradGuard no_grad;
    copy_(self, result);
    result = self;
  } else {
    result = finish_write(out, result);
  }
  return record(node, {&self}, result, [&](Saver&) {
    return [kept, diagonal](Grads& g) {
      g.out[0] = kept == Triangle::kLower ? tril(g.grad(), diagonal) : triu(g.grad(), diagonal);
    };
  });
}

}  // namespace

Tensor tril(const Tensor& self, int64_t diagonal, Out out) {
  return triangle(Triangle::kLower, "tril", "TrilBackward0", self, diagonal, out);
}

Tensor triu(const Tensor& self, int64_t diagonal, Out out) {
  return triangle(Triangle::kUpper, "triu", "TriuBackward0", self, diagonal, out);
}

}  // namespace tallow::ops
