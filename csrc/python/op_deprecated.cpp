#include "python/op_deprecated.h"

#include <array>
#include <string_view>
#include <utility>

#include "python/convert.h"
#include "python/tensor_type.h"

namespace tallow::python {

namespace {

// Which keywords the leading numbers are, and where they stand in a call as a method and as a
// function. Of two the second may be missing.
struct Form {
  std::string_view op;
  std::array<const char*, 2> names;
  bool before_self;  // in a function the first number comes before the tensor that methods are of
};
constexpr Form kForms[] = {
    {"add", {"alpha", nullptr}, false},     {"sub", {"alpha", nullptr}, false},
    {"addcmul", {"value", nullptr}, false}, {"addcdiv", {"value", nullptr}, false},
    {"addmm", {"beta", "alpha"}, true},     {"addmv", {"beta", "alpha"}, true},
    {"addr", {"beta", "alpha"}, true},      {"addbmm", {"beta", "alpha"}, true},
    {"baddbmm", {"beta", "alpha"}, true},
};

const Form* form_of(std::string_view op) {
  if (op.ends_with('_')) op.remove_suffix(1);
  for (const Form& form : kForms) {
    if (form.op == op) return &form;
  }
  return nullptr;
}

void warn_once(const Op& op) {
  static bool warned = false;
  if (std::exchange(warned, true)) return;
  const std::string text = "This overload of " + op.name +
                           " is deprecated: numbers before tensors. " +
                           "Give them by keyword, behind the tensors.";
  if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 1) < 0) throw PythonError();
}

}  // namespace

bool modernize(const Op& op, PyObject* const* args, Py_ssize_t count, PyObject* keywords,
               bool is_method, ModernCall& call) {
  const Form* const form = form_of(op.name);
  if (!form) return false;
  const Py_ssize_t first = form->before_self && !is_method ? 0 : 1;
  const Py_ssize_t places[] = {first, form->before_self ? Py_ssize_t{2} : Py_ssize_t{-1}};
  std::vector<PyObject*> numbers;
  for (Py_ssize_t i = 0; i < count; ++i) {
    const bool here = numbers.size() < 2 && i == places[numbers.size()];
    if (here && is_number(args[i])) {
      numbers.push_back(args[i]);
    } else if (is_tensor(args[i])) {
      call.args.push_back(args[i]);
    } else {
      return false;
    }
  }
  if (numbers.empty()) return false;
  const Py_ssize_t given = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  const auto added = static_cast<Py_ssize_t>(numbers.size());
  call.count = static_cast<Py_ssize_t>(call.args.size());
  call.keywords = checked(PyTuple_New(given + added));
  for (Py_ssize_t i = 0; i < given; ++i) {
    call.args.push_back(args[count + i]);
    PyTuple_SET_ITEM(call.keywords.get(), i, Py_NewRef(PyTuple_GET_ITEM(keywords, i)));
  }
  for (Py_ssize_t i = 0; i < added; ++i) {
    call.args.push_back(numbers[static_cast<std::size_t>(i)]);
    PyObject* const name =
        checked(PyUnicode_InternFromString(form->names[static_cast<std::size_t>(i)])).release();
    PyTuple_SET_ITEM(call.keywords.get(), given + i, name);
  }
  warn_once(op);
  return true;
}

}  // namespace tallow::python
