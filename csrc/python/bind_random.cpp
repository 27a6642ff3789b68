// Random numbers and dropout.
#include "ops/copy.h"
#include "ops/dropout.h"
#include "ops/random.h"
#include "python/bindings.h"
#include "python/tensor_options.h"

namespace tallow::python {

namespace {

Tensor rand(const Dims& size, Generator* generator, std::optional<DType> dtype, Layout,
            std::optional<Device> device, bool requires_grad, bool pin_memory) {
  check_pin_memory(pin_memory);
  const Tensor fresh = empty(size, dtype_or_default(dtype), device_or_default(device));
  return with_options(ops::uniform_(fresh, 0, 1, generator), requires_grad, pin_memory);
}

Tensor randn(const Dims& size, Generator* generator, std::optional<DType> dtype, Layout,
             std::optional<Device> device, bool requires_grad, bool pin_memory) {
  check_pin_memory(pin_memory);
  const Tensor fresh = empty(size, dtype_or_default(dtype), device_or_default(device));
  return with_options(ops::normal_(fresh, 0, 1, generator), requires_grad, pin_memory);
}

Tensor randint(int64_t low, int64_t high, const Dims& size, Generator* generator,
               std::optional<DType> dtype, Layout, std::optional<Device> device, bool requires_grad,
               bool pin_memory) {
  check_pin_memory(pin_memory);
  const Tensor fresh = empty(size, dtype.value_or(DType::kInt64), device_or_default(device));
  return with_options(ops::random_between_(fresh, low, high, generator), requires_grad, pin_memory);
}

Tensor randint_below(int64_t high, const Dims& size, Generator* generator,
                     std::optional<DType> dtype, Layout layout, std::optional<Device> device,
                     bool requires_grad, bool pin_memory) {
  return randint(0, high, size, generator, dtype, layout, device, requires_grad, pin_memory);
}

Tensor like(const Tensor& input, std::optional<DType> dtype, std::optional<Device> device,
            std::optional<MemoryFormat> format) {
  const Tensor fresh = empty_like(input, dtype.value_or(input.dtype()));
  const Tensor ordered = format ? ops::to_memory_format(fresh, *format) : fresh;
  return device ? ops::to_device(ordered, *device) : ordered;
}

Tensor rand_like(const Tensor& input, Generator* generator, std::optional<DType> dtype, Layout,
                 std::optional<Device> device, bool requires_grad, bool pin_memory,
                 std::optional<MemoryFormat> format) {
  check_pin_memory(pin_memory);
  return with_options(ops::uniform_(like(input, dtype, device, format), 0, 1, generator),
                      requires_grad, pin_memory);
}

Tensor randn_like(const Tensor& input, Generator* generator, std::optional<DType> dtype, Layout,
                  std::optional<Device> device, bool requires_grad, bool pin_memory,
                  std::optional<MemoryFormat> format) {
  check_pin_memory(pin_memory);
  return with_options(ops::normal_(like(input, dtype, device, format), 0, 1, generator),
                      requires_grad, pin_memory);
}

Tensor randint_like(const Tensor& input, int64_t low, int64_t high, Generator* generator,
                    std::optional<DType> dtype, Layout, std::optional<Device> device,
                    bool requires_grad, bool pin_memory, std::optional<MemoryFormat> format) {
  check_pin_memory(pin_memory);
  const Tensor fresh = like(input, dtype, device, format);
  return with_options(ops::random_between_(fresh, low, high, generator), requires_grad, pin_memory);
}

Tensor randint_like_below(const Tensor& input, int64_t high, Generator* generator,
                          std::optional<DType> dtype, Layout layout, std::optional<Device> device,
                          bool requires_grad, bool pin_memory, std::optional<MemoryFormat> format) {
  return randint_like(input, 0, high, generator, dtype, layout, device, requires_grad, pin_memory,
                      format);
}

Tensor randperm(int64_t n, Generator* generator, std::optional<DType> dtype, Layout,
                std::optional<Device> device, bool requires_grad, bool pin_memory) {
  check_pin_memory(pin_memory);
  return with_options(
      ops::randperm(n, generator, dtype.value_or(DType::kInt64), device_or_default(device)),
      requires_grad, pin_memory);
}

Tensor normal_sized(double mean, double std, const Dims& size, Generator* generator,
                    std::optional<DType> dtype, Layout, std::optional<Device> device,
                    bool requires_grad, bool pin_memory) {
  check_pin_memory(pin_memory);
  const Tensor fresh = empty(size, dtype_or_default(dtype), device_or_default(device));
  return with_options(ops::normal_(fresh, mean, std, generator), requires_grad, pin_memory);
}

void bind_new(Registry& r) {
  constexpr unsigned kNew = kFunction | kOut;
  r.op<&rand>("rand(*size, *, generator=None, " TALLOW_TENSOR_OPTIONS ")", kNew,
              "Make a tensor of uniform numbers in [0, 1).");
  r.op<&randn>("randn(*size, *, generator=None, " TALLOW_TENSOR_OPTIONS ")", kNew,
               "Make a tensor of standard normal numbers.");
  r.op<&randint_below, &randint>(
      {"randint(high, size[], *, generator=None, " TALLOW_TENSOR_OPTIONS ")",
       "randint(low, high, size[], *, generator=None, " TALLOW_TENSOR_OPTIONS ")"},
      kNew, "Make a tensor of integers in [low, high).");
  r.op<&rand_like>("rand_like(input, *, generator=None, " TALLOW_TENSOR_OPTIONS
                   ", memory_format=None)",
                   kFunction, "Make a tensor like input of uniform numbers in [0, 1).");
  r.op<&randn_like>("randn_like(input, *, generator=None, " TALLOW_TENSOR_OPTIONS
                    ", memory_format=None)",
                    kFunction, "Make a tensor like input of standard normal numbers.");
  r.op<&randint_like_below, &randint_like>(
      {"randint_like(input, high, *, generator=None, " TALLOW_TENSOR_OPTIONS
       ", memory_format=None)",
       "randint_like(input, low, high, *, generator=None, " TALLOW_TENSOR_OPTIONS
       ", memory_format=None)"},
      kFunction, "Make a tensor like input of integers in [low, high).");
  r.op<&randperm>("randperm(n, *, generator=None, " TALLOW_TENSOR_OPTIONS ")", kNew,
                  "Make a random permutation of 0 ... n-1.");
  r.op<&ops::normal_of, &ops::normal_of_number, &normal_sized>(
      {"normal(mean, std=1.0, *, generator=None)", "normal(mean, std, *, generator=None)",
       "normal(mean, std, size[], *, generator=None, " TALLOW_TENSOR_OPTIONS ")"},
      kNew, "Draw normal numbers with the given means and standard deviations.");
}

void bind_fills(Registry& r) {
  r.op<&ops::uniform_>("uniform_(input, from=0.0, to=1.0, *, generator=None)", kMethod,
                       "Fill with uniform numbers in [from, to).");
  r.op<&ops::normal_>("normal_(input, mean=0.0, std=1.0, *, generator=None)", kMethod,
                      "Fill with normal numbers.");
  r.op<&ops::bernoulli_>("bernoulli_(input, p=0.5, *, generator=None)", kMethod,
                         "Fill with 1 with probability p, else 0.");
  r.op<&ops::exponential_>("exponential_(input, lambd=1.0, *, generator=None)", kMethod,
                           "Fill with exponential numbers of rate lambd.");
  r.op<&ops::geometric_>("geometric_(input, p, *, generator=None)", kMethod,
                         "Fill with the number of trials until a success of probability p.");
  r.op<&ops::cauchy_>("cauchy_(input, median=0.0, sigma=1.0, *, generator=None)", kMethod,
                      "Fill with Cauchy numbers.");
  r.op<&ops::log_normal_>("log_normal_(input, mean=1.0, std=2.0, *, generator=None)", kMethod,
                          "Fill with exponentials of normal numbers.");
  r.op<&ops::random_, &ops::random_below_, &ops::random_between_>(
      {"random_(input, *, generator=None)", "random_(input, to, *, generator=None)",
       "random_(input, from, to, *, generator=None)"},
      kMethod, "Fill with integers in [from, to).");
}

}  // namespace

void bind_random(Registry& r) {
  bind_new(r);
  bind_fills(r);
  r.op<&ops::bernoulli, &ops::bernoulli_p>(
      {"bernoulli(input, *, generator=None)", "bernoulli(input, p, *, generator=None)"},
      kFunction | kMethod | kOut, "Draw 1 with the probability each element says, else 0.");
  r.op<&ops::multinomial>("multinomial(input, num_samples, replacement=False, *, generator=None)",
                          kFunction | kMethod | kOut,
                          "Draw category numbers with the weights of each row.");
  r.op<&ops::draw_gamma>("_draw_gamma(alpha, exponent, d, *, generator=None)", kFunction,
                         "Draw gamma numbers of rate 1.");
  r.op<&ops::draw_poisson>("_draw_poisson(rate, *, generator=None)", kFunction,
                           "Draw Poisson numbers.");
  r.op<&ops::draw_binomial>("_draw_binomial(count, prob, *, generator=None)", kFunction,
                            "Draw binomial numbers.");
  r.op<&ops::dropout>("dropout(input, p, train)", kFunction | kInplace,
                      "Set random elements to zero and scale up the rest.");
  r.op<&ops::feature_dropout>("feature_dropout(input, p, train)", kFunction | kInplace,
                              "Set random channels to zero and scale up the rest.");
  r.op<&ops::alpha_dropout>("alpha_dropout(input, p, train)", kFunction | kInplace,
                            "Dropout that keeps mean and variance, for SELU networks.");
  r.op<&ops::feature_alpha_dropout>("feature_alpha_dropout(input, p, train)", kFunction | kInplace,
                                    "alpha_dropout of whole channels.");
  r.op<&ops::native_dropout>("native_dropout(input, p, train)", kFunction,
                             "Return dropout and the mask of the elements that stayed.");
}

}  // namespace tallow::python
