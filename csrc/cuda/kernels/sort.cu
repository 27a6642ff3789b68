// Sorting and selection along rows, distinct elements, searching. All of it sorts whole rows; see
// sorting.h.
#include "cuda/kernels/chunks.h"
#include "cuda/kernels/sorting.h"
#include "cuda/kernels/table.h"

namespace tallow::cuda {

Status scan(ScanOp op, DType dtype, void* out, const void* in, int64_t outer, int64_t n,
            int64_t inner);
Status scan_extremum(bool largest, DType dtype, void* values, int64_t* indices, const void* in,
                     int64_t outer, int64_t n, int64_t inner);

namespace {

template <class T>
using Item = Ranked<typename KeyOf<T>::Key>;

// The first k of each sorted row.
template <class T>
__global__ void store_first(const T* in, const Item<T>* items, T* values, int64_t* indices,
                            int64_t n, Splitter k, int64_t total) {
  for (int64_t i = global_index(); i < total; i += grid_stride()) {
    const int64_t row = k.quotient(i);
    const int64_t index = items[row * n + (i - row * k.size())].index;
    values[i] = in[row * n + index];
    indices[i] = index;
  }
}

template <class T>
Status first_of_rows(const void* data, void* values, int64_t* indices, int64_t rows, int64_t n,
                     int64_t k, bool descending) {
  const T* const in = static_cast<const T*>(data);
  if (rows * k == 0) return Status::kOk;
  SortedRows<T> sorted;
  TALLOW_CUDA_TRY(sorted.sort(in, rows, n, descending));
  return launch(threads_for(rows * k, 1), store_first<T>, in, sorted.items(),
                static_cast<T*>(values), indices, n, Splitter(k, rows * k), rows * k);
}

Status sort(DType dtype, const void* in, void* values, int64_t* indices, int64_t rows, int64_t n,
            bool descending) {
  return by_dtype(RealAndBool{}, dtype, "sort_cuda", [&]<class T>() {
    return first_of_rows<T>(in, values, indices, rows, n, n, descending);
  });
}

Status topk(DType dtype, const void* in, void* values, int64_t* indices, int64_t rows, int64_t n,
            int64_t k, bool largest) {
  return by_dtype(RealAndBool{}, dtype, "topk_cuda", [&]<class T>() {
    return first_of_rows<T>(in, values, indices, rows, n, k, largest);
  });
}

// ---- One element of each sorted row.

// Of n sorted elements, the NaNs last.
template <class T>
__device__ inline int64_t count_numbers(const Item<T>* row, int64_t n) {
  int64_t low = 0, high = n;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (KeyOf<T>::is_nan(row[middle].key)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

template <class T>
struct PlaceOfKth {
  int64_t k;
  __device__ int64_t operator()(const Item<T>*, int64_t) const { return k; }
};
template <class T>
struct PlaceOfMedian {
  bool ignore_nan;
  __device__ int64_t operator()(const Item<T>* row, int64_t n) const {
    const int64_t numbers = count_numbers<T>(row, n);
    const bool nan = numbers < n && (!ignore_nan || numbers == 0);
    return nan ? numbers : (numbers - 1) / 2;
  }
};
// The end of the longest run of equal elements; NaNs differ from each other.
template <class T>
struct PlaceOfMode {
  __device__ int64_t operator()(const Item<T>* row, int64_t n) const {
    int64_t longest = 0, last = 0;
    for (int64_t begin = 0; begin < n;) {
      int64_t end = begin + 1;
      while (end < n && row[end].key == row[begin].key && !KeyOf<T>::is_nan(row[end].key)) ++end;
      if (end - begin > longest) {
        longest = end - begin;
        last = end - 1;
      }
      begin = end;
    }
    return last;
  }
};

template <class T, class Place>
__global__ void store_one(const T* in, const Item<T>* items, T* value, int64_t* index, int64_t rows,
                          int64_t n, Place place) {
  for (int64_t row = global_index(); row < rows; row += grid_stride()) {
    const Item<T>* const sorted = items + row * n;
    const int64_t at = sorted[place(sorted, n)].index;
    value[row] = in[row * n + at];
    index[row] = at;
  }
}

template <class T, class Place>
Status one_of_rows(const void* data, void* value, int64_t* index, int64_t rows, int64_t n,
                   const Place& place) {
  const T* const in = static_cast<const T*>(data);
  SortedRows<T> sorted;
  TALLOW_CUDA_TRY(sorted.sort(in, rows, n, false));
  return launch(threads_for(rows, 1), store_one<T, Place>, in, sorted.items(),
                static_cast<T*>(value), index, rows, n, place);
}

Status kth(DType dtype, const void* in, void* value, int64_t* index, int64_t rows, int64_t n,
           int64_t k) {
  return by_dtype(Real{}, dtype, "kthvalue_cuda", [&]<class T>() {
    return one_of_rows<T>(in, value, index, rows, n, PlaceOfKth<T>{k});
  });
}

Status median(DType dtype, const void* in, void* value, int64_t* index, int64_t rows, int64_t n,
              bool ignore_nan) {
  return by_dtype(Real{}, dtype, "median_out_impl", [&]<class T>() {
    return one_of_rows<T>(in, value, index, rows, n, PlaceOfMedian<T>{ignore_nan});
  });
}

Status mode(DType dtype, const void* in, void* value, int64_t* index, int64_t rows, int64_t n) {
  return by_dtype(RealAndBool{}, dtype, "mode_cuda", [&]<class T>() {
    return one_of_rows<T>(in, value, index, rows, n, PlaceOfMode<T>{});
  });
}

// ---- Distinct runs.

template <class T>
struct StartsRun {
  const T* in;
  __device__ bool operator()(int64_t i) const {
    if (i == 0) return true;
    const auto key = KeyOf<T>::of(in[i]);
    return key != KeyOf<T>::of(in[i - 1]) || KeyOf<T>::is_nan(key);
  }
};

// Notes the value and the start of each run, and the run of each element.
template <class T>
struct StoreRun {
  const T* in;
  const int64_t* order;
  T* values;
  int64_t* inverse;
  int64_t* starts;
  __device__ void operator()(int64_t i, int64_t number, bool starts_run) const {
    if (starts_run) {
      values[number] = in[i];
      starts[number] = i;
    }
    inverse[order ? order[i] : i] = starts_run ? number : number - 1;
  }
};

__global__ void measure_runs(const int64_t* starts, int64_t* counts, int64_t runs, int64_t n) {
  for (int64_t i = global_index(); i < runs; i += grid_stride()) {
    counts[i] = (i + 1 < runs ? starts[i + 1] : n) - starts[i];
  }
}

Status unique(DType dtype, const void* in, const int64_t* order, int64_t n, void* values,
              int64_t* inverse, int64_t* counts, int64_t* count) {
  *count = 0;
  if (n == 0) return Status::kOk;
  return by_dtype(RealAndBool{}, dtype, "unique", [&]<class T>() -> Status {
    const T* const data = static_cast<const T*>(in);
    const StartsRun<T> test{data};
    ChunkStarts chunks;
    Scratch<int64_t> starts;
    TALLOW_CUDA_TRY(chunks.find(test, n));
    TALLOW_CUDA_TRY(starts.allocate(n));
    TALLOW_CUDA_TRY(launch(chunk_shape(chunks.chunks), number_chunks<StartsRun<T>, StoreRun<T>>,
                           test,
                           StoreRun<T>{data, order, static_cast<T*>(values), inverse, starts.get()},
                           n, chunks.chunks, chunks.counts.get()));
    TALLOW_CUDA_TRY(chunks.read_total(count));
    return launch(threads_for(*count), measure_runs, starts.get(), counts, *count, n);
  });
}

// ---- Binary search.

template <class T>
__global__ void search_rows(const T* sorted, const T* value, int64_t* out, int64_t n,
                            Splitter values, int64_t total, bool shared, bool right) {
  for (int64_t i = global_index(); i < total; i += grid_stride()) {
    const T* const row = sorted + (shared ? 0 : values.quotient(i) * n);
    const auto key = KeyOf<T>::of(value[i]);
    int64_t low = 0, high = n;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      const auto other = KeyOf<T>::of(row[middle]);
      if (right ? other <= key : other < key) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    out[i] = low;
  }
}

Status search(DType dtype, const void* sorted, const void* value, int64_t* out, int64_t rows,
              int64_t n, int64_t values, bool shared, bool right) {
  const int64_t total = rows * values;
  if (total == 0) return Status::kOk;
  return by_dtype(Real{}, dtype, "searchsorted_out_cuda", [&]<class T>() {
    return launch(threads_for(total, 1), search_rows<T>, static_cast<const T*>(sorted),
                  static_cast<const T*>(value), out, n, Splitter(values, total), total, shared,
                  right);
  });
}

}  // namespace

void fill_sort(SortKernels& table) {
  table.sort = sort;
  table.topk = topk;
  table.kth = kth;
  table.median = median;
  table.mode = mode;
  table.unique = unique;
  table.search = search;
  table.scan = scan;
  table.scan_extremum = scan_extremum;
}

}  // namespace tallow::cuda
