// Bernoulli with a tensor of probabilities, permutations, multinomial sampling, dropout.
#include "cuda/kernels/philox.h"

#include <cmath>

#include "backend/random.h"
#include "cuda/kernels/chunks.h"
#include "cuda/kernels/pointwise.h"
#include "cuda/kernels/scan.h"
#include "cuda/kernels/sorting.h"
#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

// ---- Bernoulli.

template <class P>
struct IsNoProbability {
  const P* p;
  Layout<2> layout;
  __device__ bool operator()(int64_t i) const {
    int64_t at[2];
    layout.offsets(i, at);
    const Compute<P> value = static_cast<Compute<P>>(p[at[1]]);
    return !(value >= 0 && value <= 1);
  }
};

template <class P>
__global__ void draw_bernoulli(PhiloxState state, void* out, DType dtype, const P* p,
                               Layout<2> layout, int64_t n) {
  using C = Compute<P>;
  constexpr int kPer = kDrawsPerBlock<C>;
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    const RandomWords words = random_block(state, static_cast<uint64_t>(i / kPer));
    int64_t at[2];
    layout.offsets(i, at);
    const C u = unit(draw_of<C>(words, static_cast<int>(i % kPer)));
    store_as(out, dtype, at[0], u < static_cast<C>(p[at[1]]));
  }
}

// The probabilities are looked at first, which waits for the device.
Status bernoulli(RandomStream* stream, DType dtype, DType p_dtype, const Strided<2>& out_and_p) {
  const int64_t n = out_and_p.numel;
  if (n == 0) return Status::kOk;
  TALLOW_CUDA_TRY(check_dims("bernoulli", out_and_p.ndim));
  return by_dtype(FloatingAndHalf{}, p_dtype, "bernoulli_tensor_cuda_p_", [&]<class P>() -> Status {
    const P* const p = static_cast<const P*>(out_and_p.data[1]);
    const Layout<2> layout = layout_of(out_and_p);
    ChunkStarts bad;
    int64_t count = 0;
    TALLOW_CUDA_TRY(bad.find(IsNoProbability<P>{p, layout}, n));
    TALLOW_CUDA_TRY(bad.read_total(&count));
    if (count > 0) {
      return fail(Status::kRuntimeError,
                  "Expected p_in >= 0 && p_in <= 1 to be true, but %lld elements are not so",
                  static_cast<long long>(count));
    }
    TALLOW_CUDA_TRY(launch(threads_for(n), draw_bernoulli<P>, stream->philox, out_and_p.data[0],
                           dtype, p, layout, n));
    stream->philox.offset += static_cast<uint64_t>(blocks_for(n, kDrawsPerBlock<Compute<P>>));
    return Status::kOk;
  });
}

// ---- Permutations: the order of random keys. Of 64 bits, so that equal ones do not matter.

__global__ void draw_keys(PhiloxState state, int64_t* keys, int64_t n) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    const RandomWords words = random_block(state, static_cast<uint64_t>(i / 2));
    keys[i] = static_cast<int64_t>(words.wide(static_cast<int>(i % 2)));
  }
}

__global__ void store_order(const Ranked<uint64_t>* items, void* out, DType dtype, int64_t n) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    store_as(out, dtype, i, static_cast<int64_t>(items[i].index));
  }
}

Status permutation(RandomStream* stream, DType dtype, void* out, int64_t n) {
  if (n == 0) return Status::kOk;
  Scratch<int64_t> keys;
  TALLOW_CUDA_TRY(keys.allocate(n));
  TALLOW_CUDA_TRY(launch(threads_for(n), draw_keys, stream->philox, keys.get(), n));
  stream->philox.offset += static_cast<uint64_t>(blocks_for(n, 2));
  SortedRows<int64_t> sorted;
  TALLOW_CUDA_TRY(sorted.sort(keys.get(), 1, n, false));
  return launch(threads_for(n), store_order, sorted.items(), out, dtype, n);
}

// ---- Multinomial: running sums, and a binary search for each sample.

template <class T>
struct RunningWeight {
  using A = double;
  double* out;
  const T* in;
  TL_HD A load(int64_t at, int64_t) const {
    return static_cast<double>(static_cast<Compute<T>>(in[at]));
  }
  TL_HD A join(A before, A next) const { return before + next; }
  TL_HD void store(A total, int64_t at) const { out[at] = total; }
};

