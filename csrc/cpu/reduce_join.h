// What combines two partial results of a reduction, numbers or vectors of them.
#pragma once

#include <limits>

#include "core/macros.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// `identity` fills the lanes that have no element. -0.0 is the
// identity of addition that also keeps a sum of negative zeros negative.
struct Add {
  template <class T>
  static constexpr T identity = std::numeric_limits<T>::is_integer ? T(0) : T(-0.0);
  template <class V>
  TALLOW_INLINE V operator()(V a, V b) const {
    return a + b;
  }
};
struct Multiply {
  template <class T>
  static constexpr T identity = T(1);
  template <class V>
  TALLOW_INLINE V operator()(V a, V b) const {
    return a * b;
  }
};
struct Minimum {
  template <class T>
  static constexpr T identity =
      std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                           : std::numeric_limits<T>::max();
  template <class V>
  TALLOW_INLINE V operator()(V a, V b) const {
    const V smaller = b < a ? b : a;
    return b != b ? b : smaller;
  }
};
struct Maximum {
  template <class T>
  static constexpr T identity =
      std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                           : std::numeric_limits<T>::min();
  template <class V>
  TALLOW_INLINE V operator()(V a, V b) const {
    const V larger = b > a ? b : a;
    return b != b ? b : larger;
  }
};

// The same on floating types, but where one is NaN the first: half the work of the above.
struct LargerOrFirst {
  template <class T>
  static constexpr T identity = Maximum::identity<T>;
  template <class V>
  TALLOW_INLINE V operator()(V a, V b) const {
    if constexpr (sizeof(V) == kVectorBytes) return larger_or_first(a, b);
    return b > a ? b : a;
  }
};
struct SmallerOrFirst {
  template <class T>
  static constexpr T identity = Minimum::identity<T>;
  template <class V>
  TALLOW_INLINE V operator()(V a, V b) const {
    if constexpr (sizeof(V) == kVectorBytes) return smaller_or_first(a, b);
    return b < a ? b : a;
  }
};

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
