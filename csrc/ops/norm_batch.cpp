// Batch and instance normalisation.
#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/copy.h"
#include "ops/join_split.h"
#include "ops/kernel.h"
#include "ops/norm.h"
#include "ops/norm_grads.h"
#include "ops/reduce.h"
#include "ops/reduce_shape.h"
#include "ops/ternary.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// An input in one of the two memory orders that kernels know. channels_last images keep theirs.
struct ChannelData {
  Tensor data;
  ChannelShape shape;
};

ChannelData channel_data(const Tensor& input) {
  ChannelShape shape{input.sizes()[0], input.sizes()[1], 1};
  for (int64_t d = 2; d < input.dim(); ++d) shape.inner *= input.sizes()[d];
  const bool last = input.dim() == 4 && !input.is_contiguous() &&
                    input.strides() == channels_last_strides(input.sizes());
  if (last) return {input, {shape.batch * shape.inner, shape.channels, 1}};
  return {contiguous_data(input), shape};
}

// `grad` in the memory order of `like`, which is dense.
Tensor in_order_of(const Tensor& grad, const Tensor& like) {
  return grad.strides() == like.strides() ? grad : clone_strided(grad, like.strides());
}

void check_channels(const Tensor& input, const Tensor& weight, const Tensor& bias,
                    const Tensor& running_mean, const Tensor& running_var, bool training) {
  const int64_t channels = input.size(1);
  const auto check = [&](const char* name, const Tensor& param, bool required) {
    TALLOW_CHECK(param.defined() || !required, name, " must be defined in evaluation mode");
    TALLOW_CHECK(!param.defined() || param.numel() == channels, name, " should contain ", channels,
                 " elements not ", param.defined() ? param.numel() : 0);
    check_parameter_type(param, input);
  };
  check("running_mean", running_mean, !training);
  check("running_var", running_var, !training);
  check("weight", weight, false);
  check("bias", bias, false);
}

// running += momentum * (factor * now - running)
void move_running(const Tensor& running, const Tensor& now, double momentum, double factor) {
  if (!running.defined()) return;
  const NoGradGuard guard;
  const Tensor target = factor == 1 ? now : mul(now, factor);
  lerp(running, to_dtype(target, running.dtype()), Scalar(momentum), Out::inplace(running));
}

Dims all_but_channels(int64_t ndim) {
  Dims dims;
  for (int64_t d = 0; d < ndim; ++d) {
    if (d != 1) dims.push_back(d);
  }
  return dims;
}

NormGrads fused_grads(bool training, const Tensor& grad, const Tensor& input, const Tensor& weight,
                      const Tensor& mean, const Tensor& invstd, bool with_input, bool with_weight,
                      bool with_bias) {
  const ChannelData x = channel_data(input);
  const Tensor g = in_order_of(grad, x.data);
  const Tensor w = parameter_data(weight, input.dtype());
  NormGrads grads;
  if (with_input) grads.input = empty_like(x.data);
  if (with_weight) grads.weight = empty(mean.sizes(), mean.dtype(), input.device());
  if (with_bias) grads.bias = empty(mean.sizes(), mean.dtype(), input.device());
  run<&Backend::norm, &NormKernels::batch_norm_backward>(
      "batch_norm_backward", input.device(), training, input.dtype(), data_or_null(grads.input),
      data_or_null(grads.weight), data_or_null(grads.bias), g.ptr(), x.data.ptr(), data_or_null(w),
      mean.ptr(), invstd.ptr(), x.shape);
  return grads;
}

