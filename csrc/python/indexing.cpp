// x[...] and x[...] = value: basic indices become views, tensors and lists an advanced index.
#include "autograd/views.h"
#include "core/error.h"
#include "ops/copy.h"
#include "ops/index.h"
#include "ops/views.h"
#include "python/construct.h"
#include "python/convert.h"
#include "python/numpy.h"
#include "python/override.h"
#include "python/tensor_item.h"
#include "python/tensor_type.h"
#include "python/watch.h"
#include "python/write_log.h"

namespace tallow::python {

namespace {

[[noreturn]] void raise_bad_index(PyObject* item) {
  raise<IndexError>(
      "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables "
      "are valid indices (got ",
      Py_TYPE(item)->tp_name, ")");
}

// A list or array as an index tensor.
Tensor index_tensor(PyObject* item) {
  if (is_tensor(item)) return unwrap(item);
  const Tensor index = tensor_from_data(item, std::nullopt, kCPU);
  // An empty list selects nothing; it has no type of its own.
  if (index.numel() == 0 && is_floating(index.dtype())) return ops::to_dtype(index, DType::kInt64);
  return index;
}

bool is_index_tensor(PyObject* item) {
  return is_tensor(item) || is_sequence(item) || is_array(item);
}

// How many dimensions of the tensor an item uses up.
int64_t consumed_dims(PyObject* item) {
  if (PyLong_CheckExact(item) || PySlice_Check(item)) return 1;
  if (item == Py_None || item == Py_Ellipsis || PyBool_Check(item)) return 0;
  if (is_tensor(item)) {
    const Tensor& index = unwrap(item);
    const bool mask = index.dtype() == DType::kBool || index.dtype() == DType::kUInt8;
    return mask ? index.dim() : 1;
  }
  if (is_index_tensor(item)) {
    const Tensor index = index_tensor(item);
    return index.dtype() == DType::kBool ? index.dim() : 1;
  }
  return 1;
}

struct SliceBounds {
  std::optional<int64_t> start, stop;
  int64_t step = 1;
};

SliceBounds slice_bounds(PyObject* item) {
  const auto* const slice = reinterpret_cast<PySliceObject*>(item);
  SliceBounds bounds;
  const auto value = [](PyObject* object) -> std::optional<int64_t> {
    if (object == Py_None) return std::nullopt;
    if (!is_int(object) && !PyIndex_Check(object)) {
      raise<TypeError>("slice indices must be integers or None or have an __index__ method");
    }
    // Bounds beyond 64 bits clip like any bound beyond the size.
    const Py_ssize_t clipped = PyNumber_AsSsize_t(object, nullptr);
    if (clipped == -1 && PyErr_Occurred()) throw PythonError();
    return clipped;
  };
  bounds.start = value(slice->start);
  bounds.stop = value(slice->stop);
  bounds.step = value(slice->step).value_or(1);
  TALLOW_CHECK_VALUE(bounds.step != 0, "slice step cannot be zero");
  TALLOW_CHECK_VALUE(bounds.step > 0, "step must be greater than zero");
  return bounds;
}

// PyTorch 2.13 takes a short list that holds more than numbers for a tuple: x[[0, None]] is x[0,
// None], and x[[[0, 1], [1, 0]]] is x[[0, 1], [1, 0]]. It says that it will take it for a tensor
// one day.
bool means_tuple(PyObject* index) {
  constexpr Py_ssize_t kLongest = 31;
  if (!is_sequence(index) || PyTuple_Check(index) || is_array(index)) return false;
  const Py_ssize_t count = PySequence_Size(index);
  if (count < 0) throw PythonError();
  for (Py_ssize_t i = 0; count <= kLongest && i < count; ++i) {
    const PyRef item = checked(PySequence_GetItem(index, i));
    if (is_tensor(item.get()) || is_array(item.get()) || is_sequence(item.get()) ||
        PySlice_Check(item.get()) || item.get() == Py_Ellipsis || item.get() == Py_None) {
      return true;
    }
  }
  return false;
}
PyRef as_tuple(PyObject* index) {
  if (PyTuple_Check(index) || !means_tuple(index)) return PyRef::borrow(index);
  static const char* const warning =
      "Using a non-tuple sequence for multidimensional indexing is deprecated; use x[tuple(seq)] "
      "instead of x[seq]";
  if (PyErr_WarnEx(PyExc_UserWarning, warning, 1) < 0) throw PythonError();
  return checked(PySequence_Tuple(index));
}

// The result of the basic part: a view, and the tensors still to be applied to its dimensions.
struct Parsed {
  Tensor view;
  std::vector<Tensor> indices;  // undefined: the whole dimension; empty: no advanced index
};

class Parser {
 public:
  enum class Access : uint8_t { kRead, kWrite };

