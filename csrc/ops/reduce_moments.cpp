// Variances and vector norms.
#include <cmath>

#include "autograd/grad_mode.h"
#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/kernel.h"
#include "ops/reduce.h"
#include "ops/reduce_shape.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

struct Moments {
  Tensor spread;  // the variance or its square root
  Tensor mean;    // undefined unless asked for
};

Moments moments(const char* name, bool root, bool with_mean, const Tensor& self, const Dims& dims,
                double correction, bool keepdim) {
  if (is_complex(self.dtype())) {  // the variances of both parts add up
    const NoGradGuard no_grad;
    const Moments re = moments(name, false, with_mean, real(self), dims, correction, keepdim);
    const Moments im = moments(name, false, with_mean, imag(self), dims, correction, keepdim);
    const Tensor spread = add(re.spread, im.spread);
    return {root ? sqrt(spread) : spread, with_mean ? complex_of(re.mean, im.mean) : Tensor()};
  }
  const Dims shape = reduced_shape(self.sizes(), dims, keepdim);
  Moments m{empty(shape, self.dtype(), self.device()), Tensor()};
  if (with_mean) m.mean = empty(shape, self.dtype(), self.device());
  run<&Backend::reduce, &ReduceKernels::variance>(
      name, self.device(), self.dtype(), describe_reduction(self, dims, m.spread),
      with_mean ? m.mean.ptr() : static_cast<void*>(nullptr), correction, root);
  return m;
}

Dims checked_dims(const char* op, const Tensor& self, const std::optional<Dims>& dims) {
  TALLOW_CHECK(is_differentiable(self.dtype()), op,
               " only support floating point and complex dtypes");
  return dims ? wrap_dims(*dims, self.dim()) : Dims{};
}

double correction_of(const std::optional<Scalar>& correction) {
  return correction ? correction->to_double() : 1.0;
}

// 2 / (n - correction) * grad * (x - mean)
Tensor var_backward(const Tensor& grad, const Tensor& self, const Dims& dims, double correction,
                    bool keepdim) {
  const double degrees = static_cast<double>(reduced_numel(self.sizes(), dims)) - correction;
  const Tensor deviation = sub(self, mean_dims(self, dims, true));
  const Tensor scale =
      mul(restore_dims(grad, dims, keepdim, self.dim()), degrees > 0 ? 2.0 / degrees : HUGE_VAL);
  return mul(scale, deviation);
}

// The gradient of the variance that amounts to `grad` for its square root; 0 where that is 0.
Tensor grad_of_square(const Tensor& grad, const Tensor& root) {
  return masked_fill(div(grad, mul(root, 2.0)), eq(root, 0), Scalar(0));
}

Tensor mean_backward(const Tensor& grad, const Dims& shape, const Dims& dims, bool keepdim) {
  return div(expand(restore_dims(grad, dims, keepdim, shape.size()), shape),
             static_cast<double>(reduced_numel(shape, dims)));
}

std::tuple<Tensor, Tensor> spread_and_mean(const char* name, const char* node, bool root,
                                           const Tensor& self, const std::optional<Dims>& dims,
                                           const std::optional<Scalar>& correction, bool keepdim) {
  const Dims wrapped = checked_dims(name, self, dims);
  const double c = correction_of(correction);
  const Moments m = moments(name, root, true, self, wrapped, c, keepdim);
  record(node, {&self}, {&m.spread, &m.mean}, [&](Saver& save) {
    return [in = save(self), spread = save.output(m.spread, "result0", 0), root, wrapped, c,
            keepdim](Grads& g) {
      const Tensor self = g[in];
      const Tensor grad = g.grad_or_zeros(0);
      const Tensor grad_var = root ? grad_of_square(grad, g[spread]) : grad;
      g.out[0] = add(var_backward(grad_var, self, wrapped, c, keepdim),
                     mean_backward(g.grad_or_zeros(1), self.sizes(), wrapped, keepdim));
    };
  });
  return {m.spread, m.mean};
}

}  // namespace

Tensor var(const Tensor& self, const std::optional<Dims>& dims,
           const std::optional<Scalar>& correction, bool keepdim) {
  const Dims wrapped = checked_dims("std and var", self, dims);
  const double c = correction_of(correction);
  const Tensor out = moments("var", false, false, self, wrapped, c, keepdim).spread;
  return record("VarBackward0", {&self}, out, [&](Saver& save) {
    return [in = save(self), wrapped, c, keepdim](Grads& g) {
      g.out[0] = var_backward(g.grad(), g[in], wrapped, c, keepdim);
    };
  });
}

