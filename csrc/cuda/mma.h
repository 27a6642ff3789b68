// Products by tensor cores: what the 32 lanes of a warp hold of the operands, and the instruction
// that multiplies them. Needs sm_80.
//
// A word of 32 bits is two neighbours of 16 bits along the summed dimension, or one number in TF32
// format. With w the summed dimension in words, g = lane / 4 and t = lane % 4, a lane holds
//   of a, 16 rows x 8 words:    (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4)
//   of b, 8 words x 8 columns:  (t, g), (t + 4, g)
//   of d, 16 rows x 8 columns:  (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1)
// Source: PTX ISA 8.0, matrix fragments for mma.m16n8k16 (16 bits) and mma.m16n8k8 (.tf32).
#pragma once

#include "cuda/gpu.h"

// Keeps a loop a loop: beside the sums of a tile there are too few registers for it unrolled.
#ifdef TALLOW_CUDA_EMULATED
#define TL_LOOP
#else
#define TL_LOOP _Pragma("unroll 1")
#endif

namespace tallow::cuda {

inline constexpr int kMmaRows = 16;
inline constexpr int kMmaColumns = 8;
inline constexpr int kMmaWords = 8;  // of the summed dimension

// An element as the bits that a word is made of: float is rounded to TF32.
__device__ inline uint16_t mma_bits(Half x) { return x.bits; }
__device__ inline uint16_t mma_bits(BFloat16 x) { return x.bits; }
__device__ inline uint32_t mma_bits(float x) {
#ifdef TALLOW_CUDA_EMULATED
  return emu::tf32_bits(x);
#else
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return bits;
#endif
}

// d += a * b for operands of T, summed in float. Every lane of the warp takes part.
template <class T>
__device__ void mma(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#ifdef TALLOW_CUDA_EMULATED
  emu::mma<T>(d, a, b);
#else
#define TALLOW_MMA(kind)                                        \
  asm volatile("mma.sync.aligned." kind                         \
               " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "       \
               "{%0,%1,%2,%3};"                                 \
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))
  if constexpr (sizeof(T) == 4) {
    TALLOW_MMA("m16n8k8.row.col.f32.tf32.tf32.f32");
  } else if constexpr (dtype_of<T> == DType::kFloat16) {
    TALLOW_MMA("m16n8k16.row.col.f32.f16.f16.f32");
  } else {
    TALLOW_MMA("m16n8k16.row.col.f32.bf16.bf16.f32");
  }
#undef TALLOW_MMA
#endif
}

}  // namespace tallow::cuda
