// Rows of maxima straight from the image, for windows whose columns halve it. There must be no NaN;
// each function answers whether there may have been one.
#pragma once

#include "cpu/pool.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// A row of windows of two columns at stride 2, whose first row of the image is `from`.
// whether there may be a NaN; the results are useless then.
template <class C, bool kTaps>
bool halve_row(const C* from, int64_t pitch, int64_t rows, int64_t windows, C* value,
               TapOf<C>* tap) {
  constexpr int kW = kLanes<C>;
  Vec<C> sum{};
  for (int64_t w = 0; w < windows; w += kW) {
    const int64_t count = 2 * (windows - w);
    Maxima<C, kTaps, false> best;
    for (int64_t i = 0; i < rows; ++i) {
      const C* const row = from + i * pitch + 2 * w;
      const Vec<C> a = load_row(row, count);
      Vec<C> b{};
      if (count > kW) b = load_row(row + kW, count - kW);
      const Vec<C> even = even_elements(a, b), odd = odd_elements(a, b);
      best.take(even, 2 * i);
      best.take(odd, 2 * i + 1);
      sum += even + odd;
    }
    store_row(value + w, best.value, windows - w);
    if constexpr (kTaps) store(tap + w, best.tap);
  }
  return any(sum != sum);
}

// 0, 1, 2, ...
template <class N>
TALLOW_INLINE Vec<N> lane_numbers() {
  Vec<N> numbers{};
#pragma GCC unroll 16
  for (int i = 0; i < kLanes<N>; ++i) numbers[i] = static_cast<N>(i);
  return numbers;
}

// One image row under windows of three columns at stride 2 with a border of 1, as it is walked.
template <class C>
struct ThreeColumns {
  const C* row;
  int64_t columns;
  Vec<C> before = broadcast(-std::numeric_limits<C>::infinity());  // its odd elements so far
  Vec<C> sum{};

  // The largest elements for the windows from `w` on, the next ones; taps count from 0.
  template <bool kTaps>
  TALLOW_INLINE Maxima<C, kTaps, false> next(int64_t w, const TapOf<C>* first_tap) {
    constexpr int kW = kLanes<C>;
    const int64_t left = columns - 2 * w;
    prefetch_ahead(row + 2 * w);
    prefetch_ahead(row + 2 * w + kW);
    Vec<C> a = load_row(row + 2 * w, left);
    Vec<C> b{};
    if (left > kW) b = load_row(row + 2 * w + kW, left - kW);
    sum += a + b;
    if (left < 2 * kW) {
      const Vec<C> outside = broadcast(-std::numeric_limits<C>::infinity());
      const Vec<TapOf<C>> lane = lane_numbers<TapOf<C>>();
      a = lane < broadcast(static_cast<TapOf<C>>(left)) ? a : outside;
      b = lane + kW < broadcast(static_cast<TapOf<C>>(left)) ? b : outside;
    }
    const Vec<C> odd = odd_elements(a, b);
    Maxima<C, kTaps, false> best;
    if constexpr (kTaps) best.tap = load(first_tap + w);
    best.take(shift_in(before, odd), 0);
    best.take(even_elements(a, b), 1);
    best.take(odd, 2);
    before = odd;
    return best;
  }
};

// What the windows of one row leave for those of the next: the maxima of their last image row.
template <class C>
struct Kept {
  C* value;
  TapOf<C>* tap;
  bool nan;
};

// A row of 3 x 3 windows at stride 2 with a border of 1, straight from the image: `from` is its
// row 1 for them, of which `rows` are inside, and `kept` has row 0 if `above`. Answers whether
// there may be a NaN; the results are useless then.
template <class C, bool kTaps>
bool three_rows(const C* from, int64_t columns, int64_t rows, bool above, int64_t windows,
                const TapOf<C>* first_tap, Kept<C>& kept, C* value, TapOf<C>* tap) {
  using Tap = TapOf<C>;
  ThreeColumns<C> middle{from, columns};
  ThreeColumns<C> bottom{from + columns, columns};
  const bool nan_above = above && kept.nan;
  for (int64_t w = 0; w < windows; w += kLanes<C>) {
    Maxima<C, kTaps, false> best;
    const auto take = [&](const Maxima<C, kTaps, false>& row, Tap i) {
      if constexpr (kTaps) {
        const Vec<Tap> wins = row.value > best.value;
        best.tap = wins ? row.tap + 3 * i : best.tap;
      }
      best.value = larger_or_first(best.value, row.value);
    };
    if constexpr (kTaps) best.tap = load(first_tap + w) + (above ? Tap(0) : Tap(3));
    if (above) {
      Maxima<C, kTaps, false> top;
      top.value = load(kept.value + w);
      if constexpr (kTaps) top.tap = load(kept.tap + w);
      take(top, 0);
    }
    take(middle.template next<kTaps>(w, first_tap), 1);
    if (rows > 1) {
      const Maxima<C, kTaps, false> last = bottom.template next<kTaps>(w, first_tap);
      take(last, 2);
      store(kept.value + w, last.value);
      if constexpr (kTaps) store(kept.tap + w, last.tap);
    }
    store_row(value + w, best.value, windows - w);
    if constexpr (kTaps) store(tap + w, best.tap);
  }
  kept.nan = any(bottom.sum != bottom.sum);
  return nan_above || kept.nan || any(middle.sum != middle.sum);
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
