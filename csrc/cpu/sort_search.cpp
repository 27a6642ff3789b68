// Distinct runs of sorted elements, and binary search in them.
#include <cstring>

#include "backend/sort.h"
#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/sort_keys.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Finds the runs of one row without a branch on what it holds: every element is written as the
// first of the next run, and stays if it is. `counts` may be null; `inverse` is there if kInverse.
template <bool kInverse, class Key>
int64_t find_runs(const Rows<Key>& row, const int64_t* order, Key* values, int64_t* inverse,
                  int64_t* counts) {
  constexpr int64_t kBlock = 256;
  constexpr int W = kLanes<Key>;
  Key room[1 + kBlock + W];  // the last key of the block before, then those of this one
  Key* const keys = room + 1;
  int64_t runs = 0;
  for (int64_t first = 0; first < row.n; first += kBlock) {
    const int64_t count = kBlock < row.n - first ? kBlock : row.n - first;
    row.make_keys(row.data + first, count, false, keys);
    for (int64_t j = 0; j < count; j += W) {
      const int64_t end = j + W < count ? j + W : count;
      if (!kInverse && first + j > 0) {
        // A vector within a run has nothing to write; one that begins runs with all its elements
        // is written as it is.
        const Vec<Key> here = load(keys + j), before = load(keys + j - 1);
        if (!any(here != before) && !row.is_nan(keys[j])) continue;
        if (j + W <= count && !any(here == before)) {
          store(values + runs, load(row.data + first + j));
          for (int lane = 0; counts && lane < W; ++lane) counts[runs + lane] = first + j + lane;
          runs += W;
          continue;
        }
      }
      for (int64_t lane = j; lane < end; ++lane) {
        const int64_t i = first + lane;
        const bool begins = i == 0 || keys[lane] != keys[lane - 1] || row.is_nan(keys[lane]);
        values[runs] = row.data[i];
        if (counts) counts[runs] = i;
        runs += begins;
        if constexpr (kInverse) inverse[order ? order[i] : i] = runs - 1;
      }
    }
    room[0] = keys[count - 1];
  }
  for (int64_t r = 0; counts && r < runs; ++r) {
    counts[r] = (r + 1 < runs ? counts[r + 1] : row.n) - counts[r];
  }
  return runs;
}

// Searches that are made side by side.
constexpr int64_t kSearches = 64;

// How many of n keys in order come before each of `count` others (or, with kRight, are not after
// it). All searches take the same steps, side by side.
template <bool kRight, class Key>
void find_insertions(const Key* sorted, int64_t n, const Key* values, int64_t count, int64_t* out) {
  int64_t at[kSearches] = {};
  // The answers are in [at, at + left].
  for (int64_t left = n; left > 0;) {
    const int64_t half = (left + 1) / 2;
    for (int64_t i = 0; i < count; ++i) {
      const Key probe = sorted[at[i] + half - 1];
      const bool before = kRight ? probe <= values[i] : probe < values[i];
      at[i] += half & -int64_t{before};  // a branch would often be predicted wrong
    }
    left -= half;
  }
  std::memcpy(out, at, static_cast<size_t>(count) * sizeof(int64_t));
}

// The same in elements that are not keys yet: for a few searches in a long row.
template <class Key>
int64_t find_insertion(const Rows<Key>& rows, const Key* sorted, Key value, bool right) {
  alignas(kVectorBytes) Key probe[kLanes<Key>];
  int64_t low = 0;
  for (int64_t left = rows.n; left > 0;) {
    const int64_t half = (left + 1) / 2;
    rows.make_keys(sorted + low + half - 1, 1, false, probe);
    if (right ? probe[0] <= value : probe[0] < value) low += half;
    left -= half;
  }
  return low;
}

template <class Key>
Status search_rows(const Rows<Key>& rows, const Key* value, int64_t* out, int64_t values,
                   bool shared, bool right) {
  constexpr int64_t kBlock = kSearches;
  const int64_t n = rows.n;
  const int64_t total = shared ? values : rows.count * values;
  const bool many = n * rows.count <= 4 * total;
  const Scratch<Key> keys(many ? rows.count * n + kLanes<Key> : 0);
  if (many) {
    if (!keys) return keys.failure();
    rows.make_keys(rows.data, rows.count * n, false, keys.get());
  }
  // Blocks end with their row, so that one search is like the next.
  const int64_t blocks = (values + kBlock - 1) / kBlock;
  parallel_for(values > 0 ? total / values * blocks : 0, 16, [&](int64_t begin, int64_t end) {
    alignas(kVectorBytes) Key wanted[kBlock + kLanes<Key>];
    for (int64_t b = begin; b < end; ++b) {
      const int64_t r = b / blocks;
      const int64_t first = (b - r * blocks) * kBlock;
      const int64_t count = kBlock < values - first ? kBlock : values - first;
      int64_t* const places = out + r * values + first;
      rows.make_keys(value + r * values + first, count, false, wanted);
      if (!many) {
        for (int64_t i = 0; i < count; ++i) {
          places[i] = find_insertion(rows, rows.row(r), wanted[i], right);
        }
      } else if (right) {
        find_insertions<true>(keys.get() + r * n, n, wanted, count, places);
      } else {
        find_insertions<false>(keys.get() + r * n, n, wanted, count, places);
      }
    }
  });
  return Status::kOk;
}

}  // namespace

Status unique_runs(DType dtype, const void* in, const int64_t* order, int64_t n, void* values,
                   int64_t* inverse, int64_t* counts, int64_t* count) {
  return dispatch_rows(Sortable{}, dtype, "unique", in, 1, n, [&](const auto& row) {
    auto* const distinct = same_type(row.data, values);
    *count = inverse ? find_runs<true>(row, order, distinct, inverse, counts)
                     : find_runs<false>(row, order, distinct, inverse, counts);
    return Status::kOk;
  });
}

Status search_sorted(DType dtype, const void* sorted, const void* value, int64_t* out, int64_t rows,
                     int64_t n, int64_t values, bool shared, bool right) {
  return dispatch_rows(
      Real{}, dtype, "searchsorted_out_cpu", sorted, rows, n, [&](const auto& all) {
        return search_rows(all, static_cast<decltype(all.data)>(value), out, values, shared, right);
      });
}

}  // namespace tallow::cpu::TALLOW_ISA
