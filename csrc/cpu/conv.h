// Convolutions inside the CPU backend: staged copies of the source, and sizes shared by the files.
#pragma once

#include <cstdint>

#include "backend/conv.h"
#include "core/types.h"
#include "cpu/gemm.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {

// Any kernel size; see ConvKernels for the arguments.
Status conv_direct_forward(const ConvArgs& args, const float* input, const float* weight,
                           const float* bias, float* output);
Status conv_direct_forward(const ConvArgs& args, const double* input, const double* weight,
                           const double* bias, double* output);
Status conv_direct_grad_input(const ConvArgs& args, const float* output, const float* weight,
                              const float* bias, float* input);
Status conv_direct_grad_input(const ConvArgs& args, const double* output, const double* weight,
                              const double* bias, double* input);
Status conv_grad_weight(const ConvArgs& args, const float* input, const float* output,
                        float* weight);
Status conv_grad_weight(const ConvArgs& args, const double* input, const double* output,
                        double* weight);

// Integers and complex numbers.
Status conv_plain_forward(const ConvArgs& args, const void* input, const void* weight,
                          const void* bias, void* output);
Status conv_plain_grad_input(const ConvArgs& args, const void* output, const void* weight,
                             const void* bias, void* input);
Status conv_plain_grad_weight(const ConvArgs& args, const void* input, const void* output,
                              void* weight);

// One dimension of a staged copy. The source is split by index modulo `stride`, so that the
// elements that one tap of neighbouring windows reads are neighbours: element e of phase p is
// source element e * stride + p + origin, zero if that is outside [0, source).
struct StageAxis {
  int64_t stride;
  int64_t origin;
  int64_t source;
  int64_t taps, dilation;  // tap t reads phase t * dilation % stride; unused phases stay unset

  TALLOW_INLINE bool uses(int64_t phase) const {
    for (int64_t t = 0; t < taps; ++t) {
      if (t * dilation % stride == phase) return true;
    }
    return false;
  }
  // The elements [begin, end) of a phase, out of `count` from `first` on, that are in the source.
  TALLOW_INLINE void inside(int64_t phase, int64_t first, int64_t count, int64_t& begin,
                            int64_t& end) const {
    const int64_t offset = phase + origin + first * stride;  // source index of element 0
    begin = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
    end = source > offset ? (source - offset + stride - 1) / stride : 0;
    if (end > count) end = count;
    if (begin > end) begin = end;
  }
};

// A staged piece of an image: `rows` rows of every phase from window row `first_row` on, each of
// `pitch` elements: [channel][row phase][column phase][rows][pitch].
struct Stage {
  StageAxis axis[2];
  int64_t channels;
  int64_t rows, pitch;

  TALLOW_INLINE int64_t plane() const { return rows * pitch; }
  TALLOW_INLINE int64_t offset(int64_t channel, int64_t row_phase, int64_t column_phase,
                               int64_t row, int64_t column) const {
    return ((channel * axis[0].stride + row_phase) * axis[1].stride + column_phase) * plane() +
           row * pitch + column;
  }
  // Vectors may be read past the last element.
  TALLOW_INLINE int64_t numel(int64_t slack) const { return offset(channels, 0, 0, 0, 0) + slack; }
};

namespace {

template <class T>
TALLOW_INLINE void copy_row(const T* from, int64_t step, int64_t count, T* to) {
  if (step == 1) {
    int64_t i = 0;
    for (; i + kLanes<T> <= count; i += kLanes<T>) store(to + i, load(from + i));
    for (; i < count; ++i) to[i] = from[i];
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = from[i * step];
  }
}

template <class T>
TALLOW_INLINE void fill_row(T* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = T(0);
}

// Copies the piece of `source` (channels of axis[0].source x axis[1].source) into `staged`.
template <class T>
void fill_stage(const Stage& stage, const T* source, int64_t first_row, T* staged) {
  const StageAxis& rows = stage.axis[0];
  const StageAxis& columns = stage.axis[1];
  for (int64_t p = 0; p < rows.stride; ++p) {
    if (!rows.uses(p)) continue;
    int64_t row_begin, row_end;
    rows.inside(p, first_row, stage.rows, row_begin, row_end);
    for (int64_t q = 0; q < columns.stride; ++q) {
      if (!columns.uses(q)) continue;
      int64_t begin, end;
      columns.inside(q, 0, stage.pitch, begin, end);
      for (int64_t c = 0; c < stage.channels; ++c) {
        T* to = staged + stage.offset(c, p, q, 0, 0);
        const T* const plane = source + c * rows.source * columns.source;
        fill_row(to, row_begin * stage.pitch);
        to += row_begin * stage.pitch;
        for (int64_t y = row_begin; y < row_end; ++y, to += stage.pitch) {
          const int64_t row = (first_row + y) * rows.stride + p + rows.origin;
          fill_row(to, begin);
          copy_row(plane + row * columns.source + begin * columns.stride + q + columns.origin,
                   columns.stride, end - begin, to + begin);
          fill_row(to + end, stage.pitch - end);
        }
        fill_row(to, (stage.rows - row_end) * stage.pitch);
      }
    }
  }
}

}  // namespace

}  // namespace tallow::cpu::TALLOW_ISA
