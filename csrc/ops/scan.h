// Running totals and extremes along one dimension.
#pragma once

#include <optional>
#include <tuple>

#include "core/tensor.h"

namespace tallow::ops {

// Bool and integers give int64. `dtype` converts the elements first.
Tensor cumsum(const Tensor& self, int64_t dim, std::optional<DType> dtype = std::nullopt);
Tensor cumprod(const Tensor& self, int64_t dim, std::optional<DType> dtype = std::nullopt);
// The same in place.
Tensor cumsum_(const Tensor& self, int64_t dim, std::optional<DType> dtype = std::nullopt);
Tensor cumprod_(const Tensor& self, int64_t dim, std::optional<DType> dtype = std::nullopt);
// log(cumsum(exp(self)))
Tensor logcumsumexp(const Tensor& self, int64_t dim);
// The extreme of everything up to each position, and where it was seen last.
std::tuple<Tensor, Tensor> cummax(const Tensor& self, int64_t dim);
std::tuple<Tensor, Tensor> cummin(const Tensor& self, int64_t dim);

}  // namespace tallow::ops
