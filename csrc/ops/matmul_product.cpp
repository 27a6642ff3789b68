#include "ops/matmul_product.h"

#include <algorithm>
#include <string_view>

#include "autograd/grad_mode.h"
#include "backend/matmul.h"
#include "core/error.h"
#include "ops/arithmetic.h"
#include "ops/copy.h"
#include "ops/kernel.h"
#include "ops/matmul.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// The batch dimensions of a product, neighbours merged where all operands allow it: sizes, and the
// steps of a, b and init. The result is contiguous and always allows it.
struct Batch {
  Dims sizes;
  Dims steps[3];

  void merge() {
    Dims merged_sizes;
    Dims merged_steps[3];
    for (int64_t d = 0; d < sizes.size(); ++d) {
      if (sizes[d] == 1) continue;
      const int64_t last = merged_sizes.size() - 1;
      bool joins = last >= 0;
      for (int k = 0; joins && k < 3; ++k) joins = merged_steps[k][last] == steps[k][d] * sizes[d];
      if (joins) {
        merged_sizes[last] *= sizes[d];
        for (int k = 0; k < 3; ++k) merged_steps[k][last] = steps[k][d];
      } else {
        merged_sizes.push_back(sizes[d]);
        for (int k = 0; k < 3; ++k) merged_steps[k].push_back(steps[k][d]);
      }
    }
    sizes = merged_sizes;
    for (int k = 0; k < 3; ++k) steps[k] = merged_steps[k];
  }
};

Dims with_matrix(const Dims& batch, int64_t rows, int64_t columns) {
  Dims shape = batch;
  shape.push_back(rows);
  shape.push_back(columns);
  return shape;
}

// Rows of different batch entries that follow each other with one stride are rows of one matrix, if
// b is the same for all.
void fold_rows(MatmulArgs& args, Batch& batch, bool has_init) {
  const int64_t last = batch.sizes.size() - 1;
  if (last < 0 || batch.steps[1][last] != 0) return;
  if (batch.steps[0][last] != args.m * args.a.stride[2]) return;
  if (has_init && batch.steps[2][last] != args.m * args.init.stride[2]) return;
  args.m *= batch.sizes[last];
  batch.sizes.resize(last);
  for (Dims& steps : batch.steps) steps.resize(last);
}

TALLOW_INLINE const void* advance(const void* data, int64_t elements, DType dtype) {
  return data ? static_cast<const char*>(data) + elements * item_size(dtype) : nullptr;
}

// Runs the kernel for every index of the batch dimensions beyond the two it takes itself.
void run_batches(const char* op, MatmulArgs args, const Batch& batch, Device device, int64_t from) {
  const int64_t inner = batch.sizes.size() - from;
  if (inner <= 2) {
    for (int64_t d = 0; d < 2; ++d) {
      const int64_t at = batch.sizes.size() - 2 + d;
      const bool present = at >= from;
      args.batch[d] = present ? batch.sizes[at] : 1;
      args.a.stride[d] = present ? batch.steps[0][at] : 0;
      args.b.stride[d] = present ? batch.steps[1][at] : 0;
      args.init.stride[d] = present ? batch.steps[2][at] : 0;
    }
    args.c_stride[1] = args.m * args.n;
    args.c_stride[0] = args.batch[1] * args.c_stride[1];
    run<&Backend::matmul, &MatmulKernels::matmul>(op, device, args);
    return;
  }
  int64_t item = args.m * args.n;
  for (int64_t d = from + 1; d < batch.sizes.size(); ++d) item *= batch.sizes[d];
  for (int64_t i = 0; i < batch.sizes[from]; ++i) {
    MatmulArgs part = args;
    part.a.data = advance(args.a.data, i * batch.steps[0][from], args.dtype);
    part.b.data = advance(args.b.data, i * batch.steps[1][from], args.dtype);
    part.init.data = advance(args.init.data, i * batch.steps[2][from], args.dtype);
    part.c = const_cast<void*>(advance(args.c, i * item, args.dtype));
    run_batches(op, part, batch, device, from + 1);
  }
}

