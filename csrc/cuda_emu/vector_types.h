// CUDA's small vector types: dim3, float4 and the like, with their make_ functions.
#pragma once

#include <cstdint>

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return {x, y, z}; }
};

#define TALLOW_EMU_VECTORS(T, name)                                          \
  struct name##2 {                                                           \
    alignas(2 * sizeof(T)) T x;                                              \
    T y;                                                                     \
  };                                                                         \
  struct name##4 {                                                           \
    alignas((4 * sizeof(T) > 16) ? 16 : 4 * sizeof(T)) T x;                  \
    T y, z, w;                                                               \
  };                                                                         \
  inline name##2 make_##name##2(T x, T y) { return {x, y}; }                 \
  inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; } \
  static_assert(sizeof(name##2) == 2 * sizeof(T) && sizeof(name##4) == 4 * sizeof(T))

TALLOW_EMU_VECTORS(unsigned char, uchar);
TALLOW_EMU_VECTORS(unsigned short, ushort);
TALLOW_EMU_VECTORS(int, int);
TALLOW_EMU_VECTORS(unsigned, uint);
TALLOW_EMU_VECTORS(long long, longlong);
TALLOW_EMU_VECTORS(unsigned long long, ulonglong);
TALLOW_EMU_VECTORS(float, float);
TALLOW_EMU_VECTORS(double, double);

#undef TALLOW_EMU_VECTORS
