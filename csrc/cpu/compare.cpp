// Comparisons and logical operations: two operands of any type, bool out.
#include "cpu/loops.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// The lanes of a comparison's result as bytes of 0 and 1.
template <class T, class M>
TALLOW_INLINE void store_bool(uint8_t* to, M mask) {
  const auto bytes = convert<Vec<int8_t, kLanes<T>>>(mask) & 1;
  std::memcpy(to, &bytes, sizeof(bytes));
}

template <class T, auto F>
void compare_row2(const RowData& data, int64_t n, const void*) {
  uint8_t* const out = reinterpret_cast<uint8_t*>(data[0]);
  const T* a = reinterpret_cast<const T*>(data[1]);
  const T* b = reinterpret_cast<const T*>(data[2]);
  const int64_t a_step = data.step[1] * kLanes<T>;
  const int64_t b_step = data.step[2] * kLanes<T>;
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) {
    store_bool<T>(out + i, F(load(a), load(b)));
    a += a_step;
    b += b_step;
  }
  // A comparison has no rounding to keep equal.
  for (int64_t k = 0; i + k < n; ++k) out[i + k] = F(a[k], b[k]);
}

// Vectors for what has them, elements for complex numbers.
template <auto F, bool kOrdered>
Row comparison(DType compute) {
  Row row;
  row.out = DType::kBool;
  row.first = compute;
  using Vectors = Types<uint8_t, int8_t, int16_t, int32_t, int64_t, float, double>;
  [&]<class... Ts>(Types<Ts...>) {
    ((dtype_of<Ts> == compute && (row.fn = compare_row2<Ts, F>, true)) || ...);
  }(Vectors{});
  if (compute == DType::kBool) row.fn = compare_row2<uint8_t, F>;
  row.repeats = row.fn != nullptr;
  if constexpr (!kOrdered) {
    if (compute == DType::kComplex64) row.fn = element_row2<bool, complex64, F>;
    if (compute == DType::kComplex128) row.fn = element_row2<bool, complex128, F>;
  }
  return row;
}

template <auto F, class... Ts>
Row logical(Types<Ts...>, DType compute) {
  Row row;
  ((dtype_of<Ts> == compute && (row = {element_row2<bool, Ts, F>, DType::kBool, compute}, true)) ||
   ...);
  return row;
}

using Logical =
    Types<bool, uint8_t, int8_t, int16_t, int32_t, int64_t, float, double, complex64, complex128>;

template <class T>
TALLOW_INLINE bool truth(T value) {
  return value != T(0);
}

}  // namespace

Row compare_row(CompareOp op, DType compute) {
  switch (op) {
    case CompareOp::kEq:
      return comparison<[](auto a, auto b) { return a == b; }, false>(compute);
    case CompareOp::kNe:
      return comparison<[](auto a, auto b) { return a != b; }, false>(compute);
    case CompareOp::kLt:
      return comparison<[](auto a, auto b) { return a < b; }, true>(compute);
    case CompareOp::kLe:
      return comparison<[](auto a, auto b) { return a <= b; }, true>(compute);
    case CompareOp::kGt:
      return comparison<[](auto a, auto b) { return b < a; }, true>(compute);
    case CompareOp::kGe:
      return comparison<[](auto a, auto b) { return b <= a; }, true>(compute);
    case CompareOp::kLogicalAnd:
      return logical<[](auto a, auto b) { return truth(a) & truth(b); }>(Logical{}, compute);
    case CompareOp::kLogicalOr:
      return logical<[](auto a, auto b) { return truth(a) | truth(b); }>(Logical{}, compute);
    case CompareOp::kLogicalXor:
      return logical<[](auto a, auto b) { return truth(a) ^ truth(b); }>(Logical{}, compute);
    case CompareOp::kCount:
      break;
  }
  return {};
}

const char* op_name(CompareOp op) {
  switch (op) {
    case CompareOp::kEq:
      return "eq_cpu";
    case CompareOp::kNe:
      return "ne_cpu";
    case CompareOp::kLt:
      return "lt_cpu";
    case CompareOp::kLe:
      return "le_cpu";
    case CompareOp::kGt:
      return "gt_cpu";
    case CompareOp::kGe:
      return "ge_cpu";
    case CompareOp::kLogicalAnd:
      return "logical_and";
    case CompareOp::kLogicalOr:
      return "logical_or";
    case CompareOp::kLogicalXor:
      return "logical_xor";
    case CompareOp::kCount:
      break;
  }
  return "compare";
}

}  // namespace tallow::cpu::TALLOW_ISA
