// Conversions between element types, one contiguous loop for each pair.
#include "cpu/loops.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

template <class T>
inline constexpr bool is_complex_type = false;
template <>
inline constexpr bool is_complex_type<complex64> = true;
template <>
inline constexpr bool is_complex_type<complex128> = true;

template <class T>
inline constexpr bool is_half_type = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

// Truncation; NaN and what does not fit gives the smallest Int.
template <class Int, class Float>
TALLOW_INLINE Int truncate(Float value) {
  constexpr Float kLimit = sizeof(Int) == 8 ? Float(0x1p63) : Float(0x1p31);
  constexpr Int kSmallest = static_cast<Int>(Int{1} << (sizeof(Int) * 8 - 1));
  return value > -kLimit && value < kLimit ? static_cast<Int>(value) : kSmallest;
}

template <class To, class From>
TALLOW_INLINE To cast(From value) {
  if constexpr (is_complex_type<From>) {
    if constexpr (is_complex_type<To>) {
      using Part = decltype(To().real);
      return To(static_cast<Part>(value.real), static_cast<Part>(value.imag));
    } else if constexpr (std::is_same_v<To, bool>) {
      return value.real != 0 || value.imag != 0;
    } else {
      return cast<To>(value.real);
    }
  } else if constexpr (is_half_type<From>) {
    return cast<To>(static_cast<float>(value));
  } else if constexpr (is_complex_type<To>) {
    return To(static_cast<decltype(To().real)>(value));
  } else if constexpr (is_half_type<To>) {
    return To(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != 0;
  } else if constexpr (is_float<From> && std::is_same_v<To, int64_t>) {
    return truncate<int64_t>(value);
  } else if constexpr (is_float<From> && std::is_integral_v<To>) {
    return static_cast<To>(truncate<int32_t>(value));
  } else {
    return static_cast<To>(value);
  }
}

template <class To, class From>
void convert_elements(void* out, const void* in, int64_t n) {
  To* const to = static_cast<To*>(out);
  const From* const from = static_cast<const From*>(in);
  if constexpr (std::is_same_v<To, From>) {
    std::memcpy(static_cast<void*>(to), from, static_cast<size_t>(n) * sizeof(To));
  } else if constexpr ((std::is_same_v<To, float> && is_half_type<From>) ||
                       (std::is_same_v<From, float> && is_half_type<To>)) {
    int64_t i = 0;
    for (; i + kLanes<float> <= n; i += kLanes<float>) store_float(to + i, load_float(from + i));
    if (const int rest = static_cast<int>(n - i)) {
      store_float_partial(to + i, load_float_partial(from + i, rest), rest);
    }
  } else if constexpr (std::is_same_v<From, double> && is_half_type<To>) {
    constexpr int W = kLanes<float>;
    int64_t i = 0;
    for (; i + W <= n; i += W) {
      store_float(to + i, narrow(load(from + i), load(from + i + W / 2)));
    }
    if (const int rest = static_cast<int>(n - i)) {
      double last[W] = {};
      std::memcpy(last, from + i, static_cast<size_t>(rest) * sizeof(double));
      const double* const half = last + W / 2;
      store_float_partial(to + i, narrow(load(static_cast<const double*>(last)), load(half)), rest);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) to[i] = cast<To>(from[i]);
  }
}

// ---- Types that are only stored convert by way of another one.

template <class Float>
TALLOW_INLINE uint64_t to_unsigned(Float value) {
  constexpr uint64_t kHighest = uint64_t{1} << 63;
  return value >= Float(0x1p63)
             ? static_cast<uint64_t>(truncate<int64_t>(value - Float(0x1p63))) ^ kHighest
             : static_cast<uint64_t>(truncate<int64_t>(value));
}

template <class To, class From>
void convert_stored(void* out, const void* in, int64_t n) {
  To* const to = static_cast<To*>(out);
  const From* const from = static_cast<const From*>(in);
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<To, uint64_t>) {
      to[i] = to_unsigned(from[i]);
    } else {
      to[i] = static_cast<To>(from[i]);
    }
  }
}

