// Copies, conversions and writing over tensors.
#include "autograd/meta.h"
#include "autograd/record.h"
#include "core/error.h"
#include "ops/copy.h"
#include "ops/elementwise.h"
#include "ops/memory_order.h"
#include "ops/views.h"
#include "python/bindings.h"

namespace tallow::python {

namespace {

Tensor convert(const Tensor& self, std::optional<Device> device, std::optional<DType> dtype,
               bool copy, std::optional<MemoryFormat> format, bool non_blocking = false) {
  Tensor result = self;
  if (dtype) result = ops::to_dtype(result, *dtype);
  if (device) result = ops::to_device(result, *device, non_blocking);
  if (format) result = ops::to_memory_format(result, *format);
  return copy && result.same(self) ? ops::clone(self) : result;
}
Tensor to_dtype_form(const Tensor& self, DType dtype, bool, bool copy,
                     std::optional<MemoryFormat> format) {
  return convert(self, std::nullopt, dtype, copy, format);
}
Tensor to_device_form(const Tensor& self, std::optional<Device> device, std::optional<DType> dtype,
                      bool non_blocking, bool copy, std::optional<MemoryFormat> format) {
  return convert(self, device, dtype, copy, format, non_blocking);
}
Tensor to_other_form(const Tensor& self, const Tensor& other, bool non_blocking, bool copy,
                     std::optional<MemoryFormat> format) {
  return convert(self, other.device(), other.dtype(), copy, format, non_blocking);
}

template <DType kType>
Tensor cast_to(const Tensor& self, std::optional<MemoryFormat> format) {
  return convert(self, std::nullopt, kType, false, format);
}

Tensor cpu(const Tensor& self, std::optional<MemoryFormat> format) {
  return convert(self, kCPU, std::nullopt, false, format);
}

Tensor cuda(const Tensor& self, std::optional<Device> device, bool non_blocking,
            std::optional<MemoryFormat> format) {
  const Device where = device.value_or(Device{DeviceType::kCUDA});
  TALLOW_CHECK(where.is_cuda(), "Invalid device, must be cuda device");
  return convert(self, where, std::nullopt, false, format, non_blocking);
}

Tensor pin_memory(const Tensor& self, std::optional<Device>) { return ops::pin_memory(self); }

Tensor type_as(const Tensor& self, const Tensor& other) {
  return convert(self, other.device(), other.dtype(), false, std::nullopt);
}

Tensor clone(const Tensor& self, std::optional<MemoryFormat> format) {
  if (!format || *format == MemoryFormat::kPreserve) return ops::clone(self);
  if (*format == MemoryFormat::kContiguous) {
    return ops::clone_strided(self, contiguous_strides(self.sizes()));
  }
  return ops::clone_strided(self, ops::strides_in_format(self.sizes(), *format));
}

Tensor contiguous(const Tensor& self, std::optional<MemoryFormat> format) {
  TALLOW_CHECK(format != MemoryFormat::kPreserve,
               "preserve memory format is unsupported by the contiguous operator");
  // Unlike to(), it leaves strides as they are that say the same.
  const MemoryFormat wanted = format.value_or(MemoryFormat::kContiguous);
  if (wanted != MemoryFormat::kContiguous && ops::is_in_format(self, wanted)) return self;
  return ops::to_memory_format(self, wanted);
}

Tensor detach_function(const Tensor& self) { return detach(self); }

Tensor resize(const Tensor& self, const Dims& size, std::optional<MemoryFormat>) {
  return ops::resize_(self, size);
}
Tensor set_data(const Tensor& self, const Tensor& source) {
  if (!source.defined()) {
    replace_data(self, empty({0}, self.dtype(), self.device()));
  } else {
    TALLOW_CHECK(!self.requires_grad(),
                 "a leaf Variable that requires grad is being used in an in-place operation.");
    replace_data(self, source);
  }
  return self;
}

Tensor fill(const Tensor& self, const Operand& value) {
  const bool tracked = tallow::detail::needs_grad(self);
  return ops::fill_(tracked ? ops::clone(self) : empty_like(self), value);
}

DType result_type(const Operand& tensor1, const Operand& tensor2) {
  return ops::result_type(tensor1, tensor2);
}
bool can_cast_types(DType from_, DType to) { return can_cast(from_, to); }
DType promote_types(DType type1, DType type2) { return promote(type1, type2); }
// Questions that are methods as well, in tensor_methods.cpp.
int64_t numel(const Tensor& self) { return self.numel(); }
int64_t get_device(const Tensor& self) { return self.device().index; }
bool is_floating_point(const Tensor& self) { return is_floating(self.dtype()); }
bool is_complex_number(const Tensor& self) { return is_complex(self.dtype()); }
bool is_signed(const Tensor& self) { return is_signed(self.dtype()); }
bool is_inference(const Tensor& self) { return self.impl()->inference; }
bool never(const Tensor&) { return false; }
// Conjugation and negation are never left for later.
Tensor resolve(const Tensor& self) { return self; }

bool is_same_size(const Tensor& self, const Tensor& other) { return self.sizes() == other.sizes(); }
bool is_set_to(const Tensor& self, const Tensor& tensor) {
  return self.impl()->storage == tensor.impl()->storage && self.sizes() == tensor.sizes() &&
         self.strides() == tensor.strides() && self.impl()->offset == tensor.impl()->offset;
}

template <DType kType>
void bind_cast(Registry& r, const char* signature) {
  r.op<&cast_to<kType>>(signature, kMethod, "Convert the elements to another type.");
}

Tensor copy_(const Tensor& self, const Operand& src, bool non_blocking) {
  if (src.is_tensor()) return ops::copy_(self, src.tensor(), non_blocking);
  return ops::copy_(self, scalar_tensor(src.scalar(), self.dtype()), non_blocking);
}

}  // namespace

void bind_copy(Registry& r) {
  r.op<&to_dtype_form, &to_device_form, &to_other_form>(
      {"to(input, dtype, non_blocking=False, copy=False, *, memory_format=None)",
       "to(input, device=None, dtype=None, non_blocking=False, copy=False, *, memory_format=None)",
       "to(input, other, non_blocking=False, copy=False, *, memory_format=None)"},
      kMethod, "Convert to another type, device or memory format; self if it already fits.");
  bind_cast<DType::kFloat32>(r, "float(input, memory_format=None)");
  bind_cast<DType::kFloat64>(r, "double(input, memory_format=None)");
  bind_cast<DType::kFloat16>(r, "half(input, memory_format=None)");
  bind_cast<DType::kBFloat16>(r, "bfloat16(input, memory_format=None)");
  bind_cast<DType::kInt64>(r, "long(input, memory_format=None)");
  bind_cast<DType::kInt32>(r, "int(input, memory_format=None)");
  bind_cast<DType::kInt16>(r, "short(input, memory_format=None)");
  bind_cast<DType::kInt8>(r, "char(input, memory_format=None)");
  bind_cast<DType::kUInt8>(r, "byte(input, memory_format=None)");
  bind_cast<DType::kBool>(r, "bool(input, memory_format=None)");
  bind_cast<DType::kComplex64>(r, "cfloat(input, memory_format=None)");
  bind_cast<DType::kComplex128>(r, "cdouble(input, memory_format=None)");
  r.op<&cpu>("cpu(input, memory_format=None)", kMethod, "Copy to the CPU; self if it is there.");
  r.op<&cuda>("cuda(input, device=None, non_blocking=False, memory_format=None)", kMethod,
              "Copy to a CUDA device; self if it is there.");
  r.op<&pin_memory>("pin_memory(input, device=None)", kMethod,
                    "Copy to page-locked memory; self if it is there.");
  r.op<&type_as>("type_as(input, other)", kMethod, "Convert to the type of other.");
  r.op<&clone>("clone(input, *, memory_format=None)", kFunction | kMethod, "Copy the tensor.");
  r.op<&contiguous>("contiguous(input, memory_format=None)", kMethod,
                    "Return the tensor in row-major memory order.");
  r.op<&detach_function>("detach(input)", kFunction | kMethod,
                         "Return the same values without history.");
  r.op<&copy_>("copy_(input, src, non_blocking=False)", kMethod,
               "Write the values of src over the tensor.");
  r.op<&ops::fill_>("fill_(input, value)", kFunction | kMethod, "Write one value everywhere.");
  r.op<&fill>("fill(input, value)", kFunction, "Return a copy filled with one value.");
  r.op<&ops::zero_>("zero_(input)", kFunction | kMethod, "Write zeros everywhere.");
  r.op<&resize>("resize_(input, *size, memory_format=None)", kMethod,
                "Change the shape in place; new elements are unspecified.");
  r.op<&set_data>("_set_data(input, source=None)", kFunction,
                  "Take over the storage of another tensor; the part of set_ that is one.");
  r.op<&result_type>("result_type(tensor1, tensor2)", kFunction,
                     "Return the type that arithmetic on the two would have.");
  r.op<&can_cast_types>("can_cast(from_, to)", kFunction,
                        "Say whether values of one type may be written into another.");
  r.op<&promote_types>("promote_types(type1, type2)", kFunction,
                       "Return the smallest type both convert to.");
  r.op<&numel>("numel(input)", kFunction, "Return the number of elements.");
  r.op<&get_device>("get_device(input)", kFunction,
                    "Return the index of the CUDA device, -1 on the CPU.");
  r.op<&is_floating_point>("is_floating_point(input)", kFunction,
                           "Tell whether the dtype is a floating point one.");
  r.op<&is_complex_number>("is_complex(input)", kFunction,
                           "Tell whether the dtype is a complex one.");
  r.op<&is_signed>("is_signed(input)", kFunction, "Tell whether the dtype has negative numbers.");
  r.op<&is_inference>("is_inference(input)", kFunction,
                      "Tell whether the tensor was made in inference mode.");
  r.op<&never>("is_conj(input)", kFunction,
               "Tell whether conjugation is still to be carried out: it never is.");
  r.op<&never>("is_neg(input)", kFunction,
               "Tell whether negation is still to be carried out: it never is.");
  r.op<&resolve>("resolve_conj(input)", kFunction | kMethod,
                 "Carry out a conjugation that was put off: none ever is.");
  r.op<&resolve>("resolve_neg(input)", kFunction | kMethod,
                 "Carry out a negation that was put off: none ever is.");
  r.op<&is_same_size>("is_same_size(input, other)", kFunction | kMethod, "Compare the shapes.");
  r.op<&is_set_to>("is_set_to(input, tensor)", kMethod, "Compare storage and geometry.");
}

}  // namespace tallow::python
