// Diagonals, Kronecker and cross products, counts.
#include "ops/matrices.h"
#include "python/bindings.h"

namespace tallow::python {

void bind_matrices(Registry& r) {
  constexpr unsigned kBoth = kFunction | kMethod | kOut;
  r.op<&ops::diag>("diag(input, diagonal=0)", kBoth,
                   "Make a diagonal matrix of a vector, or take a matrix's diagonal.");
  r.op<&ops::diagflat>("diagflat(input, offset=0)", kFunction | kMethod,
                       "Put the flattened elements on the diagonal of a matrix.");
  r.op<&ops::diag_embed>("diag_embed(input, offset=0, dim1=-2, dim2=-1)", kFunction | kMethod,
                         "Put the last dimension on the diagonal of two new ones.");
  r.op<&ops::trace>("trace(input)", kFunction | kMethod, "Sum of a matrix's diagonal.");
  r.op<&ops::fill_diagonal_>("fill_diagonal_(input, fill_value, wrap=False)", kMethod,
                             "Write one value along the main diagonal.");
  r.op<&ops::kron>("kron(input, other)", kBoth, "Kronecker product.");
  r.op<&ops::cross>("cross(input, other, dim=None)", kBoth, "Vector product of 3-vectors.");
  r.op<&ops::bincount>("bincount(input, weights=None, minlength=0)", kFunction | kMethod,
                       "How often each non-negative integer occurs.");
}

}  // namespace tallow::python
