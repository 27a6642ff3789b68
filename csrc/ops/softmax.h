// Normalised exponentials along one dimension.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace tallow::ops {

// `dtype` converts the input first.
Tensor softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype = std::nullopt);
Tensor log_softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype = std::nullopt);
// log(sum(exp(input))) over `dims`; integers give the default floating type.
Tensor logsumexp(const Tensor& input, const Dims& dims, bool keepdim = false);

// Gradients of the input from that of the result: `output` is the forward result.
Tensor softmax_backward(const Tensor& grad, const Tensor& output, int64_t dim);
Tensor log_softmax_backward(const Tensor& grad, const Tensor& output, int64_t dim);

}  // namespace tallow::ops