__global__ void draw_categories(PhiloxState state, const double* sums, int64_t* out,
                                int64_t categories, Splitter samples, int64_t n) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    const double* const row = sums + samples.quotient(i) * categories;
    const RandomWords words = random_block(state, static_cast<uint64_t>(i / 2));
    const double wanted = unit(words.wide(static_cast<int>(i % 2))) * row[categories - 1];
    // The first whose sum is beyond; categories without weight are never that.
    int64_t low = 0, high = categories - 1;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (row[middle] <= wanted) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    out[i] = low;
  }
}

Status multinomial(RandomStream* stream, DType dtype, int64_t* out, const void* weights,
                   int64_t rows, int64_t categories, int64_t samples) {
  const int64_t n = rows * samples;
  if (n == 0) return Status::kOk;
  Scratch<double> sums;
  TALLOW_CUDA_TRY(sums.allocate(rows * categories));
  TALLOW_CUDA_TRY(by_dtype(FloatingAndHalf{}, dtype, "multinomial_kernel_cuda", [&]<class T>() {
    return scan_by(RunningWeight<T>{sums.get(), static_cast<const T*>(weights)}, rows, categories,
                   1);
  }));
  TALLOW_CUDA_TRY(launch(threads_for(n), draw_categories, stream->philox, sums.get(), out,
                         categories, Splitter(samples, n), n));
  stream->philox.offset += static_cast<uint64_t>(blocks_for(n, 2));
  return Status::kOk;
}

// ---- Dropout.

// What kept elements are multiplied with: 1 / (1 - p) as an element of the tensor's type.
template <class T>
Compute<T> kept_factor(double p) {
  using C = Compute<T>;
  return static_cast<C>(T(C(1) / static_cast<C>(1.0 - p)));
}

template <class T>
__global__ void drop(PhiloxState state, T* out, bool* mask, const T* in, int64_t n,
                     uint64_t threshold, Compute<T> factor) {
  using C = Compute<T>;
  for (int64_t block = global_index(); block * 4 < n; block += grid_stride()) {
    const RandomWords words = random_block(state, static_cast<uint64_t>(block));
    TL_UNROLL
    for (int k = 0; k < 4; ++k) {
      const int64_t i = block * 4 + k;
      if (i >= n) break;
      const bool kept = words.word(k) < threshold;
      mask[i] = kept;
      out[i] = T(static_cast<C>(in[i]) * (kept ? factor : C(0)));
    }
  }
}

Status dropout(RandomStream* stream, DType dtype, void* out, bool* mask, const void* in, int64_t n,
               double p) {
  if (n == 0) return Status::kOk;
  const int64_t blocks = blocks_for(n, 4);
  TALLOW_CUDA_TRY(by_dtype(FloatingAndHalf{}, dtype, "fused_dropout", [&]<class T>() {
    return launch(threads_for(blocks, 1), drop<T>, stream->philox, static_cast<T*>(out), mask,
                  static_cast<const T*>(in), n, static_cast<uint64_t>((1.0 - p) * 0x1p32),
                  kept_factor<T>(p));
  }));
  stream->philox.offset += static_cast<uint64_t>(blocks);
  return Status::kOk;
}

template <class T>
__global__ void scale_masked(T* out, const bool* mask, const T* in, int64_t n, Compute<T> factor) {
  using C = Compute<T>;
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    out[i] = T(static_cast<C>(in[i]) * (mask[i] ? factor : C(0)));
  }
}

Status masked_scale(DType dtype, void* out, const bool* mask, const void* in, int64_t n, double p) {
  if (n == 0) return Status::kOk;
  return by_dtype(FloatingAndHalf{}, dtype, "masked_scale", [&]<class T>() {
    return launch(threads_for(n), scale_masked<T>, static_cast<T*>(out), mask,
                  static_cast<const T*>(in), n, kept_factor<T>(p));
  });
}

}  // namespace

void fill_random_discrete(RandomKernels& table) {
  table.bernoulli = bernoulli;
  table.permutation = permutation;
  table.multinomial = multinomial;
  table.dropout = dropout;
  table.masked_scale = masked_scale;
}

}  // namespace tallow::cuda
