// The formulas of the pointwise operations on one element, for the device and the host. Functors
// take operands of the type they compute in; those with parameters hold them as doubles. Here:
// comparisons, three operands, conversion; the others are in the headers below.
#pragma once

#include "cuda/kernels/formulas_activation.h"
#include "cuda/kernels/formulas_binary.h"
#include "cuda/kernels/formulas_unary.h"

namespace tallow::cuda::formula {

// ---- Comparisons and logic.

template <class T>
TL_HD bool truth(T x) {
  return x != T(0);
}

struct Equal {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return a == b;
  }
};
struct NotEqual {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return a != b;
  }
};
struct Less {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return a < b;
  }
};
struct LessEqual {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return a <= b;
  }
};
struct Greater {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return b < a;
  }
};
struct GreaterEqual {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return b <= a;
  }
};
struct LogicalAnd {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return truth(a) && truth(b);
  }
};
struct LogicalOr {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return truth(a) || truth(b);
  }
};
struct LogicalXor {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return truth(a) != truth(b);
  }
};

// ---- Three operands.

// a + b * c, rounded once for floating types; of bools, a or (b and c).
struct AddScaled {
  template <class T>
  TL_HD T operator()(T a, T b, T c) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fma(b, c, a);
    } else {
      return add(a, multiply(b, c));
    }
  }
};
struct Clamp {
  template <class T>
  TL_HD T operator()(T a, T b, T c) const {
    return smaller(larger(a, b), c);
  }
};
// From the nearer end, so that weights 0 and 1 give the ends exactly.
struct Lerp {
  template <class T>
  TL_HD T operator()(T a, T b, T w) const {
    const T difference = b - a;
    return std::fabs(w) < T(0.5) ? a + w * difference : b - difference * (T(1) - w);
  }
};
// The scale of addcmul and addcdiv in the type of the formula.
template <class T>
TL_HD T scale_as(double scale) {
  if constexpr (kIsComplex<T>) {
    return T(static_cast<decltype(T().real)>(scale));
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<int64_t>(scale));
  } else {
    return static_cast<T>(scale);
  }
}
struct Addcmul {
  double p0, p1, p2;
  template <class T>
  TL_HD T operator()(T a, T b, T c) const {
    return add(a, multiply(multiply(scale_as<T>(p0), b), c));
  }
};
struct Addcdiv {
  double p0, p1, p2;
  template <class T>
  TL_HD T operator()(T a, T b, T c) const {
    return a + scale_as<T>(p0) * b / c;
  }
};
struct Threshold {
  template <class T>
  TL_HD T operator()(T x, T limit, T value) const {
    return x <= limit ? value : x;
  }
};

// ---- Conversion.

// Truncation; NaN and what does not fit gives the smallest Int.
template <class Int, class Float>
TL_HD Int truncated(Float value) {
  constexpr Float kLimit = sizeof(Int) == 8 ? Float(0x1p63) : Float(0x1p31);
  constexpr Int kSmallest =
      sizeof(Int) == 8 ? static_cast<Int>(INT64_MIN) : static_cast<Int>(INT32_MIN);
  return value > -kLimit && value < kLimit ? static_cast<Int>(value) : kSmallest;
}

// As copy() converts between any two types; see backend/pointwise.h.
template <class To, class From>
TL_HD To cast(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (kIsComplex<From>) {
    if constexpr (kIsComplex<To>) {
      using Part = decltype(To().real);
      return To(static_cast<Part>(value.real), static_cast<Part>(value.imag));
    } else if constexpr (std::is_same_v<To, bool>) {
      return value.real != 0 || value.imag != 0;
    } else {
      return cast<To>(value.real);
    }
  } else if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>) {
    return cast<To>(static_cast<float>(value));
  } else if constexpr (kIsComplex<To>) {
    return To(static_cast<decltype(To().real)>(value));
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, int64_t>) {
    return truncated<int64_t>(value);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return static_cast<To>(truncated<int32_t>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace tallow::cuda::formula
