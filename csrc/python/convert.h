// Python objects <-> C++ arguments: one Arg<T> per parameter type an op may have.
//
// Arg<T>::name     what error messages and stubs call the type
// Arg<T>::check    does the object fit? Decides between overloads, so it must not raise
// Arg<T>::convert  the value; called only after check
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/generator.h"
#include "core/operand.h"
#include "python/dtype_device.h"
#include "python/size.h"
#include "python/tensor_type.h"

namespace tallow::python {

// A Python or NumPy integer (or a one-element integer tensor) that is not a bool.
bool is_int(PyObject* object);
bool is_number(PyObject* object);
int64_t to_int64(PyObject* object);
double to_double(PyObject* object);
Scalar to_scalar(PyObject* object);
bool is_int_sequence(PyObject* object);
Dims to_dims(PyObject* object);
bool is_tensor_sequence(PyObject* object);
std::vector<Tensor> to_tensors(PyObject* object);
Generator* to_generator(PyObject* object);  // null for None, the default one
bool is_generator(PyObject* object);

extern const Tensor undefined_tensor;

template <class T>
struct Arg;

template <>
struct Arg<Tensor> {
  static constexpr const char* name = "Tensor";
  static constexpr bool is_tensor_like = true;
  TALLOW_INLINE static bool check(PyObject* object) {
    return TALLOW_LIKELY(is_exact_tensor(object)) || object == Py_None || is_tensor(object);
  }
  TALLOW_INLINE static const Tensor& convert(PyObject* object) {
    return TALLOW_UNLIKELY(object == Py_None) ? undefined_tensor : unwrap(object);
  }
};

template <>
struct Arg<Scalar> {
  static constexpr const char* name = "Number";
  static constexpr bool is_tensor_like = false;
  static bool check(PyObject* object) { return is_number(object); }
  static Scalar convert(PyObject* object) { return to_scalar(object); }
};

template <>
struct Arg<Operand> {
  static constexpr const char* name = "Tensor or Number";
  static constexpr bool is_tensor_like = true;
  TALLOW_INLINE static bool check(PyObject* object) {
    return TALLOW_LIKELY(is_exact_tensor(object)) || is_tensor(object) || is_number(object);
  }
  TALLOW_INLINE static Operand convert(PyObject* object) {
    if (TALLOW_LIKELY(is_exact_tensor(object)) || is_tensor(object)) return Operand(unwrap(object));
    return Operand(to_scalar(object));
  }
};

template <>
struct Arg<int64_t> {
  static constexpr const char* name = "int";
  static constexpr bool is_tensor_like = false;
  TALLOW_INLINE static bool check(PyObject* object) {
    return PyLong_CheckExact(object) || is_int(object);
  }
  static int64_t convert(PyObject* object) { return to_int64(object); }
};

template <>
struct Arg<double> {
  static constexpr const char* name = "float";
  static constexpr bool is_tensor_like = false;
  TALLOW_INLINE static bool check(PyObject* object) {
    return PyFloat_CheckExact(object) || is_number(object);
  }
  static double convert(PyObject* object) { return to_double(object); }
};

template <>
struct Arg<bool> {
  static constexpr const char* name = "bool";
  static constexpr bool is_tensor_like = false;
  TALLOW_INLINE static bool check(PyObject* object) { return PyBool_Check(object); }
  TALLOW_INLINE static bool convert(PyObject* object) { return object == Py_True; }
};

template <>
struct Arg<Dims> {
  static constexpr const char* name = "tuple of ints";
  static constexpr bool is_tensor_like = false;
  static bool check(PyObject* object) { return is_int(object) || is_int_sequence(object); }
  static Dims convert(PyObject* object) { return to_dims(object); }
};

template <>
struct Arg<DType> {
  static constexpr const char* name = "torch.dtype";
  static constexpr bool is_tensor_like = false;
  static bool check(PyObject* object) { return is_dtype(object); }
  static DType convert(PyObject* object) { return to_dtype(object); }
};

template <>
struct Arg<Device> {
  static constexpr const char* name = "torch.device";
  static constexpr bool is_tensor_like = false;
  static bool check(PyObject* object) { return is_device(object); }
  static Device convert(PyObject* object) { return to_device(object); }
};

template <>
struct Arg<MemoryFormat> {
  static constexpr const char* name = "torch.memory_format";
  static constexpr bool is_tensor_like = false;
  static bool check(PyObject* object) { return is_memory_format(object); }
  static MemoryFormat convert(PyObject* object) { return to_memory_format(object); }
};

template <>
struct Arg<std::string_view> {
  static constexpr const char* name = "str";
  static constexpr bool is_tensor_like = false;
  static bool check(PyObject* object) { return PyUnicode_Check(object); }
  static std::string_view convert(PyObject* object) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(object, &size);
    if (!text) throw PythonError();
    return {text, static_cast<std::size_t>(size)};
  }
};

template <>
struct Arg<std::vector<Tensor>> {
  static constexpr const char* name = "tuple of Tensors";
  static constexpr bool is_tensor_like = true;
  static bool check(PyObject* object) { return is_tensor_sequence(object); }
  static std::vector<Tensor> convert(PyObject* object) { return to_tensors(object); }
};

template <>
struct Arg<Generator*> {
  static constexpr const char* name = "torch.Generator";
  static constexpr bool is_tensor_like = false;
  static bool check(PyObject* object) { return object == Py_None || is_generator(object); }
  static Generator* convert(PyObject* object) { return to_generator(object); }
};

template <class T>
struct Arg<std::optional<T>> {
  static constexpr const char* name = Arg<T>::name;
  static constexpr bool is_tensor_like = Arg<T>::is_tensor_like;
  static bool check(PyObject* object) { return object == Py_None || Arg<T>::check(object); }
  static std::optional<T> convert(PyObject* object) {
    if (object == Py_None) return std::nullopt;
    return Arg<T>::convert(object);
  }
};

// Results. Each returns a new reference.
inline PyObject* to_python(const Tensor& tensor) { return wrap(tensor); }
inline PyObject* to_python(bool value) { return PyBool_FromLong(value); }
inline PyObject* to_python(int64_t value) { return PyLong_FromLongLong(value); }
inline PyObject* to_python(double value) { return PyFloat_FromDouble(value); }
PyObject* to_python(const Scalar& value);
PyObject* to_python(const std::vector<Tensor>& tensors);
inline PyObject* to_python(DType dtype) { return Py_NewRef(dtype_object(dtype)); }
inline PyObject* to_python(const Dims& dims) { return make_size(dims); }

template <class... Ts>
PyObject* to_python(const std::tuple<Ts...>& values) {
  PyRef tuple = checked(PyTuple_New(sizeof...(Ts)));
  Py_ssize_t i = 0;
  std::apply(
      [&](const Ts&... value) {
        (PyTuple_SET_ITEM(tuple.get(), i++, checked(to_python(value)).release()), ...);
      },
      values);
  return tuple.release();
}

}  // namespace tallow::python
