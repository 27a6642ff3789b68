// Staged copies of images, zero-padded and split by the stride; see Stage.
#include "cpu/conv.h"
#include "cpu/gemm_transpose.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Every other lane of the 2 * kLanes elements a and b, from the first on.
template <class V>
TALLOW_INLINE V even_lanes(V a, V b) {
  if constexpr (sizeof(V) / sizeof(a[0]) == 16) {
    return shuffle<0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30>(a, b);
  } else if constexpr (sizeof(V) / sizeof(a[0]) == 8) {
    return shuffle<0, 2, 4, 6, 8, 10, 12, 14>(a, b);
  } else if constexpr (sizeof(V) / sizeof(a[0]) == 4) {
    return shuffle<0, 2, 4, 6>(a, b);
  } else {
    return shuffle<0, 2>(a, b);
  }
}

// The first `count` of the 2 * kLanes elements from `from` on, without touching the others.
template <class T>
TALLOW_INLINE Vec<T> load_evens(const T* from, int64_t count) {
  constexpr int kW = kLanes<T>;
  if (count >= 2 * kW) return even_lanes(load(from), load(from + kW));
  if (count <= kW) return even_lanes(load_some(from, count), Vec<T>{});
  return even_lanes(load(from), load_some(from + kW, count - kW));
}

// Rows of `count` elements, `step` apart in the source, whose rows are row_step apart.
template <class T>
struct Rows {
  const T* from;
  int64_t step, row_step;
  int64_t rows, count;
  T* to;
  int64_t pitch;
  int64_t room;  // elements from `to` on that may be written
};

// Copies rows in the order of memory, which lets it write zeros behind each, less than a vector.
template <class T, int kStep>
TALLOW_NOINLINE void copy_rows(const Rows<T>& rows) {
  constexpr int kW = kLanes<T>;
  const int64_t count = rows.count;
  const int64_t whole = (count - (kStep == 2)) / kW * kW;  // of what may be loaded in vectors
  const int64_t left = count - whole;
  const T* from = rows.from;
  T* to = rows.to;
  int64_t room = rows.room - whole;
  for (int64_t y = 0; y < rows.rows; ++y) {
    for (int64_t i = 0; i < whole; i += kW) {
      store(to + i, kStep == 1 ? load(from + i) : load_evens(from + 2 * i, int64_t{2 * kW}));
    }
    if (left > 0) {
      const Vec<T> tail = kStep == 1 ? load_partial(from + whole, static_cast<int>(left))
                                     : load_evens(from + 2 * whole, 2 * left - 1);
      store_some(to + whole, tail, room >= kW ? int64_t{kW} : left);
    }
    from += rows.row_step;
    to += rows.pitch;
    room -= rows.pitch;
  }
}

template <class T>
TALLOW_INLINE void copy_rows(const Rows<T>& rows) {
  if (rows.step == 1) return copy_rows<T, 1>(rows);
  if (rows.step == 2) return copy_rows<T, 2>(rows);
  for (int64_t y = 0; y < rows.rows; ++y) {
    for (int64_t i = 0; i < rows.count; ++i) {
      rows.to[y * rows.pitch + i] = rows.from[y * rows.row_step + i * rows.step];
    }
  }
}

// The part of one phase of a stage that is inside the source: rows and elements of each.
struct Part {
  Range rows, columns;
  int64_t pixel;   // of the source: where the first element is from
  int64_t staged;  // in the stage, for channel 0
};

// Calls body(part) for every phase that a tap reads, in the order of the stage.
template <class Body>
TALLOW_INLINE void each_part(const Stage& stage, int64_t first_row, const Body& body) {
  const StageAxis& rows = stage.axis[0];
  const StageAxis& columns = stage.axis[1];
  for (int64_t p = 0; p < rows.stride; ++p) {
    if (rows.stride > 1 && !rows.uses(p)) continue;
    Part part;
    rows.inside(p, first_row, stage.rows, part.rows.begin, part.rows.end);
    for (int64_t q = 0; q < columns.stride; ++q) {
      if (columns.stride > 1 && !columns.uses(q)) continue;
      columns.inside(q, 0, stage.pitch, part.columns.begin, part.columns.end);
      const int64_t row = (first_row + part.rows.begin) * rows.stride + p + rows.origin;
      part.pixel = row * columns.source + part.columns.begin * columns.stride + q + columns.origin;
      part.staged = stage.offset(0, p, q, part.rows.begin, part.columns.begin);
      body(part);
    }
  }
}

// From images whose pixels are neighbours.
template <class T>
void fill_by_rows(const Stage& stage, const T* source, const Order& order, int64_t first_row,
                  T* staged) {
  const int64_t channel_pitch = stage.offset(1, 0, 0, 0, 0);
  each_part(stage, first_row, [&](const Part& part) {
    if (part.columns.size() <= 0) return;
    Rows<T> rows;
    rows.from = source + part.pixel;
    rows.step = stage.axis[1].stride;
    rows.row_step = stage.axis[0].stride * stage.axis[1].source;
    rows.rows = part.rows.size();
    rows.count = part.columns.size();
    rows.to = staged + part.staged;
    rows.pitch = stage.pitch;
    rows.room = stage.plane() - part.rows.begin * stage.pitch - part.columns.begin;
    for (int64_t c = 0; c < stage.channels; ++c) {
      copy_rows(rows);
      rows.from += order.channel;
      rows.to += channel_pitch;
    }
  });
}

