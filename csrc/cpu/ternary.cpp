// Three-operand formulas: where, clamp, lerp, addcmul and their like.
#include "cpu/loops.h"
#include "cpu/tile_moves.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

template <class T>
void where_row(const RowData& data, int64_t n, const void*) {
  T* const out = reinterpret_cast<T*>(data[0]);
  const uint8_t* const condition = reinterpret_cast<const uint8_t*>(data[1]);
  const T* const a = reinterpret_cast<const T*>(data[2]);
  const T* const b = reinterpret_cast<const T*>(data[3]);
  for (int64_t i = 0; i < n; ++i) out[i] = condition[i] ? a[i] : b[i];
}

// Selection moves bits: only the width of the type matters.
Row where(DType compute) {
  RowFn fn = where_row<Word16>;
  switch (item_size(compute)) {
    case 1:
      fn = where_row<uint8_t>;
      break;
    case 2:
      fn = where_row<uint16_t>;
      break;
    case 4:
      fn = where_row<uint32_t>;
      break;
    case 8:
      fn = where_row<uint64_t>;
      break;
    default:
      break;
  }
  return {fn, compute, DType::kBool};
}

using NotBoolOrFloat = Types<uint8_t, int8_t, int16_t, int32_t, int64_t, complex64, complex128>;
using AllIntegral = Types<bool, uint8_t, int8_t, int16_t, int32_t, int64_t>;

template <class T>
TALLOW_INLINE T add_product(T a, T b, T c) {
  if constexpr (std::is_integral_v<T>) {
    using W = Wrapping<T>;
    return static_cast<T>(W(a) + W(b) * W(c));
  } else {
    return a + b * c;
  }
}

Row add_scaled(DType compute) {
  // bool: a or (b and c).
  if (compute == DType::kBool) {
    return elements3<[](bool a, bool b, bool c, const double*) { return a | (b & c); }>(
        Types<bool>{}, compute);
  }
  return first_of(
      floating3<[](auto a, auto b, auto c) { return fma(b, c, a); }>(compute),
      elements3<[](auto a, auto b, auto c, const double*) { return add_product(a, b, c); }>(
          NotBoolOrFloat{}, compute));
}

// Bounds that are numbers stay in registers and are looked at for NaN once.
template <class T>
void clamp_row(const RowData& data, int64_t n, const void* context) {
  const T* const low = reinterpret_cast<const T*>(data[2]);
  const T* const high = reinterpret_cast<const T*>(data[3]);
  const bool numbers = data.step[1] != 0 && data.step[2] == 0 && data.step[3] == 0;
  if (!numbers || *low != *low || *high != *high) {
    constexpr auto kClamp = [](auto a, auto b, auto c) { return minimum(maximum(a, b), c); };
    return vector_row3<T, kClamp>(data, n, context);
  }
  const Vec<T> lows = load(low), highs = load(high);
  const auto clamped = [&](Vec<T> x) { return smaller_or_first(larger_or_first(x, lows), highs); };
  T* const out = reinterpret_cast<T*>(data[0]);
  const T* const a = reinterpret_cast<const T*>(data[1]);
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) store(out + i, clamped(load(a + i)));
  if (const int rest = static_cast<int>(n - i)) {
    store_partial(out + i, clamped(load_partial(a + i, rest)), rest);
  }
}

Row floating_clamp(DType compute) {
  if (compute == DType::kFloat32) return {clamp_row<float>, compute, compute, Cost::kMemory, true};
  if (compute == DType::kFloat64) return {clamp_row<double>, compute, compute, Cost::kMemory, true};
  return {};
}

Row clamp(DType compute) {
  return first_of(floating_clamp(compute), elements3<[]<class T>(T a, T b, T c, const double*) {
                    const T raised = a < b ? b : a;
                    return c < raised ? c : raised;
                  }>(AllIntegral{}, compute));
}

// From the nearer end, so that weights 0 and 1 give the ends exactly.
Row lerp(DType compute) {
  return floating3<[](auto a, auto b, auto w) {
    const auto difference = b - a;
    const auto from_end = b - difference * (1 - w);
    const auto from_start = a + w * difference;
    return abs(w) < splat<decltype(w)>(0.5) ? from_start : from_end;
  }>(compute);
}

Row addcmul(DType compute) {
  return first_of(
      floating_params3<[](auto a, auto b, auto c, const auto& p) { return a + p.p0 * b * c; }>(
          compute),
      elements3<[]<class T>(T a, T b, T c, const double* p) {
        if constexpr (std::is_integral_v<T>) {
          using W = Wrapping<T>;
          return T(W(a) + W(static_cast<int64_t>(p[0])) * W(b) * W(c));
        } else {
          return a + T(static_cast<decltype(a.real)>(p[0])) * b * c;
        }
      }>(NotBoolOrFloat{}, compute));
}

Row addcdiv(DType compute) {
  return first_of(
      floating_params3<[](auto a, auto b, auto c, const auto& p) { return a + p.p0 * b / c; }>(
          compute),
      elements3<[]<class T>(T a, T b, T c, const double* p) {
        return a + T(static_cast<decltype(a.real)>(p[0])) * b / c;
      }>(ComplexTypes{}, compute));
}

Row threshold(DType compute) {
  return first_of(
      floating3<[](auto x, auto limit, auto value) { return x <= limit ? value : x; }>(compute),
      elements3<[](auto x, auto limit, auto value, const double*) {
        return x <= limit ? value : x;
      }>(Integral{}, compute));
}

}  // namespace

Row ternary_row(TernaryOp op, DType compute) {
  switch (op) {
    case TernaryOp::kWhere:
      return where(compute);
    case TernaryOp::kAddScaled:
      return add_scaled(compute);
    case TernaryOp::kClamp:
      return clamp(compute);
    case TernaryOp::kLerp:
      return lerp(compute);
    case TernaryOp::kAddcmul:
      return addcmul(compute);
    case TernaryOp::kAddcdiv:
      return addcdiv(compute);
    case TernaryOp::kThreshold:
      return threshold(compute);
    case TernaryOp::kCount:
      break;
  }
  return {};
}

const char* op_name(TernaryOp op) {
  switch (op) {
    case TernaryOp::kWhere:
      return "where_cpu";
    case TernaryOp::kAddScaled:
      return "add_stub";
    case TernaryOp::kClamp:
      return "clamp_scalar_cpu";
    case TernaryOp::kLerp:
      return "lerp_kernel_scalar";
    case TernaryOp::kAddcmul:
      return "addcmul_cpu_out";
    case TernaryOp::kAddcdiv:
      return "addcdiv_cpu_out";
    case TernaryOp::kThreshold:
      return "threshold_cpu";
    case TernaryOp::kCount:
      break;
  }
  return "ternary";
}

}  // namespace tallow::cpu::TALLOW_ISA
