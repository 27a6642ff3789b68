// Moving elements as they are, by their width alone: rows, transposed tiles, whole strided spaces.
#pragma once

#include <cstdint>

#include "core/strided.h"
#include "core/types.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {

// A plane of rows x cols elements in two places; strides in bytes.
struct Plane {
  int64_t rows;
  int64_t cols;
  int64_t to_row;
  int64_t to_col;
  int64_t from_row;
  int64_t from_col;
};

// Copies `rows` contiguous rows of `nbytes` each.
void copy_rows(char* to, int64_t to_pitch, const char* from, int64_t from_pitch, int64_t nbytes,
               int64_t rows);

// Copies a plane of elements of `item` bytes, whatever the strides.
void move_plane(char* to, const char* from, int item, const Plane& plane);

// Copies data[1] of a space to data[0], both of elements of `item` bytes, in parallel.
void move_space(const Strided<2>& at, int item);

// Outputs larger than this (about half of a last-level cache) bypass the caches.
inline constexpr int64_t kStreamBytes = int64_t{16} << 20;

}  // namespace tallow::cpu::TALLOW_ISA
