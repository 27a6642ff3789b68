// Normalisation. The flag about cudnn that PyTorch's functions take has no meaning here.
#include "ops/norm.h"
#include "python/bindings.h"

namespace tallow::python {

namespace {

Tensor batch_norm(const Tensor& input, const Tensor& weight, const Tensor& bias,
                  const Tensor& running_mean, const Tensor& running_var, bool training,
                  double momentum, double eps, bool) {
  return ops::batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps);
}
Tensor instance_norm(const Tensor& input, const Tensor& weight, const Tensor& bias,
                     const Tensor& running_mean, const Tensor& running_var, bool use_input_stats,
                     double momentum, double eps, bool) {
  return ops::instance_norm(input, weight, bias, running_mean, running_var, use_input_stats,
                            momentum, eps);
}
Tensor layer_norm(const Tensor& input, const Dims& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps, bool) {
  return ops::layer_norm(input, normalized_shape, weight, bias, eps);
}
Tensor group_norm(const Tensor& input, int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  double eps, bool) {
  return ops::group_norm(input, num_groups, weight, bias, eps);
}
std::tuple<Tensor, Tensor, Tensor> native_group_norm(const Tensor& input, const Tensor& weight,
                                                     const Tensor& bias, int64_t batch,
                                                     int64_t channels, int64_t inner, int64_t group,
                                                     double eps) {
  TALLOW_CHECK(batch * channels * inner == input.numel(),
               "native_group_norm(): expected N * C * HxW to be the ", input.numel(),
               " elements of input, but got ", batch, " * ", channels, " * ", inner);
  return ops::native_group_norm(input, group, weight, bias, eps);
}

}  // namespace

void bind_norm(Registry& r) {
  r.op<&batch_norm>(
      "batch_norm(input, weight=None, bias=None, running_mean=None, running_var=None, "
      "training=False, momentum=0.1, eps=1e-05, cudnn_enabled=True)",
      kFunction, "Normalise each channel over the batch.");
  r.op<&ops::native_batch_norm>(
      "native_batch_norm(input, weight=None, bias=None, running_mean=None, running_var=None, "
      "training=False, momentum=0.1, eps=1e-05)",
      kFunction, "batch_norm with the statistics it used.");
  r.op<&instance_norm>(
      "instance_norm(input, weight=None, bias=None, running_mean=None, running_var=None, "
      "use_input_stats=True, momentum=0.1, eps=1e-05, cudnn_enabled=True)",
      kFunction, "Normalise each channel of each sample.");
  r.op<&layer_norm>(
      "layer_norm(input, normalized_shape[], weight=None, bias=None, eps=1e-05, cudnn_enable=True)",
      kFunction, "Normalise over the last dimensions.");
  r.op<&ops::native_layer_norm>(
      "native_layer_norm(input, normalized_shape[], weight=None, bias=None, eps=1e-05)", kFunction,
      "layer_norm with the mean and 1 / deviation of each row.");
  r.op<&ops::rms_norm>("rms_norm(input, normalized_shape[], weight=None, eps=None)", kFunction,
                       "Divide by the root mean square over the last dimensions.");
  r.op<&group_norm>(
      "group_norm(input, num_groups, weight=None, bias=None, eps=1e-05, cudnn_enabled=True)",
      kFunction, "Normalise groups of channels of each sample.");
  r.op<&native_group_norm>(
      "native_group_norm(input, weight=None, bias=None, N=1, C=1, HxW=1, group=1, eps=1e-05)",
      kFunction, "group_norm with the statistics it used.");
}

}  // namespace tallow::python
