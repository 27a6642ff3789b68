// Matrix products of integers and complex numbers, and of half types by way of float32.
#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/gemm.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Integers wrap around: sums are taken in an unsigned type at least as wide.
template <class T>
struct SumType {
  using type = uint32_t;
};
template <>
struct SumType<int64_t> {
  using type = uint64_t;
};
template <>
struct SumType<complex64> {
  using type = complex64;
};
template <>
struct SumType<complex128> {
  using type = complex128;
};

inline constexpr int64_t kColumns = 256;
inline constexpr int64_t kColumnUnit = 32;  // columns are computed in multiples of this
inline constexpr int64_t kSteps = 64;

struct Item {
  const void* a;
  const void* b;
  const void* init;
  void* c;
};
template <class T>
Item batch_item(const MatmulArgs& args, int64_t index) {
  const int64_t p = index / args.batch[1];
  const int64_t q = index % args.batch[1];
  const auto at = [&](const MatmulOperand& operand) {
    return static_cast<const T*>(operand.data) + p * operand.stride[0] + q * operand.stride[1];
  };
  return {at(args.a), at(args.b), args.init.data ? at(args.init) : nullptr,
          static_cast<T*>(args.c) + p * args.c_stride[0] + q * args.c_stride[1]};
}

// Rows that are summed side by side.
inline constexpr int kPlainRows = 4;

// sums[row][j] += the sum over l < steps of factor[row][l] * panel[l][j] for j < columns.
template <class Sum>
TALLOW_INLINE void add_products(const Sum (&factor)[kPlainRows][kSteps], const Sum* panel,
                                int64_t steps, int64_t columns, Sum* sums) {
  for (int r = 0; r < kPlainRows; ++r) {
    for (int64_t l = 0; l < steps; ++l) {
      for (int64_t j = 0; j < columns; ++j) {
        Sum& sum = sums[r * kColumns + j];
        sum = sum + factor[r][l] * panel[l * kColumns + j];
      }
    }
  }
}

// The same for integers, whole vectors of columns at a time, with sums in registers.
template <class Sum>
TALLOW_INLINE void add_integer_products(const Sum (&factor)[kPlainRows][kSteps], const Sum* panel,
                                        int64_t steps, int64_t columns, Sum* sums) {
  constexpr int kVectors = 2;
  constexpr int kW = kLanes<Sum>;
  static_assert(kColumnUnit % (kVectors * kW) == 0);
  for (int64_t j = 0; j < columns; j += kVectors * kW) {
    Vec<Sum> sum[kPlainRows][kVectors];
#pragma GCC unroll 4
    for (int r = 0; r < kPlainRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[r][v] = load(sums + r * kColumns + j + v * kW);
    }
    for (int64_t l = 0; l < steps; ++l) {
      const Sum* const row = panel + l * kColumns + j;
      Vec<Sum> b[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) b[v] = load(row + v * kW);
#pragma GCC unroll 4
      for (int r = 0; r < kPlainRows; ++r) {
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) sum[r][v] += factor[r][l] * b[v];
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < kPlainRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) store(sums + r * kColumns + j + v * kW, sum[r][v]);
    }
  }
}

