// What the files of the random family share.
#pragma once

#include "backend/random.h"

namespace tallow::cpu::TALLOW_ISA {

void fill_random_normal(RandomKernels& table);
void fill_random_discrete(RandomKernels& table);

namespace {

// Elements per step: their words fit the first-level cache.
constexpr int64_t kRandomBlock = 1024;

constexpr uint64_t kMask24 = (uint64_t{1} << 24) - 1;
constexpr uint64_t kMask53 = (uint64_t{1} << 53) - 1;

// Word pairs as 53-bit integers; the first word of a pair is the high half.
TALLOW_INLINE uint64_t bits53(const uint32_t* words, int64_t i) {
  return (static_cast<uint64_t>(words[2 * i]) << 32 | words[2 * i + 1]) & kMask53;
}

// The smallest 53-bit integer whose fraction of 2^53 is not below p: comparing integers with it is
// comparing uniforms with p.
TALLOW_INLINE int64_t threshold53(double p) {
  return static_cast<int64_t>(__builtin_ceil(p * 0x1p53));
}

}  // namespace

}  // namespace tallow::cpu::TALLOW_ISA
