// Factors of matrices, linear systems, inverses and determinants, for tensors of float32 or float64
// on the CPU. None has a derivative: those are in python/tallow/linalg, which also takes complex
// numbers and other devices to NumPy.
#pragma once

#include <tuple>

#include "core/tensor.h"

namespace tallow::ops {

// L and U of (..., M, N) in one tensor, the exchanges of rows (from 1), and for each matrix the
// first step (from 1) whose pivot was zero, or 0.
std::tuple<Tensor, Tensor, Tensor> linalg_lu(const Tensor& A);
// Solves A X = B, or with `adjoint` for the transpose of A, by what linalg_lu returned.
Tensor linalg_lu_solve(const Tensor& LU, const Tensor& pivots, const Tensor& B, bool adjoint);
// The matrices P, L and U of which A = P L U, by what linalg_lu returned.
Tensor linalg_permutation(const Tensor& pivots, int64_t rows, DType dtype);
// L of symmetric matrices L L^T, whose lower triangle is read, zeros where there is none; and for
// each the order of the first leading minor that is not positive, or 0.
std::tuple<Tensor, Tensor> linalg_cholesky(const Tensor& A);
// Solves A X = B, or X A = B unless `left`, reading one triangle of A.
Tensor linalg_solve_triangular(const Tensor& A, const Tensor& B, bool upper, bool left,
                               bool unitriangular);

// Q and R of small matrices, complex ones too: reduced, or with `complete` a square Q.
std::tuple<Tensor, Tensor> linalg_qr(const Tensor& A, bool complete);

// The solution or inverse, and the number of the first singular matrix, or -1.
std::tuple<Tensor, int64_t> linalg_solve(const Tensor& A, const Tensor& B);
std::tuple<Tensor, int64_t> linalg_inv(const Tensor& A);

Tensor linalg_det(const Tensor& A);
// Sign and logarithm of the absolute value of determinants.
std::tuple<Tensor, Tensor> linalg_slogdet(const Tensor& A);

}  // namespace tallow::ops
