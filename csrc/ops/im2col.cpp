#include "ops/im2col.h"

#include <algorithm>

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/image_moves.h"
#include "ops/views.h"
#include "ops/windows.h"

namespace tallow::ops {

namespace {

using Pair = int64_t[2];

// As messages show two numbers.
struct Shown {
  const Pair& values;
  friend std::ostream& operator<<(std::ostream& to, const Shown& pair) {
    return to << '(' << pair.values[0] << ", " << pair.values[1] << ')';
  }
};

struct Windows {
  Pair kernel, dilation, padding, stride;
  Pair image;   // sizes without padding
  Pair blocks;  // how many windows there are
};

void set_pair(Pair& pair, const char* name, const Dims& values) {
  TALLOW_CHECK(values.size() == 2, "It is expected ", name, " equals to 2, but got size ",
               values.size());
  pair[0] = values[0];
  pair[1] = values[1];
}

void check_range(const Pair& pair, int64_t least, const char* what, const char* name) {
  TALLOW_CHECK(std::min(pair[0], pair[1]) >= least, what, " but got ", name, "_height: ", pair[0],
               " ", name, "_width: ", pair[1]);
  TALLOW_CHECK(std::max(pair[0], pair[1]) <= kMostWindow,
               "value cannot be converted to type int without overflow: ", name, " (", pair[0],
               ", ", pair[1], ")");
}

Windows windows_of(const Dims& kernel_size, const Dims& dilation, const Dims& padding,
                   const Dims& stride) {
  Windows w;
  set_pair(w.kernel, "kernel_size", kernel_size);
  set_pair(w.dilation, "dilation", dilation);
  set_pair(w.padding, "padding", padding);
  set_pair(w.stride, "stride", stride);
  check_range(w.kernel, 1, "kernel size should be greater than zero,", "kernel");
  check_range(w.dilation, 1, "dilation should be greater than zero,", "dilation");
  check_range(w.padding, 0, "padding should be non-negative,", "pad");
  check_range(w.stride, 1, "stride should be greater than zero,", "stride");
  return w;
}

void set_image(Windows& w, int64_t height, int64_t width) {
  w.image[0] = height;
  w.image[1] = width;
  for (int d = 0; d < 2; ++d) {
    const int64_t room = w.image[d] + 2 * w.padding[d] - w.dilation[d] * (w.kernel[d] - 1) - 1;
    w.blocks[d] = room / w.stride[d] + (room < 0 && room % w.stride[d] != 0 ? 0 : 1);
  }
}

void check_dtype(const char* op, const Tensor& input) {
  TALLOW_CHECK_NOT_IMPLEMENTED(is_differentiable(input.dtype()) || input.dtype() == DType::kBool,
                               "\"", op, "_out_cpu\" not implemented for '",
                               scalar_type_name(input.dtype()), "'");
}

// Only the first of `dims` sizes, that of a batch, may be 0.
bool has_elements(const Tensor& input, int64_t dims) {
  bool full = true;
  for (int64_t d = input.dim() < dims ? 0 : 1; full && d < input.dim(); ++d) {
    full = input.size(d) > 0;
  }
  return full && (input.dim() == dims || input.dim() == dims - 1);
}

Dims with_batch(const Tensor& like, int64_t dims, int64_t n, std::initializer_list<int64_t> sizes) {
  Dims result;
  if (like.dim() == dims) result.push_back(n);
  for (const int64_t size : sizes) result.push_back(size);
  return result;
}

// The windows of `images`, (N, C, H, W) with padding: (N, C, kernel rows and columns, blocks).
Tensor window_view(const Tensor& images, const Windows& w) {
  const Dims& sizes = images.sizes();
  const Dims& strides = images.strides();
  return alias(images, {sizes[0], sizes[1], w.kernel[0], w.kernel[1], w.blocks[0], w.blocks[1]},
               {strides[0], strides[1], strides[2] * w.dilation[0], strides[3] * w.dilation[1],
                strides[2] * w.stride[0], strides[3] * w.stride[1]},
               images.impl()->offset);
}

Tensor columns_of(const Tensor& input, const Windows& w) {
  const NoGradGuard no_grad;
  const Tensor images = input.dim() == 4 ? input : unsqueeze(input, 0);
  const int64_t n = images.size(0);
  const int64_t rows = images.size(1) * w.kernel[0] * w.kernel[1];
  const bool padded = w.padding[0] != 0 || w.padding[1] != 0;
  const Tensor out = empty(with_batch(input, 4, n, {rows, w.blocks[0] * w.blocks[1]}),
                           input.dtype(), input.device());
  if (out.device().is_meta()) return out;
  const Tensor windows = window_view(
      padded ? constant_pad(images, {w.padding[1], w.padding[1], w.padding[0], w.padding[0]},
                            Scalar(0))
             : images,
      w);
  copy_data(alias(out, windows.sizes(), contiguous_strides(windows.sizes()), 0), windows);
  return out;
}

// Adds the columns to the windows of `images`, position by position.
void add_columns(const Tensor& columns, const Tensor& images, const Windows& w) {
  const Tensor windows = window_view(images, w);
  const Tensor parts =
      alias(columns, windows.sizes(), contiguous_strides(windows.sizes()), columns.impl()->offset);
  const bool apart = w.stride[0] > w.dilation[0] * (w.kernel[0] - 1) &&
                     w.stride[1] > w.dilation[1] * (w.kernel[1] - 1);
  if (apart) return copy_data(windows, parts);
  for (int64_t i = 0; i < w.kernel[0]; ++i) {
    for (int64_t j = 0; j < w.kernel[1]; ++j) {
      const auto at = [&](const Tensor& all) {
        const Dims& sizes = all.sizes();
        const Dims& strides = all.strides();
        return alias(all, {sizes[0], sizes[1], sizes[4], sizes[5]},
                     {strides[0], strides[1], strides[4], strides[5]},
                     all.impl()->offset + i * strides[2] + j * strides[3]);
      };
      const Tensor target = at(windows);
      add(target, at(parts), 1, Out::inplace(target));
    }
  }
}

Tensor sum_of_columns(const Tensor& input, const Windows& w) {
  const NoGradGuard no_grad;
  const int64_t n = input.dim() == 3 ? input.size(0) : 1;
  const int64_t channels = input.size(-2) / (w.kernel[0] * w.kernel[1]);
  const int64_t height = w.image[0] + 2 * w.padding[0];
  const int64_t width = w.image[1] + 2 * w.padding[1];
  const Tensor images = zeros({n, channels, height, width}, input.dtype(), input.device());
  const Dims sizes = with_batch(input, 3, n, {channels, w.image[0], w.image[1]});
  if (images.device().is_meta()) return alias(images, sizes, contiguous_strides(sizes), 0);
  add_columns(contiguous(input), images, w);
  const Tensor inside = alias(images, {n, channels, w.image[0], w.image[1]},
                              {channels * height * width, height * width, width, 1},
                              w.padding[0] * width + w.padding[1]);
  const Tensor result = contiguous(inside);
  return alias(result, sizes, contiguous_strides(sizes), result.impl()->offset);
}

}  // namespace

Tensor im2col(const Tensor& input, const Dims& kernel_size, const Dims& dilation,
              const Dims& padding, const Dims& stride) {
  Windows w = windows_of(kernel_size, dilation, padding, stride);
  TALLOW_CHECK(has_elements(input, 4),
               "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other "
               "non-zero dimensions for input, but got: ",
               input.sizes());
  set_image(w, input.size(-2), input.size(-1));
  TALLOW_CHECK(std::min(w.blocks[0], w.blocks[1]) >= 1, "Given input with spatial size ",
               Shown{w.image}, ", kernel_size=", Shown{w.kernel}, ", dilation=", Shown{w.dilation},
               ", padding=", Shown{w.padding},
               ", calculated shape of the array of sliding blocks as ", Shown{w.blocks},
               ", but its components must be at least one.");
  check_dtype("im2col", input);
  return record("Im2ColBackward0", {&input}, columns_of(input, w), [&](Saver&) {
    return
        [kernel_size, dilation, padding, stride, image = Dims{w.image[0], w.image[1]}](Grads& g) {
          g.out[0] = col2im(g.grad(), image, kernel_size, dilation, padding, stride);
        };
  });
}

Tensor col2im(const Tensor& input, const Dims& output_size, const Dims& kernel_size,
              const Dims& dilation, const Dims& padding, const Dims& stride) {
  Pair size;
  set_pair(size, "output_size", output_size);
  Windows w = windows_of(kernel_size, dilation, padding, stride);
  TALLOW_CHECK(has_elements(input, 3),
               "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
               "non-zero dimensions for input, but got: ",
               input.sizes());
  const int64_t rows = input.size(-2);
  const int64_t length = input.size(-1);
  TALLOW_CHECK(rows % (w.kernel[0] * w.kernel[1]) == 0,
               "Expected size of input's dimension 1 to be divisible by the product of "
               "kernel_size, but got input.size(1)=",
               rows, " and kernel_size=", Shown{w.kernel}, ".");
  TALLOW_CHECK(std::max(size[0], size[1]) <= kMostWindow, "col2im(): an image of ", Shown{size},
               " is too large");
  set_image(w, size[0], size[1]);
  const bool fits = length == w.blocks[0] * w.blocks[1] && w.blocks[0] > 0;
  TALLOW_CHECK(fits, "Given output_size=", Shown{size}, ", kernel_size=", Shown{w.kernel},
               ", dilation=", Shown{w.dilation}, ", padding=", Shown{w.padding},
               ", stride=", Shown{w.stride},
               ", expected size of input's dimension 2 to match the calculated number of sliding "
               "blocks ",
               w.blocks[0], " * ", w.blocks[1], " = ", w.blocks[0] * w.blocks[1],
               ", but got input.size(2)=", length, ".");
  check_dtype("col2im", input);
  return record("Col2ImBackward0", {&input}, sum_of_columns(input, w), [&](Saver&) {
    return [kernel_size, dilation, padding, stride](Grads& g) {
      g.out[0] = im2col(g.grad(), kernel_size, dilation, padding, stride);
    };
  });
}

}  // namespace tallow::ops
