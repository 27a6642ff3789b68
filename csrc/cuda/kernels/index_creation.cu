// Tensors whose elements follow from their position: ranges, triangles, joined and flipped tensors.
#include "cuda/kernels/words.h"

#include <cmath>

#include "backend/index.h"
#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

// Rows of `width` words of one part into rows of the output, `pitch` words long.
template <class W>
__global__ void copy_rows(W* out, const W* in, Splitter width, int64_t pitch, int64_t n) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    const int64_t row = width.quotient(i);
    out[row * pitch + (i - row * width.size())] = in[i];
  }
}

bool divides(int64_t word, const void* data, int64_t bytes) {
  return (reinterpret_cast<uintptr_t>(data) | static_cast<uintptr_t>(bytes)) %
             static_cast<uintptr_t>(word) ==
         0;
}

Status concat(void* out, const ConcatPart* parts, int64_t count, int64_t outer) {
  int64_t pitch = 0;
  for (int64_t k = 0; k < count; ++k) pitch += parts[k].row_bytes;
  char* target = static_cast<char*>(out);
  for (int64_t k = 0; k < count; target += parts[k++].row_bytes) {
    const ConcatPart& part = parts[k];
    if (part.row_bytes == 0 || outer == 0) continue;
    int64_t word = 16;
    while (!divides(word, part.data, part.row_bytes) || !divides(word, target, pitch)) word /= 2;
    TALLOW_CUDA_TRY(by_size(word, [&]<class W>() {
      const int64_t width = part.row_bytes / word;
      return launch(threads_for(width * outer), copy_rows<W>,
                    static_cast<W*>(static_cast<void*>(target)), static_cast<const W*>(part.data),
                    Splitter(width, width * outer), pitch / word, width * outer);
    }));
  }
  return Status::kOk;
}

template <class T>
__global__ void fill_arange(T* out, int64_t n, double start, double step, int64_t integer_start,
                            int64_t integer_step) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    if constexpr (dtype_of<T> < DType::kFloat16) {
      out[i] = static_cast<T>(integer_start + i * integer_step);
    } else {
      out[i] = T(static_cast<Compute<T>>(std::fma(step, static_cast<double>(i), start)));
    }
  }
}

Status arange(DType dtype, void* out, int64_t n, double start, double step, int64_t integer_start,
              int64_t integer_step) {
  if (n == 0) return Status::kOk;
  return by_dtype(Real{}, dtype, "arange_cuda", [&]<class T>() {
    return launch(threads_for(n), fill_arange<T>, static_cast<T*>(out), n, start, step,
                  integer_start, integer_step);
  });
}

// The second half is counted back from the end, so that both ends are exact.
template <class T, class C>
__global__ void fill_linspace(T* out, int64_t n, C first, C last, C step) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    const C value = i < n / 2 ? std::fma(step, static_cast<C>(i), first)
                              : std::fma(-step, static_cast<C>(n - 1 - i), last);
    out[i] = static_cast<T>(value);
  }
}

Status linspace(DType dtype, void* out, int64_t n, double start, double end) {
  return by_dtype(Real{}, dtype, "linspace_cuda", [&]<class T>() {
    // Integers are computed in double from ends without fractions, and truncated.
    constexpr bool kInteger = dtype_of<T> < DType::kFloat16;
    using C = std::conditional_t<kInteger, double, Compute<T>>;
    const auto bound = [](double value) {
      if constexpr (kInteger) {
        return static_cast<C>(static_cast<T>(static_cast<int64_t>(value)));
      } else {
        return static_cast<C>(value);
      }
    };
    const C first = bound(start);
    const C last = bound(end);
    return launch(threads_for(n), fill_linspace<T, C>, static_cast<T*>(out), n, first, last,
                  (last - first) / static_cast<C>(n - 1));
  });
}

template <class W>
__global__ void copy_strided(W* out, const W* in, Layout<2> layout, int64_t n) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    int64_t at[2];
    layout.offsets(i, at);
    out[at[0]] = in[at[1]];
  }
}

Status flip(DType dtype, const Strided<2>& operands) {
  if (operands.numel == 0) return Status::kOk;
  TALLOW_CUDA_TRY(check_dims("flip", operands.ndim));
  return by_size(item_size(dtype), [&]<class W>() {
    return launch(threads_for(operands.numel), copy_strided<W>, static_cast<W*>(operands.data[0]),
                  static_cast<const W*>(operands.data[1]), layout_of(operands), operands.numel);
  });
}

template <class W>
__global__ void copy_triangle(W* out, const W* in, Splitter columns, Splitter rows, int64_t n,
                              int64_t diagonal, bool lower) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    const int64_t line = columns.quotient(i);
    const int64_t row = line - rows.quotient(line) * rows.size();
    const int64_t right = i - line * columns.size() - row;
    out[i] = (lower ? right <= diagonal : right >= diagonal) ? in[i] : W{};
  }
}

Status triangle(Triangle kept, DType dtype, void* out, const void* in, int64_t matrices,
                int64_t rows, int64_t columns, int64_t diagonal) {
  const int64_t n = matrices * rows * columns;
  if (n == 0) return Status::kOk;
  return by_size(item_size(dtype), [&]<class W>() {
    return launch(threads_for(n), copy_triangle<W>, static_cast<W*>(out), static_cast<const W*>(in),
                  Splitter(columns, n), Splitter(rows, n), n, diagonal, kept == Triangle::kLower);
  });
}

}  // namespace

void fill_index_creation(IndexKernels& table) {
  table.concat = concat;
  table.arange = arange;
  table.linspace = linspace;
  table.flip = flip;
  table.triangle = triangle;
}

}  // namespace tallow::cuda
