// Matrix products of float32 and float64: which loops compute a product, and its tasks.
#include "cpu/gemm.h"

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/gemm_blocks.h"
#include "cpu/gemm_thin.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// ---- The plan: which loops, and how many tasks. Everything follows from the shape.

enum class Form { kBlocks, kDots, kStreams };

struct Plan {
  Form form;
  bool transpose;  // the loops see the transposed product
  int64_t column_parts, row_parts;
  int64_t tasks() const { return column_parts * row_parts; }
};

// Elements streamed from memory that do.
inline constexpr int64_t kTaskElements = 128 * 1024;
// Up to this many rows, dot products beat transposing the other operand. Short sums leave too much
// to the folding of lanes.
TALLOW_INLINE int64_t dot_limit(int64_t k) { return k >= 256 ? 16 : 4; }

template <class T>
TALLOW_INLINE bool has_dot_layout(const Gemm<T>& g) {
  return g.m <= dot_limit(g.k) && g.a_col == 1 && g.b_row == 1 &&
         (g.b_col != 1 || g.k == 1 || g.n == 1);
}
template <class T>
TALLOW_INLINE bool has_stream_layout(const Gemm<T>& g) {
  return g.m <= kStreamRows && g.b_col == 1;
}

// The least columns and rows that parts of a blocked product have, from the best cut to the finest.
// Each part of the columns packs all of its a, each part of the rows all of its b, and a copy costs
// as much as some 12 rows or columns of the product.
struct Cut {
  int64_t columns, rows;
};
inline constexpr Cut kCutsInPlace[] = {{256, 48}, {128, 48}, {64, kRows}};
inline constexpr Cut kCutsPackingA[] = {{256, 48}, {64, 48}};
inline constexpr Cut kCutsPackingB[] = {{256, 1024}, {256, 512}, {128, 512},
                                        {64, 512},   {256, 192}, {64, 48}};
inline constexpr Cut kCutsPackingBoth[] = {{512, 1024}, {512, 512}, {256, 512},
                                           {256, 256},  {256, 128}, {64, 48}};

// Takes the first cut that makes enough parts: where they pack, half of those wanted but at least
// two, or 12.
template <class T, int kCount>
void choose_grid(const Gemm<T>& g, const Cut (&cuts)[kCount], int64_t wanted, int64_t enough,
                 Plan& plan) {
  for (int c = 0; c < kCount; ++c) {
    const int64_t columns = ceil_div(g.n, cuts[c].columns);
    const int64_t row_limit = greater(g.m / cuts[c].rows, 1);
    if (c + 1 < kCount && columns * row_limit < enough) continue;
    plan.column_parts = columns;
    plan.row_parts = lesser(ceil_div(wanted, columns), row_limit);
    // As with wanted_tasks, an even number.
    if (plan.row_parts > 1 && columns * plan.row_parts % 2 == 1) --plan.row_parts;
    return;
  }
}

template <class T>
void choose_grid(const Gemm<T>& g, int64_t wanted, Plan& plan) {
  const bool pack_a = packing_a_pays(g, g.n);
  const int64_t half = greater(ceil_div(wanted, 2), lesser(wanted, 2));
  if (packing_pays(g, g.m)) {
    if (pack_a) return choose_grid(g, kCutsPackingBoth, wanted, lesser(half, 8), plan);
    return choose_grid(g, kCutsPackingB, wanted, lesser(half, 12), plan);
  }
  if (pack_a) return choose_grid(g, kCutsPackingA, wanted, lesser(half, 12), plan);
  choose_grid(g, kCutsInPlace, wanted, wanted, plan);
}

// `chained` rules out dot products, whose lanes add up in another order.
template <class T>
Plan make_plan(const Gemm<T>& g, int64_t batch, bool chained = false) {
  const Gemm<T> t = transposed(g);
  Plan plan{Form::kBlocks, false, 1, 1};
  if (!chained && has_dot_layout(g)) {
    plan.form = Form::kDots;
  } else if (!chained && has_dot_layout(t)) {
    plan = {Form::kDots, true, 1, 1};
  } else if (has_stream_layout(g)) {
    plan.form = Form::kStreams;
  } else if (has_stream_layout(t)) {
    plan = {Form::kStreams, true, 1, 1};
  }
  const int64_t flops = 2 * g.m * g.n * (g.k > 0 ? g.k : 1);
  if (plan.form == Form::kBlocks) {
    const int64_t wanted = ceil_div(wanted_tasks(flops * batch), batch);
    if (wanted > 1) choose_grid(g, wanted, plan);
  } else {
    const int64_t unit = plan.form == Form::kDots ? 24 : kStreamColumns;
    const int64_t columns = plan.transpose ? g.m : g.n;
    const int64_t by_size = lesser(columns * g.k / kTaskElements, 64);
    plan.column_parts = lesser(ceil_div(columns, unit), greater(by_size, 1));
  }
  return plan;
}

