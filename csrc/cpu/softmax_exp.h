// The exponentials of the softmax family, however large the numbers are.
#pragma once

#include <cmath>

#include "core/types.h"
#include "cpu/row_groups.h"
#include "cpu/simd_math.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// The exponentials of a row or column are e^(x - base) for a base near its maximum.
template <class A>
struct ExpBase;

// The maximum itself.
template <>
struct ExpBase<double> {
  Vec<double> max;

  static TALLOW_INLINE ExpBase of(Vec<double> max) { return {max}; }
};

// shift + power * ln 2, which is subtracted without rounding: x - shift is exact where shift is not
// 0, because a number of interest is then less than twice another, and the power joins that of the
// exponential.
// Source: P. H. Sterbenz, "Floating-point computation" (1974), theorem 4.3.1.
template <>
struct ExpBase<float> {
  Vec<float> shift;
  Vec<float> least;  // of x - shift: the exponential of this, and of what is below, is 0
  Vec<float> power;

  static TALLOW_INLINE ExpBase of(Vec<float> max) {
    const Vec<float> shift = abs(max) < 256.0f ? Vec<float>{} : max;
    const Vec<float> most = max - shift;
    return {shift, most - 110.0f, most * 0x1.715476p0f + math::kRounder - math::kRounder};
  }
};

// e^(x - base) to about an ulp, for numbers up to the maximum.
TALLOW_INLINE Vec<float> exp_over(const ExpBase<float>& base, Vec<float> x) {
  const math::Remainder e = math::remainder_of_ln2(larger_or_first(x - base.shift, base.least));
  const Vec<float> p = mul_add(e.r * e.r, math::exponential_rest(e.r), e.r);
  return math::times_power_of_two(1 + p, {e.rounded - base.power, e.r, p});
}
// Source: D. E. Knuth, "The Art of Computer Programming" vol. 2, 4.2.2, theorem B (two-sum).
TALLOW_INLINE Vec<double> exp_over(const ExpBase<double>& base, Vec<double> x) {
  const Vec<double> value = x - base.max;
  const Vec<double> back = value - x;
  const Vec<double> lost = (x - (value - back)) - (base.max + back);
  const Vec<double> e = math::exp(value);
  return mul_add(e, lost == lost ? lost : Vec<double>{}, e);
}

// e / sum, given 1 / sum: what is the whole sum becomes 1.
TALLOW_INLINE Vec<float> share(Vec<float> e, Vec<float> sum, Vec<float> inverse) {
#if TALLOW_ISA_LEVEL > 0 || defined(__FP_FAST_FMAF)
  const Vec<float> quotient = e * inverse;
  return fma(fma(-quotient, sum, e), inverse, quotient);
#else
  return e / sum;
#endif
}
TALLOW_INLINE Vec<double> share(Vec<double> e, Vec<double>, Vec<double> inverse) {
  return e * inverse;
}

// The logarithm of the sum of e^x as the nearest number and the remainder, from the maximum and the
// sum of e^(x - base). What that is too large by, so is the exponential of the maximum.
template <class V>
struct LogSum {
  V value;
  V rest;
};
TALLOW_INLINE Vec<double> log_sum_rest(Vec<double> max, Vec<double> log, Vec<double> value) {
  return abs(max) < abs(log) ? (log - value) + max : (max - value) + log;
}
TALLOW_NOINLINE LogSum<Vec<double>> log_sum(Vec<double> max, Vec<double> sum) {
  const Vec<double> log = math::Full::log(sum / exp_over(ExpBase<double>::of(max), max));
  const Vec<double> value = max + log;
  return {value, log_sum_rest(max, log, value)};
}
TALLOW_NOINLINE LogSum<Vec<float>> log_sum(Vec<float> max, Vec<float> sum) {
  struct Halves {
    Vec<double> low = {};
    Vec<double> high = {};
    explicit TALLOW_INLINE Halves(Vec<float> v) { widen(v, low, high); }
  };
  const Halves m(max), o(exp_over(ExpBase<float>::of(max), max)), s(sum);
  const Vec<double> low = math::Brief::log(s.low / o.low);
  const Vec<double> high = math::Brief::log(s.high / o.high);
  const Vec<float> value = narrow(m.low + low, m.high + high);
  const Halves v(value);
  return {value, narrow(log_sum_rest(m.low, low, v.low), log_sum_rest(m.high, high, v.high))};
}

