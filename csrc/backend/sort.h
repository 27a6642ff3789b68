// Sorting, selection, searching and running totals.
#pragma once

#include "core/types.h"

namespace tallow {

enum class ScanOp : uint8_t { kSum, kProd, kLogSumExp };

// `in` is `rows` contiguous rows of n elements of a real type or bool, 0 < n < 2^32; outputs are
// contiguous too. NaN counts as the largest number, -0.0 and 0.0 as equal.
struct SortKernels {
  // Equal elements keep their order.
  Status (*sort)(DType dtype, const void* in, void* values, int64_t* indices, int64_t rows,
                 int64_t n, bool descending) = nullptr;
  // The first k of the sorted row.
  Status (*topk)(DType dtype, const void* in, void* values, int64_t* indices, int64_t rows,
                 int64_t n, int64_t k, bool largest) = nullptr;
  // The element at place k (from 0) of the ascending row, one per row.
  Status (*kth)(DType dtype, const void* in, void* value, int64_t* index, int64_t rows, int64_t n,
                int64_t k) = nullptr;
  // The element at place (m - 1) / 2 of the ascending row, where m counts the elements that are not
  // NaN; a NaN, if there is one, unless `ignore_nan`.
  Status (*median)(DType dtype, const void* in, void* value, int64_t* index, int64_t rows,
                   int64_t n, bool ignore_nan) = nullptr;
  // The most frequent element, the smallest of several, and its last position.
  Status (*mode)(DType dtype, const void* in, void* value, int64_t* index, int64_t rows,
                 int64_t n) = nullptr;

  // The distinct runs of n sorted (or any) elements: their first elements, lengths, and the run of
  // every element, written to inverse[order[i]], or inverse[i] if `order` is null. NaNs are
  // distinct. Outputs hold n elements, *count are used; a CPU needs no `inverse` and `counts`.
  Status (*unique)(DType dtype, const void* in, const int64_t* order, int64_t n, void* values,
                   int64_t* inverse, int64_t* counts, int64_t* count) = nullptr;
  // out[r][i] = the first place in sorted[r] (or in the only row, if `shared`) before which
  // value[r][i] could be inserted; with `right` the last one.
  Status (*search)(DType dtype, const void* sorted, const void* value, int64_t* out, int64_t rows,
                   int64_t n, int64_t values, bool shared, bool right) = nullptr;

  // Running totals along the middle of a contiguous [outer][n][inner] array. Floating types are
  // accumulated in double; kLogSumExp is for them alone. Integers must be int64.
  Status (*scan)(ScanOp op, DType dtype, void* out, const void* in, int64_t outer, int64_t n,
                 int64_t inner) = nullptr;
  // The running maximum (minimum) and its latest position. NaN wins from where it stands on.
  Status (*scan_extremum)(bool largest, DType dtype, void* values, int64_t* indices, const void* in,
                          int64_t outer, int64_t n, int64_t inner) = nullptr;
};

}  // namespace tallow