// A vector must be contiguous for the kernels that stream the other operand past it.
Tensor packed_vector(const Tensor& tensor, int64_t dim, bool is_vector) {
  if (!is_vector || tensor.stride(dim) == 1 || tensor.size(dim) <= 1) return tensor;
  const NoGradGuard guard;
  return contiguous(tensor);
}

bool is_one(const Scalar& scalar) { return !scalar.is_complex() && scalar.to_double() == 1; }

bool is_transposed(const Tensor& tensor) {
  return tensor.dim() == 2 && tensor.strides()[0] == 1 &&
         tensor.strides()[1] >= std::max<int64_t>(tensor.sizes()[0], 2);
}

Tensor scaled(const Tensor& tensor, const Scalar& factor) {
  return is_one(factor) ? tensor : mul(tensor, factor);
}

Tensor conjugate_transpose(const Tensor& tensor) {
  return transpose(is_complex(tensor.dtype()) ? conj(tensor) : tensor, -2, -1);
}

// (*, rows, columns) as one matrix.
Tensor as_matrix(const Tensor& tensor) {
  if (tensor.dim() == 2) return tensor;
  int64_t rows = 1;
  for (int64_t d = 0; d + 1 < tensor.dim(); ++d) rows *= tensor.sizes()[d];
  return reshape(tensor, {rows, tensor.size(-1)});
}

// The last two dimensions of an operand; a matrix that has only one, or none, is repeated.
MatmulOperand matrix_of(const Tensor& tensor) {
  const int64_t d = tensor.dim();
  const auto step = [&](int64_t at) {
    return at >= 0 && tensor.sizes()[at] != 1 ? tensor.strides()[at] : 0;
  };
  return {tensor.ptr(), {0, 0, step(d - 2), step(d - 1)}};
}

// What single matrices and batches have in common.
MatmulArgs make_args(const Tensor& a, const Tensor& b, const Tensor& init, const Scalar& beta,
                     const Scalar& alpha, const Tensor& out) {
  MatmulArgs args{};
  args.dtype = a.dtype();
  args.batch[0] = args.batch[1] = 1;
  args.m = a.size(-2);
  args.n = b.size(-1);
  args.k = a.size(-1);
  args.a = matrix_of(a);
  args.b = matrix_of(b);
  if (init.defined()) args.init = matrix_of(init);
  args.c = out.ptr();
  args.c_stride[2] = args.n;
  const bool scales = is_floating(a.dtype());
  args.alpha = scales ? alpha.to_double() : 1;
  args.beta = scales ? beta.to_double() : 1;
  return args;
}

// Fills `out`, whose leading dimensions are the broadcast ones of a and b.
void run_broadcast(const char* op, MatmulArgs args, const Tensor& a, const Tensor& b,
                   const Tensor& init, const Tensor& out) {
  Batch batch;
  batch.sizes = Dims(out.sizes().data(), out.dim() - 2);
  const Tensor* const operands[3] = {&a, &b, &init};
  for (int i = 0; i < 3; ++i) {
    if (!operands[i]->defined()) {
      batch.steps[i] = Dims::filled(batch.sizes.size(), 0);
      continue;
    }
    const Dims strides = broadcast_strides(
        operands[i]->sizes(), operands[i]->strides(),
        with_matrix(batch.sizes, i == 1 ? args.k : args.m, i == 0 ? args.k : args.n));
    batch.steps[i] = Dims(strides.data(), batch.sizes.size());
  }
  batch.merge();
  fold_rows(args, batch, init.defined());
  run_batches(op, args, batch, out.device(), 0);
}

