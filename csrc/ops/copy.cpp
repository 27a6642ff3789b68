#include "ops/copy.h"

#include <cmath>
#include <cstring>

#include "autograd/record.h"
#include "core/blocking.h"
#include "core/device_runtime.h"
#include "core/error.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/memory_order.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// `source` with the shape of `self`, as far as broadcasting allows.
Tensor broadcast_source(const Tensor& self, const Tensor& source) {
  if (source.sizes() == self.sizes()) return source;
  Dims shape = source.sizes();
  while (shape.size() > self.dim() && shape[0] == 1) shape.erase(0);
  const int64_t lead = source.dim() - shape.size();
  if (!is_expandable(shape, self.sizes())) {
    broadcast_shapes(self.sizes(), shape);  // raises where no broadcasting is possible at all
    raise<RuntimeError>("output with shape ", self.sizes(), " doesn't match the broadcast shape ",
                        broadcast_shapes(self.sizes(), shape));
  }
  const Dims strides(source.strides().data() + lead, shape.size());
  return alias(source, self.sizes(), broadcast_strides(shape, strides, self.sizes()),
               source.impl()->offset);
}

// Between devices: converted and laid out on the source's device, then moved as bytes. Only copies
// between devices and page-locked memory can go on after the call.
void copy_across(const char* op, const Tensor& destination, const Tensor& source,
                 bool non_blocking) {
  const NoGradGuard no_grad;
  if (!is_dense(destination.sizes(), destination.strides())) {
    const Tensor dense = empty(destination.sizes(), destination.dtype(), destination.device());
    copy_across(op, dense, source, non_blocking);
    copy_(destination, dense);
    return;
  }
  Tensor from = source;
  if (from.dtype() != destination.dtype() || from.strides() != destination.strides()) {
    from = empty_strided(destination.sizes(), destination.strides(), destination.dtype(),
                         source.device());
    copy_(from, source);
  }
  const DeviceRuntime& runtime = cuda_runtime();
  const Device to = destination.device();
  const Device on = from.device();
  const auto pinned = [&](const Tensor& host) { return runtime.is_pinned(host.ptr()); };
  // Bytes from pageable memory have been read when the call returns.
  const bool wait = to.is_cpu() ? !(non_blocking && pinned(destination))
                                : on.is_cpu() && !non_blocking && pinned(from);
  Status status = runtime.begin(op, to.is_cuda() ? to.index : on.index);
  if (status == Status::kOk) {
    void* const target = destination.ptr();
    const void* const start = from.ptr();
    const int64_t nbytes = destination.numel() * item_size(destination.dtype());
    const BlockingRegion region;
    status = runtime.copy(target, to.is_cpu() ? -1 : to.index, start, on.is_cpu() ? -1 : on.index,
                          nbytes, wait);
  }
  if (status != Status::kOk) raise_status(status);
}

void check_not_meta(const Tensor& source, Device target) {
  TALLOW_CHECK_NOT_IMPLEMENTED(
      !source.device().is_meta() || target.is_meta(),
      "Cannot copy out of meta tensor; no data! Please use ", package_name(),
      ".nn.Module.to_empty() instead of ", package_name(),
      ".nn.Module.to() when moving module from meta to a different device.");
}

// A copy of `self` in the given form, recorded under `name`; the engine casts the gradient back.
Tensor recorded_copy(const char* name, const Tensor& self, const Dims& strides, DType dtype,
                     Device device, bool non_blocking = false) {
  check_not_meta(self, device);
  Tensor out = empty_strided(self.sizes(), strides, dtype, device);
  {
    const NoGradGuard no_grad;
    copy_data(out, self, non_blocking);
  }
  return record(name, {&self}, std::move(out), [&](Saver&) {
    return [device = self.device()](Grads& g) { g.out[0] = to_device(g.grad(), device); };
  });
}

}  // namespace

void copy_data(const Tensor& destination, const Tensor& source, bool non_blocking) {
  if (destination.device().is_meta() || destination.numel() == 0) return;
  if (TALLOW_UNLIKELY(destination.device() != source.device())) {
    copy_across("copy", destination, source, non_blocking);
    return;
  }
  Problem<2> problem;
  const Input input(source, source.dtype());
  prepare(problem, {&input}, destination.dtype(), Out::into(destination));
  run<&Backend::pointwise, &PointwiseKernels::copy>("copy", destination.device(), problem.at,
                                                    problem.dtypes[0], problem.dtypes[1]);
}

