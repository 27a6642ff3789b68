#include "cuda/lib/gemm_layout.h"

#include <cstring>
#include <utility>

namespace tallow::cuda {

namespace {

// The transpose of a rows x columns operand with these strides, or the operand itself
// (*transposed), as a stored matrix. Strides along a dimension of one element mean nothing.
bool store(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride,
           StoredMatrix* out, int32_t* transposed) {
  const auto fits = [](int64_t inner, int64_t inner_stride, int64_t outer, int64_t outer_stride) {
    return (inner == 1 || inner_stride == 1) && (outer == 1 || outer_stride >= inner);
  };
  if (fits(columns, column_stride, rows, row_stride)) {
    *transposed = 0;
    *out = {columns, rows, rows == 1 ? columns : row_stride, 0};
    return true;
  }
  if (fits(rows, row_stride, columns, column_stride)) {
    *transposed = 1;
    *out = {rows, columns, columns == 1 ? rows : column_stride, 0};
    return true;
  }
  return false;
}

// Steps of the batch for a, b, init and c.
struct Steps {
  int64_t size;
  int64_t step[4];
};

Steps steps_of(const MatmulArgs& args, int d) {
  return {args.batch[d],
          {args.a.stride[d], args.b.stride[d], args.init.data ? args.init.stride[d] : 0,
           args.c_stride[d]}};
}

// One batch where both are steps of the same, with `outer` around `inner`.
bool merge(const Steps& outer, Steps* inner) {
  for (int i = 0; i < 4; ++i) {
    if (outer.step[i] != inner->step[i] * inner->size) return false;
  }
  inner->size *= outer.size;
  return true;
}

}  // namespace

bool lay_out(const MatmulArgs& args, GemmBatches* out) {
  std::memset(out, 0, sizeof(*out));
  GemmLayout& g = out->layout;
  g.dtype = static_cast<int32_t>(args.dtype);
  if (!store(args.k, args.n, args.b.stride[2], args.b.stride[3], &g.a, &g.transpose_a) ||
      !store(args.m, args.k, args.a.stride[2], args.a.stride[3], &g.b, &g.transpose_b)) {
    return false;
  }
  int32_t turned = 0;
  if (!store(args.m, args.n, args.c_stride[2], 1, &g.d, &turned) || turned) return false;
  g.c = g.d;

  Steps outer = steps_of(args, 0);
  Steps inner = steps_of(args, 1);
  if (outer.size == 1 || merge(outer, &inner)) {
    outer = {1, {}};
  } else if (inner.size == 1) {
    std::swap(inner, outer);
    outer = {1, {}};
  } else if (outer.size > inner.size) {
    std::swap(inner, outer);
  }

  if (args.init.data) {
    const int64_t* const stride = args.init.stride;
    const bool shared = (inner.size == 1 || inner.step[2] == 0);
    if (args.m > 1 && stride[2] == 0 && (args.n == 1 || stride[3] == 1) && args.beta == 1 &&
        shared) {
      g.bias = 1;
    } else if (!store(args.m, args.n, stride[2], stride[3], &g.c, &turned) || turned) {
      return false;
    }
  }
  g.batch = inner.size;
  if (g.batch > 1) {
    g.a.stride = inner.step[1];
    g.b.stride = inner.step[0];
    g.d.stride = inner.step[3];
    g.c.stride = args.init.data && !g.bias ? inner.step[2] : inner.step[3];
  }
  out->loops = outer.size;
  out->step_a = outer.step[0];
  out->step_b = outer.step[1];
  out->step_init = outer.step[2];
  out->step_c = outer.step[3];
  return true;
}

}  // namespace tallow::cuda
