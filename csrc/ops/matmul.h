// Products of matrices and vectors, with and without an added term.
#pragma once

#include <vector>

#include "core/scalar.h"
#include "core/tensor.h"

namespace tallow::ops {

Tensor mm(const Tensor& self, const Tensor& mat2);
// One product per entry of the first dimension.
Tensor bmm(const Tensor& self, const Tensor& mat2);
Tensor mv(const Tensor& self, const Tensor& vec);
Tensor dot(const Tensor& self, const Tensor& tensor);
// dot() with self conjugated.
Tensor vdot(const Tensor& self, const Tensor& other);
// Any ranks from 1: a missing row or column dimension is added and removed again, the dimensions
// before the last two are broadcast.
Tensor matmul(const Tensor& self, const Tensor& other);
Tensor outer(const Tensor& self, const Tensor& vec2);
// Sums over the last dimension of both.
Tensor inner(const Tensor& self, const Tensor& other);
// The product of several matrices, multiplied in the cheapest order.
Tensor chain_matmul(const std::vector<Tensor>& matrices);

// beta * self + alpha * product, self broadcast to the product; with beta == 0 self is not read.
Tensor addmm(const Tensor& self, const Tensor& mat1, const Tensor& mat2, const Scalar& beta = 1,
             const Scalar& alpha = 1);
Tensor addmv(const Tensor& self, const Tensor& mat, const Tensor& vec, const Scalar& beta = 1,
             const Scalar& alpha = 1);
Tensor baddbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2,
               const Scalar& beta = 1, const Scalar& alpha = 1);
// The products are summed over the batch.
Tensor addbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2,
              const Scalar& beta = 1, const Scalar& alpha = 1);
Tensor addr(const Tensor& self, const Tensor& vec1, const Tensor& vec2, const Scalar& beta = 1,
            const Scalar& alpha = 1);
// The same, written over self.
Tensor addmm_(const Tensor& self, const Tensor& mat1, const Tensor& mat2, const Scalar& beta = 1,
              const Scalar& alpha = 1);
Tensor addmv_(const Tensor& self, const Tensor& mat, const Tensor& vec, const Scalar& beta = 1,
              const Scalar& alpha = 1);
Tensor baddbmm_(const Tensor& self, const Tensor& batch1, const Tensor& batch2,
                const Scalar& beta = 1, const Scalar& alpha = 1);
Tensor addbmm_(const Tensor& self, const Tensor& batch1, const Tensor& batch2,
               const Scalar& beta = 1, const Scalar& alpha = 1);
Tensor addr_(const Tensor& self, const Tensor& vec1, const Tensor& vec2, const Scalar& beta = 1,
             const Scalar& alpha = 1);

// input (*, in) times weight (out, in) transposed, plus bias (out).
Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = {});
// out[*, o] = sum over i, j of input1[*, i] weight[o, i, j] input2[*, j], plus bias[o].
Tensor bilinear(const Tensor& input1, const Tensor& input2, const Tensor& weight,
                const Tensor& bias = {});

}  // namespace tallow::ops
