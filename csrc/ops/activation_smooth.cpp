// Smooth activations. Each backward op is fused; its own derivative is composed of other ops.
#include "autograd/record.h"
#include "ops/activation.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/elementwise.h"
#include "ops/join_split.h"
#include "ops/ternary.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// A forward op that saves its input; `backward(grad, self)` is its gradient.
template <class Backward>
Tensor smooth(UnaryOp op, const char* name, const char* node, const Tensor& input, const Out& out,
              const double* params, const Backward& backward) {
  const Tensor kept = saved_self(input, out);
  Tensor result = unary(op, name, input, input.dtype(), input.dtype(), out, params);
  return record(node, {&input}, std::move(result), [&](Saver& save) {
    return [x = save(kept, "self"), backward](Grads& g) { g.out[0] = backward(g.grad(), g[x]); };
  });
}

// A backward op grad * slope(self): linear in grad, so it is its own derivative there; `curvature`
// is the derivative of the slope.
template <class Again, class Curvature>
Tensor smooth_backward(BinaryOp op, const char* name, const char* node, const Tensor& grad,
                       const Tensor& self, const double* params, const Again& again,
                       const Curvature& curvature) {
  const DType dtype = result_type(grad, self);
  Tensor result = binary(op, name, grad, self, dtype, dtype, {}, params);
  return record(node, {&grad, &self}, std::move(result), [&](Saver& save) {
    return [d = save(grad, "grad_output"), x = save(self, "self"), again, curvature](Grads& g) {
      if (g.needs(0)) g.out[0] = again(g.grad(), g[x]);
      if (g.needs(1)) g.out[1] = mul(mul(g.grad(), g[d]), curvature(g[x]));
    };
  });
}

// s * (1 - s)
Tensor logistic_slope(const Tensor& s) { return mul(s, rsub(s, 1)); }

}  // namespace

// ---- Exponential linear units.

namespace {

// elu and celu; `nodes` names the node that saves the input and the one that saves the result.
Tensor exponential_unit(const Tensor& input, double alpha, double scale, double input_scale,
                        const char* const (&nodes)[2], const Out& out) {
  const double params[3] = {alpha * scale, scale, input_scale};
  // With a non-negative alpha the result tells which branch was taken, so an in-place call can do
  // without a copy of its input.
  const bool from_result = out.is_inplace() && alpha >= 0;
  const Tensor kept = from_result ? input : saved_self(input, out);
  Tensor result = unary(UnaryOp::kElu, "elu", input, input.dtype(), input.dtype(), out, params);
  return record(nodes[from_result], {&input}, result, [&](Saver& save) {
    return [x = from_result ? save.output(result) : save(kept, "self"), alpha, scale, input_scale,
            from_result](Grads& g) {
      g.out[0] = elu_backward(g.grad(), g[x], alpha, scale, input_scale, from_result);
    };
  });
}

}  // namespace

Tensor elu(const Tensor& input, double alpha, double scale, double input_scale, Out out) {
  return exponential_unit(input, alpha, scale, input_scale, {"EluBackward0", "EluBackward1"}, out);
}

Tensor elu_backward(const Tensor& grad, const Tensor& self_or_result, double alpha, double scale,
                    double input_scale, bool is_result) {
  const double params[3] = {alpha * scale, scale, input_scale};
  const DType dtype = result_type(grad, self_or_result);
  const BinaryOp op = is_result ? BinaryOp::kEluBackwardResult : BinaryOp::kEluBackward;
  Tensor result = binary(op, "elu_backward", grad, self_or_result, dtype, dtype, {}, params);
  return record(
      "EluBackwardBackward0", {&grad, &self_or_result}, std::move(result), [&](Saver& save) {
        return [d = save(grad, "grad_output"), x = save(self_or_result, "self_or_result"), alpha,
                scale, input_scale, is_result](Grads& g) {
          const Tensor value = g[x];
          if (g.needs(0)) {
            g.out[0] = elu_backward(g.grad(), value, alpha, scale, input_scale, is_result);
          }
          if (!g.needs(1)) return;
          const Tensor negative = le(value, 0);
          const Tensor product = mul(g.grad(), g[d]);
          const Tensor curvature = is_result ? mul(product, input_scale)
                                             : mul(mul(product, exp(mul(value, input_scale))),
                                                   input_scale * input_scale * alpha * scale);
          g.out[1] = where(negative, curvature, 0);
        };
      });
}

