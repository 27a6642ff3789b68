// RandomStream: the state of a source of random numbers, plain data that kernels may advance: a
// Mersenne Twister for the CPU, the key and counter of Philox4x32-10 for other devices.
//
// Source: M. Matsumoto and T. Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed
// uniform pseudorandom number generator", ACM TOMACS 8(1), 1998 (MT19937).
#pragma once

#include <cstdint>

#include "core/macros.h"

namespace tallow {

// Block i of a Philox stream (four 32-bit words) has the key `seed` and the counter i. A kernel
// that uses n blocks takes those from `offset` on and adds n to it. While a graph is being captured
// `captured` points to device memory {seed, offset} that the kernel reads when it runs: its seed
// replaces, its offset is added to the ones here.
struct PhiloxState {
  uint64_t seed = 0;
  uint64_t offset = 0;
  const uint64_t* captured = nullptr;
};

struct RandomStream {
  static constexpr int kWords = 624;

  uint32_t state[kWords];
  int32_t next;  // the word of the block to draw next
  int32_t left;  // draws until a new block is needed, that one included; 1 when freshly seeded
  bool has_normal;
  double normal;  // the second value of the last pair of scalar normals, if not yet used

  PhiloxState philox;  // used instead of all the above on other devices than the CPU
};

namespace detail {

TALLOW_INLINE uint32_t twist(uint32_t high, uint32_t low) {
  const uint32_t mixed = (high & 0x80000000u) | (low & 0x7fffffffu);
  return (mixed >> 1) ^ (low & 1u ? 0x9908b0dfu : 0u);
}

TALLOW_INLINE uint32_t temper(uint32_t word) {
  word ^= word >> 11;
  word ^= (word << 7) & 0x9d2c5680u;
  word ^= (word << 15) & 0xefc60000u;
  return word ^ (word >> 18);
}

// Replaces the block of 624 words by the next one. Each loop reads only words at a distance of 227
// or more behind those it writes, so compilers vectorise it.
TALLOW_INLINE void next_block(RandomStream& stream) {
  constexpr int kLength = RandomStream::kWords;
  constexpr int kAhead = 397;
  uint32_t* const s = stream.state;
  for (int i = 0; i < kLength - kAhead; ++i) s[i] = s[i + kAhead] ^ twist(s[i], s[i + 1]);
  for (int i = kLength - kAhead; i < kLength - 1; ++i) {
    s[i] = s[i + kAhead - kLength] ^ twist(s[i], s[i + 1]);
  }
  s[kLength - 1] = s[kAhead - 1] ^ twist(s[kLength - 1], s[0]);
  stream.next = 0;
  stream.left = kLength + 1;
}

}  // namespace detail

TALLOW_INLINE uint32_t draw_word(RandomStream& stream) {
  if (stream.left == 1) detail::next_block(stream);
  --stream.left;
  return detail::temper(stream.state[stream.next++]);
}

// The first word drawn is the high half.
TALLOW_INLINE uint64_t draw_word64(RandomStream& stream) {
  const uint64_t high = draw_word(stream);
  return high << 32 | draw_word(stream);
}

// Uniform in [0, 1) with 53 bits.
TALLOW_INLINE double draw_double(RandomStream& stream) {
  return static_cast<double>(draw_word64(stream) & ((uint64_t{1} << 53) - 1)) * 0x1p-53;
}

// One standard normal number. The second of each pair is kept for the next call, whatever that is.
// Source: G. E. P. Box, M. E. Muller, "A note on the generation of random normal deviates", 1958.
TALLOW_INLINE double draw_normal(RandomStream& stream) {
  if (stream.has_normal) {
    stream.has_normal = false;
    return stream.normal;
  }
  const double angle = 2.0 * 3.14159265358979323846 * draw_double(stream);
  const double radius = __builtin_sqrt(-2.0 * __builtin_log1p(-draw_double(stream)));
  stream.normal = radius * __builtin_sin(angle);
  stream.has_normal = true;
  return radius * __builtin_cos(angle);
}

// The next `count` words at once.
TALLOW_INLINE void draw_words(RandomStream& stream, uint32_t* out, int64_t count) {
  while (count > 0) {
    if (stream.left == 1) detail::next_block(stream);
    const int64_t here = count < stream.left - 1 ? count : stream.left - 1;
    const uint32_t* const words = stream.state + stream.next;
    for (int64_t i = 0; i < here; ++i) out[i] = detail::temper(words[i]);
    stream.next += static_cast<int32_t>(here);
    stream.left -= static_cast<int32_t>(here);
    out += here;
    count -= here;
  }
}

}  // namespace tallow
