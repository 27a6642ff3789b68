// Sorting and selection along rows. Searching is in sort_search.cpp, running totals in scan.cpp.
#include "backend/sort.h"

#include <cstring>

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

// Calls body(row, counted) for every row of n <= kCounted elements, in parallel, with their keys
// and their places in the sorted row.
template <class Key, class Body>
Status for_each_row_placed(const Rows<Key>& rows, bool descending, const Body& body) {
  constexpr int64_t kTaskElements = 16 * 1024;
  parallel_for(rows.count, kTaskElements / rows.n, [&](int64_t begin, int64_t end) {
    CountedRow<Key> counted;
    for (int64_t r = begin; r < end; ++r) {
      rows.make_keys(rows.row(r), rows.n, descending, counted.key);
      counted.find_places(rows.n);
      body(r, counted);
    }
  });
  return Status::kOk;
}

// Calls body(row, keys, items, other) for every row, in parallel, with the keys of the row and
// scratch for `capacity` ranked elements in each of the two arrays.
template <class Key, class Body>
Status for_each_row_keyed(const Rows<Key>& rows, bool descending, int64_t capacity,
                          const Body& body) {
  constexpr int64_t kTaskElements = 4 * 1024;
  const int64_t n = rows.n;
  if (n >= int64_t{1} << 32) {
    return fail(Status::kNotImplemented, "sort: rows of %lld elements are not supported",
                static_cast<long long>(n));
  }
  const int64_t chunk = kTaskElements / n > 0 ? kTaskElements / n : 1;
  const int64_t nbytes = n * static_cast<int64_t>(sizeof(Key)) + kVectorBytes +
                         2 * capacity * static_cast<int64_t>(sizeof(Ranked<Key>));
  int failed = 0;
  parallel_for(rows.count, chunk, [&](int64_t begin, int64_t end) {
    const Scratch<char> scratch(nbytes);
    if (!scratch) {
      __atomic_store_n(&failed, 1, __ATOMIC_RELAXED);
      return;
    }
    Ranked<Key>* const items = reinterpret_cast<Ranked<Key>*>(scratch.get());
    Key* const keys = reinterpret_cast<Key*>(items + 2 * capacity);
    for (int64_t r = begin; r < end; ++r) {
      rows.make_keys(rows.row(r), n, descending, keys);
      body(r, keys, items, items + capacity);
    }
  });
  if (failed) return out_of_memory(nbytes);
  return Status::kOk;
}

template <class Key>
TALLOW_INLINE void rank_row(const Key* keys, int64_t n, Ranked<Key>* items) {
  for (int64_t i = 0; i < n; ++i) items[i] = {keys[i], static_cast<uint32_t>(i)};
}

template <class Key>
TALLOW_INLINE void store_ranked(const Key* row, const Ranked<Key>* items, int64_t count,
                                Key* values, int64_t* indices) {
  for (int64_t i = 0; i < count; ++i) {
    values[i] = row[items[i].index];
    indices[i] = items[i].index;
  }
}

template <class Key>
Status sort_rows(const Rows<Key>& rows, Key* values, int64_t* indices, bool descending) {
  const int64_t n = rows.n;
  if (n <= kCounted) {
    return for_each_row_placed(rows, descending, [&](int64_t r, const CountedRow<Key>& counted) {
      const Key* const row = rows.row(r);
      Key* const sorted = values + r * n;
      int64_t* const order = indices + r * n;
      for (int64_t i = 0; i < n; ++i) {
        sorted[counted.place[i]] = row[i];
        order[counted.place[i]] = i;
      }
    });
  }
  return for_each_row_keyed(
      rows, descending, n, [&](int64_t r, const Key* keys, auto* items, auto* other) {
        rank_row(keys, n, items);
        store_ranked(rows.row(r), sort_ranked(items, other, n), n, values + r * n, indices + r * n);
      });
}

