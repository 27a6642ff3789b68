// Masks: counting and finding elements that are not zero, writing where a mask is set.
#include "cuda/kernels/chunks.h"
#include "cuda/kernels/formulas.h"
#include "cuda/kernels/words.h"

#include "backend/index.h"
#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

template <class T>
struct IsSet {
  const T* data;
  __device__ bool operator()(int64_t i) const {
    if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
      return static_cast<float>(data[i]) != 0;
    } else {
      return data[i] != T(0);
    }
  }
};

Status count_nonzero(DType dtype, const void* in, int64_t n, int64_t* count) {
  *count = 0;
  if (n == 0) return Status::kOk;
  return by_dtype(All{}, dtype, "nonzero_cuda", [&]<class T>() -> Status {
    ChunkStarts starts;
    TALLOW_CUDA_TRY(starts.find(IsSet<T>{static_cast<const T*>(in)}, n));
    return starts.read_total(count);
  });
}

// Writes the coordinates of an element.
struct StorePlace {
  int64_t* out;
  int64_t place_stride, dim_stride;
  int64_t ndim;
  int64_t sizes[kMaxDims];

  __device__ void operator()(int64_t i, int64_t number, bool passes) const {
    if (!passes) return;
    int64_t* const coordinates = out + number * place_stride;
    for (int64_t d = ndim - 1; d > 0; --d) {
      coordinates[d * dim_stride] = i % sizes[d];
      i /= sizes[d];
    }
    if (ndim > 0) coordinates[0] = i;
  }
};

Status nonzero(DType dtype, const void* in, const int64_t* sizes, int64_t ndim, int64_t count,
               int64_t* out, int64_t place_stride, int64_t dim_stride) {
  if (count == 0) return Status::kOk;
  StorePlace store{out, place_stride, dim_stride, ndim, {}};
  int64_t n = 1;
  for (int64_t d = 0; d < ndim; ++d) n *= store.sizes[d] = sizes[d];
  return by_dtype(All{}, dtype, "nonzero_cuda", [&]<class T>() -> Status {
    const IsSet<T> test{static_cast<const T*>(in)};
    ChunkStarts starts;
    TALLOW_CUDA_TRY(starts.find(test, n));
    return launch(chunk_shape(starts.chunks), number_chunks<IsSet<T>, StorePlace>, test, store, n,
                  starts.chunks, starts.counts.get());
  });
}

template <class W>
__global__ void fill_masked(W* out, const W* in, const bool* mask, W value, Layout<3> layout,
                            int64_t n) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    int64_t at[3];
    layout.offsets(i, at);
    out[at[0]] = mask[at[2]] ? value : in[at[1]];
  }
}

Status masked_fill(DType dtype, const Strided<3>& operands, const void* value) {
  if (operands.numel == 0) return Status::kOk;
  TALLOW_CUDA_TRY(check_dims("masked_fill", operands.ndim));
  return by_size(item_size(dtype), [&]<class W>() {
    W word;
    memcpy(&word, value, sizeof(W));
    return launch(threads_for(operands.numel), fill_masked<W>, static_cast<W*>(operands.data[0]),
                  static_cast<const W*>(operands.data[1]),
                  static_cast<const bool*>(operands.data[2]), word, layout_of(operands),
                  operands.numel);
  });
}

}  // namespace

void fill_index_masks(IndexKernels& table) {
  table.count_nonzero = count_nonzero;
  table.nonzero = nonzero;
  table.masked_fill = masked_fill;
}

}  // namespace tallow::cuda
