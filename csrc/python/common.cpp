#include "python/common.h"

#include "core/allocator.h"
#include "python/write_log.h"

namespace tallow::python {

PyObject* out_of_memory_error = nullptr;

void set_python_error() noexcept {
  try {
    throw;
  } catch (const PythonError&) {
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const OutOfMemoryError& error) {
    PyErr_SetString(out_of_memory_error ? out_of_memory_error : PyExc_MemoryError, error.what());
  } catch (const IndexError& error) {
    PyErr_SetString(PyExc_IndexError, error.what());
  } catch (const ValueError& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  } catch (const TypeError& error) {
    PyErr_SetString(PyExc_TypeError, error.what());
  } catch (const NotImplementedError& error) {
    PyErr_SetString(PyExc_NotImplementedError, error.what());
  } catch (const ZeroDivisionError& error) {
    PyErr_SetString(PyExc_ZeroDivisionError, error.what());
  } catch (const AttributeError& error) {
    PyErr_SetString(PyExc_AttributeError, error.what());
  } catch (const BufferError& error) {
    PyErr_SetString(PyExc_BufferError, error.what());
  } catch (const std::bad_alloc&) {
    PyErr_SetString(out_of_memory_error ? out_of_memory_error : PyExc_MemoryError,
                    "DefaultCPUAllocator: can't allocate memory for what the operator keeps track "
                    "of; are its sizes meant?");
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  } catch (...) {
    PyErr_SetString(PyExc_SystemError, "unknown C++ exception");
  }
  annotate_blame();
}

}  // namespace tallow::python
