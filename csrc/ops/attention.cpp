#include "ops/attention.h"

#include <cmath>
#include <limits>

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/kernel.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

struct Settings {
  bool causal;
  double scale;
};

struct AttentionTensors {
  Tensor query, key, value, mask, out, logsumexp;
};

void check(const Tensor& query, const Tensor& key, const Tensor& value, double dropout_p) {
  constexpr const char* kName = "scaled_dot_product_attention_flash_attention: ";
  TALLOW_CHECK(is_floating(query.dtype()), kName,
               "Expected data type in FP32, FP64, BF16, FP16, but got ",
               scalar_type_name(query.dtype()), " instead.");
  TALLOW_CHECK(query.dim() == 4 && key.dim() == 4 && value.dim() == 4, kName,
               "Accept only 4 dims inputs shape of {B, H, T, K}, but got ", query.dim(), ", ",
               key.dim(), " and ", value.dim(), " dims for query, key and value");
  TALLOW_CHECK(dropout_p == 0, kName,
               "Currently do not support dropout > 0, but got dropout_p=", dropout_p);
  TALLOW_CHECK(key.dtype() == query.dtype() && value.dtype() == query.dtype(),
               "expected scalar type ", scalar_type_name(query.dtype()), " but found ",
               scalar_type_name(key.dtype() == query.dtype() ? value.dtype() : key.dtype()));
  TALLOW_CHECK(key.size(3) == query.size(3), kName,
               "Q/K/V should have the same head size, but got ", query.size(3), " for query and ",
               key.size(3), " for key");
  TALLOW_CHECK(key.size(0) == query.size(0) && value.size(0) == query.size(0), kName,
               "query, key and value must have the same batch size, but got ", query.size(0), ", ",
               key.size(0), " and ", value.size(0));
  TALLOW_CHECK(key.size(1) == value.size(1) && key.size(2) == value.size(2), kName,
               "key and value must have the same heads and rows, but got shapes ", key.sizes(),
               " and ", value.sizes());
  TALLOW_CHECK(
      query.size(1) == key.size(1) || (key.size(1) > 0 && query.size(1) % key.size(1) == 0), kName,
      "the number of heads of key and value, ", key.size(1), ", must divide that of the query, ",
      query.size(1));
}

// The type the kernels compute in.
DType compute_type(DType dtype) {
  return dtype == DType::kFloat64 ? DType::kFloat64 : DType::kFloat32;
}

// The values in the type of the kernels, columns contiguous.
Tensor kernel_data(const Tensor& tensor) {
  const NoGradGuard guard;
  const Tensor data = to_dtype(tensor, compute_type(tensor.dtype()));
  return data.size(3) <= 1 || data.stride(3) == 1 ? data : contiguous(data);
}

AttentionOperand operand(const Tensor& tensor) {
  return {tensor.ptr(), tensor.stride(0), tensor.stride(1), tensor.stride(2)};
}

AttentionArgs arguments(const AttentionTensors& t, const Settings& settings) {
  AttentionArgs args{};
  args.dtype = t.query.dtype();
  args.batch = t.query.size(0);
  args.heads = t.query.size(1);
  args.key_heads = t.key.size(1);
  args.queries = t.query.size(2);
  args.keys = t.key.size(2);
  args.width = t.query.size(3);
  args.value_width = t.value.size(3);
  args.query = operand(t.query);
  args.key = operand(t.key);
  args.value = operand(t.value);
  args.out = operand(t.out);
  if (t.mask.defined()) {
    args.mask = t.mask.ptr();
    args.mask_is_bool = t.mask.dtype() == DType::kBool;
    for (int d = 0; d < 4; ++d) args.mask_stride[d] = t.mask.stride(d);
  }
  args.causal = settings.causal;
  args.scale = settings.scale;
  args.logsumexp = t.logsumexp.ptr();
  return args;
}

// The mask in the type of the kernels, broadcast to all scores.
Tensor kernel_mask(const Tensor& mask, const Tensor& query, const Tensor& key) {
  if (!mask.defined()) return mask;
  const NoGradGuard guard;
  const bool is_bool = mask.dtype() == DType::kBool;
  const Tensor data = is_bool ? mask : to_dtype(mask, compute_type(query.dtype()));
  return expand(data, {query.size(0), query.size(1), query.size(2), key.size(2)});
}

struct QkvGrads {
  Tensor query, key, value;
};

QkvGrads kernel_grads(const Tensor& grad, const AttentionTensors& saved, const Settings& settings) {
  const AttentionTensors t{
      kernel_data(saved.query), kernel_data(saved.key),
      kernel_data(saved.value), kernel_mask(saved.mask, saved.query, saved.key),
      kernel_data(saved.out),   saved.logsumexp};
  const QkvGrads grads{empty_like(t.query), empty(t.key.sizes(), t.key.dtype()),
                       empty(t.value.sizes(), t.value.dtype())};
  if (grad.numel() == 0 || t.key.numel() == 0) {
    return {zeros_like(t.query), zeros_like(t.key), zeros_like(t.value)};
  }
  const Tensor g = kernel_data(grad);
  const AttentionGrads out{operand(g), operand(grads.query), operand(grads.key),
                           operand(grads.value)};
  run<&Backend::attention, &AttentionKernels::backward>("scaled_dot_product_attention_backward",
                                                        grad.device(), arguments(t, settings), out);
  return grads;
}

