// What the derivatives of all normalisations share.
#pragma once

#include "core/tensor.h"

namespace tallow::ops {

// The type kernels keep parameters and statistics of a normalisation in.
DType statistics_type(DType dtype);
// A parameter as those kernels want it; undefined stays undefined.
Tensor parameter_data(const Tensor& parameter, DType dtype);
void* data_or_null(const Tensor& tensor);
// Parameters have the input's type, or are float beside half-precision inputs.
void check_parameter_type(const Tensor& parameter, const Tensor& input);

// Gradients as differentiable formulas, for derivatives of derivatives. The input is normalised
// over `dims`; parameters have a shape that broadcasts to the input's and are `params_dims` short
// of it.
struct NormGrads {
  Tensor input;
  Tensor weight;
  Tensor bias;
};
NormGrads normalised_grads(const Tensor& grad, const Tensor& input, const Tensor& weight,
                           const Dims& dims, const Dims& param_dims, const Dims& param_shape,
                           bool centered, double eps);

}  // namespace tallow::ops
