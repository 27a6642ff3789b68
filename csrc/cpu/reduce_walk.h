// Folds a Reduction of any layout: along rows (reduced elements adjacent) or down columns (kept
// elements adjacent), with the same bits.
#pragma once

#include "cpu/reduce_along_rows.h"
#include "cpu/reduce_down_columns.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Two or three columns and nothing else: too few for a register, but not if rows are folded without
// a gap.
TALLOW_INLINE bool is_narrow_matrix(const Reduction& r) {
  return r.out_ndim == 1 && r.reduce_ndim == 1 && r.in_stride[0] == 1 && r.out_size[0] > 1 &&
         r.reduce_stride[0] == r.out_size[0];
}

// Folds every output; reduce_numel and out_numel are positive. `center` may be null.
template <class A, class Join, class... Maps>
Status fold_all(const Reduction& r, const Reader<A>& reader, const A* center, A* const* results) {
  return prefers_columns(r) || is_narrow_matrix(r)
             ? fold_columns<A, Join, Maps...>(r, reader, center, results)
             : fold_rows<A, Join, Maps...>(r, reader, center, results);
}

// Calls store(position in r.out, kept index) for every output.
template <class StoreAt>
TALLOW_INLINE void for_each_output(const Reduction& r, const StoreAt& store_at) {
  Cursor out(r.out_ndim, r.out_size, r.out_stride, 0);
  for (int64_t o = 0; o < r.out_numel; ++o, out.advance(1)) store_at(out.offset(), o);
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