Tensor clone(const Tensor& self) {
  return clone_strided(self, preserved_strides(self.sizes(), self.strides()));
}

Tensor clone_strided(const Tensor& self, const Dims& strides) {
  return recorded_copy("CloneBackward0", self, strides, self.dtype(), self.device());
}

Tensor contiguous(const Tensor& self) {
  if (self.is_contiguous()) return self;
  return clone_strided(self, contiguous_strides(self.sizes()));
}

Tensor to_dtype(const Tensor& self, DType dtype) {
  if (dtype == self.dtype()) return self;
  const Dims strides = preserved_strides(self.sizes(), self.strides());
  return recorded_copy("ToCopyBackward0", self, strides, dtype, self.device());
}

Tensor to_device(const Tensor& self, Device wanted, bool non_blocking) {
  const Device device = wanted.resolved();
  if (device == self.device()) return self;
  const Dims strides = preserved_strides(self.sizes(), self.strides());
  return recorded_copy("ToCopyBackward0", self, strides, self.dtype(), device, non_blocking);
}

Tensor pin_memory(const Tensor& self) {
  TALLOW_CHECK(self.device().is_cpu(), "cannot pin '", self.device(),
               "' only dense CPU tensors can be pinned");
  if (is_pinned(self)) return self;
  const int64_t nbytes = checked_nbytes(self.numel(), item_size(self.dtype()));
  const Tensor out(new TensorImpl(Storage::pinned(nbytes), self.sizes(),
                                  preserved_strides(self.sizes(), self.strides()), 0,
                                  self.dtype()));
  {
    const NoGradGuard no_grad;
    copy_data(out, self);
  }
  return record("PinMemoryBackward0", {&self}, out,
                [&](Saver&) { return [](Grads& g) { g.out[0] = g.grad(); }; });
}

bool is_pinned(const Tensor& self) {
  const DeviceRuntime* const runtime = loaded_cuda_runtime();
  return runtime && self.device().is_cpu() && self.ptr() && runtime->is_pinned(self.ptr());
}

Tensor to_memory_format(const Tensor& self, MemoryFormat format) {
  if (format == MemoryFormat::kPreserve) return self;
  if (format == MemoryFormat::kContiguous) return contiguous(self);
  const Dims strides = strides_in_format(self.sizes(), format);
  if (self.strides() == strides) return self;
  return clone_strided(self, strides);
}

Tensor copy_(const Tensor& self, const Tensor& source, bool non_blocking) {
  check_not_meta(source, self.device());
  const Out out = Out::inplace(self);
  const auto recorded = [&] {
    return record("CopyBackwards", {&self, &source}, self, [&](Saver&) {
      return [device = source.device()](Grads& g) {
        if (g.needs(0)) g.out[0] = zeros_like(g.grad());
        if (g.needs(1)) g.out[1] = to_device(g.grad(), device);
      };
    });
  };
  if (self.same(source)) {
    check_history(self);
    self.bump_version();
    return recorded();
  }
  if (tallow::detail::needs_grad(source)) check_inplace(self, true);
  if (self.device().is_meta()) {
    check_inplace(self);
  } else if (TALLOW_UNLIKELY(self.device() != source.device())) {
    check_inplace(self);
    const Tensor expanded = broadcast_source(self, source);
    if (self.numel() > 0) copy_across("copy_", self, expanded, non_blocking);
  } else {
    Problem<2> problem;
    const Tensor expanded = broadcast_source(self, source);
    const Input input(expanded, source.dtype());
    prepare(problem, {&input}, self.dtype(), out);
    if (self.numel() > 0) {
      run<&Backend::pointwise, &PointwiseKernels::copy>("copy_", self.device(), problem.at,
                                                        problem.dtypes[0], problem.dtypes[1]);
    }
  }
  finish(out);
  return recorded();
}

