// Matrix products of float32 and float64: how a product is divided into tasks and blocks.
#include "cpu/gemm.h"

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/gemm_micro.h"
#include "cpu/gemm_pack.h"
#include "cpu/gemm_thin.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Does copying b into panels cost less than reading it where it lies? Rows of b far apart make
// every register block touch a new page per row.
template <class T>
TALLOW_INLINE bool packing_pays(const Gemm<T>& g, int64_t rows) {
  if (g.b_col != 1) return true;
  return rows > 48 && g.k * g.n * static_cast<int64_t>(sizeof(T)) > 640 * 1024;
}

// When a is transposed its columns are walked with the row pitch of the stored matrix; a large
// pitch maps them all to a few cache sets.
template <class T>
TALLOW_INLINE bool packing_a_pays(const Gemm<T>& g, int64_t columns) {
  return g.a_col != 1 && g.a_col * static_cast<int64_t>(sizeof(T)) >= 1024 && g.k >= 32 &&
         columns >= 64;
}

// Pitch of a packed column of a: an odd number of cache lines, so that columns spread over sets.
template <class T>
TALLOW_INLINE int64_t packed_pitch(int64_t rows) {
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));
  return (ceil_div(rows, kLine) | 1) * kLine;
}

// Columns of b and rows of a that are packed at a time: together they fill half of a 1 MiB cache.
inline constexpr int64_t kSlabColumns = 256;
inline constexpr int64_t kSlabRows = 240;

template <class T>
TALLOW_INLINE int64_t packed_b_size(const Gemm<T>& g, int64_t columns) {
  const int64_t widest = lesser(kSlabColumns, columns);
  return lesser(g.k, kGemmBlock) * ceil_div(widest, kLanes<T>) * kLanes<T>;
}

// Elements of scratch that compute_region needs for at most this many rows and columns.
template <class T>
TALLOW_INLINE int64_t region_scratch(const Gemm<T>& g, int64_t rows, int64_t columns) {
  int64_t count = 0;
  if (packing_pays(g, rows)) count += packed_b_size(g, columns);
  if (packing_a_pays(g, columns)) {
    count += lesser(g.k, kGemmBlock) * packed_pitch<T>(lesser(kSlabRows, rows));
  }
  return count;
}

// Widths of the panels that `columns` columns are cut into: whole vectors, all nearly equal.
template <class T>
struct Panels {
  int64_t columns;
  int64_t count;
  TALLOW_INLINE explicit Panels(int64_t n) : columns(n), count(ceil_div(n, kPanelWidth<T>)) {}
  TALLOW_INLINE Range operator[](int64_t index) const {
    return part_of(columns, kLanes<T>, count, index);
  }
};

// Runs the register blocks of some rows against a packed or in-place slab of b. `block` carries
// what they share; block.a is the first row, block.b row 0 of the slab, and packed slabs consist of
// panels one after the other.
template <class T>
void compute_rows(const Gemm<T>& g, Range rows, Range columns, bool packed, MicroBlock<T> block) {
  const Panels<T> panels(columns.size());
  const int64_t row_blocks = ceil_div(rows.size(), kRows);
  const T* const a = block.a;
  const T* const b = block.b;
  for (int64_t r = 0; r < row_blocks; ++r) {
    const Range part = part_of(rows.size(), 1, row_blocks, r);
    const int64_t i = rows.begin + part.begin;
    block.a = a + part.begin * block.a_row;
    for (int64_t p = 0; p < panels.count; ++p) {
      const Range panel = panels[p];
      const int64_t j = columns.begin + panel.begin;
      block.columns = panel.size();
      block.b = b + panel.begin * (packed ? block.kc : 1);
      if (packed) block.b_row = ceil_div(panel.size(), kLanes<T>) * kLanes<T>;
      block.c = g.c + i * g.c_row + j;
      block.init = g.init ? g.init + i * g.init_row + j * g.init_col : nullptr;
      pick_micro<T>(part.size(), panel.size())(block);
    }
  }
}

template <class T>
void write_init(const Gemm<T>& g, Range rows, Range columns) {
  for (int64_t i = rows.begin; i < rows.end; ++i) {
    const T* const from = g.init + i * g.init_row;
    for (int64_t j = columns.begin; j < columns.end; ++j) {
      g.c[i * g.c_row + j] = g.beta * from[j * g.init_col];
    }
  }
}

