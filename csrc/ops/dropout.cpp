#include "ops/dropout.h"

#include <cmath>

#include "autograd/record.h"
#include "core/generator.h"
#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/index_plan.h"
#include "ops/random.h"

namespace tallow::ops {

namespace {

void check_probability(double p) {
  TALLOW_CHECK(p >= 0 && p <= 1, "dropout probability has to be between 0 and 1, but got ", p);
}

// `tensor` in the memory order `strides`.
Tensor in_order(const Tensor& tensor, const Dims& strides) {
  if (tensor.strides() == strides) return tensor;
  const NoGradGuard no_grad;
  return clone_strided(tensor, strides);
}

// grad * (mask ? 1 / (1 - p) : 0): the derivative of dropout, and its own.
Tensor masked_scale(const Tensor& grad, const Tensor& mask, double p) {
  const Tensor source = in_order(grad, mask.strides());
  Tensor out = empty_strided(mask.sizes(), mask.strides(), grad.dtype(), grad.device());
  run<&Backend::random, &RandomKernels::masked_scale>(
      "dropout", grad.device(), grad.dtype(), out.ptr(), static_cast<const bool*>(mask.ptr()),
      static_cast<const void*>(source.ptr()), out.numel(), p);
  return record("MulBackward0", {&grad}, std::move(out), [&](Saver& save) {
    return
        [kept = save(mask, "mask"), p](Grads& g) { g.out[0] = masked_scale(g.grad(), g[kept], p); };
  });
}

// Draws in memory order; `out` gets the mask's strides unless it is the input itself.
Tensor drop_elements(const Tensor& input, double p, Tensor& mask, const Out& out) {
  TALLOW_CHECK(is_floating(input.dtype()),
               "result type Float can't be cast to the desired output "
               "type ",
               scalar_type_name(input.dtype()));
  const Dims strides = preserved_strides(input.sizes(), input.strides());
  if (out.is_inplace()) check_inplace(input);
  mask = empty_strided(input.sizes(), strides, DType::kBool, input.device());
  const Tensor source = in_order(input, strides);
  const bool direct = out.is_inplace() && source.same(input);
  const Tensor dense =
      direct ? input : empty_strided(input.sizes(), strides, input.dtype(), input.device());
  run<&Backend::random, &RandomKernels::dropout>(
      "dropout", input.device(), stream_of(nullptr, input.device()), input.dtype(), dense.ptr(),
      mask.data<bool>(), static_cast<const void*>(source.ptr()), input.numel(), p);
  if (!out.is_inplace()) return dense;
  if (direct) {
    input.bump_version();
  } else {
    const NoGradGuard no_grad;
    copy_(input, dense);
  }
  return input;
}

// input * noise, where the noise of a channel (an element of the first two dimensions) is
// 1 / (1 - p) or 0.
Tensor channel_noise(const Tensor& input, double p) {
  TALLOW_CHECK(input.dim() >= 2, "Feature dropout requires at least 2 dimensions in the input");
  const NoGradGuard no_grad;
  Dims shape = Dims::filled(input.dim(), 1);
  shape[0] = input.sizes()[0];
  shape[1] = input.sizes()[1];
  return bernoulli_(empty(shape, input.dtype(), input.device()), Scalar(1 - p));
}

// An all-zero result that keeps NaN and infinities visible, as PyTorch's does.
Tensor times_zero(const Tensor& input, const Out& out) {
  return mul(input, zeros({}, input.dtype(), input.device()), out);
}

// a * noise * input + b: dropped elements become -alpha', and a and b restore mean and variance.
// Source: G. Klambauer et al., "Self-Normalizing Neural Networks", 2017.
Tensor scaled_alpha(const Tensor& input, double p, const Tensor& noise, const Out& out) {
  constexpr double kAlpha = 1.7580993408473766;
  const double a = 1 / std::sqrt((kAlpha * kAlpha * p + 1) * (1 - p));
  Tensor shift;
  Tensor factor;
  {
    const NoGradGuard no_grad;
    shift = add(mul(sub(noise, Scalar(1)), Scalar(kAlpha * a)), Scalar(kAlpha * a * p));
    factor = mul(noise, Scalar(a));
  }
  return out.is_inplace() ? add(mul(input, factor, out), shift, 1, out)
                          : add(mul(input, factor), shift);
}

}  // namespace

Tensor dropout(const Tensor& input, double p, bool train, Out out) {
  check_probability(p);
  if (p == 0 || !train || input.numel() == 0) return input;
  if (p == 1) return times_zero(input, out);
  Tensor mask;
  Tensor result = drop_elements(input, p, mask, out);
  return record("MulBackward0", {&input}, std::move(result), [&](Saver& save) {
    return
        [kept = save(mask, "mask"), p](Grads& g) { g.out[0] = masked_scale(g.grad(), g[kept], p); };
  });
}

Tensor feature_dropout(const Tensor& input, double p, bool train, Out out) {
  check_probability(p);
  if (p == 0 || !train || input.numel() == 0) return input;
  if (p == 1) return times_zero(input, out);
  Tensor noise = channel_noise(input, p);
  {
    const NoGradGuard no_grad;
    noise = div(noise, Scalar(1 - p));
  }
  return mul(input, noise, out);
}

Tensor alpha_dropout(const Tensor& input, double p, bool train, Out out) {
  check_probability(p);
  if (p == 0 || !train || input.numel() == 0) return input;
  if (p == 1) return times_zero(input, out);
  Tensor noise;
  {
    const NoGradGuard no_grad;
    noise = bernoulli_(empty_like(input), Scalar(1 - p));
  }
  return scaled_alpha(input, p, noise, out);
}

Tensor feature_alpha_dropout(const Tensor& input, double p, bool train, Out out) {
  check_probability(p);
  if (p == 0 || !train || input.numel() == 0) return input;
  if (p == 1) return times_zero(input, out);
  return scaled_alpha(input, p, channel_noise(input, p), out);
}

std::tuple<Tensor, Tensor> native_dropout(const Tensor& input, double p, bool train) {
  TALLOW_CHECK(!train || (p >= 0 && p <= 1),
               "bernoulli_ expects p to be in [0, 1], but got p=", 1 - p);
  Tensor mask;
  Tensor result;
  if (train) {
    result = drop_elements(input, p, mask, {});
  } else {
    const NoGradGuard no_grad;
    mask = full(input.sizes(), Scalar(true), DType::kBool, input.device());
    result = clone_strided(input, mask.strides());
  }
  const double dropped = train ? p : 0;
  result = record("NativeDropoutBackward0", {&input}, result, [&](Saver& save) {
    return [kept = save(mask, "result1"), dropped](Grads& g) {
      g.out[0] = masked_scale(g.grad(), g[kept], dropped);
    };
  });
  return {result, mask};
}

}  // namespace tallow::ops
