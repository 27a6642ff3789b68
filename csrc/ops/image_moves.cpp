#include "ops/image_moves.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/record.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/gather_scatter.h"
#include "ops/kernel.h"
#include "ops/memory_order.h"
#include "ops/views.h"
#include "ops/weighted_taps.h"

namespace tallow::ops {

namespace {

// Has the device the kernel? A meta tensor needs none.
bool picks_planes(const Tensor& input) { return !input.device().is_cuda(); }

bool is_dense_image(const Tensor& input) {
  return input.is_contiguous() || is_dense_channels_last(input);
}

// Sizes of the last two dimensions; a vector is one row.
int64_t rows_of(const Tensor& image) { return image.dim() > 1 ? image.size(-2) : 1; }
int64_t columns_of(const Tensor& image) { return image.size(-1); }

// Makes cell (i, j) of `out` cell (rows[i], columns[j]) of `input`, or the element at `value` where
// one of them is -1. `out` is in the memory order that the input suggests, and not empty.
void pick_cells(const char* op, const Tensor& input, const Tensor& out, const Dims& rows,
                const Dims& columns, const void* value) {
  const bool last = suggests_channels_last(input);
  const int64_t item = item_size(input.dtype());
  const int64_t pixels = rows.size() * columns.size();
  const int64_t interleaved = last ? input.size(1) : 1;
  run<&Backend::index, &IndexKernels::pick_planes>(
      op, input.device(), out.ptr(), data_in_order(input, last).ptr(),
      PlanePick{out.numel() / pixels / interleaved, rows_of(input), columns_of(input), rows.size(),
                columns.size(), rows.data(), columns.data(), interleaved * item,
                static_cast<int>(item), value});
}

// ---- Constant padding

// What padding does to one dimension: of `kept` elements the first was at `from` and comes to `to`.
struct Padded {
  int64_t from, to, kept, size;
};

Padded pad_dim(const Tensor& input, int64_t dim, int64_t before, int64_t after) {
  constexpr int64_t kMost = int64_t{1} << 60;  // sums of three do not overflow
  TALLOW_CHECK(std::min(before, after) >= -kMost && std::max(before, after) <= kMost,
               "Storage size calculation overflowed: constant_pad_nd(): padding of dimension ", dim,
               " by ", before, " and ", after);
  const int64_t from = std::max<int64_t>(0, -before), to = std::max<int64_t>(0, before);
  const int64_t kept = input.sizes()[dim] - from - std::max<int64_t>(0, -after);
  TALLOW_CHECK(kept >= 0, "narrow(): length must be non-negative. Padding by ", before, " and ",
               after, " takes more than there is from dimension ", dim, " of size ",
               input.sizes()[dim], ".");
  return {from, to, kept, to + kept + std::max<int64_t>(0, after)};
}

Dims sources_of(const Padded& padded) {
  Dims sources = Dims::filled(padded.size, -1);
  for (int64_t i = 0; i < padded.kept; ++i) sources[padded.to + i] = padded.from + i;
  return sources;
}

// Filled everywhere, then written over: any dimensions, any device.
void fill_and_copy(const Tensor& input, const Tensor& out, const std::vector<Padded>& padded,
                   const Scalar& value) {
  const NoGradGuard no_grad;
  fill_(out, value);
  Dims kept = out.sizes();
  int64_t to = 0, from = input.impl()->offset;
  for (int64_t d = 0; d < input.dim(); ++d) {
    const Padded& p = padded[static_cast<std::size_t>(d)];
    kept[d] = p.kept;
    to += p.to * out.strides()[d];
    from += p.from * input.strides()[d];
  }
  copy_data(alias(out, kept, out.strides(), to), alias(input, kept, input.strides(), from));
}

Tensor padded_with(const Tensor& input, const Dims& pad, const Scalar& value) {
  TALLOW_CHECK(pad.size() % 2 == 0 && pad.size() <= 2 * input.dim(),
               "Length of pad must be even and at most twice the number of dimensions of the "
               "input. However, the pad sequence is of length ",
               pad.size());
  Dims sizes = input.sizes();
  std::vector<Padded> padded;
  bool in_planes = picks_planes(input) && input.dim() > 0 && is_dense_image(input);
  for (int64_t d = 0; d < input.dim(); ++d) {
    const int64_t at = 2 * (input.dim() - 1 - d);
    const bool named = at < pad.size();
    padded.push_back(pad_dim(input, d, named ? pad[at] : 0, named ? pad[at + 1] : 0));
    in_planes = in_planes && (d >= input.dim() - 2 || !named || (pad[at] == 0 && pad[at + 1] == 0));
    sizes[d] = padded.back().size;
  }
  // Before the tables of positions: what memory cannot hold is refused here.
  const Tensor out = empty_in_order(sizes, suggests_channels_last(input), input);
  if (out.numel() == 0 || out.device().is_meta()) return out;
  if (!in_planes ||
      columns_of(out) * int64_t{sizeof(int64_t)} > out.numel() * item_size(out.dtype())) {
    fill_and_copy(input, out, padded, value);
    return out;
  }
  alignas(16) char element[16];
  value.store(input.dtype(), element);
  const Dims rows = input.dim() > 1 ? sources_of(padded[padded.size() - 2]) : Dims{0};
  pick_cells("constant_pad_nd", input, out, rows, sources_of(padded.back()), element);
  return out;
}

// ---- Picking, and its derivative

Dims picked_shape(const Tensor& input, const Dims& rows, const Dims& columns) {
  Dims sizes = input.sizes();
  if (input.dim() > 1) sizes[input.dim() - 2] = rows.size();
  sizes[input.dim() - 1] = columns.size();
  return sizes;
}

// As a tensor.
Tensor positions_on(const Tensor& like, const Dims& positions) {
  const Tensor host = empty({positions.size()}, DType::kInt64, kCPU);
  std::copy(positions.begin(), positions.end(), host.data<int64_t>());
  return to_device(host, like.device());
}

// Calls body(image, row dimension) with the channels moved behind the pixels if memory has them
// there, and moves them back.
template <class Body>
Tensor in_memory_order(const Tensor& image, const Body& body) {
  if (!suggests_channels_last(image)) return body(image, std::max<int64_t>(image.dim() - 2, 0));
  return permute(body(permute(image, {0, 2, 3, 1}), 1), {0, 3, 1, 2});
}

// Element (r, c) of the result is the sum of the elements (i, j) of `grad` with (r, c) ==
// (rows[i], columns[j]).
Tensor sum_pixels(const Tensor& grad, const Dims& rows, const Dims& columns, int64_t row_count,
                  int64_t column_count) {
  return in_memory_order(grad, [&](const Tensor& image, int64_t dim) {
    if (grad.dim() == 1) return sum_at(image, 0, columns, column_count);
    return sum_at(sum_at(image, dim, rows, row_count), dim + 1, columns, column_count);
  });
}

// `name` is that of the node.
Tensor pick(const char* op, const char* name, const Tensor& input, const Dims& rows,
            const Dims& columns) {
  if (!picks_planes(input)) {
    return in_memory_order(input, [&](const Tensor& image, int64_t dim) {
      const Tensor picked =
          input.dim() > 1 ? index_select(image, dim, positions_on(input, rows)) : image;
      return contiguous(
          index_select(picked, input.dim() > 1 ? dim + 1 : 0, positions_on(input, columns)));
    });
  }
  Tensor out =
      empty_in_order(picked_shape(input, rows, columns), suggests_channels_last(input), input);
  if (out.numel() > 0) pick_cells(op, input, out, rows, columns, nullptr);
  return record(name, {&input}, std::move(out), [&](Saver&) {
    return [rows, columns, row_count = rows_of(input), column_count = columns_of(input)](Grads& g) {
      g.out[0] = sum_pixels(g.grad(), rows, columns, row_count, column_count);
    };
  });
}

void check_inside(const char* what, const Dims& positions, int64_t size) {
  for (const int64_t position : positions) {
    TALLOW_CHECK_INDEX(position >= 0 && position < size, "_pick_pixels(): ", what, " ", position,
                       " is out of range for an image of ", size);
  }
}

Dims nearest_sources(int64_t size, int64_t length, double scale, bool exact) {
  Dims sources = Dims::filled(size, 0);
  // In float32, as PyTorch: another precision can pick the neighbour.
  const float step = static_cast<float>(scale);
  for (int64_t i = 0; i < size; ++i) {
    const float at = (static_cast<float>(i) + (exact ? 0.5F : 0.0F)) * step;
    sources[i] = size == length && scale == 1.0
                     ? i
                     : std::clamp<int64_t>(static_cast<int64_t>(std::floor(at)), 0, length - 1);
  }
  return sources;
}

// ---- Channels and space

// A view of one copy's source or target as (*, C, H, r, W, r): `shuffled` says whether `image` has
// the r x r squares in its pixels or in its channels.
Tensor in_squares(const Tensor& image, int64_t factor, bool shuffled) {
  const int64_t lead = image.dim() - 3;
  Dims sizes(image.sizes().data(), lead), strides(image.strides().data(), lead);
  const auto push = [&](int64_t size, int64_t stride) {
    sizes.push_back(size);
    strides.push_back(stride);
  };
  const int64_t squares = shuffled ? 1 : factor * factor;
  push(image.sizes()[lead] / squares, image.strides()[lead] * squares);
  for (int64_t d = 1; d <= 2; ++d) {
    const int64_t size = image.sizes()[lead + d], stride = image.strides()[lead + d];
    push(shuffled ? size / factor : size, shuffled ? stride * factor : stride);
    push(factor, shuffled ? stride : image.strides()[lead] * (d == 1 ? factor : 1));
  }
  return alias(image, sizes, strides, image.impl()->offset);
}

Tensor move_squares(const Tensor& input, int64_t factor, bool shuffle) {
  TALLOW_CHECK(input.dim() >= 3 && factor > 0, "pixel_shuffle(): expected an image and a factor");
  const char* const name = shuffle ? "upscale" : "downscale";
  int64_t square = 0;
  TALLOW_CHECK_VALUE(!__builtin_mul_overflow(factor, factor, &square), name,
                     " factor is too large, (", name, "_factor)^2 overflowed: ", name,
                     "_factor=", factor);
  const int64_t lead = input.dim() - 3;
  Dims sizes = input.sizes();
  for (int64_t d = 0; d < 3; ++d) {
    const int64_t ratio = d == 0 ? square : factor;
    const bool grows = (d == 0) != shuffle;
    int64_t& size = sizes[lead + d];
    TALLOW_CHECK(grows || size % ratio == 0, "pixel_shuffle(): size ", size, " of dimension ",
                 lead + d, " is not divisible by ", ratio);
    TALLOW_CHECK(!grows || !__builtin_mul_overflow(size, ratio, &size),
                 "pixel_shuffle(): dimension ", lead + d, " of ", input.sizes(),
                 " is too large to grow by ", ratio);
    if (!grows) size /= ratio;
  }
  const bool last = suggests_channels_last(input);
  const Tensor out = empty_in_order(sizes, last, input);
  if (last && picks_planes(input) && is_dense_image(input)) {
    const Dims& deep = shuffle ? input.sizes() : sizes;
    const int64_t channels = shuffle ? sizes[1] : input.sizes()[1];
    run<&Backend::index, &IndexKernels::move_squares>(
        "pixel_shuffle", input.device(), out.ptr(), input.ptr(),
        PixelSquares{static_cast<int>(item_size(input.dtype())), shuffle, deep[0] * deep[2],
                     deep[3], channels, factor});
    return out;
  }
  copy_data(in_squares(out, factor, shuffle), in_squares(input, factor, !shuffle));
  return out;
}

}  // namespace

Tensor constant_pad(const Tensor& input, const Dims& pad, const Scalar& value) {
  return record("ConstantPadNdBackward0", {&input}, padded_with(input, pad, value), [&](Saver&) {
    return [pad](Grads& g) {
      Dims removed = pad;
      for (int64_t& count : removed) count = -count;
      g.out[0] = constant_pad(g.grad(), removed, Scalar(0));
    };
  });
}

Tensor pick_pixels(const Tensor& input, const Dims& rows, const Dims& columns) {
  TALLOW_CHECK(input.dim() >= 2, "_pick_pixels(): expected an image, got ", input.dim(),
               " dimensions");
  check_inside("row", rows, rows_of(input));
  check_inside("column", columns, columns_of(input));
  return pick("_pick_pixels", "PickPixelsBackward0", input, rows, columns);
}

Tensor resize_nearest(const Tensor& input, const Dims& sizes, double row_scale, double column_scale,
                      bool exact) {
  TALLOW_CHECK(input.dim() >= 2 && sizes.size() == 2 && (rows_of(input) > 0 || sizes[0] == 0) &&
                   (columns_of(input) > 0 || sizes[1] == 0),
               "_resize_nearest(): expected an image and two sizes");
  return pick("_resize_nearest",
              exact ? "UpsampleNearestExact2DBackward0" : "UpsampleNearest2DBackward0", input,
              nearest_sources(sizes[0], rows_of(input), row_scale, exact),
              nearest_sources(sizes[1], columns_of(input), column_scale, exact));
}

Tensor pixel_shuffle(const Tensor& input, int64_t factor) {
  return record("PixelShuffleBackward0", {&input}, move_squares(input, factor, true), [&](Saver&) {
    return [factor](Grads& g) { g.out[0] = pixel_unshuffle(g.grad(), factor); };
  });
}

Tensor pixel_unshuffle(const Tensor& input, int64_t factor) {
  return record(
      "PixelUnshuffleBackward0", {&input}, move_squares(input, factor, false),
      [&](Saver&) { return [factor](Grads& g) { g.out[0] = pixel_shuffle(g.grad(), factor); }; });
}

}  // namespace tallow::ops