// Turns `count` elements of `channels` channels round, both at most a vector.
template <class T>
TALLOW_INLINE void turn_elements(const T* from, int64_t step, int64_t count, int64_t channels,
                                 T* to, int64_t pitch) {
  Vec<T> block[kLanes<T>];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes<T>; ++i) {
    block[i] = i < count ? load_some(from + i * step, channels) : Vec<T>{};
  }
  transpose(block);
#pragma GCC unroll 16
  for (int c = 0; c < kLanes<T>; ++c) {
    if (c < channels) store_some(to + c * pitch, block[c], count);
  }
}

// From images whose channels are neighbours.
template <class T>
void fill_by_pixels(const Stage& stage, const T* source, const Order& order, int64_t first_row,
                    T* staged) {
  const int64_t step = stage.axis[1].stride * order.pixel;
  const int64_t row_step = stage.axis[0].stride * stage.axis[1].source * order.pixel;
  const int64_t channel_pitch = stage.offset(1, 0, 0, 0, 0);
  for (int64_t c = 0; c < stage.channels; c += kLanes<T>) {
    const int64_t channels = lesser(stage.channels - c, kLanes<T>);
    each_part(stage, first_row, [&](const Part& part) {
      const T* from = source + c + part.pixel * order.pixel;
      T* to = staged + c * channel_pitch + part.staged;
      for (int64_t y = 0; y < part.rows.size(); ++y) {
        for (int64_t x = 0; x < part.columns.size(); x += kLanes<T>) {
          turn_elements(from + x * step, step, lesser(part.columns.size() - x, kLanes<T>), channels,
                        to + x, channel_pitch);
        }
        from += row_step;
        to += stage.pitch;
      }
    });
  }
}

// Up to kLanes elements of a row of neighbouring pixels, `step` apart.
template <class T>
TALLOW_INLINE Vec<T> load_apart(const T* from, int64_t step, int64_t count) {
  if (step == 1) return load_some(from, count);
  if (step == 2) return load_evens(from, 2 * count - 1);
  Vec<T> value{};
  for (int64_t i = 0; i < count; ++i) value[i] = from[i * step];
  return value;
}

template <class T>
void fill_vectors(const Stage& stage, const T* source, const Order& order, int64_t channels,
                  int64_t first_row, T* staged) {
  constexpr int kW = kLanes<T>;
  const int64_t step = stage.axis[1].stride * order.pixel;
  const int64_t row_step = stage.axis[0].stride * stage.axis[1].source * order.pixel;
  // After a whole image come its next channels: many streams at once, too many for hardware.
  const bool whole = stage.rows * stage.axis[0].stride >= stage.axis[0].source;
  const int64_t ahead = whole ? kW * order.channel : 0;
  each_part(stage, first_row, [&](const Part& part) {
    const T* from = source + part.pixel * order.pixel;
    T* to = staged + part.staged * kW;
    const int64_t count = part.columns.size();
    for (int64_t y = 0; y < part.rows.size(); ++y, from += row_step, to += stage.pitch * kW) {
      if (order.last()) {
        for (int64_t x = 0; x < count; ++x)
          store(to + x * kW, load_some(from + x * step, channels));
        continue;
      }
      for (int64_t x = 0; x < count; x += kW) {
        const int64_t pixels = lesser(count - x, kW);
        Vec<T> block[kW];
#pragma GCC unroll 16
        for (int c = 0; c < kW; ++c) {
          const T* const row = from + c * order.channel + x * step;
          block[c] = c < channels ? load_apart(row, step, pixels) : Vec<T>{};
          __builtin_prefetch(row + ahead);
        }
        transpose(block);
#pragma GCC unroll 16
        for (int p = 0; p < kW; ++p) {
          if (p < pixels) store(to + (x + p) * kW, block[p]);
        }
      }
    }
  });
}

template <class T>
void fill(const Stage& stage, const T* source, const Order& order, int64_t first_row, T* staged) {
  if (order.last()) {
    fill_by_pixels(stage, source, order, first_row, staged);
  } else {
    fill_by_rows(stage, source, order, first_row, staged);
  }
}

}  // namespace

void fill_stage(const Stage& stage, const float* source, const Order& order, int64_t first_row,
                float* staged) {
  fill(stage, source, order, first_row, staged);
}
void fill_stage(const Stage& stage, const double* source, const Order& order, int64_t first_row,
                double* staged) {
  fill(stage, source, order, first_row, staged);
}
void fill_lanes(const Stage& stage, const float* source, const Order& order, int64_t channels,
                int64_t first_row, float* staged) {
  fill_vectors(stage, source, order, channels, first_row, staged);
}
void fill_lanes(const Stage& stage, const double* source, const Order& order, int64_t channels,
                int64_t first_row, double* staged) {
  fill_vectors(stage, source, order, channels, first_row, staged);
}

}  // namespace tallow::cpu::TALLOW_ISA
