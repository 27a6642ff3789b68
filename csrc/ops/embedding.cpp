#include "ops/embedding.h"

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/gather_scatter.h"
#include "ops/index.h"
#include "ops/index_plan.h"
#include "ops/reduce.h"
#include "ops/ternary.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

void check_indices(const char* op, const Tensor& indices) {
  TALLOW_CHECK(
      indices.dtype() == DType::kInt64 || indices.dtype() == DType::kInt32,
      "Expected tensor for argument #1 'indices' to have one of the following scalar types:"
      " Long, Int; but got ",
      tensor_type_name(indices.dtype()), " instead (while checking arguments for ", op, ")");
}

// The gradient of the table: rows of `grad` added up by index. Differentiable in `grad`.
Tensor table_gradient(const Tensor& grad, const Tensor& indices, const Dims& table,
                      int64_t padding_idx, bool scale_by_freq) {
  const Tensor flat = reshape(indices, {-1});
  Tensor rows = reshape(grad, {flat.numel(), table[1]});
  if (padding_idx >= 0) {
    rows = masked_fill(rows, unsqueeze(eq(flat, Scalar(padding_idx)), 1), Scalar(0));
  }
  if (scale_by_freq) {
    const NoGradGuard no_grad;
    const Tensor one = ones({flat.numel()}, grad.dtype(), grad.device());
    const Tensor none = zeros({table[0]}, grad.dtype(), grad.device());
    const Tensor counts = index_select(index_add(none, 0, flat, one), 0, flat);
    const GradModeGuard with_grad(true);
    rows = div(rows, unsqueeze(counts, 1));
  }
  return index_add_(zeros(table, grad.dtype(), grad.device()), 0, flat, rows);
}

}  // namespace

Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx,
                 bool scale_grad_by_freq, bool sparse) {
  TALLOW_CHECK(weight.dim() == 2, "'weight' must be 2-D");
  check_indices("embedding", indices);
  TALLOW_CHECK_NOT_IMPLEMENTED(!sparse,
                               "embedding(): sparse gradients are not supported; pass "
                               "sparse=False");
  check_same_device("embedding", weight, indices);
  const Tensor offsets = offsets_along("embedding", weight, 0, indices, {PositionError::kSelf});
  Dims shape = indices.sizes();
  shape.push_back(weight.sizes()[1]);
  Tensor out = empty(shape, weight.dtype(), weight.device());
  const Tensor dense = alias(out, {indices.numel(), weight.sizes()[1]}, {weight.sizes()[1], 1}, 0);
  run<&Backend::index, &IndexKernels::take_blocks>("embedding", weight.device(),
                                                   plan_blocks(weight, 0, 1, dense, 1, offsets));
  return record("EmbeddingBackward0", {&weight}, std::move(out), [&](Saver& save) {
    return [looked_up = save(indices, "indices"), table = weight.sizes(), padding_idx,
            scale_grad_by_freq](Grads& g) {
      g.out[0] = table_gradient(g.grad(), g[looked_up], table, padding_idx, scale_grad_by_freq);
    };
  });
}

Tensor embedding_renorm_(const Tensor& self, const Tensor& indices, double max_norm,
                         double norm_type) {
  TALLOW_CHECK(self.dim() == 2, "'self' must be 2-D");
  check_indices("embedding_renorm_", indices);
  if (indices.numel() == 0) return self;
  const Tensor flat = reshape(indices, {-1});
  const NoGradGuard no_grad;
  const Tensor rows = index_select(self, 0, flat);
  const Tensor norms = vector_norm(rows, Scalar(norm_type), Dims{1}, true);
  const Tensor scale = div(Scalar(max_norm), add(norms, Scalar(1e-7)));
  const Tensor scaled = where(gt(norms, Scalar(max_norm)), mul(rows, scale), rows);
  // A row that is named twice is written twice with the same values.
  return index_copy(self, 0, as_int64(flat), scaled, Out::inplace(self));
}

Tensor one_hot(const Tensor& self, int64_t num_classes) {
  TALLOW_CHECK(self.dtype() == DType::kInt64,
               "one_hot is only applicable to index tensor of type LongTensor.");
  TALLOW_CHECK(self.numel() > 0 || num_classes > 0,
               "Can not infer total number of classes from empty tensor.");
  TALLOW_CHECK(num_classes != 0 && num_classes >= -1, "num_classes should be positive");
  int64_t classes = num_classes;
  if (self.numel() > 0 && !self.device().is_meta()) {
    TALLOW_CHECK(first_element<int64_t>("one_hot", min(self)) >= 0,
                 "Class values must be non-negative.");
    const int64_t largest = first_element<int64_t>("one_hot", max(self));
    TALLOW_CHECK(classes == -1 || largest < classes,
                 "Class values must be smaller than num_classes.");
    if (classes == -1) classes = largest + 1;
  }
  Dims shape = self.sizes();
  shape.push_back(classes);
  const Tensor none = zeros(shape, DType::kInt64, self.device());
  return scatter(none, -1, unsqueeze(self, -1), Scalar(1), std::nullopt, Out::inplace(none));
}

}  // namespace tallow::ops
