// DLPack: zero-copy exchange with other array libraries.
// Source of the structures: DLPack specification 1.x, dmlc.github.io/dlpack.
#include <cstdint>
#include <memory>

#include "core/blocking.h"
#include "core/device_runtime.h"
#include "core/error.h"
#include "ops/copy.h"
#include "python/convert.h"
#include "python/numpy.h"

namespace tallow::python {

namespace {

struct DLDevice {
  int32_t type;  // 1: CPU, 2: CUDA
  int32_t id;
};
struct DLDataType {
  uint8_t code;  // 0 int, 1 uint, 2 float, 4 bfloat, 5 complex, 6 bool, from 8 on 8-bit floats
  uint8_t bits;
  uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;  // in elements; null: row-major
  uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor tensor;
  void* manager;
  void (*deleter)(DLManagedTensor*);
};
struct DLVersion {
  uint32_t major;
  uint32_t minor;
};
struct DLManagedTensorVersioned {
  DLVersion version;
  void* manager;
  void (*deleter)(DLManagedTensorVersioned*);
  uint64_t flags;  // 1: read-only, 2: copied
  DLTensor tensor;
};

constexpr const char* kName = "dltensor";
constexpr const char* kVersionedName = "dltensor_versioned";
constexpr int32_t kCpuDevice = 1;
constexpr int32_t kCudaDevice = 2;

DLDevice device_code(Device device) {
  return device.is_cuda() ? DLDevice{kCudaDevice, device.index} : DLDevice{kCpuDevice, 0};
}

// What either side has queued is done when the memory changes hands.
void finish_work(Device device) {
  if (!device.is_cuda()) return;
  Status status;
  {
    const BlockingRegion region;
    status = cuda_runtime().device_synchronize(device.index);
  }
  if (status != Status::kOk) raise_status(status);
}

DLDataType type_code(DType dtype) {
  const auto bits = static_cast<uint8_t>(item_size(dtype) * 8);
  if (dtype == DType::kBool) return {6, 8, 1};
  if (dtype == DType::kBFloat16) return {4, bits, 1};
  if (dtype == DType::kFloat8E4M3FN) return {10, bits, 1};
  if (dtype == DType::kFloat8E4M3FNUZ) return {11, bits, 1};
  if (dtype == DType::kFloat8E5M2) return {12, bits, 1};
  if (dtype == DType::kFloat8E5M2FNUZ) return {13, bits, 1};
  if (dtype == DType::kFloat8E8M0FNU) return {14, bits, 1};
  if (is_complex(dtype)) return {5, bits, 1};
  if (is_floating(dtype)) return {2, bits, 1};
  return {static_cast<uint8_t>(is_signed(dtype) ? 0 : 1), bits, 1};
}

DType parse_type(DLDataType type) {
  for (int i = 0; i < kNumDTypes; ++i) {
    const DLDataType ours = type_code(static_cast<DType>(i));
    if (ours.code == type.code && ours.bits == type.bits && type.lanes == 1) {
      return static_cast<DType>(i);
    }
  }
  raise<BufferError>("from_dlpack: unsupported type (code ", int{type.code}, ", ", int{type.bits},
                     " bits, ", type.lanes, " lanes)");
}

// Owns what an exported tensor needs until its consumer is done.
template <class Managed>
struct Export {
  Managed managed;
  Tensor tensor;
  Dims shape, strides;
};

template <class Managed>
void delete_export(Managed* managed) {
  const PyGILState_STATE state = PyGILState_Ensure();
  delete static_cast<Export<Managed>*>(managed->manager);
  PyGILState_Release(state);
}

template <class Managed>
Managed* make_export(const Tensor& tensor) {
  auto* const result = new Export<Managed>{};
  result->tensor = tensor;
  result->shape = tensor.sizes();
  result->strides = tensor.strides();
  result->managed.manager = result;
  result->managed.deleter = delete_export<Managed>;
  DLTensor& exported = result->managed.tensor;
  exported.data = tensor.ptr();
  exported.device = device_code(tensor.device());
  exported.ndim = static_cast<int32_t>(tensor.dim());
  exported.dtype = type_code(tensor.dtype());
  exported.shape = result->shape.data();
  exported.strides = result->strides.data();
  exported.byte_offset = 0;
  return &result->managed;
}

// Deletes an export nobody consumed; consumers rename the capsule.
template <class Managed>
void drop_capsule(PyObject* capsule, const char* name) {
  if (!PyCapsule_IsValid(capsule, name)) return;
  auto* const managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule, name));
  if (managed->deleter) managed->deleter(managed);
}

