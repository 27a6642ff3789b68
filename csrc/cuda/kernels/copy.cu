// Conversions between element types, and constants.
#include "cuda/kernels/pointwise.h"

#include "cuda/kernels/table.h"
#include "cuda/kernels/words.h"

namespace tallow::cuda {
namespace {

struct Same {
  template <class T>
  TL_HD T operator()(T x) const {
    return x;
  }
};

template <class W>
__global__ void move_strided(W* out, const W* in, Layout<2> layout, int64_t n) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    int64_t at[2];
    layout.offsets(i, at);
    out[at[0]] = in[at[1]];
  }
}

template <class W>
__global__ void fill_strided(W* out, W value, Layout<1> layout, int64_t n) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    int64_t at[1];
    layout.offsets(i, at);
    out[at[0]] = value;
  }
}

// ---- Types that are only stored: from and to C, which holds every value of S, and from there as
// the kernels of other types do.

template <class S, class C>
__global__ void open_stored(void* out, DType out_dtype, const S* in, Layout<2> layout, int64_t n) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    int64_t at[2];
    layout.offsets(i, at);
    store_as(out, out_dtype, at[0], static_cast<C>(in[at[1]]));
  }
}

template <class S, class C>
__device__ inline S stored(C value) {
  if constexpr (std::is_same_v<S, uint64_t> && !std::is_same_v<C, int64_t>) {
    constexpr C kHalf = C(0x1p63);
    return value >= kHalf ? static_cast<S>(formula::truncated<int64_t>(value - kHalf)) ^ S(1) << 63
                          : static_cast<S>(formula::truncated<int64_t>(value));
  } else {
    return static_cast<S>(value);
  }
}

template <class S, class C>
__global__ void close_stored(S* out, Source<C> in, Layout<2> layout, int64_t n) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    int64_t at[2];
    layout.offsets(i, at);
    out[at[0]] = stored<S>(in.at(at[1]));
  }
}

template <class S, class C>
Status convert_between(const Call<2>& call) {
  const Strided<2>& at = call.at;
  if (is_stored_only(call.dtypes[1])) {
    if (at.host != 0) return unsupported_dtype(call.op, call.dtypes[1]);
    return launch(threads_for(at.numel), open_stored<S, C>, at.data[0], call.dtypes[0],
                  static_cast<const S*>(at.data[1]), layout_of(at), at.numel);
  }
  return launch(threads_for(at.numel), close_stored<S, C>, static_cast<S*>(at.data[0]),
                source_of<C>(at, call.dtypes, 1), layout_of(at), at.numel);
}

// Between a type that is only stored and one that is not.
Status convert_stored(const Call<2>& call) {
  const bool opens = is_stored_only(call.dtypes[1]);
  const DType other = call.dtypes[opens ? 0 : 1];
  const DType dtype = call.dtypes[opens ? 1 : 0];
  if (is_stored_only(other)) return unsupported_dtype(call.op, other);
  if (call.at.numel == 0) return Status::kOk;
  TALLOW_CUDA_TRY(check_dims(call.op, call.at.ndim));
  return by_dtype(StoredOnly{}, dtype, call.op, [&]<class S>() -> Status {
    if constexpr (sizeof(S) == 1) {
      return convert_between<S, float>(call);
    } else {
      if (std::is_same_v<S, uint64_t> && is_differentiable(other)) {
        const bool wide = other == DType::kFloat64 || other == DType::kComplex128;
        return wide ? convert_between<S, double>(call) : convert_between<S, float>(call);
      }
      return convert_between<S, int64_t>(call);
    }
  });
}

// The formula's type: one that holds both without loss, so that each pair needs no kernel of its
// own. What truncates floats to integers works from float, double or either part of a complex.
Status convert(const Call<2>& call, DType in) {
  switch (in) {
    case DType::kFloat16:
    case DType::kBFloat16:
    case DType::kFloat32:
      return run_any<float>(Same{}, call);
    case DType::kFloat64:
      return run_any<double>(Same{}, call);
    case DType::kComplex64:
      return run_any<complex64>(Same{}, call);
    case DType::kComplex128:
      return run_any<complex128>(Same{}, call);
    default:
      return run_any<int64_t>(Same{}, call);
  }
}

}  // namespace

Status copy(const Strided<2>& at, DType out, DType in) {
  const DType dtypes[2] = {out, in};
  if (out != in && (is_stored_only(out) || is_stored_only(in))) {
    return convert_stored({"copy_", in, at, dtypes});
  }
  if (out != in || at.host != 0) return convert({"copy_", in, at, dtypes}, in);
  const int64_t size = item_size(out);
  if (at.numel > 0 && is_contiguous(at)) {
    return status_of(cudaMemcpyAsync(at.data[0], at.data[1],
                                     static_cast<std::size_t>(at.numel * size),
                                     cudaMemcpyDeviceToDevice, current_stream()));
  }
  if (at.numel == 0) return Status::kOk;
  TALLOW_CUDA_TRY(check_dims("copy_", at.ndim));
  return by_size(size, [&]<class W>() {
    return launch(threads_for(at.numel), move_strided<W>, static_cast<W*>(at.data[0]),
                  static_cast<const W*>(at.data[1]), layout_of(at), at.numel);
  });
}

Status fill(const Strided<1>& at, DType dtype, const void* value) {
  if (at.numel == 0) return Status::kOk;
  TALLOW_CUDA_TRY(check_dims("fill_", at.ndim));
  return by_size(item_size(dtype), [&]<class W>() {
    W word;
    memcpy(&word, value, sizeof(W));
    return launch(threads_for(at.numel), fill_strided<W>, static_cast<W*>(at.data[0]), word,
                  layout_of(at), at.numel);
  });
}

}  // namespace tallow::cuda
