// scatter, scatter_add and scatter_reduce: the writing half of ops/gather_scatter.h.
#include "ops/gather_scatter.h"

#include <cmath>

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

bool fits(const Dims& small, const Dims& large, int64_t except) {
  for (int64_t d = 0; d < small.size(); ++d) {
    if (d != except && small[d] > large[d]) return false;
  }
  return true;
}

void check_scatter(const char* op, const Tensor& self, int64_t dim, const Tensor& index,
                   const Tensor* src) {
  check_index_dtype(op, index);
  check_same_device(op, self, index);
  const int64_t self_dim = std::max<int64_t>(self.dim(), 1);
  if (index.numel() == 0) return;
  TALLOW_CHECK(std::max<int64_t>(index.dim(), 1) == self_dim,
               "Index tensor must have the same number of dimensions as self tensor");
  if (src) {
    check_same_device(op, self, *src);
    TALLOW_CHECK(self.dtype() == src->dtype(), op,
                 "(): Expected self.dtype to be equal to src.dtype");
    TALLOW_CHECK(std::max<int64_t>(src->dim(), 1) == self_dim,
                 "Index tensor must have the same number of dimensions as src tensor");
  }
  const Dims sizes = at_least_1d(index).sizes();
  const bool fits_self = fits(sizes, at_least_1d(self).sizes(), dim);
  const bool fits_src = !src || fits(sizes, at_least_1d(*src).sizes(), -1);
  TALLOW_CHECK(fits_self && fits_src, "Expected index ", index.sizes(),
               " to be no larger than self ", self.sizes(), " apart from dimension ", dim,
               src ? " and to be no larger size than src " : "", src ? src->sizes() : Dims());
}

// target[positions] op= src along dim, after all checks; src is a tensor or a number.
void write_lines(const char* op, const Tensor& target, int64_t dim, const Tensor& positions,
                 const Operand& src, ScatterOp combine) {
  if (positions.numel() == 0 || target.device().is_meta()) return;
  const Tensor number =
      src.is_tensor() ? Tensor() : scalar_tensor(src.scalar(), target.dtype(), target.device());
  const Tensor values = src.is_tensor()
                            ? at_least_1d(src.tensor())
                            : alias(number, positions.sizes(), Dims::filled(positions.dim(), 0), 0);
  run<&Backend::index, &IndexKernels::put_lines>(
      op, target.device(), plan_lines(at_least_1d(target), values, positions, dim), combine);
}

// self[index] op= src: the common part of scatter and scatter_add.
Tensor scatter_checked(const char* op, const Tensor& self, int64_t dim, const Tensor& index,
                       const Operand& src, ScatterOp combine, const Out& out) {
  if (combine == ScatterOp::kAdd && accumulates_in_float(self.dtype())) {
    return write_in_float(self, src.tensor(), out, WriteOrder::kRowMajor, [&](const Tensor& wide) {
      scatter_checked(op, wide, dim, index, to_dtype(src.tensor(), DType::kFloat32), combine,
                      Out::inplace(wide));
    });
  }
  const Tensor positions = at_least_1d(as_int64(index));
  check_positions(op, self, dim, positions);
  Tensor result =
      begin_write(self, src.is_tensor() ? src.tensor() : Tensor(), out, WriteOrder::kRowMajor);
  if (src.is_tensor()) {
    write_lines(op, result, dim, unaliased(positions, result), unaliased(src.tensor(), result),
                combine);
  } else {
    write_lines(op, result, dim, unaliased(positions, result), src, combine);
  }
  return finish_write(out, result);
}

// The part of `src` that an index of the given shape uses: its first elements in every dimension.
Tensor used_part(const Tensor& src, const Tensor& index) {
  Tensor part = src;
  for (int64_t d = 0; d < index.dim() && d < part.dim(); ++d) {
    if (part.sizes()[d] > index.sizes()[d]) part = narrow(part, d, 0, index.sizes()[d]);
  }
  return part;
}

}  // namespace

