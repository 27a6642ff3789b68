#include "ops/creation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "ops/arithmetic.h"
#include "ops/copy.h"
#include "ops/index.h"
#include "ops/kernel.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// Writes `value` to all of a fresh, dense tensor.
Tensor filled(const Tensor& fresh, const Scalar& value) {
  if (fresh.numel() == 0) return fresh;
  alignas(16) char element[16];
  check_fits(fresh, value);
  value.store(fresh.dtype(), element);
  Strided<1> at;
  at.data[0] = fresh.ptr();
  at.numel = fresh.numel();
  at.ndim = 1;
  at.size[0] = fresh.numel();
  at.stride[0][0] = 1;
  run<&Backend::pointwise, &PointwiseKernels::fill>("fill", fresh.device(), at, fresh.dtype(),
                                                    static_cast<const void*>(element));
  return fresh;
}

// The number of elements of start, start + step, ... before end.
int64_t range_length(const Scalar& start, const Scalar& end, const Scalar& step, DType dtype) {
  TALLOW_CHECK(!step.equals(0), "step must be nonzero");
  const double first = start.to_double();
  const double last = end.to_double();
  TALLOW_CHECK(std::isfinite(first) && std::isfinite(last), "unsupported range: ", first, " -> ",
               last);
  const double by = step.to_double();
  TALLOW_CHECK((by > 0 && last >= first) || (by < 0 && last <= first),
               "upper bound and lower bound inconsistent with step sign");
  if (dtype == DType::kInt64) {  // in double it would lose its last bits
    const int64_t stride = step.to_int64();
    TALLOW_CHECK_VALUE(stride != 0, "step must be nonzero");
    const int64_t distance = end.to_int64() - start.to_int64();
    return (distance + stride - (stride > 0 ? 1 : -1)) / stride;
  }
  const double length = std::ceil((last - first) / by);
  TALLOW_CHECK(length >= 0 && length < 0x1p63, "invalid size, possible overflow?");
  return static_cast<int64_t>(length);
}

// A staircase over `row` rows: row r is cut at column clamp(r + shift, 0, col).
class Staircase {
 public:
  Staircase(int64_t row, int64_t col, __int128 shift) : row_(row), col_(col), shift_(shift) {}

  int64_t cut(int64_t r) const { return bounded(r + shift_, col_); }
  int64_t first_cut_row() const { return bounded(-shift_, row_); }  // cut(r) == 0 before
  int64_t first_full_row() const {
    return bounded(col_ - shift_, row_);
  }  // cut(r) == col from here

  // The number of elements left of the cut: an arithmetic series, then whole rows.
  __int128 area() const {
    using Wide = unsigned __int128;
    const int64_t begin = first_cut_row(), end = first_full_row();
    const Wide whole = static_cast<Wide>(row_ - end) * static_cast<Wide>(col_);
    if (end <= begin) return static_cast<__int128>(whole);
    const Wide ends = static_cast<Wide>((begin + shift_) + (end - 1 + shift_));
    return static_cast<__int128>(static_cast<Wide>(end - begin) * ends / 2 + whole);
  }

 private:
  static int64_t bounded(__int128 value, int64_t limit) {
    return static_cast<int64_t>(value < 0 ? 0 : value > limit ? limit : value);
  }

  int64_t row_, col_;
  __int128 shift_;
};

void check_triangle(const char* op, int64_t row, int64_t col, DType dtype) {
  TALLOW_CHECK(row >= 0, "row must be non-negative, got", row);
  TALLOW_CHECK(col >= 0, "col must be non-negative, got", col);
  TALLOW_CHECK(dtype == DType::kInt64 || dtype == DType::kInt32, '"', op,
               "\" not implemented for '", scalar_type_name(dtype), "'");
}

