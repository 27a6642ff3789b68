#include "ops/matmul.h"

#include "autograd/record.h"
#include "core/error.h"
#include "ops/arithmetic.h"
#include "ops/cpp_type.h"
#include "ops/elementwise.h"
#include "ops/join_split.h"
#include "ops/matmul_product.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

void check_same_type(const Tensor& a, const Tensor& b) {
  TALLOW_CHECK(a.dtype() == b.dtype(),
               "expected m1 and m2 to have the same dtype, but got: ", cpp_type_name(a.dtype()),
               " != ", cpp_type_name(b.dtype()));
}

// Rows of `a` are counted over its leading dimensions too, as if it were one matrix.
void check_inner_sizes(const Tensor& a, const Tensor& b) {
  if (TALLOW_LIKELY(a.size(-1) == b.size(-2))) return;
  int64_t rows = 1;
  for (int64_t d = 0; d + 1 < a.dim(); ++d) rows *= a.sizes()[d];
  raise<RuntimeError>("mat1 and mat2 shapes cannot be multiplied (", rows, "x", a.size(-1), " and ",
                      b.size(-2), "x", b.size(-1), ")");
}

// The product of (*, m, k) and (*, k, n) under a node of the given name; `op` is for messages.
Tensor multiply(const char* node, const char* op, const Tensor& a, const Tensor& b) {
  Tensor out = product(op, a, b);
  return record(node, {&a, &b}, std::move(out), [&](Saver& save) {
    return [left = save(a, "self"), right = save(b, "mat2")](Grads& g) {
      const Tensor a = g[left], b = g[right];
      if (g.needs(0)) g.out[0] = left_gradient(g.grad(), a, b, 1);
      if (g.needs(1)) g.out[1] = right_gradient(g.grad(), a, b, 1);
    };
  });
}

}  // namespace

Tensor mm(const Tensor& self, const Tensor& mat2) {
  TALLOW_CHECK(self.dim() == 2, "self must be a matrix");
  TALLOW_CHECK(mat2.dim() == 2, "mat2 must be a matrix");
  check_inner_sizes(self, mat2);
  check_same_type(self, mat2);
  return multiply("MmBackward0", "addmm_impl_cpu_", self, mat2);
}

Tensor bmm(const Tensor& self, const Tensor& mat2) {
  TALLOW_CHECK(self.dim() == 3, "batch1 must be a 3D tensor");
  TALLOW_CHECK(mat2.dim() == 3, "batch2 must be a 3D tensor");
  TALLOW_CHECK(self.sizes()[0] == mat2.sizes()[0] && self.sizes()[2] == mat2.sizes()[1],
               "Expected size for first two dimensions of batch2 tensor to be: [", self.sizes()[0],
               ", ", self.sizes()[2], "] but got: [", mat2.sizes()[0], ", ", mat2.sizes()[1], "].");
  TALLOW_CHECK(self.dtype() == mat2.dtype(), "expected scalar type ",
               scalar_type_name(self.dtype()), " but found ", scalar_type_name(mat2.dtype()));
  return multiply("BmmBackward0", "bmm", self, mat2);
}

Tensor mv(const Tensor& self, const Tensor& vec) {
  TALLOW_CHECK(self.dim() == 2 && vec.dim() == 1, "vector + matrix @ vector expected, got 1, ",
               self.dim(), ", ", vec.dim());
  TALLOW_CHECK(self.sizes()[1] == vec.sizes()[0], "size mismatch, got input (", self.sizes()[0],
               "), mat (", self.sizes()[0], "x", self.sizes()[1], "), vec (", vec.sizes()[0], ")");
  TALLOW_CHECK(self.dtype() == vec.dtype(),
               "addmv input tensors must have the same dtype, but got ",
               scalar_type_name(vec.dtype()), ", ", scalar_type_name(self.dtype()), ", and ",
               scalar_type_name(vec.dtype()));
  const Tensor column = alias(vec, {vec.sizes()[0], 1}, {vec.strides()[0], 1}, vec.impl()->offset);
  const Tensor out = product("addmv_impl_cpu", self, column);
  return record("MvBackward0", {&self, &vec},
                alias(out, {self.sizes()[0]}, {1}, out.impl()->offset), [&](Saver& save) {
                  return [mat = save(self), vector = save(vec, "vec")](Grads& g) {
                    if (g.needs(0)) g.out[0] = outer(g.grad(), conj(g[vector]));
                    if (g.needs(1)) g.out[1] = mv(t(conj(g[mat])), g.grad());
                  };
                });
}

