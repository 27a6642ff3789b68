// gather and scatter: one element per position, along one dimension.
#include <type_traits>

#include "cpu/index.h"

namespace tallow::cpu::TALLOW_ISA {

namespace {

// Neighbouring lines that are walked together: their elements of `indexed` fill whole cache lines,
// and those of all positions still fit a second-level cache.
constexpr int64_t kLines = 64;

// The moves that change no element.
struct Take {
  template <class T>
  TALLOW_INLINE void operator()(const T& indexed, T& dense) const {
    dense = indexed;
  }
};
struct Put {
  template <class T>
  TALLOW_INLINE void operator()(T& indexed, const T& dense) const {
    indexed = dense;
  }
};
// Where neighbours meet neighbours these are worth a loop of their own.
template <class T, class Move>
inline constexpr bool kHasUnitLoop = std::is_same_v<Move, Take> || std::is_same_v<Move, Put> ||
                                     (std::is_arithmetic_v<T> && sizeof(T) >= 4);

// What lies `bytes` behind an element. Strides in bytes keep the compiler from making a loop of its
// own for each of them that may be 1.
template <class T>
TALLOW_INLINE T& behind(T* element, int64_t bytes) {
  return *reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(element) +
                               static_cast<uintptr_t>(bytes));
}

// Calls move(indexed, dense) for the positions [first, last) of up to kLines neighbouring lines.
// For one line the order is always ascending, whatever the loop order.
template <class T, class Move>
TALLOW_INLINE void move_run(const IndexedLines& lines, T* a, T* b, const int64_t* p,
                            const int64_t (&step)[3], int64_t count, int64_t first, int64_t last,
                            const Move& move) {
  constexpr int64_t kItem = sizeof(T);
  constexpr int64_t kPosition = sizeof(int64_t);
  // Copies, because elements written may be of the strides' type.
  const int64_t indexed_pitch = lines.indexed_stride * kItem;
  const int64_t dense_pitch = lines.dense_stride * kItem;
  const int64_t position_pitch = lines.position_stride * kPosition;
  const int64_t indexed_step = step[0] * kItem;
  const int64_t dense_step = step[1] * kItem;
  const int64_t position_step = step[2] * kPosition;
  // The inner loop is the one along which the positions lie closer together.
  if (count > 1 && position_step <= position_pitch) {
    const bool unit = kHasUnitLoop<T, Move> && indexed_step == kItem && dense_step == kItem &&
                      position_step == kPosition;
    for (int64_t k = first; k < last; ++k) {
      const int64_t* const row = &behind(p, k * position_pitch);
      T* const values = &behind(b, k * dense_pitch);
      if (unit) {
        for (int64_t i = 0; i < count; ++i) move(behind(a + i, row[i] * indexed_pitch), values[i]);
        continue;
      }
      for (int64_t i = 0; i < count; ++i) {
        move(behind(a, i * indexed_step + behind(row, i * position_step) * indexed_pitch),
             behind(values, i * dense_step));
      }
    }
    return;
  }
  const bool unit = kHasUnitLoop<T, Move> && indexed_pitch == kItem && dense_pitch == kItem &&
                    position_pitch == kPosition;
  for (int64_t i = 0; i < count; ++i) {
    T* const line = &behind(a, i * indexed_step);
    const int64_t* const row = &behind(p, i * position_step);
    T* const values = &behind(b, i * dense_step);
    if (unit) {
#pragma GCC unroll 4
      for (int64_t k = first; k < last; ++k) move(line[row[k]], values[k]);
      continue;
    }
    for (int64_t k = first; k < last; ++k) {
      move(behind(line, behind(row, k * position_pitch) * indexed_pitch),
           behind(values, k * dense_pitch));
    }
  }
}

// The same for the rest positions [begin, end).
template <class T, class Move>
void move_lines(const IndexedLines& lines, int64_t begin, int64_t end, int64_t first, int64_t last,
                const Move& move) {
  T* const indexed = static_cast<T*>(lines.indexed);
  T* const dense = static_cast<T*>(lines.dense);
  for_each_run(lines.rest, begin, end,
               [&](const int64_t (&offset)[3], const int64_t (&step)[3], int64_t count) {
                 for (int64_t i = 0; i < count; i += kLines) {
                   const int64_t here = count - i < kLines ? count - i : kLines;
                   move_run(
                       lines, indexed + offset[0] + i * step[0], dense + offset[1] + i * step[1],
                       lines.positions + offset[2] + i * step[2], step, here, first, last, move);
                 }
               });
}

// Whole lines per task, kLines at a time.
int64_t lines_per_task(int64_t line_bytes) {
  const int64_t count = items_per_task(line_bytes);
  return (count + kLines - 1) / kLines * kLines;
}

Status take_lines(const IndexedLines& lines) {
  dispatch_bytes(lines.dtype, [&]<class T>() {
    constexpr Take take;
    constexpr int64_t kBytes = sizeof(T) + sizeof(int64_t);
    // Few lines are cut along their length, many are dealt out whole.
    if (lines.rest.numel < 8) {
      parallel_for(lines.length, items_per_task(lines.rest.numel * kBytes),
                   [&](int64_t first, int64_t last) {
                     move_lines<T>(lines, 0, lines.rest.numel, first, last, take);
                   });
    } else {
      parallel_for(lines.rest.numel, lines_per_task(lines.length * kBytes),
                   [&](int64_t begin, int64_t end) {
                     move_lines<T>(lines, begin, end, 0, lines.length, take);
                   });
    }
  });
  return Status::kOk;
}

// Two positions of one line may name the same target, so a line is never cut.
template <class T, class Move>
void put_all(const IndexedLines& lines, const Move& move) {
  constexpr int64_t kBytes = sizeof(T) + sizeof(int64_t);
  parallel_for(
      lines.rest.numel, items_per_task(lines.length * kBytes),
      [&](int64_t begin, int64_t end) { move_lines<T>(lines, begin, end, 0, lines.length, move); });
}

template <class T>
TALLOW_INLINE T multiply_elements(T a, T b) {
  if constexpr (dtype_of<T> == DType::kBool) {
    return a && b;
  } else if constexpr (sizeof(T) <= 2) {
    return T(static_cast<Compute<T>>(static_cast<Compute<T>>(a) * static_cast<Compute<T>>(b)));
  } else if constexpr (dtype_of<T> == DType::kInt32 || dtype_of<T> == DType::kInt64) {
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));  // wraps
  } else {
    return a * b;
  }
}

