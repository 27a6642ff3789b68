// The driver of the pointwise kernels: runs a formula over strided operands of any types, or over
// contiguous ones of one floating type 16 bytes at a time.
#pragma once

#include "cuda/kernels/formulas.h"
#include "cuda/kernels/layout.h"

#include "backend/pointwise.h"

namespace tallow::cuda {

// ---- Elements of a type that is known when the kernel runs.

template <class C>
__device__ inline C load_as(const void* data, DType dtype, int64_t at) {
  switch (dtype) {
    case DType::kBool:
      return formula::cast<C>(static_cast<const uint8_t*>(data)[at] != 0);
    case DType::kUInt8:
      return formula::cast<C>(static_cast<const uint8_t*>(data)[at]);
    case DType::kInt8:
      return formula::cast<C>(static_cast<const int8_t*>(data)[at]);
    case DType::kInt16:
      return formula::cast<C>(static_cast<const int16_t*>(data)[at]);
    case DType::kInt32:
      return formula::cast<C>(static_cast<const int32_t*>(data)[at]);
    case DType::kInt64:
      return formula::cast<C>(static_cast<const int64_t*>(data)[at]);
    case DType::kFloat16:
      return formula::cast<C>(static_cast<const Half*>(data)[at]);
    case DType::kBFloat16:
      return formula::cast<C>(static_cast<const BFloat16*>(data)[at]);
    case DType::kFloat32:
      return formula::cast<C>(static_cast<const float*>(data)[at]);
    case DType::kFloat64:
      return formula::cast<C>(static_cast<const double*>(data)[at]);
    case DType::kComplex64:
      return formula::cast<C>(static_cast<const complex64*>(data)[at]);
    case DType::kComplex128:
      return formula::cast<C>(static_cast<const complex128*>(data)[at]);
    default:  // run_any() has refused the types that are only stored
      return C(0);
  }
}

template <class C>
__device__ inline void store_as(void* data, DType dtype, int64_t at, C value) {
  switch (dtype) {
    case DType::kBool:
      static_cast<bool*>(data)[at] = formula::cast<bool>(value);
      return;
    case DType::kUInt8:
      static_cast<uint8_t*>(data)[at] = formula::cast<uint8_t>(value);
      return;
    case DType::kInt8:
      static_cast<int8_t*>(data)[at] = formula::cast<int8_t>(value);
      return;
    case DType::kInt16:
      static_cast<int16_t*>(data)[at] = formula::cast<int16_t>(value);
      return;
    case DType::kInt32:
      static_cast<int32_t*>(data)[at] = formula::cast<int32_t>(value);
      return;
    case DType::kInt64:
      static_cast<int64_t*>(data)[at] = formula::cast<int64_t>(value);
      return;
    case DType::kFloat16:
      static_cast<Half*>(data)[at] = formula::cast<Half>(value);
      return;
    case DType::kBFloat16:
      static_cast<BFloat16*>(data)[at] = formula::cast<BFloat16>(value);
      return;
    case DType::kFloat32:
      static_cast<float*>(data)[at] = formula::cast<float>(value);
      return;
    case DType::kFloat64:
      static_cast<double*>(data)[at] = formula::cast<double>(value);
      return;
    case DType::kComplex64:
      static_cast<complex64*>(data)[at] = formula::cast<complex64>(value);
      return;
    case DType::kComplex128:
      static_cast<complex128*>(data)[at] = formula::cast<complex128>(value);
      return;
    default:
      return;
  }
}

// An element in host memory.
template <class C>
C host_value(const void* data, DType dtype) {
  C value(0);
  (void)by_dtype(All{}, dtype, "number", [&]<class T>() -> Status {
    value = formula::cast<C>(*static_cast<const T*>(data));
    return Status::kOk;
  });
  return value;
}

// An input as the formula sees it: memory of some type, or one number.
template <class C>
struct Source {
  const void* data;
  DType dtype;
  bool is_number;
  C number;

