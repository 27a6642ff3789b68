// The entries of the pointwise kernel table.
#include "cpu/loops.h"
#include "cpu/table.h"
#include "cpu/tile_moves.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

bool is_half(DType dtype) { return dtype == DType::kFloat16 || dtype == DType::kBFloat16; }

// The signed type of the same width: for products, equality and bits it makes no difference.
DType signed_twin(DType dtype) {
  if (dtype == DType::kUInt16) return DType::kInt16;
  return dtype == DType::kUInt32 ? DType::kInt32 : DType::kInt64;
}

// Half types are computed in float; the driver converts on the way in and out.
DType formula_type(DType compute) { return is_half(compute) ? DType::kFloat32 : compute; }

// The type in whose formulas `op` is computed for a type that is only stored: one of the same bits
// where signs play no role, or float. Where there is none, the type itself, which no row knows.
DType stand_in(BinaryOp op, DType stored) {
  const bool product = op == BinaryOp::kMul;
  if (is_float8(stored)) return product ? DType::kFloat32 : stored;
  const bool bits = product || op == BinaryOp::kBitwiseAnd || op == BinaryOp::kBitwiseOr ||
                    op == BinaryOp::kBitwiseXor;
  return bits ? signed_twin(stored) : stored;
}
DType stand_in(CompareOp op, DType stored) {
  if (op != CompareOp::kEq && op != CompareOp::kNe) return stored;
  return is_float8(stored) ? DType::kFloat32 : signed_twin(stored);
}

// Except where little is done to an element: converted on the way through registers, not through
// buffers.
template <class T, auto F>
void half_row1(const RowData& data, int64_t n, const void*) {
  constexpr int W = kLanes<float>;
  T* const out = reinterpret_cast<T*>(data[0]);
  const T* const a = reinterpret_cast<const T*>(data[1]);
  int64_t i = 0;
  for (; i + W <= n; i += W) store_float(out + i, F(load_float(a + i)));
  if (const int rest = static_cast<int>(n - i)) {
    store_float_partial(out + i, F(load_float_partial(a + i, rest)), rest);
  }
}

Row half_row(UnaryOp op, DType half) {
  constexpr auto kSquare = [](Vec<float> x) { return x * x; };
  constexpr auto kReciprocal = [](Vec<float> x) { return 1 / x; };
  const bool is_ieee = half == DType::kFloat16;
  RowFn fn = nullptr;
  switch (op) {
    case UnaryOp::kNeg:
      fn = element_row1<uint16_t, uint16_t, [](uint16_t x) { return x ^ 0x8000; }>;
      break;
    case UnaryOp::kAbs:
      fn = element_row1<uint16_t, uint16_t, [](uint16_t x) { return x & 0x7fff; }>;
      break;
    case UnaryOp::kSquare:
      fn = is_ieee ? half_row1<Half, kSquare> : half_row1<BFloat16, kSquare>;
      break;
    case UnaryOp::kReciprocal:
      fn = is_ieee ? half_row1<Half, kReciprocal> : half_row1<BFloat16, kReciprocal>;
      break;
    default:
      break;
  }
  return {fn, half, half, Cost::kMemory};
}

Status unary(UnaryOp op, DType compute, const Strided<2>& at, const DType (&dtypes)[2],
             const double* params) {
  if (is_half(compute) && dtypes[0] == dtypes[1] && dtypes[0] == compute) {
    const Row row = half_row(op, compute);
    if (row.fn) {
      run_rows(row, compute, at, dtypes, nullptr);
      return Status::kOk;
    }
  }
  const DType type = formula_type(compute);
  const Row row = unary_row(op, type);
  if (!row.fn) return unsupported_dtype(op_name(op), compute);
  run_rows(row, type, at, dtypes, params);
  return Status::kOk;
}

// A row without output that looks for zeros; `context` is an int to be set when one is found.
template <class T>
void find_zero(const RowData& data, int64_t n, const void* context) {
  const T* const a = reinterpret_cast<const T*>(data[0]);
  int found = 0;
  for (int64_t i = 0; i < n; ++i) found |= a[i] == 0;
  if (found) __atomic_store_n(static_cast<int*>(const_cast<void*>(context)), 1, __ATOMIC_RELAXED);
}