Tensor scatter(const Tensor& self, int64_t dim, const Tensor& index, const Operand& src,
               std::optional<std::string_view> reduce, Out out) {
  dim = wrap_dim(dim, self.dim());
  const bool is_tensor = src.is_tensor();
  check_scatter("scatter", self, dim, index, is_tensor ? &src.tensor() : nullptr);
  if (reduce) {
    TALLOW_CHECK(*reduce == "add" || *reduce == "multiply",
                 "reduce argument must be either add or multiply.");
    const Tensor values =
        is_tensor ? src.tensor() : full(index.sizes(), src.scalar(), self.dtype(), self.device());
    return scatter_reduce(self, dim, index, values, *reduce == "add" ? "sum" : "prod", true, out);
  }
  const Tensor part = is_tensor ? used_part(src.tensor(), index) : Tensor();
  Tensor result = scatter_checked("scatter", self, dim, index, is_tensor ? Operand(part) : src,
                                  ScatterOp::kSet, out);
  return record(is_tensor ? "ScatterBackward0" : "ScatterBackward1", {&self, &part},
                std::move(result), [&](Saver& save) {
                  return [positions = save(index, "index"), dim](Grads& g) {
                    const Tensor at = g[positions];
                    if (g.needs(0)) g.out[0] = scatter(g.grad(), dim, at, Scalar(0));
                    if (g.needs(1)) g.out[1] = gather(g.grad(), dim, at);
                  };
                });
}

Tensor scatter_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src,
                   Out out) {
  dim = wrap_dim(dim, self.dim());
  check_scatter("scatter_add", self, dim, index, &src);
  const Tensor part = used_part(src, index);
  Tensor result = scatter_checked("scatter_add", self, dim, index, part, ScatterOp::kAdd, out);
  return record("ScatterAddBackward0", {&self, &part}, std::move(result), [&](Saver& save) {
    return [positions = save(index, "index"), dim](Grads& g) {
      if (g.needs(0)) g.out[0] = g.grad();
      if (g.needs(1)) g.out[1] = gather(g.grad(), dim, g[positions]);
    };
  });
}

namespace {

// The derivative of a product over positions. Elements that are zero get the product of the others:
// it is taken with that element replaced by 1, which is right while it is the only zero of its
// target; with several zeros the derivative is zero everywhere.
void prod_backward(Grads& g, const Tensor& self, int64_t dim, const Tensor& index,
                   const Tensor& src, const Tensor& result, bool include_self) {
  const Tensor& grad = g.grad();
  if (g.needs(0)) {
    const Tensor ones_for_zeros = masked_fill(self, eq(self, Scalar(0)), Scalar(1));
    const Tensor others =
        div(scatter_reduce(ones_for_zeros, dim, index, src, "prod", true), ones_for_zeros);
    g.out[0] = mul(grad, others);
    if (!include_self) g.out[0] = scatter(g.out[0], dim, index, Scalar(0));
  }
  if (!g.needs(1)) return;
  const Tensor is_zero = eq(src, Scalar(0));
  const Tensor none = zeros(self.sizes(), self.dtype(), self.device());
  const Tensor zeros_here =
      gather(scatter_add(none, dim, index, to_dtype(is_zero, self.dtype())), dim, index);
  const Tensor only_zero = logical_and(is_zero, eq(zeros_here, Scalar(1)));
  const Tensor without = scatter_reduce(self, dim, index, masked_fill(src, only_zero, Scalar(1)),
                                        "prod", include_self);
  const Tensor from_others = gather(mul(grad, without), dim, index);
  const Tensor divided =
      div(gather(mul(grad, result), dim, index), masked_fill(src, is_zero, Scalar(1)));
  g.out[1] = where(only_zero, from_others, divided);
}

// Ties share the gradient equally.
void extreme_backward(Grads& g, const Tensor& self, int64_t dim, const Tensor& index,
                      const Tensor& src, const Tensor& result, bool include_self) {
  const DType dtype = self.dtype();
  Tensor self_wins = to_dtype(eq(self, result), dtype);
  if (!include_self) self_wins = scatter(self_wins, dim, index, Scalar(0));
  const Tensor src_wins = to_dtype(eq(src, gather(result, dim, index)), dtype);
  const Tensor winners = scatter_add(self_wins, dim, index, src_wins);
  const Tensor share = div(g.grad(), winners);
  if (g.needs(0)) g.out[0] = mul(self_wins, share);
  if (g.needs(1)) g.out[1] = mul(src_wins, gather(share, dim, index));
}

// How many values met in each element, at least 1.
Tensor counts_of(const Tensor& self, int64_t dim, const Tensor& index, bool include_self) {
  const NoGradGuard no_grad;
  const Tensor start =
      full(self.sizes(), Scalar(include_self ? 1 : 0), self.dtype(), self.device());
  const Tensor each = ones(index.sizes(), self.dtype(), self.device());
  const Tensor counts = scatter_add(start, dim, index, each);
  return masked_fill(counts, eq(counts, Scalar(0)), Scalar(1));
}

ScatterOp scatter_op_of(std::string_view reduce) {
  if (reduce == "sum" || reduce == "mean") return ScatterOp::kAdd;
  if (reduce == "prod") return ScatterOp::kMul;
  if (reduce == "amax") return ScatterOp::kMax;
  TALLOW_CHECK(reduce == "amin",
               "reduce argument must be either sum, prod, mean, amax or amin, got ", reduce);
  return ScatterOp::kMin;
}

// What combines with a value to that value.
Scalar neutral_element(ScatterOp op, DType dtype) {
  if (op == ScatterOp::kAdd) return 0;
  if (op == ScatterOp::kMul) return 1;
  const bool smallest = op == ScatterOp::kMax;
  if (is_floating(dtype)) return smallest ? -HUGE_VAL : HUGE_VAL;
  if (dtype == DType::kBool) return !smallest;
  if (dtype == DType::kUInt8) return smallest ? 0 : 255;
  const int bits = 8 * static_cast<int>(item_size(dtype));
  const int64_t largest = static_cast<int64_t>(~uint64_t{0} >> (65 - bits));
  return smallest ? -largest - 1 : largest;
}

}  // namespace

