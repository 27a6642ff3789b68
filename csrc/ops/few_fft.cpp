// Fourier transforms of few numbers, see few.h.
#include <cmath>

#include "autograd/record.h"
#include "ops/few.h"

namespace tallow::ops {

namespace {

constexpr int64_t kMostPoints = 32;  // of one dimension: the sums are taken as they are written
constexpr int64_t kMostElements = 1024;

struct Numbers {
  double re[kMostElements], im[kMostElements];
};

// What to transform: of each dimension in `dims` the first sizes[i] elements, or zeros.
struct Request {
  Dims dims, sizes;
  bool inverse, of_half, to_half, conjugate_input, conjugate_result;
  double scale;
};

// exp(2 pi i k / n), exact at multiples of an eighth of the circle.
void root(int64_t k, int64_t n, double& re, double& im) {
  const int64_t quarter = 4 * k / n;
  const int64_t rest = 4 * k % n;
  const double angle = static_cast<double>(rest) / static_cast<double>(n) * (M_PI / 2);
  double c = 2 * rest == n ? M_SQRT1_2 : std::cos(angle);
  double s = 2 * rest == n ? M_SQRT1_2 : std::sin(angle);
  for (int64_t turn = 0; turn < quarter; ++turn) {
    const double old = c;
    c = -s;
    s = old;
  }
  re = c;
  im = s;
}

// Transforms the lines of one dimension, n elements at distance `inner`. Elements j and n - j meet
// the same cosine and opposite sines, and so do results k and n - k: one pass over half of the
// elements gives both. The transform of real numbers comes out exactly Hermitian.
void transform_lines(Numbers& x, int64_t total, int64_t n, int64_t inner, bool inverse) {
  double cosines[kMostPoints], sines[kMostPoints];
  for (int64_t k = 0; k < n; ++k) {
    root(k, n, cosines[k], sines[k]);
    if (!inverse) sines[k] = -sines[k];
  }
  const int64_t pairs = (n - 1) / 2;
  double sum_re[kMostPoints], sum_im[kMostPoints], gap_re[kMostPoints], gap_im[kMostPoints];
  for (int64_t line = 0; line < total / n; ++line) {
    double* const re = x.re + line / inner * inner * n + line % inner;
    double* const im = x.im + line / inner * inner * n + line % inner;
    for (int64_t j = 1; j <= pairs; ++j) {
      const int64_t left = j * inner, right = (n - j) * inner;
      sum_re[j] = re[left] + re[right];
      sum_im[j] = im[left] + im[right];
      gap_re[j] = re[left] - re[right];
      gap_im[j] = im[left] - im[right];
    }
    const double first_re = re[0], first_im = im[0];
    const double middle_re = n % 2 == 0 ? re[n / 2 * inner] : 0;
    const double middle_im = n % 2 == 0 ? im[n / 2 * inner] : 0;
    for (int64_t k = 0; k <= n / 2; ++k) {
      double even_re = first_re + (k % 2 == 0 ? middle_re : -middle_re);
      double even_im = first_im + (k % 2 == 0 ? middle_im : -middle_im);
      double odd_re = 0, odd_im = 0;
      for (int64_t j = 1, at = k; j <= pairs; ++j) {
        even_re += sum_re[j] * cosines[at];
        even_im += sum_im[j] * cosines[at];
        odd_re += gap_re[j] * sines[at];
        odd_im += gap_im[j] * sines[at];
        at += k;
        if (at >= n) at -= n;
      }
      if (k > 0) {
        re[(n - k) * inner] = even_re + odd_im;
        im[(n - k) * inner] = even_im - odd_re;
      }
      re[k * inner] = even_re - odd_im;
      im[k * inner] = even_im + odd_re;
    }
  }
}

// Completes lines of which the first half is there to spectra of real numbers.
void mirror_lines(Numbers& x, int64_t total, int64_t n, int64_t inner) {
  for (int64_t line = 0; line < total / n; ++line) {
    const int64_t first = line / inner * inner * n + line % inner;
    x.im[first] = 0;
    if (n % 2 == 0) x.im[first + n / 2 * inner] = 0;
    for (int64_t k = n / 2 + 1; k < n; ++k) {
      x.re[first + k * inner] = x.re[first + (n - k) * inner];
      x.im[first + k * inner] = -x.im[first + (n - k) * inner];
    }
  }
}

// Calls visit(flat, offset, count) for the rows of a contiguous array of `shape`: where a row
// begins, and where its first element lies by `strides`. Rows end at `limit`, and those outside of
// it are left out.
template <class Visit>
void for_rows(const Dims& shape, const Dims& limit, const Dims& strides, const Visit& visit) {
  const int64_t last = shape.size() - 1;
  Dims at = Dims::filled(shape.size(), 0);
  int64_t rows = 1;
  for (int64_t d = 0; d < last; ++d) rows *= shape[d];
  for (int64_t row = 0; row < rows; ++row) {
    int64_t offset = 0;
    bool inside = true;
    for (int64_t d = 0; d < last; ++d) {
      offset += at[d] * strides[d];
      inside = inside && at[d] < limit[d];
    }
    if (inside) visit(row * shape[last], offset, limit[last]);
    for (int64_t d = last - 1; d >= 0 && ++at[d] == shape[d]; --d) at[d] = 0;
  }
}

template <class T>
void load(const Tensor& x, const Request& request, const Dims& shape, Numbers& to) {
  Dims limit = x.sizes();
  for (int64_t d = 0; d < limit.size(); ++d) limit[d] = std::min(limit[d], shape[d]);
  if (request.of_half) {
    const int64_t last = request.dims.back();
    limit[last] = std::min(x.sizes()[last], request.sizes.back() / 2 + 1);
  }
  const bool complex = is_complex(x.dtype());
  const double sign = request.conjugate_input ? -1 : 1;
  const int64_t step = x.strides()[x.dim() - 1];
  for_rows(shape, limit, x.strides(), [&](int64_t flat, int64_t offset, int64_t count) {
    if (!complex) {
      const T* const row = static_cast<const T*>(x.ptr()) + offset;
      for (int64_t i = 0; i < count; ++i) to.re[flat + i] = static_cast<double>(row[i * step]);
      return;
    }
    const T* const row = static_cast<const T*>(x.ptr()) + 2 * offset;
    for (int64_t i = 0; i < count; ++i) {
      to.re[flat + i] = static_cast<double>(row[2 * i * step]);
      to.im[flat + i] = sign * static_cast<double>(row[2 * i * step + 1]);
    }
  });
}

// `out` is new and contiguous.
template <class T>
void store(const Numbers& from, const Request& request, const Dims& shape, const Tensor& out) {
  const bool real = request.of_half;
  const double scale = request.scale;
  const double turned = request.conjugate_result ? -scale : scale;
  for_rows(shape, out.sizes(), out.strides(), [&](int64_t flat, int64_t offset, int64_t count) {
    T* const row = static_cast<T*>(out.ptr()) + (real ? offset : 2 * offset);
    for (int64_t i = 0; i < count; ++i) {
      row[real ? i : 2 * i] = static_cast<T>(from.re[flat + i] * scale);
      if (!real) row[2 * i + 1] = static_cast<T>(from.im[flat + i] * turned);
    }
  });
}

template <class T>
Tensor transform(const Tensor& x, const Request& request) {
  Dims shape = x.sizes();
  int64_t total = 1;
  for (int64_t i = 0; i < request.dims.size(); ++i) shape[request.dims[i]] = request.sizes[i];
  for (const int64_t size : shape) total *= size;
  if (total > kMostElements) return {};
  Numbers numbers;
  std::fill(numbers.re, numbers.re + total, 0.0);
  std::fill(numbers.im, numbers.im + total, 0.0);
  load<T>(x, request, shape, numbers);
  const Dims steps = contiguous_strides(shape);
  for (int64_t i = 0; total > 0 && i < request.dims.size(); ++i) {
    const int64_t d = request.dims[i];
    if (request.of_half && i + 1 == request.dims.size()) {
      mirror_lines(numbers, total, shape[d], steps[d]);
    }
    transform_lines(numbers, total, shape[d], steps[d], request.inverse);
  }
  Dims result = shape;
  if (request.to_half) result[request.dims.back()] = request.sizes.back() / 2 + 1;
  const DType real = dtype_of<T>;
  const DType dtype = request.of_half           ? real
                      : real == DType::kFloat32 ? DType::kComplex64
                                                : DType::kComplex128;
  const Tensor out = empty(result, dtype);
  store<T>(numbers, request, shape, out);
  return out;
}

bool set_dims(const Tensor& x, const std::optional<Dims>& s, const std::optional<Dims>& dim,
              Request& request) {
  const int64_t count = dim ? dim->size() : s ? s->size() : x.dim();
  if (count == 0 || count > x.dim() || (s && s->size() != count)) return false;
  uint64_t seen = 0;
  for (int64_t i = 0; i < count; ++i) {
    int64_t d = dim ? (*dim)[i] : x.dim() - count + i;
    if (d < 0) d += x.dim();
    if (d < 0 || d >= x.dim() || d > 63 || (seen >> d & 1)) return false;
    seen |= uint64_t{1} << d;
    int64_t n = s && (*s)[i] != -1 ? (*s)[i] : x.sizes()[d];
    if (request.of_half && i + 1 == count && !(s && (*s)[i] != -1)) n = 2 * (n - 1);
    if (n < 1 || n > kMostPoints) return false;
    request.dims.push_back(d);
    request.sizes.push_back(n);
  }
  return true;
}

bool set_scale(std::optional<std::string_view> norm, bool divides, Request& request) {
  double points = 1;
  for (const int64_t size : request.sizes) points *= static_cast<double>(size);
  if (norm == "ortho") {
    request.scale = 1 / std::sqrt(points);
  } else if (!norm || norm == "backward" || norm == "forward") {
    request.scale = (norm == "forward") != divides ? 1 / points : 1.0;
  } else {
    return false;
  }
  return true;
}

}  // namespace

Tensor fft_few(const Tensor& input, const std::optional<Dims>& s, const std::optional<Dims>& dim,
               std::optional<std::string_view> norm, int64_t kind_number) {
  const DType dtype = input.dtype();
  const bool complex = is_complex(dtype);
  const bool wide = dtype == DType::kFloat64 || dtype == DType::kComplex128;
  if (!wide && dtype != DType::kFloat32 && dtype != DType::kComplex64) return {};
  if (!input.device().is_cpu() || input.numel() > kMostElements || should_record({&input})) {
    return {};
  }
  const auto kind = static_cast<FftKind>(kind_number);
  Request request{};
  request.to_half = kind == FftKind::kToHalf || kind == FftKind::kToHermitian;
  request.of_half = kind == FftKind::kFromHalf || kind == FftKind::kHermitian;
  request.inverse = kind == FftKind::kInverse || request.of_half;
  request.conjugate_input = kind == FftKind::kHermitian;
  request.conjugate_result = kind == FftKind::kToHermitian;
  const bool divides =
      kind == FftKind::kInverse || kind == FftKind::kFromHalf || kind == FftKind::kToHermitian;
  if (request.to_half && complex) return {};
  if (!set_dims(input, s, dim, request) || !set_scale(norm, divides, request)) return {};
  return wide ? transform<double>(input, request) : transform<float>(input, request);
}

}  // namespace tallow::ops
