#include "python/op.h"

#include "autograd/grad_mode.h"
#include "core/shape.h"
#include "ops/copy.h"
#include "python/autocast.h"
#include "python/error_notes.h"
#include "python/op_binding.h"
#include "python/op_deprecated.h"
#include "python/op_operands.h"
#include "python/op_out.h"
#include "python/override.h"
#include "python/same_device.h"
#include "python/watch.h"
#include "python/write_log.h"

namespace tallow::python {

namespace {

bool any_override(PyObject* const* args, Py_ssize_t count) {
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (may_override(args[i])) return true;
    if (!PyTuple_CheckExact(args[i]) && !PyList_CheckExact(args[i])) continue;
    for (Py_ssize_t j = 0; j < PySequence_Fast_GET_SIZE(args[i]); ++j) {
      PyObject* const item = PySequence_Fast_GET_ITEM(args[i], j);
      if (PyLong_CheckExact(item) || is_exact_tensor(item)) continue;
      if (may_override(item)) return true;
    }
  }
  return false;
}

PyObject* named_tuple(PyTypeObject* type, PyObject* tuple) {
  const PyRef owned = checked(tuple);
  PyObject* const result = PyStructSequence_New(type);
  if (!result) throw PythonError();
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
    PyStructSequence_SetItem(result, i, Py_NewRef(PyTuple_GET_ITEM(tuple, i)));
  }
  return result;
}

// Remembers the tensors that an in-place op, or one with out=, has written into.
void note_writes(const Op& op, PyObject* written) {
  if (TALLOW_LIKELY(is_tensor(written))) {
    note_write(unwrap(written), op.name.c_str());
    return;
  }
  std::vector<Tensor> tensors;
  collect_tensors(written, tensors);
  for (const Tensor& tensor : tensors) note_write(tensor, op.name.c_str());
}

// The in-place form of a function that only makes new tensors: its result is copied over self.
PyObject* invoke_and_copy(const Op& op, const Overload& overload, Binding& binding) {
  PyObject* const self = binding.slots[0];
  const Tensor& target = unwrap(self);
  check_inplace(target);
  // The derivative may have saved self, which is about to change.
  const PyRef original =
      checked(wrap(target.requires_grad() ? Out::inplace(target).original(target) : target));
  binding.slots[0] = original.get();
  const PyRef result = checked(overload.invoke(op, binding.slots, nullptr));
  ops::copy_(target, unwrap(result.get()));
  return Py_NewRef(self);
}

PyObject* invoke_on_any_device(const Op& op, const Overload& overload, Binding& binding) {
  if (TALLOW_UNLIKELY(op.inplace)) {
    TALLOW_CHECK_TYPE(is_tensor(binding.slots[0]), op.name,
                      "(): argument 'input' must be Tensor, not ", type_name_of(binding.slots[0]));
    if (!overload.takes_out) return invoke_and_copy(op, overload, binding);
  }
  if (TALLOW_UNLIKELY(binding.out != nullptr)) {
    prepare_out(op, overload, binding.slots, binding.out);
  }
  PyObject* const result = overload.invoke(op, binding.slots, binding.out);
  if (TALLOW_UNLIKELY(binding.out != nullptr)) {
    note_writes(op, binding.out);
    return result;
  }
  if (TALLOW_LIKELY(!overload.result_type)) return result;
  return named_tuple(overload.result_type, result);
}

PyObject* invoke_converted(const Op& op, const Overload& overload, Binding& binding) {
  std::vector<PyRef> kept;
  autocast_arguments(op, overload, binding.slots, kept);
  return invoke_on_any_device(op, overload, binding);
}

PyObject* invoke(const Op& op, const Overload& overload, Binding& binding) {
  if (TALLOW_UNLIKELY(device_memory_used)) {
    check_same_device(op, overload, binding.slots);
    if (autocast_state.enabled && !binding.out) return invoke_converted(op, overload, binding);
  }
  return invoke_on_any_device(op, overload, binding);
}

PyObject* call_bound(const Op& op, PyObject* api, PyObject* const* args, Py_ssize_t count,
                     PyObject* keywords) {
  const bool is_method = api == op.method;
  if (TALLOW_LIKELY(op.overloads.size() == 1)) {
    Binding binding;
    const Overload& overload = op.overloads[0];
    if (TALLOW_LIKELY(bind(op, overload, args, count, keywords, is_method, binding))) {
      return invoke(op, overload, binding);
    }
    ModernCall modern;
    if (modernize(op, args, count, keywords, is_method, modern)) {
      return call_bound(op, api, modern.args.data(), modern.count, modern.keywords.get());
    }
    raise_mismatch(op, overload, binding, count, is_method);
  }
  for (const Overload& overload : op.overloads) {
    Binding binding;
    if (bind(op, overload, args, count, keywords, is_method, binding)) {
      return invoke(op, overload, binding);
    }
  }
  raise_no_overload(op, args, count, keywords, is_method);
}

