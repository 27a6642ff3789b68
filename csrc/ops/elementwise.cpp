#include "ops/elementwise.h"

#include <algorithm>
#include <cstring>

#include "autograd/grad_mode.h"
#include "autograd/record.h"
#include "ops/complex_math.h"
#include "ops/copy.h"

namespace tallow::ops {

// ---- Promotion.

void Promotion::add(const Tensor& tensor) {
  const DType dtype = tensor.dtype();
  if (tensor.dim() > 0) {
    with_dims_ = has_with_dims_ ? promote(with_dims_, dtype) : dtype;
    has_with_dims_ = true;
  } else {
    zero_dim_ = has_zero_dim_ ? promote(zero_dim_, dtype) : dtype;
    has_zero_dim_ = true;
  }
}

void Promotion::add(const Scalar& scalar) {
  const DType dtype = scalar.dtype();
  number_ = has_number_ ? promote(number_, dtype) : dtype;
  has_number_ = true;
}

namespace {

int kind(DType dtype) {
  if (dtype == DType::kBool) return 0;
  return is_integral(dtype) ? 1 : is_floating(dtype) ? 2 : 3;
}

// `strong` decides unless `weak` is of a higher kind; a complex `weak` keeps strong's precision.
DType combine(DType strong, DType weak) {
  if (kind(weak) <= kind(strong)) return strong;
  if (kind(weak) == 3 && is_wide_unsigned(strong)) return weak;
  if (kind(weak) == 3 && kind(strong) == 2) return complex_type(strong);
  return promote(strong, weak);
}

}  // namespace

DType Promotion::result() const {
  DType result = number_;
  if (has_zero_dim_) result = has_number_ ? combine(zero_dim_, number_) : zero_dim_;
  if (!has_with_dims_) return result;
  return has_zero_dim_ || has_number_ ? combine(with_dims_, result) : with_dims_;
}

DType result_type(const Operand& a, const Operand& b) {
  if (a.is_tensor() && b.is_tensor() && a.tensor().dtype() == b.tensor().dtype()) {
    return a.tensor().dtype();
  }
  Promotion promotion;
  promotion.add(a);
  promotion.add(b);
  return promotion.result();
}

DType result_type(const Operand& a, const Operand& b, const Operand& c) {
  Promotion promotion;
  promotion.add(a);
  promotion.add(b);
  promotion.add(c);
  return promotion.result();
}

void Input::hold(const Scalar& scalar, DType compute, Precision precision) {
  const bool half = compute == DType::kFloat16 || compute == DType::kBFloat16;
  dtype_ = half && precision == Precision::kExact ? DType::kFloat32 : compute;
  data_ = number_;
  if (!is_differentiable(dtype_) && dtype_ != DType::kBool) {
    // Integers that do not fit wrap: the type of a tensor does not depend on the number.
    const uint64_t value =
        dtype_ == DType::kUInt64 ? scalar.to_uint64() : static_cast<uint64_t>(scalar.to_int64());
    std::memcpy(number_, &value, sizeof(value));  // little-endian: the low bytes come first
  } else {
    scalar.store(dtype_, number_);
  }
}

void Input::round_to_half(DType compute, Precision precision) {
  if (precision == Precision::kExact || tensor_->dim() > 0 || !tensor_->device().is_cpu()) return;
  Strided<2> at;
  at.data[0] = number_;
  at.data[1] = data_;
  at.numel = 1;
  at.ndim = 0;
  run<&Backend::pointwise, &PointwiseKernels::copy>("copy", kCPU, at, compute, dtype_);
  tensor_ = nullptr;
  data_ = number_;
  dtype_ = compute;
}

// ---- The general plan.

namespace detail {

namespace {

void check_writable(const Tensor& destination, const Input* const* inputs, int count) {
  bool inputs_require_grad = false;
  for (int k = 0; k < count; ++k) {
    inputs_require_grad = inputs_require_grad ||
                          (inputs[k]->tensor() && tallow::detail::needs_grad(*inputs[k]->tensor()));
  }
  check_inplace(destination, inputs_require_grad);
  for (int k = 0; k < count; ++k) {
    const Tensor* const tensor = inputs[k]->tensor();
    if (tensor && !tensor->same(destination)) check_overlap(destination, *tensor);
  }
}

void check_can_hold(const Tensor& destination, DType result) {
  TALLOW_CHECK(can_cast(result, destination.dtype()), "result type ", scalar_type_name(result),
               " can't be cast to the desired output type ", scalar_type_name(destination.dtype()));
}

}  // namespace

void check_destination(const Tensor& destination, const Input* const* inputs, int count,
                       DType result) {
  check_writable(destination, inputs, count);
  check_can_hold(destination, result);
}

void mark_host_operands(const ProblemView& problem, const Input* const* inputs) {
  for (int k = 0; k + 1 < problem.operands; ++k) {
    const Tensor* const tensor = inputs[k]->tensor();
    if (!tensor || tensor->device().is_cpu()) *problem.host |= static_cast<uint8_t>(2u << k);
  }
}

namespace {

using Strides = int64_t[kMaxDims];

// A 0-d CPU tensor counts as a number where the others are on a CUDA device.
bool is_number(const Tensor& tensor) { return tensor.dim() == 0 && tensor.device().is_cpu(); }

[[noreturn]] TALLOW_COLD void raise_two_devices(Device a, Device b) {
  raise<RuntimeError>(
      "Expected all tensors to be on the same device, but found at least two devices, ",
      a.is_cuda() ? a : b, " and ", a.is_cuda() ? b : a, "!");
}

Device common_device(const Input* const* inputs, int count, const Out& out) {
  Device device = out.given() ? out.tensor().device() : kCPU;
  bool found = out.given();
  bool only_numbers = !found;
  for (int k = 0; k < count; ++k) {
    const Tensor* const tensor = inputs[k]->tensor();
    if (!tensor) continue;
    const Device here = tensor->device();
    if (found && here != device && (here.is_cuda() || device.is_cuda())) {
      if (!is_number(*tensor) && !only_numbers) raise_two_devices(device, here);
    } else {
      TALLOW_CHECK(!found || here == device || tensor->dim() == 0, "Tensor on device ", here,
                   " is not on the expected device ", device, "!");
    }
    if (!found || device.is_cpu()) device = here;
    found = true;
    only_numbers = only_numbers && is_number(*tensor);
  }
  return device;
}

Dims common_shape(const Input* const* inputs, int count) {
  Dims shape;
  bool first = true;
  for (int k = 0; k < count; ++k) {
    const Tensor* const tensor = inputs[k]->tensor();
    if (!tensor) continue;
    shape = first ? tensor->sizes() : broadcast_shapes(shape, tensor->sizes());
    first = false;
  }
  return shape;
}

void broadcast_into(Strides& strides, const Tensor* tensor, const Dims& shape) {
  const int64_t lead = shape.size() - (tensor ? tensor->dim() : 0);
  for (int64_t d = 0; d < shape.size(); ++d) {
    const bool repeated = d < lead || (tensor->sizes()[d - lead] == 1 && shape[d] != 1);
    strides[d] = repeated ? 0 : tensor->strides()[d - lead];
  }
}

// Must dimension a lie outside dimension b, going by the first operand that tells them apart?
// 1: yes, -1: the other way round, 0: no operand knows.
int compare_dims(const ProblemView& problem, int first, const Dims& shape, int64_t a, int64_t b) {
  for (int k = first; k < problem.operands; ++k) {
    const int64_t stride_a = problem.stride[k][a];
    const int64_t stride_b = problem.stride[k][b];
    if (stride_a == 0 || stride_b == 0) continue;
    if (stride_a != stride_b) return stride_a > stride_b ? 1 : -1;
    if (shape[a] > shape[b]) return 1;
  }
  return 0;
}

// Dimensions from the outermost to the innermost in memory, starting from row-major order. The
// insertion sort (stable, and lenient about an order that is not total) is PyTorch's, because the
// strides of new tensors are visible.
void order_dims(int64_t (&order)[kMaxDims], const ProblemView& problem, int first,
                const Dims& shape) {
  const int64_t ndim = shape.size();
  for (int64_t i = 0; i < ndim; ++i) order[i] = ndim - 1 - i;  // innermost first while sorting
  for (int64_t i = 1; i < ndim; ++i) {
    int64_t moving = i;
    for (int64_t j = i - 1; j >= 0; --j) {
      const int comparison = compare_dims(problem, first, shape, order[j], order[moving]);
      if (comparison > 0) {
        std::swap(order[j], order[moving]);
        moving = j;
      } else if (comparison < 0) {
        break;
      }
    }
  }
  std::reverse(order, order + ndim);
}

bool all_row_major(const Input* const* inputs, int count, const Dims& shape) {
  for (int k = 0; k < count; ++k) {
    const Tensor* const tensor = inputs[k]->tensor();
    if (tensor && !(tensor->is_contiguous() && tensor->sizes() == shape)) return false;
  }
  return true;
}

Tensor new_output(const int64_t (&order)[kMaxDims], const Dims& shape, DType dtype, Device device) {
  Dims strides = Dims::filled(shape.size(), 1);
  int64_t step = 1;
  for (int64_t i = shape.size() - 1; i >= 0; --i) {
    strides[order[i]] = step;
    step *= std::max<int64_t>(shape[order[i]], 1);
  }
  return empty_strided(shape, strides, dtype, device);
}

// Writes the operands' strides in the given order of dimensions, without size-1 dimensions and
// with neighbours merged.
void coalesce(const ProblemView& problem, const int64_t (&order)[kMaxDims], const Dims& shape) {
  int64_t sizes[kMaxDims];
  int64_t strides[4][kMaxDims];
  int ndim = 0;
  for (int64_t i = 0; i < shape.size(); ++i) {
    const int64_t d = order[i];
    if (shape[d] == 1) continue;
    bool merges = ndim > 0;
    for (int k = 0; merges && k < problem.operands; ++k) {
      merges = strides[k][ndim - 1] == problem.stride[k][d] * shape[d];
    }
    const int at = merges ? ndim - 1 : ndim++;
    sizes[at] = merges ? sizes[at] * shape[d] : shape[d];
    for (int k = 0; k < problem.operands; ++k) strides[k][at] = problem.stride[k][d];
  }
  *problem.ndim = ndim;
  std::copy(sizes, sizes + ndim, problem.size);
  for (int k = 0; k < problem.operands; ++k) {
    std::copy(strides[k], strides[k] + ndim, problem.stride[k]);
  }
}

// Gives a caller's `out=` the shape of the result.
void fit_out(const Tensor& out, const Dims& shape) {
  if (out.sizes() == shape) return;
  const int64_t nbytes = checked_nbytes(checked_numel(shape), item_size(out.dtype()));
  Storage& storage = *out.impl()->storage;
  const int64_t offset = out.impl()->offset;
  const int64_t needed = nbytes + offset * item_size(out.dtype());
  if (storage.nbytes() < needed) storage.resize(needed);
  out.impl()->set_geometry(shape, contiguous_strides(shape), offset);
}

}  // namespace

Tensor prepare_general(const ProblemView& problem, const Input* const* inputs, DType out_dtype,
                       const Out& out) {
  const int count = problem.operands - 1;
  // In PyTorch's order: what may not be written to is told before shapes that do not fit.
  if (out.given()) check_writable(out.tensor(), inputs, count);
  const Device device = common_device(inputs, count, out);
  const Dims shape = common_shape(inputs, count);
  Tensor result;
  if (out.given()) {
    result = out.tensor();
    const bool is_input = std::any_of(inputs, inputs + count, [&](const Input* input) {
      return input->tensor() && input->tensor()->same(result);
    });
    TALLOW_CHECK(!(out.is_inplace() || is_input) || result.sizes() == shape, "output with shape ",
                 result.sizes(), " doesn't match the broadcast shape ", shape);
    check_can_hold(result, out_dtype);
    fit_out(result, shape);
    broadcast_into(problem.stride[0], &result, shape);
  }
  for (int k = 0; k < count; ++k) {
    broadcast_into(problem.stride[k + 1], inputs[k]->tensor(), shape);
    // Read only now: fitting an out= tensor may have moved memory that an input shares.
    const Tensor* const tensor = inputs[k]->tensor();
    problem.data[k + 1] = tensor ? tensor->ptr() : inputs[k]->data();
    problem.dtypes[k + 1] = inputs[k]->dtype();
  }
  int64_t order[kMaxDims];
  if (all_row_major(inputs, count, shape) && (!result.defined() || result.is_contiguous())) {
    for (int64_t d = 0; d < shape.size(); ++d) order[d] = d;
  } else {
    order_dims(order, problem, out.given() ? 0 : 1, shape);
  }
  if (!out.given()) {
    result = new_output(order, shape, out_dtype, device);
    broadcast_into(problem.stride[0], &result, shape);
  }
  problem.data[0] = result.ptr();
  problem.dtypes[0] = result.dtype();
  *problem.numel = result.numel();
  coalesce(problem, order, shape);
  if (TALLOW_UNLIKELY(!device.is_cpu())) mark_host_operands(problem, inputs);
  return result;
}

}  // namespace detail

// ---- Kernel calls.

Tensor unary(UnaryOp op, const char* name, const Tensor& self, DType compute, DType result,
             const Out& out, const double* params) {
  if (is_complex(compute)) {
    const Tensor value = complex_unary(op, self);
    if (value.defined()) {
      Problem<2> problem;
      const Input a(value, compute);
      const NoGradGuard no_grad;
      const Tensor destination = prepare(problem, {&a}, result, out);
      copy_(destination, value);
      finish(out);
      return destination;
    }
  }
  Problem<2> problem;
  const Input a(self, compute);
  Tensor destination = prepare(problem, {&a}, result, out);
  run<&Backend::pointwise, &PointwiseKernels::unary>(name, destination.device(), op, compute,
                                                     problem.at, problem.dtypes, params);
  finish(out);
  return destination;
}

Tensor binary(BinaryOp op, const char* name, const Operand& a, const Operand& b, DType compute,
              DType result, const Out& out, const double* params) {
  Problem<3> problem;
  const bool factor = op == BinaryOp::kMul || op == BinaryOp::kDiv;
  const Input first(a, compute);
  const Input second(b, compute, factor ? Precision::kExact : Precision::kRounded);
  Tensor destination = prepare(problem, {&first, &second}, result, out);
  run<&Backend::pointwise, &PointwiseKernels::binary>(name, destination.device(), op, compute,
                                                      problem.at, problem.dtypes, params);
  finish(out);
  return destination;
}

Tensor compare(CompareOp op, const char* name, const Operand& a, const Operand& b, const Out& out) {
  const DType compute = result_type(a, b);
  Problem<3> problem;
  const Input first(a, compute);
  const Input second(b, compute);
  Tensor destination = prepare(problem, {&first, &second}, DType::kBool, out);
  run<&Backend::pointwise, &PointwiseKernels::compare>(name, destination.device(), op, compute,
                                                       problem.at, problem.dtypes);
  finish(out);
  return destination;
}

Tensor ternary(TernaryOp op, const char* name, const Operand& a, const Operand& b, const Operand& c,
               DType compute, DType result, const Out& out, const double* params) {
  Problem<4> problem;
  const Input first(a, op == TernaryOp::kWhere ? DType::kBool : compute);
  const Input second(b, compute);
  const Input third(c, compute, Precision::kExact);
  Tensor destination = prepare(problem, {&first, &second, &third}, result, out);
  run<&Backend::pointwise, &PointwiseKernels::ternary>(name, destination.device(), op, compute,
                                                       problem.at, problem.dtypes, params);
  finish(out);
  return destination;
}

}  // namespace tallow::ops
