#include "python/op.h"

#include <cstring>

#include "autograd/grad_mode.h"
#include "core/shape.h"
#include "ops/copy.h"
#include "python/error_notes.h"
#include "python/op_objects.h"
#include "python/override.h"
#include "python/watch.h"
#include "python/write_log.h"

namespace tallow::python {

namespace {

std::vector<Op*>& all_ops() {
  static std::vector<Op*> ops;
  return ops;
}

// Why binding the arguments to an overload failed; formatted only if every overload fails.
enum class Mismatch { kNone, kTooMany, kUnexpectedKeyword, kDuplicate, kMissing, kType };

struct Binding {
  PyObject* slots[kMaxParameters];
  PyRef variadic;  // the tuple collected for a `*name` parameter
  PyObject* out = nullptr;
  Mismatch mismatch = Mismatch::kNone;
  int parameter = 0;            // for kDuplicate and kType
  PyObject* keyword = nullptr;  // for kUnexpectedKeyword
  bool by_position[kMaxParameters] = {};
};

bool same_name(PyObject* a, PyObject* b) { return a == b || PyUnicode_Compare(a, b) == 0; }

// NumPy's names for two parameters, accepted as in PyTorch.
bool is_synonym(PyObject* keyword, PyObject* name) {
  const auto is = [](PyObject* text, const char* value) {
    return PyUnicode_CompareWithASCIIString(text, value) == 0;
  };
  return (is(keyword, "axis") && is(name, "dim")) ||
         (is(keyword, "keepdims") && is(name, "keepdim")) ||
         (is(keyword, "x") && is(name, "input")) || (is(keyword, "self") && is(name, "input"));
}

int find_parameter(const Overload& overload, PyObject* keyword) {
  const int count = static_cast<int>(overload.parameters.size());
  for (int i = 0; i < count; ++i) {
    if (overload.parameters[static_cast<std::size_t>(i)].name == keyword) return i;
  }
  for (int i = 0; i < count; ++i) {
    PyObject* const name = overload.parameters[static_cast<std::size_t>(i)].name;
    if (same_name(name, keyword) || is_synonym(keyword, name)) return i;
  }
  return -1;
}

PyObject* out_name() {
  static PyObject* const name = PyUnicode_InternFromString("out");
  return name;
}

// Fills the slots from the arguments and the defaults; false (with the reason) if they do not fit.
bool bind(const Op& op, const Overload& overload, PyObject* const* args, Py_ssize_t count,
          PyObject* keywords, Binding& binding) {
  const std::vector<Parameter>& parameters = overload.parameters;
  const int total = static_cast<int>(parameters.size());
  int filled = 0;
  for (; filled < count && filled < overload.positional; ++filled) {
    const Parameter& parameter = parameters[static_cast<std::size_t>(filled)];
    binding.by_position[filled] = true;
    if (TALLOW_UNLIKELY(parameter.variadic) && (count - filled > 1 || is_int(args[filled]))) {
      PyObject* const rest = PyTuple_New(count - filled);
      if (!rest) throw PythonError();
      for (Py_ssize_t i = filled; i < count; ++i) {
        PyTuple_SET_ITEM(rest, i - filled, Py_NewRef(args[i]));
      }
      binding.variadic = PyRef::steal(rest);
      binding.slots[filled++] = rest;
      count -= PyTuple_GET_SIZE(rest) - 1;
      args += PyTuple_GET_SIZE(rest) - 1;  // keeps args[count + k] the k-th keyword argument
      break;
    }
    binding.slots[filled] = args[filled];
  }
  if (count > overload.positional) {
    binding.mismatch = Mismatch::kTooMany;
    return false;
  }
  for (int i = filled; i < total; ++i) binding.slots[i] = nullptr;
  const Py_ssize_t keyword_count = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  for (Py_ssize_t k = 0; k < keyword_count; ++k) {
    PyObject* const keyword = PyTuple_GET_ITEM(keywords, k);
    const int i = find_parameter(overload, keyword);
    if (i >= 0) {
      if (binding.slots[i]) {
        binding.mismatch = Mismatch::kDuplicate;
        binding.parameter = i;
        return false;
      }
      binding.slots[i] = args[count + k];
    } else if ((op.flags & kOut) && same_name(keyword, out_name())) {
      binding.out = args[count + k] == Py_None ? nullptr : args[count + k];
    } else {
      binding.mismatch = Mismatch::kUnexpectedKeyword;
      binding.keyword = keyword;
      return false;
    }
  }
  for (int i = filled; i < total; ++i) {
    if (binding.slots[i]) continue;
    binding.slots[i] = parameters[static_cast<std::size_t>(i)].default_value;
    if (!binding.slots[i]) {
      binding.mismatch = Mismatch::kMissing;
      return false;
    }
  }
  const int bad = overload.mismatch(binding.slots);
  if (TALLOW_LIKELY(bad < 0)) {
    // None stands for an undefined tensor only where it is the default.
    for (int i = 0; i < total; ++i) {
      if (binding.slots[i] == Py_None && parameters[static_cast<std::size_t>(i)].tensor_like &&
          parameters[static_cast<std::size_t>(i)].default_value != Py_None) {
        binding.mismatch = Mismatch::kType;
        binding.parameter = i;
        return false;
      }
    }
    return true;
  }
  binding.mismatch = Mismatch::kType;
  binding.parameter = bad;
  return false;
}

// A type as messages name it: this package's own types under the name the program knows it by.
std::string spelled(const char* type) {
  std::string text = type;
  if (text.starts_with("torch.")) text = package_name() + text.substr(5);
  if (text.starts_with("tallow.")) text = package_name() + text.substr(6);
  if (text == "Tensor or Number") text = "Tensor";  // as PyTorch says it
  return text;
}

std::string type_name_of(PyObject* object) { return spelled(Py_TYPE(object)->tp_name); }

[[noreturn]] TALLOW_COLD void raise_mismatch(const Op& op, const Overload& overload,
                                             const Binding& binding, PyObject* const* args,
                                             Py_ssize_t count, bool is_method) {
  const std::vector<Parameter>& parameters = overload.parameters;
  const int hidden = is_method ? 1 : 0;
  const auto name_of = [&](int i) {
    return PyUnicode_AsUTF8(parameters[static_cast<std::size_t>(i)].name);
  };
  switch (binding.mismatch) {
    case Mismatch::kTooMany: {
      int required = 0;
      while (required < overload.positional &&
             !parameters[static_cast<std::size_t>(required)].default_value) {
        ++required;
      }
      const int most = overload.positional;
      if (required == most) {
        raise<TypeError>(op.name, "() takes ", most - hidden, " positional argument",
                         most - hidden == 1 ? "" : "s", " but ", count - hidden,
                         count - hidden == 1 ? " was given" : " were given");
      }
      raise<TypeError>(op.name, "() takes from ", required - hidden, " to ", most - hidden,
                       " positional arguments but ", count - hidden, " were given");
    }
    case Mismatch::kUnexpectedKeyword:
      raise<TypeError>(op.name, "() got an unexpected keyword argument '",
                       PyUnicode_AsUTF8(binding.keyword), "'");
    case Mismatch::kDuplicate:
      raise<TypeError>(op.name, "() got multiple values for argument '", name_of(binding.parameter),
                       "'");
    case Mismatch::kMissing: {
      std::string names;
      int missing = 0;
      for (int i = 0; i < static_cast<int>(parameters.size()); ++i) {
        if (binding.slots[i] || parameters[static_cast<std::size_t>(i)].default_value) continue;
        names += (missing++ ? ", \"" : "\"") + std::string(name_of(i)) + "\"";
      }
      raise<TypeError>(op.name, "() missing ", missing, " required positional arguments: ", names);
    }
    case Mismatch::kType:
    case Mismatch::kNone:
      break;
  }
  const int bad = binding.parameter;
  std::ostringstream position;
  if (binding.by_position[bad]) position << " (position " << bad + 1 - hidden << ")";
  PyObject* offender = binding.slots[bad];
  if (parameters[static_cast<std::size_t>(bad)].variadic && PyTuple_Check(offender)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(offender); ++i) {
      if (!is_int(PyTuple_GET_ITEM(offender, i))) offender = PyTuple_GET_ITEM(offender, i);
    }
  }
  (void)args;
  raise<TypeError>(op.name, "(): argument '", name_of(bad), "'", position.str(), " must be ",
                   spelled(parameters[static_cast<std::size_t>(bad)].type), ", not ",
                   type_name_of(offender));
}

[[noreturn]] TALLOW_COLD void raise_no_overload(const Op& op, PyObject* const* args,
                                                Py_ssize_t count, PyObject* keywords,
                                                bool is_method) {
  std::ostringstream text;
  text << op.name << "() received an invalid combination of arguments - got (";
  const Py_ssize_t hidden = is_method ? 1 : 0;
  const Py_ssize_t keyword_count = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  for (Py_ssize_t i = hidden; i < count + keyword_count; ++i) {
    text << (i > hidden ? ", " : "");
    if (i >= count) text << PyUnicode_AsUTF8(PyTuple_GET_ITEM(keywords, i - count)) << '=';
    text << type_name_of(args[i]);
  }
  text << "), but expected one of:";
  for (const Overload& overload : op.overloads) {
    text << "\n * (";
    bool star = false;
    for (std::size_t i = static_cast<std::size_t>(hidden); i < overload.parameters.size(); ++i) {
      const Parameter& parameter = overload.parameters[i];
      text << (i > static_cast<std::size_t>(hidden) ? ", " : "");
      if (parameter.keyword_only && !star) text << "*, ";
      star = star || parameter.keyword_only;
      text << spelled(parameter.type) << ' ' << PyUnicode_AsUTF8(parameter.name);
      if (parameter.default_value) text << " = " << parameter.default_text;
    }
    text << ')';
  }
  text << '\n';
  throw TypeError(text.str());
}

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

PyObject* invoke(const Op& op, const Overload& overload, Binding& binding) {
  TALLOW_CHECK_TYPE(!op.inplace || is_tensor(binding.slots[0]), op.name,
                    "(): argument 'input' must be Tensor, not ", type_name_of(binding.slots[0]));
  if (TALLOW_UNLIKELY(op.inplace && !overload.takes_out)) {
    return invoke_and_copy(op, overload, binding);
  }
  if (TALLOW_UNLIKELY(binding.out != nullptr)) {
    check_out_grad(op, binding.slots, overload, binding.out);
  }
  PyObject* const result = overload.invoke(op, binding.slots, binding.out);
  if (TALLOW_LIKELY(!overload.result_type) || binding.out) return result;
  return named_tuple(overload.result_type, result);
}

PyObject* call_bound(const Op& op, PyObject* api, PyObject* const* args, Py_ssize_t count,
                     PyObject* keywords) {
  const bool is_method = api == op.method;
  if (TALLOW_LIKELY(op.overloads.size() == 1)) {
    Binding binding;
    const Overload& overload = op.overloads[0];
    if (TALLOW_LIKELY(bind(op, overload, args, count, keywords, binding))) {
      return invoke(op, overload, binding);
    }
    raise_mismatch(op, overload, binding, args, count, is_method);
  }
  for (const Overload& overload : op.overloads) {
    Binding binding;
    if (bind(op, overload, args, count, keywords, binding)) return invoke(op, overload, binding);
  }
  raise_no_overload(op, args, count, keywords, is_method);
}

void collect_tensors(PyObject* object, std::vector<Tensor>& tensors);

// Remembers the tensors that an in-place op has written into.
void note_writes(const Op& op, PyObject* written) {
  if (TALLOW_LIKELY(is_tensor(written))) {
    note_write(unwrap(written), op.name.c_str());
    return;
  }
  std::vector<Tensor> tensors;
  collect_tensors(written, tensors);
  for (const Tensor& tensor : tensors) note_write(tensor, op.name.c_str());
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

void collect_tensors(PyObject* object, std::vector<Tensor>& tensors) {
  if (is_tensor(object)) {
    tensors.push_back(unwrap(object));
  } else if (PyTuple_Check(object) || PyList_Check(object)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i) {
      collect_tensors(PySequence_Fast_GET_ITEM(object, i), tensors);
    }
  }
}

void write_tensor(const Op& op, const Tensor& result, const Tensor& out) {
  TALLOW_CHECK(can_cast(result.dtype(), out.dtype()), "result type ",
               scalar_type_name(result.dtype()), " can't be cast to the desired output type ",
               scalar_type_name(out.dtype()));
  TALLOW_CHECK(result.device() == out.device(), op.name, "(): expected out= on device ",
               result.device(), " but got ", out.device());
  if (out.sizes() != result.sizes()) {
    if (out.numel() != 0) {
      std::ostringstream text;
      text
          << "An output with one or more elements was resized since it had shape " << out.sizes()
          << ", which does not match the required output shape " << result.sizes()
          << ". This behavior is deprecated, and in a future release outputs will not be resized "
             "unless they have zero elements. You can explicitly reuse an out tensor t by resizing "
             "it, inplace, to zero elements with t.resize_(0).";
      if (PyErr_WarnEx(PyExc_UserWarning, text.str().c_str(), 1) < 0) throw PythonError();
    }
    ops::resize_(out, result.sizes());
  }
  const NoGradGuard no_grad;
  ops::copy_(out, result);
}

}  // namespace