  Parser(const Tensor& self, PyObject* given, Access access)
      : view_(self), index_(as_tuple(given)) {
    PyObject* const index = index_.get();
    const bool tuple = PyTuple_Check(index);
    keep_full_slice_ = access == Access::kRead && PySlice_Check(index);
    const Py_ssize_t count = tuple ? PyTuple_GET_SIZE(index) : 1;
    int64_t consumed = 0;
    for (Py_ssize_t i = 0; i < count; ++i) {
      items_.push_back(tuple ? PyTuple_GET_ITEM(index, i) : index);
      consumed += consumed_dims(items_.back());
    }
    TALLOW_CHECK_INDEX(consumed <= self.dim(), "too many indices for tensor of dimension ",
                       self.dim());
    ellipsis_dims_ = self.dim() - consumed;
  }

  Parsed parse() {
    for (PyObject* item : items_) apply(item);
    return {view_, std::move(indices_)};
  }

 private:
  void apply(PyObject* item) {
    if (PyLong_CheckExact(item)) {
      apply_int(to_int64(item));
    } else if (PySlice_Check(item)) {
      apply_slice(slice_bounds(item));
    } else if (item == Py_Ellipsis) {
      dim_ += ellipsis_dims_;
    } else if (item == Py_None) {
      view_ = ops::unsqueeze(view_, dim_++);
    } else if (PyBool_Check(item)) {
      view_ = ops::unsqueeze(view_, dim_);
      add_index(scalar_tensor(Scalar(item == Py_True), DType::kBool));
    } else if (is_tensor(item)) {
      apply_tensor(unwrap(item));
    } else if (is_index_tensor(item)) {
      add_index(index_tensor(item));
    } else if (is_int(item)) {
      apply_int(to_int64(item));
    } else {
      raise_bad_index(item);
    }
  }

  // A slice of everything is left out, except where it is the whole index of a read.
  void apply_slice(const SliceBounds& bounds) {
    const int64_t size = view_.sizes()[dim_];
    const bool everything =
        bounds.start.value_or(0) == 0 && bounds.stop.value_or(size) >= size && bounds.step == 1;
    if (!everything || keep_full_slice_) {
      view_ = ops::slice(view_, dim_, bounds.start, bounds.stop, bounds.step);
    }
    ++dim_;
  }

  void apply_int(int64_t index) {
    // PyTorch names the dimension of the original tensor, which selecting does not shift.
    view_ = ops::select(view_, dim_, index);
  }

  void apply_tensor(const Tensor& index) {
    if (index.dim() == 0 && is_integral(index.dtype()) && index.dtype() != DType::kUInt8) {
      apply_int(item(index).to_int64());
    } else if (index.dim() == 0 &&
               (index.dtype() == DType::kBool || index.dtype() == DType::kUInt8)) {
      view_ = ops::unsqueeze(view_, dim_);
      add_index(index);
    } else {
      add_index(index);
    }
  }

  // Puts `index` at the current dimension; a 0-d mask stands at a new dimension of size 1.
  void add_index(Tensor index) {
    const bool mask = index.dtype() == DType::kBool || index.dtype() == DType::kUInt8;
    TALLOW_CHECK_INDEX(mask || is_integral(index.dtype()),
                       "tensors used as indices must be long, int, byte or bool tensors");
    if (mask && index.dim() == 0) index = ops::reshape(index, {1});
    indices_.resize(static_cast<std::size_t>(dim_ - dims_beyond_entries_));
    const int64_t consumed = mask ? index.dim() : 1;
    // A mask is one entry for all the dimensions it covers.
    indices_.push_back(std::move(index));
    dim_ += consumed;
    dims_beyond_entries_ = dim_ - static_cast<int64_t>(indices_.size());
  }

