#include "ops/random.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/record.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/index_plan.h"

namespace tallow::ops {

RandomStream* stream_of(Generator* generator, Device device) {
  if (!generator) return &default_generator(device).stream();
  const Device wanted = device.is_cuda() ? device.resolved() : kCPU;
  TALLOW_CHECK(generator->device().type == wanted.type, "Expected a '",
               device_type_name(wanted.type), "' device type for generator but found '",
               device_type_name(generator->device().type), "'");
  TALLOW_CHECK(generator->device() == wanted, "Expected a '", wanted,
               "' generator device but found '", generator->device(), "'");
  return &generator->stream();
}

namespace {

// The dimensions from the largest stride to the smallest.
Dims dims_in_memory(const Tensor& tensor) {
  Dims order;
  for (int64_t d = 0; d < tensor.dim(); ++d) order.push_back(d);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return tensor.strides()[a] > tensor.strides()[b]; });
  return order;
}

// The tensor's elements in ascending memory order, `width` scalars each (2 for complex numbers).
Strided<1> memory_order(const Tensor& tensor, int64_t width) {
  Dims sizes;
  Dims strides;
  for (const int64_t d : dims_in_memory(tensor)) {
    sizes.push_back(tensor.sizes()[d]);
    strides.push_back(tensor.strides()[d] * width);
  }
  if (width > 1) {
    sizes.push_back(width);
    strides.push_back(1);
  }
  Strided<1> space;
  space.data[0] = tensor.ptr();
  set_space<1>(space, sizes.data(), {strides.data()}, sizes.size());
  return space;
}

// Overwriting with random numbers cuts the history: the old values get no gradient.
Tensor finish_fill(const char* node, const Tensor& self) {
  self.bump_version();
  return record(node, {&self}, self,
                [&](Saver&) { return [](Grads& g) { g.out[0] = zeros_like(g.grad()); }; });
}

Tensor fill_random(const char* op, const char* node, const Tensor& self, RandomFill kind, double a,
                   double b, Generator* generator) {
  check_inplace(self);
  // Complex numbers are two independent real ones, where that makes sense.
  const bool pairs = kind == RandomFill::kUniform || kind == RandomFill::kNormal;
  const DType dtype = pairs ? real_type(self.dtype()) : self.dtype();
  const int64_t width = dtype == self.dtype() ? 1 : 2;
  run<&Backend::random, &RandomKernels::fill>(op, self.device(),
                                              stream_of(generator, self.device()), kind, dtype,
                                              memory_order(self, width), a, b);
  return finish_fill(node, self);
}

// The names PyTorch's messages about bounds use.
const char* c_type_name(DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return "bool";
    case DType::kUInt8:
      return "unsigned char";
    case DType::kUInt16:
      return "short unsigned int";
    case DType::kUInt32:
      return "unsigned int";
    case DType::kUInt64:
      return "long unsigned int";
    case DType::kInt8:
      return "signed char";
    case DType::kInt16:
      return "short";
    case DType::kInt32:
      return "int";
    case DType::kInt64:
      return "long";
    case DType::kFloat16:
      return "c10::Half";
    case DType::kBFloat16:
      return "c10::BFloat16";
    case DType::kFloat32:
      return "float";
    default:
      return "double";
  }
}

double largest_finite(DType dtype) {
  switch (dtype) {
    case DType::kFloat16:
      return 65504;
    case DType::kBFloat16:
      return 0x1.fep127;
    case DType::kFloat32:
      return std::numeric_limits<float>::max();
    default:
      return std::numeric_limits<double>::max();
  }
}

void check_uniform_bounds(DType dtype, double from, double to) {
  TALLOW_CHECK_NOT_IMPLEMENTED(is_differentiable(dtype) && !is_float8(dtype),
                               "\"check_uniform_bounds\" not implemented for '",
                               scalar_type_name(dtype), "'");
  const double limit = largest_finite(real_type(dtype));
  const char* const name = scalar_type_name(dtype);
  TALLOW_CHECK(from >= -limit && from <= limit, "from is out of bounds for ", c_type_name(dtype));
  TALLOW_CHECK(to >= -limit && to <= limit, "to is out of bounds for ", c_type_name(dtype));
  TALLOW_CHECK(from <= to, "uniform_ expects to return a [from, to) range, but found from=", from,
               " > to=", to);
  TALLOW_CHECK(to - from <= limit, "uniform_ expects to-from <= std::numeric_limits<", name,
               ">::max(), but found to=", to, " and from=", from,
               " which result in to-from to exceed the limit");
}

}  // namespace

Tensor uniform_(const Tensor& self, double from, double to, Generator* generator) {
  check_uniform_bounds(self.dtype(), from, to);
  return fill_random("uniform_", "UniformBackward0", self, RandomFill::kUniform, from, to,
                     generator);
}

