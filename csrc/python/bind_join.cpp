// Joining, repeating and reordering.
#include "ops/creation.h"
#include "ops/join_split.h"
#include "python/bindings.h"

namespace tallow::python {

namespace {

Tensor repeat_interleave(const Tensor& input, int64_t repeats, std::optional<int64_t> dim,
                         std::optional<int64_t>) {
  return ops::repeat_interleave(input, repeats, dim);
}

// repeat_interleave(repeats): the positions 0, 1, ... as often as repeats says.
Tensor repeated_positions(const Tensor& repeats, std::optional<int64_t> output_size) {
  const Tensor positions =
      ops::arange(Scalar(0), Scalar(repeats.numel()), Scalar(1), DType::kInt64, repeats.device());
  return ops::repeat_interleave_tensor(positions, repeats, 0, output_size);
}

}  // namespace

void bind_join(Registry& r) {
  r.op<&ops::cat>("cat(tensors, dim=0)", kFunction | kOut, "Join tensors along a dimension.");
  r.alias("cat", "concat");
  r.alias("cat", "concatenate");
  r.op<&ops::stack>("stack(tensors, dim=0)", kFunction | kOut,
                    "Join tensors along a new dimension.");
  r.op<&ops::hstack>("hstack(tensors)", kFunction | kOut, "Join side by side.");
  r.op<&ops::vstack>("vstack(tensors)", kFunction | kOut, "Join one above the other.");
  r.alias("vstack", "row_stack");
  r.op<&ops::dstack>("dstack(tensors)", kFunction | kOut, "Join along the third dimension.");
  r.op<&ops::repeat>("repeat(input, *repeats)", kMethod,
                     "Repeat the whole tensor along each dimension.");
  r.op<&ops::tile>("tile(input, *dims)", kFunction | kMethod,
                   "Repeat the whole tensor along its last dimensions.");
  r.op<&repeat_interleave, &ops::repeat_interleave_tensor, &repeated_positions>(
      {"repeat_interleave(input, repeats, dim=None, *, output_size=None)",
       "repeat_interleave(input, repeats, dim=None, *, output_size=None)",
       "repeat_interleave(repeats, *, output_size=None)"},
      kFunction | kMethod, "Repeat every element or slice.");
  r.op<&ops::roll>("roll(input, shifts, dims=())", kFunction | kMethod,
                   "Move elements along, round the end.");
  r.op<&ops::flip>("flip(input, *dims)", kFunction | kMethod, "Reverse the order of dimensions.");
  r.op<&ops::fliplr>("fliplr(input)", kFunction | kMethod, "Reverse the second dimension.");
  r.op<&ops::flipud>("flipud(input)", kFunction | kMethod, "Reverse the first dimension.");
  r.op<&ops::rot90>("rot90(input, k=1, dims[]=(0, 1))", kFunction | kMethod,
                    "Turn by 90 degrees k times.");
  r.op<&ops::meshgrid>("meshgrid(*tensors, indexing='ij')", kFunction,
                       "Spread vectors over a common grid.");
}

}  // namespace tallow::python
