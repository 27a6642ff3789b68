// Two-dimensional pooling and its derivatives.
#pragma once

#include <cstdint>

#include "core/types.h"

namespace tallow {

// `planes` images of in_size pooled to out_size. The pixels of `interleaved` neighbouring planes
// are neighbours in memory, those of images and of indices alike: 1 if the tensors are contiguous,
// the number of channels if they are channels_last. Results do not depend on that. Index 0 is
// height, 1 width. Window o of one dimension covers elements o * stride - padding + t * dilation, t
// < kernel, those inside the image only. Adaptive kernels use the sizes alone: window o covers
// [floor(o * in / out), ceil((o + 1) * in / out)). Averages know no dilation.
struct PoolArgs {
  DType dtype;
  int64_t planes, interleaved;
  int64_t in_size[2], out_size[2];
  int64_t kernel[2], stride[2], padding[2], dilation[2];
};

// How the position of a maximum is stored, beside each output element.
enum class PoolIndex : uint8_t {
  kNone,
  kTap,   // uint8: row * kernel[1] + column inside the window; kernels of at most 256 elements
  kFlat,  // int64: row * in_size[1] + column inside the image
};

struct PoolKernels {
  // The largest element of each window and where it is: the first in row order, or the last NaN.
  // Floating, half and integer types. `index` is null for kNone.
  Status (*max)(const PoolArgs& args, const void* in, void* out, PoolIndex kind,
                void* index) = nullptr;
  // grad_in = for every image element, the sum of grad_out over the windows whose maximum it is.
  Status (*max_backward)(const PoolArgs& args, const void* grad_out, PoolIndex kind,
                         const void* index, void* grad_in) = nullptr;
  // out = the element of `in` at each window's stored position.
  Status (*max_gather)(const PoolArgs& args, const void* in, PoolIndex kind, const void* index,
                       void* out) = nullptr;
  // Window sums divided by `divisor` or, if that is 0, by the number of elements: all between the
  // padded borders (count_padding) or those inside the image. Floating, half, int64.
  Status (*average)(const PoolArgs& args, bool count_padding, int64_t divisor, const void* in,
                    void* out) = nullptr;
  Status (*average_backward)(const PoolArgs& args, bool count_padding, int64_t divisor,
                             const void* grad_out, void* grad_in) = nullptr;
  // `index` (kFlat) may not be null.
  Status (*adaptive_max)(const PoolArgs& args, const void* in, void* out, int64_t* index) = nullptr;
  Status (*adaptive_average)(const PoolArgs& args, const void* in, void* out) = nullptr;
  Status (*adaptive_average_backward)(const PoolArgs& args, const void* grad_out,
                                      void* grad_in) = nullptr;
};

}  // namespace tallow