Tensor selu(const Tensor& input, Out out) {
  // Source: Klambauer et al., Self-Normalizing Neural Networks, 2017.
  constexpr double kAlpha = 1.6732632423543772848170429916717;
  constexpr double kScale = 1.0507009873554804934193349852946;
  return elu(input, kAlpha, kScale, 1, out);
}

Tensor celu(const Tensor& input, double alpha, Out out) {
  TALLOW_CHECK(alpha != 0, "ZeroDivisionError: alpha cannot be 0 for CELU");
  return exponential_unit(input, alpha, 1, 1 / alpha, {"CeluBackward0", "CeluBackward1"}, out);
}

// ---- x times a sigmoid-like function.

namespace {

bool is_tanh(std::string_view approximate) {
  TALLOW_CHECK(approximate == "none" || approximate == "tanh",
               "approximate argument must be either none or tanh.");
  return approximate == "tanh";
}

Tensor gelu_gradient(const Tensor& grad, const Tensor& self, bool approximate);

// The derivative of gelu's slope Phi(x) + x phi(x): phi(x) (2 - x^2).
Tensor gelu_curvature(const Tensor& x) {
  constexpr double kInvSqrtTwoPi = 0.39894228040143267794;
  const Tensor squared = square(x);
  return mul(mul(exp(mul(squared, -0.5)), kInvSqrtTwoPi), rsub(squared, 2));
}

// With s = sigmoid(u(x)), the slope is s + x s' and its derivative 2 s' + x s'', where
// s' = s (1 - s) u' and s'' = s (1 - s) ((1 - 2 s) u'^2 + u'').
Tensor gelu_tanh_curvature(const Tensor& x) {
  constexpr double kScale = 2 * 0.79788456080286535588;  // 2 sqrt(2 / pi)
  constexpr double kCubic = 0.044715;
  const Tensor squared = square(x);
  const Tensor s = sigmoid(mul(mul(x, add(mul(squared, kCubic), 1)), kScale));
  const Tensor slope = mul(add(mul(squared, 3 * kCubic), 1), kScale);
  const Tensor second = add(mul(rsub(mul(s, 2), 1), square(slope)), mul(x, 6 * kCubic * kScale));
  return mul(logistic_slope(s), add(mul(slope, 2), mul(x, second)));
}

Tensor gelu_gradient(const Tensor& grad, const Tensor& self, bool approximate) {
  const auto again = [approximate](const Tensor& g, const Tensor& x) {
    return gelu_gradient(g, x, approximate);
  };
  const BinaryOp op = approximate ? BinaryOp::kGeluTanhBackward : BinaryOp::kGeluBackward;
  return smooth_backward(op, "gelu_backward", "GeluBackwardBackward0", grad, self, nullptr, again,
                         approximate ? gelu_tanh_curvature : gelu_curvature);
}

}  // namespace

Tensor gelu(const Tensor& input, std::string_view approximate, Out out) {
  const bool tanh = is_tanh(approximate);
  return smooth(
      tanh ? UnaryOp::kGeluTanh : UnaryOp::kGelu, "gelu", "GeluBackward0", input, out, nullptr,
      [tanh](const Tensor& grad, const Tensor& x) { return gelu_gradient(grad, x, tanh); });
}

Tensor gelu_backward(const Tensor& grad, const Tensor& self, std::string_view approximate) {
  return gelu_gradient(grad, self, is_tanh(approximate));
}

Tensor silu(const Tensor& input, Out out) {
  if (is_complex(input.dtype())) return div(input, add(exp(neg(input)), 1), {}, std::move(out));
  return smooth(UnaryOp::kSilu, "silu", "SiluBackward0", input, out, nullptr, silu_backward);
}

Tensor silu_backward(const Tensor& grad, const Tensor& self) {
  return smooth_backward(BinaryOp::kSiluBackward, "silu_backward", "SiluBackwardBackward0", grad,
                         self, nullptr, silu_backward, [](const Tensor& x) {
                           const Tensor s = sigmoid(x);
                           const Tensor bend = mul(x, rsub(mul(s, 2), 1));
                           return mul(logistic_slope(s), add(bend, 2));
                         });
}

Tensor mish(const Tensor& input, Out out) {
  return smooth(UnaryOp::kMish, "mish", "MishBackward0", input, out, nullptr, mish_backward);
}