// The k smallest keys of a row in order, for few of them: those are kept sorted. Few keys are below
// the k-th of those so far; they are looked for a vector at a time.
template <class Key>
void topk_few(const Key* keys, int64_t n, int64_t k, Ranked<Key>* best) {
  constexpr int W = kLanes<Key>;
  int64_t kept = 0;
  const auto offer = [&](Key key, int64_t index) {
    if (kept == k && key >= best[k - 1].key) return;
    int64_t place = kept < k ? kept++ : k - 1;
    for (; place > 0 && key < best[place - 1].key; --place) best[place] = best[place - 1];
    best[place] = {key, static_cast<uint32_t>(index)};
  };
  int64_t i = 0;
  for (; i + W <= n; i += W) {
    if (kept == k && !any(load(keys + i) < best[k - 1].key)) continue;
    for (int lane = 0; lane < W; ++lane) offer(keys[i + lane], i + lane);
  }
  for (; i < n; ++i) offer(keys[i], i);
}

// The k smallest keys of a row, in the order of their positions. Candidates are collected until
// there are 2k, and then all but the best k are dropped: what is not below the worst of those is
// passed over a vector at a time. `items` has room for 2k and a vector, `spare` for as many keys.
template <class Key>
void topk_many(const Key* keys, int64_t n, int64_t k, Ranked<Key>* items, Key* spare) {
  constexpr int W = kLanes<Key>;
  int64_t count = 0;
  bool full = false;
  Key worst = 0;
  const auto shrink = [&] {
    for (int64_t i = 0; i < count; ++i) spare[i] = items[i].key;
    const Selected<Key> last = select_key(spare, count, k - 1);
    int64_t equal = k - last.smaller;
    int64_t kept = 0;
    for (int64_t i = 0; i < count; ++i) {
      const Ranked<Key> item = items[i];
      if (item.key > last.key || (item.key == last.key && equal-- <= 0)) continue;
      items[kept++] = item;
    }
    count = k;
    worst = last.key;
    full = true;
  };
  for (int64_t i = 0; i < n; i += W) {
    const int lanes = n - i < W ? static_cast<int>(n - i) : W;
    if (full && lanes == W && !any(load(keys + i) < worst)) continue;
    for (int lane = 0; lane < lanes; ++lane) {
      const Key key = keys[i + lane];
      items[count] = {key, static_cast<uint32_t>(i + lane)};
      count += !full || key < worst;
    }
    if (count >= 2 * k) shrink();
  }
  if (count > k) shrink();
}

template <class Key>
Status topk_rows(const Rows<Key>& rows, Key* values, int64_t* indices, int64_t k, bool largest) {
  constexpr int64_t kFew = 64;
  const int64_t n = rows.n;
  if (n <= kCounted) {
    return for_each_row_placed(rows, largest, [&](int64_t r, const CountedRow<Key>& counted) {
      const Key* const row = rows.row(r);
      for (int64_t i = 0; i < n; ++i) {
        const auto place = static_cast<int64_t>(counted.place[i]);
        if (place >= k) continue;
        values[r * k + place] = row[i];
        indices[r * k + place] = i;
      }
    });
  }
  const bool few = k <= kFew && k * 4 <= n;
  const int64_t capacity = few ? k : (2 * k < n ? 2 * k : n) + kLanes<Key>;
  return for_each_row_keyed(rows, largest, capacity,
                            [&](int64_t r, const Key* keys, auto* items, auto* other) {
                              if (few) {
                                topk_few(keys, n, k, items);
                              } else {
                                topk_many(keys, n, k, items, reinterpret_cast<Key*>(other));
                                items = sort_ranked(items, other, k);
                              }
                              store_ranked(rows.row(r), items, k, values + r * k, indices + r * k);
                            });
}

