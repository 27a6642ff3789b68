// Factors of matrices and triangular systems.
#pragma once

#include <cstdint>

#include "core/types.h"

namespace tallow {

// For every item p < count: solves T x = b in place of b, which is n rows of `columns` elements. Of
// the n x n matrix T, whose element [i, j] lies at t + p * t_stride[0] + i * t_stride[1] +
// j * t_stride[2], only one triangle is read, and not its diagonal if `unit`: that counts as ones.
struct TriangularArgs {
  DType dtype;
  int64_t count, n, columns;
  const void* t;
  int64_t t_stride[3];
  void* b;
  bool lower, unit;
};

// Matrices of float32 or float64, `count` contiguous ones after each other, stored by rows. Sums
// are taken in an order that follows from the sizes alone.
struct LinalgKernels {
  // Replaces each m x n matrix by L below and U on and above the diagonal, after exchanging rows.
  // pivots: for each of the min(m, n) steps the row, from 1, that was exchanged with row k: the
  // first of the largest. info: the first step, from 1, whose pivot was zero; or 0.
  Status (*lu)(DType dtype, void* a, int64_t count, int64_t m, int64_t n, int32_t* pivots,
               int32_t* info) = nullptr;
  // Replaces the upper triangle of each n x n matrix by U, where the transpose of U times U is the
  // matrix. The other triangle is not touched. info: the order of the first leading minor that is
  // not positive, whose matrix then holds no factor; or 0.
  Status (*cholesky)(DType dtype, void* a, int64_t count, int64_t n, int32_t* info) = nullptr;
  Status (*solve_triangular)(const TriangularArgs& args) = nullptr;
};

}  // namespace tallow
