#include "python/convert.h"

#include "python/generator.h"

namespace tallow::python {

const Tensor undefined_tensor;

namespace {

bool has_index(PyObject* object) {
  const PyNumberMethods* const number = Py_TYPE(object)->tp_as_number;
  return number && number->nb_index && !PyBool_Check(object);
}

bool is_one_element_tensor(PyObject* object) {
  return is_tensor(object) && unwrap(object).numel() == 1;
}

}  // namespace

bool is_int(PyObject* object) {
  if (PyLong_CheckExact(object)) return true;
  if (is_tensor(object)) {
    const Tensor& tensor = unwrap(object);
    return tensor.dim() == 0 && is_integral(tensor.dtype());
  }
  return has_index(object) && !PyFloat_Check(object);
}

bool is_number(PyObject* object) {
  if (PyFloat_CheckExact(object) || PyLong_CheckExact(object) || PyBool_Check(object)) return true;
  if (is_tensor(object)) return unwrap(object).dim() == 0;
  if (PyComplex_Check(object) || PyFloat_Check(object)) return true;
  // NumPy's scalars convert through __index__ or __float__; so do its arrays, which are sequences.
  const PyNumberMethods* const number = Py_TYPE(object)->tp_as_number;
  return number && (number->nb_index || number->nb_float) && !PySequence_Check(object);
}

int64_t to_int64(PyObject* object) {
  if (TALLOW_LIKELY(PyLong_CheckExact(object))) {
    int overflow = 0;
    const int64_t value = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (TALLOW_LIKELY(overflow == 0)) return value;
  }
  const PyRef index = checked(PyNumber_Index(object));
  const int64_t value = PyLong_AsLongLong(index.get());
  if (value == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    raise<RuntimeError>("Overflow when unpacking long long");
  }
  return value;
}

double to_double(PyObject* object) {
  const double value = PyFloat_AsDouble(object);
  if (value == -1.0 && PyErr_Occurred()) throw PythonError();
  return value;
}

namespace {

Scalar integer_scalar(PyObject* object) {
  int overflow = 0;
  const int64_t value = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (TALLOW_LIKELY(overflow == 0)) return Scalar(value);
  if (overflow > 0) {
    const uint64_t large = PyLong_AsUnsignedLongLong(object);
    if (!PyErr_Occurred()) return Scalar(large);
    PyErr_Clear();
  }
  raise<RuntimeError>("Overflow when unpacking long long");
}

}  // namespace

Scalar to_scalar(PyObject* object) {
  if (PyBool_Check(object)) return Scalar(object == Py_True);
  if (PyLong_Check(object)) return integer_scalar(object);
  if (PyFloat_Check(object)) return Scalar(PyFloat_AS_DOUBLE(object));
  if (PyComplex_Check(object)) {
    const Py_complex value = PyComplex_AsCComplex(object);
    return Scalar(complex128(value.real, value.imag));
  }
  if (is_one_element_tensor(object)) {
    const PyRef item = checked(PyObject_CallMethod(object, "item", nullptr));
    return to_scalar(item.get());
  }
  if (has_index(object)) return integer_scalar(checked(PyNumber_Index(object)).get());
  // numpy.bool_ has neither __index__ nor is it a float; numpy.complex64 has __complex__.
  const std::string_view type = Py_TYPE(object)->tp_name;
  if (type.starts_with("numpy.bool")) {
    const int truth = PyObject_IsTrue(object);
    if (truth < 0) throw PythonError();
    return Scalar(truth == 1);
  }
  if (type.starts_with("numpy.complex")) {
    const Py_complex value = PyComplex_AsCComplex(object);
    if (PyErr_Occurred()) throw PythonError();
    return Scalar(complex128(value.real, value.imag));
  }
  return Scalar(to_double(object));
}

bool is_int_sequence(PyObject* object) {
  if (!PyTuple_Check(object) && !PyList_Check(object)) return false;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(object);
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* const item = PySequence_Fast_GET_ITEM(object, i);
    if (!PyLong_CheckExact(item) && !is_int(item)) return false;
  }
  return true;
}

Dims to_dims(PyObject* object) {
  Dims dims;
  if (!PyTuple_Check(object) && !PyList_Check(object)) {
    dims.push_back(to_int64(object));
    return dims;
  }
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(object);
  for (Py_ssize_t i = 0; i < count; ++i) {
    dims.push_back(to_int64(PySequence_Fast_GET_ITEM(object, i)));
  }
  return dims;
}

bool is_tensor_sequence(PyObject* object) { return PyTuple_Check(object) || PyList_Check(object); }

std::vector<Tensor> to_tensors(PyObject* object) {
  std::vector<Tensor> tensors;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(object);
  tensors.reserve(static_cast<std::size_t>(count));
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* const item = PySequence_Fast_GET_ITEM(object, i);
    TALLOW_CHECK_TYPE(is_tensor(item), "expected Tensor as element ", i, " in argument 0, but got ",
                      Py_TYPE(item)->tp_name);
    tensors.push_back(unwrap(item));
  }
  return tensors;
}

PyObject* to_python(const Scalar& value) {
  switch (value.kind()) {
    case Scalar::Kind::kBool:
      return PyBool_FromLong(value.to_bool());
    case Scalar::Kind::kInt:
      return PyLong_FromLongLong(value.to_int64());
    case Scalar::Kind::kLarge:
      return PyLong_FromUnsignedLongLong(value.to_uint64());
    case Scalar::Kind::kDouble:
      return PyFloat_FromDouble(value.to_double());
    case Scalar::Kind::kComplex:
      break;
  }
  const complex128 number = value.to_complex();
  return PyComplex_FromDoubles(number.real, number.imag);
}

PyObject* to_python(const std::vector<Tensor>& tensors) {
  PyRef tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(tensors.size())));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), checked(wrap(tensors[i])).release());
  }
  return tuple.release();
}

}  // namespace tallow::python
