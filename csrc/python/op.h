// The binder: turns a C++ op and one line of signature into Python functions and methods.
//
//   registry.op<&ops::softmax>("softmax(input, dim, dtype=None)", kFunction | kMethod, "...");
//
// Names and defaults come from the signature, types from the C++ function; both feed the parser,
// the error texts, __torch_function__ and the stubs. Overloads are tried in order. A `*name`
// parameter takes the remaining positional arguments if it is the first that the user gives, else a
// sequence; a lone `*` makes the rest keyword-only; `name[]` takes no single number in place of a
// sequence; and `-> (values, indices)` names the fields of a tuple result.
#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "autograd/inplace.h"
#include "python/convert.h"

namespace tallow::python {

enum OpFlags : unsigned {
  kFunction = 1,        // tallow.X and _C._VariableFunctions.X
  kMethod = 2,          // Tensor.X, the first parameter being self
  kInplace = 4,         // also X_, writing into the first parameter, wherever X is
  kOut = 8,             // accepts out=
  kNN = 16,             // _C._nn.X
  kInplaceMethod = 32,  // also Tensor.X_, but no function X_
};

inline constexpr int kMaxParameters = 24;

struct Parameter {
  PyObject* name = nullptr;           // interned
  PyObject* default_value = nullptr;  // null: required
  std::string default_text;
  const char* type = "";
  bool keyword_only = false;
  bool variadic = false;
  bool sequence = false;  // of ints, and no single one
  bool tensor_like = false;
};

struct Op;

// One C++ function behind an op.
struct Overload {
  std::vector<Parameter> parameters;
  // What a call needs of the parameters, all in one place.
  std::vector<PyObject*> defaults;
  int positional = 0;                   // how many may be passed by position
  int required = 0;                     // how many up to the last one without a default
  int variadic = -1;                    // which is, or none
  uint32_t refuse_none = 0;             // bits: None is no tensor where it is not the default
  PyTypeObject* result_type = nullptr;  // a named tuple, or null
  bool has_sequence = false;            // has a parameter with `sequence`
  bool takes_out = false;               // does the function itself write to a destination?
  // Do the slots (one object per parameter, none null) have the right types? -1: yes, else the
  // index of the first that does not.
  int (*mismatch)(PyObject* const* slots);
  PyObject* (*invoke)(const Op& op, PyObject* const* slots, PyObject* out);
  const char* result = "";  // Python type, for stubs
  std::string text;         // as registered
};

struct Op {
  std::string name;  // with the trailing _ of an in-place form
  std::string doc;
  unsigned flags = 0;
  bool inplace = false;
  bool writes_self = false;  // has the name of an in-place op
  std::vector<Overload> overloads;
  PyObject* function = nullptr;  // what __torch_function__ is told was called
  PyObject* method = nullptr;
};

// Calls `op` with vectorcall-style arguments; `api` is the callable the user sees.
PyObject* call_op(const Op& op, PyObject* api, PyObject* const* args, Py_ssize_t count,
                  PyObject* keywords) noexcept;

// Moves a result into the caller's `out` (a tensor, or a tuple of them) and returns it.
PyObject* write_out(const Op& op, PyRef result, PyObject* out);

class Registry {
 public:
  explicit Registry(py::module_& module);

  template <auto... kFunctions>
  void op(std::initializer_list<const char*> signatures, unsigned flags, const char* doc) {
    static_assert(sizeof...(kFunctions) > 0);
    std::vector<Overload> overloads;
    const char* const* signature = signatures.begin();
    (overloads.push_back(make_overload<kFunctions>(*signature++)), ...);
    add(std::move(overloads), flags, doc);
  }
  template <auto kFunction_>
  void op(const char* signature, unsigned flags, const char* doc) {
    op<kFunction_>({signature}, flags, doc);
  }
  // A second name for an op registered before, in-place form included.
  void alias(const char* existing, const char* name);

  // The op registered under `name`; raises if there is none.
  static const Op* find(const std::string& name);
  // (name, signatures, doc, flags) of everything registered, for stubs and coverage tests.
  static py::list signatures();
  // The named tuples that operators return, by name.
  static py::dict return_types();

 private:
  template <auto kFunction_>
  static Overload make_overload(const char* signature);
  static void parse(const char* signature, Overload& overload, const char* const* types,
                    const bool* tensor_like, int count);
  void add(std::vector<Overload> overloads, unsigned flags, const char* doc);
  void publish(Op* op);