Tensor normal_(const Tensor& self, double mean, double std, Generator* generator) {
  TALLOW_CHECK(std >= 0, "normal expects std >= 0.0, but found std ", std);
  const bool complex = is_complex(self.dtype());
  const int64_t count = self.numel() * (complex ? 2 : 1);
  // The variance of a complex number is that of both parts together.
  const double deviation = complex ? std / std::sqrt(2.0) : std;
  if (count < 16 || !self.is_contiguous()) {
    return fill_random("normal_", "NormalBackward0", self, RandomFill::kNormal, mean, deviation,
                       generator);
  }
  check_inplace(self);
  run<&Backend::random, &RandomKernels::normal_groups>(
      "normal_", self.device(), stream_of(generator, self.device()), real_type(self.dtype()),
      self.ptr(), count, mean, deviation);
  return finish_fill("NormalBackward0", self);
}

Tensor bernoulli_(const Tensor& self, const Operand& p, Generator* generator) {
  if (!p.is_tensor()) {
    const double probability = p.scalar().to_double();
    TALLOW_CHECK(probability >= 0 && probability <= 1,
                 "bernoulli_ expects p to be in [0, 1], but got p=", probability);
    return fill_random("bernoulli_", "BernoulliBackward2", self, RandomFill::kBernoulli,
                       probability, 0, generator);
  }
  const Tensor& probabilities = p.tensor();
  TALLOW_CHECK_NOT_IMPLEMENTED(is_floating(probabilities.dtype()),
                               "\"bernoulli_tensor_cpu_p_\" not implemented for '",
                               scalar_type_name(probabilities.dtype()), "'");
  TALLOW_CHECK(is_expandable(probabilities.sizes(), self.sizes()), "output with shape ",
               self.sizes(), " doesn't match the broadcast shape ",
               broadcast_shapes(self.sizes(), probabilities.sizes()));
  check_inplace(self);
  // Both in the memory order of self.
  const Tensor source = unaliased(probabilities, self);
  const Dims spread = broadcast_strides(source.sizes(), source.strides(), self.sizes());
  Dims sizes;
  Dims strides[2];
  for (const int64_t d : dims_in_memory(self)) {
    sizes.push_back(self.sizes()[d]);
    strides[0].push_back(self.strides()[d]);
    strides[1].push_back(spread[d]);
  }
  Strided<2> operands;
  operands.data[0] = self.ptr();
  operands.data[1] = source.ptr();
  set_space<2>(operands, sizes.data(), {strides[0].data(), strides[1].data()}, sizes.size());
  run<&Backend::random, &RandomKernels::bernoulli>("bernoulli_", self.device(),
                                                   stream_of(generator, self.device()),
                                                   self.dtype(), source.dtype(), operands);
  return finish_fill("BernoulliBackward1", self);
}

Tensor exponential_(const Tensor& self, double lambd, Generator* generator) {
  TALLOW_CHECK(lambd > 0, "exponential_ expects lambda > 0.0, but found lambda=", lambd);
  TALLOW_CHECK(is_floating(self.dtype()),
               "Exponential distribution is a continuous probability distribution. dtype must be a "
               "floating point but you specified ",
               scalar_type_name(self.dtype()));
  return fill_random("exponential_", "ExponentialBackward0", self, RandomFill::kExponential, lambd,
                     0, generator);
}

Tensor geometric_(const Tensor& self, double p, Generator* generator) {
  TALLOW_CHECK(p > 0 && p < 1, "geometric_ expects p to be in (0, 1), but got p=", p);
  return fill_random("geometric_", "GeometricBackward0", self, RandomFill::kGeometric, p, 0,
                     generator);
}

Tensor cauchy_(const Tensor& self, double median, double sigma, Generator* generator) {
  TALLOW_CHECK(sigma > 0, "cauchy_ expects sigma > 0.0, but found sigma=", sigma);
  TALLOW_CHECK(is_floating(self.dtype()),
               "Cauchy distribution is a continuous probability distribution. dtype must be a "
               "floating point but you specified ",
               scalar_type_name(self.dtype()));
  return fill_random("cauchy_", "CauchyBackward0", self, RandomFill::kCauchy, median, sigma,
                     generator);
}

Tensor log_normal_(const Tensor& self, double mean, double std, Generator* generator) {
  TALLOW_CHECK(std > 0, "log_normal_ expects std > 0.0, but found std=", std);
  return fill_random("log_normal_", "LogNormalBackward0", self, RandomFill::kLogNormal, mean, std,
                     generator);
}

namespace {

// The integers a type holds: [lowest, highest], for floating types those held exactly in a row.
struct IntegerRange {
  int64_t lowest;
  int64_t highest;
  int digits;  // of a floating type's significand; 0 for integers
};

IntegerRange integer_range(DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return {0, 1, 0};
    case DType::kUInt8:
      return {0, 255, 0};
    case DType::kUInt16:
      return {0, 65535, 0};
    case DType::kUInt32:
      return {0, 0xffffffff, 0};
    case DType::kUInt64:
      return {0, INT64_MAX, 0};
    case DType::kFloat16:
      return {-65504, 65504, 11};
    case DType::kBFloat16:
      return {INT64_MIN, INT64_MAX, 8};
    case DType::kFloat32:
      return {INT64_MIN, INT64_MAX, 24};
    case DType::kFloat64:
      return {INT64_MIN, INT64_MAX, 53};
    default: {
      const int bits = 8 * static_cast<int>(item_size(dtype));
      const int64_t highest = static_cast<int64_t>(~uint64_t{0} >> (65 - bits));
      return {-highest - 1, highest, 0};
    }
  }
}