NormGrads formula_grads(bool training, const Tensor& grad, const Tensor& input,
                        const Tensor& weight, const Tensor& mean, const Tensor& invstd,
                        double eps) {
  const Dims others = all_but_channels(input.dim());
  Dims beside = Dims::filled(input.dim(), 1);
  beside[1] = input.sizes()[1];
  const Dims channels{input.sizes()[1]};
  const Tensor w = weight.defined() ? reshape(weight, beside) : weight;
  if (training) return normalised_grads(grad, input, w, others, others, channels, true, eps);
  const Tensor scale = reshape(invstd, beside);
  const Tensor normal = mul(sub(input, reshape(mean, beside)), scale);
  const Tensor weighted = w.defined() ? mul(grad, w) : grad;
  return {mul(weighted, scale), sum_dims(mul(grad, normal), others), sum_dims(grad, others)};
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> native_batch_norm(const Tensor& input, const Tensor& weight,
                                                     const Tensor& bias, const Tensor& running_mean,
                                                     const Tensor& running_var, bool training,
                                                     double momentum, double eps) {
  check_channels(input, weight, bias, running_mean, running_var, training);
  const ChannelData x = channel_data(input);
  const DType type = statistics_type(input.dtype());
  const Dims channels{x.shape.channels};
  const Tensor w_data = parameter_data(weight, input.dtype());
  const Tensor b_data = parameter_data(bias, input.dtype());
  const Tensor mean = training ? empty(channels, type, input.device())
                               : parameter_data(running_mean, input.dtype());
  const Tensor variance =
      training ? empty(channels, type, input.device()) : parameter_data(running_var, input.dtype());
  const Tensor invstd = empty(channels, type, input.device());
  const Tensor out = empty_like(x.data);
  run<&Backend::norm, &NormKernels::batch_norm>("batch_norm", input.device(), training,
                                                input.dtype(), out.ptr(), x.data.ptr(),
                                                data_or_null(w_data), data_or_null(b_data), x.shape,
                                                eps, mean.ptr(), variance.ptr(), invstd.ptr());
  const int64_t count = x.shape.batch * x.shape.inner;
  if (training && count > 0) {
    move_running(running_mean, mean, momentum, 1);
    move_running(running_var, variance, momentum,
                 static_cast<double>(count) / static_cast<double>(count - 1));
  }
  record("NativeBatchNormBackward0", {&input, &weight, &bias}, {&out}, [&](Saver& save) {
    return [x = save(input, "input"), w = save(weight, "weight"), mean = save(mean, "result1"),
            invstd = save(invstd, "result2"), training, eps](Grads& g) {
      const NormGrads grads =
          grad_enabled() ? formula_grads(training, g.grad(), g[x], g[w], g[mean], g[invstd], eps)
                         : fused_grads(training, g.grad(), g[x], g[w], g[mean], g[invstd],
                                       g.needs(0), g.needs(1), g.needs(2));
      g.out[0] = grads.input;
      if (g.needs(1)) g.out[1] = grads.weight;
      if (g.needs(2)) g.out[2] = grads.bias;
    };
  });
  if (training) return {out, mean, invstd};
  const Tensor none = empty({0}, type, input.device());
  return {out, none, none};
}

Tensor batch_norm(const Tensor& input, const Tensor& weight, const Tensor& bias,
                  const Tensor& running_mean, const Tensor& running_var, bool training,
                  double momentum, double eps) {
  if (input.numel() == 0 && (training || input.dim() == 1)) {
    // There are no statistics of nothing; the parameters still take part in the graph.
    Tensor out = clone(input);
    if (weight.defined() && weight.numel() > 0) out = mul(out, select(weight, 0, 0));
    if (bias.defined() && bias.numel() > 0) out = add(out, select(bias, 0, 0));
    return out;
  }
  return std::get<0>(
      native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps));
}

// Every channel of every sample becomes a channel of one big sample.
Tensor instance_norm(const Tensor& input, const Tensor& weight, const Tensor& bias,
                     const Tensor& running_mean, const Tensor& running_var, bool use_input_stats,
                     double momentum, double eps) {
  TALLOW_CHECK(use_input_stats || (running_mean.defined() && running_var.defined()),
               "Expected running_mean and running_var to be defined when use_input_stats is false");
  const int64_t batch = input.size(0), channels = input.size(1);
  const auto each = [&](const Tensor& param) {
    return param.defined() ? repeat(param, {batch}) : param;
  };
  Dims shape = input.sizes();
  shape[0] = 1;
  shape[1] = batch * channels;
  const Tensor mean = each(running_mean), var = each(running_var);
  const Tensor out = batch_norm(reshape(contiguous(input), shape), each(weight), each(bias), mean,
                                var, use_input_stats, momentum, eps);
  const auto take_back = [&](const Tensor& running, const Tensor& repeated) {
    if (!running.defined() || !use_input_stats) return;
    const NoGradGuard guard;
    copy_(running, mean_dims(reshape(repeated, {batch, channels}), {0}));
  };
  take_back(running_mean, mean);
  take_back(running_var, var);
  return reshape(out, input.sizes());
}

}  // namespace tallow::ops
