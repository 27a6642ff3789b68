// Rows: the contiguous inner loops of pointwise kernels, and the types by which the driver in
// pointwise.cpp finds them. A formula is written once, for one vector; everything else (strides,
// broadcasting, other types, threads, tails) happens around it, so a result depends neither on the
// layout nor on the position of its element.
#pragma once

#include <cstdint>
#include <type_traits>

#include "backend/pointwise.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {

inline constexpr int kMaxOperands = 4;

// Where the operands of a row lie, the output first. An input of step 0 is one vector of equal
// elements that serves the whole row; only a Row that `repeats` is given such inputs.
struct RowData {
  char* at[kMaxOperands];
  int64_t step[kMaxOperands];
  TALLOW_INLINE char* operator[](int operand) const { return at[operand]; }
};

// Computes n consecutive elements. `context` is what the driver was given: the `params` of the
// kernel table for formulas.
using RowFn = void (*)(const RowData& data, int64_t n, const void* context);

// How much work one element is; decides how many elements a thread must have to be worth waking.
enum class Cost : uint8_t { kMemory, kShort, kLong };

// A row function with the types it reads and writes; inputs after the first have the type the
// formula was looked up for.
struct Row {
  RowFn fn = nullptr;
  DType out = DType::kBool;
  DType first = DType::kBool;
  Cost cost = Cost::kMemory;
  bool repeats = false;
};

// fn == nullptr: the operation is not defined for the type. Half types are never asked for.
Row unary_row(UnaryOp op, DType compute);
Row unary_math_row(UnaryOp op, DType compute);
Row special_row(UnaryOp op, DType compute);
Row activation_row(UnaryOp op, DType compute);
Row binary_row(BinaryOp op, DType compute);
Row special_row(BinaryOp op, DType compute);
Row integer_row(BinaryOp op, DType compute);
Row activation_backward_row(BinaryOp op, DType compute);
Row compare_row(CompareOp op, DType compute);
Row ternary_row(TernaryOp op, DType compute);
// The names in "... not implemented for '...'".
const char* op_name(UnaryOp op);
const char* op_name(BinaryOp op);
const char* op_name(CompareOp op);
const char* op_name(TernaryOp op);

// Converts n consecutive elements from one type to another.
using ConvertFn = void (*)(void* out, const void* in, int64_t n);

// The steps between two types: one, or up to three where a type is only stored.
class Conversion {
 public:
  TALLOW_INLINE Conversion() = default;
  Conversion(DType out, DType in);  // different types

  TALLOW_INLINE explicit operator bool() const { return count_ > 0; }
  TALLOW_INLINE void operator()(void* out, const void* in, int64_t n) const {
    if (TALLOW_LIKELY(count_ == 1)) return steps_[0].fn(out, in, n);
    in_pieces(out, in, n);
  }

 private:
  struct Step {
    ConvertFn fn;
    int item;  // bytes of an element of the result
  };

  void add(ConvertFn fn, DType result);
  void in_pieces(void* out, const void* in, int64_t n) const;

  Step steps_[3];
  int count_ = 0;
  int in_item_ = 0;
};

// A Strided<N> with N erased.
struct Space {
  int operands;
  int ndim;
  void* const* data;
  const int64_t* size;
  const int64_t (*stride)[kMaxDims];
  int64_t numel;
};

// Runs `row` over an iteration space, the first `outputs` (0 or 1) operands of which are written;
// operand k has type dtypes[k]. Splits the work by shape alone.
void run_space(const Row& row, DType compute, const Space& space, const DType* dtypes,
               const void* context, int outputs);

template <int N>
TALLOW_INLINE void run_rows(const Row& row, DType compute, const Strided<N>& at,
                            const DType (&dtypes)[N], const void* context, int outputs = 1) {
  run_space(row, compute, Space{N, at.ndim, at.data, at.size, at.stride, at.numel}, dtypes, context,
            outputs);
}

namespace {

// Integer arithmetic wraps: it is done in the unsigned type that does not promote to int.
template <class T>
using Wrapping = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

template <class T>
inline constexpr bool is_float = std::is_same_v<T, float> || std::is_same_v<T, double>;

// bool is stored, and computed with, as a byte of 0 or 1.
template <class T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;

// ---- Vector rows: F maps Vec<T>s to a Vec<T>; the tail goes through the same F.

template <class T, auto F>
void vector_row1(const RowData& data, int64_t n, const void*) {
  T* const out = reinterpret_cast<T*>(data[0]);
  const T* const a = reinterpret_cast<const T*>(data[1]);
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) store(out + i, F(load(a + i)));
  if (const int rest = static_cast<int>(n - i)) {
    store_partial(out + i, F(load_partial(a + i, rest)), rest);
  }
}

