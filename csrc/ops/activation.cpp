// Piecewise linear activations; the smooth ones are in activation_smooth.cpp.
#include "ops/activation.h"

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/ternary.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// Records a backward op that is linear in grad and piecewise constant in self: applying it to the
// incoming gradient is its own derivative.
template <class Again>
Tensor piecewise(const char* node, const Tensor& grad, const Tensor& self, Tensor result,
                 const Again& again) {
  return record(node, {&grad, &self}, std::move(result), [&](Saver& save) {
    return [x = save(self, "self"), again](Grads& g) {
      if (g.needs(0)) g.out[0] = again(g.grad(), g[x]);
      if (g.needs(1)) g.out[1] = zeros_like(g.grad());
    };
  });
}

Tensor gradient(BinaryOp op, const char* name, const Tensor& grad, const Tensor& self,
                const double (&params)[3]) {
  const DType dtype = result_type(grad, self);
  return binary(op, name, grad, self, dtype, dtype, {}, params);
}

}  // namespace

// ---- relu and its clipped forms.

Tensor relu(const Tensor& input, Out out) {
  TALLOW_CHECK(input.dtype() != DType::kBool, "Boolean inputs not supported for relu");
  TALLOW_CHECK_NOT_IMPLEMENTED(!is_complex(input.dtype()),
                               "clamp is not supported for complex types");
  Tensor result =
      binary(BinaryOp::kMaximum, "relu", input, Scalar(0), input.dtype(), input.dtype(), out);
  return record("ReluBackward0", {&input}, result, [&](Saver& save) {
    return
        [y = save.output(result)](Grads& g) { g.out[0] = threshold_backward(g.grad(), g[y], 0); };
  });
}

Tensor threshold(const Tensor& input, const Scalar& threshold, const Scalar& value, Out out) {
  const Tensor kept = saved_self(input, out);
  Tensor result = ternary(TernaryOp::kThreshold, "threshold", input, threshold, value,
                          input.dtype(), input.dtype(), out);
  return record(out.is_inplace() ? "ThresholdBackward1" : "ThresholdBackward0", {&input},
                std::move(result), [&](Saver& save) {
                  return [x = save(kept, "self"), limit = threshold.to_double()](Grads& g) {
                    g.out[0] = threshold_backward(g.grad(), g[x], limit);
                  };
                });
}

Tensor threshold_backward(const Tensor& grad, const Tensor& self, double threshold) {
  const double params[3] = {threshold, 0, 0};
  return piecewise("ThresholdBackwardBackward0", grad, self,
                   gradient(BinaryOp::kThresholdBackward, "threshold_backward", grad, self, params),
                   [threshold](const Tensor& g, const Tensor& x) {
                     return threshold_backward(g, x, threshold);
                   });
}

Tensor hardtanh(const Tensor& input, const Scalar& min_val, const Scalar& max_val, Out out) {
  TALLOW_CHECK(input.dtype() != DType::kBool, "Bool inputs not supported for hardtanh");
  TALLOW_CHECK_VALUE(min_val.to_double() <= max_val.to_double(),
                     "min_val cannot be greater than max_val");
  // As in PyTorch, the bounds lose their fractions first.
  TALLOW_CHECK(input.dtype() != DType::kUInt8 || min_val.to_double() > -1,
               "cannot do hardtanh on an unsigned type with negative limits");
  const Tensor kept = saved_self(input, out);
  Tensor result = ternary(TernaryOp::kClamp, "hardtanh", input, min_val, max_val, input.dtype(),
                          input.dtype(), out);
  return record("HardtanhBackward0", {&input}, std::move(result), [&](Saver& save) {
    return [x = save(kept, "self"), low = min_val.to_double(), high = max_val.to_double()](
               Grads& g) { g.out[0] = hardtanh_backward(g.grad(), g[x], low, high); };
  });
}

Tensor hardtanh_backward(const Tensor& grad, const Tensor& self, double min_val, double max_val) {
  const double params[3] = {min_val, max_val, 0};
  return piecewise("HardtanhBackwardBackward0", grad, self,
                   gradient(BinaryOp::kHardtanhBackward, "hardtanh_backward", grad, self, params),
                   [min_val, max_val](const Tensor& g, const Tensor& x) {
                     return hardtanh_backward(g, x, min_val, max_val);
                   });
}

Tensor relu6(const Tensor& input, Out out) { return hardtanh(input, 0, 6, out); }

// ---- Leaky forms.

Tensor leaky_relu(const Tensor& input, double negative_slope, Out out) {
  const double params[3] = {negative_slope, 0, 0};
  // The result has the sign of the input unless the slope is negative, so an in-place call can do
  // without a copy of its input.
  const bool from_result = out.is_inplace() && negative_slope >= 0;
  const Tensor kept = from_result ? input : saved_self(input, out);
  Tensor result =
      unary(UnaryOp::kLeakyRelu, "leaky_relu", input, input.dtype(), input.dtype(), out, params);
  const char* const name = from_result ? "LeakyReluBackward1" : "LeakyReluBackward0";
  return record(name, {&input}, result, [&](Saver& save) {
    return [x = from_result ? save.output(result) : save(kept, "self"), negative_slope](Grads& g) {
      g.out[0] = leaky_relu_backward(g.grad(), g[x], negative_slope);
    };
  });
}

Tensor leaky_relu_backward(const Tensor& grad, const Tensor& self, double negative_slope) {
  const double params[3] = {negative_slope, 0, 0};
  return piecewise(
      "LeakyReluBackwardBackward0", grad, self,
      gradient(BinaryOp::kLeakyReluBackward, "leaky_relu_backward", grad, self, params),
      [negative_slope](const Tensor& g, const Tensor& x) {
        return leaky_relu_backward(g, x, negative_slope);
      });
}