  Tensor view_;
  std::vector<Tensor> indices_;
  PyRef index_;
  std::vector<PyObject*> items_;
  bool keep_full_slice_ = false;
  int64_t ellipsis_dims_ = 0;
  int64_t dim_ = 0;
  int64_t dims_beyond_entries_ = 0;  // of masks over several dimensions
};

// An integer alone is by far the commonest index.
bool is_plain_int(PyObject* index) { return PyLong_CheckExact(index); }

void check_not_scalar(const Tensor& self, PyObject* index) {
  const bool keeps_dims = index == Py_Ellipsis || index == Py_None || PyBool_Check(index) ||
                          PyTuple_Check(index) || is_tensor(index);
  TALLOW_CHECK_INDEX(self.dim() > 0 || keeps_dims,
                     "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
                     "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number");
}

Tensor value_tensor(const Tensor& target, PyObject* value) {
  if (is_tensor(value)) return unwrap(value);
  TALLOW_CHECK_TYPE(is_number(value) || is_array(value) || PySequence_Check(value),
                    "can't assign a ", Py_TYPE(value)->tp_name, " to a ",
                    tensor_type_name(target.dtype()));
  TALLOW_CHECK_TYPE(!PyUnicode_Check(value), "can't assign a str to a ",
                    tensor_type_name(target.dtype()));
  // A number stays on the host: kernels of every device take it by value.
  if (is_number(value)) return scalar_tensor(to_scalar(value), target.dtype(), kCPU);
  return tensor_from_data(value, target.dtype(), target.device());
}

// Copies `value` into the view, leading 1s dropped as NumPy does.
void assign(const Tensor& view, Tensor value) {
  if (value.dim() == 0 && value.device().is_cpu() && (view.dim() > 0 || !view.device().is_cpu())) {
    ops::fill_(view, value);
    return;
  }
  if (value.sizes() != view.sizes()) {
    Dims sizes = value.sizes();
    while (!sizes.empty() && sizes[0] == 1) sizes.erase(0);
    if (sizes.size() != value.dim()) value = ops::view(value, sizes);
    value = ops::expand(value, view.sizes());
  }
  ops::copy_(view, value);
}

PyObject* override_call(const char* name, PyObject* const* args, Py_ssize_t count) {
  const PyRef method =
      checked(PyObject_GetAttrString(reinterpret_cast<PyObject*>(tensor_type), name));
  return call_override(method.get(), args, count, nullptr);
}

PyObject* subscript(PyObject* self, PyObject* index) {
  const Tensor& tensor = unwrap(self);
  check_not_scalar(tensor, index);
  if (is_plain_int(index)) return wrap(ops::select(tensor, 0, to_int64(index)));
  const Parsed parsed = Parser(tensor, index, Parser::Access::kRead).parse();
  if (!parsed.indices.empty()) return wrap(ops::index(parsed.view, parsed.indices));
  // x[...] is a new view, never x itself.
  return wrap(parsed.view.same(tensor) ? ops::view_alias(tensor) : parsed.view);
}

void assign_subscript(PyObject* self, PyObject* index, PyObject* value) {
  const Tensor& tensor = unwrap(self);
  check_not_scalar(tensor, index);
  const Tensor source = value_tensor(tensor, value);
  const Parsed parsed = Parser(tensor, index, Parser::Access::kWrite).parse();
  if (!parsed.indices.empty()) {
    ops::index_put_(parsed.view, parsed.indices, source, false);
  } else {
    assign(parsed.view, source);
  }
  note_write(tensor, "__setitem__");
}

// `call` as an event of the watched thread.
template <class Call>
PyObject* watched_index(const char* name, PyObject* const* args, Py_ssize_t count,
                        const Call& call) {
  const PyRef subject = checked(PyUnicode_FromString(name));
  return watched("op", subject.get(), args, count, nullptr, call);
}

}  // namespace

PyObject* tensor_subscript(PyObject* self, PyObject* index) {
  return guarded([&]() -> PyObject* {
    if (TALLOW_UNLIKELY(call_interest != 0 || may_override(self))) {
      PyObject* const args[] = {self, index};
      if (call_interest != kWatched || may_override(self)) {
        return override_call("__getitem__", args, 2);
      }
      return watched_index("getitem", args, 2, [&] { return subscript(self, index); });
    }
    return subscript(self, index);
  });
}

void assign_value(const Tensor& target, PyObject* value) {
  assign(target, value_tensor(target, value));
  note_write(target, "copy_");
}

int tensor_assign_subscript(PyObject* self, PyObject* index, PyObject* value) {
  return guarded_int([&] {
    TALLOW_CHECK_TYPE(value, "Tensor does not support deleting items");
    if (TALLOW_UNLIKELY(call_interest != 0 || may_override(self))) {
      PyObject* const args[] = {self, index, value};
      if (call_interest != kWatched || may_override(self)) {
        return PyRef::steal(override_call("__setitem__", args, 3)) ? 0 : -1;
      }
      const PyRef written = PyRef::steal(watched_index("setitem", args, 3, [&] {
        assign_subscript(self, index, value);
        return Py_NewRef(self);
      }));
      return written ? 0 : -1;
    }
    assign_subscript(self, index, value);
    return 0;
  });
}

}  // namespace tallow::python
