// Sorting, selecting and searching along one dimension. NaN counts as the largest number.
#pragma once

#include <optional>
#include <tuple>

#include "core/operand.h"
#include "core/tensor.h"

namespace tallow::ops {

// Values and their positions. Equal elements keep their order.
std::tuple<Tensor, Tensor> sort(const Tensor& self, int64_t dim = -1, bool descending = false);
Tensor argsort(const Tensor& self, int64_t dim = -1, bool descending = false);
Tensor msort(const Tensor& self);
// The k largest (smallest), in order.
std::tuple<Tensor, Tensor> topk(const Tensor& self, int64_t k, int64_t dim = -1,
                                bool largest = true, bool sorted = true);
// The k-th smallest, counted from 1.
std::tuple<Tensor, Tensor> kthvalue(const Tensor& self, int64_t k, int64_t dim = -1,
                                    bool keepdim = false);
// The lower one of the two in the middle; the NaN, if there is one (nanmedian: unless all are).
Tensor median(const Tensor& self);
Tensor nanmedian(const Tensor& self);
std::tuple<Tensor, Tensor> median_dim(const Tensor& self, int64_t dim, bool keepdim = false);
std::tuple<Tensor, Tensor> nanmedian_dim(const Tensor& self, int64_t dim, bool keepdim = false);
// The most frequent value, the smallest of several, at its last position.
std::tuple<Tensor, Tensor> mode(const Tensor& self, int64_t dim = -1, bool keepdim = false);

// The distinct values in order (consecutive: in order of appearance, neighbours only), for each
// element the place of its value among them, and how often each occurs.
std::tuple<Tensor, Tensor, Tensor> unique(const Tensor& self, bool sorted = true,
                                          bool return_inverse = false, bool return_counts = false);
std::tuple<Tensor, Tensor, Tensor> unique_consecutive(const Tensor& self,
                                                      bool return_inverse = false,
                                                      bool return_counts = false);

// Where each of `values` would have to be inserted in the sorted last dimension.
Tensor searchsorted(const Tensor& sorted_sequence, const Operand& values, bool out_int32,
                    bool right, const Tensor& sorter);

}  // namespace tallow::ops