// The arguments of a call that failed, by name as far as they have one; null if that fails too.
PyRef named_arguments(const Op& op, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  PyRef pairs = PyRef::steal(PyDict_New());
  if (!pairs) return pairs;
  const std::vector<Parameter>& parameters = op.overloads[0].parameters;
  for (Py_ssize_t i = 0; i < count && i < static_cast<Py_ssize_t>(parameters.size()); ++i) {
    if (PyDict_SetItem(pairs.get(), parameters[static_cast<std::size_t>(i)].name, args[i]) < 0) {
      return PyRef();
    }
  }
  for (Py_ssize_t i = 0; keywords && i < PyTuple_GET_SIZE(keywords); ++i) {
    if (PyDict_SetItem(pairs.get(), PyTuple_GET_ITEM(keywords, i), args[count + i]) < 0) {
      return PyRef();
    }
  }
  return pairs;
}

// Turns the C++ exception being handled into a Python error with notes.
void report_error(const Op& op, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  const PyRef named = named_arguments(op, args, count, keywords);
  PyErr_Clear();
  set_python_error();
  if (named) annotate_op_error(op.name.c_str(), named.get());
}

PyObject* call_watched(const Op& op, PyObject* api, PyObject* const* args, Py_ssize_t count,
                       PyObject* keywords) {
  const PyRef name = checked(PyUnicode_FromString(op.name.c_str()));
  return watched("op", name.get(), args, count, keywords, [&]() -> PyObject* {
    try {
      return call_bound(op, api, args, count, keywords);
    } catch (const PythonError&) {
      return nullptr;
    } catch (...) {
      report_error(op, args, count, keywords);
      return nullptr;
    }
  });
}

PyObject* call_checked(const Op& op, PyObject* api, PyObject* const* args, Py_ssize_t count,
                       PyObject* keywords) {
  const Py_ssize_t total = count + (keywords ? PyTuple_GET_SIZE(keywords) : 0);
  if (TALLOW_UNLIKELY(call_interest != 0) || any_override(args, total)) {
    if (call_interest == kWatched && !any_override(args, total)) {
      return call_watched(op, api, args, count, keywords);
    }
    return call_override(api, args, count, keywords);
  }
  return call_bound(op, api, args, count, keywords);
}

}  // namespace

PyObject* call_op(const Op& op, PyObject* api, PyObject* const* args, Py_ssize_t count,
                  PyObject* keywords) noexcept {
  try {
    PyObject* const result = call_checked(op, api, args, count, keywords);
    if (TALLOW_UNLIKELY(op.writes_self) && count > 0) note_writes(op, args[0]);
    return result;
  } catch (const PythonError&) {
    return nullptr;  // raised by code that the op called
  } catch (...) {
    report_error(op, args, count, keywords);
    return nullptr;
  }
}

bool takes_two_tensors(const Op& op) {
  const Overload& first = op.overloads[0];
  return !op.writes_self && !op.inplace && !first.result_type && !first.has_sequence &&
         first.variadic < 0 && first.positional >= 2 && first.required <= 2 &&
         first.parameters[0].tensor_like && first.parameters[1].tensor_like;
}

PyObject* call_with_two(const Op& op, PyObject* a, PyObject* b) noexcept {
  PyObject* const args[] = {a, b};
  const bool plain =
      is_exact_tensor(a) && is_exact_tensor(b) && call_interest == 0 && !device_memory_used;
  if (TALLOW_UNLIKELY(!plain)) return call_op(op, op.method, args, 2, nullptr);
  // There is nothing to bind and nobody to ask.
  const Overload& overload = op.overloads[0];
  PyObject* slots[kMaxParameters];
  slots[0] = a;
  slots[1] = b;
  for (std::size_t i = 2; i < overload.defaults.size(); ++i) slots[i] = overload.defaults[i];
  try {
    return overload.invoke(op, slots, nullptr);
  } catch (const PythonError&) {
    return nullptr;
  } catch (...) {
    report_error(op, args, 2, nullptr);
    return nullptr;
  }
}

}  // namespace tallow::python
