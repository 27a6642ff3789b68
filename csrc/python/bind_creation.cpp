// New tensors: empty, zeros, arange and their kin.
#include <sstream>
#include <utility>

#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/memory_order.h"
#include "python/bindings.h"
#include "python/tensor_item.h"
#include "python/tensor_options.h"

namespace tallow::python {

namespace {

void check_sizes(const char* op, const Dims& size) {
  for (const int64_t length : size) {
    TALLOW_CHECK(length >= 0, op, ": Dimension size must be non-negative.");
  }
}

Dims strides_for(const Dims& size, std::optional<MemoryFormat> format) {
  if (!format || *format == MemoryFormat::kContiguous) return contiguous_strides(size);
  TALLOW_CHECK(*format != MemoryFormat::kPreserve,
               "empty(): memory format option is only supported by tensors that exist");
  return ops::strides_in_format(size, *format);
}

Tensor empty_sized(const Dims& size, std::optional<DType> dtype, Layout,
                   std::optional<Device> device, bool requires_grad, bool pin_memory,
                   std::optional<MemoryFormat> format) {
  check_pin_memory(pin_memory);
  checked_numel(size);
  const Tensor fresh = empty_strided(size, strides_for(size, format), dtype_or_default(dtype),
                                     device_or_default(device));
  return with_options(fresh, requires_grad, pin_memory);
}

Tensor empty_with_strides(const Dims& size, const Dims& stride, std::optional<DType> dtype, Layout,
                          std::optional<Device> device, bool requires_grad, bool pin_memory) {
  check_pin_memory(pin_memory);
  TALLOW_CHECK(size.size() == stride.size(), "dimensionality of sizes (", size.size(),
               ") must match dimensionality of strides (", stride.size(), ")");
  for (const int64_t step : stride) {
    TALLOW_CHECK(step >= 0, "empty_strided: negative strides are not supported, got ", stride);
  }
  checked_numel(size);
  const Tensor fresh =
      empty_strided(size, stride, dtype_or_default(dtype), device_or_default(device));
  return with_options(fresh, requires_grad, pin_memory);
}

Tensor zeros(const Dims& size, std::optional<DType> dtype, Layout, std::optional<Device> device,
             bool requires_grad, bool pin_memory) {
  check_pin_memory(pin_memory);
  check_sizes("zeros", size);
  return with_options(ops::zeros(size, dtype_or_default(dtype), device_or_default(device)),
                      requires_grad, pin_memory);
}

Tensor ones(const Dims& size, std::optional<DType> dtype, Layout, std::optional<Device> device,
            bool requires_grad, bool pin_memory) {
  check_pin_memory(pin_memory);
  return with_options(ops::ones(size, dtype_or_default(dtype), device_or_default(device)),
                      requires_grad, pin_memory);
}

Tensor full(const Dims& size, const Scalar& fill_value, std::optional<DType> dtype, Layout,
            std::optional<Device> device, bool requires_grad, bool pin_memory) {
  check_pin_memory(pin_memory);
  const DType type = dtype.value_or(fill_value.dtype());
  return with_options(ops::full(size, fill_value, type, device_or_default(device)), requires_grad,
                      pin_memory);
}

// An uninitialised tensor after `like`, with what the options change.
Tensor make_like(const Tensor& like, std::optional<DType> dtype, std::optional<Device> device,
                 bool pin_memory, std::optional<MemoryFormat> format) {
  check_pin_memory(pin_memory);
  const bool preserve = !format || *format == MemoryFormat::kPreserve;
  const Dims strides = preserve ? preserved_strides(like.sizes(), like.strides())
                                : strides_for(like.sizes(), format);
  return empty_strided(like.sizes(), strides, dtype.value_or(like.dtype()),
                       device.value_or(like.device()));
}

Tensor empty_like_tensor(const Tensor& like, std::optional<DType> dtype, Layout,
                         std::optional<Device> device, bool requires_grad, bool pin_memory,
                         std::optional<MemoryFormat> format) {
  return with_options(make_like(like, dtype, device, pin_memory, format), requires_grad,
                      pin_memory);
}

Tensor filled_like(const Tensor& like, const Scalar& fill_value, std::optional<DType> dtype, Layout,
                   std::optional<Device> device, bool requires_grad, bool pin_memory,
                   std::optional<MemoryFormat> format) {
  const Tensor fresh = make_like(like, dtype, device, pin_memory, format);
  return with_options(ops::fill_(fresh, fill_value), requires_grad, pin_memory);
}

Tensor zeros_like(const Tensor& like, std::optional<DType> dtype, Layout layout,
                  std::optional<Device> device, bool requires_grad, bool pin_memory,
                  std::optional<MemoryFormat> format) {
  return filled_like(like, Scalar(false), dtype, layout, device, requires_grad, pin_memory, format);
}

Tensor ones_like(const Tensor& like, std::optional<DType> dtype, Layout layout,
                 std::optional<Device> device, bool requires_grad, bool pin_memory,
                 std::optional<MemoryFormat> format) {
  return filled_like(like, Scalar(true), dtype, layout, device, requires_grad, pin_memory, format);
}

Tensor new_empty(const Tensor& like, const Dims& size, std::optional<DType> dtype, Layout,
                 std::optional<Device> device, bool requires_grad, bool pin_memory) {
  check_pin_memory(pin_memory);
  const Tensor fresh = empty(size, dtype.value_or(like.dtype()), device.value_or(like.device()));
  return with_options(fresh, requires_grad, pin_memory);
}

Tensor new_full(const Tensor& like, const Dims& size, const Scalar& fill_value,
                std::optional<DType> dtype, Layout, std::optional<Device> device,
                bool requires_grad, bool pin_memory) {
  check_pin_memory(pin_memory);
  const Tensor fresh =
      ops::full(size, fill_value, dtype.value_or(like.dtype()), device.value_or(like.device()));
  return with_options(fresh, requires_grad, pin_memory);
}

Tensor new_zeros(const Tensor& like, const Dims& size, std::optional<DType> dtype, Layout layout,
                 std::optional<Device> device, bool requires_grad, bool pin_memory) {
  return new_full(like, size, Scalar(false), dtype, layout, device, requires_grad, pin_memory);
}

Tensor new_ones(const Tensor& like, const Dims& size, std::optional<DType> dtype, Layout layout,
                std::optional<Device> device, bool requires_grad, bool pin_memory) {
  return new_full(like, size, Scalar(true), dtype, layout, device, requires_grad, pin_memory);
}

Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step,
              std::optional<DType> dtype, Layout, std::optional<Device> device, bool requires_grad,
              bool pin_memory) {
  check_pin_memory(pin_memory);
  const bool integers = start.is_integral() && end.is_integral() && step.is_integral();
  const DType type = dtype.value_or(integers ? DType::kInt64 : default_dtype());
  return with_options(ops::arange(start, end, step, type, device_or_default(device)), requires_grad,
                      pin_memory);
}

Tensor arange_from_zero(const Scalar& end, std::optional<DType> dtype, Layout layout,
                        std::optional<Device> device, bool requires_grad, bool pin_memory) {
  return arange(Scalar(0), end, Scalar(1), dtype, layout, device, requires_grad, pin_memory);
}

Tensor linspace(const Scalar& start, const Scalar& end, int64_t steps, std::optional<DType> dtype,
                Layout, std::optional<Device> device, bool requires_grad, bool pin_memory) {
  check_pin_memory(pin_memory);
  return with_options(
      ops::linspace(start, end, steps, dtype_or_default(dtype), device_or_default(device)),
      requires_grad, pin_memory);
}

Tensor logspace(const Scalar& start, const Scalar& end, int64_t steps, double base,
                std::optional<DType> dtype, Layout, std::optional<Device> device,
                bool requires_grad, bool pin_memory) {
  check_pin_memory(pin_memory);
  return with_options(
      ops::logspace(start, end, steps, base, dtype_or_default(dtype), device_or_default(device)),
      requires_grad, pin_memory);
}

// The numbers in tensors that stand for the ends of a range.
std::pair<Scalar, Scalar> ends_of(const char* op, const Operand& start, const Operand& end) {
  const auto dims = [](const Operand& at) { return at.is_tensor() ? at.tensor().dim() : 0; };
  std::ostringstream given;
  if (dims(start) != 0) given << "start with " << dims(start) << " dimension(s)";
  if (dims(start) != 0 && dims(end) != 0) given << " and ";
  if (dims(end) != 0) given << "end with " << dims(end) << " dimension(s)";
  TALLOW_CHECK(given.str().empty(), op,
               " only supports 0-dimensional start and end tensors, but got ", given.str(), ".");
  const auto number = [](const Operand& at) {
    return at.is_tensor() ? item(at.tensor()) : at.scalar();
  };
  return {number(start), number(end)};
}

Tensor linspace_of(const Operand& start, const Operand& end, int64_t steps,
                   std::optional<DType> dtype, Layout layout, std::optional<Device> device,
                   bool requires_grad, bool pin_memory) {
  const auto [first, last] = ends_of("linspace", start, end);
  return linspace(first, last, steps, dtype, layout, device, requires_grad, pin_memory);
}

Tensor logspace_of(const Operand& start, const Operand& end, int64_t steps, double base,
                   std::optional<DType> dtype, Layout layout, std::optional<Device> device,
                   bool requires_grad, bool pin_memory) {
  const auto [first, last] = ends_of("logspace", start, end);
  return logspace(first, last, steps, base, dtype, layout, device, requires_grad, pin_memory);
}

Tensor eye(int64_t n, std::optional<int64_t> m, std::optional<DType> dtype, Layout,
           std::optional<Device> device, bool requires_grad, bool pin_memory) {
  check_pin_memory(pin_memory);
  return with_options(ops::eye(n, m, dtype_or_default(dtype), device_or_default(device)),
                      requires_grad, pin_memory);
}

Tensor tril_indices(int64_t row, int64_t col, int64_t offset, std::optional<DType> dtype,
                    std::optional<Device> device, Layout) {
  return ops::tril_indices(row, col, offset, dtype.value_or(DType::kInt64),
                           device_or_default(device));
}

Tensor triu_indices(int64_t row, int64_t col, int64_t offset, std::optional<DType> dtype,
                    std::optional<Device> device, Layout) {
  return ops::triu_indices(row, col, offset, dtype.value_or(DType::kInt64),
                           device_or_default(device));
}

}  // namespace