  py::module_& module_;
};

namespace detail {

template <class F>
struct FunctionTraits;
template <class R, class... P>
struct FunctionTraits<R (*)(P...)> {
  using Result = R;
  using Parameters = std::tuple<std::remove_cvref_t<P>...>;
};

// The Python type of a C++ result.
template <class R>
inline constexpr const char* kResultName = "Tensor";
template <>
inline constexpr const char* kResultName<bool> = "bool";
template <>
inline constexpr const char* kResultName<int64_t> = "int";
template <>
inline constexpr const char* kResultName<double> = "float";
template <>
inline constexpr const char* kResultName<void> = "None";
template <>
inline constexpr const char* kResultName<Scalar> = "Number";
template <>
inline constexpr const char* kResultName<DType> = "dtype";
template <>
inline constexpr const char* kResultName<Dims> = "Size";
template <>
inline constexpr const char* kResultName<std::vector<Tensor>> = "tuple[Tensor, ...]";
template <class... Ts>
inline constexpr const char* kResultName<std::tuple<Ts...>> = "tuple[Tensor, ...]";

template <class Tuple>
struct EndsWithOut : std::false_type {};
template <class First, class... Rest>
struct EndsWithOut<std::tuple<First, Rest...>>
    : std::is_same<std::tuple_element_t<sizeof...(Rest), std::tuple<First, Rest...>>, Out> {};

template <auto kFunction_>
struct Invoker {
  using Traits = FunctionTraits<decltype(kFunction_)>;
  using Parameters = typename Traits::Parameters;
  using Result = typename Traits::Result;
  static constexpr bool kTakesOut = EndsWithOut<Parameters>::value;
  // Python-visible parameters: all but a final Out.
  static constexpr int kCount = static_cast<int>(std::tuple_size_v<Parameters>) - kTakesOut;
  template <std::size_t I>
  using ArgAt = Arg<std::tuple_element_t<I, Parameters>>;

  template <std::size_t... I>
  static int mismatch_impl(PyObject* const* slots, std::index_sequence<I...>) {
    int bad = -1;
    (void)((ArgAt<I>::check(slots[I]) || (bad = static_cast<int>(I), false)) && ...);
    return bad;
  }
  static int mismatch(PyObject* const* slots) {
    return mismatch_impl(slots, std::make_index_sequence<kCount>());
  }

  template <std::size_t... I>
  static PyObject* invoke_impl(const Op& op, PyObject* const* slots, PyObject* out,
                               std::index_sequence<I...>) {
    if constexpr (kTakesOut) {
      const Out destination = op.inplace ? Out::inplace(unwrap(slots[0]))
                              : out      ? Out::into(unwrap(out))
                                         : Out();
      return to_python(kFunction_(ArgAt<I>::convert(slots[I])..., destination));
    } else if constexpr (std::is_void_v<Result>) {
      kFunction_(ArgAt<I>::convert(slots[I])...);
      return Py_NewRef(Py_None);
    } else {
      PyObject* const result = to_python(kFunction_(ArgAt<I>::convert(slots[I])...));
      return TALLOW_UNLIKELY(out != nullptr) ? write_out(op, PyRef::steal(result), out) : result;
    }
  }
  static PyObject* invoke(const Op& op, PyObject* const* slots, PyObject* out) {
    return invoke_impl(op, slots, out, std::make_index_sequence<kCount>());
  }

  template <std::size_t... I>
  static std::array<const char*, sizeof...(I) + 1> types(std::index_sequence<I...>) {
    return {ArgAt<I>::name..., ""};
  }
  template <std::size_t... I>
  static std::array<bool, sizeof...(I) + 1> tensor_like(std::index_sequence<I...>) {
    return {ArgAt<I>::is_tensor_like..., false};
  }
};

}  // namespace detail

template <auto kFunction_>
Overload Registry::make_overload(const char* signature) {
  using Invoker = detail::Invoker<kFunction_>;
  static_assert(Invoker::kCount <= kMaxParameters);
  Overload overload;
  overload.mismatch = Invoker::mismatch;
  overload.invoke = Invoker::invoke;
  overload.takes_out = Invoker::kTakesOut;
  overload.result = detail::kResultName<typename Invoker::Result>;
  constexpr auto indices = std::make_index_sequence<Invoker::kCount>();
  parse(signature, overload, Invoker::types(indices).data(), Invoker::tensor_like(indices).data(),
        Invoker::kCount);
  return overload;
}

}  // namespace tallow::python