py::object to_dlpack(const py::object& object, const py::object&, const py::object& max_version,
                     const py::object& device, const py::object& copy) {
  Tensor tensor = unwrap(object.ptr());
  TALLOW_CHECK_AS(BufferError, !tensor.requires_grad(),
                  "Can't export tensors that require gradient, use tensor.detach()");
  TALLOW_CHECK_AS(BufferError, !tensor.device().is_meta(), "Can't export a tensor on device '",
                  tensor.device(), "'");
  using DeviceId = std::pair<int, int>;
  const int32_t code = device_code(tensor.device()).type;
  TALLOW_CHECK_AS(BufferError, device.is_none() || device.cast<DeviceId>().first == code,
                  "__dlpack__: a ", code == kCpuDevice ? "CPU" : "CUDA",
                  " tensor can only be exported to the ",
                  code == kCpuDevice ? "CPU" : "same device");
  finish_work(tensor.device());
  if (copy.equal(py::bool_(true))) tensor = ops::clone(tensor);
  const bool versioned =
      !max_version.is_none() && max_version.cast<std::pair<int, int>>().first >= 1;
  if (versioned) {
    auto* const managed = make_export<DLManagedTensorVersioned>(tensor);
    managed->version = {1, 0};
    managed->flags = copy.equal(py::bool_(true)) ? 2 : 0;
    return py::reinterpret_steal<py::object>(
        PyCapsule_New(managed, kVersionedName, [](PyObject* capsule) {
          drop_capsule<DLManagedTensorVersioned>(capsule, kVersionedName);
        }));
  }
  return py::reinterpret_steal<py::object>(
      PyCapsule_New(make_export<DLManagedTensor>(tensor), kName,
                    [](PyObject* capsule) { drop_capsule<DLManagedTensor>(capsule, kName); }));
}

template <class Managed>
Tensor import_managed(Managed* managed) {
  const DLTensor& source = managed->tensor;
  TALLOW_CHECK_AS(BufferError,
                  source.device.type == kCpuDevice || source.device.type == kCudaDevice,
                  "from_dlpack: only CPU and CUDA memory can be imported, got device type ",
                  source.device.type);
  const Device device = source.device.type == kCudaDevice
                            ? Device{DeviceType::kCUDA, static_cast<int8_t>(source.device.id)}
                            : kCPU;
  finish_work(device);
  const DType dtype = parse_type(source.dtype);
  const Dims sizes(source.shape, source.ndim);
  const Dims strides =
      source.strides ? Dims(source.strides, source.ndim) : contiguous_strides(sizes);
  for (int64_t d = 0; d < sizes.size(); ++d) {
    TALLOW_CHECK_AS(BufferError, strides[d] >= 0 || sizes[d] <= 1,
                    "from_dlpack: negative strides are not supported, got ", strides,
                    "; copy the array first");
  }
  void* const data = static_cast<char*>(source.data) + source.byte_offset;
  const int64_t nbytes = reach_nbytes(sizes, strides, 0, item_size(dtype));
  const auto release = [](void* context) {
    auto* const owner = static_cast<Managed*>(context);
    if (owner->deleter) owner->deleter(owner);
  };
  return Tensor(new TensorImpl(Storage::external(data, nbytes, release, managed, device), sizes,
                               strides, 0, dtype));
}

Tensor from_capsule(PyObject* capsule) {
  if (PyCapsule_IsValid(capsule, kVersionedName)) {
    auto* const managed =
        static_cast<DLManagedTensorVersioned*>(PyCapsule_GetPointer(capsule, kVersionedName));
    const Tensor tensor = import_managed(managed);
    PyCapsule_SetName(capsule, "used_dltensor_versioned");
    return tensor;
  }
  TALLOW_CHECK(PyCapsule_IsValid(capsule, kName),
               "from_dlpack received an invalid capsule. Note that DLTensor capsules can be "
               "consumed only once, so you might have already constructed a tensor from it once.");
  const Tensor tensor =
      import_managed(static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, kName)));
  PyCapsule_SetName(capsule, "used_dltensor");
  return tensor;
}

py::object from_dlpack(const py::object& source, const py::object& device, const py::object& copy) {
  py::object capsule = source;
  if (!PyCapsule_CheckExact(source.ptr())) {
    TALLOW_CHECK_TYPE(py::hasattr(source, "__dlpack__"),
                      "from_dlpack: expected an object with "
                      "__dlpack__ or a capsule, got ",
                      Py_TYPE(source.ptr())->tp_name);
    try {
      capsule = source.attr("__dlpack__")(py::arg("max_version") = py::make_tuple(1, 0));
    } catch (py::error_already_set& error) {
      if (!error.matches(PyExc_TypeError)) throw;  // an exporter of before version 1
      capsule = source.attr("__dlpack__")();
    }
  }
  Tensor tensor = from_capsule(capsule.ptr());
  if (copy.equal(py::bool_(true))) tensor = ops::clone(tensor);
  if (!device.is_none()) tensor = ops::to_device(tensor, to_device(device.ptr()));
  return py::reinterpret_steal<py::object>(wrap(tensor));
}

}  // namespace

void bind_dlpack(py::module_& module) {
  module.def("_to_dlpack", &to_dlpack, py::arg("tensor"), py::arg("stream") = py::none(),
             py::arg("max_version") = py::none(), py::arg("dl_device") = py::none(),
             py::arg("copy") = py::none());
  module.def("from_dlpack", &from_dlpack, py::arg("ext_tensor"), py::kw_only(),
             py::arg("device") = py::none(), py::arg("copy") = py::none(),
             "Make a tensor that shares memory with another library's array.");
}

}  // namespace tallow::python
