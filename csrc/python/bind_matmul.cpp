// Matrix products.
#include "ops/matmul.h"
#include "python/bindings.h"

namespace tallow::python {

void bind_matmul(Registry& r) {
  constexpr unsigned kBoth = kFunction | kMethod;
  r.op<&ops::mm>("mm(input, mat2)", kBoth | kOut, "Multiply two matrices.");
  r.op<&ops::bmm>("bmm(input, mat2)", kBoth | kOut, "Multiply matrices pairwise over a batch.");
  r.op<&ops::mv>("mv(input, vec)", kBoth | kOut, "Multiply a matrix by a vector.");
  r.op<&ops::dot>("dot(input, tensor)", kBoth | kOut, "Sum the products of two vectors.");
  r.op<&ops::vdot>("vdot(input, other)", kBoth | kOut,
                   "Sum the products of two vectors, the first conjugated.");
  r.op<&ops::matmul>("matmul(input, other)", kBoth | kOut,
                     "Multiply tensors as matrices, broadcasting the leading dimensions.");
  r.op<&ops::outer>("outer(input, vec2)", kBoth | kOut, "Multiply every pair of two vectors.");
  r.alias("outer", "ger");
  r.op<&ops::inner>("inner(input, other)", kBoth | kOut,
                    "Sum the products over the last dimension of both tensors.");
  r.op<&ops::chain_matmul>("chain_matmul(*matrices)", kFunction | kOut,
                           "Multiply matrices in the cheapest order.");
  r.op<&ops::addmm>("addmm(input, mat1, mat2, *, beta=1, alpha=1)", kBoth | kOut,
                    "Add a matrix product: beta * input + alpha * mat1 @ mat2.");
  r.op<&ops::addmv>("addmv(input, mat, vec, *, beta=1, alpha=1)", kBoth | kOut,
                    "Add a matrix-vector product: beta * input + alpha * mat @ vec.");
  r.op<&ops::baddbmm>("baddbmm(input, batch1, batch2, *, beta=1, alpha=1)", kBoth | kOut,
                      "Add batched products: beta * input + alpha * batch1 @ batch2.");
  r.op<&ops::addbmm>("addbmm(input, batch1, batch2, *, beta=1, alpha=1)", kBoth | kOut,
                     "Add the sum of batched products.");
  r.op<&ops::addr>("addr(input, vec1, vec2, *, beta=1, alpha=1)", kBoth | kOut,
                   "Add an outer product: beta * input + alpha * outer(vec1, vec2).");
  r.op<&ops::addmm_>("addmm_(input, mat1, mat2, *, beta=1, alpha=1)", kMethod,
                     "In-place form of addmm.");
  r.op<&ops::addmv_>("addmv_(input, mat, vec, *, beta=1, alpha=1)", kBoth,
                     "In-place form of addmv.");
  r.op<&ops::baddbmm_>("baddbmm_(input, batch1, batch2, *, beta=1, alpha=1)", kMethod,
                       "In-place form of baddbmm.");
  r.op<&ops::addbmm_>("addbmm_(input, batch1, batch2, *, beta=1, alpha=1)", kMethod,
                      "In-place form of addbmm.");
  r.op<&ops::addr_>("addr_(input, vec1, vec2, *, beta=1, alpha=1)", kMethod,
                    "In-place form of addr.");
  r.op<&ops::linear>("linear(input, weight, bias=None)", kNN | kOut,
                     "Multiply by the transpose of weight and add bias.");
  r.op<&ops::bilinear>("bilinear(input1, input2, weight, bias=None)", kFunction,
                       "Apply a bilinear form to each pair of rows.");
}

}  // namespace tallow::python
