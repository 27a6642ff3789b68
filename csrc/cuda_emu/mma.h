// What tensor cores compute, by the definition: the lanes of a warp put their parts together, and
// one loop multiplies. Sums are exact until each result is rounded to float.
#pragma once

#include <cstdint>
#include <cstring>

#include "cuda_emu/block.h"

namespace tallow::emu {

// float to TF32, ten bits after the point, ties away from zero.
inline uint32_t tf32_bits(float x) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, x);
  if ((bits & 0x7f800000u) == 0x7f800000u) return bits;
  return (bits + 0x1000u) & 0xffffe000u;
}

// What a lane brings.
struct MmaLane {
  float (&d)[4];
  const uint32_t (&a)[4];
  const uint32_t (&b)[2];
};

// The numbers of T that a word holds.
template <class T>
void unpack(uint32_t word, double* out) {
  if constexpr (sizeof(T) == 4) {
    out[0] = static_cast<double>(__builtin_bit_cast(float, word & 0xffffe000u));
  } else {
    T pair[2];
    std::memcpy(static_cast<void*>(pair), &word, sizeof(pair));
    out[0] = static_cast<double>(static_cast<float>(pair[0]));
    out[1] = static_cast<double>(static_cast<float>(pair[1]));
  }
}

template <class T>
void multiply_fragments(void* const* parts) {
  constexpr int kPerWord = 4 / static_cast<int>(sizeof(T));
  const auto lane = [&](int index) -> MmaLane& { return *static_cast<MmaLane*>(parts[index]); };
  double a[16][8 * kPerWord], b[8][8 * kPerWord];  // b by columns
  for (int index = 0; index < 32; ++index) {
    const int g = index / 4, t = index % 4;
    for (int i = 0; i < 4; ++i) {
      unpack<T>(lane(index).a[i], &a[g + i % 2 * 8][(t + i / 2 * 4) * kPerWord]);
    }
    for (int i = 0; i < 2; ++i) unpack<T>(lane(index).b[i], &b[g][(t + i * 4) * kPerWord]);
  }
  for (int index = 0; index < 32; ++index) {
    for (int i = 0; i < 4; ++i) {
      const int row = index / 4 + i / 2 * 8, column = index % 4 * 2 + i % 2;
      double sum = static_cast<double>(lane(index).d[i]);
      for (int k = 0; k < 8 * kPerWord; ++k) sum += a[row][k] * b[column][k];
      lane(index).d[i] = static_cast<float>(sum);
    }
  }
}

template <class T>
void mma(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
         const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  MmaLane mine{d, a, b};
  warp_together(&mine, multiply_fragments<T>, file, line);
}

}  // namespace tallow::emu
