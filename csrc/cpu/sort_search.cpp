// Distinct runs of sorted elements, and binary search in them.
#include "backend/sort.h"
#include "core/parallel.h"
#include "cpu/sort_keys.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

template <class T>
void unique_of(const T* in, const int64_t* order, int64_t n, T* values, int64_t* inverse,
               int64_t* counts, int64_t* count) {
  int64_t runs = 0;
  for (int64_t i = 0; i < n; ++i) {
    const auto key = KeyOf<T>::of(in[i]);
    const bool same = i > 0 && key == KeyOf<T>::of(in[i - 1]) && !KeyOf<T>::is_nan(key);
    if (!same) {
      values[runs] = in[i];
      counts[runs] = 0;
      ++runs;
    }
    ++counts[runs - 1];
    inverse[order ? order[i] : i] = runs - 1;
  }
  *count = runs;
}

// How many of the n sorted keys come before `key` (or, with `right`, are not after it).
template <class T>
TALLOW_INLINE int64_t insertion_place(const T* sorted, int64_t n, T value, bool right) {
  const auto key = KeyOf<T>::of(value);
  int64_t low = 0, high = n;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    const auto other = KeyOf<T>::of(sorted[middle]);
    if (right ? other <= key : other < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace

Status unique_runs(DType dtype, const void* in, const int64_t* order, int64_t n, void* values,
                   int64_t* inverse, int64_t* counts, int64_t* count) {
  return dispatch(RealAndBool{}, dtype, "unique", [&]<class T>() -> Status {
    unique_of(static_cast<const T*>(in), order, n, static_cast<T*>(values), inverse, counts, count);
    return Status::kOk;
  });
}

Status search_sorted(DType dtype, const void* sorted, const void* value, int64_t* out, int64_t rows,
                     int64_t n, int64_t values, bool shared, bool right) {
  return dispatch(Real{}, dtype, "searchsorted_out_cpu", [&]<class T>() -> Status {
    parallel_for(rows * values, 2048, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* const row = static_cast<const T*>(sorted) + (shared ? 0 : i / values * n);
        out[i] = insertion_place(row, n, static_cast<const T*>(value)[i], right);
      }
    });
    return Status::kOk;
  });
}

}  // namespace tallow::cpu::TALLOW_ISA
