// Planes put together from the cells of others: padding of images, resizing to the nearest pixel.
#include "core/scratch.h"
#include "cpu/index.h"
#include "cpu/tile_moves.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Neighbouring columns of a result whose cells are neighbours in the source too, or filled.
struct Run {
  int64_t to;
  int64_t from;  // -1: filled
  int64_t count;
};

// Cells are often a few cache lines: too short for a call of memcpy to pay.
TALLOW_INLINE void copy_cells(char* to, const char* from, int64_t nbytes) {
  if (nbytes < kVectorBytes || nbytes > 1024) return copy_rows(to, 0, from, 0, nbytes, 1);
  const auto move = [&](int64_t at) {
    store(reinterpret_cast<int64_t*>(to + at), load(reinterpret_cast<const int64_t*>(from + at)));
  };
  for (int64_t at = 0; at + kVectorBytes < nbytes; at += kVectorBytes) move(at);
  move(nbytes - kVectorBytes);
}

// The columns of a row, as they are and in runs.
struct Columns {
  const PlanePick& pick;
  Scratch<Run> runs;
  int64_t run_count = 0;
  bool in_runs = false;  // else every column by itself

  explicit Columns(const PlanePick& pick) : pick(pick), runs(pick.columns) {
    if (!runs) return;
    bool filled = false;
    for (int64_t j = 0; j < pick.columns; ++j) {
      const int64_t from = pick.column[j];
      filled = filled || from < 0;
      Run* const last = run_count > 0 ? &runs[run_count - 1] : nullptr;
      if (last &&
          (from < 0 ? last->from < 0 : last->from >= 0 && from == last->from + last->count)) {
        ++last->count;
      } else {
        runs[run_count++] = {j, from < 0 ? -1 : from, 1};
      }
    }
    in_runs = filled || 4 * run_count <= pick.columns;
  }
};

// Cells of one word, which is an element.
template <class Word>
struct WordRow {
  const Columns& columns;
  Word value;

  explicit WordRow(const Columns& columns) : columns(columns), value{} {
    if (columns.pick.value) std::memcpy(&value, columns.pick.value, sizeof(value));
  }
  TALLOW_INLINE void fill(char* to, int64_t count) const {
    for (int64_t i = 0; i < count; ++i) reinterpret_cast<Word*>(to)[i] = value;
  }
  TALLOW_INLINE void pick(char* to, const char* from) const {
    Word* const out = reinterpret_cast<Word*>(to);
    const Word* const in = reinterpret_cast<const Word*>(from);
    if (!columns.in_runs) {
      for (int64_t j = 0; j < columns.pick.columns; ++j) out[j] = in[columns.pick.column[j]];
      return;
    }
    for (int64_t k = 0; k < columns.run_count; ++k) {
      const Run& run = columns.runs[k];
      if (run.from < 0) {
        fill(reinterpret_cast<char*>(out + run.to), run.count);
      } else if (run.count == 1) {
        out[run.to] = in[run.from];
      } else {
        copy_cells(reinterpret_cast<char*>(out + run.to),
                   reinterpret_cast<const char*>(in + run.from),
                   run.count * static_cast<int64_t>(sizeof(Word)));
      }
    }
  }
};

// Cells of several elements.
struct CellRow {
  const Columns& columns;

  void fill(char* to, int64_t count) const {
    const PlanePick& pick = columns.pick;
    fill_elements(to, pick.value, pick.item, count * pick.cell_bytes / pick.item);
  }
  TALLOW_INLINE void pick(char* to, const char* from) const {
    const int64_t cell = columns.pick.cell_bytes;
    for (int64_t k = 0; columns.in_runs && k < columns.run_count; ++k) {
      const Run& run = columns.runs[k];
      if (run.from < 0) {
        fill(to + run.to * cell, run.count);
      } else {
        copy_cells(to + run.to * cell, from + run.from * cell, run.count * cell);
      }
    }
    for (int64_t j = 0; !columns.in_runs && j < columns.pick.columns; ++j) {
      copy_cells(to + j * cell, from + columns.pick.column[j] * cell, cell);
    }
  }
};