// The extreme of two values, NaN before any number.
template <bool kLargest, class T>
TALLOW_INLINE T extreme_of(T a, T b) {
  const Compute<T> x = a;
  const Compute<T> y = b;
  if (x != x) return a;
  return (kLargest ? x >= y : x <= y) ? a : b;
}

Status put_lines(const IndexedLines& lines, ScatterOp op) {
  if (op == ScatterOp::kSet) {
    dispatch_bytes(lines.dtype, [&]<class T>() { put_all<T>(lines, Put{}); });
    return Status::kOk;
  }
  if (op == ScatterOp::kAdd || op == ScatterOp::kMul) {
    return dispatch(All{}, lines.dtype, "scatter", [&]<class T>() -> Status {
      if (op == ScatterOp::kAdd) {
        put_all<T>(lines, [](T& to, const T& from) { to = add_elements(to, from); });
      } else {
        put_all<T>(lines, [](T& to, const T& from) { to = multiply_elements(to, from); });
      }
      return Status::kOk;
    });
  }
  return dispatch(RealAndBool{}, lines.dtype, "scatter_reduce", [&]<class T>() -> Status {
    if (op == ScatterOp::kMax) {
      put_all<T>(lines, [](T& to, const T& from) { to = extreme_of<true>(to, from); });
    } else {
      put_all<T>(lines, [](T& to, const T& from) { to = extreme_of<false>(to, from); });
    }
    return Status::kOk;
  });
}

}  // namespace

void fill_index_lines(IndexKernels& table) {
  table.take_lines = take_lines;
  table.put_lines = put_lines;
}

}  // namespace tallow::cpu::TALLOW_ISA
