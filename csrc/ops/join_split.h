// Joining tensors, repeating and reordering their elements. (Splitting gives views: ops/views.h.)
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/operand.h"
#include "core/tensor.h"

namespace tallow::ops {

// Refuses None, which a list of indices may contain, in a list of operands.
void check_defined(const std::vector<Tensor>& tensors);

Tensor cat(const std::vector<Tensor>& tensors, int64_t dim = 0);
Tensor stack(const std::vector<Tensor>& tensors, int64_t dim = 0);
// cat along dim 1 (0 for vectors), 0 and 2, of tensors with at least 1, 2 and 3 dimensions.
Tensor hstack(const std::vector<Tensor>& tensors);
Tensor vstack(const std::vector<Tensor>& tensors);
Tensor dstack(const std::vector<Tensor>& tensors);

// The whole tensor repeats[d] times along each dimension.
Tensor repeat(const Tensor& self, const Dims& repeats);
Tensor tile(const Tensor& self, const Dims& dims);
// Every element (slice along `dim`) the same number of times, or as often as `repeats` says.
Tensor repeat_interleave(const Tensor& self, int64_t repeats,
                         std::optional<int64_t> dim = std::nullopt);
Tensor repeat_interleave_tensor(const Tensor& self, const Tensor& repeats,
                                std::optional<int64_t> dim = std::nullopt,
                                std::optional<int64_t> output_size = std::nullopt);

// Moves elements along, those pushed out at one end entering at the other; without dims, over the
// flattened tensor.
Tensor roll(const Tensor& self, const Dims& shifts, const Dims& dims = {});
Tensor flip(const Tensor& self, const Dims& dims);
Tensor fliplr(const Tensor& self);
Tensor flipud(const Tensor& self);
// Turns by 90 degrees, k times, from the first towards the second dimension.
Tensor rot90(const Tensor& self, int64_t k = 1, const Dims& dims = {0, 1});

std::vector<Tensor> meshgrid(const std::vector<Tensor>& tensors, std::string_view indexing);

}  // namespace tallow::ops
