// QR of small matrices by Householder's reflections, in float64 whatever the type, so that a few
// numbers need no way through NumPy. Source: Golub and Van Loan, Matrix Computations, algorithms
// 5.1.1 and 5.2.1, with the signs of LAPACK's geqrf: the diagonal of R is opposite in sign to what
// stood there.
#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "autograd/grad_mode.h"
#include "core/error.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/linalg.h"

namespace tallow::ops {

namespace {

// A matrix by columns.
template <class T>
struct Columns {
  std::vector<T> values;
  int64_t rows;
  T* column(int64_t j) { return values.data() + j * rows; }
};

double real_part(double x) { return x; }
double real_part(const std::complex<double>& x) { return x.real(); }
double imaginary_part(double) { return 0; }
double imaginary_part(const std::complex<double>& x) { return x.imag(); }
double conjugate(double x) { return x; }
std::complex<double> conjugate(const std::complex<double>& x) { return std::conj(x); }

double larger(double x, double y) { return x > y || x != x ? x : y; }  // NaN wins

// The 2-norm, without overflow: where squares could, the largest part is taken out.
template <class T>
double norm(const T* x, int64_t n) {
  double largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    largest = larger(larger(std::abs(real_part(x[i])), std::abs(imaginary_part(x[i]))), largest);
  }
  if (largest == 0) return 0;
  const double unit = largest > 1e-140 && largest < 1e140 ? 1 : largest;
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const T scaled = unit == 1 ? x[i] : x[i] / unit;
    sum += real_part(scaled) * real_part(scaled) + imaginary_part(scaled) * imaginary_part(scaled);
  }
  return unit * std::sqrt(sum);
}

// Makes x the vector v, with 1 in front, of a reflection I - tau v v^H that turns the given x into
// a multiple of the first unit vector; returns tau and puts the multiple into `first`.
template <class T>
T make_reflection(T* x, int64_t n, T& first) {
  const T alpha = x[0];
  first = alpha;
  const double rest = norm(x + 1, n - 1);
  if (rest == 0 && imaginary_part(alpha) == 0) return 0;
  const double beta = -std::copysign(std::hypot(std::abs(alpha), rest), real_part(alpha));
  const T divisor = alpha - beta;
  for (int64_t i = 1; i < n; ++i) x[i] /= divisor;
  first = beta;
  return (T(beta) - alpha) / beta;
}

// y -= tau v (v^H y), where v[0] counts as 1.
template <class T>
void reflect(const T* v, T tau, T* y, int64_t n) {
  T product = y[0];
  for (int64_t i = 1; i < n; ++i) product += conjugate(v[i]) * y[i];
  product *= tau;
  y[0] -= product;
  for (int64_t i = 1; i < n; ++i) y[i] -= v[i] * product;
}

// Q (m x columns of q) and R (r_rows x n), both by rows in memory of type E.
template <class E, class T>
void factor(const E* a, int64_t m, int64_t n, E* q, int64_t q_columns, E* r, int64_t r_rows) {
  Columns<T> work{std::vector<T>(static_cast<std::size_t>(m * n)), m};
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) work.column(j)[i] = static_cast<T>(a[i * n + j]);
  }
  const int64_t steps = std::min(m, n);
  std::vector<T> taus(static_cast<std::size_t>(steps));
  std::fill(r, r + r_rows * n, E(0));
  for (int64_t k = 0; k < steps; ++k) {
    T* const v = work.column(k) + k;
    T diagonal;
    const T tau = taus[static_cast<std::size_t>(k)] = make_reflection(v, m - k, diagonal);
    for (int64_t j = k + 1; j < n; ++j) reflect(v, conjugate(tau), work.column(j) + k, m - k);
    r[k * n + k] = static_cast<E>(diagonal);
    for (int64_t j = k + 1; j < n; ++j) r[k * n + j] = static_cast<E>(work.column(j)[k]);
  }
  // The reflections applied to unit vectors, the last one first.
  std::vector<T> y(static_cast<std::size_t>(m));
  for (int64_t j = 0; j < q_columns; ++j) {
    std::fill(y.begin(), y.end(), T(0));
    y[static_cast<std::size_t>(j)] = 1;
    for (int64_t k = std::min(steps - 1, j); k >= 0; --k) {
      reflect(work.column(k) + k, taus[static_cast<std::size_t>(k)], y.data() + k, m - k);
    }
    for (int64_t i = 0; i < m; ++i) {
      q[i * q_columns + j] = static_cast<E>(y[static_cast<std::size_t>(i)]);
    }
  }
}

template <class E, class T>
void factor_all(const Tensor& A, const Tensor& Q, const Tensor& R) {
  const int64_t m = A.size(-2), n = A.size(-1), q_columns = Q.size(-1), r_rows = R.size(-2);
  const auto* a = static_cast<const E*>(A.ptr());
  auto* q = static_cast<E*>(Q.ptr());
  auto* r = static_cast<E*>(R.ptr());
  const int64_t count = A.numel() == 0 ? 0 : A.numel() / (m * n);
  for (int64_t item = 0; item < count; ++item) {
    factor<E, T>(a, m, n, q, q_columns, r, r_rows);
    a += m * n, q += m * q_columns, r += r_rows * n;
  }
}

}  // namespace

std::tuple<Tensor, Tensor> linalg_qr(const Tensor& A, bool complete) {
  TALLOW_CHECK(A.dim() >= 2 && A.device().is_cpu() && A.numel() > 0,
               "linalg.qr: expected matrices on the CPU, but got a tensor of shape ", A.sizes());
  const NoGradGuard no_grad;
  const Tensor a = contiguous(A);
  const int64_t m = A.size(-2), n = A.size(-1), k = complete ? m : std::min(m, n);
  Dims q_shape = A.sizes(), r_shape = A.sizes();
  q_shape[A.dim() - 1] = k;
  r_shape[A.dim() - 2] = k;
  const Tensor Q = empty(q_shape, A.dtype()), R = empty(r_shape, A.dtype());
  switch (A.dtype()) {
    case DType::kFloat32:
      factor_all<float, double>(a, Q, R);
      break;
    case DType::kFloat64:
      factor_all<double, double>(a, Q, R);
      break;
    case DType::kComplex64:
      factor_all<std::complex<float>, std::complex<double>>(a, Q, R);
      break;
    case DType::kComplex128:
      factor_all<std::complex<double>, std::complex<double>>(a, Q, R);
      break;
    default:
      TALLOW_CHECK(false, "linalg.qr: unexpected type ", A.dtype());
  }
  return {Q, R};
}

}  // namespace tallow::ops