// Rows that are one run between filled ends, as zero padding makes them, and at least a vector
// long. The ends are filled by whole vectors, which the run then overwrites.
class FramedRow {
 public:
  static bool fits(const Columns& columns) {
    int64_t copied = 0;
    for (int64_t k = 0; k < columns.run_count; ++k) copied += columns.runs[k].from >= 0;
    const PlanePick& pick = columns.pick;
    return copied == 1 && pick.columns * pick.cell_bytes >= kVectorBytes && pick.value;
  }
  explicit FramedRow(const Columns& columns) {
    const PlanePick& pick = columns.pick;
    int64_t run = 0;
    while (columns.runs[run].from < 0) ++run;
    left_ = columns.runs[run].to * pick.cell_bytes;
    from_ = columns.runs[run].from * pick.cell_bytes;
    copied_ = columns.runs[run].count * pick.cell_bytes;
    row_ = pick.columns * pick.cell_bytes;
    fill_elements(&value_, pick.value, pick.item, kVectorBytes / pick.item);
  }
  TALLOW_INLINE void fill(char* to, int64_t) const { fill_from(to, 0); }
  TALLOW_INLINE void pick(char* to, const char* from) const {
    if (left_ > 0) {
      for (int64_t at = 0; at + kVectorBytes < left_; at += kVectorBytes) put(to + at);
      put(to + (left_ > kVectorBytes ? left_ - kVectorBytes : 0));
    }
    if (left_ + copied_ < row_) fill_from(to, left_ + copied_);
    copy_cells(to + left_, from + from_, copied_);
  }

 private:
  TALLOW_INLINE void put(char* to) const { store(reinterpret_cast<int64_t*>(to), value_); }
  TALLOW_INLINE void fill_from(char* to, int64_t at) const {
    for (; at + kVectorBytes < row_; at += kVectorBytes) put(to + at);
    put(to + row_ - kVectorBytes);
  }
  int64_t left_, from_, copied_, row_;  // in bytes
  Vec<int64_t> value_;
};

// Rows [begin, end) of all results. The row is a copy, which no write can change.
template <class Row>
void pick_rows(const PlanePick& pick, const Row row, char* out, const char* in, int64_t begin,
               int64_t end) {
  const int64_t row_bytes = pick.columns * pick.cell_bytes;
  const int64_t in_row_bytes = pick.in_columns * pick.cell_bytes;
  const char* plane = in + begin / pick.rows * pick.in_rows * in_row_bytes;
  int64_t i = begin % pick.rows;
  for (int64_t r = begin; r < end; ++r) {
    char* const to = out + r * row_bytes;
    if (i > 0 && r > begin && pick.row[i] == pick.row[i - 1]) {
      std::memcpy(to, to - row_bytes, static_cast<size_t>(row_bytes));
    } else if (pick.row[i] < 0) {
      row.fill(to, pick.columns);
    } else {
      row.pick(to, plane + pick.row[i] * in_row_bytes);
    }
    if (++i < pick.rows) continue;
    i = 0;
    plane += pick.in_rows * in_row_bytes;
  }
}

template <class Row>
void pick_all(const PlanePick& pick, const Row& row, void* out, const void* in) {
  parallel_for(pick.planes * pick.rows, items_per_task(pick.columns * pick.cell_bytes),
               [&](int64_t begin, int64_t end) {
                 pick_rows(pick, row, static_cast<char*>(out), static_cast<const char*>(in), begin,
                           end);
               });
}

Status pick_planes(void* out, const void* in, const PlanePick& pick) {
  const Columns columns(pick);
  if (!columns.runs) return columns.runs.failure();
  if (FramedRow::fits(columns)) {
    pick_all(pick, FramedRow(columns), out, in);
  } else if (pick.cell_bytes != pick.item) {
    pick_all(pick, CellRow{columns}, out, in);
  } else if (pick.item == 1) {
    pick_all(pick, WordRow<uint8_t>(columns), out, in);
  } else if (pick.item == 2) {
    pick_all(pick, WordRow<uint16_t>(columns), out, in);
  } else if (pick.item == 4) {
    pick_all(pick, WordRow<uint32_t>(columns), out, in);
  } else if (pick.item == 8) {
    pick_all(pick, WordRow<uint64_t>(columns), out, in);
  } else {
    pick_all(pick, WordRow<Word16>(columns), out, in);
  }
  return Status::kOk;
}

}  // namespace

void fill_index_planes(IndexKernels& table) { table.pick_planes = pick_planes; }

}  // namespace tallow::cpu::TALLOW_ISA
