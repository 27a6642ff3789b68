// Checking positions, and copies of blocks picked by offsets (index_select, advanced indexing,
// embedding, index_put, index_add and their kin).
#include "cpu/index.h"

#include <cstring>

#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {

namespace {

Status out_of_bounds(const IndexBound& bound, int64_t value, int64_t place) {
  const long long index = value;
  const long long at = place;
  const long long size = bound.size;
  switch (bound.error) {
    case PositionError::kBounds:
    case PositionError::kBoundsRuntime:
      return fail(
          bound.error == PositionError::kBounds ? Status::kIndexError : Status::kRuntimeError,
          "%sindex %lld is out of bounds for dimension %lld with size %lld"
          " (element %lld of the index)",
          bound.prefix, index, static_cast<long long>(bound.dim), size, at);
    case PositionError::kSelf:
      return fail(Status::kIndexError,
                  "index out of range in self: index %lld (element %lld of the index) is not in"
                  " [0, %lld)",
                  index, at, size);
    case PositionError::kTake:
      return fail(Status::kIndexError,
                  "out of range: tried to access index %lld on a tensor of %lld elements."
                  " (element %lld of the index)",
                  index, size, at);
  }
  return Status::kIndexError;
}

constexpr int64_t kNoPlace = INT64_MAX;

void keep_smallest(int64_t* place, int64_t candidate) {
  int64_t seen = __atomic_load_n(place, __ATOMIC_RELAXED);
  while (candidate < seen && !__atomic_compare_exchange_n(place, &seen, candidate, true,
                                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

// Are all of `count` positions in [lowest, highest]? A difference of the wrong sign sets the sign
// bit.
bool all_within(const int64_t* positions, int64_t step, int64_t count, int64_t lowest,
                int64_t highest) {
  int64_t wrong = 0;
  if (step == 1) {
    for (int64_t i = 0; i < count; ++i) {
      wrong |= (positions[i] - lowest) | (highest - positions[i]);
    }
  } else {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t position = positions[i * step];
      wrong |= (position - lowest) | (highest - position);
    }
  }
  return wrong >= 0;
}

// Calls visit(place, positions, step, count) with runs of positions that are all within the bound;
// otherwise reports the first that is not.
template <class Visit>
Status for_each_checked_run(const Strided<1>& positions, const IndexBound& bound,
                            const Visit& visit) {
  const int64_t* const data = static_cast<const int64_t*>(positions.data[0]);
  const int64_t lowest = bound.wrap ? -bound.size : 0;
  const int64_t highest = bound.size - 1;
  int64_t bad = kNoPlace;
  parallel_for(positions.numel, items_per_task(sizeof(int64_t)), [&](int64_t begin, int64_t end) {
    int64_t place = begin;
    for_each_run(positions, begin, end,
                 [&](const int64_t (&offset)[1], const int64_t (&step)[1], int64_t count) {
                   const int64_t* const run = data + offset[0];
                   if (all_within(run, step[0], count, lowest, highest)) {
                     visit(place, run, step[0], count);
                   } else {
                     int64_t i = 0;
                     while (all_within(run + i * step[0], 1, 1, lowest, highest)) ++i;
                     keep_smallest(&bad, place + i);
                   }
                   place += count;
                 });
  });
  if (bad == kNoPlace) return Status::kOk;
  int64_t value = 0;
  for_each_run(
      positions, bad, bad + 1,
      [&](const int64_t (&offset)[1], const int64_t (&)[1], int64_t) { value = data[offset[0]]; });
  return out_of_bounds(bound, value, bad);
}

Status check(const Strided<1>& positions, const IndexBound& bound) {
  return for_each_checked_run(positions, bound, [](int64_t, const int64_t*, int64_t, int64_t) {});
}

Status offsets(int64_t* out, const Strided<1>& positions, const IndexBound& bound, bool add) {
  // A negative position p stands for p + size.
  const int64_t shift = bound.wrap ? bound.size : 0;
  return for_each_checked_run(positions, bound,
                              [&](int64_t place, const int64_t* run, int64_t step, int64_t count) {
                                int64_t* const target = out + place;
                                if (step == 1 && !add) {
                                  for (int64_t i = 0; i < count; ++i) {
                                    const int64_t wrapped = run[i] + (shift & (run[i] >> 63));
                                    target[i] = wrapped * bound.stride;
                                  }
                                  return;
                                }
                                for (int64_t i = 0; i < count; ++i) {
                                  const int64_t position = run[i * step];
                                  const int64_t wrapped = position + (position < 0 ? shift : 0);
                                  target[i] = (add ? target[i] : 0) + wrapped * bound.stride;
                                }
                              });
}

// The elements [begin, end) of one block, `move`d pair by pair: move(indexed, dense).
template <class T, class Move>
TALLOW_INLINE void move_block(const Strided<2>& after, T* indexed, T* dense, int64_t begin,
                              int64_t end, const Move& move) {
  for_each_run(after, begin, end,
               [&](const int64_t (&offset)[2], const int64_t (&step)[2], int64_t count) {
                 T* const a = indexed + offset[0];
                 T* const b = dense + offset[1];
                 if (step[0] == 1 && step[1] == 1) {
                   for (int64_t i = 0; i < count; ++i) move(a[i], b[i]);
                 } else {
                   for (int64_t i = 0; i < count; ++i) move(a[i * step[0]], b[i * step[1]]);
                 }
               });
}

// Calls body(indexed, dense) with the start of every block of one `before` position, for the
// offsets [begin, end).
template <class T, class Body>
TALLOW_INLINE void for_each_block(const IndexedBlocks& blocks, int64_t before, int64_t begin,
                                  int64_t end, const Body& body) {
  T* indexed = static_cast<T*>(blocks.indexed);
  T* dense = static_cast<T*>(blocks.dense);
  for_each_run(blocks.before, before, before + 1,
               [&](const int64_t (&offset)[2], const int64_t (&)[2], int64_t) {
                 indexed += offset[0];
                 dense += offset[1];
               });
  int64_t place = begin;
  for_each_run(blocks.index, begin, end,
               [&](const int64_t (&offset)[1], const int64_t (&step)[1], int64_t count) {
                 for (int64_t i = 0; i < count; ++i, ++place) {
                   body(indexed + blocks.offsets[place], dense + offset[0] + i * step[0]);
                 }
               });
}

bool is_plain(const Strided<2>& after) {
  return after.ndim == 0 || (after.ndim == 1 && after.stride[0][0] == 1 && after.stride[1][0] == 1);
}

// Neighbouring blocks that are neighbours on both sides.
struct Stretch {
  int64_t indexed, dense, elements;
};

// The stretches of the blocks of one `before` position; how many, or 0 if there are more than
// `limit` of them or blocks are not contiguous.
int64_t list_stretches(const IndexedBlocks& blocks, int64_t limit, Stretch* stretches) {
  const int64_t length = blocks.after.numel;
  if (!is_plain(blocks.after) || blocks.index.ndim != 1 || blocks.index.stride[0][0] != length) {
    return 0;
  }
  int64_t found = 0;
  for (int64_t i = 0; i < blocks.index.numel; ++i) {
    Stretch& last = stretches[found > 0 ? found - 1 : 0];
    if (found > 0 && blocks.offsets[i] == last.indexed + last.elements) {
      last.elements += length;
    } else {
      if (found == limit) return 0;
      stretches[found++] = {blocks.offsets[i], i * length, length};
    }
  }
  return found;
}

// Elements one after the other from the offsets [begin, end) of one `before` position.
template <class T>
void take_elements(const IndexedBlocks& blocks, int64_t before, int64_t begin, int64_t end) {
  if (blocks.index.ndim != 1 || blocks.index.stride[0][0] != 1) {
    for_each_block<T>(blocks, before, begin, end, [](T* from, T* to) { *to = *from; });
    return;
  }
  for_each_block<T>(blocks, before, begin, begin + 1, [&](T* from, T* to) {
    from -= blocks.offsets[begin];
    const int64_t* const offsets = blocks.offsets + begin;
#pragma GCC unroll 4
    for (int64_t i = 0; i < end - begin; ++i) to[i] = from[offsets[i]];
  });
}

// Every block is written by one task; tasks are ranges of (before, offset) pairs, or of `before`
// positions where many small blocks make few stretches.
Status take_blocks(const IndexedBlocks& blocks) {
  const int64_t count = blocks.index.numel;
  const int64_t length = blocks.after.numel;
  if (count == 0 || length == 0 || blocks.before.numel == 0) return Status::kOk;
  const bool plain = is_plain(blocks.after);
  constexpr int64_t kFew = 16;
  Stretch stretches[kFew];
  const bool many_rows = blocks.before.numel >= 8 && count >= 4;
  const int64_t limit = count / 4 < kFew ? count / 4 : kFew;
  const int64_t joined = many_rows ? list_stretches(blocks, limit, stretches) : 0;
  dispatch_bytes(blocks.dtype, [&]<class T>() {
    if (joined > 0) {
      const int64_t row_bytes = count * length * static_cast<int64_t>(sizeof(T));
      parallel_for(blocks.before.numel, items_per_task(row_bytes), [&](int64_t begin, int64_t end) {
        for_each_run(blocks.before, begin, end,
                     [&](const int64_t (&offset)[2], const int64_t (&step)[2], int64_t rows) {
                       const T* from = static_cast<const T*>(blocks.indexed) + offset[0];
                       T* to = static_cast<T*>(blocks.dense) + offset[1];
                       for (int64_t r = 0; r < rows; ++r, from += step[0], to += step[1]) {
                         for (const Stretch* s = stretches; s < stretches + joined; ++s) {
                           if (s->elements == 1) {
                             to[s->dense] = from[s->indexed];
                           } else {
                             std::memcpy(to + s->dense, from + s->indexed,
                                         static_cast<std::size_t>(s->elements) * sizeof(T));
                           }
                         }
                       }
                     });
      });
      return;
    }
    const int64_t chunk = items_per_task(length * static_cast<int64_t>(sizeof(T)) + 8);
    parallel_for(blocks.before.numel * count, chunk, [&](int64_t begin, int64_t end) {
      while (begin < end) {
        const int64_t before = begin / count;
        const int64_t first = begin - before * count;
        const int64_t last = count < first + (end - begin) ? count : first + (end - begin);
        if (length == 1) {
          take_elements<T>(blocks, before, first, last);
        } else if (plain) {
          for_each_block<T>(blocks, before, first, last, [&](T* from, T* to) {
            std::memcpy(to, from, static_cast<std::size_t>(length) * sizeof(T));
          });
        } else {
          for_each_block<T>(blocks, before, first, last, [&](T* from, T* to) {
            move_block(blocks.after, from, to, 0, length, [](T& a, T& b) { b = a; });
          });
        }
        begin += last - first;
      }
    });
  });
  return Status::kOk;
}

// The same offset may occur twice, so no two tasks may share a target: each task takes some of the
// (before, after) positions and goes through all offsets in order.
template <class T, class Move>
void put_all(const IndexedBlocks& blocks, const Move& move) {
  const int64_t count = blocks.index.numel;
  const int64_t length = blocks.after.numel;
  const bool plain = is_plain(blocks.after);
  constexpr int64_t kLine = 64 / sizeof(T) + (sizeof(T) > 64);
  int64_t chunk = items_per_task(count * static_cast<int64_t>(sizeof(T)));
  // Long parts of a block, if that leaves a few tasks.
  const int64_t part = length / 4 < 16 * kLine ? length / 4 : 16 * kLine;
  if (chunk < part) chunk = part;
  chunk = (chunk + kLine - 1) / kLine * kLine;
  parallel_for(blocks.before.numel * length, chunk, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t before = begin / length;
      const int64_t first = begin - before * length;
      const int64_t last = length < first + (end - begin) ? length : first + (end - begin);
      if (length == 1) {
        for_each_block<T>(blocks, before, 0, count, [&](T* to, T* from) { move(*to, *from); });
      } else if (plain) {
        for_each_block<T>(blocks, before, 0, count, [&](T* to, T* from) {
          for (int64_t i = first; i < last; ++i) move(to[i], from[i]);
        });
      } else {
        for_each_block<T>(blocks, before, 0, count, [&](T* to, T* from) {
          move_block(blocks.after, to, from, first, last, move);
        });
      }
      begin += last - first;
    }
  });
}

Status put_blocks(const IndexedBlocks& blocks, bool accumulate) {
  if (blocks.index.numel == 0 || blocks.after.numel == 0) return Status::kOk;
  if (!accumulate) {
    dispatch_bytes(blocks.dtype,
                   [&]<class T>() { put_all<T>(blocks, [](T& to, const T& from) { to = from; }); });
    return Status::kOk;
  }
  return dispatch(All{}, blocks.dtype, "index_put", [&]<class T>() -> Status {
    put_all<T>(blocks, [](T& to, const T& from) { to = add_elements(to, from); });
    return Status::kOk;
  });
}

}  // namespace

void fill_index(IndexKernels& table) {
  table.check = check;
  table.offsets = offsets;
  table.take_blocks = take_blocks;
  table.put_blocks = put_blocks;
  fill_index_lines(table);
  fill_index_masks(table);
  fill_index_creation(table);
  fill_index_taps(table);
  fill_index_sample(table);
  fill_index_planes(table);
  fill_index_squares(table);
}

}  // namespace tallow::cpu::TALLOW_ISA
