// The one way pointwise ops come to their kernel: type promotion, broadcasting, the destination,
// and the coalesced description of the operands.
//
// Derivatives need not undo broadcasting or promotion: the engine sums and casts every gradient to
// the shape and type of the tensor it belongs to.
#pragma once

#include "autograd/inplace.h"
#include "backend/pointwise.h"
#include "core/operand.h"
#include "ops/kernel.h"

namespace tallow::ops {

// The type that operands of different types meet in. Tensors with dimensions decide; a 0-d tensor
// counts only if it is of a higher kind (bool < integer < floating < complex), a Python number only
// if it is of a higher kind than all tensors.
class Promotion {
 public:
  void add(const Tensor& tensor);
  void add(const Scalar& scalar);
  void add(const Operand& operand) {
    operand.is_tensor() ? add(operand.tensor()) : add(operand.scalar());
  }
  DType result() const;

 private:
  DType with_dims_ = DType::kBool, zero_dim_ = DType::kBool, number_ = DType::kBool;
  bool has_with_dims_ = false, has_zero_dim_ = false, has_number_ = false;
};
DType result_type(const Operand& a, const Operand& b);
DType result_type(const Operand& a, const Operand& b, const Operand& c);

// What a function without an integer form computes in: the default type for integers and bool.
TALLOW_INLINE DType floating_type(DType dtype) {
  return is_differentiable(dtype) ? dtype : default_dtype();
}

// May a number be more precise than a half-precision `compute` type? As in PyTorch, factors may
// (the formula is evaluated in float anyway), while summands and bounds are rounded to the type.
enum class Precision : uint8_t { kRounded, kExact };

// One input of a kernel call: a tensor, or a number held here.
class Input {
 public:
  TALLOW_INLINE Input(const Operand& operand, DType compute,
                      Precision precision = Precision::kRounded) {
    if (TALLOW_LIKELY(operand.is_tensor())) {
      tensor_ = &operand.tensor();
      data_ = tensor_->ptr();
      dtype_ = tensor_->dtype();
      const bool half = compute == DType::kFloat16 || compute == DType::kBFloat16;
      if (TALLOW_UNLIKELY(half && dtype_ != compute)) round_to_half(compute, precision);
    } else {
      hold(operand.scalar(), compute, precision);
    }
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  TALLOW_INLINE const Tensor* tensor() const { return tensor_; }  // null for a number
  TALLOW_INLINE void* data() const { return data_; }
  TALLOW_INLINE DType dtype() const { return dtype_; }

 private:
  void hold(const Scalar& scalar, DType compute, Precision precision);
  // A 0-d tensor of a wider type is treated as a number.
  void round_to_half(DType compute, Precision precision);

  const Tensor* tensor_ = nullptr;
  void* data_;
  DType dtype_;
  alignas(16) char number_[16];
};

// The arguments of one kernel call with N - 1 inputs.
template <int N>
struct Problem {
  Strided<N> at;
  DType dtypes[N];
};

namespace detail {

// A Problem with N erased.
struct ProblemView {
  int operands;
  void** data;
  DType* dtypes;
  int64_t* numel;
  int* ndim;
  int64_t* size;
  int64_t (*stride)[kMaxDims];
  uint8_t* host;
};

template <int N>
ProblemView view_of(Problem<N>& problem) {
  return {N,
          problem.at.data,
          problem.dtypes,
          &problem.at.numel,
          &problem.at.ndim,
          problem.at.size,
          problem.at.stride,
          &problem.at.host};
}

// Broadcasts, allocates or checks the destination and coalesces; `inputs` has operands - 1 entries.
Tensor prepare_general(const ProblemView& problem, const Input* const* inputs, DType out_dtype,
                       const Out& out);
// Sets *problem.host for a kernel of another device than the CPU.
void mark_host_operands(const ProblemView& problem, const Input* const* inputs);
// May a result of type `result` be written to `destination`, whose shape is right?
void check_destination(const Tensor& destination, const Input* const* inputs, int count,
                       DType result);

}  // namespace detail

// Describes the call in `problem` and returns its destination: a new tensor of type `out_dtype`, or
// the tensor in `out` after checking that it may be written to.
template <int N>
TALLOW_INLINE Tensor prepare(Problem<N>& problem, const Input* const (&inputs)[N - 1],
                             DType out_dtype, const Out& out) {
  // The common case: every tensor is 0-d, or contiguous and of the shape of the result.
  const Tensor* shape = out.given() ? &out.tensor() : nullptr;
  for (int k = 0; !shape && k < N - 1; ++k) shape = inputs[k]->tensor();
  bool plain = shape && shape->is_contiguous();
  bool shape_occurs = false;
  for (int k = 0; plain && k < N - 1; ++k) {
    const Tensor* const tensor = inputs[k]->tensor();
    problem.at.data[k + 1] = inputs[k]->data();
    problem.dtypes[k + 1] = inputs[k]->dtype();
    problem.at.stride[k + 1][0] = 0;
    if (!tensor) continue;
    if (tensor->dim() > 0) problem.at.stride[k + 1][0] = 1;
    const bool same = tensor->sizes() == shape->sizes();
    shape_occurs = shape_occurs || same;
    plain = ((same && tensor->is_contiguous()) || tensor->dim() == 0) &&
            tensor->device() == shape->device();
  }
  if (TALLOW_UNLIKELY(!plain || !shape_occurs)) {
    return detail::prepare_general(detail::view_of(problem), inputs, out_dtype, out);
  }
  Tensor result;
  if (TALLOW_UNLIKELY(out.given())) {
    result = out.tensor();
    detail::check_destination(result, inputs, N - 1, out_dtype);
  } else {
    result = empty(shape->sizes(), out_dtype, shape->device());
  }
  problem.at.data[0] = result.ptr();
  problem.dtypes[0] = result.dtype();
  problem.at.stride[0][0] = 1;
  problem.at.numel = result.numel();
  problem.at.ndim = 1;
  problem.at.size[0] = result.numel();
  if (TALLOW_UNLIKELY(!result.device().is_cpu())) {
    detail::mark_host_operands(detail::view_of(problem), inputs);
  }
  return result;
}

// Every write through an existing tensor must be seen by those who saved it.
TALLOW_INLINE void finish(const Out& out) {
  if (TALLOW_UNLIKELY(out.given())) out.tensor().bump_version();
}

// ---- Kernel calls. `compute` is the type of the formula, `result` that of a new output.

Tensor unary(UnaryOp op, const char* name, const Tensor& self, DType compute, DType result,
             const Out& out, const double* params = nullptr);
Tensor binary(BinaryOp op, const char* name, const Operand& a, const Operand& b, DType compute,
              DType result, const Out& out, const double* params = nullptr);
Tensor compare(CompareOp op, const char* name, const Operand& a, const Operand& b, const Out& out);
Tensor ternary(TernaryOp op, const char* name, const Operand& a, const Operand& b, const Operand& c,
               DType compute, DType result, const Out& out, const double* params = nullptr);

// ---- Small helpers of op functions.

// The tensor of an operand, or an undefined one that records no edge.
TALLOW_INLINE const Tensor& tensor_of(const Operand& operand) {
  static const Tensor none;
  return operand.is_tensor() ? operand.tensor() : none;
}

// `self` as a derivative may save it: as it was before an in-place op that will be recorded.
TALLOW_INLINE Tensor saved_self(const Tensor& self, const Out& out) {
  return TALLOW_UNLIKELY(out.is_inplace()) && self.requires_grad() ? out.original(self) : self;
}
// The same when only the gradient of `other` needs it.
TALLOW_INLINE Tensor saved_for(const Tensor& other, const Tensor& self, const Out& out) {
  const bool needed = out.is_inplace() && other.defined() && other.requires_grad();
  return TALLOW_UNLIKELY(needed) ? out.original(self) : self;
}

}  // namespace tallow::ops