PyObject* call_op(const Op& op, PyObject* api, PyObject* const* args, Py_ssize_t count,
                  PyObject* keywords) noexcept {
  try {
    PyObject* const result = call_checked(op, api, args, count, keywords);
    // In-place ops end in one underscore.
    if (op.name.back() == '_' && op.name[1] != '_' && count > 0) note_writes(op, args[0]);
    return result;
  } catch (const PythonError&) {
    return nullptr;  // raised by code that the op called
  } catch (...) {
    report_error(op, args, count, keywords);
    return nullptr;
  }
}

void check_out_grad(const Op& op, PyObject* const* slots, const Overload& overload, PyObject* out) {
  std::vector<Tensor> tensors;
  collect_tensors(out, tensors);
  TALLOW_CHECK_TYPE(!tensors.empty(), op.name, "(): argument 'out' must be Tensor, not ",
                    type_name_of(out));
  if (!grad_enabled()) return;
  for (std::size_t i = 0; i < overload.parameters.size(); ++i) collect_tensors(slots[i], tensors);
  for (const Tensor& tensor : tensors) {
    TALLOW_CHECK(
        !tensor.requires_grad(), op.name,
        "(): functions with out=... arguments don't support automatic differentiation, but "
        "one of the arguments requires grad.");
  }
}