Tensor mish_backward(const Tensor& grad, const Tensor& self) {
  return smooth_backward(BinaryOp::kMishBackward, "mish_backward", "MishBackwardBackward0", grad,
                         self, nullptr, mish_backward, [](const Tensor& x) {
                           // t = tanh(softplus(x)), t' = s (1 - t^2); the slope is t + x t'.
                           const Tensor s = sigmoid(x);
                           const Tensor t = tanh(softplus(x));
                           const Tensor slope = mul(s, rsub(square(t), 1));
                           const Tensor bend = sub(rsub(s, 1), mul(mul(s, t), 2));
                           return mul(slope, add(mul(x, bend), 2));
                         });
}

// ---- Logarithms of the logistic function.

Tensor softplus(const Tensor& input, double beta, double threshold, Out out) {
  const double params[3] = {beta, threshold, 0};
  return smooth(UnaryOp::kSoftplus, "softplus", "SoftplusBackward0", input, out, params,
                [beta, threshold](const Tensor& grad, const Tensor& x) {
                  return softplus_backward(grad, x, beta, threshold);
                });
}

Tensor softplus_backward(const Tensor& grad, const Tensor& self, double beta, double threshold) {
  const double params[3] = {beta, threshold, 0};
  return smooth_backward(
      BinaryOp::kSoftplusBackward, "softplus_backward", "SoftplusBackwardBackward0", grad, self,
      params,
      [beta, threshold](const Tensor& g, const Tensor& x) {
        return softplus_backward(g, x, beta, threshold);
      },
      [beta, threshold](const Tensor& x) {
        const Tensor scaled = mul(x, beta);
        return where(gt(scaled, threshold), 0, mul(logistic_slope(sigmoid(scaled)), beta));
      });
}

Tensor log_sigmoid(const Tensor& input, Out out) {
  return smooth(UnaryOp::kLogSigmoid, "log_sigmoid", "LogSigmoidBackward0", input, out, nullptr,
                log_sigmoid_backward);
}

Tensor log_sigmoid_backward(const Tensor& grad, const Tensor& self) {
  return smooth_backward(BinaryOp::kLogSigmoidBackward, "log_sigmoid_backward",
                         "LogSigmoidBackwardBackward0", grad, self, nullptr, log_sigmoid_backward,
                         [](const Tensor& x) { return neg(logistic_slope(sigmoid(x))); });
}

// ---- Compositions.

Tensor tanhshrink(const Tensor& input) { return sub(input, tanh(input)); }

Tensor softsign(const Tensor& input) { return div(input, add(abs(input), 1)); }

namespace {

Tensor glu_grad(const Tensor& grad, const Tensor& input, int64_t axis, int64_t half) {
  const Tensor value = narrow(input, axis, 0, half);
  const Tensor gate = sigmoid(narrow(input, axis, half, half));
  if (grad_enabled()) {
    return cat({mul(grad, gate), sigmoid_backward(mul(grad, value), gate)}, axis);
  }
  // What is not recorded is computed where it belongs.
  const Tensor result = empty_like(input);
  mul(grad, gate, Out::into(narrow(result, axis, 0, half)));
  const Tensor gate_grad = mul(grad, value, Out::into(narrow(result, axis, half, half)));
  binary(BinaryOp::kSigmoidBackward, "sigmoid_backward", gate_grad, gate, input.dtype(),
         input.dtype(), Out::inplace(gate_grad));
  return result;
}

}  // namespace

Tensor glu(const Tensor& input, int64_t dim) {
  TALLOW_CHECK(input.dim() > 0, "glu does not support scalars because halving size must be even");
  TALLOW_CHECK_NOT_IMPLEMENTED(is_floating(input.dtype()), "\"glu_cpu\" not implemented for '",
                               scalar_type_name(input.dtype()), "'");
  const int64_t axis = wrap_dim(dim, input.dim());
  const int64_t half = input.size(axis) / 2;
  TALLOW_CHECK(input.size(axis) % 2 == 0, "Halving dimension must be even, but dimension ", axis,
               " is size ", input.size(axis));
  Tensor result;
  {
    const NoGradGuard no_grad;
    result = mul(narrow(input, axis, 0, half), sigmoid(narrow(input, axis, half, half)));
  }
  return record("GluBackward0", {&input}, std::move(result), [&](Saver& save) {
    return [x = save(input, "self"), axis, half](Grads& g) {
      g.out[0] = glu_grad(g.grad(), g[x], axis, half);
    };
  });
}

}  // namespace tallow::ops