// Each head of a key or value as often as query heads read it.
Tensor for_each_query_head(const Tensor& tensor, int64_t heads) {
  const Dims& s = tensor.sizes();
  if (s[1] == heads) return tensor;
  return reshape(expand(unsqueeze(tensor, 2), {s[0], s[1], heads / s[1], s[2], s[3]}),
                 {s[0], heads, s[2], s[3]});
}
Tensor sum_query_heads(const Tensor& grad, const Tensor& like) {
  const Dims& s = like.sizes();
  if (grad.size(1) == s[1]) return grad;
  return sum_dims(reshape(grad, {s[0], s[1], grad.size(1) / s[1], s[2], s[3]}), {2});
}

// The same gradients by differentiable functions.
QkvGrads recorded_grads(const Tensor& grad, const AttentionTensors& t, const Settings& settings) {
  const int64_t heads = t.query.size(1);
  const Tensor key = for_each_query_head(t.key, heads);
  const Tensor value = for_each_query_head(t.value, heads);
  const Scalar hidden(-std::numeric_limits<double>::infinity());
  Tensor scores = mul(matmul(t.query, transpose(key, 2, 3)), settings.scale);
  if (t.mask.defined()) {
    scores = t.mask.dtype() == DType::kBool ? masked_fill(scores, logical_not(t.mask), hidden)
                                            : add(scores, t.mask);
  }
  if (settings.causal) {
    const Tensor seen =
        tril(ones({t.query.size(2), key.size(2)}, DType::kBool, t.query.device()), 0);
    scores = masked_fill(scores, logical_not(seen), hidden);
  }
  const Tensor blind = isinf(unsqueeze(t.logsumexp, 3));  // sees no key
  const Tensor weights =
      masked_fill(softmax(masked_fill(scores, blind, 0), 3, std::nullopt), blind, 0);
  const Tensor slope = matmul(grad, transpose(value, 2, 3));
  const Tensor along = sum_dims(mul(slope, weights), {3}, true);
  const Tensor grad_scores = mul(mul(weights, sub(slope, along)), settings.scale);
  return {matmul(grad_scores, key),
          sum_query_heads(matmul(transpose(grad_scores, 2, 3), t.query), t.key),
          sum_query_heads(matmul(transpose(weights, 2, 3), grad), t.value)};
}

}  // namespace

std::tuple<Tensor, Tensor> attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                     double dropout_p, bool is_causal, const Tensor& mask,
                                     std::optional<double> scale) {
  check(query, key, value, dropout_p);
  const double width = static_cast<double>(query.size(3));
  const Settings settings{is_causal, scale.value_or(width > 0 ? 1 / std::sqrt(width) : 1)};
  AttentionTensors t{kernel_data(query), kernel_data(key),
                     kernel_data(value), kernel_mask(mask, query, key),
                     Tensor(),           Tensor()};
  Dims shape = query.sizes();
  shape[3] = value.size(3);
  t.out = query.size(3) == value.size(3) ? empty_like(t.query)
                                         : empty(shape, t.query.dtype(), query.device());
  t.logsumexp = empty({shape[0], shape[1], shape[2]}, t.query.dtype(), query.device());
  if (key.size(2) == 0) {
    zero_(t.out);
    fill_(t.logsumexp, Scalar(std::numeric_limits<double>::infinity()));
  } else if (t.out.numel() > 0) {
    run<&Backend::attention, &AttentionKernels::forward>("scaled_dot_product_attention",
                                                         query.device(), arguments(t, settings));
  }
  const Tensor out = to_dtype(t.out, query.dtype());
  record("ScaledDotProductFlashAttentionForCpuBackward0", {&query, &key, &value}, {&out},
         [&](Saver& save) {
           return [q = save(query, "query"), k = save(key, "key"), v = save(value, "value"),
                   m = save(mask, "attn_mask"), out = save.output(out, "output"),
                   lse = save(t.logsumexp, "logsumexp"), settings](Grads& g) {
             const AttentionTensors saved{g[q], g[k], g[v], g[m], g[out], g[lse]};
             const QkvGrads grads = grad_enabled() ? recorded_grads(g.grad(), saved, settings)
                                                   : kernel_grads(g.grad(), saved, settings);
             if (g.needs(0)) g.out[0] = grads.query;
             if (g.needs(1)) g.out[1] = grads.key;
             if (g.needs(2)) g.out[2] = grads.value;
           };
         });
  return {out, t.logsumexp};
}

}  // namespace tallow::ops
