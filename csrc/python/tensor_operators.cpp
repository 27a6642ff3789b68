// Operators and conversions of tensors: +, ==, bool(), len() and their like. The arithmetic ones
// call the registered op of the same meaning, overrides and promotion included.
#include <unordered_map>

#include "core/error.h"
#include "ops/views.h"
#include "python/convert.h"
#include "python/numpy.h"
#include "python/op_objects.h"
#include "python/op_operands.h"
#include "python/override.h"
#include "python/tensor_item.h"

namespace tallow::python {

namespace {

// Set by bind_operators() once all ops are registered.
struct OperatorOps {
  const Op *add, *sub, *mul, *div, *floor_divide, *remainder, *pow, *matmul, *reciprocal, *rsub;
  const Op *bitwise_and, *bitwise_or, *bitwise_xor, *left_shift, *right_shift;
  const Op *neg, *positive, *abs, *bitwise_not;
  const Op *lt, *le, *eq, *ne, *gt, *ge;
  const Op *add_, *sub_, *mul_, *div_, *floor_divide_, *remainder_, *pow_;
  const Op *bitwise_and_, *bitwise_or_, *bitwise_xor_, *left_shift_, *right_shift_;
};
OperatorOps ops_table;

using OpSlot = const Op* OperatorOps::*;

bool is_operand(PyObject* object) {
  return is_exact_tensor(object) || is_tensor(object) || is_number(object) || may_override(object);
}

PyObject* call(const Op* op, PyObject* a, PyObject* b) {
  PyObject* const args[] = {a, b};
  return call_op(*op, op->method, args, 2, nullptr);
}

// A Python number on the left of a tensor, as a 0-d tensor that promotes like the number.
PyRef number_like(PyObject* number, const Tensor& other) {
  const Scalar scalar = to_scalar(number);
  const DType dtype = can_cast(scalar.dtype(), other.dtype()) ? other.dtype() : scalar.dtype();
  return checked(wrap(scalar_tensor(scalar, dtype, other.device())));
}

template <OpSlot kOp>
PyObject* binary(PyObject* a, PyObject* b) {
  const Op* const op = ops_table.*kOp;
  if (TALLOW_LIKELY(is_tensor(a))) {
    if (TALLOW_UNLIKELY(!is_operand(b))) Py_RETURN_NOTIMPLEMENTED;
    return call_with_two(*op, a, b);
  }
  if (!is_operand(a)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] { return call(op, number_like(a, unwrap(b)).get(), b); });
}

// The op's function with a number first, for an op that has a form for that.
PyObject* call_function(const Op* op, PyObject* a, PyObject* b) {
  PyObject* const args[] = {a, b};
  return call_op(*op, op->function, args, 2, nullptr);
}

PyObject* subtract(PyObject* a, PyObject* b) {
  if (is_tensor(a) || !is_number(a)) return binary<&OperatorOps::sub>(a, b);
  return call_function(ops_table.rsub, b, a);
}

// No number stands for a factor here.
PyObject* matrix_multiply(PyObject* a, PyObject* b) {
  const auto is_factor = [](PyObject* object) { return is_tensor(object) || may_override(object); };
  if (!is_factor(a) || !is_factor(b)) Py_RETURN_NOTIMPLEMENTED;
  return call_with_two(*ops_table.matmul, a, b);
}

// Commutative: the number may go second, where no tensor has to be made of it.
template <OpSlot kOp>
PyObject* commutative(PyObject* a, PyObject* b) {
  if (TALLOW_UNLIKELY(!is_tensor(a))) std::swap(a, b);
  if (TALLOW_UNLIKELY(!is_operand(b))) Py_RETURN_NOTIMPLEMENTED;
  return call_with_two(*(ops_table.*kOp), a, b);
}

PyObject* true_divide(PyObject* a, PyObject* b) {
  if (is_tensor(a) || !is_number(a)) return binary<&OperatorOps::div>(a, b);
  PyObject* const args[] = {b};
  const PyRef inverse =
      PyRef::steal(call_op(*ops_table.reciprocal, ops_table.reciprocal->method, args, 1, nullptr));
  return inverse ? call(ops_table.mul, inverse.get(), a) : nullptr;
}

PyObject* power(PyObject* a, PyObject* b, PyObject* modulus) {
  if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
  if (is_tensor(a) || !is_number(a)) return binary<&OperatorOps::pow>(a, b);
  return call_function(ops_table.pow, a, b);
}
PyObject* inplace_power(PyObject* a, PyObject* b, PyObject*) {
  if (!is_operand(b)) Py_RETURN_NOTIMPLEMENTED;
  return call(ops_table.pow_, a, b);
}

template <OpSlot kOp>
PyObject* inplace(PyObject* a, PyObject* b) {
  if (TALLOW_UNLIKELY(!is_operand(b))) Py_RETURN_NOTIMPLEMENTED;
  return call(ops_table.*kOp, a, b);
}

// Python takes `__iadd__` for the concatenation of sequences as well, where NotImplemented would be
// the result of `a += b`.
PyObject* inplace_add(PyObject* a, PyObject* b) {
  return TALLOW_LIKELY(is_operand(b)) ? call(ops_table.add_, a, b) : PyNumber_Add(a, b);
}

template <OpSlot kOp>
PyObject* unary(PyObject* a) {
  const Op* const op = ops_table.*kOp;
  PyObject* const args[] = {a};
  return call_op(*op, op->method, args, 1, nullptr);
}
PyObject* positive(PyObject* a) {
  if (TALLOW_UNLIKELY(call_interest != 0 || may_override(a))) {
    return unary<&OperatorOps::positive>(a);
  }
  return guarded([&] {
    TALLOW_CHECK(unwrap(a).dtype() != DType::kBool,
                 "The `+` operator, on a bool tensor is not supported.");
    return Py_NewRef(a);
  });
}

PyObject* compare(PyObject* a, PyObject* b, int operation) {
  static constexpr OpSlot slots[] = {&OperatorOps::lt, &OperatorOps::le, &OperatorOps::eq,
                                     &OperatorOps::ne, &OperatorOps::gt, &OperatorOps::ge};
  const Op* const op = ops_table.*slots[operation];
  if (TALLOW_LIKELY(is_operand(b))) return call_with_two(*op, a, b);
  if (!is_array(b)) Py_RETURN_NOTIMPLEMENTED;
  // Python would answer NotImplemented from both sides by comparing identities.
  return guarded([&] { return call(op, a, checked(wrap(from_array(b))).get()); });
}

int to_bool(PyObject* self) {
  return guarded_int([&] {
    const Tensor& tensor = unwrap(self);
    TALLOW_CHECK(tensor.numel() != 0, "Boolean value of Tensor with no values is ambiguous");
    TALLOW_CHECK(tensor.numel() == 1,
                 "Boolean value of Tensor with more than one value is ambiguous");
    return item(tensor).to_bool() ? 1 : 0;
  });
}

void check_one_element(const Tensor& tensor) {
  TALLOW_CHECK_VALUE(tensor.numel() == 1,
                     "only one element tensors can be converted to Python scalars");
}
PyObject* to_int(PyObject* self) {
  return guarded([&]() -> PyObject* {
    check_one_element(unwrap(self));
    const Scalar value = item(unwrap(self));
    if (value.is_integral()) return PyLong_FromLongLong(value.to_int64());
    return PyLong_FromDouble(value.to_double());
  });
}
PyObject* to_float(PyObject* self) {
  return guarded([&]() -> PyObject* {
    check_one_element(unwrap(self));
    return PyFloat_FromDouble(item(unwrap(self)).to_double());
  });
}
PyObject* to_index(PyObject* self) {
  return guarded([&]() -> PyObject* {
    const Tensor& tensor = unwrap(self);
    TALLOW_CHECK_TYPE(tensor.numel() == 1 && !is_differentiable(tensor.dtype()),
                      "only integer tensors of a single element can be converted to an index");
    return PyLong_FromLongLong(item(tensor).to_int64());
  });
}

Py_ssize_t length(PyObject* self) {
  const Tensor& tensor = unwrap(self);
  if (tensor.dim() == 0) {
    PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
    return -1;
  }
  return static_cast<Py_ssize_t>(tensor.sizes()[0]);
}

// As in PyTorch, hash(x) is id(x).
Py_hash_t identity_hash(PyObject* self) { return reinterpret_cast<Py_hash_t>(self); }

}  // namespace

