// Exponentials, logarithms, trigonometric and error functions; the rest is in unary_arithmetic.cpp.
#include "ops/unary_math.h"

#include <cmath>
#include <limits>

#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/ternary.h"
#include "ops/unary_helpers.h"

namespace tallow::ops {

// ---- Exponentials and logarithms.

Tensor exp(const Tensor& self, Out out) {
  return with_result_slope("ExpBackward0", self, floating(UnaryOp::kExp, "exp", self, out),
                           [](const Tensor& y) { return y; });
}

Tensor exp2(const Tensor& self, Out out) {
  return with_result_slope("Exp2Backward0", self, floating(UnaryOp::kExp2, "exp2", self, out),
                           [](const Tensor& y) { return mul(y, M_LN2); });
}

Tensor expm1(const Tensor& self, Out out) {
  return with_result_slope("Expm1Backward0", self, floating(UnaryOp::kExpm1, "expm1", self, out),
                           [](const Tensor& y) { return add(y, 1); });
}

namespace {

// A logarithm: the gradient is divided by scale * (self + shift).
Tensor logarithm(UnaryOp op, const char* name, const char* node, const Tensor& self, double scale,
                 const Out& out) {
  const Tensor kept = saved_self(self, out);
  return record(node, {&self}, floating(op, name, self, out), [&](Saver& save) {
    return [x = save(kept, "self"), scale](Grads& g) {
      const Tensor value = conj(g[x]);
      g.out[0] = div(g.grad(), scale == 1 ? value : mul(value, scale));
    };
  });
}

}  // namespace

Tensor log(const Tensor& self, Out out) {
  return logarithm(UnaryOp::kLog, "log", "LogBackward0", self, 1, out);
}
Tensor log2(const Tensor& self, Out out) {
  return logarithm(UnaryOp::kLog2, "log2", "Log2Backward0", self, M_LN2, out);
}
Tensor log10(const Tensor& self, Out out) {
  return logarithm(UnaryOp::kLog10, "log10", "Log10Backward0", self, M_LN10, out);
}

Tensor log1p(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  Tensor result = floating(UnaryOp::kLog1p, "log1p", self, out);
  return record("Log1PBackward0", {&self}, std::move(result), [&](Saver& save) {
    return [x = save(kept, "self")](Grads& g) { g.out[0] = div(g.grad(), conj(add(g[x], 1))); };
  });
}

// ---- Trigonometric and hyperbolic functions.

Tensor sin(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("SinBackward0", self, kept, floating(UnaryOp::kSin, "sin", self, out),
                    [](const Tensor& x) { return cos(x); });
}

Tensor cos(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("CosBackward0", self, kept, floating(UnaryOp::kCos, "cos", self, out),
                    [](const Tensor& x) { return neg(sin(x)); });
}

Tensor tan(const Tensor& self, Out out) {
  return with_result_slope("TanBackward0", self, floating(UnaryOp::kTan, "tan", self, out),
                           [](const Tensor& y) { return add(square(y), 1); });
}

Tensor asin(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("AsinBackward0", self, kept, floating(UnaryOp::kAsin, "asin", self, out),
                    [](const Tensor& x) { return rsqrt(rsub(square(x), 1)); });
}

Tensor acos(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("AcosBackward0", self, kept, floating(UnaryOp::kAcos, "acos", self, out),
                    [](const Tensor& x) { return neg(rsqrt(rsub(square(x), 1))); });
}

Tensor atan(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("AtanBackward0", self, kept, floating(UnaryOp::kAtan, "atan", self, out),
                    [](const Tensor& x) { return reciprocal(add(square(x), 1)); });
}

Tensor sinh(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("SinhBackward0", self, kept, floating(UnaryOp::kSinh, "sinh", self, out),
                    [](const Tensor& x) { return cosh(x); });
}

Tensor cosh(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("CoshBackward0", self, kept, floating(UnaryOp::kCosh, "cosh", self, out),
                    [](const Tensor& x) { return sinh(x); });
}

Tensor tanh(const Tensor& self, Out out) {
  Tensor result = floating(UnaryOp::kTanh, "tanh", self, out);
  return record("TanhBackward0", {&self}, result, [&](Saver& save) {
    return [y = save.output(result)](Grads& g) { g.out[0] = tanh_backward(g.grad(), g[y]); };
  });
}

Tensor tanh_backward(const Tensor& grad, const Tensor& output) {
  Tensor result = binary(BinaryOp::kTanhBackward, "tanh_backward", grad, output, output.dtype(),
                         output.dtype(), {});
  return record("TanhBackwardBackward0", {&grad, &output}, std::move(result), [&](Saver& save) {
    return [d = save(grad, "grad_output"), y = save(output, "output")](Grads& g) {
      if (g.needs(0)) g.out[0] = tanh_backward(g.grad(), g[y]);
      if (g.needs(1)) g.out[1] = mul(mul(g.grad(), g[d]), mul(g[y], -2));
    };
  });
}

Tensor asinh(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("AsinhBackward0", self, kept, floating(UnaryOp::kAsinh, "asinh", self, out),
                    [](const Tensor& x) { return rsqrt(add(square(x), 1)); });
}

Tensor acosh(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("AcoshBackward0", self, kept, floating(UnaryOp::kAcosh, "acosh", self, out),
                    [](const Tensor& x) { return rsqrt(sub(square(x), 1)); });
}

Tensor atanh(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("AtanhBackward0", self, kept, floating(UnaryOp::kAtanh, "atanh", self, out),
                    [](const Tensor& x) { return reciprocal(rsub(square(x), 1)); });
}

// ---- Error function and sigmoid.

namespace {

constexpr double kTwoOverSqrtPi = 1.12837916709551257390;

}  // namespace

Tensor erf(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("ErfBackward0", self, kept, floating(UnaryOp::kErf, "erf", self, out),
                    [](const Tensor& x) { return mul(exp(neg(square(x))), kTwoOverSqrtPi); });
}

Tensor erfc(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("ErfcBackward0", self, kept, floating(UnaryOp::kErfc, "erfc", self, out),
                    [](const Tensor& x) { return mul(exp(neg(square(x))), -kTwoOverSqrtPi); });
}

Tensor special(const Tensor& self, std::string_view function) {
  static constexpr std::pair<std::string_view, UnaryOp> kFunctions[] = {
      {"bessel_j0", UnaryOp::kBesselJ0}, {"bessel_j1", UnaryOp::kBesselJ1},
      {"digamma", UnaryOp::kDigamma},    {"erfcx", UnaryOp::kErfcx},
      {"erfinv", UnaryOp::kErfinv},      {"i0", UnaryOp::kBesselI0},
      {"i0e", UnaryOp::kBesselI0e},      {"i1", UnaryOp::kBesselI1},
      {"i1e", UnaryOp::kBesselI1e},      {"lgamma", UnaryOp::kLgamma},
      {"ndtri", UnaryOp::kNdtri},
  };
  for (const auto& [name, op] : kFunctions) {
    if (name == function) {
      return unary(op, name.data(), self, DType::kFloat64, floating_type(self.dtype()), {});
    }
  }
  raise<ValueError>("_special(): no function '", function, "' of one tensor");
}

Tensor special(const Tensor& self, const Tensor& other, std::string_view function) {
  static constexpr std::pair<std::string_view, BinaryOp> kFunctions[] = {
      {"gammainc", BinaryOp::kGammainc},
      {"gammaincc", BinaryOp::kGammaincc},
      {"nextafter", BinaryOp::kNextafter},
  };
  const DType dtype = floating_type(result_type(self, other));
  for (const auto& [name, op] : kFunctions) {
    if (name == function) {
      const DType compute = op == BinaryOp::kNextafter ? dtype : DType::kFloat64;
      return binary(op, name.data(), self, other, compute, dtype, {});
    }
  }
  raise<ValueError>("_special(): no function '", function, "' of two tensors");
}

Tensor sigmoid(const Tensor& self, Out out) {
  Tensor result = floating(UnaryOp::kSigmoid, "sigmoid", self, out);
  return record("SigmoidBackward0", {&self}, result, [&](Saver& save) {
    return [y = save.output(result)](Grads& g) { g.out[0] = sigmoid_backward(g.grad(), g[y]); };
  });
}

Tensor sigmoid_backward(const Tensor& grad, const Tensor& output) {
  Tensor result = binary(BinaryOp::kSigmoidBackward, "sigmoid_backward", grad, output,
                         output.dtype(), output.dtype(), {});
  return record("SigmoidBackwardBackward0", {&grad, &output}, std::move(result), [&](Saver& save) {
    return [d = save(grad, "grad_output"), y = save(output, "output")](Grads& g) {
      if (g.needs(0)) g.out[0] = sigmoid_backward(g.grad(), g[y]);
      if (g.needs(1)) g.out[1] = mul(mul(g.grad(), g[d]), rsub(mul(g[y], 2), 1));
    };
  });
}

Tensor logit(const Tensor& self, std::optional<double> eps, Out out) {
  const Tensor kept = saved_self(self, out);
  Tensor result;
  {
    const NoGradGuard no_grad;
    const DType dtype = floating_type(self.dtype());
    const Tensor value = self.dtype() == dtype ? self : to_dtype(self, dtype);
    const Tensor x = eps ? clamp(value, Scalar(*eps), Scalar(1 - *eps)) : value;
    // Without eps, numbers outside [0, 1] give NaN by themselves.
    result = unary(UnaryOp::kLog, "logit", div(x, rsub(x, 1)), dtype, dtype, out);
  }
  return record("LogitBackward0", {&self}, result, [&](Saver& save) {
    return [x = save(kept, "self"), eps](Grads& g) {
      const Tensor value = g[x];
      const Tensor slope = div(g.grad(), mul(value, rsub(value, 1)));
      const double low = eps.value_or(0);
      const double outside = eps ? 0 : std::numeric_limits<double>::quiet_NaN();
      g.out[0] = where(logical_and(ge(value, low), le(value, 1 - low)), slope, outside);
    };
  });
}

}  // namespace tallow::ops
