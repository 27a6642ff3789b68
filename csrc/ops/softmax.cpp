#include "ops/softmax.h"

#include "autograd/grad_mode.h"
#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/kernel.h"
#include "ops/reduce.h"
#include "ops/reduce_shape.h"
#include "ops/ternary.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

Tensor normalise(bool log, const Tensor& input, int64_t dim) {
  const AroundDim at = around_dim(input, dim);
  const Tensor x = contiguous_data(input);
  const Tensor out = empty(input.sizes(), input.dtype(), input.device());
  if (out.numel() == 0) return out;
  run<&Backend::softmax, &SoftmaxKernels::forward>(log ? "log_softmax" : "softmax", input.device(),
                                                   log, input.dtype(), out.ptr(), x.ptr(), at.outer,
                                                   at.n, at.inner);
  return out;
}

Tensor normalise_backward(bool log, const Tensor& grad, const Tensor& output, int64_t dim) {
  const AroundDim at = around_dim(output, dim);
  const Tensor g = contiguous_data(grad);
  const Tensor y = contiguous_data(output);
  const Tensor out = empty(output.sizes(), output.dtype(), output.device());
  run<&Backend::softmax, &SoftmaxKernels::backward>(
      log ? "log_softmax_backward" : "softmax_backward", output.device(), log, output.dtype(),
      out.ptr(), g.ptr(), y.ptr(), at.outer, at.n, at.inner);
  return out;
}

// `dims` moved to the end and merged into one, so that rows are what is summed.
Tensor rows_of(const Tensor& input, const Dims& dims) {
  Dims order, kept;
  uint64_t mask = 0;
  for (const int64_t d : dims) mask |= uint64_t{1} << d;
  for (int64_t d = 0; d < input.dim(); ++d) {
    if (mask >> d & 1) continue;
    order.push_back(d);
    kept.push_back(input.sizes()[d]);
  }
  for (int64_t d = 0; d < input.dim(); ++d) {
    if (mask >> d & 1) order.push_back(d);
  }
  kept.push_back(reduced_numel(input.sizes(), dims));
  return reshape(permute(input, order), kept);
}

}  // namespace

Tensor softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype) {
  const Tensor x = dtype ? to_dtype(input, *dtype) : input;
  const int64_t d = wrap_dim(dim, x.dim());
  const Tensor out = normalise(false, x, d);
  return record("SoftmaxBackward0", {&x}, out, [&](Saver& save) {
    return [y = save.output(out), d](Grads& g) { g.out[0] = softmax_backward(g.grad(), g[y], d); };
  });
}

Tensor log_softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype) {
  const Tensor x = dtype ? to_dtype(input, *dtype) : input;
  const int64_t d = wrap_dim(dim, x.dim());
  const Tensor out = normalise(true, x, d);
  return record("LogSoftmaxBackward0", {&x}, out, [&](Saver& save) {
    return
        [y = save.output(out), d](Grads& g) { g.out[0] = log_softmax_backward(g.grad(), g[y], d); };
  });
}

Tensor softmax_backward(const Tensor& grad, const Tensor& output, int64_t dim) {
  const Tensor out = normalise_backward(false, grad, output, dim);
  return record("SoftmaxBackwardDataBackward0", {&grad, &output}, out, [&](Saver& save) {
    return [grad = save(grad, "grad_output"), y = save(output, "output"), dim](Grads& g) {
      const Tensor gg = g.grad();
      // The map from grad is its own transpose.
      if (g.needs(0)) g.out[0] = softmax_backward(gg, g[y], dim);
      if (g.needs(1)) {
        const Tensor dy = g[grad], output = g[y];
        const Tensor along = sum_dims(mul(dy, output), {dim}, true);
        const Tensor gg_along = sum_dims(mul(gg, output), {dim}, true);
        g.out[1] = sub(mul(gg, sub(dy, along)), mul(dy, gg_along));
      }
    };
  });
}

Tensor log_softmax_backward(const Tensor& grad, const Tensor& output, int64_t dim) {
  const Tensor out = normalise_backward(true, grad, output, dim);
  return record("LogSoftmaxBackwardDataBackward0", {&grad, &output}, out, [&](Saver& save) {
    return [grad = save(grad, "grad_output"), y = save(output, "output"), dim](Grads& g) {
      const Tensor gg = g.grad();
      const Tensor p = exp(g[y]);
      if (g.needs(0)) g.out[0] = sub(gg, sum_dims(mul(gg, p), {dim}, true));
      if (g.needs(1)) g.out[1] = neg(mul(mul(gg, p), sum_dims(g[grad], {dim}, true)));
    };
  });
}

namespace {

// The real parts decide how large the exponentials are. A composite of differentiable operators.
Tensor complex_logsumexp(const Tensor& x, const Dims& dims, bool keepdim) {
  if (x.numel() == 0) return log(sum_dims(exp(x), dims, keepdim));
  const Tensor largest = [&] {
    const NoGradGuard no_grad;
    const Tensor found = amax(real(x), dims, true);
    return where(isinf(found), Scalar(0.0), found);
  }();
  const Tensor total = log(sum_dims(exp(sub(x, largest)), dims, keepdim));
  return add(total, reshape(largest, total.sizes()));
}

}  // namespace

Tensor logsumexp(const Tensor& input, const Dims& dims, bool keepdim) {
  const Tensor x = to_dtype(input, floating_type(input.dtype()));
  if (is_complex(x.dtype())) return complex_logsumexp(x, dims, keepdim);
  Dims wrapped = wrap_dims(dims, x.dim());
  for (int64_t d = 0; dims.empty() && d < x.dim(); ++d) wrapped.push_back(d);
  const bool around = wrapped.size() == 1 && x.dim() > 0;
  const Tensor rows = contiguous_data(around ? x : rows_of(x, wrapped));
  const AroundDim at = around_dim(rows, around ? wrapped[0] : -1);
  const Tensor out = empty(reduced_shape(x.sizes(), wrapped, keepdim), x.dtype(), x.device());
  run<&Backend::softmax, &SoftmaxKernels::logsumexp>("logsumexp", x.device(), x.dtype(), out.ptr(),
                                                     rows.ptr(), at.outer, at.n, at.inner);
  return record("LogsumexpBackward0", {&x}, out, [&](Saver& save) {
    return [in = save(x), result = save.output(out), wrapped, keepdim](Grads& g) {
      const Tensor self = g[in];
      const Tensor total = restore_dims(g[result], wrapped, keepdim, self.dim());
      g.out[0] = mul(restore_dims(g.grad(), wrapped, keepdim, self.dim()), exp(sub(self, total)));
    };
  });
}

}  // namespace tallow::ops