// Some rows and at most kSlabColumns columns of c, all of k.
template <class T>
void compute_slab(const Gemm<T>& g, Range rows, Range columns, T* scratch) {
  const bool pack_b = packing_pays(g, rows.size());
  const bool pack_a = packing_a_pays(g, columns.size());
  T* const packed_b = scratch;
  T* const packed_a = scratch + (pack_b ? packed_b_size(g, columns.size()) : 0);
  // Register blocks read a first term along rows only; any other is written to c beforehand.
  const bool scattered = g.init && g.init_col != 0 && g.init_col != 1;
  if (scattered) write_init(g, rows, columns);
  MicroBlock<T> block;
  block.c_row = g.c_row;
  block.init_row = g.init_row;
  block.init_col = g.init_col;
  block.alpha = g.alpha;
  block.beta = g.beta;
  for (int64_t l = 0; l == 0 || l < g.k; l += kGemmBlock) {
    block.kc = lesser(g.k - l, kGemmBlock);
    block.accumulate = l > 0 || scattered;
    block.b = g.b + l * g.b_row + columns.begin * g.b_col;
    block.b_row = g.b_row;
    if (pack_b) {
      const Panels<T> panels(columns.size());
      for (int64_t p = 0; p < panels.count; ++p) {
        const Range panel = panels[p];
        pack_panel(block.b + panel.begin * g.b_col, g.b_row, g.b_col, block.kc, panel.size(),
                   ceil_div(panel.size(), kLanes<T>) * kLanes<T>,
                   packed_b + panel.begin * block.kc);
      }
      block.b = packed_b;
    }
    const int64_t step = pack_a ? kSlabRows : rows.size();
    for (int64_t i = rows.begin; i < rows.end; i += step) {
      const Range part{i, lesser(rows.end, i + step)};
      block.a = g.a + i * g.a_row + l * g.a_col;
      block.a_row = g.a_row;
      block.a_col = g.a_col;
      if (pack_a) {
        block.a_row = 1;
        block.a_col = packed_pitch<T>(part.size());
        pack_panel(g.a + i * g.a_row + l * g.a_col, g.a_col, g.a_row, block.kc, part.size(),
                   block.a_col, packed_a);
        block.a = packed_a;
      }
      compute_rows(g, part, columns, pack_b, block);
    }
  }
}

template <class T>
void compute_region(const Gemm<T>& g, Range rows, Range columns, T* scratch) {
  const int64_t slabs = ceil_div(columns.size(), kSlabColumns);
  for (int64_t s = 0; s < slabs; ++s) {
    const Range part = part_of(columns.size(), kPanelWidth<T>, slabs, s);
    compute_slab(g, rows, {columns.begin + part.begin, columns.begin + part.end}, scratch);
  }
}

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

// Parts of the columns (width 256 down to 64) and rows of a blocked product. Columns are cut first:
// each part of the columns packs its own part of b, while parts of the rows pack the same again.
template <class T>
void choose_grid(const Gemm<T>& g, int64_t wanted, Plan& plan) {
  const bool packed = packing_pays(g, g.m);
  for (int64_t width = 256;; width /= 2) {
    const bool last = width <= 64;
    const int64_t columns = ceil_div(g.n, width);
    const int64_t least_rows = packed ? (last ? 48 : 192) : (last ? kRows : 48);
    const int64_t row_limit = greater(g.m / least_rows, 1);
    if (last || columns * row_limit >= wanted) {
      plan.column_parts = lesser(columns, wanted);
      plan.row_parts = lesser(ceil_div(wanted, plan.column_parts), row_limit);
      if (columns > wanted) plan.column_parts = columns;
      return;
    }
  }
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
  block.kc = g.k;
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
  compute_rows(g, {0, g.m}, {0, g.n}, false, block);
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
  const int64_t flops = 2 * first.m * first.n * (first.k > 0 ? first.k : 1);
  const int64_t chunk = plan.tasks() > 1 ? 1 : ceil_div(kTaskFlops / 2, flops);
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
