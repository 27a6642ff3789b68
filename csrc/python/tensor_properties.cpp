// Attributes of TensorBase.
#include "autograd/accumulate.h"
#include "autograd/meta.h"
#include "autograd/views.h"
#include "core/error.h"
#include "ops/unary_math.h"
#include "ops/views.h"
#include "python/autograd_objects.h"
#include "python/convert.h"
#include "python/override.h"

namespace tallow::python {

namespace {

// Is the access offered to __torch_function__ first?
bool offered(PyObject* self) {
  return TALLOW_UNLIKELY((call_interest & kOfferedToMode) != 0 || may_override(self));
}

// Hands the access over as a call of the descriptor's `accessor`, "__get__" or "__set__", as
// PyTorch does. `name` is what tensor_properties keeps in `closure`.
PyObject* override_access(void* name, const char* accessor, PyObject* const* args,
                          Py_ssize_t count) {
  const PyRef descriptor = checked(PyObject_GetAttrString(reinterpret_cast<PyObject*>(tensor_type),
                                                          static_cast<const char*>(name)));
  const PyRef method = checked(PyObject_GetAttrString(descriptor.get(), accessor));
  return call_override(method.get(), args, count, nullptr);
}

template <auto kBody>
PyObject* getter(PyObject* self, void* name) {
  return guarded([&]() -> PyObject* {
    if (offered(self)) return override_access(name, "__get__", &self, 1);
    return kBody(unwrap(self));
  });
}

// `value` is null where the attribute is deleted.
template <auto kBody>
int setter(PyObject* self, PyObject* value, void* name) {
  return guarded_int([&] {
    if (offered(self)) {
      PyObject* const args[] = {self, value};
      const char* const accessor = value ? "__set__" : "__delete__";
      return PyRef::steal(override_access(name, accessor, args, value ? 2 : 1)) ? 0 : -1;
    }
    kBody(unwrap(self), value);
    return 0;
  });
}

PyObject* get_shape(const Tensor& t) { return make_size(t.sizes()); }
PyObject* get_dtype(const Tensor& t) { return Py_NewRef(dtype_object(t.dtype())); }
PyObject* get_device(const Tensor& t) { return make_device(t.device()); }
PyObject* get_layout(const Tensor&) { return Py_NewRef(strided_layout()); }
PyObject* get_ndim(const Tensor& t) { return PyLong_FromLongLong(t.dim()); }
PyObject* get_itemsize(const Tensor& t) { return PyLong_FromLongLong(item_size(t.dtype())); }
PyObject* get_nbytes(const Tensor& t) {
  return PyLong_FromLongLong(t.numel() * item_size(t.dtype()));
}
PyObject* get_requires_grad(const Tensor& t) { return PyBool_FromLong(t.requires_grad()); }
PyObject* get_is_leaf(const Tensor& t) { return PyBool_FromLong(is_leaf(t)); }
PyObject* get_grad_fn(const Tensor& t) { return wrap_node(grad_fn(t)); }
PyObject* get_output_nr(const Tensor& t) {
  return PyLong_FromLong(t.impl()->meta ? static_cast<long>(t.impl()->meta->output_nr) : 0);
}
PyObject* get_retains_grad(const Tensor& t) {
  return PyBool_FromLong(t.impl()->meta && t.impl()->meta->retains_grad && !is_leaf(t));
}
PyObject* get_data(const Tensor& t) { return wrap(variable_data(t)); }
PyObject* get_version(const Tensor& t) {
  TALLOW_CHECK(!t.impl()->inference, "Inference tensors do not track version counter.");
  return PyLong_FromUnsignedLong(t.version());
}
PyObject* get_base(const Tensor& t) {
  return is_view(t) ? wrap(t.impl()->meta->view->base) : Py_NewRef(Py_None);
}
PyObject* get_false(const Tensor&) { Py_RETURN_FALSE; }
PyObject* get_is_cpu(const Tensor& t) { return PyBool_FromLong(t.device().is_cpu()); }
PyObject* get_is_cuda(const Tensor& t) {
  return PyBool_FromLong(t.device().type == DeviceType::kCUDA);
}
PyObject* get_is_meta(const Tensor& t) { return PyBool_FromLong(t.device().is_meta()); }
PyObject* get_transposed(const Tensor& t) { return wrap(ops::reverse_dims(t)); }
PyObject* get_matrix_transposed(const Tensor& t) {
  TALLOW_CHECK(t.dim() >= 2, "tensor.mT is only supported on matrices or batches of matrices. Got ",
               t.dim(), "-D tensor.");
  return wrap(ops::transpose(t, -2, -1));
}
PyObject* get_hermitian(const Tensor& t) {
  TALLOW_CHECK(t.dim() == 2, "tensor.H is only supported on matrices (2-D tensors). Got ", t.dim(),
               "-D tensor.");
  return wrap(ops::conj(ops::transpose(t, 0, 1)));
}
PyObject* get_matrix_hermitian(const Tensor& t) {
  TALLOW_CHECK(t.dim() >= 2, "tensor.mH is only supported on matrices or batches of matrices. Got ",
               t.dim(), "-D tensor.");
  return wrap(ops::conj(ops::transpose(t, -2, -1)));
}
PyObject* get_real(const Tensor& t) { return wrap(ops::real(t)); }
PyObject* get_imag(const Tensor& t) { return wrap(ops::imag(t)); }

PyObject* get_grad(const Tensor& t) {
  const AutogradMeta* const meta = t.impl()->meta;
  if (!meta) Py_RETURN_NONE;
  if (!meta->grad.defined() && !meta->retains_grad && meta->grad_fn) {
    static const char* const warning =
        "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
        "attribute won't be populated during autograd.backward(). If you indeed want the .grad "
        "field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. "
        "If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor "
        "instead.";
    if (PyErr_WarnEx(PyExc_UserWarning, warning, 1) < 0) throw PythonError();
  }
  return wrap(meta->grad);
}

void check_new_grad(const Tensor& t, const Tensor& grad) {
  TALLOW_CHECK(!grad.same(t), "can't assign Variable as its own grad");
  TALLOW_CHECK(is_sparse(grad) || grad.device() == t.device(),
               "attempting to assign a gradient with device type '",
               device_type_name(grad.device().type), "' to a tensor with device type '",
               device_type_name(t.device().type),
               "'. Please ensure that the gradient and the tensor are on the same device");
  TALLOW_CHECK(grad.dtype() == t.dtype(), "attempting to assign a gradient with dtype '",
               dtype_name(grad.dtype()), "' to a tensor with grad_dtype '",
               scalar_type_name(t.dtype()),
               "'. The gradient must match the tensor's grad_dtype "
               "(defaults to the tensor's dtype).");
  TALLOW_CHECK(grad.sizes() == t.sizes(), "attempting to assign a gradient of size '", grad.sizes(),
               "' to a tensor of size '", t.sizes(),
               "'. Please ensure that the gradient and the tensor are the same size");
}

void set_grad(const Tensor& t, PyObject* value) {
  if (!value || value == Py_None) {
    if (t.impl()->meta) t.impl()->meta->grad = Tensor();
    return;
  }
  TALLOW_CHECK_TYPE(is_tensor(value),
                    "assigned grad expected to be a Tensor or None but got grad "
                    "of type ",
                    Py_TYPE(value)->tp_name);
  check_new_grad(t, unwrap(value));
  ensure_meta(t).grad = unwrap(value);
}

void set_requires_grad_property(const Tensor& t, PyObject* value) {
  TALLOW_CHECK_TYPE(value && PyBool_Check(value), "requires_grad must be a bool");
  set_requires_grad(t, value == Py_True);
}

// `t.data = other`: the object takes over the other's memory, dtype and shape, keeping its identity
// and its version counter.
void set_data(const Tensor& t, PyObject* value) {
  TALLOW_CHECK_TYPE(value && is_tensor(value), "Variable data has to be a tensor, but got ",
                    value ? Py_TYPE(value)->tp_name : "nothing");
  replace_data(t, unwrap(value));
}

// Writing a part is no access that types take over; the copy into the view is.
template <auto kPart>
int set_part(PyObject* self, PyObject* value, void* name) {
  return guarded_int([&] {
    TALLOW_CHECK_TYPE(value, "cannot delete the attribute '", static_cast<const char*>(name), "'");
    assign_value(kPart(unwrap(self)), value);
    return 0;
  });
}

}  // namespace

PyGetSetDef tensor_properties[] = {
#if TALLOW_OWN_DICT
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
#endif
    {"shape", getter<get_shape>, nullptr, "The sizes of the dimensions.", nullptr},
    {"dtype", getter<get_dtype>, nullptr, "The element type.", nullptr},
    {"device", getter<get_device>, nullptr, "Where the data lives.", nullptr},
    {"layout", getter<get_layout>, nullptr, "Always strided.", nullptr},
    {"ndim", getter<get_ndim>, nullptr, "The number of dimensions.", nullptr},
    {"itemsize", getter<get_itemsize>, nullptr, "Bytes per element.", nullptr},
    {"nbytes", getter<get_nbytes>, nullptr, "Bytes of all elements.", nullptr},
    {"requires_grad", getter<get_requires_grad>, setter<set_requires_grad_property>,
     "Are gradients computed for this tensor?", nullptr},
    {"is_leaf", getter<get_is_leaf>, nullptr, "Was it made by the user, not by an op?", nullptr},
    {"grad_fn", getter<get_grad_fn>, nullptr, "The node that produced it.", nullptr},
    {"output_nr", getter<get_output_nr>, nullptr, "Which output of grad_fn it is.", nullptr},
    {"retains_grad", getter<get_retains_grad>, nullptr, "Was retain_grad() called?", nullptr},
    {"grad", getter<get_grad>, setter<set_grad>, "The accumulated gradient, or None.", nullptr},
    {"data", getter<get_data>, setter<set_data>, "The values, out of autograd's sight.", nullptr},
    {"_version", getter<get_version>, nullptr, "In-place writes so far.", nullptr},
    {"_base", getter<get_base>, nullptr, "The tensor this one is a view of, or None.", nullptr},
    {"is_cpu", getter<get_is_cpu>, nullptr, nullptr, nullptr},
    {"is_cuda", getter<get_is_cuda>, nullptr, nullptr, nullptr},
    {"is_meta", getter<get_is_meta>, nullptr, nullptr, nullptr},
    {"is_sparse", getter<get_false>, nullptr, nullptr, nullptr},
    {"is_sparse_csr", getter<get_false>, nullptr, nullptr, nullptr},
    {"is_quantized", getter<get_false>, nullptr, nullptr, nullptr},
    {"is_nested", getter<get_false>, nullptr, nullptr, nullptr},
    {"is_mkldnn", getter<get_false>, nullptr, nullptr, nullptr},
    {"is_mps", getter<get_false>, nullptr, nullptr, nullptr},
    {"is_xpu", getter<get_false>, nullptr, nullptr, nullptr},
    {"T", getter<get_transposed>, nullptr, "All dimensions reversed.", nullptr},
    {"mT", getter<get_matrix_transposed>, nullptr, "The last two dimensions swapped.", nullptr},
    {"H", getter<get_hermitian>, nullptr, "The conjugate transpose of a matrix.", nullptr},
    {"mH", getter<get_matrix_hermitian>, nullptr, "The conjugate of mT.", nullptr},
    {"real", getter<get_real>, set_part<ops::real>, "The real parts.", nullptr},
    {"imag", getter<get_imag>, set_part<ops::imag>, "The imaginary parts of a complex tensor.",
     nullptr},
    {"_backward_hooks", getter<tensor_hook_dict>, setter<set_tensor_hook_dict>, nullptr, nullptr},
    {"_post_accumulate_grad_hooks", getter<post_accumulate_hook_dict>,
     setter<set_post_accumulate_hook_dict>, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

}  // namespace tallow::python