Tensor std(const Tensor& self, const std::optional<Dims>& dims,
           const std::optional<Scalar>& correction, bool keepdim) {
  const Dims wrapped = checked_dims("std and var", self, dims);
  const double c = correction_of(correction);
  const Tensor out = moments("std", true, false, self, wrapped, c, keepdim).spread;
  return record("StdBackward0", {&self}, out, [&](Saver& save) {
    return [in = save(self), result = save.output(out), wrapped, c, keepdim](Grads& g) {
      g.out[0] = var_backward(grad_of_square(g.grad(), g[result]), g[in], wrapped, c, keepdim);
    };
  });
}

std::tuple<Tensor, Tensor> var_mean(const Tensor& self, const std::optional<Dims>& dims,
                                    const std::optional<Scalar>& correction, bool keepdim) {
  return spread_and_mean("var_mean", "VarMeanBackward0", false, self, dims, correction, keepdim);
}

std::tuple<Tensor, Tensor> std_mean(const Tensor& self, const std::optional<Dims>& dims,
                                    const std::optional<Scalar>& correction, bool keepdim) {
  return spread_and_mean("std_mean", "StdMeanBackward0", true, self, dims, correction, keepdim);
}

namespace {

ReduceOp norm_op(double p) {
  if (p == 0) return ReduceOp::kNormZero;
  if (p == 1) return ReduceOp::kNormOne;
  if (p == 2) return ReduceOp::kNormTwo;
  if (std::isinf(p)) return p > 0 ? ReduceOp::kNormInf : ReduceOp::kNormNegInf;
  return ReduceOp::kNormPower;
}

// Some norms of nothing have no value.
void check_norm_of_nothing(const Tensor& self, const Scalar& p, const Dims& dims) {
  const double order = p.to_double();
  if (order >= 0 && !std::isinf(order)) return;
  TALLOW_CHECK(!dims.empty() || self.numel() > 0, "linalg.vector_norm cannot compute the ", p,
               " norm on an empty tensor because the operation does not have an identity");
  for (const int64_t d : dims) {
    TALLOW_CHECK(self.dim() == 0 || self.sizes()[d] != 0, "linalg.vector_norm cannot compute the ",
                 p, " norm on the dimension ", d,
                 "because this dimension is empty and the operation does not have an identity");
  }
}

// Where the norm is 0 the gradient is taken to be 0.
Tensor norm_backward(const Tensor& grad, const Tensor& self, const Tensor& norm, double p,
                     const Dims& dims) {
  const Tensor is_zero = eq(norm, 0);
  if (p == 0) return zeros_like(self);
  if (p == 1) return mul(sgn(self), grad);
  if (p == 2) return mul(self, masked_fill(div(grad, norm), is_zero, Scalar(0)));
  if (std::isinf(p)) {
    const Tensor hits = eq(abs(self), norm);
    return mul(sgn(self), div(mul(grad, hits), sum_dims(hits, dims, true)));
  }
  const Tensor slope = mul(sgn(self), pow(abs(self), p - 1));
  const Tensor at_zero = masked_fill(slope, eq(self, 0), Scalar(0));
  return mul(p < 1 ? at_zero : slope, masked_fill(div(grad, pow(norm, p - 1)), is_zero, Scalar(0)));
}

}  // namespace

Tensor vector_norm(const Tensor& self, const Scalar& p, const std::optional<Dims>& dims,
                   bool keepdim, std::optional<DType> dtype) {
  TALLOW_CHECK(is_differentiable(self.dtype()),
               "linalg.vector_norm: Expected a floating point or complex tensor as input. Got ",
               scalar_type_name(self.dtype()));
  const double order = p.to_double();
  const Dims wrapped = dims ? wrap_dims(*dims, self.dim()) : Dims{};
  check_norm_of_nothing(self, p, wrapped);
  Tensor x = dtype ? to_dtype(self, *dtype) : self;
  if (is_complex(x.dtype())) x = abs(x);
  const Tensor out = empty(reduced_shape(x.sizes(), wrapped, keepdim), x.dtype(), x.device());
  run<&Backend::reduce, &ReduceKernels::reduce>("norm", x.device(), norm_op(order), x.dtype(),
                                                describe_reduction(x, wrapped, out), order);
  return record("LinalgVectorNormBackward0", {&x}, out, [&](Saver& save) {
    return [in = save(x), result = save.output(out), order, wrapped, keepdim](Grads& g) {
      const Tensor self = g[in];
      g.out[0] =
          norm_backward(restore_dims(g.grad(), wrapped, keepdim, self.dim()), self,
                        restore_dims(g[result], wrapped, keepdim, self.dim()), order, wrapped);
    };
  });
}

}  // namespace tallow::ops
