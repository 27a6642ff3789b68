#include "ops/numbers.h"

#include <numbers>
#include <type_traits>

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/ternary.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// ---- Divisors

// Absolute values wrap around: the smallest number has none.
template <class T>
T absolute(T x) {
  if constexpr (std::is_unsigned_v<T>) {
    return x;
  } else {
    using U = std::make_unsigned_t<T>;
    return x < 0 ? static_cast<T>(static_cast<U>(0) - static_cast<U>(x)) : x;
  }
}

template <class T>
T divisor(T x, T y) {
  T a = absolute(x), b = absolute(y);
  while (a != 0) {
    const T rest = static_cast<T>(b % a);
    b = a;
    a = rest;
  }
  return b;
}

template <class T>
T multiple(T x, T y) {
  const T common = divisor(x, y);
  if (common == 0) return 0;
  // As PyTorch: narrow types are multiplied as int, and what has no absolute value wraps around.
  using Wide = std::conditional_t<(sizeof(T) < sizeof(int)), int, T>;
  // The smallest number over -1, a divisor it can have, is no number of the type: that division
  // would end the process.
  uint64_t quotient = 0 - static_cast<uint64_t>(x);
  if (static_cast<Wide>(common) != Wide(-1)) {
    quotient = static_cast<uint64_t>(static_cast<Wide>(x / common));
  }
  return static_cast<T>(absolute(static_cast<Wide>(quotient * static_cast<uint64_t>(y))));
}

template <class T>
void fill_divisors(bool common, const Tensor& a, const Tensor& b, const Tensor& out) {
  const T* const x = a.data<T>();
  const T* const y = b.data<T>();
  T* const z = out.data<T>();
  for (int64_t i = 0; i < out.numel(); ++i)
    z[i] = common ? divisor(x[i], y[i]) : multiple(x[i], y[i]);
}

// On the CPU wherever the operands are: the rest of a division is no work for a device.
Tensor divisors(bool common, const Tensor& self, const Tensor& other, const Out& out) {
  const DType dtype = result_type(self, other);
  const bool known = dtype >= DType::kUInt8 && dtype <= DType::kInt64;
  TALLOW_CHECK_NOT_IMPLEMENTED(known, "\"", common ? "gcd" : "lcm", "_cpu\" not implemented for '",
                               scalar_type_name(dtype), "'");
  Problem<3> problem;
  const Input a(self, dtype), b(other, dtype);
  const Tensor result = prepare(problem, {&a, &b}, dtype, out);
  if (result.device().is_meta()) return result;
  const auto numbers = [&](const Tensor& x) {
    const Tensor near = to_dtype(to_device(x, kCPU), dtype);
    return contiguous(near.sizes() == result.sizes() ? near : expand(near, result.sizes()));
  };
  const Tensor x = numbers(self), y = numbers(other);
  const bool direct = result.is_contiguous() && result.dtype() == dtype && result.device().is_cpu();
  const Tensor found = direct ? result : empty(result.sizes(), dtype);
  switch (dtype) {
    case DType::kUInt8:
      fill_divisors<uint8_t>(common, x, y, found);
      break;
    case DType::kInt8:
      fill_divisors<int8_t>(common, x, y, found);
      break;
    case DType::kInt16:
      fill_divisors<int16_t>(common, x, y, found);
      break;
    case DType::kInt32:
      fill_divisors<int32_t>(common, x, y, found);
      break;
    default:
      fill_divisors<int64_t>(common, x, y, found);
  }
  if (!direct) copy_data(result, to_device(found, result.device()));
  finish(out);
  return result;
}

Tensor as_type(const Tensor& x, DType dtype) { return x.dtype() == dtype ? x : to_dtype(x, dtype); }
// Half types are computed in float32 where a formula has several steps.
DType wide_type(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBFloat16 ? DType::kFloat32 : dtype;
}

// The derivative of sinc: near 0 its series, to the last bits of the type.
Tensor sinc_slope(const Tensor& given) {
  const Tensor x = as_type(given, wide_type(floating_type(given.dtype())));
  const Tensor angle = mul(x, std::numbers::pi);
  const bool wide = x.dtype() == DType::kFloat64 || x.dtype() == DType::kComplex128;
  const Tensor near = lt(abs(angle), wide ? 1e-2 : 0.1);
  const Tensor safe = where(near, ones_like(angle), angle);
  const Tensor far = div(sub(mul(cos(safe), safe), sin(safe)), mul(safe, safe));
  const Tensor square = mul(angle, angle);
  const Tensor last = rsub(div(square, 45360), 1.0 / 840);
  const Tensor inner = rsub(mul(square, last), 1.0 / 30);
  const Tensor series = mul(angle, add(mul(square, inner), -1.0 / 3));
  return mul(where(near, series, far), std::numbers::pi);
}

}  // namespace

Tensor gcd(const Tensor& self, const Tensor& other, Out out) {
  return divisors(true, self, other, out);
}
Tensor lcm(const Tensor& self, const Tensor& other, Out out) {
  return divisors(false, self, other, out);
}

Tensor nextafter(const Tensor& self, const Tensor& other, Out out) {
  const DType dtype = result_type(self, other);
  TALLOW_CHECK_NOT_IMPLEMENTED(dtype == DType::kFloat32 || dtype == DType::kFloat64,
                               "\"nextafter_cpu\" not implemented for '", scalar_type_name(dtype),
                               "'");
  Tensor result = binary(BinaryOp::kNextafter, "nextafter", self, other, dtype, dtype, out);
  return record("NextafterBackward0", {&self, &other}, std::move(result), [&](Saver&) {
    return [](Grads& g) {
      if (g.needs(0)) g.out[0] = g.grad();
      if (g.needs(1)) g.out[1] = zeros_like(g.grad());
    };
  });
}

Tensor logaddexp2(const Tensor& self, const Tensor& other, Out out) {
  const DType dtype = result_type(self, other);
  TALLOW_CHECK_NOT_IMPLEMENTED(is_floating(dtype), "\"logaddexp2_cpu\" not implemented for '",
                               scalar_type_name(dtype), "'");
  const Tensor result = [&] {
    const NoGradGuard no_grad;
    const DType wide = wide_type(dtype);
    const Tensor sum = logaddexp(mul(as_type(self, wide), std::numbers::ln2),
                                 mul(as_type(other, wide), std::numbers::ln2));
    return binary(BinaryOp::kDiv, "logaddexp2", sum, std::numbers::ln2, wide, dtype, out);
  }();
  return record("Logaddexp2Backward0", {&self, &other}, result, [&](Saver& save) {
    return [a = save(self, "self"), b = save(other, "other")](Grads& g) {
      if (g.needs(0)) g.out[0] = div(g.grad(), add(exp2(sub(g[b], g[a])), 1));
      if (g.needs(1)) g.out[1] = div(g.grad(), add(exp2(sub(g[a], g[b])), 1));
    };
  });
}

Tensor sinc(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  const Tensor result = [&] {
    const NoGradGuard no_grad;
    const DType dtype = floating_type(self.dtype());
    const Tensor angle = mul(as_type(self, wide_type(dtype)), std::numbers::pi);
    const Tensor ratio = div(sin(angle), angle);
    return ternary(TernaryOp::kWhere, "sinc", eq(angle, 0), 1.0, ratio, ratio.dtype(), dtype, out);
  }();
  return record("SincBackward0", {&self}, result, [&](Saver& save) {
    return [x = save(kept, "self")](Grads& g) { g.out[0] = mul(g.grad(), conj(sinc_slope(g[x]))); };
  });
}

}  // namespace tallow::ops
