// Matrix products of any strides, in batches.
#include "cuda/kernels/table.h"
#include "cuda/kernels/tile_product.h"

#include "backend/plugin.h"
#include "cuda/lib/vendor.h"

namespace tallow::cuda {
namespace {

// The arguments as the kernel takes them: no dtype, no void.
template <class T>
struct Product {
  int64_t batch[2];
  int64_t m, n, k;
  const T* a;
  const T* b;
  const T* init;
  T* c;
  int64_t a_stride[4], b_stride[4], init_stride[4], c_stride[3];
  Accumulator<T> alpha, beta;
};

template <class Tile, bool kALContiguous, bool kBLContiguous>
__global__ void __launch_bounds__(Tile::kThreads, 2)
    product_kernel(Product<typename Tile::Element> p) {
  using T = typename Tile::Element;
  using A = Accumulator<T>;
  const int64_t tiles = (p.n + Tile::kSide - 1) / Tile::kSide;
  const int64_t first_row = blockIdx.x / tiles * Tile::kSide;
  const int64_t first_column = blockIdx.x % tiles * Tile::kSide;
  for (int64_t batch = blockIdx.y; batch < p.batch[0] * p.batch[1]; batch += gridDim.y) {
    const int64_t outer = batch / p.batch[1], inner = batch % p.batch[1];
    const T* const a = p.a + outer * p.a_stride[0] + inner * p.a_stride[1];
    const T* const b = p.b + outer * p.b_stride[0] + inner * p.b_stride[1];
    Tile tile;
    tile.template multiply<kALContiguous, kBLContiguous>(
        first_row, first_column, 0, p.k,
        [&](int64_t i, int64_t l) {
          const bool inside = i < p.m && l < p.k;
          return inside ? a[i * p.a_stride[2] + l * p.a_stride[3]] : T();
        },
        [&](int64_t j, int64_t l) {
          const bool inside = j < p.n && l < p.k;
          return inside ? b[l * p.b_stride[2] + j * p.b_stride[3]] : T();
        });
    const T* const init = p.init + outer * p.init_stride[0] + inner * p.init_stride[1];
    T* const c = p.c + outer * p.c_stride[0] + inner * p.c_stride[1];
    tile.store(first_row, first_column, p.m, p.n, [&](int64_t i, int64_t j, const A& value) {
      A result = p.alpha * value;
      if (p.init) {
        const T start = init[i * p.init_stride[2] + j * p.init_stride[3]];
        result = p.beta * as_term(start) + result;
      }
      c[i * p.c_stride[2] + j] = static_cast<T>(result);
    });
  }
}

template <class Tile>
Status launch_product(const Product<typename Tile::Element>& p) {
  constexpr int64_t kMostBatches = 65535;
  const int64_t batches = p.batch[0] * p.batch[1];
  const LaunchShape shape{
      {grid_for(tiles_of<Tile>(p.m, p.n), 1), grid_for(batches, 1, kMostBatches)}, Tile::kThreads};
  const bool a_by_l = p.a_stride[3] == 1 || p.a_stride[2] != 1;
  const bool b_by_l = p.b_stride[2] == 1 && p.b_stride[3] != 1;
  const auto kernel =
      a_by_l ? (b_by_l ? product_kernel<Tile, true, true> : product_kernel<Tile, true, false>)
             : (b_by_l ? product_kernel<Tile, false, true> : product_kernel<Tile, false, false>);
  return launch(shape, kernel, p);
}

template <class T>
Product<T> product_of(const MatmulArgs& args) {
  Product<T> p = {};
  p.m = args.m;
  p.n = args.n;
  p.k = args.k;
  p.a = static_cast<const T*>(args.a.data);
  p.b = static_cast<const T*>(args.b.data);
  p.init = static_cast<const T*>(args.init.data);
  p.c = static_cast<T*>(args.c);
  for (int d = 0; d < 2; ++d) p.batch[d] = args.batch[d];
  for (int d = 0; d < 4; ++d) {
    p.a_stride[d] = args.a.stride[d];
    p.b_stride[d] = args.b.stride[d];
    p.init_stride[d] = args.init.stride[d];
  }
  for (int d = 0; d < 3; ++d) p.c_stride[d] = args.c_stride[d];
  p.alpha = from_double<Accumulator<T>>(args.alpha);
  p.beta = from_double<Accumulator<T>>(args.beta);
  return p;
}

}  // namespace

Status matmul_by_kernel(const MatmulArgs& args) {
  return by_dtype(Multiplied{}, args.dtype, "matmul", [&]<class T>() {
    const Product<T> p = product_of<T>(args);
    if constexpr (dtype_of<T> == DType::kFloat32) {
      if (math_options() & kTf32Products) return launch_product<TensorTile<T>>(p);
    }
    return with_tile<T>(p.batch[0] * p.batch[1], p.m, p.n,
                        [&]<class Tile>() { return launch_product<Tile>(p); });
  });
}

}  // namespace tallow::cuda