// Rows [i0, i1) and columns [j0, j0 + columns), columns <= kColumns. `panel` holds
// kSteps x kColumns elements, `sums` a row of sums per row of c, in whole blocks of kPlainRows.
template <class T, class Sum>
void multiply_block(const MatmulArgs& args, const Item& item, int64_t i0, int64_t i1, int64_t j0,
                    int64_t columns, Sum* panel, Sum* sums) {
  const T* const a = static_cast<const T*>(item.a);
  const T* const b = static_cast<const T*>(item.b) + j0 * args.b.stride[3];
  const int64_t step = args.b.stride[3];
  const int64_t whole = ceil_div(columns, kColumnUnit) * kColumnUnit;
  const int64_t sum_rows = ceil_div(i1 - i0, kPlainRows) * kPlainRows;
  for (int64_t s = 0; s < sum_rows * kColumns; ++s) sums[s] = Sum(0);
  for (int64_t l0 = 0; l0 < args.k; l0 += kSteps) {
    const int64_t steps = lesser(kSteps, args.k - l0);
    for (int64_t l = 0; l < steps; ++l) {
      const T* const row = b + (l0 + l) * args.b.stride[2];
      Sum* const to = panel + l * kColumns;
      if (step == 1) {
        for (int64_t j = 0; j < columns; ++j) to[j] = static_cast<Sum>(row[j]);
      } else {
        for (int64_t j = 0; j < columns; ++j) to[j] = static_cast<Sum>(row[j * step]);
      }
      for (int64_t j = columns; j < whole; ++j) to[j] = Sum(0);
    }
    for (int64_t i = i0; i < i1; i += kPlainRows) {
      Sum factor[kPlainRows][kSteps] = {};
      for (int64_t r = 0; r < lesser(kPlainRows, i1 - i); ++r) {
        const T* const from = a + (i + r) * args.a.stride[2] + l0 * args.a.stride[3];
        for (int64_t l = 0; l < steps; ++l) {
          factor[r][l] = static_cast<Sum>(from[l * args.a.stride[3]]);
        }
      }
      Sum* const rows = sums + (i - i0) * kColumns;
      if constexpr (std::is_integral_v<Sum>) {
        add_integer_products(factor, panel, steps, columns, rows);
      } else {
        add_products(factor, panel, steps, columns, rows);
      }
    }
  }
  for (int64_t i = i0; i < i1; ++i) {
    T* const c = static_cast<T*>(item.c) + i * args.c_stride[2] + j0;
    const T* const init = static_cast<const T*>(item.init);
    for (int64_t j = 0; j < columns; ++j) {
      Sum value = sums[(i - i0) * kColumns + j];
      if (init) {
        value = static_cast<Sum>(init[i * args.init.stride[2] + (j0 + j) * args.init.stride[3]]) +
                value;
      }
      c[j] = static_cast<T>(value);
    }
  }
}

template <class T>
Status multiply_plain(const MatmulArgs& args) {
  using Sum = typename SumType<T>::type;
  const int64_t items = args.batch[0] * args.batch[1];
  const int64_t row_work = args.n * (args.k + 1);
  const int64_t rows = lesser(args.m, row_work > 16384 ? 32 : 64);
  const int64_t row_blocks = (args.m + rows - 1) / rows;
  const int64_t chunk = 262144 / (rows * row_work) + 1;
  const int64_t need = (kSteps + ceil_div(rows, kPlainRows) * kPlainRows) * kColumns;
  int64_t failed = 0;
  parallel_for(items * row_blocks, chunk, [&](int64_t begin, int64_t end) {
    const Scratch<Sum> scratch(need);
    if (!scratch) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t t = begin; t < end; ++t) {
      const Item item = batch_item<T>(args, t / row_blocks);
      const int64_t i0 = t % row_blocks * rows;
      for (int64_t j0 = 0; j0 < args.n; j0 += kColumns) {
        multiply_block<T, Sum>(args, item, i0, lesser(args.m, i0 + rows), j0,
                               lesser(kColumns, args.n - j0), scratch.get(),
                               scratch.get() + kSteps * kColumns);
      }
    }
  });
  if (failed) return out_of_memory(need * static_cast<int64_t>(sizeof(Sum)));
  return Status::kOk;
}

// ---- Half types: operands become float32 matrices, the result is rounded once.

inline constexpr int64_t kConvertChunk = 64 * 1024;

// A transposed matrix is widened along its memory and stays transposed.
TALLOW_INLINE bool stays_transposed(const MatmulOperand& operand) {
  return operand.stride[3] != 1 && operand.stride[2] == 1;
}

// The widened operand without its elements; repeated batches stay one.
TALLOW_INLINE MatmulOperand widened(const MatmulArgs& args, const MatmulOperand& from, int64_t rows,
                                    int64_t columns) {
  const bool flip = stays_transposed(from);
  const int64_t q_size = from.stride[1] == 0 ? 1 : args.batch[1];
  const bool one_p = from.stride[0] == 0 || args.batch[0] == 1;
  return {nullptr,
          {one_p ? 0 : q_size * rows * columns, q_size == 1 ? 0 : rows * columns,
           flip ? 1 : columns, flip ? rows : 1}};
}

