// Smallest and largest elements, alone or with their positions: the first of equals, and the first
// NaN before everything else.
#include "cuda/kernels/reduce.h"

#include <limits>

#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

template <class C>
struct Found {
  C value;
  int64_t index;
};

template <class Stored, bool kLargest>
struct ExtremumRule {
  using T = Stored;
  using C = Compute<T>;
  using A = Found<C>;
  T* values;         // or null
  int64_t* indices;  // or null
  C none;            // beaten by everything that comes before it

  TL_HD A identity() const { return {none, INT64_MAX}; }
  TL_HD A map(T x, int64_t i) const { return {static_cast<C>(x), i}; }
  // Is `a` the one, if neither is NaN or both are?
  TL_HD A join(A a, A b) const {
    const bool a_nan = a.value != a.value;
    const bool b_nan = b.value != b.value;
    if (a_nan != b_nan) return a_nan ? a : b;
    if (!a_nan && a.value != b.value) return (a.value < b.value) != kLargest ? a : b;
    return a.index < b.index ? a : b;
  }
  TL_HD void store(A result, int64_t at) const {
    if (values) values[at] = T(result.value);
    if (indices) indices[at] = result.index;
  }
};

template <class T, bool kLargest>
Status find(const char* op, const Reduction& r, int64_t* indices) {
  using C = Compute<T>;
  using Limits = std::numeric_limits<C>;
  const C worst = Limits::has_infinity ? (kLargest ? -Limits::infinity() : Limits::infinity())
                                       : (kLargest ? Limits::lowest() : Limits::max());
  return reduce_by(op, ExtremumRule<T, kLargest>{static_cast<T*>(r.out), indices, worst}, r);
}

}  // namespace

Status reduce_extremum(bool largest, DType dtype, const Reduction& r, int64_t* indices) {
  const char* const op = largest ? "max_cuda" : "min_cuda";
  return by_dtype(RealAndBool{}, dtype, op, [&]<class T>() -> Status {
    return largest ? find<T, true>(op, r, indices) : find<T, false>(op, r, indices);
  });
}

}  // namespace tallow::cuda
