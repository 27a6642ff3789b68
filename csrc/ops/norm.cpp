// Layer, root-mean-square and group normalisation. Batch normalisation is in norm_batch.cpp.
#include "ops/norm.h"

#include <limits>

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/kernel.h"
#include "ops/memory_order.h"
#include "ops/norm_grads.h"
#include "ops/reduce.h"
#include "ops/reduce_shape.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

DType statistics_type(DType dtype) {
  return dtype == DType::kFloat64 ? DType::kFloat64 : DType::kFloat32;
}

Tensor parameter_data(const Tensor& parameter, DType dtype) {
  if (!parameter.defined()) return parameter;
  const NoGradGuard guard;
  return contiguous(to_dtype(parameter, statistics_type(dtype)));
}

void* data_or_null(const Tensor& tensor) { return tensor.defined() ? tensor.ptr() : nullptr; }

void check_parameter_type(const Tensor& parameter, const Tensor& input) {
  if (!parameter.defined() || parameter.dtype() == input.dtype()) return;
  TALLOW_CHECK(parameter.dtype() == DType::kFloat32 || input.dtype() != DType::kFloat32,
               "mixed dtype (CPU): expect parameter to have scalar type of Float");
  TALLOW_CHECK(parameter.dtype() == statistics_type(input.dtype()),
               "mixed dtype (CPU): all inputs must share same datatype.");
}

NormGrads normalised_grads(const Tensor& grad, const Tensor& input, const Tensor& weight,
                           const Dims& dims, const Dims& param_dims, const Dims& param_shape,
                           bool centered, double eps) {
  const Tensor deviation = centered ? sub(input, mean_dims(input, dims, true)) : input;
  const Tensor variance = mean_dims(square(deviation), dims, true);
  const Tensor rstd = rsqrt(add(variance, eps));
  const Tensor normal = mul(deviation, rstd);
  const Tensor weighted = weight.defined() ? mul(grad, weight) : grad;
  const Tensor along = mul(normal, mean_dims(mul(weighted, normal), dims, true));
  const Tensor level = centered ? sub(weighted, mean_dims(weighted, dims, true)) : weighted;
  const auto to_param = [&](const Tensor& full) {
    return reshape(param_dims.empty() ? full : sum_dims(full, param_dims), param_shape);
  };
  return {mul(sub(level, along), rstd), to_param(mul(grad, normal)), to_param(grad)};
}

