// The list of all operators, and the signatures they are registered with.
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "python/op.h"
#include "python/op_objects.h"

namespace tallow::python {

namespace {

std::vector<Op*>& all_ops() {
  static std::vector<Op*> ops;
  return ops;
}

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

std::map<std::string, PyTypeObject*>& result_types() {
  static std::map<std::string, PyTypeObject*> types;
  return types;
}

// The named tuple of an operator; its overloads share one.
PyTypeObject* result_type(const std::string& name, const std::string& fields) {
  PyTypeObject*& known = result_types()[name];
  if (known) return known;
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
  const PyRef home = checked(PyUnicode_FromString("tallow.return_types"));  // for pickle
  if (PyObject_SetAttrString(reinterpret_cast<PyObject*>(type), "__module__", home.get()) < 0) {
    throw PythonError();
  }
  return known = type;
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
    if (name.ends_with("[]")) {
      parameter.sequence = true;
      name.resize(name.size() - 2);
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
      const bool ints = std::string_view(parameter.type) == Arg<Dims>::name;
      parameter.sequence = parameter.sequence || (parameter.variadic && ints);
    }
    overload.has_sequence = overload.has_sequence || parameter.sequence;
    const int position = static_cast<int>(index);
    if (!parameter.keyword_only) overload.positional = position + 1;
    if (!parameter.default_value) overload.required = position + 1;
    if (parameter.variadic) overload.variadic = position;
    if (parameter.tensor_like && parameter.default_value != Py_None) {
      overload.refuse_none |= 1u << position;
    }
    overload.defaults.push_back(parameter.default_value);
    overload.parameters.push_back(parameter);
  }
  if (static_cast<int>(overload.parameters.size()) != count) {
    raise<RuntimeError>("signature '", text, "' names ", overload.parameters.size(),
                        " parameters but the function has ", count);
  }
  if (arrow != std::string::npos) {
    overload.result_type =
        result_type(text.substr(0, open), text.substr(arrow + 5, text.size() - arrow - 6));
  }
}

Registry::Registry(py::module_& module) : module_(module) {}

void Registry::publish(Op* op) {
  // In-place ops end in one underscore.
  op->writes_self = op->name.back() == '_' && op->name[1] != '_';
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

py::dict Registry::return_types() {
  py::dict types;
  for (const auto& [name, type] : result_types()) {
    types[name.c_str()] = py::handle(reinterpret_cast<PyObject*>(type));
  }
  return types;
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
