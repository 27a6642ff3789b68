// Tensors over the memory of objects with Python's buffer protocol.
#include "core/error.h"
#include "python/convert.h"
#include "python/numpy.h"

namespace tallow::python {

namespace {

// Memory of another object, which it can neither free nor resize meanwhile.
class Export {
 public:
  explicit Export(PyObject* object) {
    if (PyObject_GetBuffer(object, &view_, PyBUF_WRITABLE) == 0) return;
    PyErr_Clear();
    if (PyObject_GetBuffer(object, &view_, PyBUF_SIMPLE) == 0) return;
    if (PyErr_ExceptionMatches(PyExc_BufferError)) {
      PyErr_Clear();
      TALLOW_CHECK_VALUE(false, "frombuffer(): the memory of the buffer is not contiguous");
    }
    PyErr_Clear();
    TALLOW_CHECK_VALUE(false, "object does not implement Python buffer protocol.");
  }
  Export(const Export&) = delete;
  Export& operator=(const Export&) = delete;
  ~Export() { PyBuffer_Release(&view_); }

  int64_t nbytes() const { return view_.len; }
  char* at(int64_t offset) const { return static_cast<char*>(view_.buf) + offset; }
  bool readonly() const { return view_.readonly != 0; }

 private:
  Py_buffer view_;
};

void release_export(void* memory) {
  // May run when the last tensor dies in any thread, also after the interpreter has shut down.
  if (!Py_IsInitialized()) return;
  const PyGILState_STATE state = PyGILState_Ensure();
  delete static_cast<Export*>(memory);
  PyGILState_Release(state);
}

Tensor over_buffer(PyObject* object, DType dtype, int64_t count, int64_t offset) {
  auto memory = std::make_unique<Export>(object);
  const int64_t size = memory->nbytes();
  const int64_t item = item_size(dtype);
  TALLOW_CHECK_VALUE(size != 0 && count != 0, "both buffer length (", size, ") and count (", count,
                     ") must not be 0");
  TALLOW_CHECK_VALUE(0 <= offset && offset < size, "offset (", offset,
                     " bytes) must be non-negative and no greater than buffer length (", size,
                     " bytes) minus 1");
  const int64_t rest = size - offset;
  TALLOW_CHECK_VALUE(count >= 0 || rest % item == 0, "buffer length (", rest,
                     " bytes) after offset (", offset,
                     " bytes) must be a multiple of element size (", item, ")");
  TALLOW_CHECK_VALUE(count <= rest / item, "requested buffer length (", count, " * ", item,
                     " bytes) after offset (", offset,
                     " bytes) must not be greater than actual buffer length (", size, " bytes)");
  const Dims sizes{count < 0 ? rest / item : count};
  char* const data = memory->at(offset);
  if (memory->readonly()) {
    const Tensor copy = empty(sizes, dtype);
    std::memcpy(copy.ptr(), data, static_cast<std::size_t>(sizes[0] * item));
    return copy;
  }
  const Ref<Storage> storage =
      Storage::external(data, sizes[0] * item, release_export, memory.release());
  return Tensor(new TensorImpl(storage, sizes, {1}, 0, dtype));
}

// (object, dtype, count, offset)
PyObject* tensor_over_buffer(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&] {
    TALLOW_CHECK_TYPE(count == 4, "_tensor_over_buffer(): expected 4 arguments, got ", count);
    TALLOW_CHECK_TYPE(is_dtype(args[1]), "frombuffer(): argument 'dtype' must be torch.dtype, not ",
                      Py_TYPE(args[1])->tp_name);
    return wrap(over_buffer(args[0], to_dtype(args[1]), to_int64(args[2]), to_int64(args[3])));
  });
}

PyMethodDef functions[] = {
    {"_tensor_over_buffer",
     reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(tensor_over_buffer)), METH_FASTCALL,
     nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_buffer(py::module_& module) {
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw PythonError();
}

}  // namespace tallow::python
