// What device code sees of CUDA: qualifiers, built-in variables, barriers, warp intrinsics, atomics
// and the mathematical functions that <math.h> lacks.
#pragma once

#include <math.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <type_traits>

#include "cuda_emu/block.h"

// Tells gpu.h which compiler it is for.
#define TALLOW_CUDA_EMULATED 1

#define __host__
#define __device__
#define __global__
#define __constant__ static
// One block runs at a time, so that its shared memory may be a static object.
#define __shared__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))

inline constexpr int warpSize = 32;

#define TALLOW_EMU_HERE const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(TALLOW_EMU_HERE) {
  tallow::emu::block_barrier(tallow::emu::Vote::kNone, false, file, line);
}
inline int __syncthreads_count(int predicate, TALLOW_EMU_HERE) {
  return tallow::emu::block_barrier(tallow::emu::Vote::kCount, predicate != 0, file, line);
}
inline int __syncthreads_and(int predicate, TALLOW_EMU_HERE) {
  return tallow::emu::block_barrier(tallow::emu::Vote::kAnd, predicate != 0, file, line);
}
inline int __syncthreads_or(int predicate, TALLOW_EMU_HERE) {
  return tallow::emu::block_barrier(tallow::emu::Vote::kOr, predicate != 0, file, line);
}
inline void __syncwarp(unsigned mask = 0xffffffffu, TALLOW_EMU_HERE) {
  tallow::emu::warp_collective(tallow::emu::WarpOp::kSync, mask, 0, 0, file, line);
}
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}
inline void __trap(TALLOW_EMU_HERE) { tallow::emu::trap("trap", file, line); }

inline unsigned __ballot_sync(unsigned mask, int predicate, TALLOW_EMU_HERE) {
  return static_cast<unsigned>(tallow::emu::warp_collective(tallow::emu::WarpOp::kBallot, mask,
                                                            predicate != 0, 0, file, line));
}
inline int __any_sync(unsigned mask, int predicate, TALLOW_EMU_HERE) {
  return __ballot_sync(mask, predicate, file, line) != 0;
}
inline int __all_sync(unsigned mask, int predicate, TALLOW_EMU_HERE) {
  return __ballot_sync(mask, predicate, file, line) == mask;
}

namespace tallow::emu {

template <class T>
uint64_t to_bits(T value) {
  static_assert(std::is_arithmetic_v<T>);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}
template <class T>
T from_bits(uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <class T>
T shuffle(unsigned mask, T value, int source, const char* file, int line) {
  return from_bits<T>(warp_collective(WarpOp::kShuffle, mask, to_bits(value), source, file, line));
}

}  // namespace tallow::emu

template <class T>
unsigned __match_any_sync(unsigned mask, T value, TALLOW_EMU_HERE) {
  return static_cast<unsigned>(tallow::emu::warp_collective(
      tallow::emu::WarpOp::kMatchAny, mask, tallow::emu::to_bits(value), 0, file, line));
}
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, TALLOW_EMU_HERE) {
  const int lane = tallow::emu::current_lane();
  const int from = (lane & ~(width - 1)) | (source & (width - 1));
  return tallow::emu::shuffle(mask, value, from, file, line);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, TALLOW_EMU_HERE) {
  const int lane = tallow::emu::current_lane();
  const int from = lane ^ lanes;
  const bool inside = from <= (lane | (width - 1));
  return tallow::emu::shuffle(mask, value, inside ? from : lane, file, line);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, TALLOW_EMU_HERE) {
  const int lane = tallow::emu::current_lane();
  const int from = lane - static_cast<int>(delta);
  const bool inside = from >= (lane & ~(width - 1));
  return tallow::emu::shuffle(mask, value, inside ? from : lane, file, line);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, TALLOW_EMU_HERE) {
  const int lane = tallow::emu::current_lane();
  const int from = lane + static_cast<int>(delta);
  const bool inside = from <= (lane | (width - 1));
  return tallow::emu::shuffle(mask, value, inside ? from : lane, file, line);
}

// One thread runs at a time, so that plain code is atomic. Each returns the value before.
namespace tallow::emu {

template <class T, class Change>
T exchange_with(T* address, const Change& change) {
  const T before = *address;
  *address = change(before);
  return before;
}

}  // namespace tallow::emu

#define TALLOW_EMU_ATOMIC(name, expression)                                           \
  template <class T>                                                                  \
  T name(T* address, std::type_identity_t<T> value) {                                 \
    return tallow::emu::exchange_with(address, [&](T before) { return expression; }); \
  }
TALLOW_EMU_ATOMIC(atomicAdd, static_cast<T>(before + value))
TALLOW_EMU_ATOMIC(atomicSub, static_cast<T>(before - value))
TALLOW_EMU_ATOMIC(atomicExch, (static_cast<void>(before), value))
TALLOW_EMU_ATOMIC(atomicMin, before < value ? before : value)
TALLOW_EMU_ATOMIC(atomicMax, before > value ? before : value)
TALLOW_EMU_ATOMIC(atomicAnd, static_cast<T>(before& value))
TALLOW_EMU_ATOMIC(atomicOr, static_cast<T>(before | value))
TALLOW_EMU_ATOMIC(atomicXor, static_cast<T>(before ^ value))
TALLOW_EMU_ATOMIC(atomicInc, before >= value ? T(0) : static_cast<T>(before + 1))
TALLOW_EMU_ATOMIC(atomicDec, before == 0 || before > value ? value : static_cast<T>(before - 1))
#undef TALLOW_EMU_ATOMIC
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return tallow::emu::exchange_with(address,
                                    [&](T before) { return before == expected ? value : before; });
}

// clang-format off
template <class A, class B>
constexpr std::common_type_t<A, B> min(A a, B b) { return a < b ? a : b; }
template <class A, class B>
constexpr std::common_type_t<A, B> max(A a, B b) { return a > b ? a : b; }

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float rsqrt(float x) { return rsqrtf(x); }
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline double __dmul_rn(double x, double y) { return x * y; }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dsub_rn(double x, double y) { return x - y; }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
inline double __fma_rn(double x, double y, double z) { return fma(x, y, z); }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }
inline double normcdf(double x) { return 0.5 * erfc(-x * 0.70710678118654752440); }
inline float normcdff(float x) { return 0.5f * erfcf(-x * 0.70710678f); }

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __brev(unsigned x) {
  unsigned r = 0;
  for (int i = 0; i < 32; ++i) r |= (x >> i & 1u) << (31 - i);
  return r;
}
inline unsigned __umulhi(unsigned x, unsigned y) { return static_cast<unsigned>((uint64_t{x} * y) >> 32); }
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  return static_cast<unsigned long long>((static_cast<unsigned __int128>(x) * y) >> 64);
}
inline unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
inline int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
inline float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }
inline float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
inline long long __double_as_longlong(double x) { return __builtin_bit_cast(long long, x); }
inline double __longlong_as_double(long long x) { return __builtin_bit_cast(double, x); }
template <class T> T __ldg(const T* p) { return *p; }
template <class T> T __ldcs(const T* p) { return *p; }
template <class T> void __stcs(T* p, std::type_identity_t<T> v) { *p = v; }
// clang-format on
