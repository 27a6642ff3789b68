// Images made of the pixels of others: padding, resizing to the nearest pixel, and moves between
// channels and space. Results keep the memory order of the input.
#pragma once

#include "core/scalar.h"
#include "core/tensor.h"

namespace tallow::ops {

// `pad` has the numbers of elements before and after the last dimension, then those of the one
// before it, and so on; negative ones remove elements.
Tensor constant_pad(const Tensor& input, const Dims& pad, const Scalar& value);

// Element (i, j) of the last two dimensions is the input's (rows[i], columns[j]).
Tensor pick_pixels(const Tensor& input, const Dims& rows, const Dims& columns);

// The last two dimensions resized to `sizes`: element i comes from floor(i * scale), or with
// `exact` from floor((i + 0.5) * scale), in float32.
Tensor resize_nearest(const Tensor& input, const Dims& sizes, double row_scale, double column_scale,
                      bool exact);

// (*, C * r * r, H, W) to (*, C, H * r, W * r), and back.
Tensor pixel_shuffle(const Tensor& input, int64_t factor);
Tensor pixel_unshuffle(const Tensor& input, int64_t factor);

}  // namespace tallow::ops