PyObject* write_out(const Op& op, PyRef result, PyObject* out) {
  if (!result) throw PythonError();
  if (is_tensor(result.get())) {
    TALLOW_CHECK_TYPE(is_tensor(out), op.name, "(): argument 'out' must be Tensor, not ",
                      type_name_of(out));
    write_tensor(op, unwrap(result.get()), unwrap(out));
    return Py_NewRef(out);
  }
  std::vector<Tensor> results;
  std::vector<Tensor> outs;
  collect_tensors(result.get(), results);
  collect_tensors(out, outs);
  TALLOW_CHECK_TYPE(results.size() == outs.size(), op.name,
                    "(): argument 'out' must be a tuple of ", results.size(), " Tensors");
  for (std::size_t i = 0; i < outs.size(); ++i) write_tensor(op, results[i], outs[i]);
  return Py_NewRef(out);
}

namespace {

// Splits "name(a, b=(1, 2), *c, *, d=None) -> (x, y)" at top-level commas.
std::vector<std::string> split_parameters(const std::string& text) {
  std::vector<std::string> parts;
  std::string part;
  int depth = 0;
  for (const char c : text) {
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (c == ',' && depth == 0) {
      parts.push_back(part);
      part.clear();
    } else if (c != ' ' || !part.empty()) {
      part += c;
    }
  }
  if (!part.empty()) parts.push_back(part);
  return parts;
}

PyTypeObject* make_result_type(const std::string& name, const std::string& fields) {
  const std::vector<std::string> names = split_parameters(fields);
  auto* const description = new std::vector<PyStructSequence_Field>;  // lives as long as the type
  for (const std::string& field : names) {
    description->push_back({strdup(field.c_str()), nullptr});
  }
  description->push_back({nullptr, nullptr});
  PyStructSequence_Desc spec = {strdup(("torch.return_types." + name).c_str()), nullptr,
                                description->data(), static_cast<int>(names.size())};
  PyTypeObject* const type = PyStructSequence_NewType(&spec);
  if (!type) throw PythonError();
  type->tp_repr = result_type_repr;
  return type;
}

PyObject* evaluate_default(const std::string& text) {
  const PyRef globals = checked(PyDict_New());
  PyDict_SetItemString(globals.get(), "__builtins__", PyEval_GetBuiltins());
  return checked(PyRun_String(text.c_str(), Py_eval_input, globals.get(), globals.get())).release();
}

}  // namespace

