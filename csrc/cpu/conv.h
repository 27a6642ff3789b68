// Convolutions inside the CPU backend: staged copies of the source, and sizes shared by the files.
#pragma once

#include <cstdint>

#include "backend/conv.h"
#include "core/types.h"
#include "cpu/gemm.h"
#include "cpu/gemm_transpose.h"
#include "cpu/simd.h"

// The baseline of a platform with further levels does without, to stay small.
#if TALLOW_ISA_LEVEL > 0 || !defined(__x86_64__)
#define TALLOW_HAS_WINOGRAD 1
#else
#define TALLOW_HAS_WINOGRAD 0
#endif

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
// One filter per channel of channels_last images on both sides, in float32.
bool conv_depthwise_suits(const ConvArgs& args);
Status conv_depthwise_forward(const ConvArgs& args, const float* input, const float* weight,
                              const float* bias, float* output);
Status conv_depthwise_grad_input(const ConvArgs& args, const float* output, const float* weight,
                                 const float* bias, float* input);
// By matrix products, and by dot products over the pixels (for few output channels per group).
Status conv_product_grad_weight(const ConvArgs& args, const float* input, const float* output,
                                float* weight);
Status conv_product_grad_weight(const ConvArgs& args, const double* input, const double* output,
                                double* weight);
Status conv_dots_grad_weight(const ConvArgs& args, const float* input, const float* output,
                             float* weight);
Status conv_dots_grad_weight(const ConvArgs& args, const double* input, const double* output,
                             double* weight);

// Dense 3x3 kernels of stride 1, where it is allowed and pays. Rounds otherwise, see winograd.h.
bool conv_winograd_pays(const ConvArgs& args, bool for_weight);
Status conv_winograd_forward(const ConvArgs& args, const float* input, const float* weight,
                             const float* bias, float* output);
Status conv_winograd_grad_input(const ConvArgs& args, const float* output, const float* weight,
                                const float* bias, float* input);
Status conv_winograd_grad_weight(const ConvArgs& args, const float* input, const float* output,
                                 float* weight);

// Integers and complex numbers.
Status conv_plain_forward(const ConvArgs& args, const void* input, const void* weight,
                          const void* bias, void* output);
Status conv_plain_grad_input(const ConvArgs& args, const void* output, const void* weight,
                             const void* bias, void* input);
Status conv_plain_grad_weight(const ConvArgs& args, const void* input, const void* output,
                              void* weight);

// Where the elements of images are, in elements: contiguous images have pixels as neighbours,
// channels_last ones have channels.
struct Order {
  int64_t image, channel, pixel;
  TALLOW_INLINE bool last() const { return pixel != 1; }
};
TALLOW_INLINE Order order_of(bool last, int64_t channels, const int64_t (&size)[2]) {
  const int64_t pixels = size[0] * size[1];
  return {channels * pixels, last ? 1 : pixels, last ? channels : 1};
}
TALLOW_INLINE Order input_order(const ConvArgs& args) {
  return order_of(args.input_last, args.in_channels, args.in_size);
}
TALLOW_INLINE Order output_order(const ConvArgs& args) {
  return order_of(args.output_last, args.out_channels, args.out_size);
}
// Of the weight: an image per output channel, whose pixels are taps.
TALLOW_INLINE Order weight_order(const ConvArgs& args) {
  return order_of(args.weight_last, args.in_channels / args.groups, args.kernel);
}

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

// Copies what a piece has of `source` (the first of its channels) into `staged`, whose other
// elements must be zero already, and behind which a vector must be writable.
void fill_stage(const Stage& stage, const float* source, const Order& order, int64_t first_row,
                float* staged);
void fill_stage(const Stage& stage, const double* source, const Order& order, int64_t first_row,
                double* staged);
// The same for a stage of one channel whose elements are vectors of up to kLanes channels.
void fill_lanes(const Stage& stage, const float* source, const Order& order, int64_t channels,
                int64_t first_row, float* staged);
void fill_lanes(const Stage& stage, const double* source, const Order& order, int64_t channels,
                int64_t first_row, double* staged);

namespace {

// Every output pixel sees just its own input pixel.
TALLOW_INLINE bool conv_is_pointwise(const ConvArgs& args) {
  for (int d = 0; d < 2; ++d) {
    if (args.kernel[d] != 1 || args.stride[d] != 1 || args.padding[d] != 0) return false;
    if (args.in_size[d] != args.out_size[d]) return false;
  }
  return true;
}

// The stage that `rows` rows of a convolution's windows read.
TALLOW_INLINE Stage stage_of_windows(const ConvArgs& args, int64_t channels, int64_t rows) {
  Stage stage;
  for (int d = 0; d < 2; ++d) {
    stage.axis[d] = {args.stride[d], -args.padding[d], args.in_size[d], args.kernel[d],
                     args.dilation[d]};
  }
  stage.channels = channels;
  stage.rows = rows + (args.kernel[0] - 1) * args.dilation[0] / args.stride[0];
  stage.pitch = args.out_size[1] + (args.kernel[1] - 1) * args.dilation[1] / args.stride[1];
  return stage;
}

// Where in the stage window 0 reads each (channel, kernel row, kernel column).
TALLOW_INLINE void list_window_offsets(const ConvArgs& args, const Stage& stage, int32_t* table) {
  for (int64_t c = 0; c < stage.channels; ++c) {
    for (int64_t i = 0; i < args.kernel[0]; ++i) {
      for (int64_t j = 0; j < args.kernel[1]; ++j) {
        const int64_t row = i * args.dilation[0];
        const int64_t column = j * args.dilation[1];
        *table++ =
            static_cast<int32_t>(stage.offset(c, row % args.stride[0], column % args.stride[1],
                                              row / args.stride[0], column / args.stride[1]));
      }
    }
  }
}

// The first `count` lanes, 1 to all; the others are zero.
template <class T>
TALLOW_INLINE Vec<T> load_some(const T* from, int64_t count) {
  return count == kLanes<T> ? load(from) : load_partial(from, static_cast<int>(count));
}

template <class T>
TALLOW_INLINE void store_some(T* to, Vec<T> value, int64_t count) {
  if (count == kLanes<T>) {
    store(to, value);
  } else {
    store_partial(to, value, static_cast<int>(count));
  }
}

template <class T>
TALLOW_INLINE void fill_row(T* to, int64_t count) {
  int64_t i = 0;
  for (; i + kLanes<T> <= count; i += kLanes<T>) store(to + i, Vec<T>{});
  for (; i < count; ++i) to[i] = T(0);
}

}  // namespace

}  // namespace tallow::cpu::TALLOW_ISA