#define OPTIONS TALLOW_TENSOR_OPTIONS
#define LIKE_OPTIONS TALLOW_TENSOR_OPTIONS ", memory_format=None"

void bind_creation(Registry& r) {
  constexpr unsigned kNew = kFunction | kOut;
  r.op<&empty_sized>("empty(*size, *, " OPTIONS ", memory_format=None)", kNew,
                     "Make a tensor without setting its elements.");
  r.op<&empty_with_strides>("empty_strided(size[], stride[], *, " OPTIONS ")", kFunction,
                            "Make a tensor with the given strides, elements not set.");
  r.op<&zeros>("zeros(*size, *, " OPTIONS ")", kNew, "Make a tensor of zeros.");
  r.op<&ones>("ones(*size, *, " OPTIONS ")", kNew, "Make a tensor of ones.");
  r.op<&full>("full(size[], fill_value, *, " OPTIONS ")", kNew, "Make a tensor of one value.");
  r.op<&empty_like_tensor>("empty_like(input, *, " LIKE_OPTIONS ")", kFunction,
                           "Make a tensor like input without setting its elements.");
  r.op<&zeros_like>("zeros_like(input, *, " LIKE_OPTIONS ")", kFunction,
                    "Make a tensor of zeros like input.");
  r.op<&ones_like>("ones_like(input, *, " LIKE_OPTIONS ")", kFunction,
                   "Make a tensor of ones like input.");
  r.op<&filled_like>("full_like(input, fill_value, *, " LIKE_OPTIONS ")", kFunction,
                     "Make a tensor of one value like input.");
  r.op<&new_empty>("new_empty(input, *size, *, " OPTIONS ")", kMethod,
                   "Make a tensor of input's type without setting its elements.");
  r.op<&new_zeros>("new_zeros(input, *size, *, " OPTIONS ")", kMethod,
                   "Make a tensor of zeros of input's type.");
  r.op<&new_ones>("new_ones(input, *size, *, " OPTIONS ")", kMethod,
                  "Make a tensor of ones of input's type.");
  r.op<&new_full>("new_full(input, size[], fill_value, *, " OPTIONS ")", kMethod,
                  "Make a tensor of one value of input's type.");
  r.op<&arange_from_zero, &arange>(
      {"arange(end, *, " OPTIONS ")", "arange(start, end, step=1, *, " OPTIONS ")"}, kNew,
      "Make a vector of start, start + step, ... below end.");
  r.op<&linspace, &linspace_of>({"linspace(start, end, steps, *, " OPTIONS ")",
                                 "linspace(start, end, steps, *, " OPTIONS ")"},
                                kNew,
                                "Make a vector of steps numbers from start to end, both included.");
  r.op<&logspace, &logspace_of>({"logspace(start, end, steps, base=10.0, *, " OPTIONS ")",
                                 "logspace(start, end, steps, base=10.0, *, " OPTIONS ")"},
                                kNew,
                                "Make a vector of base to the powers linspace(start, end, steps).");
  r.op<&eye>("eye(n, m=None, *, " OPTIONS ")", kNew, "Make an n x m matrix, ones on the diagonal.");
  r.op<&tril_indices>("tril_indices(row, col, offset=0, *, dtype=None, device=None, layout=None)",
                      kFunction, "Return the positions of a lower triangle, rows first.");
  r.op<&triu_indices>("triu_indices(row, col, offset=0, *, dtype=None, device=None, layout=None)",
                      kFunction, "Return the positions of an upper triangle, rows first.");
}

}  // namespace tallow::python