// Converts the stored elements of an operand to those of widened(), at `to`.
template <class T>
void widen(const MatmulArgs& args, const MatmulOperand& from, int64_t rows, int64_t columns,
           float* to) {
  const int64_t p_size = from.stride[0] == 0 ? 1 : args.batch[0];
  const int64_t q_size = from.stride[1] == 0 ? 1 : args.batch[1];
  const bool flip = stays_transposed(from);
  const int64_t lines = flip ? columns : rows;
  const int64_t length = flip ? rows : columns;
  const int64_t line_stride = from.stride[flip ? 3 : 2];
  const int64_t step = from.stride[flip ? 2 : 3];
  parallel_for(p_size * q_size * lines, kConvertChunk / (length + 1) + 1,
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) {
                   const int64_t item = t / lines;
                   const T* const source = static_cast<const T*>(from.data) +
                                           item / q_size * from.stride[0] +
                                           item % q_size * from.stride[1] + t % lines * line_stride;
                   float* const target = to + t * length;
                   int64_t i = 0;
                   if (step == 1) {
                     for (; i + kLanes<float> <= length; i += kLanes<float>) {
                       store(target + i, load_float(source + i));
                     }
                   }
                   for (; i < length; ++i) target[i] = source[i * step];
                 }
               });
}

TALLOW_INLINE int64_t stored_items(const MatmulArgs& args, const MatmulOperand& operand) {
  return (operand.stride[0] == 0 ? 1 : args.batch[0]) *
         (operand.stride[1] == 0 ? 1 : args.batch[1]);
}

template <class T>
Status multiply_half(const MatmulArgs& args) {
  const int64_t items = args.batch[0] * args.batch[1];
  const int64_t outputs = args.m * args.n;
  MatmulArgs wide = args;
  wide.dtype = DType::kFloat32;
  wide.a = widened(args, args.a, args.m, args.k);
  wide.b = widened(args, args.b, args.k, args.n);
  wide.init = widened(args, args.init, args.m, args.n);
  if constexpr (std::is_same_v<T, BFloat16>) {
    if (matmul_bfloat16_pays(args) && matmul_sums_in_blocks(wide)) return matmul_bfloat16(args);
  }
  const Scratch<float> a(stored_items(args, args.a) * args.m * args.k);
  if (!a) return a.failure();
  const Scratch<float> b(stored_items(args, args.b) * args.k * args.n);
  if (!b) return b.failure();
  const Scratch<float> init(args.init.data ? stored_items(args, args.init) * outputs : 0);
  if (args.init.data && !init) return init.failure();
  const Scratch<float> c(items * outputs);
  if (!c) return c.failure();
  widen<T>(args, args.a, args.m, args.k, a.get());
  widen<T>(args, args.b, args.k, args.n, b.get());
  if (args.init.data) widen<T>(args, args.init, args.m, args.n, init.get());
  wide.a.data = a.get();
  wide.b.data = b.get();
  wide.init.data = args.init.data ? init.get() : nullptr;
  wide.c = c.get();
  wide.c_stride[0] = args.batch[1] * outputs;
  wide.c_stride[1] = outputs;
  wide.c_stride[2] = args.n;
  const Status status = matmul_floating(wide);
  if (status != Status::kOk) return status;
  parallel_for(items * args.m, kConvertChunk / (args.n + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t item = t / args.m;
      T* const target = static_cast<T*>(args.c) + item / args.batch[1] * args.c_stride[0] +
                        item % args.batch[1] * args.c_stride[1] + t % args.m * args.c_stride[2];
      const float* const source = c.get() + t * args.n;
      int64_t j = 0;
      for (; j + kLanes<float> <= args.n; j += kLanes<float>) {
        store_float(target + j, load(source + j));
      }
      for (; j < args.n; ++j) target[j] = T(source[j]);
    }
  });
  return Status::kOk;
}

}  // namespace

Status matmul_other(const MatmulArgs& args) {
  if (args.batch[0] * args.batch[1] * args.m * args.n == 0) return Status::kOk;
  if (args.dtype == DType::kFloat16) return multiply_half<Half>(args);
  if (args.dtype == DType::kBFloat16) return multiply_half<BFloat16>(args);
  using Plain = Types<uint8_t, int8_t, int16_t, int32_t, int64_t, complex64, complex128>;
  return dispatch(Plain{}, args.dtype, "matmul",
                  [&]<class T>() { return multiply_plain<T>(args); });
}

}  // namespace tallow::cpu::TALLOW_ISA
