// Matrix products of bfloat16 on CPUs that multiply pairs of them in one instruction, twice as fast
// as float32. VDPBF16PS adds the product of the upper halves of 32 bits to a float and then that of
// the lower halves, rounding each time as a fused multiply-add does. With the earlier factor in the
// upper half the bits are those of the float32 product (gemm_other.cpp) that other CPUs compute;
// only numbers below 2^-126, which the instruction takes for zero, may differ.
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, VDPBF16PS.
#include "cpu/gemm.h"

#if TALLOW_ISA_LEVEL == 2
#pragma GCC push_options
#pragma GCC target("avx512bf16")

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/gemm_transpose.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

constexpr int kRowBlock = 6;
constexpr int kVectors = 4;
constexpr int kWidth = kLanes<float>;
constexpr int kPanel = kVectors * kWidth;
constexpr int64_t kPairBlock = kGemmBlock / 2;

TALLOW_INLINE Vec<float> add_pairs(Vec<float> sum, Vec<uint32_t> a, Vec<uint32_t> b) {
  return bits_as<Vec<float>>(
      _mm512_dpbf16_ps(bits_as<__m512>(sum), bits_as<__m512bh>(a), bits_as<__m512bh>(b)));
}

// ---- Operands as pairs of neighbours along k, the first in the upper half. An odd k ends with a
// zero.

TALLOW_INLINE uint32_t pair_of(uint32_t first, uint32_t second) { return first << 16 | second; }

// to[line][p] from lines whose elements are neighbours along k.
void pair_line(const uint16_t* from, int64_t k, uint32_t* to) {
  for (int64_t p = 0; p < k / 2; ++p) to[p] = pair_of(from[2 * p], from[2 * p + 1]);
  if (k % 2) to[k / 2] = pair_of(from[k - 1], 0);
}

// to[j] for `count` neighbours in rows l and l + 1 of the operand; zero up to `width`.
void pair_rows(const uint16_t* first, const uint16_t* second, int64_t count, int64_t width,
               uint32_t* to) {
  for (int64_t j = 0; j < count; ++j) to[j] = pair_of(first[j], second ? second[j] : 0);
  for (int64_t j = count; j < width; ++j) to[j] = 0;
}

// One panel of b, [pair][kPanel], from columns [0, count); `lines` has room for kWidth lines.
void pack_panel(const uint16_t* b, int64_t b_row, int64_t b_col, int64_t k, int64_t count,
                uint32_t* lines, uint32_t* panel) {
  const int64_t pairs = ceil_div(k, int64_t{2});
  if (b_col == 1) {
    for (int64_t p = 0; p < pairs; ++p) {
      const uint16_t* const row = b + 2 * p * b_row;
      pair_rows(row, 2 * p + 1 < k ? row + b_row : nullptr, count, kPanel, panel + p * kPanel);
    }
    return;
  }
  const int64_t pitch = ceil_div(pairs, int64_t{kWidth}) * kWidth;
  for (int64_t j = 0; j < kPanel; j += kWidth) {
    for (int64_t i = 0; i < kWidth; ++i) {
      uint32_t* const line = lines + i * pitch;
      if (j + i < count) {
        pair_line(b + (j + i) * b_col, k, line);
      } else {
        for (int64_t p = 0; p < pairs; ++p) line[p] = 0;
      }
    }
    for (int64_t p = 0; p < pairs; p += kWidth) {
      Vec<float> block[kWidth];
#pragma GCC unroll 16
      for (int i = 0; i < kWidth; ++i) {
        block[i] = bits_as<Vec<float>>(load(lines + i * pitch + p));
      }
      transpose(block);
      const int64_t steps = lesser(kWidth, pairs - p);
      for (int i = 0; i < steps; ++i) {
        store(panel + (p + i) * kPanel + j, bits_as<Vec<uint32_t>>(block[i]));
      }
    }
  }
}

// ---- Products.

struct Pairs {
  const uint32_t* data;
  int64_t row, col;  // strides
};

