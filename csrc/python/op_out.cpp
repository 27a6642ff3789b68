#include "python/op_out.h"

#include <string_view>

#include "autograd/grad_mode.h"
#include "autograd/inplace.h"
#include "core/shape.h"
#include "ops/copy.h"
#include "ops/cpp_type.h"
#include "python/dtype_device.h"
#include "python/op_binding.h"

namespace tallow::python {

namespace {

// Which types out= may have beside that of the result.
enum class OutType {
  kCastable,    // those it can be cast to
  kExact,       // none
  kLikeInput,   // none, where the result has the type of the input
  kSameScalar,  // none, in the words of indexing ops
  kTake,        // none, in the words of take
  kScalar,      // none, in the words of complex
  kLong,        // none, the result being positions
  kAny,         // every, the result being zeros and ones
};

struct OutRule {
  std::string_view op;
  bool apart;  // must out= share no memory with an argument, nor have an element twice?
  OutType type;
};

// Ops that ask more of out= than that the result can be cast to its type.
constexpr OutRule kRules[] = {
    {"cat", true, OutType::kCastable},
    {"concat", true, OutType::kCastable},
    {"concatenate", true, OutType::kCastable},
    {"stack", true, OutType::kCastable},
    {"kthvalue", true, OutType::kCastable},
    {"gather", true, OutType::kExact},
    {"index_select", true, OutType::kSameScalar},
    {"masked_select", true, OutType::kSameScalar},
    {"take", true, OutType::kTake},
    {"amax", false, OutType::kLikeInput},
    {"amin", false, OutType::kLikeInput},
    {"aminmax", false, OutType::kExact},
    {"argmax", false, OutType::kExact},
    {"argmin", false, OutType::kExact},
    {"sort", false, OutType::kExact},
    {"topk", false, OutType::kExact},
    {"mm", false, OutType::kExact},
    {"mv", false, OutType::kExact},
    {"bmm", false, OutType::kExact},
    {"addmm", false, OutType::kExact},
    {"baddbmm", false, OutType::kExact},
    {"complex", false, OutType::kScalar},
    {"multinomial", false, OutType::kLong},
    {"bernoulli", false, OutType::kAny},
};

OutRule rule_of(const Op& op) {
  for (const OutRule& rule : kRules) {
    if (rule.op == op.name) return rule;
  }
  return {op.name, false, OutType::kCastable};
}

void check_type(const Op& op, DType result, DType out) {
  const OutType type = rule_of(op).type;
  TALLOW_CHECK(type == OutType::kCastable ? can_cast(result, out) : true, "result type ",
               scalar_type_name(result), " can't be cast to the desired output type ",
               scalar_type_name(out));
  if (type == OutType::kCastable || type == OutType::kAny || result == out) return;
  TALLOW_CHECK(type != OutType::kExact, "Expected out tensor to have dtype ",
               ops::cpp_type_name(result), ", but got ", ops::cpp_type_name(out), " instead");
  TALLOW_CHECK(type != OutType::kLikeInput,
               "Expected the dtype for input and out to match, but got ", scalar_type_name(result),
               " for input's dtype and ", scalar_type_name(out), " for out's dtype.");
  TALLOW_CHECK(type != OutType::kSameScalar, op.name,
               "(): self and result must have the same scalar type, but got ",
               scalar_type_name(result), " and ", scalar_type_name(out));
  TALLOW_CHECK(type != OutType::kTake,
               "take(): self and out expected to have the same dtype, but got self.dtype = ",
               scalar_type_name(result), " and out.dtype = ", scalar_type_name(out));
  TALLOW_CHECK(type != OutType::kScalar, "Expected object of scalar type ",
               scalar_type_name(result), " but got scalar type ", scalar_type_name(out),
               " for argument 'out'");
  TALLOW_CHECK(false, op.name, " expects Long tensor out, got: ", scalar_type_name(out));
}

void write_tensor(const Op& op, const Tensor& result, const Tensor& out) {
  check_type(op, result.dtype(), out.dtype());
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

bool same_elements(const Tensor& a, const Tensor& b) {
  return a.impl()->storage == b.impl()->storage && a.impl()->offset == b.impl()->offset &&
         a.sizes() == b.sizes() && a.strides() == b.strides();
}

[[noreturn]] void raise_shared() {
  raise<RuntimeError>(
      "unsupported operation: some elements of the input tensor and the written-to tensor refer to "
      "a single memory location. Please clone() the tensor before performing the operation.");
}

void check_apart(const std::vector<Tensor>& arguments, const Tensor& out) {
  TALLOW_CHECK(!has_internal_overlap(out),
               "unsupported operation: more than one element of the written-to tensor refers to a "
               "single memory location. Please clone() the tensor before performing the "
               "operation.");
  for (const Tensor& argument : arguments) {
    // An empty tensor given twice would be resized under the op's feet.
    if (same_elements(argument, out)) raise_shared();
    check_overlap(out, argument);
  }
}

int index_of(const Overload& overload, const char* name) {
  for (std::size_t i = 0; i < overload.parameters.size(); ++i) {
    if (PyUnicode_CompareWithASCIIString(overload.parameters[i].name, name) == 0) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

// Refuses an `out` that would be resized to the shape of `index` while it shares its memory.
void check_room(const Op& op, PyObject* const* slots, const Overload& overload, PyObject* out) {
  if (op.name != "gather" && op.name != "take") return;
  const int index = index_of(overload, "index");
  if (index < 0 || !is_tensor(slots[index]) || !is_tensor(out)) return;
  const Tensor &positions = unwrap(slots[index]), &target = unwrap(out);
  if (positions.impl()->storage == target.impl()->storage && positions.sizes() != target.sizes()) {
    raise_shared();
  }
}

// Functions that make tensors from nothing draw and round in the type of out=.
void adopt_type(const Overload& overload, PyObject** slots, PyObject* out) {
  const int dtype = index_of(overload, "dtype");
  if (dtype < 0 || index_of(overload, "pin_memory") < 0 || !is_tensor(out)) return;
  const DType type = unwrap(out).dtype();
  if (slots[dtype] == Py_None) {
    slots[dtype] = dtype_object(type);
    return;
  }
  const DType asked = Arg<DType>::convert(slots[dtype]);
  TALLOW_CHECK(asked == type, "dtype ", scalar_type_name(asked),
               " does not match dtype of out parameter (", scalar_type_name(type), ")");
}

// Raises if autograd would be needed: an op that writes to `out` cannot be recorded.
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

}  // namespace

void collect_tensors(PyObject* object, std::vector<Tensor>& tensors) {
  if (is_tensor(object)) {
    tensors.push_back(unwrap(object));
  } else if (PyTuple_Check(object) || PyList_Check(object)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i) {
      collect_tensors(PySequence_Fast_GET_ITEM(object, i), tensors);
    }
  }
}

void prepare_out(const Op& op, const Overload& overload, PyObject** slots, PyObject* out) {
  check_out_grad(op, slots, overload, out);
  if (rule_of(op).apart) {
    std::vector<Tensor> arguments;
    std::vector<Tensor> outs;
    for (std::size_t i = 0; i < overload.parameters.size(); ++i) {
      collect_tensors(slots[i], arguments);
    }
    collect_tensors(out, outs);
    for (const Tensor& one : outs) check_apart(arguments, one);
    check_room(op, slots, overload, out);
  }
  if (rule_of(op).type == OutType::kLong && is_tensor(out)) {
    check_type(op, DType::kInt64, unwrap(out).dtype());
  }
  adopt_type(overload, slots, out);
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

}  // namespace tallow::python