void check_fits(const Tensor& self, const Scalar& value) {
  if (!is_float8(self.dtype()) || self.numel() == 1 || value.is_complex()) return;
  double largest = 57344;
  if (self.dtype() == DType::kFloat8E4M3FN) largest = 448;
  if (self.dtype() == DType::kFloat8E4M3FNUZ) largest = 240;
  if (self.dtype() == DType::kFloat8E8M0FNU) largest = 0x1p127;
  const double size = std::abs(value.to_double());
  const bool infinite = std::isinf(size) && self.dtype() == DType::kFloat8E5M2;
  TALLOW_CHECK(!(size > largest) || infinite,
               "value cannot be converted to type c10::", scalar_type_name(self.dtype()),
               " without overflow");
}

namespace {

// `self` with every element at one address only once.
Tensor without_repeats(const Tensor& self) {
  if (!has_internal_overlap(self)) return self;
  Dims sizes = self.sizes();
  for (int64_t d = 0; d < sizes.size(); ++d) {
    if (self.strides()[d] == 0) sizes[d] = 1;
  }
  return alias(self, sizes, self.strides(), self.impl()->offset);
}

// Writes `element`, of self's type, to every element.
void fill_data(const Tensor& self, const void* element) {
  if (self.numel() > 0 && !self.device().is_meta()) {
    const Tensor target = without_repeats(self);
    // Planned as if it read itself: only the destination's part is then used.
    Problem<2> problem;
    const Input input(target, target.dtype());
    prepare(problem, {&input}, target.dtype(), Out::inplace(target));
    Strided<1> at;
    at.data[0] = problem.at.data[0];
    at.numel = problem.at.numel;
    at.ndim = problem.at.ndim;
    for (int d = 0; d < at.ndim; ++d) {
      at.size[d] = problem.at.size[d];
      at.stride[0][d] = problem.at.stride[0][d];
    }
    run<&Backend::pointwise, &PointwiseKernels::fill>("fill_", self.device(), at, self.dtype(),
                                                      element);
  }
  self.bump_version();
}

void fill_with_number(const Tensor& self, const Scalar& value) {
  check_history(self);
  check_fits(self, value);
  alignas(16) char element[16];
  value.store(self.dtype(), element);
  fill_data(self, element);
}

Tensor fill_with_tensor(const Tensor& self, const Tensor& value) {
  check_inplace(self, value.requires_grad());
  {
    const NoGradGuard no_grad;
    check_not_meta(value, self.device());
    if (!value.device().is_cpu()) {
      // Without waiting for the value.
      const Tensor target = without_repeats(self);
      copy_(target, expand(value, target.sizes()));
    } else {
      alignas(16) char element[16];
      const Tensor converted = to_dtype(value, self.dtype());
      std::memcpy(element, converted.ptr(), static_cast<std::size_t>(item_size(self.dtype())));
      fill_data(self, element);
    }
  }
  return record("FillBackward3", {&self, &value}, self, [&](Saver&) {
    return [device = value.device()](Grads& g) {
      if (g.needs(0)) g.out[0] = zeros_like(g.grad());
      if (g.needs(1)) g.out[1] = to_device(sum_to_size(g.grad(), {}), device);
    };
  });
}

}  // namespace

Tensor fill_(const Tensor& self, const Operand& value) {
  if (value.is_tensor()) {
    TALLOW_CHECK(value.tensor().dim() == 0,
                 "fill_ only supports 0-dimension value tensor but got "
                 "tensor with ",
                 value.tensor().dim(), " dimensions.");
    return fill_with_tensor(self, value.tensor());
  }
  fill_with_number(self, value.scalar());
  return record("FillBackward2", {&self}, self,
                [&](Saver&) { return [](Grads& g) { g.out[0] = zeros_like(g.grad()); }; });
}

Tensor zero_(const Tensor& self) {
  fill_with_number(self, Scalar(0));
  return record("ZeroBackward0", {&self}, self,
                [&](Saver&) { return [](Grads& g) { g.out[0] = zeros_like(g.grad()); }; });
}

Tensor resize_(const Tensor& self, const Dims& size) {
  TALLOW_CHECK(!self.requires_grad(), "cannot resize variables that require grad");
  checked_numel(size);
  TensorImpl& impl = *self.impl();
  const Dims strides = contiguous_strides(size);
  const int64_t needed = reach_nbytes(size, strides, impl.offset, item_size(impl.dtype));
  if (needed > impl.storage->nbytes()) impl.storage->resize(needed);
  impl.set_geometry(size, strides, impl.offset);
  return self;
}

}  // namespace tallow::ops