// `value` as an element of a floating type, back in 64 bits.
int64_t rounded(int64_t value, DType dtype) {
  double result = static_cast<double>(value);
  if (dtype == DType::kFloat32) result = static_cast<float>(value);
  if (dtype == DType::kFloat16) result = Half(static_cast<float>(value));
  if (dtype == DType::kBFloat16) result = BFloat16(static_cast<float>(value));
  return result >= 0x1p63 ? INT64_MAX : static_cast<int64_t>(result);
}

int highest_bit(int64_t value) {
  const uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : value;
  return magnitude <= 1 ? 0 : 63 - __builtin_clzll(magnitude);
}

// Moves bounds that a floating type would round outwards to the next ones inside the range.
void fit_bounds(DType dtype, int digits, int64_t& from, int64_t& to) {
  const int64_t above = rounded(from + 1, dtype);
  if (above < from) from = above + (int64_t{1} << (highest_bit(from + 1) - digits + 1));
  const int64_t below = rounded(to - 1, dtype);
  if (below >= to) to = below - (int64_t{1} << (highest_bit(to - 1) - digits + 1));
}

Tensor fill_integers(const Tensor& self, int64_t base, uint64_t range, Generator* generator) {
  check_inplace(self);
  if (is_wide_unsigned(self.dtype()) && range != 0) {
    // The same draws as of any wide integer.
    const Tensor drawn =
        empty_strided(self.sizes(), preserved_strides(self.sizes(), self.strides()), DType::kInt64,
                      self.device());
    fill_integers(drawn, base, range, generator);
    copy_data(self, drawn);
    return finish_fill("RandomBackward0", self);
  }
  run<&Backend::random, &RandomKernels::integers>("random_", self.device(),
                                                  stream_of(generator, self.device()), self.dtype(),
                                                  memory_order(self, 1), base, range);
  return finish_fill("RandomBackward0", self);
}

}  // namespace

Tensor random_(const Tensor& self, Generator* generator) {
  return fill_random("random_", "RandomBackward2", self, RandomFill::kIntegers, 0, 0, generator);
}

Tensor random_below_(const Tensor& self, int64_t to, Generator* generator) {
  return random_between_(self, 0, to, generator);
}

Tensor random_between_(const Tensor& self, int64_t from, std::optional<int64_t> to,
                       Generator* generator) {
  TALLOW_CHECK(!is_complex(self.dtype()),
               "check_random_bounds handles only integral, floating-point and boolean types");
  const IntegerRange range = integer_range(self.dtype());
  if (!to && from == INT64_MIN) return fill_integers(self, 0, 0, generator);  // any 64 bits
  TALLOW_CHECK(!to || from < *to,
               "random_ expects 'from' to be less than 'to', but got from=", from,
               " >= to=", to.value_or(0));
  TALLOW_CHECK(from >= range.lowest && from <= range.highest, "from is out of bounds for ",
               c_type_name(self.dtype()));
  if (!to) {
    // Up to the largest value, which a floating type has where its integers stop being exact.
    const int64_t last = range.digits > 0 ? int64_t{1} << range.digits : range.highest;
    const uint64_t count = static_cast<uint64_t>(last) - static_cast<uint64_t>(from) + 1;
    return fill_integers(self, from, count, generator);
  }
  TALLOW_CHECK(*to - 1 >= range.lowest && *to - 1 <= range.highest, "to - 1 is out of bounds for ",
               c_type_name(self.dtype()));
  int64_t first = from;
  int64_t end = *to;
  if (range.digits > 0) fit_bounds(self.dtype(), range.digits, first, end);
  TALLOW_CHECK(
      first < end,
      "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got "
      "from=",
      first, " >= to=", end);
  const uint64_t count = static_cast<uint64_t>(end) - static_cast<uint64_t>(first);
  return fill_integers(self, first, count, generator);
}

Tensor randperm(int64_t n, Generator* generator, DType dtype, Device device) {
  TALLOW_CHECK(n >= 0, "n must be non-negative, got", n);
  const IntegerRange range = integer_range(dtype);
  const int64_t largest = range.digits > 0 ? (int64_t{1} << range.digits) + 1 : INT64_MAX;
  TALLOW_CHECK(n <= largest, "n cannot be greater than ", largest, " for ", scalar_type_name(dtype),
               " type.");
  TALLOW_CHECK(range.digits > 0 || n - 1 <= range.highest, "value cannot be converted to type ",
               dtype_name(dtype), " without overflow");
  Tensor out = empty({n}, dtype, device);
  run<&Backend::random, &RandomKernels::permutation>(
      "randperm", device, stream_of(generator, device), dtype, out.ptr(), n);
  return out;
}

}  // namespace tallow::ops