namespace {

void check_vectors(const Tensor& a, const Tensor& b, const char* op) {
  TALLOW_CHECK(a.dim() == 1 && b.dim() == 1, "1D tensors expected, but got ", a.dim(), "D and ",
               b.dim(), "D tensors");
  TALLOW_CHECK(a.dtype() == b.dtype(), op,
               " : expected both vectors to have same dtype, but found ",
               scalar_type_name(a.dtype()), " and ", scalar_type_name(b.dtype()));
  TALLOW_CHECK(a.numel() == b.numel(), "inconsistent tensor size, expected tensor [", a.numel(),
               "] and src [", b.numel(), "] to have the same number of elements, but got ",
               a.numel(), " and ", b.numel(), " elements respectively");
}

Tensor dot_product(const Tensor& a, const Tensor& b) {
  const int64_t n = a.numel();
  const Tensor out = product("dot", alias(a, {1, n}, {n, a.strides()[0]}, a.impl()->offset),
                             alias(b, {n, 1}, {b.strides()[0], 1}, b.impl()->offset));
  return alias(out, {}, {}, out.impl()->offset);
}

}  // namespace

Tensor dot(const Tensor& self, const Tensor& tensor) {
  check_vectors(self, tensor, "dot");
  return record("DotBackward0", {&self, &tensor}, dot_product(self, tensor), [&](Saver& save) {
    return [a = save(self), b = save(tensor, "tensor")](Grads& g) {
      if (g.needs(0)) g.out[0] = mul(g.grad(), conj(g[b]));
      if (g.needs(1)) g.out[1] = mul(g.grad(), conj(g[a]));
    };
  });
}

Tensor vdot(const Tensor& self, const Tensor& other) {
  check_vectors(self, other, "vdot");
  return record("VdotBackward0", {&self, &other}, dot_product(conj(self), other), [&](Saver& save) {
    return [a = save(self), b = save(other, "other")](Grads& g) {
      if (g.needs(0)) g.out[0] = mul(conj(g.grad()), g[b]);
      if (g.needs(1)) g.out[1] = mul(g.grad(), g[a]);
    };
  });
}

Tensor matmul(const Tensor& self, const Tensor& other) {
  TALLOW_CHECK(self.dim() > 0 && other.dim() > 0,
               "both arguments to matmul need to be at least 1D, but they are ", self.dim(),
               "D and ", other.dim(), "D");
  if (self.dim() == 1 && other.dim() == 1) return dot(self, other);
  if (self.dim() == 2 && other.dim() == 2) return mm(self, other);
  if (self.dim() == 2 && other.dim() == 1) return mv(self, other);
  if (self.dim() == 1) return squeeze_dims(matmul(unsqueeze(self, 0), other), {-2});
  if (other.dim() == 1) {
    const int64_t rows = self.size(-1) ? self.numel() / self.size(-1) : 0;
    TALLOW_CHECK(self.size(-1) == other.sizes()[0], "size mismatch, got input (", rows, "), mat (",
                 rows, "x", self.size(-1), "), vec (", other.sizes()[0], ")");
    return squeeze_dims(matmul(self, unsqueeze(other, 1)), {-1});
  }
  if (other.dim() == 2) {
    check_inner_sizes(self, other);
    check_same_type(self, other);
    return multiply("MmBackward0", "addmm_impl_cpu_", self, other);
  }
  const Dims batch = broadcast_shapes(Dims(self.sizes().data(), self.dim() - 2),
                                      Dims(other.sizes().data(), other.dim() - 2));
  if (self.dim() == 2) {
    TALLOW_CHECK(self.size(-1) == other.size(-2), "mat1 and mat2 shapes cannot be multiplied (",
                 self.size(0), "x", self.size(1), " and ", other.size(-2), "x", other.size(-1),
                 ")");
    check_same_type(self, other);
  }
  int64_t items = 1;
  for (const int64_t size : batch) items *= size;
  TALLOW_CHECK(self.size(-1) == other.size(-2),
               "Expected size for first two dimensions of batch2 tensor to be: [", items, ", ",
               self.size(-1), "] but got: [", items, ", ", other.size(-2), "].");
  TALLOW_CHECK(self.dtype() == other.dtype(), "expected scalar type ",
               scalar_type_name(self.dtype()), " but found ", scalar_type_name(other.dtype()));
  return multiply("BmmBackward0", "bmm", self, other);
}

