// Factors of matrices and triangular systems of float32 and float64. Everything is cut in halves
// until at most kFew columns are left; what joins the halves are products of matrices.
#include "backend/linalg.h"

#include <cmath>
#include <cstring>

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/gemm.h"
#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Columns that are treated one by one; a row of so many fills whole registers.
inline constexpr int64_t kFew = 16;
// Columns that are factored apart from the rest of a matrix, in memory of their own.
inline constexpr int64_t kPanel = 128;

// The first part of n columns or rows: about half, a multiple of kFew.
TALLOW_INLINE int64_t first_half(int64_t n) { return (n / 2 + kFew - 1) / kFew * kFew; }

template <class T>
struct Block {
  T* data;
  int64_t row, column;  // strides
  TALLOW_INLINE T* at(int64_t i, int64_t j) const { return data + i * row + j * column; }
  TALLOW_INLINE Block from(int64_t i, int64_t j) const { return {at(i, j), row, column}; }
};

// c -= a * b; the columns of c are neighbours.
template <class T>
TALLOW_NOINLINE Status subtract_product(int64_t m, int64_t n, int64_t k, Block<const T> a,
                                        Block<const T> b, Block<T> c) {
  if (m == 0 || n == 0 || k == 0) return Status::kOk;
  return matmul_floating({dtype_of<T>,
                          {1, 1},
                          m,
                          n,
                          k,
                          {a.data, {0, 0, a.row, a.column}},
                          {b.data, {0, 0, b.row, b.column}},
                          {c.data, {0, 0, c.row, 1}},
                          c.data,
                          {0, 0, c.row},
                          -1.0,
                          1.0});
}

// y -= factor * x.
template <class T>
TALLOW_INLINE void subtract_row(T* __restrict y, const T* __restrict x, T factor, int64_t n) {
  for (int64_t j = 0; j < n; ++j) y[j] -= factor * x[j];
}

// ---- Triangular systems

struct Triangle {
  bool lower, unit;
};

// Up to kFew unknowns per column of b, whose columns are taken some at a time.
template <class T>
void substitute(Triangle kind, int64_t n, int64_t columns, Block<const T> t, Block<T> b) {
  constexpr int64_t kStrip = 256;
  for (int64_t begin = 0; begin < columns; begin += kStrip) {
    const int64_t width = lesser(kStrip, columns - begin);
    for (int64_t step = 0; step < n; ++step) {
      const int64_t i = kind.lower ? step : n - 1 - step;
      T* const x = b.at(i, begin);
      for (int64_t done = 0; done < step; ++done) {
        const int64_t k = kind.lower ? done : n - 1 - done;
        subtract_row<T>(x, b.at(k, begin), *t.at(i, k), width);
      }
      if (kind.unit) continue;
      const T divisor = *t.at(i, i);
      for (int64_t j = 0; j < width; ++j) x[j] /= divisor;
    }
  }
}

template <class T>
TALLOW_NOINLINE Status solve(Triangle kind, int64_t n, int64_t columns, Block<const T> t,
                             Block<T> b) {
  if (n <= kFew) {
    substitute(kind, n, columns, t, b);
    return Status::kOk;
  }
  const int64_t h = first_half(n);
  const int64_t rest = n - h;
  const Block<T> below = b.from(h, 0);
  Status status =
      kind.lower ? solve(kind, h, columns, t, b) : solve(kind, rest, columns, t.from(h, h), below);
  if (status != Status::kOk) return status;
  status =
      kind.lower
          ? subtract_product<T>(rest, columns, h, t.from(h, 0), {b.data, b.row, b.column}, below)
          : subtract_product<T>(h, columns, rest, t.from(0, h), {below.data, b.row, b.column}, b);
  if (status != Status::kOk) return status;
  return kind.lower ? solve(kind, rest, columns, t.from(h, h), below)
                    : solve(kind, h, columns, t, b);
}

// ---- LU with partial pivoting

template <class T>
TALLOW_NOINLINE void exchange(T* __restrict a, T* __restrict b, int64_t n) {
  for (int64_t j = 0; j < n; ++j) {
    const T old = a[j];
    a[j] = b[j];
    b[j] = old;
  }
}

// What a factorization writes besides the factors.
struct Steps {
  int32_t* pivots;
  int32_t* info;
};

// A panel: at least as many rows as columns; `width` elements from row to row, a multiple of kFew.
template <class T>
struct Panel {
  T* data;
  int64_t rows, columns, width;
  TALLOW_INLINE T* row(int64_t i) const { return data + i * width; }
};

