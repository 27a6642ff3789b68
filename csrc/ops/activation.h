// Activation functions, and their derivatives as ops with derivatives of their own.
#pragma once

#include <string_view>

#include "autograd/inplace.h"
#include "core/operand.h"

namespace tallow::ops {

// max(x, 0); integers too.
Tensor relu(const Tensor& input, Out out = {});
// min(max(x, 0), 6)
Tensor relu6(const Tensor& input, Out out = {});
// min(max(x, min_val), max_val)
Tensor hardtanh(const Tensor& input, const Scalar& min_val = -1, const Scalar& max_val = 1,
                Out out = {});
// x > threshold ? x : value
Tensor threshold(const Tensor& input, const Scalar& threshold, const Scalar& value, Out out = {});
// x > 0 ? x : negative_slope * x
Tensor leaky_relu(const Tensor& input, double negative_slope = 0.01, Out out = {});
// leaky_relu with a learned slope: one number, or one per channel (dimension 1).
Tensor prelu(const Tensor& input, const Tensor& weight);
// scale * (x > 0 ? x : alpha * expm1(input_scale * x))
Tensor elu(const Tensor& input, double alpha = 1, double scale = 1, double input_scale = 1,
           Out out = {});
Tensor selu(const Tensor& input, Out out = {});
Tensor celu(const Tensor& input, double alpha = 1, Out out = {});
// x * Phi(x) ("none"), or its approximation by tanh ("tanh")
Tensor gelu(const Tensor& input, std::string_view approximate = "none", Out out = {});
// x * sigmoid(x)
Tensor silu(const Tensor& input, Out out = {});
// x * tanh(softplus(x))
Tensor mish(const Tensor& input, Out out = {});
// log(1 + exp(beta * x)) / beta; x itself where beta * x > threshold
Tensor softplus(const Tensor& input, double beta = 1, double threshold = 20, Out out = {});
// log(sigmoid(x))
Tensor log_sigmoid(const Tensor& input, Out out = {});
// x * relu6(x + 3) / 6
Tensor hardswish(const Tensor& input, Out out = {});
// relu6(x + 3) / 6
Tensor hardsigmoid(const Tensor& input, Out out = {});
// 0 inside [-lambd, lambd]
Tensor hardshrink(const Tensor& input, double lambd = 0.5, Out out = {});
Tensor softshrink(const Tensor& input, double lambd = 0.5, Out out = {});
// x - tanh(x)
Tensor tanhshrink(const Tensor& input);
// x / (1 + |x|)
Tensor softsign(const Tensor& input);
// The first half along `dim` times the sigmoid of the second.
Tensor glu(const Tensor& input, int64_t dim = -1);

// Gradients: `self` is the forward input, `output` the forward result.
Tensor threshold_backward(const Tensor& grad, const Tensor& self, double threshold);
Tensor hardtanh_backward(const Tensor& grad, const Tensor& self, double min_val, double max_val);
Tensor leaky_relu_backward(const Tensor& grad, const Tensor& self, double negative_slope);
Tensor elu_backward(const Tensor& grad, const Tensor& self_or_result, double alpha, double scale,
                    double input_scale, bool is_result);
Tensor gelu_backward(const Tensor& grad, const Tensor& self, std::string_view approximate);
Tensor silu_backward(const Tensor& grad, const Tensor& self);
Tensor mish_backward(const Tensor& grad, const Tensor& self);
Tensor softplus_backward(const Tensor& grad, const Tensor& self, double beta, double threshold);
Tensor log_sigmoid_backward(const Tensor& grad, const Tensor& self);
Tensor hardswish_backward(const Tensor& grad, const Tensor& self);
Tensor hardsigmoid_backward(const Tensor& grad, const Tensor& self);
Tensor shrink_backward(const Tensor& grad, const Tensor& self, double lambd);

}  // namespace tallow::ops
