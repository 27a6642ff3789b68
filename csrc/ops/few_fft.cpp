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

// Transforms the lines of one dimension, n elements at distance `inner`.
void transform_lines(Numbers& x, int64_t total, int64_t n, int64_t inner, bool inverse) {
  double cosines[kMostPoints], sines[kMostPoints], re[kMostPoints], im[kMostPoints];
  for (int64_t k = 0; k < n; ++k) {
    root(k, n, cosines[k], sines[k]);
    if (!inverse) sines[k] = -sines[k];
  }
  for (int64_t line = 0; line < total / n; ++line) {
    const int64_t first = line / inner * inner * n + line % inner;
    for (int64_t j = 0; j < n; ++j) {
      re[j] = x.re[first + j * inner];
      im[j] = x.im[first + j * inner];
    }
    for (int64_t k = 0; k < n; ++k) {
      double real = re[0], imaginary = im[0];
      for (int64_t j = 1, at = k; j < n; ++j, at = (at + k) % n) {
        real += re[j] * cosines[at] - im[j] * sines[at];
        imaginary += re[j] * sines[at] + im[j] * cosines[at];
      }
      x.re[first + k * inner] = real;
      x.im[first + k * inner] = imaginary;
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

// Calls visit(flat, offset) for the elements of a contiguous array of `shape`, in order, with the
// place that `strides` give them, for those inside `limit`.
template <class Visit>
void for_elements(const Dims& shape, const Dims& limit, const Dims& strides, const Visit& visit) {
  Dims at = Dims::filled(shape.size(), 0);
  int64_t total = 1;
  for (const int64_t size : shape) total *= size;
  for (int64_t flat = 0; flat < total; ++flat) {
    int64_t offset = 0;
    bool inside = true;
    for (int64_t d = 0; d < shape.size(); ++d) {
      offset += at[d] * strides[d];
      inside = inside && at[d] < limit[d];
    }
    if (inside) visit(flat, offset);
    for (int64_t d = shape.size() - 1; d >= 0 && ++at[d] == shape[d]; --d) at[d] = 0;
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
  for_elements(shape, limit, x.strides(), [&](int64_t flat, int64_t offset) {
    if (is_complex(x.dtype())) {
      const T* const pair = static_cast<const T*>(x.ptr()) + 2 * offset;
      to.re[flat] = static_cast<double>(pair[0]);
      to.im[flat] = static_cast<double>(request.conjugate_input ? -pair[1] : pair[1]);
    } else {
      to.re[flat] = static_cast<double>(static_cast<const T*>(x.ptr())[offset]);
    }
  });
}

template <class T>
void store(const Numbers& from, const Request& request, const Dims& shape, const Tensor& out) {
  const bool real = request.of_half;
  for_elements(shape, out.sizes(), out.strides(), [&](int64_t flat, int64_t offset) {
    T* const to = static_cast<T*>(out.ptr()) + (real ? offset : 2 * offset);
    to[0] = static_cast<T>(from.re[flat] * request.scale);
    if (real) return;
    const double imaginary = from.im[flat] * request.scale;
    to[1] = static_cast<T>(request.conjugate_result ? -imaginary : imaginary);
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
