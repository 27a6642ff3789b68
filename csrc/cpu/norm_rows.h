// The statistics of a row of contiguous elements.
#pragma once

#include <cmath>

#include "cpu/reduce_rows.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// The mean as a sum of two numbers, so that subtracting it leaves no trace of its rounding, and
// 1 / sqrt(variance + eps).
template <class A>
struct RowStats {
  A mean;
  A rest;
  A rstd;
};

template <class T>
TALLOW_NOINLINE Compute<T> row_mean(const T* x, int64_t n) {
  using A = Compute<T>;
  return fold_values<A>(n, Add{}, [&](int64_t i, int lanes) { return read(x + i, lanes); }) /
         static_cast<A>(n);
}

// The mean is corrected by the average deviation from it, and so is the variance.
// Source: T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance:
// analysis and recommendations", The American Statistician 37 (1983), formula 1.7.
template <class T>
TALLOW_NOINLINE RowStats<Compute<T>> row_stats(const T* x, int64_t n, Compute<T> mean,
                                               Compute<T> eps) {
  using A = Compute<T>;
  const A count = static_cast<A>(n);
  A sums[2];
  fold_terms<A, 2>(
      n, Add{},
      [&](int64_t i, int lanes, Vec<A>(&d)[2]) {
        d[0] = read(x + i, lanes) - broadcast(mean);
        d[1] = d[0] * d[0];
      },
      sums);
  const A rest = sums[0] / count;
  return {mean, rest, A(1) / std::sqrt((sums[1] - sums[0] * rest) / count + eps)};
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
