// A batched product as cuBLASLt takes it: column-major matrices with leading dimensions.
#pragma once

#include <cstdint>

#include "backend/matmul.h"

namespace tallow::cuda {

// A stored matrix: element (i, j) lies at i + j * leading.
struct StoredMatrix {
  int64_t rows, columns, leading;
  int64_t stride;  // from one matrix of the batch to the next
};

// D = alpha op(A) op(B) + beta C, or + a bias along the columns of D. Our row-major c is D^T, so A
// is our b and B is our a. All bytes are set, so that it can be compared as bytes.
struct GemmLayout {
  StoredMatrix a, b, c, d;
  int64_t batch;
  int32_t transpose_a, transpose_b;
  int32_t bias;  // the first term is one row, added to all rows of our c
  int32_t dtype;
};

// The outer products of a two-dimensional batch that is not one of equal steps: `loops` times
// `layout`, each `steps` elements on in a, b, init and c.
struct GemmBatches {
  GemmLayout layout;
  int64_t loops;
  int64_t step_a, step_b, step_init, step_c;
};

// False if the strides are none of a stored matrix, or the first term is neither a matrix nor a
// row.
bool lay_out(const MatmulArgs& args, GemmBatches* out);

}  // namespace tallow::cuda
