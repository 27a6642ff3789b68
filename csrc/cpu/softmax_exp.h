// The exponentials of the softmax family, with the rounding error of x - max carried along.
#pragma once

#include <cmath>

#include "core/types.h"
#include "cpu/reduce_rows.h"
#include "cpu/simd_math.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// x - max as a rounded value and what the rounding lost (0 where either is infinite).
template <class V>
struct Shifted {
  V value;
  V lost;
};

// Source: D. E. Knuth, "The Art of Computer Programming" vol. 2, 4.2.2, theorem B (two-sum).
template <class V>
TALLOW_INLINE Shifted<V> shift(V x, V max) {
  const V value = x - max;
  const V back = value - x;
  const V lost = (x - (value - back)) - (max + back);
  return {value, lost == lost ? lost : V{}};
}

// exp(x - max) to about an ulp however large x <= max and max are.
TALLOW_INLINE Vec<double> exp_shifted(Vec<double> x, Vec<double> max) {
  const Shifted<Vec<double>> s = shift(x, max);
  const Vec<double> e = math::exp(s.value);
  return mul_add(e, s.lost, e);
}
TALLOW_INLINE Vec<float> exp_shifted(Vec<float> x, Vec<float> max) {
  const Vec<float> least = splat<Vec<float>>(-110);  // e^least, and what is below, rounds to 0
  const Vec<float> value = x - max;
  const Vec<float> back = value - x;
  const Vec<float> lost = (x - (value - back)) - (max + back);
  const math::Exponential e =
      math::exponential(larger_or_first(value, least), least < value ? lost : Vec<float>{});
  return math::times_power_of_two(1 + e.p(), e);
}

// log(sum) as the nearest number of type A and the remainder.
template <class A>
struct LogSum {
  A value;
  A rest;
};
TALLOW_INLINE LogSum<float> log_sum(float sum) {
  const double exact = __builtin_log(static_cast<double>(sum));
  const float value = static_cast<float>(exact);
  const float rest = static_cast<float>(exact - static_cast<double>(value));
  return {value, rest == rest ? rest : 0.0f};
}
TALLOW_INLINE LogSum<double> log_sum(double sum) { return {__builtin_log(sum), 0.0}; }

// log(exp(x - max) / sum): the error is that of one rounding of the result and one of log(sum).
template <class V>
TALLOW_INLINE V log_softmax_element(V x, V max, V log_sum, V rest) {
  const Shifted<V> s = shift(x, max);
  return s.value - (log_sum + (rest - s.lost));
}

// max + log(sum), where an infinite maximum is the answer.
template <class A>
TALLOW_INLINE A log_of_sum(A max, A sum) {
  const bool infinite = max - max != A(0) && max == max;
  return infinite ? max : static_cast<A>(max + __builtin_log(static_cast<double>(sum)));
}

// The largest number of a row. A NaN may be passed over: it makes every exponential NaN anyway.
template <class T>
TALLOW_NOINLINE Compute<T> row_max(const T* x, int64_t n) {
  return fold_values<Compute<T>>(n, LargerOrFirst{},
                                 [&](int64_t i, int count) { return read(x + i, count); });
}

// exp(x - max), kept in `y` where its type loses nothing, and summed. Meanwhile the next row comes
// from memory.
template <class T>
TALLOW_NOINLINE Compute<T> row_sum_exp(T* y, const T* x, int64_t n, Compute<T> max) {
  using A = Compute<T>;
  const Vec<A> shift_by = broadcast(max);
  return fold_values<A>(n, Add{}, [&](int64_t i, int count) {
    __builtin_prefetch(x + n + i);
    const Vec<A> e = exp_shifted(read(x + i, count), shift_by);
    if constexpr (std::is_same_v<T, A>) {
      if (y) write(y + i, e, count);
    }
    return e;
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
                              Vec<Compute<T>> (&max)[Vecs]) {
  for (int v = 0; v < Vecs; ++v) max[v] = x.get(0, v);
  for (int64_t i = 1; i < n; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) max[v] = LargerOrFirst{}(max[v], x.get(i, v));
  }
}

template <class T, int Vecs, class Keep>
TALLOW_INLINE void column_sum_exp(const Block<const T, Vecs>& x, int64_t n,
                                  const Vec<Compute<T>> (&max)[Vecs], Vec<Compute<T>> (&sum)[Vecs],
                                  const Keep& keep) {
  using A = Compute<T>;
  fold_column_values<A, Vecs>(
      n, Add{},
      [&](int64_t i, Vec<A>(&e)[Vecs]) {
#pragma GCC unroll 4
        for (int v = 0; v < Vecs; ++v) {
          e[v] = exp_shifted(x.get(i, v), max[v]);
          keep(i, v, e[v]);
        }
      },
      sum);
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
