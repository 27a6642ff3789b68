#include "python/op_binding.h"

#include <sstream>

namespace tallow::python {

namespace {

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

// Is no single int given where only a sequence will do?
bool sequences_given(const Overload& overload, Binding& binding) {
  for (std::size_t i = 0; i < overload.parameters.size(); ++i) {
    if (!overload.parameters[i].sequence || binding.slots[i] == Py_None) continue;
    if (PyTuple_Check(binding.slots[i]) || PyList_Check(binding.slots[i])) continue;
    binding.mismatch = Mismatch::kType;
    binding.parameter = static_cast<int>(i);
    return false;
  }
  return true;
}

// Fills the slots up to the variadic parameter `at`, which takes all arguments from there on.
void collect_variadic(PyObject* const* args, Py_ssize_t count, int at, Binding& binding) {
  binding.variadic = checked(PyTuple_New(count - at));
  for (Py_ssize_t i = at; i < count; ++i) {
    PyTuple_SET_ITEM(binding.variadic.get(), i - at, Py_NewRef(args[i]));
  }
  for (int i = 0; i < at; ++i) binding.slots[i] = args[i];
  binding.slots[at] = binding.variadic.get();
}

// Puts keyword arguments into the slots of their names, which are null as far as they are free.
bool take_keywords(const Op& op, const Overload& overload, PyObject* const* values,
                   PyObject* keywords, Binding& binding) {
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(keywords); ++k) {
    PyObject* const keyword = PyTuple_GET_ITEM(keywords, k);
    const int i = find_parameter(overload, keyword);
    if (i >= 0) {
      if (binding.slots[i]) {
        binding.mismatch = Mismatch::kDuplicate;
        binding.parameter = i;
        return false;
      }
      binding.slots[i] = values[k];
    } else if ((op.flags & kOut) && same_name(keyword, out_name())) {
      binding.out = values[k] == Py_None ? nullptr : values[k];
    } else {
      binding.mismatch = Mismatch::kUnexpectedKeyword;
      binding.keyword = keyword;
      return false;
    }
  }
  return true;
}

}  // namespace

bool bind(const Op& op, const Overload& overload, PyObject* const* args, Py_ssize_t count,
          PyObject* keywords, bool is_method, Binding& binding) {
  const int total = static_cast<int>(overload.defaults.size());
  const int first = is_method ? 1 : 0;
  if (TALLOW_UNLIKELY(overload.variadic == first) && count > first &&
      (count - first > 1 || is_int(args[first]))) {
    collect_variadic(args, count, first, binding);
    // Keeps args[count + k] the k-th keyword argument.
    args += count - first - 1;
    count = first + 1;
  } else if (TALLOW_LIKELY(count <= overload.positional)) {
    for (Py_ssize_t i = 0; i < count; ++i) binding.slots[i] = args[i];
  } else {
    binding.mismatch = Mismatch::kTooMany;
    return false;
  }
  const int given = static_cast<int>(count);
  binding.by_position = given;
  if (TALLOW_UNLIKELY(keywords != nullptr)) {
    for (int i = given; i < total; ++i) binding.slots[i] = nullptr;
    if (!take_keywords(op, overload, args + count, keywords, binding)) return false;
    for (int i = given; i < total; ++i) {
      if (!binding.slots[i]) binding.slots[i] = overload.defaults[static_cast<std::size_t>(i)];
    }
  } else {
    for (int i = given; i < total; ++i) {
      binding.slots[i] = overload.defaults[static_cast<std::size_t>(i)];
    }
  }
  for (int i = given; i < overload.required; ++i) {
    if (binding.slots[i]) continue;
    binding.mismatch = Mismatch::kMissing;
    return false;
  }
  const int bad = overload.mismatch(binding.slots);
  if (TALLOW_UNLIKELY(bad >= 0)) {
    binding.mismatch = Mismatch::kType;
    binding.parameter = bad;
    return false;
  }
  for (uint32_t left = overload.refuse_none; left; left &= left - 1) {
    const int i = __builtin_ctz(left);
    if (TALLOW_LIKELY(binding.slots[i] != Py_None)) continue;
    binding.mismatch = Mismatch::kType;
    binding.parameter = i;
    return false;
  }
  return !overload.has_sequence || sequences_given(overload, binding);
}

std::string spelled(const char* type) {
  std::string text = type;
  if (text.starts_with("torch.")) text = package_name() + text.substr(5);
  if (text.starts_with("tallow.")) text = package_name() + text.substr(6);
  if (text == "Tensor or Number") text = "Tensor";  // as PyTorch says it
  return text;
}

std::string type_name_of(PyObject* object) { return spelled(Py_TYPE(object)->tp_name); }

void raise_mismatch(const Op& op, const Overload& overload, const Binding& binding,
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
  if (bad < binding.by_position) position << " (position " << bad + 1 - hidden << ")";
  PyObject* offender = binding.slots[bad];
  const char* const type = parameters[static_cast<std::size_t>(bad)].type;
  if (std::string_view(type) == Arg<Dims>::name &&
      (PyTuple_Check(offender) || PyList_Check(offender))) {
    Py_ssize_t i = 0;
    while (is_int(PySequence_Fast_GET_ITEM(offender, i))) ++i;
    PyObject* const element = PySequence_Fast_GET_ITEM(offender, i);
    if (i > 0) {
      raise<TypeError>(
          op.name, "(): argument '", name_of(bad), "' failed to unpack the object at pos ", i + 1,
          " with error \"type must be ", type, ",but got ", type_name_of(element), '"');
    }
    if (offender != binding.variadic.get()) {
      raise<TypeError>(op.name, "(): argument '", name_of(bad), "'", position.str(), " must be ",
                       type, ", but found element of type ", type_name_of(element), " at pos 0");
    }
    offender = element;
  }
  raise<TypeError>(op.name, "(): argument '", name_of(bad), "'", position.str(), " must be ",
                   spelled(type), ", not ", type_name_of(offender));
}

void raise_no_overload(const Op& op, PyObject* const* args, Py_ssize_t count, PyObject* keywords,
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

}  // namespace tallow::python