void Registry::parse(const char* signature, Overload& overload, const char* const* types,
                     const bool* tensor_like, int count) {
  const std::string text = signature;
  overload.text = text;
  const std::size_t open = text.find('(');
  const std::size_t arrow = text.find(" -> (");
  const std::size_t close = text.rfind(')', arrow);
  bool keyword_only = false;
  for (const std::string& part : split_parameters(text.substr(open + 1, close - open - 1))) {
    if (part == "*") {
      keyword_only = true;
      continue;
    }
    Parameter parameter;
    parameter.keyword_only = keyword_only;
    const std::size_t equals = part.find('=');
    std::string name = part.substr(0, equals);
    if (name[0] == '*') {
      parameter.variadic = true;
      name = name.substr(1);
      keyword_only = true;
    }
    if (equals != std::string::npos) {
      parameter.default_text = part.substr(equals + 1);
      parameter.default_value = evaluate_default(parameter.default_text);
    }
    parameter.name = PyUnicode_InternFromString(name.c_str());
    const std::size_t index = overload.parameters.size();
    if (static_cast<int>(index) < count) {
      parameter.type = types[index];
      parameter.tensor_like = tensor_like[index];
    }
    if (!parameter.keyword_only) overload.positional = static_cast<int>(index) + 1;
    overload.parameters.push_back(parameter);
  }
  if (static_cast<int>(overload.parameters.size()) != count) {
    raise<RuntimeError>("signature '", text, "' names ", overload.parameters.size(),
                        " parameters but the function has ", count);
  }
  if (arrow != std::string::npos) {
    overload.result_type =
        make_result_type(text.substr(0, open), text.substr(arrow + 5, text.size() - arrow - 6));
  }
}

