// Reductions: sums, means, products, norms, extremes, predicates, variances.
//
// `dims` may be negative; an empty list means all dimensions. `keepdim` keeps them with size 1.
#pragma once

#include <optional>
#include <tuple>

#include "core/scalar.h"
#include "core/tensor.h"

namespace tallow::ops {

// Sums and products of bool and integers are int64. `dtype` converts the elements first.
Tensor sum(const Tensor& self, std::optional<DType> dtype = std::nullopt);
Tensor sum_dims(const Tensor& self, const Dims& dims, bool keepdim = false,
                std::optional<DType> dtype = std::nullopt);
Tensor mean(const Tensor& self, std::optional<DType> dtype = std::nullopt);
Tensor mean_dims(const Tensor& self, const Dims& dims, bool keepdim = false,
                 std::optional<DType> dtype = std::nullopt);
Tensor prod(const Tensor& self, std::optional<DType> dtype = std::nullopt);
Tensor prod_dim(const Tensor& self, int64_t dim, bool keepdim = false,
                std::optional<DType> dtype = std::nullopt);
// NaN counts as nothing.
Tensor nansum(const Tensor& self, const std::optional<Dims>& dims = std::nullopt,
              bool keepdim = false, std::optional<DType> dtype = std::nullopt);
Tensor nanmean(const Tensor& self, const std::optional<Dims>& dims = std::nullopt,
               bool keepdim = false, std::optional<DType> dtype = std::nullopt);

// Largest and smallest elements; NaN wins. Equal extremes share the gradient.
Tensor max(const Tensor& self);
Tensor min(const Tensor& self);
Tensor amax(const Tensor& self, const Dims& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& self, const Dims& dims = {}, bool keepdim = false);
std::tuple<Tensor, Tensor> aminmax(const Tensor& self, std::optional<int64_t> dim = std::nullopt,
                                   bool keepdim = false);
// Values and positions of the first extreme along one dimension; it alone gets the gradient.
std::tuple<Tensor, Tensor> max_dim(const Tensor& self, int64_t dim, bool keepdim = false);
std::tuple<Tensor, Tensor> min_dim(const Tensor& self, int64_t dim, bool keepdim = false);
// Without a dimension: the position in the flattened tensor.
Tensor argmax(const Tensor& self, std::optional<int64_t> dim = std::nullopt, bool keepdim = false);
Tensor argmin(const Tensor& self, std::optional<int64_t> dim = std::nullopt, bool keepdim = false);

// Is any (are all) of the elements true? uint8 gives uint8, every other type bool. Unlike elsewhere
// an empty list of dimensions reduces nothing.
Tensor any(const Tensor& self, const std::optional<Dims>& dims = std::nullopt,
           bool keepdim = false);
Tensor all(const Tensor& self, const std::optional<Dims>& dims = std::nullopt,
           bool keepdim = false);
Tensor count_nonzero(const Tensor& self, const std::optional<Dims>& dims = std::nullopt);

// Squared deviations from the mean / (count - correction), and its square root. The pairs come with
// the mean.
Tensor var(const Tensor& self, const std::optional<Dims>& dims = std::nullopt,
           const std::optional<Scalar>& correction = std::nullopt, bool keepdim = false);
Tensor std(const Tensor& self, const std::optional<Dims>& dims = std::nullopt,
           const std::optional<Scalar>& correction = std::nullopt, bool keepdim = false);
std::tuple<Tensor, Tensor> var_mean(const Tensor& self,
                                    const std::optional<Dims>& dims = std::nullopt,
                                    const std::optional<Scalar>& correction = std::nullopt,
                                    bool keepdim = false);
std::tuple<Tensor, Tensor> std_mean(const Tensor& self,
                                    const std::optional<Dims>& dims = std::nullopt,
                                    const std::optional<Scalar>& correction = std::nullopt,
                                    bool keepdim = false);

// (sum of |x|^p)^(1/p); p = 0 counts the elements that are not 0, an infinite p takes the largest
// (smallest) magnitude.
Tensor vector_norm(const Tensor& self, const Scalar& p = 2.0,
                   const std::optional<Dims>& dims = std::nullopt, bool keepdim = false,
                   std::optional<DType> dtype = std::nullopt);

}  // namespace tallow::ops
