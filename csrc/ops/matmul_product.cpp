#include "ops/matmul_product.h"

#include <algorithm>

#include "backend/matmul.h"
#include "core/error.h"
#include "autograd/grad_mode.h"
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

// Strides of `tensor` as if it had the shape `sizes` followed by (rows, columns).
Dims full_strides(const Tensor& tensor, const Dims& sizes, int64_t rows, int64_t columns) {
  Dims target = sizes;
  target.push_back(rows);
  target.push_back(columns);
  return broadcast_strides(tensor.sizes(), tensor.strides(), target);
}

MatmulOperand operand(const Tensor& tensor, const Dims& strides) {
  const int64_t d = strides.size();
  return {tensor.ptr(), {0, 0, strides[d - 2], strides[d - 1]}};
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
  return tensor.dim() == 2 ? tensor : reshape(tensor, {-1, tensor.size(-1)});
}

}  // namespace

Tensor product(const char* op, const Tensor& a_given, const Tensor& b_given, const Tensor& init,
               const Scalar& beta, const Scalar& alpha) {
  TALLOW_CHECK(a_given.device() == b_given.device(),
               "Expected all tensors to be on the same device, but got ", a_given.device(), " and ",
               b_given.device(), " in ", op);
  const int64_t m = a_given.size(-2), k = a_given.size(-1), n = b_given.size(-1);
  const Tensor a = packed_vector(a_given, -1, m == 1);
  const Tensor b = packed_vector(b_given, -2, n == 1);
  const bool floating = is_floating(a.dtype());
  if (!floating && !(is_one(alpha) && is_one(beta))) {
    // The kernel scales floating types only. Factors of integers are cut to integers.
    const NoGradGuard guard;
    const auto factor = [&](const Scalar& given) {
      return is_complex(a.dtype()) ? given : Scalar(given.to_int64());
    };
    const Tensor plain = scaled(product(op, a, b), factor(alpha));
    return init.defined() ? add(scaled(init, factor(beta)), plain) : plain;
  }
  Batch batch;
  if (a.dim() > 2 || b.dim() > 2) {
    batch.sizes = broadcast_shapes(Dims(a.sizes().data(), a.dim() - 2),
                                   Dims(b.sizes().data(), b.dim() - 2));
  }
  Dims shape = batch.sizes;
  shape.push_back(m);
  shape.push_back(n);
  const Tensor out = empty(shape, a.dtype(), a.device());
  if (out.numel() == 0) return out;
  TALLOW_CHECK_NOT_IMPLEMENTED(a.dtype() != DType::kBool || k == 0, "\"", op,
                               "\" not implemented for 'Bool'");
  if (a.dtype() == DType::kBool) {
    const NoGradGuard guard;
    return zero_(out);
  }
  MatmulArgs args{};
  args.dtype = a.dtype();
  args.m = m;
  args.n = n;
  args.k = k;
  const Dims strides[3] = {
      full_strides(a, batch.sizes, m, k), full_strides(b, batch.sizes, k, n),
      init.defined() ? full_strides(init, batch.sizes, m, n) : Dims::filled(shape.size(), 0)};
  args.a = operand(a, strides[0]);
  args.b = operand(b, strides[1]);
  if (init.defined()) args.init = operand(init, strides[2]);
  for (int i = 0; i < 3; ++i) batch.steps[i] = Dims(strides[i].data(), batch.sizes.size());
  args.c = out.ptr();
  args.c_stride[2] = n;
  args.alpha = floating ? alpha.to_double() : 1;
  args.beta = floating ? beta.to_double() : 1;
  batch.merge();
  fold_rows(args, batch, init.defined());
  run_batches(op, args, batch, out.device(), 0);
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