namespace {

// The rows that are normalised: the last dimensions of the input.
struct Rows {
  Dims dims;   // the normalised ones
  Dims outer;  // the others
  int64_t rows;
  int64_t n;
};

Rows check_rows(const Tensor& input, const Dims& shape, const Tensor& weight, const Tensor& bias,
                const char* separator) {
  TALLOW_CHECK(!shape.empty(),
               "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least "
               "one element, but got normalized_shape = ",
               shape);
  const auto check_param = [&](const char* name, const Tensor& param) {
    TALLOW_CHECK(!param.defined() || param.sizes() == shape, "Expected ", name,
                 " to be of same shape as normalized_shape, but got ", name, " of shape ",
                 param.sizes(), " and normalized_shape = ", shape);
    check_parameter_type(param, input);
  };
  check_param("weight", weight);
  check_param("bias", bias);
  const int64_t lead = input.dim() - shape.size();
  bool fits = lead >= 0;
  for (int64_t d = 0; fits && d < shape.size(); ++d) fits = input.sizes()[lead + d] == shape[d];
  if (!fits) {
    std::ostringstream expected;
    for (const int64_t size : shape) expected << separator << size;
    raise<RuntimeError>("Given normalized_shape=", shape, ", expected input with shape [*",
                        expected.str(), "], but got input of size", input.sizes());
  }
  Rows r{{}, {}, 1, 1};
  for (int64_t d = 0; d < input.dim(); ++d) {
    (d < lead ? r.outer : r.dims).push_back(d);
    (d < lead ? r.rows : r.n) *= input.sizes()[d];
  }
  return r;
}

struct RowNorm {
  Tensor out;
  Tensor mean;  // one per row, size 1 in the normalised dimensions; undefined if not centered
  Tensor rstd;
};

RowNorm normalise_rows(const char* name, bool centered, const Tensor& input, const Rows& rows,
                       const Tensor& weight, const Tensor& bias, double eps) {
  const DType stats = statistics_type(input.dtype());
  const Dims shape = reduced_shape(input.sizes(), rows.dims, true);
  const Tensor x = contiguous_data(input);
  const Tensor w = parameter_data(weight, input.dtype());
  const Tensor b = parameter_data(bias, input.dtype());
  RowNorm r{empty(input.sizes(), input.dtype(), input.device()), Tensor(),
            empty(shape, stats, input.device())};
  if (centered) r.mean = empty(shape, stats, input.device());
  run<&Backend::norm, &NormKernels::layer_norm>(
      name, input.device(), centered, input.dtype(), r.out.ptr(), x.ptr(), data_or_null(w),
      data_or_null(b), rows.rows, rows.n, eps, data_or_null(r.mean), r.rstd.ptr());
  return r;
}

// The kernel's gradients, of those that are wanted.
NormGrads row_grads(const char* name, bool centered, const Tensor& grad, const Tensor& input,
                    const Tensor& weight, const Tensor& mean, const Tensor& rstd, const Rows& rows,
                    bool with_input, bool with_weight, bool with_bias) {
  const DType stats = statistics_type(input.dtype());
  const Tensor g = contiguous_data(grad);
  const Tensor x = contiguous_data(input);
  const Tensor w = parameter_data(weight, input.dtype());
  Dims shape;
  for (const int64_t d : rows.dims) shape.push_back(input.sizes()[d]);
  NormGrads grads;
  if (with_input) grads.input = empty(input.sizes(), input.dtype(), input.device());
  if (with_weight) grads.weight = empty(shape, stats, input.device());
  if (with_bias) grads.bias = empty(shape, stats, input.device());
  run<&Backend::norm, &NormKernels::layer_norm_backward>(
      name, input.device(), centered, input.dtype(), data_or_null(grads.input),
      data_or_null(grads.weight), data_or_null(grads.bias), g.ptr(), x.ptr(), data_or_null(w),
      data_or_null(mean), rstd.ptr(), rows.rows, rows.n);
  return grads;
}

void keep_wanted(Grads& g, const NormGrads& grads) {
  g.out[0] = grads.input;
  if (g.needs(1)) g.out[1] = grads.weight;
  if (g.out.size() > 2 && g.needs(2)) g.out[2] = grads.bias;
}

Tensor record_rows(const char* node, const char* name, bool centered, const Tensor& input,
                   const Tensor& weight, const Tensor& bias, const Rows& rows, double eps,
                   const RowNorm& r) {
  return record(node, {&input, &weight, &bias}, r.out, [&](Saver& save) {
    return [x = save(input, "input"), w = save(weight, "weight"), mean = save(r.mean, "result1"),
            rstd = save(r.rstd, "result2"), rows, eps, centered, name](Grads& g) {
      const Tensor input = g[x], weight = g[w];
      if (grad_enabled()) {
        Dims shape;
        for (const int64_t d : rows.dims) shape.push_back(input.sizes()[d]);
        keep_wanted(g, normalised_grads(g.grad(), input, weight, rows.dims, rows.outer, shape,
                                        centered, eps));
      } else {
        keep_wanted(g, row_grads(name, centered, g.grad(), input, weight, g[mean], g[rstd], rows,
                                 g.needs(0), g.needs(1), g.needs(2)));
      }
    };
  });
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> native_layer_norm(const Tensor& input,
                                                     const Dims& normalized_shape,
                                                     const Tensor& weight, const Tensor& bias,
                                                     double eps) {
  const Rows rows = check_rows(input, normalized_shape, weight, bias, ", ");
  const RowNorm r = normalise_rows("layer_norm", true, input, rows, weight, bias, eps);
  return {record_rows("NativeLayerNormBackward0", "layer_norm_backward", true, input, weight, bias,
                      rows, eps, r),
          r.mean, r.rstd};
}

Tensor layer_norm(const Tensor& input, const Dims& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  return std::get<0>(native_layer_norm(input, normalized_shape, weight, bias, eps));
}

Tensor rms_norm(const Tensor& input, const Dims& normalized_shape, const Tensor& weight,
                std::optional<double> eps) {
  const Rows rows = check_rows(input, normalized_shape, weight, Tensor(), "");
  TALLOW_CHECK_NOT_IMPLEMENTED(is_floating(input.dtype()), "\"rms_norm\" not implemented for '",
                               scalar_type_name(input.dtype()), "'");
  const double epsilon =
      eps.value_or(input.dtype() == DType::kFloat64 ? std::numeric_limits<double>::epsilon()
                                                    : std::numeric_limits<float>::epsilon());
  const RowNorm r = normalise_rows("rms_norm", false, input, rows, weight, Tensor(), epsilon);
  return record_rows("RmsNormBackward0", "rms_norm_backward", false, input, weight, Tensor(), rows,
                     epsilon, r);
}

namespace {

ChannelShape check_groups(const Tensor& input, int64_t groups, const Tensor& weight,
                          const Tensor& bias) {
  const int64_t channels = input.size(1);
  TALLOW_CHECK(groups > 0, "Expected num groups to be greater than 0, got ", groups);
  TALLOW_CHECK(channels % groups == 0,
               "Expected number of channels in input to be divisible by num_groups, but got input "
               "of shape ",
               input.sizes(), " and num_groups=", groups);
  const auto check_param = [&](const char* name, const Tensor& param) {
    TALLOW_CHECK(!param.defined() || (param.dim() == 1 && param.numel() == channels), "Expected ",
                 name, " to be a vector of size equal to the number of channels in input, but got ",
                 name, " of shape ", param.sizes(), " and input of shape ", input.sizes());
    check_parameter_type(param, input);
  };
  check_param("weight", weight);
  check_param("bias", bias);
  ChannelShape shape{input.sizes()[0], channels, 1};
  for (int64_t d = 2; d < input.dim(); ++d) shape.inner *= input.sizes()[d];
  return shape;
}

NormGrads group_norm_grads(const Tensor& grad, const Tensor& input, const Tensor& weight,
                           const ChannelShape& shape, int64_t groups, double eps) {
  const Dims grouped{shape.batch, groups, shape.channels / groups, shape.inner};
  Tensor w = weight;
  if (w.defined()) w = reshape(w, {1, groups, shape.channels / groups, 1});
  NormGrads grads = normalised_grads(reshape(grad, grouped), reshape(input, grouped), w, {2, 3},
                                     {0, 3}, {shape.channels}, true, eps);
  grads.input = reshape(grads.input, input.sizes());
  return grads;
}

// Do the kernels read and write a tensor's channels behind its pixels? On other devices than the
// CPU they are moved before and after.
bool keeps_channels_last(const Tensor& input) {
  return input.device().is_cpu() && suggests_channels_last(input);
}
// The CPU's kernels take neighbouring channels of the type computed in only.
DType group_norm_type(const Tensor& input, const ChannelShape& shape) {
  const bool widens = shape.last || (input.device().is_cpu() && shape.inner == 1);
  return widens ? statistics_type(input.dtype()) : input.dtype();
}
Tensor group_norm_data(const Tensor& tensor, const ChannelShape& shape) {
  const NoGradGuard guard;
  return data_in_order(to_dtype(tensor, group_norm_type(tensor, shape)), shape.last);
}
// What the kernel wrote in the type and the memory order of the input.
Tensor in_form_of(const Tensor& written, const Tensor& input) {
  const NoGradGuard guard;
  const Tensor out = to_dtype(written, input.dtype());
  return suggests_channels_last(input) ? data_in_order(out, true) : out;
}

// The kernel's gradients, of those that are wanted.
NormGrads group_norm_grads_fused(const Tensor& grad, const Tensor& input, const Tensor& weight,
                                 const Tensor& mean, const Tensor& rstd, const ChannelShape& shape,
                                 int64_t groups, bool with_input, bool with_weight,
                                 bool with_bias) {
  const DType type = group_norm_type(input, shape);
  const Tensor g = group_norm_data(grad, shape);
  const Tensor x = group_norm_data(input, shape);
  const Tensor w = parameter_data(weight, input.dtype());
  NormGrads grads;
  if (with_input) {
    grads.input = empty_in_order(input.sizes(), shape.last, type, input.device());
  }
  if (with_weight) grads.weight = empty({shape.channels}, mean.dtype(), input.device());
  if (with_bias) grads.bias = empty({shape.channels}, mean.dtype(), input.device());
  run<&Backend::norm, &NormKernels::group_norm_backward>(
      "group_norm_backward", input.device(), type, data_or_null(grads.input),
      data_or_null(grads.weight), data_or_null(grads.bias), g.ptr(), x.ptr(), data_or_null(w),
      mean.ptr(), rstd.ptr(), shape, groups);
  if (with_input) grads.input = in_form_of(grads.input, input);
  return grads;
}

// group_norm and the statistics it used, which are constants here.
std::tuple<Tensor, Tensor, Tensor> normalise_groups(const Tensor& input, int64_t groups,
                                                    const Tensor& weight, const Tensor& bias,
                                                    double eps) {
  ChannelShape shape = check_groups(input, groups, weight, bias);
  shape.last = keeps_channels_last(input);
  const DType stats = statistics_type(input.dtype());
  const DType type = group_norm_type(input, shape);
  const Tensor x = group_norm_data(input, shape);
  const Tensor w_data = parameter_data(weight, input.dtype());
  const Tensor b_data = parameter_data(bias, input.dtype());
  Tensor out = empty_in_order(input.sizes(), shape.last, type, input.device());
  const Tensor mean = empty({shape.batch, groups}, stats, input.device());
  const Tensor rstd = empty({shape.batch, groups}, stats, input.device());
  run<&Backend::norm, &NormKernels::group_norm>("group_norm", input.device(), type, out.ptr(),
                                                x.ptr(), data_or_null(w_data), data_or_null(b_data),
                                                shape, groups, eps, mean.ptr(), rstd.ptr());
  out = in_form_of(out, input);
  record("NativeGroupNormBackward0", {&input, &weight, &bias}, {&out}, [&](Saver& save) {
    return [x = save(input, "input"), w = save(weight, "weight"), mean = save(mean, "result1"),
            rstd = save(rstd, "result2"), shape, groups, eps](Grads& g) {
      keep_wanted(g, grad_enabled()
                         ? group_norm_grads(g.grad(), g[x], g[w], shape, groups, eps)
                         : group_norm_grads_fused(g.grad(), g[x], g[w], g[mean], g[rstd], shape,
                                                  groups, g.needs(0), g.needs(1), g.needs(2)));
    };
  });
  return {out, mean, rstd};
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> native_group_norm(const Tensor& input, int64_t groups,
                                                     const Tensor& weight, const Tensor& bias,
                                                     double eps) {
  const auto [out, mean, rstd] = normalise_groups(input, groups, weight, bias, eps);
  if (!grad_enabled() || !input.requires_grad()) return {out, mean, rstd};
  const ChannelShape shape = check_groups(input, groups, weight, bias);
  const int64_t count = shape.channels / groups * shape.inner;
  if (count == 0) return {out, mean, rstd};
  const Tensor parts = to_dtype(reshape(input, {shape.batch, groups, count}), mean.dtype());
  return {out, mean_dims(parts, {-1}), rsqrt(add(var(parts, Dims{-1}, Scalar(0)), Scalar(eps)))};
}

Tensor group_norm(const Tensor& input, int64_t groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  return std::get<0>(normalise_groups(input, groups, weight, bias, eps));
}

}  // namespace tallow::ops
