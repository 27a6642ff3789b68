// Keys of real elements: unsigned numbers in the order of the elements, so that sorting, selecting
// and searching compare integers on every device.
#pragma once

#include <type_traits>

#include "core/types.h"

namespace tallow {

template <class T>
inline constexpr bool kIsFloat = std::is_same_v<T, float> || std::is_same_v<T, double> ||
                                 std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

template <int Bytes>
struct UnsignedOf;
template <>
struct UnsignedOf<1> {
  using type = uint8_t;
};
template <>
struct UnsignedOf<2> {
  using type = uint16_t;
};
template <>
struct UnsignedOf<4> {
  using type = uint32_t;
};
template <>
struct UnsignedOf<8> {
  using type = uint64_t;
};

// Two's complement has its sign bit flipped; a float's magnitude bits already count upwards, so
// negative numbers are inverted and the others moved above them. Zeros are equal, NaN is largest.
template <class T>
struct KeyOf {
  using Key = typename UnsignedOf<sizeof(T)>::type;
  static constexpr Key kSign = static_cast<Key>(Key{1} << (8 * sizeof(T) - 1));
  static constexpr Key kNan = static_cast<Key>(~Key{0});
  // The bits of infinity, beyond which magnitudes are NaN.
  static constexpr Key kInfinity =
      static_cast<Key>(std::is_same_v<T, float>      ? 0x7f800000u
                       : std::is_same_v<T, Half>     ? 0x7c00u
                       : std::is_same_v<T, BFloat16> ? 0x7f80u
                                                     : 0x7ff0000000000000u);

  static TALLOW_INLINE Key of(T x) {
    const Key bits = __builtin_bit_cast(Key, x);
    if constexpr (kIsFloat<T>) {
      const Key magnitude = static_cast<Key>(bits & static_cast<Key>(~kSign));
      const Key negative = static_cast<Key>(~bits);
      const Key positive = static_cast<Key>(bits | kSign);
      const Key key =
          (bits & kSign) && magnitude ? negative : static_cast<Key>(magnitude ? positive : kSign);
      return magnitude > kInfinity ? kNan : key;
    } else if constexpr (std::is_signed_v<T>) {
      return static_cast<Key>(bits ^ kSign);
    } else {
      return bits;
    }
  }

  static TALLOW_INLINE bool is_nan(Key key) { return kIsFloat<T> && key == kNan; }
};

}  // namespace tallow
