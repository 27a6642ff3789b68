// One-operand arithmetic, rounding and predicates for every type that has them. Elementary
// functions are in unary_math.cpp, activations in unary_activation.cpp.
#include "cpu/loops.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

using AllIntegral = Types<bool, uint8_t, int8_t, int16_t, int32_t, int64_t>;

template <class T>
TALLOW_INLINE T negated(T a) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(Wrapping<T>(0) - Wrapping<T>(a));
  } else {
    return -a;
  }
}

template <class T>
TALLOW_INLINE T product(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(Wrapping<T>(a) * Wrapping<T>(b));
  } else {
    return a * b;
  }
}

// No square of a float is too large or too small for a double.
TALLOW_INLINE float modulus(complex64 z) {
  const double real = z.real, imag = z.imag;
  const double size = __builtin_sqrt(real * real + imag * imag);
  const double infinity = __builtin_inf();
  const bool infinite = real * real == infinity || imag * imag == infinity;  // even beside NaN
  return static_cast<float>(infinite ? infinity : size);
}
TALLOW_INLINE double modulus(complex128 z) { return __builtin_hypot(z.real, z.imag); }

// A complex input with a real output.
template <auto F>
Row to_real(DType compute, Cost cost) {
  if (compute == DType::kComplex64) {
    return {element_row1<float, complex64, F>, DType::kFloat32, compute, cost};
  }
  if (compute == DType::kComplex128) {
    return {element_row1<double, complex128, F>, DType::kFloat64, compute, cost};
  }
  return {};
}

Row neg(DType compute) {
  return first_of(floating1<[](auto x) { return -x; }>(compute),
                  first_of(elements1<[](auto x) { return negated(x); }>(Integral{}, compute),
                           elements1<[](auto x) { return -x; }>(ComplexTypes{}, compute)));
}

Row absolute(DType compute) {
  return first_of(
      floating1<[](auto x) { return abs(x); }>(compute),
      first_of(elements1<[](auto x) { return x < 0 ? negated(x) : x; }>(Integral{}, compute),
               to_real<[](auto z) { return modulus(z); }>(compute, Cost::kLong)));
}

Row sign(DType compute) {
  return first_of(
      floating1<[](auto x) {
        using V = decltype(x);
        const V one = splat<V>(1);
        const V positive = 0 < x ? one : V{};
        return x < 0 ? -one : positive;
      }>(compute),
      elements1<[]<class T>(T x) { return T((0 < x) - (x < T(0))); }>(AllIntegral{}, compute));
}

Row cube(DType compute) {
  return first_of(
      floating1<[](auto x) { return x * x * x; }>(compute),
      first_of(elements1<[](auto x) { return product(product(x, x), x); }>(Integral{}, compute),
               elements1<[](auto x) { return x * x * x; }>(ComplexTypes{}, compute)));
}

Row square(DType compute) {
  return first_of(floating1<[](auto x) { return x * x; }>(compute),
                  first_of(elements1<[](auto x) { return product(x, x); }>(Integral{}, compute),
                           elements1<[](auto x) { return x * x; }>(ComplexTypes{}, compute)));
}

template <class C>
TALLOW_INLINE C complex_reciprocal(C z) {
  using T = decltype(z.real);
  // The larger part divides, so that the squares cannot overflow.
  const T abs_real = z.real < 0 ? -z.real : z.real;
  const T abs_imag = z.imag < 0 ? -z.imag : z.imag;
  if (abs_real >= abs_imag) {
    const T ratio = z.imag / z.real;
    const T scale = 1 / (z.real + z.imag * ratio);
    return {scale, -ratio * scale};
  }
  const T ratio = z.real / z.imag;
  const T scale = 1 / (z.imag + z.real * ratio);
  return {ratio * scale, -scale};
}

Row reciprocal(DType compute) {
  return first_of(floating1<[](auto x) { return 1 / x; }>(compute),
                  elements1<[](auto z) { return complex_reciprocal(z); }>(ComplexTypes{}, compute,
                                                                          Cost::kShort));
}

// `F` of one number; a complex number has the property if `kAny` part or both parts have it.
template <auto F, bool kAny, bool kOfIntegers>
Row predicate(DType compute) {
  constexpr auto kComplex = [](auto z) {
    return kAny ? F(z.real) || F(z.imag) : F(z.real) && F(z.imag);
  };
  Row row;
  row.out = DType::kBool;
  row.first = compute;
  switch (compute) {
    case DType::kFloat32:
      row.fn = element_row1<bool, float, F>;
      break;
    case DType::kFloat64:
      row.fn = element_row1<bool, double, F>;
      break;
    case DType::kComplex64:
      row.fn = element_row1<bool, complex64, kComplex>;
      break;
    case DType::kComplex128:
      row.fn = element_row1<bool, complex128, kComplex>;
      break;
    default:
      row.fn = [](const RowData& data, int64_t n, const void*) {
        std::memset(data[0], kOfIntegers, static_cast<size_t>(n));
      };
  }
  return row;
}

template <class T>
TALLOW_INLINE bool finite(T x) {
  return x - x == 0;
}

template <auto F, class... Ts>
Row to_bool(Types<Ts...>, DType compute) {
  Row row;
  ((dtype_of<Ts> == compute && (row = {element_row1<bool, Ts, F>, DType::kBool, compute}, true)) ||
   ...);
  return row;
}

Row logical_not(DType compute) {
  return to_bool<[]<class T>(T x) { return x == T(0); }>(
      Types<bool, uint8_t, int8_t, int16_t, int32_t, int64_t, float, double, complex64,
            complex128>{},
      compute);
}