// log(exp(x) / the sum of all): the error is that of one rounding of the result and one of
// the logarithm of the sum.
template <class V>
TALLOW_INLINE V log_softmax_element(V x, V log_sum, V rest) {
  return (x - log_sum) - rest;
}

// The largest number of a row. A NaN may be passed over: it makes every exponential NaN anyway.
template <class T>
TALLOW_NOINLINE Compute<T> row_max(const T* x, int64_t n) {
  return fold_values<Compute<T>>(n, LargerOrFirst{},
                                 [&](int64_t i, int count) { return read(x + i, count); });
}

// e^(x - base), kept in `y` where its type loses nothing, and summed. Meanwhile what is `ahead` of
// the row comes from memory.
template <class T>
TALLOW_NOINLINE Compute<T> row_sum_exp(T* y, const T* x, int64_t n, int64_t ahead, Compute<T> max) {
  using A = Compute<T>;
  const ExpBase<A> base = ExpBase<A>::of(broadcast(max));
  return fold_values<A>(n, Add{}, [&](int64_t i, int count) {
    __builtin_prefetch(x + ahead + i);
    const Vec<A> e = exp_over(base, read(x + i, count));
    if constexpr (std::is_same_v<T, A>) {
      if (y) write(y + i, e, count);
    }
    return e;
  });
}

// Of a group of rows: the maxima, the sums of e^(x - base), and the logarithms of those of e^x.
template <class A>
struct RowSums {
  A max[kGroupRows];
  A sum[kGroupRows];
  A log[kGroupRows];
  A rest[kGroupRows];
};
template <class T>
TALLOW_INLINE void maxima_of_rows(const T* x, int64_t n, int rows, Compute<T>* max) {
  for (int r = 0; r < rows; ++r) max[r] = row_max(x + r * n, n);
}
template <class T>
TALLOW_NOINLINE void sum_exp_of_rows(const T* x, int64_t n, int rows, RowSums<Compute<T>>& s) {
  using A = Compute<T>;
  maxima_of_rows(x, n, rows, s.max);
  for (int r = 0; r < rows; ++r) {
    s.sum[r] = row_sum_exp<T>(nullptr, x + r * n, n, rows * n, s.max[r]);
  }
  for_each_vector<A>(rows, [&](int64_t r, int count) {
    const LogSum<Vec<A>> log = log_sum(read(s.max + r, count), read(s.sum + r, count));
    write(s.log + r, log.value, count);
    write(s.rest + r, log.rest, count);
  });
}

// A block of columns; element (i, v) is vector v of row i, `pitch` elements after row i - 1.
template <class T, int Vecs>
struct Block {
  using A = Compute<std::remove_const_t<T>>;
  T* first;
  int64_t pitch;
  int last;
  TALLOW_INLINE T* at(int64_t i, int v) const { return first + i * pitch + v * kLanes<A>; }
  TALLOW_INLINE int count(int v) const { return v + 1 < Vecs ? kLanes<A> : last; }
  TALLOW_INLINE Vec<A> get(int64_t i, int v) const { return read(at(i, v), count(v)); }
  TALLOW_INLINE void set(int64_t i, int v, Vec<A> value) const { write(at(i, v), value, count(v)); }
};

template <class T, int Vecs>
TALLOW_INLINE void column_max(const Block<const T, Vecs>& x, int64_t n,
                              Vec<Compute<T>> (&max)[Vecs], ExpBase<Compute<T>> (&base)[Vecs]) {
  for (int v = 0; v < Vecs; ++v) max[v] = x.get(0, v);
  for (int64_t i = 1; i < n; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) max[v] = LargerOrFirst{}(max[v], x.get(i, v));
  }
  for (int v = 0; v < Vecs; ++v) base[v] = ExpBase<Compute<T>>::of(max[v]);
}

template <class T, int Vecs, class Keep>
TALLOW_INLINE void column_sum_exp(const Block<const T, Vecs>& x, int64_t n,
                                  const ExpBase<Compute<T>> (&base)[Vecs],
                                  Vec<Compute<T>> (&sum)[Vecs], const Keep& keep) {
  using A = Compute<T>;
  fold_column_values<A, Vecs>(
      n, Add{},
      [&](int64_t i, Vec<A>(&e)[Vecs]) {
#pragma GCC unroll 4
        for (int v = 0; v < Vecs; ++v) {
          e[v] = exp_over(base[v], x.get(i, v));
          keep(i, v, e[v]);
        }
      },
      sum);
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
