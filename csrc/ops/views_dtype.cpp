// Views whose elements are of another type than their base's.
#include "autograd/record.h"
#include "autograd/views.h"
#include "core/error.h"
#include "ops/copy.h"
#include "ops/join_split.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// As alias(), under another type: strides and offset count elements of that.
Tensor alias_as(const Tensor& self, DType dtype, const Dims& sizes, const Dims& strides,
                int64_t offset) {
  Tensor out(new TensorImpl(self.impl()->storage, sizes, strides, offset, dtype));
  out.impl()->own_version = self.impl()->own_version;
  out.impl()->inference = self.impl()->inference;
  return out;
}

template <class Make>
Tensor record_view_as(const char* name, const Tensor& self, Tensor out, const Make& make) {
  if (!self.impl()->inference) set_view(out, self, view_origin());
  return record(name, {&self}, std::move(out), make);
}

bool is_real_floating(DType dtype) { return dtype == DType::kFloat32 || dtype == DType::kFloat64; }

}  // namespace

// As in PyTorch no view in autograd's eyes: it has no history, even where the type stays the same.
Tensor view_dtype(const Tensor& self, DType dtype) {
  const int64_t from = item_size(self.dtype());
  const int64_t to = item_size(dtype);
  Dims sizes = self.sizes();
  Dims strides = self.strides();
  int64_t offset = self.impl()->offset;
  if (from != to) {
    TALLOW_CHECK(self.dim() > 0, "self.dim() cannot be 0 to view ", self.dtype(), " as ", dtype,
                 " (different element sizes)");
    const int64_t last = self.dim() - 1;
    TALLOW_CHECK(strides[last] == 1 || sizes[last] == 1, "self.stride(-1) must be 1 to view ",
                 self.dtype(), " as ", dtype, " (different element sizes), but got ",
                 strides[last]);
    const int64_t row = sizes[last] * from;
    bool divisible = row % to == 0 && offset * from % to == 0;
    for (int64_t d = 0; d < last; ++d) {
      divisible = divisible && strides[d] * from % to == 0;
      strides[d] = strides[d] * from / to;
    }
    TALLOW_CHECK(divisible, "self.size(-1) must be divisible by ", to / std::min(from, to),
                 " to view ", self.dtype(), " as ", dtype, " (different element sizes), but got ",
                 sizes[last]);
    sizes[last] = row / to;
    strides[last] = 1;
    offset = offset * from / to;
  }
  return alias_as(self, dtype, sizes, strides, offset);
}

Tensor view_as_real(const Tensor& self) {
  TALLOW_CHECK(is_complex(self.dtype()), "view_as_real is only supported for complex tensors");
  Dims sizes = self.sizes(), strides = self.strides();
  for (int64_t& stride : strides) stride *= 2;
  sizes.push_back(2);
  strides.push_back(1);
  return record_view_as(
      "ViewAsRealBackward0", self,
      alias_as(self, real_type(self.dtype()), sizes, strides, 2 * self.impl()->offset),
      [](Saver&) { return [](Grads& g) { g.out[0] = view_as_complex(contiguous(g.grad())); }; });
}

Tensor view_as_complex(const Tensor& self) {
  TALLOW_CHECK(is_real_floating(self.dtype()),
               "view_as_complex is only supported for half, float and double tensors, but got a "
               "tensor of scalar type: ",
               scalar_type_name(self.dtype()));
  TALLOW_CHECK(self.dim() > 0, "Input tensor must have one or more dimensions");
  Dims sizes = self.sizes(), strides = self.strides();
  TALLOW_CHECK(sizes.back() == 2, "Tensor must have a last dimension of size 2");
  TALLOW_CHECK(strides.back() == 1, "Tensor must have a last dimension with stride 1");
  sizes.erase(sizes.size() - 1);
  strides.erase(strides.size() - 1);
  for (int64_t d = 0; d < strides.size(); ++d) {
    // The stride of a single element is never walked along.
    TALLOW_CHECK(sizes[d] == 1 || strides[d] % 2 == 0,
                 "Tensor must have a stride divisible by 2 for all but last dimension");
    strides[d] /= 2;
  }
  TALLOW_CHECK(self.impl()->offset % 2 == 0, "Tensor must have a storage_offset divisible by 2");
  return record_view_as(
      "ViewAsComplexBackward0", self,
      alias_as(self, complex_type(self.dtype()), sizes, strides, self.impl()->offset / 2),
      [](Saver&) { return [](Grads& g) { g.out[0] = view_as_real(contiguous(g.grad())); }; });
}

Tensor strided_as(const Tensor& whole, DType dtype, const Dims& sizes, const Dims& strides,
                  int64_t offset) {
  if (dtype == whole.dtype()) return as_strided(whole, sizes, strides, offset);
  if (is_complex(whole.dtype())) return as_strided(view_as_real(whole), sizes, strides, offset);
  Dims pair_sizes = sizes, pair_strides = strides;
  for (int64_t& stride : pair_strides) stride *= 2;
  pair_sizes.push_back(2);
  pair_strides.push_back(1);
  return view_as_complex(as_strided(whole, pair_sizes, pair_strides, 2 * offset));
}

Tensor real(const Tensor& self) {
  return is_complex(self.dtype()) ? select(view_as_real(self), -1, 0) : self;
}

Tensor imag(const Tensor& self) {
  TALLOW_CHECK(is_complex(self.dtype()),
               "imag is not implemented for tensors with non-complex dtypes.");
  return select(view_as_real(self), -1, 1);
}

Tensor complex_of(const Tensor& real, const Tensor& imag) {
  for (const Tensor* part : {&real, &imag}) {
    TALLOW_CHECK(is_real_floating(part->dtype()),
                 "Expected both inputs to be Half, Float or Double tensors but got ",
                 scalar_type_name(real.dtype()), " and ", scalar_type_name(imag.dtype()));
  }
  TALLOW_CHECK(real.dtype() == imag.dtype(), "Expected object of scalar type ",
               scalar_type_name(real.dtype()), " but got scalar type ",
               scalar_type_name(imag.dtype()), " for second argument");
  const Dims shape = broadcast_shapes(real.sizes(), imag.sizes());
  Tensor pairs;
  {
    const NoGradGuard no_grad;
    Dims sizes = shape;
    sizes.push_back(2);
    pairs = empty(sizes, real.dtype(), real.device());
    copy_data(select(pairs, -1, 0), expand(real, shape));
    copy_data(select(pairs, -1, 1), expand(imag, shape));
    pairs.impl()->storage->version = 0;  // nobody has seen it before
  }
  const Tensor out =
      alias_as(pairs, complex_type(real.dtype()), shape, contiguous_strides(shape), 0);
  return record("ComplexBackward0", {&real, &imag}, out, [&](Saver&) {
    return [](Grads& g) {
      if (g.needs(0)) g.out[0] = ops::real(g.grad());
      if (g.needs(1)) g.out[1] = ops::imag(g.grad());
    };
  });
}

}  // namespace tallow::ops
