// Moving the tiles of pointwise kernels between strided memory and contiguous buffers, and stores
// past the caches.
#pragma once

#include <cstdint>
#include <cstring>

#include "cpu/move.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

struct Word16 {
  uint64_t half[2];
};

// Where rows x cols elements lie in memory; strides in bytes.
struct TileAt {
  int64_t rows;
  int64_t cols;
  int64_t row_stride;
  int64_t col_stride;
};

// From memory into a contiguous buffer of rows x cols elements of `item` bytes.
inline void gather(char* to, const char* from, int item, const TileAt& at) {
  move_plane(to, from, item,
             {at.rows, at.cols, at.cols * item, item, at.row_stride, at.col_stride});
}

// From a contiguous buffer to memory.
inline void scatter(char* to, const char* from, int item, const TileAt& at) {
  move_plane(to, from, item,
             {at.rows, at.cols, at.row_stride, at.col_stride, at.cols * item, item});
}

// Stores a vector at an aligned address without displacing the caches.
TALLOW_INLINE void stream_vector(char* to, Vec<int64_t> v) {
#if defined(__x86_64__) && TALLOW_ISA_LEVEL == 2
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), bits_as<__m512i>(v));
#elif defined(__x86_64__) && TALLOW_ISA_LEVEL == 1
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), bits_as<__m256i>(v));
#elif defined(__x86_64__)
  _mm_stream_si128(reinterpret_cast<__m128i*>(to), bits_as<__m128i>(v));
#else
  store(reinterpret_cast<int64_t*>(to), v);
#endif
}

// Copies with stores that do not displace the caches.
inline void stream(char* to, const char* from, int64_t nbytes) {
  int64_t head = static_cast<int64_t>(-reinterpret_cast<uintptr_t>(to) & (kVectorBytes - 1));
  if (head > nbytes) head = nbytes;
  std::memcpy(to, from, static_cast<size_t>(head));
  int64_t i = head;
  for (; i + kVectorBytes <= nbytes; i += kVectorBytes) {
    stream_vector(to + i, load(reinterpret_cast<const int64_t*>(from + i)));
  }
  std::memcpy(to + i, from + i, static_cast<size_t>(nbytes - i));
}

// Makes streamed stores visible before anything that follows.
inline void finish_streaming() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

template <class Word>
void fill_words(void* to, const void* value, int64_t n) {
  Word word;
  std::memcpy(&word, value, sizeof(word));
  Word* const out = static_cast<Word*>(to);
  for (int64_t i = 0; i < n; ++i) out[i] = word;
}

// n copies of the element of `item` bytes at `value`.
inline void fill_elements(void* to, const void* value, int item, int64_t n) {
  switch (item) {
    case 1:
      return fill_words<uint8_t>(to, value, n);
    case 2:
      return fill_words<uint16_t>(to, value, n);
    case 4:
      return fill_words<uint32_t>(to, value, n);
    case 8:
      return fill_words<uint64_t>(to, value, n);
    default:
      return fill_words<Word16>(to, value, n);
  }
}

// One vector of the element of `item` bytes at `value`.
inline void fill_vector(void* to, const void* value, int item) {
  return item == 4   ? fill_words<uint32_t>(to, value, kLanes<uint32_t>)
         : item == 8 ? fill_words<uint64_t>(to, value, kLanes<uint64_t>)
                     : fill_elements(to, value, item, kVectorBytes / item);
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