Tensor outer(const Tensor& self, const Tensor& vec2) {
  TALLOW_CHECK(self.dim() == 1, "outer: Expected 1-D argument self, but got ", self.dim(), "-D");
  TALLOW_CHECK(vec2.dim() == 1, "outer: Expected 1-D argument vec2, but got ", vec2.dim(), "-D");
  return mul(unsqueeze(self, 1), vec2);
}

Tensor inner(const Tensor& self, const Tensor& other) {
  if (self.dim() == 0 || other.dim() == 0) return mul(self, other);
  TALLOW_CHECK(self.size(-1) == other.size(-1),
               "inner() the last dimension must match on both input tensors but got shapes ",
               self.sizes(), " and ", other.sizes());
  Dims shape(self.sizes().data(), self.dim() - 1);
  for (int64_t d = 0; d + 1 < other.dim(); ++d) shape.push_back(other.sizes()[d]);
  const Tensor rows = reshape(self, {self.size(-1) ? -1 : 0, self.size(-1)});
  const Tensor columns = reshape(other, {other.size(-1) ? -1 : 0, other.size(-1)});
  return reshape(mm(rows, t(columns)), shape);
}

namespace {

// The cheapest order to multiply matrices i to j: split[i][j] is where the last product is.
// Source: Cormen, Leiserson, Rivest, Stein, Introduction to Algorithms, section 15.2.
Tensor multiply_range(const std::vector<Tensor>& matrices,
                      const std::vector<std::vector<int64_t>>& split, int64_t i, int64_t j) {
  if (i == j) return matrices[i];
  return mm(multiply_range(matrices, split, i, split[i][j]),
            multiply_range(matrices, split, split[i][j] + 1, j));
}

}  // namespace

Tensor chain_matmul(const std::vector<Tensor>& matrices) {
  TALLOW_CHECK(!matrices.empty(), "chain_matmul(): Expected one or more matrices");
  check_defined(matrices);
  for (const Tensor& matrix : matrices) {
    TALLOW_CHECK(matrix.dim() == 2, "Tensor dimension is ", matrix.dim(), ", expected 2 instead.");
  }
  const int64_t count = static_cast<int64_t>(matrices.size());
  std::vector<std::vector<double>> cost(count, std::vector<double>(count, 0.0));
  std::vector<std::vector<int64_t>> split(count, std::vector<int64_t>(count, 0));
  for (int64_t length = 1; length < count; ++length) {
    for (int64_t i = 0; i + length < count; ++i) {
      const int64_t j = i + length;
      for (int64_t s = i; s < j; ++s) {
        const double last = static_cast<double>(matrices[i].size(0)) *
                            static_cast<double>(matrices[s].size(1)) *
                            static_cast<double>(matrices[j].size(1));
        const double total = cost[i][s] + cost[s + 1][j] + last;
        if (s > i && total >= cost[i][j]) continue;
        cost[i][j] = total;
        split[i][j] = s;
      }
    }
  }
  return multiply_range(matrices, split, 0, count - 1);
}

}  // namespace tallow::ops
