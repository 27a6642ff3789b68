// Tensors whose elements follow from their position: ranges, triangles, joined tensors.
#include <cstring>

#include "cpu/index.h"
#include "cpu/move.h"

namespace tallow::cpu::TALLOW_ISA {

namespace {

// Parts of few bytes a row: each part is laid out for many rows before the next, in blocks of rows
// that stay in the first-level cache.
void concat_short(char* out, const ConcatPart* parts, int64_t count, int64_t outer,
                  int64_t row_bytes) {
  constexpr int64_t kBlockBytes = int64_t{16} << 10;
  const int64_t block = kBlockBytes / row_bytes + 1;
  parallel_for(outer, items_per_task(row_bytes), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row += block) {
      const int64_t rows = block < end - row ? block : end - row;
      char* to = out + row * row_bytes;
      for (int64_t k = 0; k < count; ++k) {
        const int64_t size = parts[k].row_bytes;
        copy_rows(to, row_bytes, static_cast<const char*>(parts[k].data) + row * size, size, size,
                  rows);
        to += size;
      }
    }
  });
}

// Tasks are ranges of output bytes; each finds the row and the part it starts in.
Status concat(void* out, const ConcatPart* parts, int64_t count, int64_t outer) {
  constexpr int64_t kShortPart = 256;
  int64_t row_bytes = 0;
  for (int64_t k = 0; k < count; ++k) row_bytes += parts[k].row_bytes;
  char* const target = static_cast<char*>(out);
  if (row_bytes < count * kShortPart && outer >= 8) {
    concat_short(target, parts, count, outer, row_bytes);
    return Status::kOk;
  }
  parallel_for(outer * row_bytes, 2 * kTaskBytes, [&](int64_t begin, int64_t end) {
    int64_t row = begin / row_bytes;
    int64_t skip = begin - row * row_bytes;
    int64_t part = 0;
    while (skip >= parts[part].row_bytes) skip -= parts[part++].row_bytes;
    while (begin < end) {
      const int64_t size = parts[part].row_bytes;
      const int64_t bytes = size - skip < end - begin ? size - skip : end - begin;
      const char* const source = static_cast<const char*>(parts[part].data) + row * size + skip;
      if (bytes > 0) std::memcpy(target + begin, source, static_cast<std::size_t>(bytes));
      begin += bytes;
      skip = 0;
      if (++part == count) {
        part = 0;
        ++row;
      }
    }
  });
  return Status::kOk;
}

Status arange(DType dtype, void* out, int64_t n, double start, double step, int64_t integer_start,
              int64_t integer_step) {
  return dispatch(Real{}, dtype, "arange_cpu", [&]<class T>() -> Status {
    T* const values = static_cast<T*>(out);
    parallel_for(n, items_per_task(sizeof(T)), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        if constexpr (dtype_of<T> < DType::kFloat16) {
          values[i] = static_cast<T>(integer_start + i * integer_step);
        } else {
          const double value = __builtin_fma(step, static_cast<double>(i), start);
          values[i] = T(static_cast<Compute<T>>(value));
        }
      }
    });
    return Status::kOk;
  });
}

// Integers are computed in double and truncated, floating types in their own precision.
template <class T>
struct LinspaceType {
  using type = double;
};
template <>
struct LinspaceType<float> {
  using type = float;
};
template <>
struct LinspaceType<Half> {
  using type = float;
};
template <>
struct LinspaceType<BFloat16> {
  using type = float;
};

// The ends are elements: an integer type cuts off their fractions before steps are made.
template <class T>
TALLOW_INLINE typename LinspaceType<T>::type linspace_bound(double value) {
  if constexpr (dtype_of<T> < DType::kFloat16) {
    return static_cast<double>(static_cast<T>(static_cast<int64_t>(value)));
  } else {
    return static_cast<typename LinspaceType<T>::type>(value);
  }
}

TALLOW_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
TALLOW_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }

Status linspace(DType dtype, void* out, int64_t n, double start, double end) {
  return dispatch(Real{}, dtype, "linspace_cpu", [&]<class T>() -> Status {
    using C = typename LinspaceType<T>::type;
    T* const values = static_cast<T*>(out);
    const C first = linspace_bound<T>(start);
    const C last = linspace_bound<T>(end);
    const C step = (last - first) / static_cast<C>(n - 1);
    parallel_for(n, items_per_task(sizeof(T)), [&](int64_t begin, int64_t finish) {
      for (int64_t i = begin; i < finish; ++i) {
        const C value = i < n / 2 ? fused(step, static_cast<C>(i), first)
                                  : fused(-step, static_cast<C>(n - 1 - i), last);
        values[i] = static_cast<T>(value);
      }
    });
    return Status::kOk;
  });
}

Status flip(DType dtype, const Strided<2>& operands) {
  move_space(operands, static_cast<int>(item_size(dtype)));
  return Status::kOk;
}

Status triangle(Triangle kept, DType dtype, void* out, const void* in, int64_t matrices,
                int64_t rows, int64_t columns, int64_t diagonal) {
  dispatch_bytes(dtype, [&]<class T>() {
    T* const target = static_cast<T*>(out);
    const T* const source = static_cast<const T*>(in);
    parallel_for(matrices * rows, items_per_task(columns * static_cast<int64_t>(sizeof(T))),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t r = begin; r < end; ++r) {
                     // Elements [0, border) lie on or below the diagonal (kLower) or strictly
                     // below it (kUpper).
                     const int64_t diagonal_column = r % rows + diagonal;
                     int64_t border =
                         kept == Triangle::kLower ? diagonal_column + 1 : diagonal_column;
                     border = border < 0 ? 0 : border > columns ? columns : border;
                     T* const o = target + r * columns;
                     const T* const a = source + r * columns;
                     const T zero{};
                     for (int64_t c = 0; c < border; ++c) {
                       o[c] = kept == Triangle::kLower ? a[c] : zero;
                     }
                     for (int64_t c = border; c < columns; ++c) {
                       o[c] = kept == Triangle::kLower ? zero : a[c];
                     }
                   }
                 });
  });
  return Status::kOk;
}

}  // namespace

void fill_index_creation(IndexKernels& table) {
  table.concat = concat;
  table.arange = arange;
  table.linspace = linspace;
  table.flip = flip;
  table.triangle = triangle;
}

}  // namespace tallow::cpu::TALLOW_ISA