// tile[MR][kPanel] = (first ? base : tile) + alpha * a b over `steps` pairs; base may be null.
template <int MR>
void multiply_tile(Pairs a, const uint32_t* b, int64_t steps, bool start, float alpha,
                   float* tile) {
  Vec<float> sum[MR][kVectors] = {};
  for (int64_t p = 0; p < steps; ++p) {
    Vec<uint32_t> row[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) row[v] = load(b + p * kPanel + v * kWidth);
#pragma GCC unroll 6
    for (int i = 0; i < MR; ++i) {
      const Vec<uint32_t> factor = broadcast(a.data[i * a.row + p * a.col]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[i][v] = add_pairs(sum[i][v], factor, row[v]);
    }
  }
  const Vec<float> scale = broadcast(alpha);
#pragma GCC unroll 6
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* const to = tile + i * kPanel + v * kWidth;
      store(to, start ? scale * sum[i][v] : mul_add(scale, sum[i][v], load(to)));
    }
  }
}

void pick_tile(int64_t rows, Pairs a, const uint32_t* b, int64_t steps, bool start, float alpha,
               float* tile) {
  switch (rows) {
    case 1:
      return multiply_tile<1>(a, b, steps, start, alpha, tile);
    case 2:
      return multiply_tile<2>(a, b, steps, start, alpha, tile);
    case 3:
      return multiply_tile<3>(a, b, steps, start, alpha, tile);
    case 4:
      return multiply_tile<4>(a, b, steps, start, alpha, tile);
    case 5:
      return multiply_tile<5>(a, b, steps, start, alpha, tile);
    default:
      return multiply_tile<6>(a, b, steps, start, alpha, tile);
  }
}

// One matrix of the batch.
struct Product {
  const MatmulArgs& args;
  Pairs a;
  const uint32_t* b;  // panels
  const BFloat16* init;
  BFloat16* c;
};

void compute_tile(const Product& product, Range rows, int64_t j, int64_t columns) {
  const MatmulArgs& args = product.args;
  const int64_t pairs = ceil_div(args.k, int64_t{2});
  const float alpha = static_cast<float>(args.alpha);
  const float beta = static_cast<float>(args.beta);
  alignas(64) float tile[kRowBlock * kPanel];
  for (int64_t i = 0; product.init && i < rows.size(); ++i) {
    const BFloat16* const from =
        product.init + (rows.begin + i) * args.init.stride[2] + j * args.init.stride[3];
    for (int64_t s = 0; s < columns; ++s) {
      tile[i * kPanel + s] = beta * static_cast<float>(from[s * args.init.stride[3]]);
    }
  }
  const uint32_t* const panel = product.b + j * pairs;
  for (int64_t p = 0; p < pairs; p += kPairBlock) {
    pick_tile(rows.size(),
              {product.a.data + rows.begin * product.a.row + p * product.a.col, product.a.row,
               product.a.col},
              panel + p * kPanel, lesser(kPairBlock, pairs - p), p == 0 && !product.init, alpha,
              tile);
  }
  for (int64_t i = 0; i < rows.size(); ++i) {
    BFloat16* const to = product.c + (rows.begin + i) * args.c_stride[2] + j;
    int64_t s = 0;
    for (; s + kWidth <= columns; s += kWidth) store_float(to + s, load(tile + i * kPanel + s));
    for (; s < columns; ++s) to[s] = BFloat16(tile[i * kPanel + s]);
  }
}

// Distinct matrices of an operand, and the index of the one that batch item `item` uses.
int64_t stored_items(const MatmulArgs& args, const MatmulOperand& operand) {
  return (operand.stride[0] ? args.batch[0] : 1) * (operand.stride[1] ? args.batch[1] : 1);
}
int64_t stored_index(const MatmulArgs& args, const MatmulOperand& operand, int64_t item) {
  const int64_t p = operand.stride[0] ? item / args.batch[1] : 0;
  const int64_t q = operand.stride[1] ? item % args.batch[1] : 0;
  return operand.stride[1] ? p * args.batch[1] + q : p;
}
const uint16_t* stored_data(const MatmulArgs& args, const MatmulOperand& operand, int64_t index) {
  const int64_t count = operand.stride[1] ? args.batch[1] : 1;
  return static_cast<const uint16_t*>(operand.data) + index / count * operand.stride[0] +
         index % count * operand.stride[1];
}

