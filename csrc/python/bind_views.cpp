// Shape-changing ops and views.
#include "autograd/inplace.h"
#include "autograd/meta.h"
#include "ops/unary_math.h"
#include "ops/views.h"
#include "python/bindings.h"
#include "python/tensor_item.h"

namespace tallow::python {

namespace {

std::vector<Tensor> split_any(const Tensor& self, const Dims& split_size, int64_t dim) {
  return ops::split_with_sizes(self, split_size, dim);
}
Tensor narrow_from(const Tensor& self, int64_t dim, const Tensor& start, int64_t length) {
  TALLOW_CHECK(start.dim() == 0 && is_integral(start.dtype()) && start.dtype() != DType::kBool,
               "start must be an 0-dim integral Tensor.");
  return ops::narrow(self, dim, item(start).to_int64(), length);
}

Tensor movedim_ints(const Tensor& self, int64_t source, int64_t destination) {
  return ops::movedim(self, {source}, {destination});
}
Tensor swap(const Tensor& self, int64_t a, int64_t b) { return ops::transpose(self, a, b); }
Tensor adjoint(const Tensor& self) { return ops::conj(ops::transpose(self, -2, -1)); }
Tensor squeeze_dim(const Tensor& self, int64_t dim) { return ops::squeeze_dims(self, {dim}); }
Tensor slice_dim(const Tensor& self, int64_t dim, std::optional<int64_t> start,
                 std::optional<int64_t> end, int64_t step) {
  return ops::slice(self, dim, start, end, step);
}

// The in-place form of an op that only changes the geometry: self becomes what the op returns.
// `name` is that of its node.
template <auto kOp, class... Args>
Tensor in_place(const char* name, const Tensor& self, Args... args) {
  check_history(self);
  const Tensor view = kOp(self, args...);
  const Ref<Node> history = grad_fn(view);
  self.impl()->set_geometry(view.sizes(), view.strides(), view.impl()->offset);
  self.bump_version();
  if (history && recording_enabled()) {
    history->rename(name);
    set_grad_fn(self, history, view.impl()->meta->output_nr);
  }
  return self;
}
Tensor squeeze_(const Tensor& self) { return in_place<&ops::squeeze>("SqueezeBackward3", self); }
Tensor squeeze_dim_(const Tensor& self, int64_t dim) {
  return in_place<&squeeze_dim>("SqueezeBackward4", self, dim);
}
Tensor squeeze_dims_(const Tensor& self, const Dims& dim) {
  return in_place<&ops::squeeze_dims>("SqueezeBackward5", self, dim);
}
Tensor unsqueeze_(const Tensor& self, int64_t dim) {
  return in_place<&ops::unsqueeze>("UnsqueezeBackward1", self, dim);
}
Tensor t_(const Tensor& self) {
  check_history(self);
  TALLOW_CHECK(self.dim() <= 2, "t_() expects a tensor with <= 2 dimensions, but self is ",
               self.dim(), "D");
  return in_place<&ops::t>("TBackward1", self);
}
Tensor transpose_(const Tensor& self, int64_t dim0, int64_t dim1) {
  return in_place<&ops::transpose>("TransposeBackward1", self, dim0, dim1);
}

void bind_in_place(Registry& r) {
  r.op<&squeeze_, &squeeze_dim_, &squeeze_dims_>(
      {"squeeze_(input)", "squeeze_(input, dim)", "squeeze_(input, *dim)"}, kMethod,
      "Remove dimensions of size 1, in place.");
  r.op<&unsqueeze_>("unsqueeze_(input, dim)", kMethod, "Insert a dimension of size 1, in place.");
  r.op<&t_>("t_(input)", kMethod, "Transpose a matrix, in place.");
  r.op<&transpose_>("transpose_(input, dim0, dim1)", kMethod, "Swap two dimensions, in place.");
  r.op<&transpose_>("swapaxes_(input, axis0, axis1)", kMethod, "Swap two dimensions, in place.");
  r.op<&transpose_>("swapdims_(input, dim0, dim1)", kMethod, "Swap two dimensions, in place.");
}

}  // namespace

void bind_views(Registry& r) {
  r.op<&ops::view_dtype, &ops::view>({"view(input, dtype)", "view(input, *size)"}, kMethod,
                                     "Return the same data in another shape or type.");
  r.op<&ops::view_as_real>("view_as_real(input)", kFunction,
                           "View complex numbers as pairs of real ones, in a new last dimension.");
  r.op<&ops::view_as_complex>("view_as_complex(input)", kFunction,
                              "View pairs of real numbers in the last dimension as complex ones.");
  r.op<&ops::real>("real(input)", kFunction, "View the real part.");
  r.op<&ops::imag>("imag(input)", kFunction, "View the imaginary part.");
  r.op<&ops::complex_of>("complex(real, imag)", kFunction | kOut,
                         "Make complex numbers of their parts.");
  r.op<&ops::view_as>("view_as(input, other)", kMethod, "View input in the shape of other.");
  r.op<&ops::reshape>("reshape(input, *shape)", kFunction | kMethod,
                      "Return the data in another shape, as a view if possible.");
  r.op<&ops::reshape_as>("reshape_as(input, other)", kMethod, "Reshape to the shape of other.");
  r.op<&ops::flatten>("flatten(input, start_dim=0, end_dim=-1)", kFunction | kMethod,
                      "Merge a range of dimensions into one.");
  r.op<&ops::ravel>("ravel(input)", kFunction | kMethod, "Flatten to one contiguous dimension.");
  r.op<&ops::unflatten>("unflatten(input, dim, sizes[])", kFunction | kMethod,
                        "Split one dimension into several.");
  r.op<&ops::transpose>("transpose(input, dim0, dim1)", kFunction | kMethod,
                        "Swap two dimensions.");
  r.op<&swap>("swapaxes(input, axis0, axis1)", kFunction | kMethod, "Swap two dimensions.");
  r.op<&swap>("swapdims(input, dim0, dim1)", kFunction | kMethod, "Swap two dimensions.");
  r.op<&adjoint>("adjoint(input)", kFunction | kMethod, "Swap the last two dimensions.");
  r.op<&ops::permute>("permute(input, *dims)", kFunction | kMethod, "Reorder the dimensions.");
  r.op<&ops::t>("t(input)", kFunction | kMethod, "Transpose a matrix.");
  r.op<&movedim_ints, &ops::movedim>(
      {"movedim(input, source, destination)", "movedim(input, source[], destination[])"},
      kFunction | kMethod, "Move dimensions to new positions.");
  r.alias("movedim", "moveaxis");
  r.op<&ops::unsqueeze>("unsqueeze(input, dim)", kFunction | kMethod,
                        "Insert a dimension of size 1.");
  r.op<&ops::squeeze, &squeeze_dim, &ops::squeeze_dims>(
      {"squeeze(input)", "squeeze(input, dim)", "squeeze(input, *dim)"}, kFunction | kMethod,
      "Remove dimensions of size 1.");
  r.op<&ops::expand>("expand(input, *size)", kMethod,
                     "Repeat dimensions of size 1 without copying.");
  r.op<&ops::expand>("broadcast_to(input, *size)", kFunction | kMethod, "Expand to a shape.");
  r.op<&ops::expand_as>("expand_as(input, other)", kMethod, "Expand to the shape of other.");
  r.op<&ops::sum_to_size>("sum_to_size(input, *size)", kMethod,
                          "Sum over broadcast dimensions until the shape is size.");
  r.op<&ops::select>("select(input, dim, index)", kFunction | kMethod,
                     "Take one position of a dimension.");
  r.op<&slice_dim>("_slice(input, dim, start=None, end=None, step=1)", kFunction,
                   "Take every step-th position between start and end of a dimension.");
  r.op<&ops::narrow, &narrow_from>(
      {"narrow(input, dim, start, length)", "narrow(input, dim, start, length)"},
      kFunction | kMethod, "Take a range of a dimension.");
  r.op<&ops::diagonal>("diagonal(input, offset=0, dim1=0, dim2=1)", kFunction | kMethod,
                       "View a diagonal of two dimensions as the last dimension.");
  r.op<&ops::unfold>("unfold(input, dimension, size, step)", kMethod,
                     "View all windows of a dimension.");
  r.op<&ops::split, &split_any>(
      {"split(input, split_size, dim=0)", "split(input, split_size, dim=0)"}, kFunction | kMethod,
      "Cut a dimension into pieces.");
  r.op<&ops::split_with_sizes>("split_with_sizes(input, split_sizes[], dim=0)", kFunction | kMethod,
                               "Cut a dimension into pieces of the given sizes.");
  r.op<&ops::chunk>("chunk(input, chunks, dim=0)", kFunction | kMethod,
                    "Cut a dimension into about equal pieces.");
  r.op<&ops::unbind>("unbind(input, dim=0)", kFunction | kMethod,
                     "Return the slices along a dimension.");
  r.op<&ops::as_strided>("as_strided(input, size[], stride[], storage_offset=None)",
                         kFunction | kMethod, "View the storage with any geometry.");
  bind_in_place(r);
}

}  // namespace tallow::python