  __device__ C at(int64_t offset) const {
    return is_number ? number : load_as<C>(data, dtype, offset);
  }
};

// Operand k (from 1) of a call.
template <class C, int N>
Source<C> source_of(const Strided<N>& at, const DType (&dtypes)[N], int k) {
  if (at.host >> k & 1) return {nullptr, dtypes[k], true, host_value<C>(at.data[k], dtypes[k])};
  return {at.data[k], dtypes[k], false, C(0)};
}

// ---- Kernels.

template <class A, class B = A, class C = A>
struct Sources {
  Source<A> a;
  Source<B> b;
  Source<C> c;
};

template <class F, class A>
__global__ void map1(F f, void* out, DType out_dtype, Source<A> a, Layout<2> layout, int64_t n) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    int64_t at[2];
    layout.offsets(i, at);
    store_as(out, out_dtype, at[0], f(a.at(at[1])));
  }
}

template <class F, class A>
__global__ void map2(F f, void* out, DType out_dtype, Source<A> a, Source<A> b, Layout<3> layout,
                     int64_t n) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    int64_t at[3];
    layout.offsets(i, at);
    store_as(out, out_dtype, at[0], f(a.at(at[1]), b.at(at[2])));
  }
}

template <class F, class A, class B>
__global__ void map3(F f, void* out, DType out_dtype, Source<A> a, Source<B> b, Source<B> c,
                     Layout<4> layout, int64_t n) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    int64_t at[4];
    layout.offsets(i, at);
    store_as(out, out_dtype, at[0], f(a.at(at[1]), b.at(at[2]), c.at(at[3])));
  }
}

// Inputs of map_rows(): contiguous memory, or one number.
template <class S, int N>
struct Rows {
  const S* data[N];
  Compute<S> number[N];
};

template <class F, class C>
__device__ inline C apply(const F& f, const C (&x)[1]) {
  return f(x[0]);
}
template <class F, class C>
__device__ inline C apply(const F& f, const C (&x)[2]) {
  return f(x[0], x[1]);
}
template <class F, class C>
__device__ inline C apply(const F& f, const C (&x)[3]) {
  return f(x[0], x[1], x[2]);
}

// Contiguous operands of one floating type. `whole` is how many elements can be moved 16 bytes at a
// time.
template <class S, class F, int N>
__global__ void map_rows(F f, S* out, Rows<S, N> in, int64_t whole, int64_t n) {
  using C = Compute<S>;
  constexpr int kLength = kVecLength<S>;
  using V = Vec<S, kLength>;
  for (int64_t i = global_index() * kLength; i < whole; i += grid_stride() * kLength) {
    V x[N];
    TL_UNROLL
    for (int k = 0; k < N; ++k) {
      if (in.data[k]) x[k] = *reinterpret_cast<const V*>(in.data[k] + i);
    }
    V result;
    TL_UNROLL
    for (int j = 0; j < kLength; ++j) {
      C element[N];
      TL_UNROLL
      for (int k = 0; k < N; ++k) {
        element[k] = in.data[k] ? static_cast<C>(x[k].value[j]) : in.number[k];
      }
      result.value[j] = S(apply(f, element));
    }
    *reinterpret_cast<V*>(out + i) = result;
  }
  for (int64_t i = whole + global_index(); i < n; i += grid_stride()) {
    C element[N];
    TL_UNROLL
    for (int k = 0; k < N; ++k) {
      element[k] = in.data[k] ? static_cast<C>(in.data[k][i]) : in.number[k];
    }
    out[i] = S(apply(f, element));
  }
}

// ---- Launching.

// One call of an entry of PointwiseKernels.
template <int N>
struct Call {
  const char* op;
  DType compute;
  const Strided<N>& at;
  const DType (&dtypes)[N];

  Status unsupported() const { return unsupported_dtype(op, compute); }
};

template <int N>
bool is_contiguous(const Strided<N>& at) {
  if (at.ndim == 0) return true;
  if (at.ndim != 1 || at.stride[0][0] != 1) return false;
  for (int k = 1; k < N; ++k) {
    if (at.stride[k][0] != 1 && !(at.host >> k & 1)) return false;
  }
  return true;
}