Status multiply(const MatmulArgs& args) {
  const int64_t pairs = ceil_div(args.k, int64_t{2});
  const int64_t panels = ceil_div(args.n, int64_t{kPanel});
  const int64_t a_items = stored_items(args, args.a);
  const int64_t b_items = stored_items(args, args.b);
  const int64_t b_size = panels * pairs * kPanel;
  const Scratch<uint32_t> a(a_items * args.m * pairs);
  if (!a) return a.failure();
  const Scratch<uint32_t> b(b_items * b_size);
  if (!b) return b.failure();

  const bool along_k = args.a.stride[3] == 1;
  const int64_t lines = along_k ? args.m : pairs;
  const int64_t length = along_k ? pairs : args.m;
  parallel_for(a_items * lines, 32768 / (length + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const uint16_t* const from = stored_data(args, args.a, t / lines);
      const int64_t line = t % lines;
      uint32_t* const to = a.get() + t * length;
      if (along_k) {
        pair_line(from + line * args.a.stride[2], args.k, to);
      } else {
        const uint16_t* const row = from + 2 * line * args.a.stride[3];
        pair_rows(row, 2 * line + 1 < args.k ? row + args.a.stride[3] : nullptr, length, length,
                  to);
      }
    }
  });

  const int64_t need = ceil_div(pairs, int64_t{kWidth}) * kWidth * kWidth;
  int64_t failed = 0;
  parallel_for(b_items * panels, 32768 / (pairs * kPanel) + 1, [&](int64_t begin, int64_t end) {
    const Scratch<uint32_t> room(need);
    if (!room) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t t = begin; t < end; ++t) {
      const int64_t j = t % panels * kPanel;
      pack_panel(stored_data(args, args.b, t / panels) + j * args.b.stride[3], args.b.stride[2],
                 args.b.stride[3], args.k, lesser(kPanel, args.n - j), room.get(),
                 b.get() + t * pairs * kPanel);
    }
  });
  if (failed) return out_of_memory(need * static_cast<int64_t>(sizeof(uint32_t)));

  const int64_t items = args.batch[0] * args.batch[1];
  const int64_t flops = 2 * items * args.m * args.n * args.k;
  const int64_t wanted = ceil_div(wanted_tasks(flops), items);
  const int64_t column_parts = lesser(panels, wanted);
  const int64_t row_parts = lesser(ceil_div(args.m, int64_t{48}), ceil_div(wanted, column_parts));
  const int64_t parts = column_parts * row_parts;
  const int64_t chunk = parts > 1 ? 1 : items_in_task(items, flops / items);
  parallel_for(items * parts, chunk, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t item = t / parts;
      const int64_t p = item / args.batch[1];
      const int64_t q = item % args.batch[1];
      const BFloat16* const init = static_cast<const BFloat16*>(args.init.data);
      const Product product{
          args,
          {a.get() + stored_index(args, args.a, item) * args.m * pairs, along_k ? pairs : 1,
           along_k ? 1 : args.m},
          b.get() + stored_index(args, args.b, item) * b_size,
          init ? init + p * args.init.stride[0] + q * args.init.stride[1] : nullptr,
          static_cast<BFloat16*>(args.c) + p * args.c_stride[0] + q * args.c_stride[1]};
      const Range columns = part_of(args.n, kPanel, column_parts, t % parts % column_parts);
      const Range rows = part_of(args.m, kRowBlock, row_parts, t % parts / column_parts);
      const int64_t blocks = ceil_div(rows.size(), int64_t{kRowBlock});
      for (int64_t j = columns.begin; j < columns.end; j += kPanel) {
        for (int64_t r = 0; r < blocks; ++r) {
          const Range block = part_of(rows.size(), 1, blocks, r);
          compute_tile(product, {rows.begin + block.begin, rows.begin + block.end}, j,
                       lesser(kPanel, columns.end - j));
        }
      }
    }
  });
  return Status::kOk;
}

bool contiguous_one_way(const MatmulOperand& operand) {
  return operand.stride[2] == 1 || operand.stride[3] == 1;
}

}  // namespace

bool matmul_bfloat16_pays(const MatmulArgs& args) {
  return __builtin_cpu_supports("avx512bf16") && args.k > 0 && contiguous_one_way(args.a) &&
         contiguous_one_way(args.b);
}

Status matmul_bfloat16(const MatmulArgs& args) { return multiply(args); }

}  // namespace tallow::cpu::TALLOW_ISA

#pragma GCC pop_options

#else

namespace tallow::cpu::TALLOW_ISA {

bool matmul_bfloat16_pays(const MatmulArgs&) { return false; }
Status matmul_bfloat16(const MatmulArgs&) { return Status::kOk; }

}  // namespace tallow::cpu::TALLOW_ISA

#endif
