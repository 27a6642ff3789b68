// Moving the tiles of pointwise kernels: between strided memory and contiguous buffers, by width of
// the element alone.
#pragma once

#include <cstdint>
#include <cstring>

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

template <class Word>
void gather_words(char* to, const char* from, const TileAt& at) {
  for (int64_t r = 0; r < at.rows; ++r) {
    char* const row = to + r * at.cols * static_cast<int64_t>(sizeof(Word));
    const char* const source = from + r * at.row_stride;
    for (int64_t c = 0; c < at.cols; ++c) {
      std::memcpy(row + c * static_cast<int64_t>(sizeof(Word)), source + c * at.col_stride,
                  sizeof(Word));
    }
  }
}

template <class Word>
void scatter_words(char* to, const char* from, const TileAt& at) {
  for (int64_t r = 0; r < at.rows; ++r) {
    const char* const row = from + r * at.cols * static_cast<int64_t>(sizeof(Word));
    char* const target = to + r * at.row_stride;
    for (int64_t c = 0; c < at.cols; ++c) {
      std::memcpy(target + c * at.col_stride, row + c * static_cast<int64_t>(sizeof(Word)),
                  sizeof(Word));
    }
  }
}

// A tile whose columns are contiguous: blocks of 4 x 4 elements of 4 bytes are turned in registers.
inline void gather_transposed4(char* to, const char* from, const TileAt& at) {
  using Quad = Vec<uint32_t, 4>;
  const int64_t rows4 = at.rows & ~int64_t{3};
  const int64_t cols4 = at.cols & ~int64_t{3};
  for (int64_t c = 0; c < cols4; c += 4) {
    for (int64_t r = 0; r < rows4; r += 4) {
      Quad column[4];
      for (int i = 0; i < 4; ++i) {
        std::memcpy(&column[i], from + (c + i) * at.col_stride + r * 4, sizeof(Quad));
      }
      const Quad low01 = __builtin_shufflevector(column[0], column[1], 0, 4, 1, 5);
      const Quad high01 = __builtin_shufflevector(column[0], column[1], 2, 6, 3, 7);
      const Quad low23 = __builtin_shufflevector(column[2], column[3], 0, 4, 1, 5);
      const Quad high23 = __builtin_shufflevector(column[2], column[3], 2, 6, 3, 7);
      const Quad row[4] = {__builtin_shufflevector(low01, low23, 0, 1, 4, 5),
                           __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
                           __builtin_shufflevector(high01, high23, 0, 1, 4, 5),
                           __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
      for (int i = 0; i < 4; ++i) {
        std::memcpy(to + ((r + i) * at.cols + c) * 4, &row[i], sizeof(Quad));
      }
    }
  }
  for (int64_t r = 0; r < at.rows; ++r) {
    for (int64_t c = r < rows4 ? cols4 : 0; c < at.cols; ++c) {
      std::memcpy(to + (r * at.cols + c) * 4, from + c * at.col_stride + r * 4, 4);
    }
  }
}

// From memory into a contiguous buffer of rows x cols elements of `item` bytes.
inline void gather(char* to, const char* from, int item, const TileAt& at) {
  if (at.col_stride == item) {
    const int64_t nbytes = at.cols * item;
    for (int64_t r = 0; r < at.rows; ++r) {
      std::memcpy(to + r * nbytes, from + r * at.row_stride, static_cast<size_t>(nbytes));
    }
    return;
  }
  switch (item) {
    case 1:
      return gather_words<uint8_t>(to, from, at);
    case 2:
      return gather_words<uint16_t>(to, from, at);
    case 4:
      if (at.row_stride == 4) return gather_transposed4(to, from, at);
      return gather_words<uint32_t>(to, from, at);
    case 8:
      return gather_words<uint64_t>(to, from, at);
    default:
      return gather_words<Word16>(to, from, at);
  }
}

// From a contiguous buffer to memory.
inline void scatter(char* to, const char* from, int item, const TileAt& at) {
  if (at.col_stride == item) {
    const int64_t nbytes = at.cols * item;
    for (int64_t r = 0; r < at.rows; ++r) {
      std::memcpy(to + r * at.row_stride, from + r * nbytes, static_cast<size_t>(nbytes));
    }
    return;
  }
  switch (item) {
    case 1:
      return scatter_words<uint8_t>(to, from, at);
    case 2:
      return scatter_words<uint16_t>(to, from, at);
    case 4:
      return scatter_words<uint32_t>(to, from, at);
    case 8:
      return scatter_words<uint64_t>(to, from, at);
    default:
      return scatter_words<Word16>(to, from, at);
  }
}

// Copies with stores that do not displace the caches.
inline void stream(char* to, const char* from, int64_t nbytes) {
#if defined(__x86_64__)
  int64_t head = static_cast<int64_t>(-reinterpret_cast<uintptr_t>(to) & (kVectorBytes - 1));
  if (head > nbytes) head = nbytes;
  std::memcpy(to, from, static_cast<size_t>(head));
  int64_t i = head;
  for (; i + kVectorBytes <= nbytes; i += kVectorBytes) {
    const Vec<int64_t> v = load(reinterpret_cast<const int64_t*>(from + i));
#if TALLOW_ISA_LEVEL == 2
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to + i), bits_as<__m512i>(v));
#elif TALLOW_ISA_LEVEL == 1
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i), bits_as<__m256i>(v));
#else
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + i), bits_as<__m128i>(v));
#endif
  }
  std::memcpy(to + i, from + i, static_cast<size_t>(nbytes - i));
#else
  std::memcpy(to, from, static_cast<size_t>(nbytes));
#endif
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

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