Row round_decimals(DType compute) {
  return floating_params1<[](auto x, const auto& p) {
    const auto more = round_even(x * p.p0) / p.p0;
    const auto fewer = round_even(x / p.p1) * p.p1;
    return p.p1 != 0 ? fewer : more;
  }>(compute);
}

Row nan_to_num(DType compute) {
  return floating_params1<[](auto x, const auto& p) {
    using V = decltype(x);
    const V infinity = splat<V>(__builtin_inf());
    const V top = x == infinity ? p.p1 : x;
    const V ends = x == -infinity ? p.p2 : top;
    return x != x ? p.p0 : ends;
  }>(compute);
}

}  // namespace

Row unary_row(UnaryOp op, DType compute) {
  switch (op) {
    case UnaryOp::kNeg:
      return neg(compute);
    case UnaryOp::kAbs:
      return absolute(compute);
    case UnaryOp::kSign:
      return sign(compute);
    case UnaryOp::kSquare:
      return square(compute);
    case UnaryOp::kCube:
      return cube(compute);
    case UnaryOp::kReciprocal:
      return reciprocal(compute);
    case UnaryOp::kConj:
      return elements1<[]<class C>(C z) { return C(z.real, -z.imag); }>(ComplexTypes{}, compute);
    case UnaryOp::kBitwiseNot:
      return first_of(
          elements1<[](bool x) { return !x; }>(Types<bool>{}, compute),
          elements1<[]<class T>(T x) { return static_cast<T>(~x); }>(Integral{}, compute));
    case UnaryOp::kLogicalNot:
      return logical_not(compute);
    case UnaryOp::kIsNan:
      return predicate<[](auto x) { return x != x; }, true, false>(compute);
    case UnaryOp::kIsInf:
      return predicate<[](auto x) { return x == x && !finite(x); }, true, false>(compute);
    case UnaryOp::kIsFinite:
      return predicate<[](auto x) { return finite(x); }, false, true>(compute);
    case UnaryOp::kFloor:
      return floating1<[](auto x) { return floor(x); }>(compute);
    case UnaryOp::kCeil:
      return floating1<[](auto x) { return ceil(x); }>(compute);
    case UnaryOp::kTrunc:
      return floating1<[](auto x) { return trunc(x); }>(compute);
    case UnaryOp::kRound:
      return floating1<[](auto x) { return round_even(x); }>(compute);
    case UnaryOp::kRoundDecimals:
      return round_decimals(compute);
    case UnaryOp::kFrac:
      return floating1<[](auto x) { return x - trunc(x); }>(compute);
    case UnaryOp::kNanToNum:
      return nan_to_num(compute);
    default:
      return op < UnaryOp::kSigmoid ? unary_math_row(op, compute) : activation_row(op, compute);
  }
}

const char* op_name(UnaryOp op) {
  // In the order of the enumerators; the suffixes are PyTorch's.
  static constexpr const char* kNames[] = {"neg_cpu",
                                           "abs_cpu",
                                           "sign_cpu",
                                           "square",
                                           "cube",
                                           "reciprocal_cpu",
                                           "conj_cpu",
                                           "bitwise_not_cpu",
                                           "logical_not_cpu",
                                           "isnan",
                                           "isinf",
                                           "isfinite",
                                           "floor_vml_cpu",
                                           "ceil_vml_cpu",
                                           "trunc_vml_cpu",
                                           "round_vml_cpu",
                                           "round_cpu",
                                           "frac_cpu",
                                           "nan_to_num",
                                           "sqrt_vml_cpu",
                                           "rsqrt_vml_cpu",
                                           "exp_vml_cpu",
                                           "exp2",
                                           "expm1_vml_cpu",
                                           "log_vml_cpu",
                                           "log2_vml_cpu",
                                           "log10_vml_cpu",
                                           "log1p_vml_cpu",
                                           "sin_vml_cpu",
                                           "cos_vml_cpu",
                                           "tan_vml_cpu",
                                           "asin_vml_cpu",
                                           "acos_vml_cpu",
                                           "atan_vml_cpu",
                                           "sinh_cpu",
                                           "cosh_cpu",
                                           "tanh_vml_cpu",
                                           "asinh_cpu",
                                           "acosh_cpu",
                                           "atanh_cpu",
                                           "erf_vml_cpu",
                                           "erfc_vml_cpu",
                                           "erfinv_vml_cpu",
                                           "erfcx_cpu",
                                           "ndtri_cpu",
                                           "lgamma_vml_cpu",
                                           "digamma_cpu",
                                           "i0_cpu",
                                           "i0e_cpu",
                                           "i1_cpu",
                                           "i1e_cpu",
                                           "bessel_j0_cpu",
                                           "bessel_j1_cpu",
                                           "sigmoid_cpu",
                                           "log_sigmoid_cpu",
                                           "GeluKernelImpl",
                                           "GeluKernelImpl",
                                           "silu_cpu",
                                           "mish_cpu",
                                           "softplus_cpu",
                                           "elu_cpu",
                                           "leaky_relu_cpu",
                                           "hardswish_cpu",
                                           "hardsigmoid_cpu",
                                           "hardshrink_cpu",
                                           "softshrink_check"};
  static_assert(sizeof(kNames) / sizeof(kNames[0]) == static_cast<int>(UnaryOp::kCount));
  return kNames[static_cast<int>(op)];
}

}  // namespace tallow::cpu::TALLOW_ISA
