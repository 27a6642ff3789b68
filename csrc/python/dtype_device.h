// The Python objects of DType, Device, memory formats and layouts.
#pragma once

#include "core/device.h"
#include "core/dtype.h"
#include "core/tensor.h"
#include "python/common.h"

namespace tallow::python {

// tallow.float32 and its like: one object per type, a borrowed reference.
PyObject* dtype_object(DType dtype);
// Also the Python types float, int, bool and complex.
bool is_dtype(PyObject* object);
DType to_dtype(PyObject* object);

PyObject* make_device(Device device);
// A device, a string such as "cpu", or an int (a CUDA index).
bool is_device(PyObject* object);
Device to_device(PyObject* object);

bool is_memory_format(PyObject* object);
MemoryFormat to_memory_format(PyObject* object);

PyObject* strided_layout();  // borrowed

void init_dtype_device(py::module_& module);

}  // namespace tallow::python