Registry::Registry(py::module_& module) : module_(module) {}

void Registry::publish(Op* op) {
  all_ops().push_back(op);
  publish_op(module_, *op);
}

void Registry::add(std::vector<Overload> overloads, unsigned flags, const char* doc) {
  Op* const op = new Op;  // lives as long as the interpreter
  op->name = overloads[0].text.substr(0, overloads[0].text.find('('));
  op->doc = doc;
  op->flags = flags & ~(kInplace | kInplaceMethod);
  op->overloads = overloads;
  publish(op);
  if (!(flags & (kInplace | kInplaceMethod))) return;
  Op* const inplace = new Op(*op);
  inplace->name += "_";
  inplace->inplace = true;
  inplace->flags = flags & kInplaceMethod ? kMethod : flags & (kFunction | kMethod | kNN);
  publish(inplace);
}

void Registry::alias(const char* existing, const char* name) {
  bool found = false;
  for (const std::string suffix : {"", "_"}) {
    for (std::size_t i = 0; i < all_ops().size(); ++i) {
      if (all_ops()[i]->name != existing + suffix) continue;
      Op* const op = new Op(*all_ops()[i]);
      op->name = name + suffix;
      publish(op);
      found = true;
      break;
    }
  }
  if (!found) raise<RuntimeError>("alias: no op is called '", existing, "'");
}

const Op* Registry::find(const std::string& name) {
  const Op* function = nullptr;
  for (const Op* op : all_ops()) {
    if (op->name != name) continue;
    if (op->method) return op;
    if (op->function) function = op;
  }
  if (function) return function;
  raise<RuntimeError>("no op is called '", name, "'");
}

py::list Registry::signatures() {
  py::list result;
  for (const Op* op : all_ops()) {
    py::list texts;
    for (const Overload& overload : op->overloads) {
      py::list parameters;
      for (const Parameter& parameter : overload.parameters) {
        parameters.append(py::make_tuple(py::handle(parameter.name), parameter.type,
                                         parameter.default_text, parameter.keyword_only,
                                         parameter.variadic));
      }
      texts.append(py::make_tuple(overload.text, parameters, overload.result));
    }
    result.append(py::make_tuple(op->name, texts, op->doc, op->flags));
  }
  return result;
}

}  // namespace tallow::python
