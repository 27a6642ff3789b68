// New random tensors whose parameters are tensors: the other part of ops/random.h.
#include <algorithm>

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/index_plan.h"
#include "ops/random.h"
#include "ops/reduce.h"

namespace tallow::ops {

namespace {

// Where a draw goes whose parameters are `like`: row by row whatever its strides, which is the
// order of PyTorch's draws.
Tensor room_for(const Tensor& like) { return empty(like.sizes(), like.dtype(), like.device()); }

// Standard normals times std plus mean, with one rounding each as PyTorch has them.
Tensor normal_around(const Dims& shape, DType dtype, Device device, const Operand& mean,
                     const Operand& std, Generator* generator) {
  const NoGradGuard no_grad;
  const Tensor out = normal_(empty(shape, dtype, device), 0, 1, generator);
  mul(out, std, Out::inplace(out));
  return add(out, mean, 1, Out::inplace(out));
}

void check_deviations(const Tensor& std) {
  TALLOW_CHECK(!is_complex(std.dtype()), "normal expects standard deviation to be non-complex");
  if (std.numel() == 0 || std.device().is_meta()) return;
  const NoGradGuard no_grad;
  const Tensor smallest = to_dtype(min(std), DType::kFloat64);
  TALLOW_CHECK(first_element<double>("normal", smallest) >= 0,
               "normal expects all elements of std >= 0.0");
}

}  // namespace

namespace {

// The draw has no derivative, but it is a result with a history: gradients of zero.
Tensor with_zero_grads(std::initializer_list<const Tensor*> inputs, Tensor out) {
  return record("NormalBackward0", inputs, std::move(out), [&](Saver&) {
    std::vector<Dims> shapes;
    for (const Tensor* input : inputs) shapes.push_back(input->sizes());
    return [shapes](Grads& g) {
      for (std::size_t i = 0; i < shapes.size(); ++i) {
        if (g.needs(i)) g.out[i] = zeros(shapes[i], g.grad().dtype(), g.grad().device());
      }
    };
  });
}

}  // namespace

Tensor normal_of(const Tensor& mean, const Operand& std, Generator* generator) {
  if (!std.is_tensor()) {
    const double deviation = std.scalar().to_double();
    TALLOW_CHECK(deviation >= 0, "normal expects std >= 0.0, but found std ", deviation);
    Tensor out;
    {  // One pass scales and the second shifts, also for a number.
      const NoGradGuard no_grad;
      out = normal_(room_for(mean), 0, deviation, generator);
      add(out, mean, 1, Out::inplace(out));
    }
    return with_zero_grads({&mean}, std::move(out));
  }
  check_deviations(std.tensor());
  const Dims shape = broadcast_shapes(mean.sizes(), std.tensor().sizes());
  return with_zero_grads(
      {&mean, &std.tensor()},
      normal_around(shape, result_type(mean, std), mean.device(), mean, std, generator));
}

Tensor normal_of_number(double mean, const Tensor& std, Generator* generator) {
  check_deviations(std);
  return with_zero_grads(
      {&std}, normal_around(std.sizes(), std.dtype(), std.device(), Scalar(mean), std, generator));
}

Tensor bernoulli(const Tensor& input, Generator* generator) {
  Tensor out;
  {
    const NoGradGuard no_grad;
    out = bernoulli_(room_for(input), input, generator);
  }
  return record("BernoulliBackward0", {&input}, std::move(out),
                [&](Saver&) { return [](Grads& g) { g.out[0] = zeros_like(g.grad()); }; });
}

Tensor bernoulli_p(const Tensor& input, double p, Generator* generator) {
  Tensor out;
  {
    const NoGradGuard no_grad;
    out = bernoulli_(room_for(input), Scalar(p), generator);
  }
  return record("BernoulliBackward0", {&input}, std::move(out),
                [&](Saver&) { return [](Grads& g) { g.out[0] = zeros_like(g.grad()); }; });
}

namespace {

void check_weights(const Tensor& weights, int64_t samples, bool replacement) {
  TALLOW_CHECK(weights.dim() == 1 || weights.dim() == 2, "prob_dist must be 1 or 2 dim");
  TALLOW_CHECK(is_floating(weights.dtype()),
               "multinomial only supports floating-point dtypes for input, got: ",
               scalar_type_name(weights.dtype()));
  TALLOW_CHECK(samples > 0, "cannot sample n_sample <= 0 samples");
  const int64_t categories = weights.sizes().back();
  TALLOW_CHECK(replacement || samples <= categories,
               "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
  TALLOW_CHECK(categories <= int64_t{1} << 24, "number of categories cannot exceed 2^24");
}

bool any_true(const Tensor& mask) { return first_element<bool>("multinomial", any(mask)); }

// Weights are finite and not negative, and every row has one that is positive.
void check_weight_values(const Tensor& weights, bool race) {
  if (weights.numel() == 0 || weights.device().is_meta()) return;
  const bool negative = any_true(lt(weights, Scalar(0)));
  const bool finite = !any_true(logical_not(isfinite(weights)));
  TALLOW_CHECK(!race || (finite && !negative),
               "probability tensor contains either `inf`, `nan` or element < 0");
  TALLOW_CHECK(!negative, "invalid multinomial distribution (encountering probability entry < 0)");
  TALLOW_CHECK(finite,
               "invalid multinomial distribution (encountering probability entry = infinity "
               "or NaN)");
  TALLOW_CHECK(!any_true(le(sum_dims(weights, {-1}), Scalar(0))),
               "invalid multinomial distribution (sum of probabilities <= 0)");
}

// Without replacement: the `samples` largest of weight / exponential number. For a single sample
// with replacement that is the same distribution, and PyTorch draws it so.
Tensor sample_by_race(const Tensor& weights, int64_t samples, Generator* generator) {
  const Tensor times = exponential_(empty_like(weights), 1, generator);
  const Tensor scores = div(weights, times, std::nullopt, Out::inplace(times));
  if (samples == 1) return argmax(scores, -1, true);
  const int64_t categories = weights.sizes().back();
  Dims shape = weights.sizes();
  shape[shape.size() - 1] = samples;
  const Tensor best = empty(shape, weights.dtype(), weights.device());
  const Tensor out = empty(shape, DType::kInt64, weights.device());
  run<&Backend::sort, &SortKernels::topk>(
      "multinomial", weights.device(), scores.dtype(), static_cast<const void*>(scores.ptr()),
      best.ptr(), out.data<int64_t>(), weights.numel() / categories, categories, samples, true);
  return out;
}

}  // namespace

Tensor multinomial(const Tensor& input, int64_t num_samples, bool replacement,
                   Generator* generator) {
  check_weights(input, num_samples, replacement);
  const NoGradGuard no_grad;
  const Tensor weights = contiguous(input);
  const bool race = !replacement || num_samples == 1;
  check_weight_values(weights, race);
  if (race) return sample_by_race(weights, num_samples, generator);
  Dims shape = weights.sizes();
  shape[shape.size() - 1] = num_samples;
  Tensor out = empty(shape, DType::kInt64, weights.device());
  const int64_t categories = weights.sizes().back();
  run<&Backend::random, &RandomKernels::multinomial>(
      "multinomial", weights.device(), stream_of(generator, weights.device()), weights.dtype(),
      out.data<int64_t>(), static_cast<const void*>(weights.ptr()), out.numel() / num_samples,
      categories, num_samples);
  return out;
}

}  // namespace tallow::ops