template <class T, auto F>
void vector_row2(const RowData& data, int64_t n, const void*) {
  T* const out = reinterpret_cast<T*>(data[0]);
  const T* a = reinterpret_cast<const T*>(data[1]);
  const T* b = reinterpret_cast<const T*>(data[2]);
  const int64_t a_step = data.step[1] * kLanes<T>;
  const int64_t b_step = data.step[2] * kLanes<T>;
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) {
    store(out + i, F(load(a), load(b)));
    a += a_step;
    b += b_step;
  }
  if (const int rest = static_cast<int>(n - i)) {
    store_partial(out + i, F(load_partial(a, rest), load_partial(b, rest)), rest);
  }
}

template <class T, auto F>
void vector_row3(const RowData& data, int64_t n, const void*) {
  T* const out = reinterpret_cast<T*>(data[0]);
  const T* a = reinterpret_cast<const T*>(data[1]);
  const T* b = reinterpret_cast<const T*>(data[2]);
  const T* c = reinterpret_cast<const T*>(data[3]);
  const int64_t a_step = data.step[1] * kLanes<T>;
  const int64_t b_step = data.step[2] * kLanes<T>;
  const int64_t c_step = data.step[3] * kLanes<T>;
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) {
    store(out + i, F(load(a), load(b), load(c)));
    a += a_step;
    b += b_step;
    c += c_step;
  }
  if (const int rest = static_cast<int>(n - i)) {
    store_partial(out + i, F(load_partial(a, rest), load_partial(b, rest), load_partial(c, rest)),
                  rest);
  }
}

// The three params of a call as vectors; F takes them as its last argument.
template <class T>
struct Params {
  Vec<T> p0, p1, p2;
  explicit TALLOW_INLINE Params(const void* context) {
    const double* const p = static_cast<const double*>(context);
    p0 = broadcast(static_cast<T>(p[0]));
    p1 = broadcast(static_cast<T>(p[1]));
    p2 = broadcast(static_cast<T>(p[2]));
  }
};

template <class T, auto F>
void param_row1(const RowData& data, int64_t n, const void* context) {
  const Params<T> p(context);
  T* const out = reinterpret_cast<T*>(data[0]);
  const T* const a = reinterpret_cast<const T*>(data[1]);
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) store(out + i, F(load(a + i), p));
  if (const int rest = static_cast<int>(n - i)) {
    store_partial(out + i, F(load_partial(a + i, rest), p), rest);
  }
}

template <class T, auto F>
void param_row2(const RowData& data, int64_t n, const void* context) {
  const Params<T> p(context);
  T* const out = reinterpret_cast<T*>(data[0]);
  const T* a = reinterpret_cast<const T*>(data[1]);
  const T* b = reinterpret_cast<const T*>(data[2]);
  const int64_t a_step = data.step[1] * kLanes<T>;
  const int64_t b_step = data.step[2] * kLanes<T>;
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) {
    store(out + i, F(load(a), load(b), p));
    a += a_step;
    b += b_step;
  }
  if (const int rest = static_cast<int>(n - i)) {
    store_partial(out + i, F(load_partial(a, rest), load_partial(b, rest), p), rest);
  }
}

template <class T, auto F>
void param_row3(const RowData& data, int64_t n, const void* context) {
  const Params<T> p(context);
  T* const out = reinterpret_cast<T*>(data[0]);
  const T* a = reinterpret_cast<const T*>(data[1]);
  const T* b = reinterpret_cast<const T*>(data[2]);
  const T* c = reinterpret_cast<const T*>(data[3]);
  const int64_t a_step = data.step[1] * kLanes<T>;
  const int64_t b_step = data.step[2] * kLanes<T>;
  const int64_t c_step = data.step[3] * kLanes<T>;
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) {
    store(out + i, F(load(a), load(b), load(c), p));
    a += a_step;
    b += b_step;
    c += c_step;
  }
  if (const int rest = static_cast<int>(n - i)) {
    store_partial(out + i,
                  F(load_partial(a, rest), load_partial(b, rest), load_partial(c, rest), p), rest);
  }
}

// ---- Element rows: F maps elements to an element and is exact or a library call, so that the
// compiler may vectorise it as it likes. Integers, complex numbers and rare functions.