void fill_operator_slots(std::vector<PyType_Slot>& slots) {
  const auto add = [&](int slot, auto function) {
    slots.push_back({slot, reinterpret_cast<void*>(function)});
  };
  add(Py_nb_add, commutative<&OperatorOps::add>);
  add(Py_nb_subtract, subtract);
  add(Py_nb_multiply, commutative<&OperatorOps::mul>);
  add(Py_nb_true_divide, true_divide);
  add(Py_nb_floor_divide, binary<&OperatorOps::floor_divide>);
  add(Py_nb_remainder, binary<&OperatorOps::remainder>);
  add(Py_nb_power, power);
  add(Py_nb_matrix_multiply, matrix_multiply);
  add(Py_nb_and, commutative<&OperatorOps::bitwise_and>);
  add(Py_nb_or, commutative<&OperatorOps::bitwise_or>);
  add(Py_nb_xor, commutative<&OperatorOps::bitwise_xor>);
  add(Py_nb_lshift, binary<&OperatorOps::left_shift>);
  add(Py_nb_rshift, binary<&OperatorOps::right_shift>);
  add(Py_nb_inplace_add, inplace_add);
  add(Py_nb_inplace_subtract, inplace<&OperatorOps::sub_>);
  add(Py_nb_inplace_multiply, inplace<&OperatorOps::mul_>);
  add(Py_nb_inplace_true_divide, inplace<&OperatorOps::div_>);
  add(Py_nb_inplace_floor_divide, inplace<&OperatorOps::floor_divide_>);
  add(Py_nb_inplace_remainder, inplace<&OperatorOps::remainder_>);
  add(Py_nb_inplace_power, inplace_power);
  add(Py_nb_inplace_and, inplace<&OperatorOps::bitwise_and_>);
  add(Py_nb_inplace_or, inplace<&OperatorOps::bitwise_or_>);
  add(Py_nb_inplace_xor, inplace<&OperatorOps::bitwise_xor_>);
  add(Py_nb_inplace_lshift, inplace<&OperatorOps::left_shift_>);
  add(Py_nb_inplace_rshift, inplace<&OperatorOps::right_shift_>);
  add(Py_nb_negative, unary<&OperatorOps::neg>);
  add(Py_nb_positive, positive);
  add(Py_nb_absolute, unary<&OperatorOps::abs>);
  add(Py_nb_invert, unary<&OperatorOps::bitwise_not>);
  add(Py_nb_bool, to_bool);
  add(Py_nb_int, to_int);
  add(Py_nb_float, to_float);
  add(Py_nb_index, to_index);
  add(Py_tp_richcompare, compare);
  add(Py_tp_hash, identity_hash);
  add(Py_mp_length, length);
}

