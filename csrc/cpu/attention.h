// Blocks of attention scores: what the forward and the backward kernel share.
#pragma once

#include <limits>

#include "backend/attention.h"
#include "core/scratch.h"
#include "cpu/gemm.h"
#include "cpu/gemm_pack.h"
#include "cpu/simd_math.h"

namespace tallow::cpu::TALLOW_ISA {

Status attention_backward(const AttentionArgs& args, const AttentionGrads& grads);

namespace {

// Rows of a matrix with contiguous columns.
template <class T>
struct Rows {
  T* data;
  int64_t stride;
  TALLOW_INLINE T* operator[](int64_t row) const { return data + row * stride; }
};

// The matrix of one head.
template <class T>
TALLOW_INLINE Rows<T> head_of(const AttentionOperand& operand, int64_t batch, int64_t head) {
  T* const data = static_cast<T*>(operand.data);
  return {data + batch * operand.batch_stride + head * operand.head_stride, operand.row_stride};
}

// Query rows whose scores are computed together: as many as let a block of scores stay in a
// second-level cache, but few where the block's upper triangle is computed in vain.
inline constexpr int64_t kMostRows = 240;
TALLOW_INLINE int64_t block_rows(const AttentionArgs& args) {
  const int64_t keys = args.keys;
  if (keys > 4096) return keys <= 8192 ? 24 : keys <= 16384 ? 12 : 6;
  return args.causal ? 48 : lesser(greater(48 * 1024 / keys, 48), kMostRows);
}

// Elements between the rows of a block of scores: an odd number of cache lines.
TALLOW_INLINE int64_t score_pitch(int64_t keys) { return (ceil_div(keys, 16) | 1) * 16; }

// Keys that the last of the first `rows` queries sees.
TALLOW_INLINE int64_t visible_keys(const AttentionArgs& args, int64_t rows) {
  return args.causal ? lesser(rows, args.keys) : args.keys;
}

// One product on this thread; false if there is no memory.
template <class T>
TALLOW_INLINE bool multiply(const Gemm<T>& g) {
  const int64_t need = gemm_scratch(g);
  if (need == 0) {
    gemm_serial(g, static_cast<T*>(nullptr));
    return true;
  }
  const Scratch<T> scratch(need);
  if (scratch) gemm_serial(g, scratch.get());
  return static_cast<bool>(scratch);
}

// The rows of a matrix (keys or values) as columns, copied into blocks of columns where enough
// queries share the cost.
template <class T>
class Transposed {
 public:
  static TALLOW_INLINE bool pays(int64_t queries) { return queries > 48; }
  static TALLOW_INLINE int64_t size(int64_t count, int64_t width) {
    return ceil_div(count, kColumns) * width * pitch(count);
  }

  // `copy` has room for size() elements; null: the rows are read where they lie.
  Transposed(Rows<const T> rows, int64_t count, int64_t width, T* copy)
      : rows_(rows), width_(width), pitch_(pitch(count)), copy_(copy) {
    for (int64_t first = 0; copy && first < count; first += kColumns) {
      pack_panel(rows[first], 1, rows.stride, width, lesser(kColumns, count - first), pitch_,
                 block(first));
    }
  }

  // out[i, j] = scale * (row i of `a`) . (row j of the matrix), for i < rows and j < count.
  bool product(Rows<const T> a, int64_t rows, int64_t count, T scale, Rows<T> out) const {
    Gemm<T> g{};
    g.m = rows;
    g.n = count;
    g.k = width_;
    g.a = a.data;
    g.a_row = a.stride;
    g.a_col = 1;
    g.b = rows_.data;
    g.b_row = 1;
    g.b_col = rows_.stride;
    g.c = out.data;
    g.c_row = out.stride;
    g.c_col = 1;
    g.alpha = scale;
    if (!copy_) return multiply(g);
    for (int64_t first = 0; first < count; first += kColumns) {
      g.n = lesser(kColumns, count - first);
      g.b = block(first);
      g.b_row = pitch_;
      g.b_col = 1;
      g.c = out.data + first;
      if (!multiply(g)) return false;
    }
    return true;
  }

 private:
  static constexpr int64_t kColumns = 256;
  // One cache line more than the columns, so that the rows of a block spread over cache sets.
  static TALLOW_INLINE int64_t pitch(int64_t count) {
    return ceil_div(lesser(kColumns, count), 16) * 16 + 16;
  }
  TALLOW_INLINE T* block(int64_t first) const { return copy_ + first / kColumns * width_ * pitch_; }

  Rows<const T> rows_;
  int64_t width_;
  int64_t pitch_;
  T* copy_;
};

// out (+)= scale * a b with a given by rows or, transposed, by columns.
template <class T>
TALLOW_INLINE bool weighted_rows(int64_t m, int64_t n, int64_t k, Rows<const T> a, bool transposed,
                                 Rows<const T> b, T scale, Rows<T> out, bool add) {
  Gemm<T> g{};
  g.m = m;
  g.n = n;
  g.k = k;
  g.a = a.data;
  g.a_row = transposed ? 1 : a.stride;
  g.a_col = transposed ? a.stride : 1;
  g.b = b.data;
  g.b_row = b.stride;
  g.b_col = 1;
  g.c = out.data;
  g.c_row = out.stride;
  g.c_col = 1;
  g.init = add ? out.data : nullptr;
  g.init_row = out.stride;
  g.init_col = 1;
  g.alpha = scale;
  g.beta = T(1);
  return multiply(g);
}

// Applies the mask to the scores of one query.
template <class T>
TALLOW_INLINE void mask_scores(const AttentionArgs& args, int64_t batch, int64_t head,
                               int64_t query, int64_t count, T* scores) {
  const int64_t (&stride)[4] = args.mask_stride;
  const int64_t at = batch * stride[0] + head * stride[1] + query * stride[2];
  const int64_t step = stride[3];
  if (args.mask_is_bool) {
    const uint8_t* const seen = static_cast<const uint8_t*>(args.mask) + at;
    const T hidden = -std::numeric_limits<T>::infinity();
    if (step == 1) {
      for (int64_t j = 0; j < count; ++j) scores[j] = seen[j] ? scores[j] : hidden;
    } else {
      for (int64_t j = 0; j < count; ++j) scores[j] = seen[j * step] ? scores[j] : hidden;
    }
    return;
  }
  const T* const summand = static_cast<const T*>(args.mask) + at;
  if (step == 1) {
    for (int64_t j = 0; j < count; ++j) scores[j] += summand[j];
  } else {
    for (int64_t j = 0; j < count; ++j) scores[j] += summand[j * step];
  }
}

// Fills the scores of a row up to whole logical vectors with -infinity; returns their end.
template <class T>
TALLOW_INLINE int64_t pad_scores(T* scores, int64_t count) {
  const int64_t end = ceil_div(count, kWideLanes) * kWideLanes;
  for (int64_t j = count; j < end; ++j) scores[j] = -std::numeric_limits<T>::infinity();
  return end;
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