// The partner of a stored type: it holds every value of the type, except that int64 has the same
// bits as uint64.
DType partner_of(DType stored, DType other) {
  switch (stored) {
    case DType::kUInt16:
      return DType::kInt32;
    case DType::kUInt32:
      return DType::kInt64;
    case DType::kUInt64:
      if (!is_differentiable(other)) return DType::kInt64;
      return other == DType::kFloat64 || other == DType::kComplex128 ? DType::kFloat64
                                                                     : DType::kFloat32;
    default:
      return DType::kFloat32;
  }
}

template <class Stored, class Partner>
ConvertFn between(bool opens) {
  return opens ? convert_stored<Partner, Stored> : convert_stored<Stored, Partner>;
}

// From the stored type to its partner if it `opens`, or back. Null: the bits are the same.
ConvertFn stored_row(DType stored, DType partner, bool opens) {
  switch (stored) {
    case DType::kUInt16:
      return between<uint16_t, int32_t>(opens);
    case DType::kUInt32:
      return between<uint32_t, int64_t>(opens);
    case DType::kUInt64:
      if (partner == DType::kInt64) return nullptr;
      return partner == DType::kFloat64 ? between<uint64_t, double>(opens)
                                        : between<uint64_t, float>(opens);
    case DType::kFloat8E4M3FN:
      return between<Float8E4M3FN, float>(opens);
    case DType::kFloat8E5M2:
      return between<Float8E5M2, float>(opens);
    case DType::kFloat8E4M3FNUZ:
      return between<Float8E4M3FNUZ, float>(opens);
    case DType::kFloat8E5M2FNUZ:
      return between<Float8E5M2FNUZ, float>(opens);
    default:
      return between<Float8E8M0FNU, float>(opens);
  }
}

using AllButBool = Types<uint8_t, int8_t, int16_t, int32_t, int64_t, float, double, Half, BFloat16,
                         complex64, complex128>;

template <class To, class... Froms>
ConvertFn convert_from(Types<Froms...>, DType in) {
  ConvertFn fn = nullptr;
  ((dtype_of<Froms> == in && (fn = convert_elements<To, Froms>, true)) || ...);
  return fn;
}

template <class... Tos>
ConvertFn convert_to(Types<Tos...>, DType out, DType in) {
  ConvertFn fn = nullptr;
  ((dtype_of<Tos> == out && (fn = convert_from<Tos>(AllButBool{}, in), true)) || ...);
  return fn;
}

ConvertFn plain_row(DType out, DType in) {
  // A bool is a byte of 0 or 1, which compilers convert in vectors only if they are told.
  return convert_to(All{}, out, in == DType::kBool ? DType::kUInt8 : in);
}

}  // namespace

void Conversion::add(ConvertFn fn, DType result) {
  if (fn) steps_[count_++] = {fn, static_cast<int>(item_size(result))};
}

Conversion::Conversion(DType out, DType in) : in_item_(static_cast<int>(item_size(in))) {
  DType at = in;
  if (is_stored_only(in)) {
    at = partner_of(in, out);
    add(stored_row(in, at, true), at);
  }
  const DType last = is_stored_only(out) ? partner_of(out, at) : out;
  if (last != at) add(plain_row(last, at), last);
  if (is_stored_only(out)) add(stored_row(out, last, false), out);
}

void Conversion::in_pieces(void* out, const void* in, int64_t n) const {
  constexpr int64_t kPiece = 512;
  alignas(64) char between[2][kPiece * 8];
  const int last = count_ - 1;
  for (int64_t i = 0; i < n; i += kPiece) {
    const int64_t count = n - i < kPiece ? n - i : kPiece;
    const void* from = static_cast<const char*>(in) + i * in_item_;
    for (int step = 0; step < last; ++step) {
      steps_[step].fn(between[step], from, count);
      from = between[step];
    }
    steps_[last].fn(static_cast<char*>(out) + i * steps_[last].item, from, count);
  }
}

}  // namespace tallow::cpu::TALLOW_ISA