// PyTorch multiplies matrices of 8-bit floating point, but not batches or vectors of them. The sums
// are of floats.
Tensor stored_product(const char* op, const Tensor& a, const Tensor& b, const Tensor& init,
                      const Scalar& beta, const Scalar& alpha) {
  const DType dtype = a.dtype();
  TALLOW_CHECK_NOT_IMPLEMENTED(
      is_float8(dtype) && is_signed(dtype) && std::string_view(op) == "addmm_impl_cpu_", "\"", op,
      "\" not implemented for '", scalar_type_name(dtype), "'");
  const NoGradGuard guard;
  const auto wide = [](const Tensor& x) { return to_dtype(x, DType::kFloat32); };
  const Tensor start = init.defined() ? wide(init) : init;
  return to_dtype(product(op, wide(a), wide(b), start, beta, alpha), dtype);
}

}  // namespace

Tensor product(const char* op, const Tensor& a_given, const Tensor& b_given, const Tensor& init,
               const Scalar& beta, const Scalar& alpha) {
  TALLOW_CHECK(a_given.device() == b_given.device() &&
                   (!init.defined() || init.device() == a_given.device()),
               "Expected all tensors to be on the same device, but got ", a_given.device(), " and ",
               b_given.device(), " in ", op);
  const DType dtype = a_given.dtype();
  if (TALLOW_UNLIKELY(is_stored_only(dtype))) {
    return stored_product(op, a_given, b_given, init, beta, alpha);
  }
  if (!is_floating(dtype) && !(is_one(alpha) && is_one(beta))) {
    // The kernel scales floating types only. Factors of integers are cut to integers.
    const NoGradGuard guard;
    const auto factor = [&](const Scalar& given) {
      return is_complex(dtype) ? given : Scalar(given.to_int64());
    };
    const Tensor plain = scaled(product(op, a_given, b_given), factor(alpha));
    return init.defined() ? add(scaled(init, factor(beta)), plain) : plain;
  }
  const int64_t m = a_given.size(-2), n = b_given.size(-1);
  const bool single = a_given.dim() == 2 && b_given.dim() == 2;
  const Tensor out =
      empty(single ? Dims{m, n}
                   : with_matrix(broadcast_shapes(Dims(a_given.sizes().data(), a_given.dim() - 2),
                                                  Dims(b_given.sizes().data(), b_given.dim() - 2)),
                                 m, n),
            dtype, a_given.device());
  if (out.numel() == 0) return out;
  if (TALLOW_UNLIKELY(dtype == DType::kBool)) {
    TALLOW_CHECK_NOT_IMPLEMENTED(a_given.size(-1) == 0, "\"", op, "\" not implemented for 'Bool'");
    const NoGradGuard guard;
    return zero_(out);
  }
  const Tensor a = packed_vector(a_given, -1, m == 1);
  const Tensor b = packed_vector(b_given, -2, n == 1);
  MatmulArgs args = make_args(a, b, init, beta, alpha, out);
  if (TALLOW_LIKELY(single)) {
    args.c_stride[0] = args.c_stride[1] = m * n;
    run<&Backend::matmul, &MatmulKernels::matmul>(op, out.device(), args);
  } else {
    run_broadcast(op, args, a, b, init, out);
  }
  return out;
}

Tensor left_gradient(const Tensor& grad, const Tensor& a, const Tensor& b, const Scalar& alpha) {
  const Tensor result = is_transposed(a) && b.dim() == 2
                            ? t(mm(is_complex(b.dtype()) ? conj(b) : b, t(as_matrix(grad))))
                            : matmul(grad, conjugate_transpose(b));
  return scaled(result, alpha);
}

Tensor right_gradient(const Tensor& grad, const Tensor& a, const Tensor& b, const Scalar& alpha) {
  Tensor result;
  if (b.dim() > 2) {
    result = matmul(conjugate_transpose(a), grad);
  } else if (is_transposed(b)) {
    const Tensor rows = as_matrix(is_complex(a.dtype()) ? conj(a) : a);
    result = t(mm(t(as_matrix(grad)), rows));
  } else {
    result = mm(conjugate_transpose(as_matrix(a)), as_matrix(grad));
  }
  return scaled(result, alpha);
}

}  // namespace tallow::ops