template <class S, int N, class F>
Status launch_rows(const F& f, const Call<N>& call) {
  Rows<S, N - 1> in;
  S* const out = static_cast<S*>(call.at.data[0]);
  bool aligned = aligned_for<kVecLength<S>>(out);
  for (int k = 1; k < N; ++k) {
    const Source<Compute<S>> source = source_of<Compute<S>>(call.at, call.dtypes, k);
    in.data[k - 1] = static_cast<const S*>(source.data);
    in.number[k - 1] = source.number;
    aligned = aligned && aligned_for<kVecLength<S>>(in.data[k - 1]);
  }
  const int64_t n = call.at.numel;
  const int64_t whole = aligned ? n / kVecLength<S> * kVecLength<S> : 0;
  return launch(threads_for(n, kVecLength<S>), map_rows<S, F, N - 1>, f, out, in, whole, n);
}

// Are all operands in memory of type S?
template <class S, int N>
bool all_are(const Call<N>& call) {
  for (int k = 0; k < N; ++k) {
    if (call.dtypes[k] != dtype_of<S> && !(call.at.host >> k & 1)) return false;
  }
  return true;
}

template <class B, class A, class F>
Status launch_map(const F& f, const Call<2>& call) {
  const Strided<2>& at = call.at;
  return launch(threads_for(at.numel), map1<F, A>, f, at.data[0], call.dtypes[0],
                source_of<A>(at, call.dtypes, 1), layout_of(at), at.numel);
}
template <class B, class A, class F>
Status launch_map(const F& f, const Call<3>& call) {
  const Strided<3>& at = call.at;
  return launch(threads_for(at.numel), map2<F, A>, f, at.data[0], call.dtypes[0],
                source_of<A>(at, call.dtypes, 1), source_of<A>(at, call.dtypes, 2), layout_of(at),
                at.numel);
}
template <class B, class A, class F>
Status launch_map(const F& f, const Call<4>& call) {
  const Strided<4>& at = call.at;
  return launch(threads_for(at.numel), map3<F, A, B>, f, at.data[0], call.dtypes[0],
                source_of<A>(at, call.dtypes, 1), source_of<B>(at, call.dtypes, 2),
                source_of<B>(at, call.dtypes, 3), layout_of(at), at.numel);
}

// Runs `f` on operands of any type, converted to B (the first to A).
template <class B, class A = B, int N, class F>
Status run_any(const F& f, const Call<N>& call) {
  for (const DType dtype : call.dtypes) {
    if (is_stored_only(dtype)) return unsupported_dtype(call.op, dtype);
  }
  if (call.at.numel == 0) return Status::kOk;
  TALLOW_CUDA_TRY(check_dims(call.op, call.at.ndim));
  return launch_map<B, A>(f, call);
}

// A formula of floating numbers with a floating result.
template <int N, class F>
Status floating(const F& f, const Call<N>& call) {
  if (call.compute == DType::kFloat64) {
    if (is_contiguous(call.at) && all_are<double>(call)) return launch_rows<double>(f, call);
    return run_any<double>(f, call);
  }
  if (call.compute != DType::kFloat32 && call.compute != DType::kFloat16 &&
      call.compute != DType::kBFloat16) {
    return call.unsupported();
  }
  if (is_contiguous(call.at)) {
    if (all_are<float>(call)) return launch_rows<float>(f, call);
    if (all_are<BFloat16>(call)) return launch_rows<BFloat16>(f, call);
    if (all_are<Half>(call)) return launch_rows<Half>(f, call);
  }
  return run_any<float>(f, call);
}

// A formula of any of the types in the list.
template <class... Ts, int N, class F>
Status of_types(Types<Ts...>, const F& f, const Call<N>& call) {
  return by_dtype(Types<Ts...>{}, call.compute, call.op,
                  [&]<class T>() -> Status { return run_any<T>(f, call); });
}

// Half types are computed in float.
inline DType formula_type(DType compute) {
  return compute == DType::kFloat16 || compute == DType::kBFloat16 ? DType::kFloat32 : compute;
}
inline bool has_floating_formula(DType dtype) {
  return dtype >= DType::kFloat16 && dtype <= DType::kFloat64;
}
using FullTypes =
    Types<bool, uint8_t, int8_t, int16_t, int32_t, int64_t, float, double, complex64, complex128>;
using FullReal = Types<bool, uint8_t, int8_t, int16_t, int32_t, int64_t, float, double>;

}  // namespace tallow::cuda
