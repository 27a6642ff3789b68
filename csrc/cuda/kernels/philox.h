// Philox4x32-10: random words as a function of a key and a counter, so that an element's number
// depends on its position alone and not on how a kernel is launched.
//
// Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011.
#pragma once

#include "cuda/device_types.h"

#include "core/random_stream.h"
#include "cuda/gpu.h"

namespace tallow::cuda {

// Words are picked by comparisons: an array that is indexed by a variable would lie in memory.
struct RandomWords {
  uint32_t a, b, c, d;

  TL_HD uint32_t word(int k) const { return k < 2 ? (k == 0 ? a : b) : (k == 2 ? c : d); }
  TL_HD uint64_t wide(int k) const {
    return static_cast<uint64_t>(k == 0 ? a : c) << 32 | (k == 0 ? b : d);
  }
};

TL_HD inline RandomWords philox(uint64_t key, uint64_t counter) {
  uint32_t k0 = static_cast<uint32_t>(key);
  uint32_t k1 = static_cast<uint32_t>(key >> 32);
  uint32_t c[4] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0};
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = static_cast<uint64_t>(0xd2511f53u) * c[0];
    const uint64_t b = static_cast<uint64_t>(0xcd9e8d57u) * c[2];
    const uint32_t next[4] = {static_cast<uint32_t>(b >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(b),
                              static_cast<uint32_t>(a >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(a)};
    for (int i = 0; i < 4; ++i) c[i] = next[i];
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  return {c[0], c[1], c[2], c[3]};
}

// Block i of the stream at hand; see PhiloxState.
TL_HD inline RandomWords random_block(const PhiloxState& state, uint64_t i) {
  if (state.captured) return philox(state.captured[0], state.captured[1] + state.offset + i);
  return philox(state.seed, state.offset + i);
}

// Uniform numbers from words: in [0, 1) with as many bits as the type holds, or in (0, 1].
TL_HD inline float unit(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }
TL_HD inline double unit(uint64_t word) { return static_cast<double>(word >> 11) * 0x1p-53; }
TL_HD inline float positive_unit(uint32_t word) {
  return static_cast<float>((word >> 8) + 1) * 0x1p-24f;
}
TL_HD inline double positive_unit(uint64_t word) {
  return static_cast<double>((word >> 11) + 1) * 0x1p-53;
}

// Word k of the right width for a type that computes in C: 4 of 32 bits or 2 of 64 in a block.
template <class C>
inline constexpr int kDrawsPerBlock = sizeof(C) == 8 ? 2 : 4;
template <class C>
TL_HD auto draw_of(const RandomWords& words, int k) {
  if constexpr (sizeof(C) == 8) {
    return words.wide(k);
  } else {
    return words.word(k);
  }
}

}  // namespace tallow::cuda