Tensor scatter_reduce(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src,
                      std::string_view reduce, bool include_self, Out out) {
  dim = wrap_dim(dim, self.dim());
  const ScatterOp op = scatter_op_of(reduce);
  const bool mean = reduce == "mean";
  check_scatter("scatter_reduce", self, dim, index, &src);
  const Tensor positions = unaliased(at_least_1d(as_int64(index)), self);
  check_positions("scatter_reduce", self, dim, positions);
  const Tensor part = used_part(src, index);
  const Tensor values = unaliased(part, self);
  const Tensor counts = mean ? counts_of(self, dim, index, include_self) : Tensor();
  const Tensor before = op == ScatterOp::kAdd ? self : out.original(self);
  Tensor result = begin_write(self, src, out, WriteOrder::kRowMajor);
  if (!include_self) {
    const Scalar neutral = neutral_element(op, self.dtype());
    write_lines("scatter_reduce", result, dim, positions, neutral, ScatterOp::kSet);
  }
  write_lines("scatter_reduce", result, dim, positions, values, op);
  if (mean) {
    const NoGradGuard no_grad;
    const bool integers = !is_differentiable(self.dtype());
    div(result, counts, integers ? std::optional<std::string_view>("floor") : std::nullopt,
        Out::inplace(result));
  }
  result = finish_write(out, result);
  if (op == ScatterOp::kAdd) {
    return record("ScatterReduceBackward0", {&self, &part}, result, [&](Saver& save) {
      return [index = save(index, "index"), dim, mean, include_self](Grads& g) {
        const Tensor at = g[index];
        Tensor grad = g.grad();
        if (mean) grad = div(grad, counts_of(grad, dim, at, include_self));
        if (g.needs(0)) g.out[0] = include_self ? grad : scatter(grad, dim, at, Scalar(0));
        if (g.needs(1)) g.out[1] = gather(grad, dim, at);
      };
    });
  }
  return record("ScatterReduceBackward0", {&self, &part}, result, [&](Saver& save) {
    const auto backward = op == ScatterOp::kMul ? prod_backward : extreme_backward;
    return [x = save(before), index = save(index, "index"), src = save(part, "src"),
            y = save.output(result, "result"), dim, backward, include_self](Grads& g) {
      backward(g, g[x], dim, g[index], g[src], g[y], include_self);
    };
  });
}

}  // namespace tallow::ops
