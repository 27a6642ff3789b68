// A convolution or its transpose as a pass over images: the description that its files share.
#pragma once

#include "cpu/conv.h"

namespace tallow::cpu::TALLOW_ISA {

// A pass over one kind of problem: every window of the source gives one output pixel per phase.
// The convolution has one phase. Its transpose with stride s has s of them per dimension: output
// pixels of phase r, r + s, r + 2 s ... see the same taps, at neighbouring source pixels.
struct Pass {
  int64_t batch, groups;
  int64_t source_channels, out_channels;  // per group
  int64_t out_size[2];
  int64_t phases[2];   // of the output
  int64_t windows[2];  // output pixels of phase 0
  int64_t reach[2];    // rows and columns that windows read beyond their own
  StageAxis axis[2];
  int64_t taps;  // of all phases together
  Order source_order, out_order;
  Order weight;  // as stored
  // Groups that are computed together, in the lanes of vectors, if they have one channel each; 1
  // otherwise. An item is such a block of groups of one image.
  int64_t block_groups;
  TALLOW_INLINE int64_t blocks() const { return ceil_div(groups, block_groups); }
  TALLOW_INLINE int64_t first_group(int64_t item) const { return item % blocks() * block_groups; }
  TALLOW_INLINE int64_t source_at(int64_t item) const {
    return item / blocks() * source_order.image +
           first_group(item) * source_channels * source_order.channel;
  }
  TALLOW_INLINE int64_t out_at(int64_t item) const {
    return item / blocks() * out_order.image + first_group(item) * out_channels * out_order.channel;
  }
};

// Where the taps of one output phase are, and its weights: [out channel][source channel][tap].
struct Phase {
  int64_t taps;    // per source channel
  int64_t table;   // position of its offsets
  int64_t weight;  // position of its weights in a group's
};

// Output pixels of `rows` window rows of one phase: pixel (y, x) reads the stage at y * pitch + x.
template <class T>
struct Image {
  const T* staged;
  int64_t pitch;
  const int32_t* table;
  int64_t sum_length;  // source channels x taps
  const T* weight;     // [channels][sum_length], or panels of it
  const T* bias;       // null: none
  int64_t channels;
  int64_t rows, columns;
  T* out;
  int64_t out_channel, out_row, out_column;  // strides
};

// Three ways to compute an image, which give the same bits: lanes are neighbouring pixels, output
// channels, or groups of one channel. For the second the weights are packed: panels of
// kChannelVectors vectors of channels, the last perhaps of fewer, each [sum_length][panel width],
// zero beyond the last channel. For the third the stage has a vector of channels per element, the
// weights are [sum_length][lanes], and `channels` counts the lanes in use.
void compute_pixels(const Image<float>& image);
void compute_pixels(const Image<double>& image);
void compute_channels(const Image<float>& image);
void compute_channels(const Image<double>& image);
void compute_groups(const Image<float>& image);
void compute_groups(const Image<double>& image);

inline constexpr int kChannelVectors = 2;

}  // namespace tallow::cpu::TALLOW_ISA