// Eliminates column k from the rows below the pivot, in the kFew columns from `first` on.
template <class T>
void eliminate(const Panel<T>& panel, int64_t k, int64_t first) {
  alignas(64) T others[kFew] = {};
  const T* const pivots = panel.row(k) + first;
  for (int64_t j = k + 1 - first; j < kFew; ++j) others[j] = pivots[j];
  const T pivot = pivots[k - first];
  for (int64_t i = k + 1; i < panel.rows; ++i) {
    T* const row = panel.row(i) + first;
    const T factor = row[k - first] / pivot;
    if (TALLOW_LIKELY(factor - factor == T(0))) {
      // The columns up to k lose nothing.
      for (int64_t j = 0; j < kFew; ++j) row[j] -= factor * others[j];
    } else {
      for (int64_t j = k + 1 - first; j < kFew; ++j) row[j] -= factor * others[j];
    }
    row[k - first] = factor;
  }
}

template <class T>
int64_t largest_from(const Panel<T>& panel, int64_t k) {
  int64_t place = k;
  T largest = std::abs(panel.row(k)[k]);
  for (int64_t i = k + 1; i < panel.rows; ++i) {
    const T size = std::abs(panel.row(i)[k]);
    if (size > largest) {
      largest = size;
      place = i;
    }
  }
  return place;
}

template <class T>
TALLOW_NOINLINE void factor_few(const Panel<T>& panel, int64_t first, int64_t last,
                                const Steps& steps) {
  for (int64_t k = first; k < last; ++k) {
    const int64_t place = largest_from(panel, k);
    steps.pivots[k] = static_cast<int32_t>(place + 1);
    if (place != k) exchange(panel.row(k), panel.row(place), panel.columns);
    if (panel.row(k)[k] != T(0)) {
      eliminate(panel, k, first);
    } else if (*steps.info == 0) {
      *steps.info = static_cast<int32_t>(k + 1);
    }
  }
}

// Source: Toledo, Locality of reference in LU decomposition with partial pivoting (1997).
template <class T>
Status factor_panel(const Panel<T>& panel, int64_t first, int64_t last, const Steps& steps) {
  if (last - first <= kFew) {
    factor_few(panel, first, last, steps);
    return Status::kOk;
  }
  const int64_t middle = first + first_half(last - first);
  Status status = factor_panel(panel, first, middle, steps);
  if (status != Status::kOk) return status;
  const int64_t h = middle - first;
  const Block<const T> left{panel.row(first) + first, panel.width, 1};
  const Block<T> right{panel.row(first) + middle, panel.width, 1};
  status = solve({true, true}, h, last - middle, left, right);
  if (status != Status::kOk) return status;
  status = subtract_product<T>(panel.rows - middle, last - middle, h, left.from(h, 0),
                               {right.data, right.row, 1}, right.from(h, 0));
  if (status != Status::kOk) return status;
  return factor_panel(panel, middle, last, steps);
}

// The panel of columns [k, k + columns) is factored in `memory`, then the rest follows it.
template <class T>
Status factor_step(T* a, int64_t m, int64_t n, int64_t k, int64_t columns, T* memory,
                   const Steps& steps) {
  const Panel<T> panel{memory, m - k, columns, (columns + kFew - 1) / kFew * kFew};
  for (int64_t i = 0; i < panel.rows; ++i) {
    T* const row = panel.row(i);
    std::memcpy(row, a + (k + i) * n + k, columns * sizeof(T));
    for (int64_t j = columns; j < panel.width; ++j) row[j] = T(0);
  }
  int32_t info = 0;
  const Status status = factor_panel(panel, 0, columns, {steps.pivots + k, &info});
  if (status != Status::kOk) return status;
  if (info && *steps.info == 0) *steps.info = static_cast<int32_t>(info + k);
  for (int64_t i = 0; i < panel.rows; ++i) {
    std::memcpy(a + (k + i) * n + k, panel.row(i), columns * sizeof(T));
  }
  const int64_t next = k + columns;
  for (int64_t i = k; i < next; ++i) {
    const int64_t place = steps.pivots[i] + k - 1;
    steps.pivots[i] = static_cast<int32_t>(place + 1);
    if (place == i) continue;
    exchange(a + i * n, a + place * n, k);
    exchange(a + i * n + next, a + place * n + next, n - next);
  }
  if (next >= n) return Status::kOk;
  const Block<const T> factors{panel.data, panel.width, 1};
  const Block<T> right{a + k * n + next, n, 1};
  const Status solved = solve({true, true}, columns, n - next, factors, right);
  if (solved != Status::kOk) return solved;
  return subtract_product<T>(m - next, n - next, columns, factors.from(columns, 0),
                             {right.data, n, 1}, right.from(columns, 0));
}

TALLOW_INLINE int64_t panel_elements(int64_t m, int64_t n) {
  return m * lesser((lesser(m, n) + kFew - 1) / kFew * kFew, kPanel);
}