Row find_zero_row(DType dtype) {
  RowFn fn = find_zero<uint8_t>;
  if (dtype == DType::kInt16) fn = find_zero<int16_t>;
  if (dtype == DType::kInt32) fn = find_zero<int32_t>;
  if (dtype == DType::kInt64) fn = find_zero<int64_t>;
  return {fn, dtype, dtype, Cost::kMemory};
}

bool divides(BinaryOp op) {
  return op == BinaryOp::kDivTrunc || op == BinaryOp::kDivFloor || op == BinaryOp::kRemainder ||
         op == BinaryOp::kFmod;
}

bool has_zero_divisor(const Strided<3>& at, DType dtype) {
  Strided<1> divisor;
  divisor.data[0] = at.data[2];
  divisor.numel = at.numel == 0 ? 0 : 1;
  divisor.ndim = 0;
  for (int d = 0; d < at.ndim; ++d) {
    if (at.stride[2][d] == 0) continue;
    divisor.size[divisor.ndim] = at.size[d];
    divisor.stride[0][divisor.ndim] = at.stride[2][d];
    divisor.numel *= at.size[d];
    ++divisor.ndim;
  }
  int found = 0;
  const DType dtypes[1] = {dtype};
  run_rows(find_zero_row(dtype), dtype, divisor, dtypes, &found, 0);
  return found != 0;
}

Status binary(BinaryOp op, DType compute, const Strided<3>& at, const DType (&dtypes)[3],
              const double* params) {
  const DType type = is_stored_only(compute) ? stand_in(op, compute) : formula_type(compute);
  const Row row = binary_row(op, type);
  if (!row.fn) return unsupported_dtype(op_name(op), compute);
  if (divides(op) && type < DType::kFloat16 && has_zero_divisor(at, dtypes[2])) {
    return fail(Status::kRuntimeError, "ZeroDivisionError");
  }
  run_rows(row, type, at, dtypes, params);
  return Status::kOk;
}

Status compare(CompareOp op, DType compute, const Strided<3>& at, const DType (&dtypes)[3]) {
  const DType type = is_stored_only(compute) ? stand_in(op, compute) : formula_type(compute);
  const Row row = compare_row(op, type);
  if (!row.fn) return unsupported_dtype(op_name(op), compute);
  run_rows(row, type, at, dtypes, nullptr);
  return Status::kOk;
}

Status ternary(TernaryOp op, DType compute, const Strided<4>& at, const DType (&dtypes)[4],
               const double* params) {
  const DType type = formula_type(compute);
  const Row row = ternary_row(op, type);
  if (!row.fn) return unsupported_dtype(op_name(op), compute);
  run_rows(row, type, at, dtypes, params);
  return Status::kOk;
}

void convert_elements(const RowData& data, int64_t n, const void* context) {
  (*static_cast<const Conversion*>(context))(data[0], data[1], n);
}

Status copy(const Strided<2>& at, DType out, DType in) {
  if (out == in) {
    move_space(at, static_cast<int>(item_size(out)));
    return Status::kOk;
  }
  const Conversion convert(out, in);
  if (!convert) {  // the bits are the same
    move_space(at, static_cast<int>(item_size(out)));
    return Status::kOk;
  }
  const DType dtypes[2] = {out, in};
  run_rows(Row{convert_elements, out, in, Cost::kMemory}, in, at, dtypes, &convert);
  return Status::kOk;
}

template <class Word>
void fill_row(const RowData& data, int64_t n, const void* context) {
  fill_words<Word>(data[0], context, n);
}

Status fill(const Strided<1>& at, DType dtype, const void* value) {
  RowFn fn = fill_row<Word16>;
  switch (item_size(dtype)) {
    case 1:
      fn = fill_row<uint8_t>;
      break;
    case 2:
      fn = fill_row<uint16_t>;
      break;
    case 4:
      fn = fill_row<uint32_t>;
      break;
    case 8:
      fn = fill_row<uint64_t>;
      break;
    default:
      break;
  }
  const DType dtypes[1] = {dtype};
  run_rows(Row{fn, dtype, dtype, Cost::kMemory}, dtype, at, dtypes, value);
  return Status::kOk;
}

}  // namespace

void fill_pointwise(PointwiseKernels& table) {
  table.unary = unary;
  table.binary = binary;
  table.compare = compare;
  table.ternary = ternary;
  table.copy = copy;
  table.fill = fill;
}

}  // namespace tallow::cpu::TALLOW_ISA