// One element per row: the one at place(keys) of the sorted row.
template <class Key, class Place>
Status select_rows(const Rows<Key>& rows, Key* value, int64_t* index, const Place& place) {
  const int64_t n = rows.n;
  if (n <= kCounted) {
    return for_each_row_placed(rows, false, [&](int64_t r, const CountedRow<Key>& counted) {
      const auto k = static_cast<Key>(place(counted.key));
      int64_t i = 0;
      while (counted.place[i] != k) ++i;
      value[r] = rows.row(r)[i];
      index[r] = i;
    });
  }
  return for_each_row_keyed(rows, false, n, [&](int64_t r, const Key* keys, auto* items, auto*) {
    const int64_t k = place(keys);
    Key* const left = reinterpret_cast<Key*>(items);
    std::memcpy(left, keys, static_cast<size_t>(n) * sizeof(Key));
    const Selected<Key> selected = select_key(left, n, k);
    int64_t i = find_key(keys, n, selected.key, 0);
    for (int64_t skip = k - selected.smaller; skip > 0; --skip) {
      i = find_key(keys, n, selected.key, i + 1);
    }
    value[r] = rows.row(r)[i];
    index[r] = i;
  });
}

template <class Key>
int64_t median_place(const Rows<Key>& rows, const Key* keys, bool ignore_nan) {
  const int64_t n = rows.n;
  int64_t nans = 0;
  for (int64_t i = 0; rows.floating && i < n; ++i) nans += rows.is_nan(keys[i]);
  if (nans > 0 && (!ignore_nan || nans == n)) return n - nans;  // the first NaN
  return (n - nans - 1) / 2;
}

template <class Key>
Status mode_rows(const Rows<Key>& rows, Key* value, int64_t* index) {
  const int64_t n = rows.n;
  return for_each_row_keyed(rows, false, n,
                            [&](int64_t r, const Key* keys, auto* items, auto* other) {
                              rank_row(keys, n, items);
                              const Ranked<Key>* const sorted = sort_ranked(items, other, n);
                              int64_t longest = 0, last = 0;
                              for (int64_t begin = 0; begin < n;) {
                                const Key key = sorted[begin].key;
                                int64_t end = begin + 1;
                                // NaNs differ from each other.
                                while (end < n && sorted[end].key == key && !rows.is_nan(key))
                                  ++end;
                                if (end - begin > longest) {
                                  longest = end - begin;
                                  last = end - 1;
                                }
                                begin = end;
                              }
                              store_ranked(rows.row(r), sorted + last, 1, value + r, index + r);
                            });
}

Status sort(DType dtype, const void* in, void* values, int64_t* indices, int64_t rows, int64_t n,
            bool descending) {
  return dispatch_rows(Sortable{}, dtype, "sort_stable", in, rows, n, [&](const auto& all) {
    return sort_rows(all, same_type(all.data, values), indices, descending);
  });
}

Status topk(DType dtype, const void* in, void* values, int64_t* indices, int64_t rows, int64_t n,
            int64_t k, bool largest) {
  return dispatch_rows(RealAndBool{}, dtype, "topk_cpu", in, rows, n, [&](const auto& all) {
    return topk_rows(all, same_type(all.data, values), indices, k, largest);
  });
}

Status kth(DType dtype, const void* in, void* value, int64_t* index, int64_t rows, int64_t n,
           int64_t k) {
  return dispatch_rows(Real{}, dtype, "kthvalue_cpu", in, rows, n, [&](const auto& all) {
    return select_rows(all, same_type(all.data, value), index, [&](const auto*) { return k; });
  });
}

Status median(DType dtype, const void* in, void* value, int64_t* index, int64_t rows, int64_t n,
              bool ignore_nan) {
  return dispatch_rows(Real{}, dtype, "median_out", in, rows, n, [&](const auto& all) {
    return select_rows(all, same_type(all.data, value), index,
                       [&](const auto* keys) { return median_place(all, keys, ignore_nan); });
  });
}

Status mode(DType dtype, const void* in, void* value, int64_t* index, int64_t rows, int64_t n) {
  return dispatch_rows(RealAndBool{}, dtype, "mode", in, rows, n, [&](const auto& all) {
    return mode_rows(all, same_type(all.data, value), index);
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
