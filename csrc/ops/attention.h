// Attention: values averaged with the softmax of the products of queries and keys as weights.
#pragma once

#include <optional>
#include <tuple>

#include "core/tensor.h"

namespace tallow::ops {

// query (B, H, L, E), key (B, K, S, E), value (B, K, S, V) with K dividing H; returns (B, H, L, V)
// and the logarithms of the sums of exponentials, (B, H, L). `mask` may be undefined, and
// broadcasts to (B, H, L, S): a bool one is true where a key takes part, any other is added to the
// products and gets no gradient. A query that sees no key gets zeros.
std::tuple<Tensor, Tensor> attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                     double dropout_p, bool is_causal, const Tensor& mask,
                                     std::optional<double> scale);

}  // namespace tallow::ops