// The positions (r, c) with columns(r).first <= c < columns(r).second, row by row.
template <class Columns>
Tensor positions(__int128 count, int64_t first_row, int64_t last_row, DType dtype, Device device,
                 const Columns& columns) {
  constexpr __int128 kMost = std::numeric_limits<int64_t>::max() / 2;
  const int64_t length = static_cast<int64_t>(std::min(count, kMost));
  TALLOW_CHECK(count <= kMost, "Storage size calculation overflowed with sizes=[2, ", length, "]");
  const Tensor out = empty({2, length}, DType::kInt64);
  int64_t* rows = out.data<int64_t>();
  int64_t* at = rows + length;
  for (int64_t r = first_row; r < last_row; ++r) {
    const auto [first, last] = columns(r);
    for (int64_t c = first; c < last; ++c) {
      *rows++ = r;
      *at++ = c;
    }
  }
  return to_device(to_dtype(out, dtype), device);
}

}  // namespace

Tensor zeros(const Dims& size, DType dtype, Device device) {
  return filled(empty(size, dtype, device), false);
}

Tensor ones(const Dims& size, DType dtype, Device device) {
  return filled(empty(size, dtype, device), true);
}

Tensor full(const Dims& size, const Scalar& value, DType dtype, Device device) {
  return filled(empty(size, dtype, device), value);
}

Tensor zeros_like(const Tensor& like) { return filled(empty_like(like), false); }

Tensor ones_like(const Tensor& like) { return filled(empty_like(like), true); }

Tensor full_like(const Tensor& like, const Scalar& value) {
  return filled(empty_like(like), value);
}

Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, DType dtype,
              Device device) {
  const int64_t n = range_length(start, end, step, dtype);
  Tensor out = empty({n}, dtype, device);
  const bool integers = is_integral(dtype);
  run<&Backend::index, &IndexKernels::arange>(
      "arange", device, dtype, out.ptr(), n, start.to_double(), step.to_double(),
      integers ? start.to_int64() : 0, integers ? step.to_int64() : 0);
  return out;
}

Tensor linspace(const Scalar& start, const Scalar& end, int64_t steps, DType dtype, Device device) {
  TALLOW_CHECK(steps >= 0, "number of steps must be non-negative");
  if (steps == 1) return full({1}, start, dtype, device);
  Tensor out = empty({steps}, dtype, device);
  run<&Backend::index, &IndexKernels::linspace>("linspace", device, dtype, out.ptr(), steps,
                                                start.to_double(), end.to_double());
  return out;
}

Tensor logspace(const Scalar& start, const Scalar& end, int64_t steps, double base, DType dtype,
                Device device) {
  const DType exponents = is_floating(dtype) ? dtype : DType::kFloat64;
  const Tensor powers = linspace(start, end, steps, exponents, device);
  return to_dtype(pow(Scalar(base), powers), dtype);
}

Tensor eye(int64_t n, std::optional<int64_t> m, DType dtype, Device device) {
  TALLOW_CHECK(n >= 0, "n must be greater or equal to 0, got ", n);
  const int64_t columns = m.value_or(n);
  TALLOW_CHECK(columns >= 0, "m must be greater or equal to 0, got ", columns);
  Tensor out = zeros({n, columns}, dtype, device);
  const int64_t length = std::min(n, columns);
  if (length > 0 && !device.is_meta()) fill_(alias(out, {length}, {columns + 1}, 0), Scalar(true));
  return out;
}

Tensor tril_indices(int64_t row, int64_t col, int64_t offset, DType dtype, Device device) {
  check_triangle("tril_indices", row, col, dtype);
  const Staircase stairs(row, col, static_cast<__int128>(offset) + 1);
  return positions(stairs.area(), stairs.first_cut_row(), col == 0 ? 0 : row, dtype, device,
                   [&](int64_t r) { return std::pair<int64_t, int64_t>(0, stairs.cut(r)); });
}

Tensor triu_indices(int64_t row, int64_t col, int64_t offset, DType dtype, Device device) {
  check_triangle("triu_indices", row, col, dtype);
  const Staircase stairs(row, col, offset);
  const __int128 count = static_cast<__int128>(row) * col - stairs.area();
  return positions(count, 0, stairs.first_full_row(), dtype, device,
                   [&](int64_t r) { return std::pair<int64_t, int64_t>(stairs.cut(r), col); });
}

}  // namespace tallow::ops