template <class T>
Status factor(T* a, int64_t m, int64_t n, const Steps& steps) {
  const int64_t count = lesser(m, n);
  *steps.info = 0;
  if (count == 0) return Status::kOk;
  const Scratch<T> memory(panel_elements(m, n));
  if (!memory) return memory.failure();
  for (int64_t k = 0; k < count; k += kPanel) {
    const Status status = factor_step(a, m, n, k, lesser(kPanel, count - k), memory.get(), steps);
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

// ---- Cholesky

template <class T>
int64_t cholesky_few(Block<T> a, int64_t n) {
  for (int64_t k = 0; k < n; ++k) {
    const T square = *a.at(k, k);
    if (!(square > T(0))) return k + 1;  // a NaN too
    const T root = std::sqrt(square);
    *a.at(k, k) = root;
    for (int64_t j = k + 1; j < n; ++j) *a.at(k, j) /= root;
    for (int64_t i = k + 1; i < n; ++i) {
      subtract_row<T>(a.at(i, i), a.at(k, i), *a.at(k, i), n - i);
    }
  }
  return 0;
}

// a -= (the transpose of x) * x, on and above the diagonal: some rows at a time.
template <class T>
Status subtract_square(int64_t n, int64_t k, Block<const T> x, Block<T> a) {
  for (int64_t i = 0; i < n; i += kPanel) {
    const Status status = subtract_product<T>(lesser(kPanel, n - i), n - i, k,
                                              {x.at(0, i), 1, x.row}, x.from(0, i), a.from(i, i));
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

template <class T>
Status cholesky_in_place(Block<T> a, int64_t n, int64_t offset, int32_t* info) {
  if (n <= kFew) {
    const int64_t bad = cholesky_few(a, n);
    *info = static_cast<int32_t>(bad ? bad + offset : 0);
    return Status::kOk;
  }
  const int64_t h = first_half(n);
  Status status = cholesky_in_place(a, h, offset, info);
  if (status != Status::kOk || *info) return status;
  const Block<T> right = a.from(0, h);
  status = solve<T>({true, false}, h, n - h, {a.data, 1, a.row}, right);
  if (status != Status::kOk) return status;
  status = subtract_square<T>(n - h, h, {right.data, right.row, 1}, a.from(h, h));
  if (status != Status::kOk) return status;
  return cholesky_in_place(a.from(h, h), n - h, offset + h, info);
}

// ---- Batches

// Runs body(item) for each of `count` matrices, of which each takes some `flops` operations. What
// can go wrong is that there is no memory for `elements` numbers.
template <class T, class Body>
Status for_each(int64_t count, int64_t flops, int64_t elements, const Body& body) {
  if (count == 1) return body(0);
  int64_t failed = 0;
  parallel_for(count, kTaskFlops / 16 / (flops + 64) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      if (body(item) != Status::kOk) __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
    }
  });
  return failed ? out_of_memory(elements * static_cast<int64_t>(sizeof(T))) : Status::kOk;
}

Status lu(DType dtype, void* a, int64_t count, int64_t m, int64_t n, int32_t* pivots,
          int32_t* info) {
  const int64_t steps = lesser(m, n);
  return dispatch(Floating{}, dtype, "lu", [&]<class T>() {
    return for_each<T>(count, m * n * steps, panel_elements(m, n), [=](int64_t item) {
      return factor(static_cast<T*>(a) + item * m * n, m, n, {pivots + item * steps, info + item});
    });
  });
}

Status cholesky(DType dtype, void* a, int64_t count, int64_t n, int32_t* info) {
  return dispatch(Floating{}, dtype, "cholesky", [&]<class T>() {
    return for_each<T>(count, n * n * n / 3, n * n, [=](int64_t item) {
      info[item] = 0;
      return cholesky_in_place<T>({static_cast<T*>(a) + item * n * n, n, 1}, n, 0, info + item);
    });
  });
}

Status solve_triangular(const TriangularArgs& args) {
  const int64_t n = args.n;
  return dispatch(Floating{}, args.dtype, "solve_triangular", [&]<class T>() {
    return for_each<T>(args.count, n * n * args.columns, n * args.columns, [&](int64_t item) {
      const Block<const T> t{static_cast<const T*>(args.t) + item * args.t_stride[0],
                             args.t_stride[1], args.t_stride[2]};
      const Block<T> b{static_cast<T*>(args.b) + item * n * args.columns, args.columns, 1};
      return solve({args.lower, args.unit}, n, args.columns, t, b);
    });
  });
}

}  // namespace

void fill_linalg(LinalgKernels& table) {
  table.lu = lu;
  table.cholesky = cholesky;
  table.solve_triangular = solve_triangular;
}

}  // namespace tallow::cpu::TALLOW_ISA
