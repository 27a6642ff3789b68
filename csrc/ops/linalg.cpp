#include "ops/linalg.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <vector>

#include "autograd/grad_mode.h"
#include "core/error.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/kernel.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

void check_matrices(const char* op, const Tensor& A) {
  TALLOW_CHECK(A.dim() >= 2 && A.device().is_cpu() &&
                   (A.dtype() == DType::kFloat32 || A.dtype() == DType::kFloat64),
               op, ": expected matrices of float32 or float64 on the CPU, but got a ", A.dim(),
               "-d tensor of ", A.dtype(), " on ", A.device());
}
void check_square(const char* op, const Tensor& A) {
  check_matrices(op, A);
  TALLOW_CHECK(A.size(-1) == A.size(-2), op, ": expected square matrices, but they are ",
               A.size(-2), " by ", A.size(-1));
}

Dims batch_shape(const Tensor& A) { return Dims(A.sizes().data(), A.dim() - 2); }
Dims with(Dims batch, std::initializer_list<int64_t> last) {
  for (const int64_t size : last) batch.push_back(size);
  return batch;
}
int64_t product(const Dims& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

// The values in new memory, by rows.
Tensor copied(const Tensor& A) {
  const NoGradGuard no_grad;
  return clone_strided(A, contiguous_strides(A.sizes()));
}

// Calls body.template operator()<T>() with the C++ type of a checked dtype.
template <class Body>
void with_type(DType dtype, const Body& body) {
  if (dtype == DType::kFloat32) {
    body.template operator()<float>();
  } else {
    body.template operator()<double>();
  }
}

struct Factors {
  Tensor packed, pivots, info;
  int64_t first_singular() const {
    const int32_t* const numbers = info.data<int32_t>();
    for (int64_t i = 0; i < info.numel(); ++i) {
      if (numbers[i] != 0) return i;
    }
    return -1;
  }
};

Factors factor(const char* op, const Tensor& A) {
  check_matrices(op, A);
  const int64_t m = A.size(-2);
  const int64_t n = A.size(-1);
  const Dims batch = batch_shape(A);
  const Factors result{copied(A), empty(with(batch, {std::min(m, n)}), DType::kInt32),
                       empty(batch, DType::kInt32)};
  run<&Backend::linalg, &LinalgKernels::lu>(
      op, A.device(), A.dtype(), result.packed.ptr(), result.info.numel(), m, n,
      result.pivots.data<int32_t>(), result.info.data<int32_t>());
  return result;
}

// The rows of a matrix in the order that exchanges bring about: result[i] came from row order[i].
std::vector<int64_t> row_order(const int32_t* pivots, int64_t steps, int64_t rows) {
  std::vector<int64_t> order(rows);
  std::iota(order.begin(), order.end(), int64_t{0});
  for (int64_t k = 0; k < steps; ++k) {
    const int64_t other = pivots[k] - 1;
    TALLOW_CHECK(other >= 0,
                 "Pivots given to lu_solve must all be greater or equal to 1. Did you "
                 "properly pass the result of lu_factor?");
    TALLOW_CHECK(other < rows,
                 "Pivots given to lu_solve must all be smaller or equal to "
                 "LU.size(-2). Did you properly pass the result of lu_factor?");
    std::swap(order[k], order[other]);
  }
  return order;
}

// Solves with matrices of any strides in place of `b`, which is contiguous.
void solve_in_place(const char* op, const Tensor& t, const Tensor& b, bool transposed, bool lower,
                    bool unit) {
  const int64_t rows = t.strides()[t.dim() - 2];
  const int64_t columns = t.strides()[t.dim() - 1];
  const int64_t n = t.size(-1);
  TriangularArgs args{b.dtype(), product(batch_shape(b)), n,       b.size(-1),
                      t.ptr(),   {0, rows, columns},      b.ptr(), lower,
                      unit};
  if (t.dim() > 2) args.t_stride[0] = n * n;
  if (transposed) std::swap(args.t_stride[1], args.t_stride[2]);
  run<&Backend::linalg, &LinalgKernels::solve_triangular>(op, b.device(), args);
}

// One matrix as it is, several in the memory order and number that solve_in_place() expects.
Tensor expanded(const Tensor& A, const Dims& batch) {
  if (A.dim() == 2) return A;
  return contiguous(expand(A, with(batch, {A.size(-2), A.size(-1)})));
}

void check_right_side(const char* op, const Tensor& A, const Tensor& B, int64_t rows) {
  check_matrices(op, B);
  TALLOW_CHECK(A.dtype() == B.dtype() && rows == A.size(-1), op, ": expected right sides of ",
               A.dtype(), " with ", A.size(-1), " rows, but got ", B.dtype(), " with ", rows);
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> linalg_lu(const Tensor& A) {
  const Factors found = factor("lu_factor", A);
  return {found.packed, found.pivots, found.info};
}

Tensor linalg_lu_solve(const Tensor& LU, const Tensor& pivots, const Tensor& B, bool adjoint) {
  const char* const op = "lu_solve";
  const NoGradGuard no_grad;
  check_square(op, LU);
  const int64_t n = LU.size(-1);
  check_right_side(op, LU, B, B.dim() < 2 ? 0 : B.size(-2));
  TALLOW_CHECK(pivots.dtype() == DType::kInt32 && pivots.device().is_cpu() &&
                   pivots.sizes() == with(batch_shape(LU), {n}),
               op, ": expected one int32 pivot per row of LU");
  const Dims batch = broadcast_shapes(batch_shape(LU), batch_shape(B));
  const int64_t columns = B.size(-1);
  const Tensor t = expanded(LU, batch);
  const Tensor exchanges = contiguous(LU.dim() == 2 ? pivots : expand(pivots, with(batch, {n})));
  const Tensor b = contiguous(expand(B, with(batch, {n, columns})));
  const Tensor out = empty(b.sizes(), B.dtype());
  const auto permute = [&](const Tensor& from, const Tensor& to, bool back) {
    const int64_t nbytes = columns * item_size(B.dtype());
    const char* source = static_cast<const char*>(from.ptr());
    char* target = static_cast<char*>(to.ptr());
    for (int64_t item = 0; item < product(batch); ++item) {
      const int32_t* const steps = exchanges.data<int32_t>() + (LU.dim() == 2 ? 0 : item * n);
      const std::vector<int64_t> order = row_order(steps, n, n);
      for (int64_t i = 0; i < n; ++i) {
        const int64_t other = order[static_cast<size_t>(i)];
        std::memcpy(target + (back ? other : i) * nbytes, source + (back ? i : other) * nbytes,
                    static_cast<size_t>(nbytes));
      }
      source += n * nbytes;
      target += n * nbytes;
    }
  };
  if (adjoint) {  // A^T = U^T L^T P^T
    const Tensor x = copied(b);
    solve_in_place(op, t, x, true, true, false);
    solve_in_place(op, t, x, true, false, true);
    permute(x, out, true);
  } else {
    permute(b, out, false);
    solve_in_place(op, t, out, false, true, true);
    solve_in_place(op, t, out, false, false, false);
  }
  return out;
}

Tensor linalg_permutation(const Tensor& pivots, int64_t rows, DType dtype) {
  TALLOW_CHECK(pivots.dim() >= 1 && pivots.dtype() == DType::kInt32 && pivots.device().is_cpu() &&
                   rows >= pivots.size(-1),
               "lu: expected at most one int32 pivot per row");
  TALLOW_CHECK(is_differentiable(dtype), "lu: unexpected type ", dtype);
  const int64_t steps = pivots.size(-1);
  const Tensor numbers = contiguous(pivots);
  const Dims batch(pivots.sizes().data(), pivots.dim() - 1);
  const Tensor ones = zeros(with(batch, {rows, rows}), DType::kUInt8);
  uint8_t* matrix = ones.data<uint8_t>();
  for (int64_t item = 0; item < product(batch); ++item, matrix += rows * rows) {
    const auto order = row_order(numbers.data<int32_t>() + item * steps, steps, rows);
    for (int64_t i = 0; i < rows; ++i) matrix[order[static_cast<size_t>(i)] * rows + i] = 1;
  }
  return to_dtype(ones, dtype);
}

std::tuple<Tensor, Tensor> linalg_cholesky(const Tensor& A) {
  check_square("cholesky", A);
  const int64_t n = A.size(-1);
  const NoGradGuard no_grad;
  const Tensor upper = copied(transpose(A, -2, -1));
  const Tensor info = empty(batch_shape(A), DType::kInt32);
  run<&Backend::linalg, &LinalgKernels::cholesky>("cholesky", A.device(), A.dtype(), upper.ptr(),
                                                  info.numel(), n, info.data<int32_t>());
  with_type(A.dtype(), [&]<class T>() {
    T* row = upper.data<T>();
    for (int64_t item = 0; item < info.numel(); ++item) {
      const bool failed = info.data<int32_t>()[item] != 0;
      for (int64_t i = 0; i < n; ++i, row += n) std::fill(row, row + (failed ? n : i), T(0));
    }
  });
  return {transpose(upper, -2, -1), info};
}

Tensor linalg_solve_triangular(const Tensor& A, const Tensor& B, bool upper, bool left,
                               bool unitriangular) {
  const char* const op = "linalg.solve_triangular";
  const NoGradGuard no_grad;
  check_square(op, A);
  check_right_side(op, A, B, B.dim() < 2 ? 0 : B.size(left ? -2 : -1));
  const Dims batch = broadcast_shapes(batch_shape(A), batch_shape(B));
  const Tensor b = left ? B : transpose(B, -2, -1);
  const Tensor x = copied(expand(b, with(batch, {b.size(-2), b.size(-1)})));
  solve_in_place(op, expanded(A, batch), x, !left, upper != left, unitriangular);
  return left ? x : transpose(x, -2, -1);
}

std::tuple<Tensor, int64_t> linalg_solve(const Tensor& A, const Tensor& B) {
  check_square("linalg.solve", A);
  const Factors found = factor("linalg.solve", A);
  const int64_t singular = found.first_singular();
  if (singular >= 0) return {Tensor(B), singular};
  return {linalg_lu_solve(found.packed, found.pivots, B, false), -1};
}

std::tuple<Tensor, int64_t> linalg_inv(const Tensor& A) {
  check_square("linalg.inv", A);
  return linalg_solve(A, eye(A.size(-1), std::nullopt, A.dtype()));
}

Tensor linalg_det(const Tensor& A) {
  check_square("linalg.det", A);
  const Factors found = factor("linalg.det", A);
  const int64_t n = A.size(-1);
  const Tensor out = empty(batch_shape(A), A.dtype());
  with_type(A.dtype(), [&]<class T>() {
    const T* factors = found.packed.data<T>();
    const int32_t* pivots = found.pivots.data<int32_t>();
    for (int64_t item = 0; item < out.numel(); ++item, factors += n * n, pivots += n) {
      double result = 1;
      for (int64_t k = 0; k < n; ++k) {
        result *= pivots[k] == k + 1 ? factors[k * n + k] : -factors[k * n + k];
      }
      out.data<T>()[item] = static_cast<T>(result);
    }
  });
  return out;
}

std::tuple<Tensor, Tensor> linalg_slogdet(const Tensor& A) {
  check_square("linalg.slogdet", A);
  const Factors found = factor("linalg.slogdet", A);
  const int64_t n = A.size(-1);
  const Tensor sign = empty(batch_shape(A), A.dtype());
  const Tensor logarithm = empty(batch_shape(A), A.dtype());
  with_type(A.dtype(), [&]<class T>() {
    const T* factors = found.packed.data<T>();
    const int32_t* pivots = found.pivots.data<int32_t>();
    for (int64_t item = 0; item < sign.numel(); ++item, factors += n * n, pivots += n) {
      double direction = 1;
      double sum = 0;
      for (int64_t k = 0; k < n; ++k) {
        const double value = factors[k * n + k];
        const double turned = pivots[k] == k + 1 ? value : -value;
        direction *= turned > 0 ? 1 : turned < 0 ? -1 : turned;  // 0 and NaN stay
        sum += std::log(std::abs(value));
      }
      sign.data<T>()[item] = static_cast<T>(direction);
      logarithm.data<T>()[item] = static_cast<T>(sum);
    }
  });
  return {sign, logarithm};
}

}  // namespace tallow::ops