Tensor prelu(const Tensor& input, const Tensor& weight) {
  TALLOW_CHECK(input.dtype() == weight.dtype(), "prelu: Type promoting not supported. Got ",
               scalar_type_name(input.dtype()), " and ", scalar_type_name(weight.dtype()));
  TALLOW_CHECK(weight.dim() <= 1, "prelu: Expected `weight` to be a scalar or 1D tensor, but got: ",
               "ndim = ", weight.dim());
  Tensor slope = weight;
  if (weight.numel() != 1) {
    TALLOW_CHECK(input.dim() > 0, "Not allow zero-dim input tensor.");
    const int64_t channels = input.dim() > 1 ? input.size(1) : 1;
    TALLOW_CHECK(channels == weight.numel(),
                 "Mismatch of parameter numbers and input channel size. Found parameter numbers = ",
                 weight.numel(), " and channel size = ", channels, ".");
    Dims shape = Dims::filled(input.dim(), 1);
    shape[1] = channels;
    slope = view(weight, shape);
  } else if (weight.dim() != input.dim()) {
    slope = view(weight, Dims::filled(input.dim(), 1));
  }
  Tensor result = binary(BinaryOp::kPrelu, "prelu", input, slope, input.dtype(), input.dtype(), {});
  return record("PreluKernelBackward0", {&input, &slope}, std::move(result), [&](Saver& save) {
    return [a = save(input, "self"), b = save(slope, "weight")](Grads& g) {
      const Tensor x = g[a];
      const Tensor positive = gt(x, 0);
      if (g.needs(0)) g.out[0] = where(positive, g.grad(), mul(g.grad(), g[b]));
      if (g.needs(1)) g.out[1] = where(positive, 0, mul(g.grad(), x));
    };
  });
}

// ---- Hard approximations of swish and sigmoid.

Tensor hardswish(const Tensor& input, Out out) {
  const Tensor kept = saved_self(input, out);
  Tensor result = unary(UnaryOp::kHardswish, "hardswish", input, input.dtype(), input.dtype(), out);
  return record("HardswishBackward0", {&input}, std::move(result), [&](Saver& save) {
    return [x = save(kept, "self")](Grads& g) { g.out[0] = hardswish_backward(g.grad(), g[x]); };
  });
}

Tensor hardswish_backward(const Tensor& grad, const Tensor& self) {
  Tensor result = gradient(BinaryOp::kHardswishBackward, "hardswish_backward", grad, self, {});
  return record("HardswishBackwardBackward0", {&grad, &self}, std::move(result), [&](Saver& save) {
    return [d = save(grad, "grad_output"), a = save(self, "self")](Grads& g) {
      const Tensor x = g[a];
      if (g.needs(0)) g.out[0] = hardswish_backward(g.grad(), x);
      if (g.needs(1)) {
        const Tensor inside = logical_and(gt(x, -3), lt(x, 3));
        g.out[1] = where(inside, div(mul(g.grad(), g[d]), 3), 0);
      }
    };
  });
}

Tensor hardsigmoid(const Tensor& input, Out out) {
  const Tensor kept = saved_self(input, out);
  Tensor result =
      unary(UnaryOp::kHardsigmoid, "hardsigmoid", input, input.dtype(), input.dtype(), out);
  return record("HardsigmoidBackward0", {&input}, std::move(result), [&](Saver& save) {
    return [x = save(kept, "self")](Grads& g) { g.out[0] = hardsigmoid_backward(g.grad(), g[x]); };
  });
}

Tensor hardsigmoid_backward(const Tensor& grad, const Tensor& self) {
  return piecewise("HardsigmoidBackwardBackward0", grad, self,
                   gradient(BinaryOp::kHardsigmoidBackward, "hardsigmoid_backward", grad, self, {}),
                   [](const Tensor& g, const Tensor& x) { return hardsigmoid_backward(g, x); });
}

// ---- Shrinkage.

namespace {

Tensor shrink(UnaryOp op, const char* name, const char* node, const Tensor& input, double lambd,
              const Out& out) {
  const double params[3] = {lambd, 0, 0};
  const Tensor kept = saved_self(input, out);
  Tensor result = unary(op, name, input, input.dtype(), input.dtype(), out, params);
  return record(node, {&input}, std::move(result), [&](Saver& save) {
    return [x = save(kept, "self"), lambd](Grads& g) {
      g.out[0] = shrink_backward(g.grad(), g[x], lambd);
    };
  });
}

}  // namespace

Tensor hardshrink(const Tensor& input, double lambd, Out out) {
  return shrink(UnaryOp::kHardshrink, "hardshrink", "HardshrinkBackward0", input, lambd, out);
}

Tensor softshrink(const Tensor& input, double lambd, Out out) {
  TALLOW_CHECK(lambd >= 0, "lambda must be in range [0, 3.40282e+38] for input dtype ",
               scalar_type_name(input.dtype()), ", but found ", lambd);
  return shrink(UnaryOp::kSoftshrink, "softshrink", "SoftshrinkBackward0", input, lambd, out);
}

Tensor shrink_backward(const Tensor& grad, const Tensor& self, double lambd) {
  const double params[3] = {lambd, 0, 0};
  return piecewise(
      "HardshrinkBackwardBackward0", grad, self,
      gradient(BinaryOp::kShrinkBackward, "hardshrink_backward", grad, self, params),
      [lambd](const Tensor& g, const Tensor& x) { return shrink_backward(g, x, lambd); });
}

}  // namespace tallow::ops
