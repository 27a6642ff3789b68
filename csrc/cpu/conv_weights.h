// Weights in the order in which a convolution pass reads them.
#pragma once

#include "core/parallel.h"
#include "cpu/conv_pass.h"
#include "cpu/gemm_pack.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Where a pass finds them: those of a block of groups begin at data + its number * block, and
// within it those of a phase at phase.weight * channels.
template <class T>
struct Weights {
  const T* data;
  int64_t block;
  int64_t channels;
};

// Panels for compute_channels hold this many channels; the last of a group is rounded up to
// vectors.
template <class T>
inline constexpr int64_t kChannelPanel = kChannelVectors * kLanes<T>;
template <class T>
TALLOW_INLINE int64_t padded_channels(const Pass& pass) {
  return ceil_div(pass.out_channels, kLanes<T>) * kLanes<T>;
}

// Calls body(group, channels of one panel) for all panels of all groups.
template <class T, class Body>
void each_panel(const Pass& pass, const Body& body) {
  const int64_t panels = ceil_div(pass.out_channels, kChannelPanel<T>);
  const int64_t work = kChannelPanel<T> * pass.source_channels * pass.taps;
  parallel_for(pass.groups * panels, 65536 / work + 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t % panels * kChannelPanel<T>;
      body(t / panels, Range{first, lesser(pass.out_channels, first + kChannelPanel<T>)});
    }
  });
}

// Rows [out channel][source channel][tap], for compute_pixels, of a weight stored with the channels
// behind the taps.
template <class T>
void arrange_rows_of_weights(const Pass& pass, const T* weight, T* arranged) {
  const int64_t sums = pass.source_channels * pass.taps;
  parallel_for(pass.groups * pass.out_channels, 65536 / sums + 1, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      for (int64_t c = 0; c < pass.source_channels; ++c) {
        for (int64_t t = 0; t < pass.taps; ++t) {
          arranged[o * sums + c * pass.taps + t] =
              weight[o * sums + c * pass.weight.channel + t * pass.weight.pixel];
        }
      }
    }
  });
}

// Panels of a convolution's weight, [source channel][tap][out channel], for compute_channels.
template <class T>
void pack_rows_of_weights(const Pass& pass, const T* weight, T* packed) {
  constexpr int64_t kW = kLanes<T>;
  const int64_t sums = pass.source_channels * pass.taps;
  each_panel<T>(pass, [&](int64_t group, Range channels) {
    const T* const from = weight + (group * pass.out_channels + channels.begin) * sums;
    const int64_t width = ceil_div(channels.size(), kW) * kW;
    T* const to = packed + (group * padded_channels<T>(pass) + channels.begin) * sums;
    if (!pass.weight.last()) {
      pack_panel(from, int64_t{1}, sums, sums, channels.size(), width, to);
      return;
    }
    for (int64_t t = 0; t < pass.taps; ++t) {
      for (int64_t c = 0; c < pass.source_channels; c += kW) {
        const int steps = static_cast<int>(lesser(kW, pass.source_channels - c));
        for (int64_t j = 0; j < width; j += kW) {
          pack_block<T, false>(from + j * sums + t * pass.weight.pixel + c, sums, steps,
                               static_cast<int>(lesser(kW, channels.size() - j)), pass.taps * width,
                               to + (c * pass.taps + t) * width + j);
        }
      }
    }
  });
}

// [block of groups][tap][lane], for compute_groups; `taps` lists the taps of all phases, or is
// null: all in order.
template <class T>
void arrange_weights_of_groups(const Pass& pass, const int32_t* taps, const T* weight,
                               T* arranged) {
  constexpr int kW = kLanes<T>;
  for (int64_t g = 0; g < pass.blocks() * kW; ++g) {
    T* const to = arranged + g / kW * kW * pass.taps + g % kW;
    for (int64_t s = 0; s < pass.taps; ++s) {
      to[s * kW] = g < pass.groups ? weight[g * pass.taps + (taps ? taps[s] : s)] : T(0);
    }
  }
}

// The weight of a transposed convolution is stored as [source channel][out channel][tap], or with
// the out channels behind the taps; `taps` lists the taps of all phases, one phase after the other.

// Rows [out channel][source channel][tap of the phase], for compute_pixels. Out channels are taken
// a few at a time, so that whole cache lines of the stored weight are used.
template <class T>
void arrange_transposed_weights(const Pass& pass, const Phase* phases, const int32_t* taps,
                                const T* weight, T* arranged) {
  constexpr int64_t kBlock = 8;
  const int64_t blocks = ceil_div(pass.out_channels, kBlock);
  const int64_t group_size = pass.source_channels * pass.out_channels * pass.taps;
  const int64_t chunk = 65536 / (pass.source_channels * pass.taps * kBlock) + 1;
  parallel_for(pass.groups * blocks, chunk, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const T* const from = weight + t / blocks * group_size;
      const Range channels = part_of(pass.out_channels, 1, blocks, t % blocks);
      const int32_t* list = taps;
      for (int64_t f = 0; f < pass.phases[0] * pass.phases[1]; ++f) {
        const Phase& phase = phases[f];
        T* const to = arranged + t / blocks * group_size + phase.weight * pass.out_channels;
        for (int64_t c = 0; c < pass.source_channels; ++c) {
          for (int64_t o = channels.begin; o < channels.end; ++o) {
            const T* const stored =
                from + c * pass.out_channels * pass.taps + o * pass.weight.channel;
            T* const row = to + (o * pass.source_channels + c) * phase.taps;
            for (int64_t s = 0; s < phase.taps; ++s) row[s] = stored[list[s] * pass.weight.pixel];
          }
        }
        list += phase.taps;
      }
    }
  });
}

// Panels [source channel][tap of the phase][out channel], for compute_channels.
template <class T>
void pack_transposed_weights(const Pass& pass, const Phase* phases, const int32_t* taps,
                             const T* weight, T* packed) {
  constexpr int kW = kLanes<T>;
  const int64_t padded = padded_channels<T>(pass);
  each_panel<T>(pass, [&](int64_t group, Range channels) {
    const int64_t width = ceil_div(channels.size(), kW) * kW;
    const int64_t source_step = pass.out_channels * pass.taps;
    const T* const from =
        weight + group * pass.source_channels * source_step + channels.begin * pass.weight.channel;
    T* const group_to = packed + group * padded * pass.source_channels * pass.taps;
    const int32_t* list = taps;
    for (int64_t f = 0; f < pass.phases[0] * pass.phases[1]; ++f) {
      const Phase& phase = phases[f];
      T* to = group_to + phase.weight * padded + channels.begin * pass.source_channels * phase.taps;
      for (int64_t c = 0; c < pass.source_channels; ++c, to += phase.taps * width) {
        const T* const stored = from + c * source_step;
        for (int64_t s = 0; s < phase.taps; ++s) {
          const T* const tap = stored + list[s] * pass.weight.pixel;
          T* const row = to + s * width;
          for (int64_t o = 0; o < channels.size(); ++o) row[o] = tap[o * pass.weight.channel];
          for (int64_t o = channels.size(); o < width; ++o) row[o] = T(0);
        }
      }
      list += phase.taps;
    }
  });
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
