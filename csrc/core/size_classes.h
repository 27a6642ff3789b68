// Size classes of the allocator: multiples of 64 bytes up to 512, then four steps per power of two,
// so that a block is never more than a quarter larger than what was asked for (above 256 bytes).
#pragma once

#include <cstdint>

namespace tallow {

inline constexpr int64_t kAlignment = 64;
inline constexpr int kNumClasses = 8 + (47 - 9) * 4;  // up to 2^47 bytes

constexpr int class_of(int64_t nbytes) {
  const uint64_t last = static_cast<uint64_t>(nbytes > 0 ? nbytes - 1 : 0);
  if (last < 512) return static_cast<int>(last / kAlignment);
  const int log = 63 - __builtin_clzll(last);
  return 8 + (log - 9) * 4 + static_cast<int>((last >> (log - 2)) & 3);
}

struct ClassSizes {
  int64_t of[kNumClasses];
  constexpr ClassSizes() : of() {
    for (int c = 0; c < kNumClasses; ++c) {
      of[c] = c < 8 ? (c + 1) * kAlignment : int64_t{(c & 3) + 5} << ((c - 8) / 4 + 7);
    }
  }
};

static_assert(ClassSizes().of[class_of(1)] == 64 && ClassSizes().of[class_of(513)] == 640);
static_assert(ClassSizes().of[class_of(1 << 20)] == 1 << 20);
static_assert(ClassSizes().of[class_of((1 << 20) + 1)] == 5 << 18);

}  // namespace tallow