// Elements of scratch that any part of the plan needs.
template <class T>
int64_t part_scratch(const Gemm<T>& g, const Plan& plan) {
  if (plan.form != Form::kBlocks) return 0;
  return region_scratch(g, ceil_div(g.m, plan.row_parts) + kRows, g.n);
}

// Computes part `index` of the plan.
template <class T>
void compute_part(const Gemm<T>& product, const Plan& plan, int64_t index, T* scratch) {
  const Gemm<T> g = plan.transpose ? transposed(product) : product;
  const int64_t column_part = index % plan.column_parts;
  switch (plan.form) {
    case Form::kDots: {
      const Range columns = part_of(g.n, 8, plan.column_parts, column_part);
      return dot_columns(g, columns.begin, columns.end);
    }
    case Form::kStreams: {
      const Range columns = part_of(g.n, kStreamColumns, plan.column_parts, column_part);
      return stream_columns(g, columns.begin, columns.end);
    }
    case Form::kBlocks: {
      const Range columns =
          part_of(g.n, plan.column_parts > 1 ? 64 : 1, plan.column_parts, column_part);
      const Range rows = part_of(g.m, kRows, plan.row_parts, index / plan.column_parts);
      if (columns.size() > 0 && rows.size() > 0) compute_region(g, rows, columns, scratch);
    }
  }
}

template <class T>
Plan serial_plan(const Gemm<T>& g) {
  Plan plan = make_plan(g, 1);
  plan.column_parts = 1;
  plan.row_parts = 1;
  return plan;
}

}  // namespace

bool gemm_prefers_dots(int64_t m, int64_t n, int64_t k) { return lesser(m, n) <= dot_limit(k); }

int64_t gemm_scratch(const Gemm<float>& g) { return part_scratch(g, serial_plan(g)); }
int64_t gemm_scratch(const Gemm<double>& g) { return part_scratch(g, serial_plan(g)); }
void gemm_serial(const Gemm<float>& g, float* scratch) {
  compute_part(g, serial_plan(g), 0, scratch);
}
void gemm_serial(const Gemm<double>& g, double* scratch) {
  compute_part(g, serial_plan(g), 0, scratch);
}

void gemm_in_place(const Gemm<float>& g) {
  MicroBlock<float> block;
  block.a = g.a;
  block.a_row = g.a_row;
  block.a_col = g.a_col;
  block.b = g.b;
  block.b_row = g.b_row;
  block.c_row = g.c_row;
  block.accumulate = false;
  block.init_row = g.init_row;
  block.init_col = g.init_col;
  block.alpha = g.alpha;
  block.beta = g.beta;
  compute_rows(g, {0, g.m}, {0, g.n}, g.k, false, block);
}

