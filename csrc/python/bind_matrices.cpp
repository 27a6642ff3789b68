// Diagonals, Kronecker and cross products, counts.
#include <string>

#include "core/error.h"
#include "ops/matrices.h"
#include "python/bindings.h"

namespace tallow::python {

namespace {

Tensor cross(const Tensor& self, const Tensor& other, std::optional<int64_t> dim) {
  if (!dim) {
    const std::string text =
        "Using " + package_name() +
        ".cross without specifying the dim arg is deprecated.\nPlease either pass the dim "
        "explicitly or simply use " +
        package_name() +
        ".linalg.cross.\nThe default value of dim will change to agree with that of linalg.cross "
        "in a future release.";
    if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 1) < 0) throw PythonError();
  }
  return ops::cross(self, other, dim);
}

}  // namespace

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
  r.op<&cross>("cross(input, other, dim=None)", kBoth, "Vector product of 3-vectors.");
  r.op<&ops::bincount>("bincount(input, weights=None, minlength=0)", kFunction | kMethod,
                       "How often each non-negative integer occurs.");
}

}  // namespace tallow::python
