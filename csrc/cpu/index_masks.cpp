// Masks: counting and finding elements that are not zero, writing where a mask is set; counts of
// equal integers.
#include <cstring>

#include "core/scratch.h"
#include "cpu/index.h"

namespace tallow::cpu::TALLOW_ISA {

namespace {

constexpr int64_t kChunk = int64_t{32} << 10;

template <class T>
TALLOW_INLINE bool is_set(const T& value) {
  if constexpr (dtype_of<T> == DType::kComplex64 || dtype_of<T> == DType::kComplex128) {
    return value.real != 0 || value.imag != 0;
  } else {
    return static_cast<Compute<T>>(value) != 0;
  }
}

template <class T>
int64_t count_chunk(const T* data, int64_t begin, int64_t end) {
  int64_t count = 0;
  for (int64_t i = begin; i < end; ++i) count += is_set(data[i]);
  return count;
}

Status count_nonzero(DType dtype, const void* in, int64_t n, int64_t* count) {
  return dispatch(All{}, dtype, "nonzero", [&]<class T>() -> Status {
    const T* const data = static_cast<const T*>(in);
    int64_t total = 0;
    parallel_for(n, kChunk, [&](int64_t begin, int64_t end) {
      __atomic_fetch_add(&total, count_chunk(data, begin, end), __ATOMIC_RELAXED);
    });
    *count = total;
    return Status::kOk;
  });
}

// Counts of their own for every task, two so that equal neighbours do not wait for each other, as
// long as they fit the first-level cache.
Status bincount(const int64_t* positions, int64_t n, int64_t* counts, int64_t length) {
  constexpr int64_t kBins = 2048;
  if (length > kBins || n < 2 * length) {
    for (int64_t i = 0; i < n; ++i) ++counts[positions[i]];
    return Status::kOk;
  }
  parallel_for(n, 2 * kChunk, [&](int64_t begin, int64_t end) {
    uint32_t own[2][kBins];
    for (int64_t b = 0; b < length; ++b) own[0][b] = own[1][b] = 0;
    int64_t i = begin;
    for (; i + 2 <= end; i += 2) {
      ++own[0][positions[i]];
      ++own[1][positions[i + 1]];
    }
    if (i < end) ++own[0][positions[i]];
    for (int64_t b = 0; b < length; ++b) {
      __atomic_fetch_add(counts + b, int64_t{own[0][b]} + own[1][b], __ATOMIC_RELAXED);
    }
  });
  return Status::kOk;
}

// Ascending linear positions to coordinates: a division only where a row along the last dimension
// begins.
void unravel(const int64_t* positions, int64_t count, const int64_t* sizes, int64_t ndim,
             int64_t* out, int64_t place_stride, int64_t dim_stride) {
  const int64_t length = ndim > 0 ? sizes[ndim - 1] : 1;
  int64_t row[kMaxDims] = {};  // coordinates of the row
  int64_t begin = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (i == 0 || positions[i] - begin >= length) {
      int64_t rest = positions[i] / length;
      begin = rest * length;
      for (int64_t d = ndim - 2; d > 0; --d) {
        row[d] = rest % sizes[d];
        rest /= sizes[d];
      }
      row[0] = rest;
    }
    int64_t* const coordinates = out + i * place_stride;
    for (int64_t d = 0; d < ndim - 1; ++d) coordinates[d * dim_stride] = row[d];
    if (ndim > 0) coordinates[(ndim - 1) * dim_stride] = positions[i] - begin;
  }
}

// Chunks are counted first, so that every chunk knows where its positions go.
Status nonzero(DType dtype, const void* in, const int64_t* sizes, int64_t ndim, int64_t count,
               int64_t* out, int64_t place_stride, int64_t dim_stride) {
  int64_t n = 1;
  for (int64_t d = 0; d < ndim; ++d) n *= sizes[d];
  const int64_t chunks = (n + kChunk - 1) / kChunk;
  const Scratch<int64_t> starts(chunks + 1);
  if (!starts) return starts.failure();
  const Scratch<int64_t> positions(count);
  if (!positions) return positions.failure();
  return dispatch(All{}, dtype, "nonzero", [&]<class T>() -> Status {
    const T* const data = static_cast<const T*>(in);
    starts[0] = 0;
    parallel_for(n, kChunk, [&](int64_t begin, int64_t end) {
      starts[begin / kChunk + 1] = count_chunk(data, begin, end);
    });
    for (int64_t c = 0; c < chunks; ++c) starts[c + 1] += starts[c];
    parallel_for(n, kChunk, [&](int64_t begin, int64_t end) {
      const int64_t first = starts[begin / kChunk];
      const int64_t here = starts[begin / kChunk + 1] - first;
      int64_t* const found = positions.get() + first;
      // Written always, advanced only when set: no branch to predict. The bound keeps the last
      // unconditional write inside.
      int64_t at = 0;
      for (int64_t i = begin; i < end && at < here; ++i) {
        found[at] = i;
        at += is_set(data[i]);
      }
      unravel(found, here, sizes, ndim, out + first * place_stride, place_stride, dim_stride);
    });
    return Status::kOk;
  });
}

// mask ? filling : value, without a branch: masks are rarely predictable.
template <class T>
TALLOW_INLINE T select_bits(bool mask, T filling, T value) {
  const T set = static_cast<T>(T{0} - static_cast<T>(mask));
  return static_cast<T>((filling & set) | (value & ~set));
}
TALLOW_INLINE Bytes16 select_bits(bool mask, Bytes16 filling, Bytes16 value) {
  return {select_bits(mask, filling.low, value.low), select_bits(mask, filling.high, value.high)};
}

template <class T>
void fill_run(T* out, const T* in, const bool* mask, const int64_t (&step)[3], int64_t count,
              T filling) {
  if (step[0] == 1 && step[1] == 1 && step[2] == 1) {
    for (int64_t i = 0; i < count; ++i) out[i] = select_bits(mask[i], filling, in[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) {
      out[i * step[0]] = select_bits(mask[i * step[2]], filling, in[i * step[1]]);
    }
  }
}

Status masked_fill(DType dtype, const Strided<3>& operands, const void* value) {
  dispatch_bytes(dtype, [&]<class T>() {
    T* const out = static_cast<T*>(operands.data[0]);
    const T* const in = static_cast<const T*>(operands.data[1]);
    const bool* const mask = static_cast<const bool*>(operands.data[2]);
    T filling;
    std::memcpy(&filling, value, sizeof(T));
    parallel_for(
        operands.numel, items_per_task(2 * sizeof(T) + 1), [&](int64_t begin, int64_t end) {
          for_each_run(operands, begin, end,
                       [&](const int64_t (&offset)[3], const int64_t (&step)[3], int64_t count) {
                         fill_run(out + offset[0], in + offset[1], mask + offset[2], step, count,
                                  filling);
                       });
        });
  });
  return Status::kOk;
}

}  // namespace

void fill_index_masks(IndexKernels& table) {
  table.count_nonzero = count_nonzero;
  table.nonzero = nonzero;
  table.bincount = bincount;
  table.masked_fill = masked_fill;
}

}  // namespace tallow::cpu::TALLOW_ISA