namespace {

// ---- A batch of products as one list of tasks.

template <class T>
TALLOW_INLINE Gemm<T> batch_item(const MatmulArgs& args, int64_t item) {
  const int64_t p = item / args.batch[1];
  const int64_t q = item % args.batch[1];
  const auto at = [&](const MatmulOperand& operand) {
    const T* const data = static_cast<const T*>(operand.data);
    return data ? data + p * operand.stride[0] + q * operand.stride[1] : nullptr;
  };
  return {args.m,
          args.n,
          args.k,
          at(args.a),
          args.a.stride[2],
          args.a.stride[3],
          at(args.b),
          args.b.stride[2],
          args.b.stride[3],
          static_cast<T*>(args.c) + p * args.c_stride[0] + q * args.c_stride[1],
          args.c_stride[2],
          1,
          at(args.init),
          args.init.stride[2],
          args.init.stride[3],
          static_cast<T>(args.alpha),
          static_cast<T>(args.beta)};
}

// A sum this long over a small c is cut into parts that are computed apart and added pairwise: at
// most 8, or 256 for a handful of outputs, where the parts take no memory to speak of.
inline constexpr int64_t kSplitLength = 2048;
inline constexpr int64_t kSplitOutputs = 64 * 1024;

template <class T>
TALLOW_INLINE int64_t split_count(const Gemm<T>& g, const Plan& plan) {
  const int64_t outputs = g.m * g.n;
  if (outputs > kSplitOutputs || plan.tasks() > 2 || g.k < 2 * kSplitLength) return 1;
  const int64_t work = plan.form == Form::kBlocks ? 2 * outputs * g.k / kTaskFlops
                                                  : (g.m + g.n) * g.k / kTaskElements;
  const int64_t most = outputs <= 64 ? 256 : 8;
  return lesser(lesser(most, g.k / kSplitLength), greater(work, 1));
}

template <class T>
Status multiply_split(const Gemm<T>& g, int64_t splits) {
  const int64_t outputs = g.m * g.n;
  Gemm<T> longest = g;
  longest.k = ceil_div(g.k, splits) + kGemmBlock;
  const int64_t need = gemm_scratch(longest);
  const Scratch<T> partial(splits * outputs);
  if (!partial) return partial.failure();
  int64_t failed = 0;
  parallel_for(splits, 1, [&](int64_t begin, int64_t end) {
    const Scratch<T> packing(need);
    if (!packing && need > 0) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t s = begin; s < end; ++s) {
      const Range part = part_of(g.k, kGemmBlock, splits, s);
      Gemm<T> sub = g;
      sub.k = part.size();
      sub.a += part.begin * g.a_col;
      sub.b += part.begin * g.b_row;
      sub.c = partial.get() + s * outputs;
      sub.c_row = g.n;
      sub.c_col = 1;
      sub.init = nullptr;
      sub.alpha = T(1);
      gemm_serial(sub, packing.get());
    }
  });
  if (failed) return out_of_memory(need * static_cast<int64_t>(sizeof(T)));
  for (int64_t step = 1; step < splits; step *= 2) {
    for (int64_t s = 0; s + step < splits; s += 2 * step) {
      for (int64_t i = 0; i < outputs; ++i) {
        partial[s * outputs + i] += partial[(s + step) * outputs + i];
      }
    }
  }
  for (int64_t i = 0; i < g.m; ++i) {
    for (int64_t j = 0; j < g.n; ++j) store_element(g, i, j, partial[i * g.n + j], true);
  }
  return Status::kOk;
}

template <class T>
Status multiply(const MatmulArgs& args, bool chained) {
  const int64_t items = args.batch[0] * args.batch[1];
  if (items == 0 || args.m == 0 || args.n == 0) return Status::kOk;
  const Gemm<T> first = batch_item<T>(args, 0);
  const Plan plan = make_plan(first, items, chained);
  if (items == 1 && !chained) {
    const int64_t splits = split_count(first, plan);
    if (splits > 1) return multiply_split(first, splits);
  }
  const int64_t flops = 2 * first.m * first.n * first.k;
  const int64_t chunk = plan.tasks() > 1 ? 1 : items_in_task(items, flops);
  const int64_t need = part_scratch(first, plan);
  int64_t failed = 0;
  parallel_for(items * plan.tasks(), chunk, [&](int64_t begin, int64_t end) {
    const Scratch<T> scratch(need);
    if (!scratch && need > 0) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t t = begin; t < end; ++t) {
      compute_part(batch_item<T>(args, t / plan.tasks()), plan, t % plan.tasks(), scratch.get());
    }
  });
  return failed ? out_of_memory(need * static_cast<int64_t>(sizeof(T))) : Status::kOk;
}

Status matmul(const MatmulArgs& args) {
  const bool floating = args.dtype == DType::kFloat32 || args.dtype == DType::kFloat64;
  return floating ? matmul_floating(args) : matmul_other(args);
}

}  // namespace

Status matmul_floating(const MatmulArgs& args) {
  return args.dtype == DType::kFloat32 ? multiply<float>(args, false)
                                       : multiply<double>(args, false);
}
Status matmul_chained(const MatmulArgs& args) {
  return args.dtype == DType::kFloat32 ? multiply<float>(args, true) : multiply<double>(args, true);
}

bool matmul_sums_in_blocks(const MatmulArgs& args) {
  const int64_t items = args.batch[0] * args.batch[1];
  const Gemm<float> first = batch_item<float>(args, 0);
  const Plan plan = make_plan(first, items);
  return plan.form == Form::kBlocks && (items > 1 || split_count(first, plan) == 1);
}

void fill_matmul(MatmulKernels& table) { table.matmul = matmul; }

}  // namespace tallow::cpu::TALLOW_ISA
