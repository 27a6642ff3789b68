#include "python/write_log.h"

#include <array>
#include <sstream>
#include <string>

#include "autograd/blame.h"
#include "python/common.h"
#include "python/watch.h"

namespace tallow::python {

namespace {

struct Write {
  const void* counter = nullptr;  // of the tensor's versions
  uint32_t version = 0;           // after the write
  const char* op = nullptr;
  PyObject* line = nullptr;  // where in the user's program; in anomaly mode only
};

// A step of training writes into hundreds of tensors; older writes are forgotten.
constexpr std::size_t kWrites = 4096;
std::array<Write, kWrites> writes;
std::size_t next_write = 0;

std::string* pending = nullptr;  // what to note on the error that is being raised

// A string made by tallow._advice, or null.
PyRef advice(const char* function, PyObject* argument) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  const PyRef module = PyRef::steal(PyImport_ImportModule("tallow._advice"));
  PyRef text = PyRef::steal(
      module ? PyObject_CallMethod(module.get(), function, argument ? "O" : nullptr, argument)
             : nullptr);
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
  return text && PyUnicode_Check(text.get()) ? std::move(text) : PyRef();
}

// "ExpBackward0" stands for exp.
std::string op_of(const Node& node) {
  const std::string name = node.name();
  const std::size_t suffix = name.rfind("Backward");
  return suffix == std::string::npos || suffix == 0 ? name : name.substr(0, suffix);
}

void append_line(std::ostringstream& text, PyObject* line) {
  if (line) text << "\n  " << PyUnicode_AsUTF8(line);
}

// The write that followed version `saved`, null if it is forgotten. Backwards in time versions
// fall; where they do not, the counter belonged to another tensor.
const Write* first_write(const Tensor& tensor, uint32_t saved) {
  const Write* first = nullptr;
  uint32_t later = tensor.version() + 1;
  for (std::size_t age = 1; age <= kWrites && later > saved + 1; ++age) {
    const Write& write = writes[(next_write - age) % kWrites];
    if (write.counter != tensor.version_counter()) continue;
    if (write.version >= later || write.version <= saved) break;
    first = &write;
    later = write.version;
  }
  return first;
}

void describe_modified(const Tensor& tensor, uint32_t saved, const Node& reader) {
  std::ostringstream text;
  if (const Write* const write = first_write(tensor, saved)) {
    text << "written over by " << write->op << "()";
    append_line(text, write->line);
    text << "\n";
  }
  text << "needed by " << reader.name() << ", the derivative of " << op_of(reader);
  if (PyObject* const trace = traceback_of(reader)) {
    const PyRef line = advice("line_of_trace", trace);
    append_line(text, line.get());
  }
  delete pending;
  pending = new std::string(text.str());
}

void describe_freed(const Node& reader) {
  std::ostringstream text;
  text << reader.name() << " has run before";
  if (reader.outputs.size() > 0) text << "; it made a tensor of shape " << reader.outputs[0].sizes;
  text << ", which still holds the old graph.\nhint: detach() what is carried from one step to the "
          "next, or pass retain_graph=True to the first backward";
  delete pending;
  pending = new std::string(text.str());
}

}  // namespace

void note_write(const Tensor& tensor, const char* op) {
  Write& write = writes[next_write++ % kWrites];
  write.counter = tensor.version_counter();
  write.version = tensor.version();
  write.op = op;
  Py_CLEAR(write.line);
  if (TALLOW_UNLIKELY(anomaly.enabled)) write.line = advice("user_line", nullptr).release();
}

void annotate_blame() noexcept {
  if (!pending) return;
  const PyRef text = PyRef::steal(PyUnicode_FromString(pending->c_str()));
  delete std::exchange(pending, nullptr);
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  const PyRef module = PyRef::steal(PyImport_ImportModule("tallow._advice"));
  const PyRef done =
      PyRef::steal(module && text && value ? PyObject_CallMethod(module.get(), "annotate_blame",
                                                                 "OO", value, text.get())
                                           : nullptr);
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
}

void install_blame_hooks() {
  blame.modified = describe_modified;
  blame.freed = describe_freed;
}

}  // namespace tallow::python
