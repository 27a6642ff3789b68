// Sorting and selection along rows. Searching is in sort_search.cpp, running totals in scan.cpp.
#include "backend/sort.h"

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/simd.h"
#include "cpu/sort_keys.h"
#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {

Status unique_runs(DType dtype, const void* in, const int64_t* order, int64_t n, void* values,
                   int64_t* inverse, int64_t* counts, int64_t* count);
Status search_sorted(DType dtype, const void* sorted, const void* value, int64_t* out, int64_t rows,
                     int64_t n, int64_t values, bool shared, bool right);
Status scan(ScanOp op, DType dtype, void* out, const void* in, int64_t outer, int64_t n,
            int64_t inner);
Status scan_extremum(bool largest, DType dtype, void* values, int64_t* indices, const void* in,
                     int64_t outer, int64_t n, int64_t inner);

namespace {

// Calls body(row, items, other) for every row, in parallel, with scratch for `capacity` ranked
// elements in each of the two arrays.
template <class Key, class Body>
Status for_each_row_ranked(int64_t rows, int64_t n, int64_t capacity, const Body& body) {
  constexpr int64_t kTaskElements = 4 * 1024;
  if (n >= int64_t{1} << 32) {
    return fail(Status::kNotImplemented, "sort: rows of %lld elements are not supported",
                static_cast<long long>(n));
  }
  const int64_t chunk = kTaskElements / n > 0 ? kTaskElements / n : 1;
  int failed = 0;
  parallel_for(rows, chunk, [&](int64_t begin, int64_t end) {
    const Scratch<Ranked<Key>> scratch(2 * capacity);
    if (!scratch) {
      __atomic_store_n(&failed, 1, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t row = begin; row < end; ++row) {
      body(row, scratch.get(), scratch.get() + capacity);
    }
  });
  if (failed) return out_of_memory(2 * capacity * static_cast<int64_t>(sizeof(Ranked<Key>)));
  return Status::kOk;
}

template <class T, class Key>
TALLOW_INLINE void rank_row(const T* row, int64_t n, bool descending, Ranked<Key>* items) {
  for (int64_t i = 0; i < n; ++i) items[i] = ranked(row[i], i, descending);
}

template <class T, class Key>
TALLOW_INLINE void store_ranked(const T* row, const Ranked<Key>* items, int64_t count, T* values,
                                int64_t* indices) {
  for (int64_t i = 0; i < count; ++i) {
    values[i] = row[items[i].index];
    indices[i] = items[i].index;
  }
}

template <class T>
Status sort_of(const T* in, T* values, int64_t* indices, int64_t rows, int64_t n, bool descending) {
  using Key = typename KeyOf<T>::Key;
  return for_each_row_ranked<Key>(rows, n, n, [&](int64_t r, auto* items, auto* other) {
    rank_row(in + r * n, n, descending, items);
    store_ranked(in + r * n, sort_ranked(items, other, n), n, values + r * n, indices + r * n);
  });
}

// Keeps the k best so far in order. Few elements are better than the k-th: they are looked for a
// vector of keys at a time.
template <class T, class Key>
void topk_few(const T* row, int64_t n, int64_t k, bool largest, Ranked<Key>* best) {
  constexpr int64_t kBlock = 256;
  constexpr int W = kLanes<Key>;
  alignas(kVectorBytes) Key keys[kBlock];
  int64_t kept = 0;
  const auto offer = [&](Key key, int64_t index) {
    if (kept == k && key >= best[k - 1].key) return;
    int64_t place = kept < k ? kept++ : k - 1;
    for (; place > 0 && key < best[place - 1].key; --place) best[place] = best[place - 1];
    best[place] = {key, static_cast<uint32_t>(index)};
  };
  for (int64_t first = 0; first < n; first += kBlock) {
    const int64_t count = n - first < kBlock ? n - first : kBlock;
    for (int64_t i = 0; i < count; ++i) {
      const Key key = KeyOf<T>::of(row[first + i]);
      keys[i] = largest ? static_cast<Key>(~key) : key;
    }
    int64_t i = 0;
    for (; i + W <= count; i += W) {
      if (kept == k && !any(load(keys + i) < best[k - 1].key)) continue;
      for (int lane = 0; lane < W; ++lane) offer(keys[i + lane], first + i + lane);
    }
    for (; i < count; ++i) offer(keys[i], first + i);
  }
}

// The key of an element in the order that is wanted.
template <class T>
TALLOW_INLINE typename KeyOf<T>::Key key_of(T x, bool descending) {
  using Key = typename KeyOf<T>::Key;
  const Key key = KeyOf<T>::of(x);
  return descending ? static_cast<Key>(~key) : key;
}

// Keeps the elements at places below k of the sorted row, in the order of their positions.
template <class T, class Key>
TALLOW_INLINE void keep_first(const T* row, int64_t n, int64_t k, bool descending, Key* keys,
                              Ranked<Key>* kept) {
  for (int64_t i = 0; i < n; ++i) keys[i] = key_of(row[i], descending);
  const Selected<Key> last = select_key(keys, n, k - 1);
  int64_t equal = k - last.smaller;
  for (int64_t i = 0; i < n; ++i) {
    const Key key = key_of(row[i], descending);
    if (key > last.key || (key == last.key && equal-- <= 0)) continue;
    *kept++ = {key, static_cast<uint32_t>(i)};
  }
}

template <class T>
Status topk_of(const T* in, T* values, int64_t* indices, int64_t rows, int64_t n, int64_t k,
               bool largest) {
  using Key = typename KeyOf<T>::Key;
  constexpr int64_t kFew = 64;
  const bool few = k <= kFew && k * 4 <= n;
  return for_each_row_ranked<Key>(rows, n, few ? k : n, [&](int64_t r, auto* items, auto* other) {
    const T* const row = in + r * n;
    if (few) {
      topk_few(row, n, k, largest, items);
    } else {
      keep_first(row, n, k, largest, reinterpret_cast<Key*>(other), items);
      items = sort_ranked(items, other, k);
    }
    store_ranked(row, items, k, values + r * k, indices + r * k);
  });
}

// One element per row: the one at place(row) of the sorted row.
template <class T, class Place>
Status select_of(const T* in, T* value, int64_t* index, int64_t rows, int64_t n,
                 const Place& place) {
  using Key = typename KeyOf<T>::Key;
  return for_each_row_ranked<Key>(rows, n, n, [&](int64_t r, auto* items, auto*) {
    const T* const row = in + r * n;
    const int64_t k = place(row);
    Key* const keys = reinterpret_cast<Key*>(items);
    for (int64_t i = 0; i < n; ++i) keys[i] = KeyOf<T>::of(row[i]);
    const Selected<Key> selected = select_key(keys, n, k);
    int64_t i = find_key(row, n, selected.key, 0);
    for (int64_t skip = k - selected.smaller; skip > 0; --skip) {
      i = find_key(row, n, selected.key, i + 1);
    }
    value[r] = row[i];
    index[r] = i;
  });
}

template <class T>
int64_t median_place(const T* row, int64_t n, bool ignore_nan) {
  int64_t nans = 0;
  for (int64_t i = 0; i < n; ++i) {
    const auto x = static_cast<Compute<T>>(row[i]);
    nans += x != x;
  }
  if (nans > 0 && (!ignore_nan || nans == n)) return n - nans;  // the first NaN
  return (n - nans - 1) / 2;
}

template <class T>
Status mode_of(const T* in, T* value, int64_t* index, int64_t rows, int64_t n) {
  using Key = typename KeyOf<T>::Key;
  return for_each_row_ranked<Key>(rows, n, n, [&](int64_t r, auto* items, auto* other) {
    const T* const row = in + r * n;
    rank_row(row, n, false, items);
    const Ranked<Key>* const sorted = sort_ranked(items, other, n);
    int64_t longest = 0, last = 0;
    for (int64_t begin = 0; begin < n;) {
      int64_t end = begin + 1;
      // NaNs differ from each other.
      while (end < n && sorted[end].key == sorted[begin].key &&
             !KeyOf<T>::is_nan(sorted[end].key)) {
        ++end;
      }
      if (end - begin > longest) {
        longest = end - begin;
        last = end - 1;
      }
      begin = end;
    }
    store_ranked(row, sorted + last, 1, value + r, index + r);
  });
}

Status sort(DType dtype, const void* in, void* values, int64_t* indices, int64_t rows, int64_t n,
            bool descending) {
  return dispatch(RealAndBool{}, dtype, "sort_stable", [&]<class T>() -> Status {
    return sort_of(static_cast<const T*>(in), static_cast<T*>(values), indices, rows, n,
                   descending);
  });
}

Status topk(DType dtype, const void* in, void* values, int64_t* indices, int64_t rows, int64_t n,
            int64_t k, bool largest) {
  return dispatch(RealAndBool{}, dtype, "topk_cpu", [&]<class T>() -> Status {
    return topk_of(static_cast<const T*>(in), static_cast<T*>(values), indices, rows, n, k,
                   largest);
  });
}

Status kth(DType dtype, const void* in, void* value, int64_t* index, int64_t rows, int64_t n,
           int64_t k) {
  return dispatch(Real{}, dtype, "kthvalue_cpu", [&]<class T>() -> Status {
    return select_of(static_cast<const T*>(in), static_cast<T*>(value), index, rows, n,
                     [&](const T*) { return k; });
  });
}

Status median(DType dtype, const void* in, void* value, int64_t* index, int64_t rows, int64_t n,
              bool ignore_nan) {
  return dispatch(Real{}, dtype, "median_out", [&]<class T>() -> Status {
    return select_of(static_cast<const T*>(in), static_cast<T*>(value), index, rows, n,
                     [&](const T* row) { return median_place(row, n, ignore_nan); });
  });
}

Status mode(DType dtype, const void* in, void* value, int64_t* index, int64_t rows, int64_t n) {
  return dispatch(RealAndBool{}, dtype, "mode", [&]<class T>() -> Status {
    return mode_of(static_cast<const T*>(in), static_cast<T*>(value), index, rows, n);
  });
}

}  // namespace

void fill_sort(SortKernels& table) {
  table.sort = sort;
  table.topk = topk;
  table.kth = kth;
  table.median = median;
  table.mode = mode;
  table.unique = unique_runs;
  table.search = search_sorted;
  table.scan = scan;
  table.scan_extremum = scan_extremum;
}

}  // namespace tallow::cpu::TALLOW_ISA
