#include "python/generator.h"

#include "core/error.h"
#include "python/convert.h"

namespace tallow::python {

namespace {

PyObject* generator_type = nullptr;
PyObject* default_generator_object = nullptr;

Tensor get_state(const Generator& generator) {
  const Tensor state = empty({generator.state_bytes()}, DType::kUInt8);
  generator.get_state(state.data<uint8_t>());
  return state;
}

void set_state(Generator& generator, const py::object& state) {
  TALLOW_CHECK_TYPE(is_tensor(state.ptr()), "set_state(): argument 'state' must be Tensor, not ",
                    Py_TYPE(state.ptr())->tp_name);
  const Tensor& bytes = unwrap(state.ptr());
  TALLOW_CHECK_TYPE(
      bytes.dtype() == DType::kUInt8 && bytes.is_contiguous() && bytes.device().is_cpu(),
      "RNG state must be a torch.ByteTensor");
  generator.set_state(bytes.data<uint8_t>(), bytes.numel());
}

py::object as_object(const Tensor& tensor) {
  return py::reinterpret_steal<py::object>(wrap(tensor));
}

// Seeds may be any 64-bit number, signed or not.
uint64_t to_seed(const py::int_& seed) {
  const PyRef masked = checked(PyNumber_And(seed.ptr(), py::int_(~uint64_t{0}).ptr()));
  const bool in_range = seed.attr("bit_length")().cast<int>() <= 64;
  TALLOW_CHECK(in_range, "Overflow when unpacking long long");
  return PyLong_AsUnsignedLongLong(masked.get());
}

}  // namespace

bool is_generator(PyObject* object) {
  return PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(generator_type));
}
Generator* to_generator(PyObject* object) {
  if (object == Py_None) return nullptr;
  return py::cast<Generator*>(py::handle(object));
}

void bind_generator(py::module_& module) {
  py::class_<Generator> type(module, "Generator", "A source of random numbers with its own state.");
  type.def(py::init([](const py::object& device) {
             const Device where = device.is_none() ? kCPU : to_device(device.ptr());
             TALLOW_CHECK(!where.is_meta(), "Device type ", device_type_name(where.type),
                          " is not supported for torch.Generator() api.");
             return Generator(Generator::kDefaultSeed, where.is_cuda() ? where.resolved() : kCPU);
           }),
           py::arg("device") = py::none())
      .def("manual_seed",
           [](py::object self, const py::int_& seed) {
             self.cast<Generator&>().set_seed(to_seed(seed));
             return self;
           })
      .def("initial_seed", &Generator::initial_seed)
      .def("seed", &Generator::reseed)
      .def("get_state", [](const Generator& self) { return as_object(get_state(self)); })
      .def("set_state",
           [](py::object self, const py::object& state) {
             set_state(self.cast<Generator&>(), state);
             return self;
           })
      .def("clone_state", [](const Generator& self) { return Generator(self); })
      .def_property_readonly("device", [](const Generator& self) {
        return py::reinterpret_steal<py::object>(make_device(self.device()));
      });
  generator_type = type.inc_ref().ptr();
  default_generator_object =
      py::cast(&default_cpu_generator(), py::return_value_policy::reference).release().ptr();
  module.attr("default_generator") = py::handle(default_generator_object);
}

}  // namespace tallow::python
