// The Python object of a Storage: raw bytes with a buffer interface.
#include "python/storage.h"

#include "core/error.h"
#include "python/convert.h"

namespace tallow::python {

namespace {

// A storage as Python holds it: alive as long as the object is.
struct StorageHandle {
  Ref<Storage> storage;
};

Tensor from_storage(const StorageHandle& handle, const py::object& dtype, int64_t offset,
                    const py::object& size, const py::object& stride) {
  TALLOW_CHECK_TYPE(is_dtype(dtype.ptr()), "_tensor_from_storage(): dtype expected");
  const DType element = to_dtype(dtype.ptr());
  const Dims sizes = to_dims(size.ptr());
  const Dims strides = to_dims(stride.ptr());
  TALLOW_CHECK(sizes.size() == strides.size() && offset >= 0, "tensor geometry is invalid: size ",
               sizes, ", stride ", strides, ", offset ", offset);
  checked_numel(sizes);
  for (const int64_t step : strides) {
    TALLOW_CHECK(step >= 0, "tensor strides must not be negative, got ", strides);
  }
  const int64_t needed = reach_nbytes(sizes, strides, offset, item_size(element));
  TALLOW_CHECK(needed <= handle.storage->nbytes(), "tensor of size ", sizes, " and stride ",
               strides, " at offset ", offset, " needs ", needed, " bytes, but the storage has ",
               handle.storage->nbytes());
  return Tensor(new TensorImpl(handle.storage, sizes, strides, offset, element));
}

}  // namespace

py::object storage_object(const Tensor& tensor) {
  return py::cast(StorageHandle{tensor.impl()->storage});
}

void bind_storage(py::module_& module) {
  py::class_<StorageHandle>(module, "StorageBase", py::buffer_protocol(), py::dynamic_attr())
      .def(py::init([](int64_t nbytes) {
             TALLOW_CHECK(nbytes >= 0, "storage size must not be negative, got ", nbytes);
             return StorageHandle{Storage::allocate(nbytes, kCPU)};
           }),
           py::arg("nbytes") = 0)
      .def_buffer([](StorageHandle& self) {
        TALLOW_CHECK_AS(BufferError, self.storage->device().is_cpu(), "a storage on device '",
                        self.storage->device(), "' has no buffer; copy it with .cpu() first");
        return py::buffer_info(self.storage->data(), 1, "B", self.storage->nbytes());
      })
      .def("nbytes", [](const StorageHandle& self) { return self.storage->nbytes(); })
      .def("__len__", [](const StorageHandle& self) { return self.storage->nbytes(); })
      .def("data_ptr",
           [](const StorageHandle& self) {
             return reinterpret_cast<std::uintptr_t>(self.storage->data());
           })
      .def("resize_",
           [](py::object self, int64_t nbytes) {
             self.cast<StorageHandle&>().storage->resize(nbytes);
             return self;
           })
      .def("_use_count", [](const StorageHandle& self) { return self.storage->use_count() - 1; })
      .def("is_shared_with",
           [](const StorageHandle& self, const StorageHandle& other) {
             return self.storage == other.storage;
           })
      .def_property_readonly("device", [](const StorageHandle& self) {
        return py::reinterpret_steal<py::object>(make_device(self.storage->device()));
      });
  module.def("_tensor_from_storage",
             [](const StorageHandle& storage, const py::object& dtype, int64_t offset,
                const py::object& size, const py::object& stride) {
               return py::reinterpret_steal<py::object>(
                   wrap(from_storage(storage, dtype, offset, size, stride)));
             });
}

}  // namespace tallow::python
