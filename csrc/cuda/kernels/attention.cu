// Attention without a matrix of all weights in memory. A warp has one query and goes through the
// keys 32 at a time, one score per lane; sums are kept relative to the largest score so far. The
// gradients of keys and values are gathered the other way round, a warp per key, so that nothing
// is added atomically.
// Source: T. Dao et al., "FlashAttention: Fast and Memory-Efficient Exact Attention", 2022.
#include "cuda/gpu.h"
#include "cuda/kernels/table.h"
#include "cuda/scratch.h"

namespace tallow::cuda {
namespace {

constexpr int kWarps = 4;
constexpr int kBlock = kWarps * kWarp;
// Columns of the result in the registers of a lane; wider results are cut among blocks.
constexpr int kLaneColumns = 4;
constexpr int kColumns = kLaneColumns * kWarp;

template <class T>
__device__ T* row_of(const AttentionOperand& x, int64_t batch, int64_t head, int64_t row) {
  return static_cast<T*>(x.data) + batch * x.batch_stride + head * x.head_stride +
         row * x.row_stride;
}

// A row of one of the heads, from a number that counts all of them.
struct Place {
  int64_t batch, head, row;
  __device__ Place(int64_t i, int64_t heads, int64_t rows)
      : batch(i / rows / heads), head(i / rows % heads), row(i % rows) {}
};
__device__ int64_t warp_of_grid() {
  return static_cast<int64_t>(blockIdx.x) * kWarps + warp_index();
}
LaunchShape shape_for(int64_t rows, int64_t columns) {
  return {{grid_for(rows, kWarps), grid_for(columns, kColumns)}, kBlock};
}

template <class T>
__device__ T dot(const T* a, const T* b, int64_t n) {
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// The score of a query and a key, -infinity where the key takes no part.
template <class T>
__device__ T score_of(const AttentionArgs& args, int64_t batch, int64_t head, int64_t query,
                      int64_t key) {
  const T hidden = -static_cast<T>(INFINITY);
  if (key >= args.keys || query >= args.queries || (args.causal && key > query)) return hidden;
  T summand = 0;
  if (args.mask) {
    const int64_t* const stride = args.mask_stride;
    const int64_t at = batch * stride[0] + head * stride[1] + query * stride[2] + key * stride[3];
    if (!args.mask_is_bool) {
      summand = static_cast<const T*>(args.mask)[at];
    } else if (!static_cast<const bool*>(args.mask)[at]) {
      return hidden;
    }
  }
  const int64_t key_head = head / (args.heads / args.key_heads);
  const T product = dot(row_of<const T>(args.query, batch, head, query),
                        row_of<const T>(args.key, batch, key_head, key), args.width);
  return product * static_cast<T>(args.scale) + summand;
}

// Adds sum over t < count of weight[t] * row(t)[column] to the lane's columns from `first` on.
template <class T, class Row>
__device__ void add_rows(const T* weight, int count, int64_t first, int64_t columns, const Row& row,
                         T (&sum)[kLaneColumns]) {
  for (int t = 0; t < count; ++t) {
    const T* const values = row(t);
    TL_UNROLL
    for (int c = 0; c < kLaneColumns; ++c) {
      const int64_t column = first + c * kWarp + lane_index();
      if (column < columns) sum[c] += weight[t] * values[column];
    }
  }
}
template <class T>
__device__ void store_columns(T* out, int64_t first, int64_t columns,
                              const T (&value)[kLaneColumns], T scale) {
  TL_UNROLL
  for (int c = 0; c < kLaneColumns; ++c) {
    const int64_t column = first + c * kWarp + lane_index();
    if (column < columns) out[column] = value[c] * scale;
  }
}

__device__ int64_t keys_seen(const AttentionArgs& args, int64_t query) {
  return args.causal ? min(args.keys, query + 1) : args.keys;
}
__device__ int in_tile(int64_t begin, int64_t end) {
  return static_cast<int>(min(end - begin, static_cast<int64_t>(kWarp)));
}

template <class T>
__global__ void forward_kernel(AttentionArgs args) {
  __shared__ T weights[kWarps][kWarp];
  T* const weight = weights[warp_index()];
  if (warp_of_grid() >= args.batch * args.heads * args.queries) return;
  const Place at(warp_of_grid(), args.heads, args.queries);
  const int64_t first_column = static_cast<int64_t>(blockIdx.y) * kColumns;
  const int64_t key_head = at.head / (args.heads / args.key_heads);
  const T none = -static_cast<T>(INFINITY);
  T largest = none, sum = 0;
  T out[kLaneColumns] = {};
  const int64_t end = keys_seen(args, at.row);
  for (int64_t begin = 0; begin < end; begin += kWarp) {
    const T score = score_of<T>(args, at.batch, at.head, at.row, begin + lane_index());
    const T larger = Larger{}(largest, warp_reduce(score, Larger{}));
    if (larger == none) continue;
    const T shrink = exp(largest - larger);
    largest = larger;
    const T mine = exp(score - larger);
    sum = sum * shrink + mine;
    TL_UNROLL
    for (int c = 0; c < kLaneColumns; ++c) out[c] *= shrink;
    __syncwarp();  // the last tile's weights have been read
    weight[lane_index()] = mine;
    __syncwarp();
    add_rows(
        weight, in_tile(begin, end), first_column, args.value_width,
        [&](int t) { return row_of<const T>(args.value, at.batch, key_head, begin + t); }, out);
  }
  sum = warp_reduce(sum, Plus{});
  store_columns(row_of<T>(args.out, at.batch, at.head, at.row), first_column, args.value_width, out,
                sum == 0 ? T(0) : 1 / sum);
  if (blockIdx.y == 0 && lane_index() == 0) {
    static_cast<T*>(args.logsumexp)[warp_of_grid()] =
        sum == 0 ? static_cast<T>(INFINITY) : largest + log(sum);
  }
}

// ---- Gradients. With p the weight of a key and dp = grad_out . value, the gradient of its score
// is p * (dp - delta), where delta = grad_out . out.

template <class T>
struct Slopes {
  const AttentionArgs& args;
  const AttentionGrads& grads;
  const T* delta;

  struct Pair {
    T weight, score;  // the weight, and the gradient of the score
  };
  // `query` and `key` may be out of range.
  __device__ Pair operator()(int64_t batch, int64_t head, int64_t query, int64_t key) const {
    const T score = score_of<T>(args, batch, head, query, key);
    if (score == -static_cast<T>(INFINITY)) return {0, 0};
    const int64_t row = (batch * args.heads + head) * args.queries + query;
    const T weight = exp(score - static_cast<const T*>(args.logsumexp)[row]);
    const int64_t key_head = head / (args.heads / args.key_heads);
    const T product = dot(row_of<const T>(grads.grad_out, batch, head, query),
                          row_of<const T>(args.value, batch, key_head, key), args.value_width);
    return {weight, weight * (product - delta[row])};
  }
};

template <class T>
__global__ void delta_kernel(AttentionArgs args, AttentionGrads grads, T* delta) {
  const int64_t i = global_index();
  if (i >= args.batch * args.heads * args.queries) return;
  const Place at(i, args.heads, args.queries);
  delta[i] = dot(row_of<const T>(grads.grad_out, at.batch, at.head, at.row),
                 row_of<const T>(args.out, at.batch, at.head, at.row), args.value_width);
}

template <class T>
__global__ void grad_query_kernel(AttentionArgs args, AttentionGrads grads, const T* delta) {
  __shared__ T slopes[kWarps][kWarp];
  T* const slope = slopes[warp_index()];
  if (warp_of_grid() >= args.batch * args.heads * args.queries) return;
  const Place at(warp_of_grid(), args.heads, args.queries);
  const int64_t first_column = static_cast<int64_t>(blockIdx.y) * kColumns;
  const int64_t key_head = at.head / (args.heads / args.key_heads);
  const Slopes<T> slope_of{args, grads, delta};
  T sum[kLaneColumns] = {};
  const int64_t end = keys_seen(args, at.row);
  for (int64_t begin = 0; begin < end; begin += kWarp) {
    __syncwarp();
    slope[lane_index()] = slope_of(at.batch, at.head, at.row, begin + lane_index()).score;
    __syncwarp();
    add_rows(
        slope, in_tile(begin, end), first_column, args.width,
        [&](int t) { return row_of<const T>(args.key, at.batch, key_head, begin + t); }, sum);
  }
  store_columns(row_of<T>(grads.query, at.batch, at.head, at.row), first_column, args.width, sum,
                static_cast<T>(args.scale));
}

template <class T>
__global__ void grad_key_value_kernel(AttentionArgs args, AttentionGrads grads, const T* delta) {
  __shared__ T slopes[kWarps][kWarp];
  __shared__ T weights[kWarps][kWarp];
  T* const slope = slopes[warp_index()];
  T* const weight = weights[warp_index()];
  if (warp_of_grid() >= args.batch * args.key_heads * args.keys) return;
  const Place at(warp_of_grid(), args.key_heads, args.keys);
  const int64_t first_column = static_cast<int64_t>(blockIdx.y) * kColumns;
  const int64_t group = args.heads / args.key_heads;
  const Slopes<T> slope_of{args, grads, delta};
  T grad_key[kLaneColumns] = {}, grad_value[kLaneColumns] = {};
  for (int64_t head = at.head * group; head < (at.head + 1) * group; ++head) {
    for (int64_t begin = args.causal ? at.row / kWarp * kWarp : 0; begin < args.queries;
         begin += kWarp) {
      const auto mine = slope_of(at.batch, head, begin + lane_index(), at.row);
      __syncwarp();
      slope[lane_index()] = mine.score;
      weight[lane_index()] = mine.weight;
      __syncwarp();
      const int count = in_tile(begin, args.queries);
      add_rows(
          slope, count, first_column, args.width,
          [&](int t) { return row_of<const T>(args.query, at.batch, head, begin + t); }, grad_key);
      add_rows(
          weight, count, first_column, args.value_width,
          [&](int t) { return row_of<const T>(grads.grad_out, at.batch, head, begin + t); },
          grad_value);
    }
  }
  store_columns(row_of<T>(grads.key, at.batch, at.head, at.row), first_column, args.width, grad_key,
                static_cast<T>(args.scale));
  store_columns(row_of<T>(grads.value, at.batch, at.head, at.row), first_column, args.value_width,
                grad_value, T(1));
}

Status forward(const AttentionArgs& args) {
  return by_dtype(Floating{}, args.dtype, "scaled_dot_product_attention", [&]<class T>() {
    const int64_t columns = args.value_width > 0 ? args.value_width : 1;
    return launch(shape_for(args.batch * args.heads * args.queries, columns), forward_kernel<T>,
                  args);
  });
}

Status backward(const AttentionArgs& args, const AttentionGrads& grads) {
  const char* const op = "scaled_dot_product_attention_backward";
  return by_dtype(Floating{}, args.dtype, op, [&]<class T>() -> Status {
    const int64_t rows = args.batch * args.heads * args.queries;
    Scratch<T> delta;
    TALLOW_CUDA_TRY(delta.allocate(rows));
    TALLOW_CUDA_TRY(
        launch({grid_for(rows, kBlock), kBlock}, delta_kernel<T>, args, grads, delta.get()));
    TALLOW_CUDA_TRY(
        launch(shape_for(rows, args.width), grad_query_kernel<T>, args, grads, delta.get()));
    const int64_t columns = args.width > args.value_width ? args.width : args.value_width;
    return launch(shape_for(args.batch * args.key_heads * args.keys, columns),
                  grad_key_value_kernel<T>, args, grads, delta.get());
  });
}

}  // namespace

void fill_attention(AttentionKernels& table) {
  table.forward = forward;
  table.backward = backward;
}

}  // namespace tallow::cuda