template <class Out, class T, auto F>
void element_row1(const RowData& data, int64_t n, const void*) {
  Stored<Out>* const out = reinterpret_cast<Stored<Out>*>(data[0]);
  const Stored<T>* const a = reinterpret_cast<const Stored<T>*>(data[1]);
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<Stored<Out>>(F(static_cast<T>(a[i])));
}

template <class Out, class T, auto F>
void element_row2(const RowData& data, int64_t n, const void*) {
  Stored<Out>* const out = reinterpret_cast<Stored<Out>*>(data[0]);
  const Stored<T>* const a = reinterpret_cast<const Stored<T>*>(data[1]);
  const Stored<T>* const b = reinterpret_cast<const Stored<T>*>(data[2]);
  for (int64_t i = 0; i < n; ++i) {
    out[i] = static_cast<Stored<Out>>(F(static_cast<T>(a[i]), static_cast<T>(b[i])));
  }
}

template <class T, auto F>
void element_row3(const RowData& data, int64_t n, const void* context) {
  Stored<T>* const out = reinterpret_cast<Stored<T>*>(data[0]);
  const Stored<T>* const a = reinterpret_cast<const Stored<T>*>(data[1]);
  const Stored<T>* const b = reinterpret_cast<const Stored<T>*>(data[2]);
  const Stored<T>* const c = reinterpret_cast<const Stored<T>*>(data[3]);
  for (int64_t i = 0; i < n; ++i) {
    out[i] = static_cast<Stored<T>>(F(static_cast<T>(a[i]), static_cast<T>(b[i]),
                                      static_cast<T>(c[i]), static_cast<const double*>(context)));
  }
}

// ---- From a formula and a list of types to the row for one type.

// The vector form for float and double.
template <auto F>
Row floating1(DType compute, Cost cost = Cost::kMemory) {
  if (compute == DType::kFloat32) return {vector_row1<float, F>, compute, compute, cost};
  if (compute == DType::kFloat64) return {vector_row1<double, F>, compute, compute, cost};
  return {};
}
template <auto F>
Row floating2(DType compute, Cost cost = Cost::kMemory) {
  if (compute == DType::kFloat32) return {vector_row2<float, F>, compute, compute, cost, true};
  if (compute == DType::kFloat64) return {vector_row2<double, F>, compute, compute, cost, true};
  return {};
}
template <auto F>
Row floating3(DType compute, Cost cost = Cost::kMemory) {
  if (compute == DType::kFloat32) return {vector_row3<float, F>, compute, compute, cost, true};
  if (compute == DType::kFloat64) return {vector_row3<double, F>, compute, compute, cost, true};
  return {};
}
template <auto F>
Row floating_params1(DType compute, Cost cost = Cost::kMemory) {
  if (compute == DType::kFloat32) return {param_row1<float, F>, compute, compute, cost};
  if (compute == DType::kFloat64) return {param_row1<double, F>, compute, compute, cost};
  return {};
}
template <auto F>
Row floating_params2(DType compute, Cost cost = Cost::kMemory) {
  if (compute == DType::kFloat32) return {param_row2<float, F>, compute, compute, cost, true};
  if (compute == DType::kFloat64) return {param_row2<double, F>, compute, compute, cost, true};
  return {};
}
template <auto F>
Row floating_params3(DType compute, Cost cost = Cost::kMemory) {
  if (compute == DType::kFloat32) return {param_row3<float, F>, compute, compute, cost, true};
  if (compute == DType::kFloat64) return {param_row3<double, F>, compute, compute, cost, true};
  return {};
}

// The element form for a list of types, the result of the same type.
template <auto F, class... Ts>
Row elements1(Types<Ts...>, DType compute, Cost cost = Cost::kMemory) {
  Row row;
  ((dtype_of<Ts> == compute && (row = {element_row1<Ts, Ts, F>, compute, compute, cost}, true)) ||
   ...);
  return row;
}
template <auto F, class... Ts>
Row elements2(Types<Ts...>, DType compute, Cost cost = Cost::kMemory) {
  Row row;
  ((dtype_of<Ts> == compute && (row = {element_row2<Ts, Ts, F>, compute, compute, cost}, true)) ||
   ...);
  return row;
}
template <auto F, class... Ts>
Row elements3(Types<Ts...>, DType compute, Cost cost = Cost::kMemory) {
  Row row;
  ((dtype_of<Ts> == compute && (row = {element_row3<Ts, F>, compute, compute, cost}, true)) || ...);
  return row;
}

TALLOW_INLINE Row first_of(const Row& a, const Row& b) { return a.fn ? a : b; }

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