void bind_operators() {
  const auto find = [](const char* name) { return Registry::find(name); };
  ops_table = {
      find("add"),
      find("sub"),
      find("mul"),
      find("div"),
      find("floor_divide"),
      find("remainder"),
      find("pow"),
      find("matmul"),
      find("reciprocal"),
      find("rsub"),
      find("bitwise_and"),
      find("bitwise_or"),
      find("bitwise_xor"),
      find("bitwise_left_shift"),
      find("bitwise_right_shift"),
      find("neg"),
      find("positive"),
      find("abs"),
      find("bitwise_not"),
      find("lt"),
      find("le"),
      find("eq"),
      find("ne"),
      find("gt"),
      find("ge"),
      find("add_"),
      find("sub_"),
      find("mul_"),
      find("div_"),
      find("floor_divide_"),
      find("remainder_"),
      find("pow_"),
      find("bitwise_and_"),
      find("bitwise_or_"),
      find("bitwise_xor_"),
      find("bitwise_left_shift_"),
      find("bitwise_right_shift_"),
  };
  const OperatorOps& t = ops_table;
  for (const Op* op : {t.add, t.sub, t.mul, t.div, t.floor_divide, t.remainder, t.pow, t.matmul,
                       t.bitwise_and, t.bitwise_or, t.bitwise_xor, t.left_shift, t.right_shift,
                       t.lt, t.le, t.eq, t.ne, t.gt, t.ge}) {
    TALLOW_CHECK(takes_two_tensors(*op), op->name, " is no operator of two tensors");
  }
}

}  // namespace tallow::python
