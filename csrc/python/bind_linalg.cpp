// Factors of matrices and linear systems, for python/tallow/linalg.
#include "ops/linalg.h"

#include "python/bindings.h"

namespace tallow::python {

void bind_linalg(Registry& r) {
  r.op<&ops::linalg_lu>("linalg_lu(A)", kNN, "LU with partial pivoting.");
  r.op<&ops::linalg_lu_solve>("linalg_lu_solve(LU, pivots, B, adjoint=False)", kNN,
                              "Solve by the factors of linalg_lu.");
  r.op<&ops::linalg_permutation>("linalg_permutation(pivots, rows, dtype)", kNN,
                                 "The matrices of row exchanges.");
  r.op<&ops::linalg_cholesky>("linalg_cholesky(A)", kNN,
                              "Cholesky's factor of the lower triangle.");
  r.op<&ops::linalg_solve_triangular>(
      "linalg_solve_triangular(A, B, upper, left=True, unitriangular=False)", kNN,
      "Solve by one triangle.");
  r.op<&ops::linalg_qr>("linalg_qr(A, complete=False)", kNN, "Q and R of small matrices.");
  r.op<&ops::linalg_solve>("linalg_solve(A, B)", kNN,
                           "The solution, and the first singular matrix or -1.");
  r.op<&ops::linalg_inv>("linalg_inv(A)", kNN, "The inverse, and the first singular matrix or -1.");
  r.op<&ops::linalg_det>("linalg_det(A)", kNN, "Determinants.");
  r.op<&ops::linalg_slogdet>("linalg_slogdet(A)", kNN, "Signs and logarithms of determinants.");
}

}  // namespace tallow::python
