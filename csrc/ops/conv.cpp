#include "ops/conv.h"

#include <algorithm>
#include <atomic>

#include "autograd/grad_mode.h"
#include "autograd/record.h"
#include "backend/conv.h"
#include "core/error.h"
#include "ops/copy.h"
#include "ops/cpp_type.h"
#include "ops/kernel.h"
#include "ops/memory_order.h"
#include "ops/reduce.h"
#include "ops/unary_math.h"
#include "ops/views.h"
#include "ops/windows.h"

namespace tallow::ops {

namespace {

constinit std::atomic<bool> winograd{true};

Dims spatial(const Tensor& tensor) { return Dims(tensor.sizes().data() + 2, tensor.dim() - 2); }

Dims join(int64_t first, int64_t second, const Dims& rest) {
  Dims shape{first, second};
  for (const int64_t size : rest) shape.push_back(size);
  return shape;
}

// One spatial dimension is a two-dimensional problem of height 1.
void set_pair(int64_t (&pair)[2], const Dims& values, int64_t height) {
  pair[0] = values.size() == 2 ? values[0] : height;
  pair[1] = values.back();
}

// The shape of a convolution, from that of its three tensors.
ConvArgs make_args(const OrderedData& input, const OrderedData& weight, const OrderedData& output,
                   const ConvWindow& window) {
  const auto sizes = [](const OrderedData& tensor) { return spatial(tensor.data); };
  ConvArgs args;
  args.dtype = input.data.dtype();
  args.batch = input.data.sizes()[0];
  args.groups = window.groups;
  args.in_channels = input.data.sizes()[1];
  args.out_channels = output.data.sizes()[1];
  set_pair(args.in_size, sizes(input), 1);
  set_pair(args.out_size, sizes(output), 1);
  set_pair(args.kernel, sizes(weight), 1);
  set_pair(args.stride, window.stride, 1);
  set_pair(args.padding, window.padding, 0);
  set_pair(args.dilation, window.dilation, 1);
  args.winograd = winograd_allowed();
  args.input_last = input.last;
  args.weight_last = weight.last;
  args.output_last = output.last;
  return args;
}

// A fresh tensor for a kernel to write.
OrderedData result(const Dims& sizes, bool channels_last, const Tensor& like) {
  const Tensor out = empty_in_order(sizes, channels_last, like);
  return {out, channels_last && !out.is_contiguous()};
}

const void* data_or_null(const Tensor& tensor) { return tensor.defined() ? tensor.ptr() : nullptr; }

// The dimensions that a bias is the same along.
Tensor bias_gradient(const Tensor& grad) {
  return sum_dims(grad, grad.dim() == 4 ? Dims{0, 2, 3} : Dims{0, 2});
}

// The value of a sum over nothing: the bias, or zero.
Tensor only_bias(const Tensor& out, const Tensor& bias) {
  const NoGradGuard guard;
  zero_(out);
  if (bias.defined()) copy_(out, out.dim() == 4 ? view(bias, {-1, 1, 1}) : view(bias, {-1, 1}));
  return out;
}

}  // namespace

bool winograd_allowed() { return winograd.load(std::memory_order_relaxed); }
void allow_winograd(bool allowed) { winograd.store(allowed, std::memory_order_relaxed); }

Tensor conv_forward(const Tensor& input, const Tensor& weight, const Tensor& bias,
                    const ConvWindow& window, const Dims& out_size) {
  const OrderedData x = ordered_data(input), w = ordered_data(weight);
  const Tensor b = ordered_data(bias).data;
  const OrderedData out =
      result(join(input.sizes()[0], weight.sizes()[0], out_size), window.channels_last, input);
  if (input.numel() == 0) {
    only_bias(out.data, b);
  } else if (out.data.numel() > 0) {
    run<&Backend::conv, &ConvKernels::forward>("conv2d", input.device(),
                                               make_args(x, w, out, window), x.data.ptr(),
                                               w.data.ptr(), data_or_null(b), out.data.ptr());
  }
  return record("ConvolutionBackward0", {&input, &weight, &bias}, out.data, [&](Saver& save) {
    return [x = save(input, "input"), w = save(weight, "weight"), window, in_size = spatial(input),
            kernel = spatial(weight)](Grads& g) {
      if (g.needs(0)) g.out[0] = conv_transpose(g.grad(), conj(g[w]), {}, window, in_size);
      if (g.needs(1)) g.out[1] = conv_weight(conj(g[x]), g.grad(), window, kernel);
      if (g.needs(2)) g.out[2] = bias_gradient(g.grad());
    };
  });
}

Tensor conv_transpose(const Tensor& output, const Tensor& weight, const Tensor& bias,
                      const ConvWindow& window, const Dims& in_size) {
  const OrderedData y = ordered_data(output), w = ordered_data(weight);
  const Tensor b = ordered_data(bias).data;
  const int64_t channels = weight.sizes()[1] * window.groups;
  const OrderedData out =
      result(join(output.sizes()[0], channels, in_size), window.channels_last, output);
  if (output.numel() == 0) {
    only_bias(out.data, b);
  } else if (out.data.numel() > 0) {
    run<&Backend::conv, &ConvKernels::grad_input>("conv_transpose2d", output.device(),
                                                  make_args(out, w, y, window), y.data.ptr(),
                                                  w.data.ptr(), data_or_null(b), out.data.ptr());
  }
  return record("ConvolutionBackward0", {&output, &weight, &bias}, out.data, [&](Saver& save) {
    return [y = save(output, "input"), w = save(weight, "weight"), window,
            out_size = spatial(output), kernel = spatial(weight)](Grads& g) {
      if (g.needs(0)) g.out[0] = conv_forward(g.grad(), conj(g[w]), {}, window, out_size);
      if (g.needs(1)) g.out[1] = conv_weight(g.grad(), conj(g[y]), window, kernel);
      if (g.needs(2)) g.out[2] = bias_gradient(g.grad());
    };
  });
}

Tensor conv_weight(const Tensor& input, const Tensor& output, const ConvWindow& window,
                   const Dims& kernel) {
  const OrderedData x = ordered_data(input), y = ordered_data(output);
  const OrderedData out = result(join(output.sizes()[1], input.sizes()[1] / window.groups, kernel),
                                 window.channels_last, input);
  if (input.numel() == 0 || output.numel() == 0) {
    const NoGradGuard guard;
    zero_(out.data);
  } else {
    run<&Backend::conv, &ConvKernels::grad_weight>("conv2d_weight", input.device(),
                                                   make_args(x, out, y, window), x.data.ptr(),
                                                   y.data.ptr(), out.data.ptr());
  }
  return record("ConvolutionBackwardBackward0", {&input, &output}, out.data, [&](Saver& save) {
    return [x = save(input, "input"), y = save(output, "grad_output"), window,
            in_size = spatial(input), out_size = spatial(output)](Grads& g) {
      if (g.needs(0)) g.out[0] = conv_transpose(conj(g[y]), g.grad(), {}, window, in_size);
      if (g.needs(1)) g.out[1] = conv_forward(conj(g[x]), g.grad(), {}, window, out_size);
    };
  });
}

namespace {

// A parameter given as one number or one per spatial dimension.
Dims expand_parameter(const Dims& values, int64_t dims, const char* name) {
  if (values.size() == 1) return Dims::filled(dims, values[0]);
  TALLOW_CHECK(values.size() == dims, "expected ", name,
               " to be a single integer value or a list of ", dims,
               " values to match the convolution dimensions, but got ", name, "=", values);
  return values;
}

// "4 x 4"
std::string times(const Dims& sizes) {
  std::string text;
  for (int64_t d = 0; d < sizes.size(); ++d) {
    text += (d ? " x " : "") + std::to_string(sizes[d]);
  }
  return text;
}

bool any_below(const Dims& values, int64_t limit) {
  for (const int64_t value : values) {
    if (value < limit) return true;
  }
  return false;
}

ConvWindow make_window(const Tensor& input, const Tensor& weight, const Dims& stride,
                       const Dims& padding, const Dims& dilation, int64_t groups) {
  const int64_t dims = weight.dim() - 2;
  TALLOW_CHECK(dims > 0, "weight should have at least three dimensions");
  const ConvWindow window{expand_parameter(stride, dims, "stride"),
                          expand_parameter(padding, dims, "padding"),
                          expand_parameter(dilation, dims, "dilation"), groups,
                          suggests_channels_last(input) || suggests_channels_last(weight)};
  TALLOW_CHECK_NOT_IMPLEMENTED(dims <= 2, "convolution: weight has ", dims,
                               " spatial dimensions, expected 1 or 2");
  TALLOW_CHECK(!any_below(window.padding, 0), "negative padding is not supported");
  TALLOW_CHECK(!any_below(window.stride, 1), "non-positive stride is not supported");
  TALLOW_CHECK(!any_below(window.dilation, 1), "dilation should be greater than zero, but got ",
               window.dilation);
  TALLOW_CHECK(groups > 0, "non-positive groups is not supported");
  for (int64_t d = 0; d < dims; ++d) {
    TALLOW_CHECK(std::max({window.stride[d], window.padding[d], window.dilation[d]}) <= kMostWindow,
                 "value cannot be converted to type int without overflow: convolution with stride=",
                 window.stride, ", padding=", window.padding, ", dilation=", window.dilation);
  }
  return window;
}

// What holds for a convolution and its transpose alike.
void check_operands(const Tensor& input, const Tensor& weight, const Tensor& bias,
                    const ConvWindow& window, bool transposed) {
  const int64_t groups = window.groups;
  TALLOW_CHECK(input.dim() == weight.dim(), "Expected ", weight.dim(), "-dimensional input for ",
               weight.dim(), "-dimensional weight ", weight.sizes(), ", but got ", input.dim(),
               "-dimensional input of size ", input.sizes(), " instead");
  TALLOW_CHECK(weight.sizes()[0] >= groups, "Given groups=", groups,
               ", expected weight to be at least ", groups,
               " at dimension 0, but got weight of size ", weight.sizes(), " instead");
  TALLOW_CHECK(weight.sizes()[0] % groups == 0, "Given groups=", groups,
               ", expected weight to be divisible by ", groups,
               " at dimension 0, but got weight of size [", weight.sizes(), "] instead");
  const int64_t channels = transposed ? weight.sizes()[0] : weight.sizes()[1] * groups;
  const std::string given = transposed ? "transposed=1" : "groups=" + std::to_string(groups);
  TALLOW_CHECK(input.sizes()[1] == channels, "Given ", given, ", weight of size ", weight.sizes(),
               ", expected input", input.sizes(), " to have ", channels, " channels, but got ",
               input.sizes()[1], " channels instead");
  if (bias.defined()) {
    const int64_t outputs = transposed ? weight.sizes()[1] * groups : weight.sizes()[0];
    TALLOW_CHECK(bias.dim() == 1 && bias.sizes()[0] == outputs, "Given ",
                 transposed ? "transposed=1, " : "", "weight of size ", weight.sizes(),
                 ", expected bias to be 1-dimensional with ", outputs,
                 " elements, but got bias of size ", bias.sizes(), " instead");
    TALLOW_CHECK(bias.dtype() == input.dtype(), "Input type (", cpp_type_name(input.dtype()),
                 ") and bias type (", cpp_type_name(bias.dtype()), ") should be the same");
  }
  TALLOW_CHECK(input.dtype() == weight.dtype(), "expected scalar type ",
               scalar_type_name(input.dtype()), " but found ", scalar_type_name(weight.dtype()));
  TALLOW_CHECK(input.device() == weight.device(),
               "Expected all tensors to be on the same device, but got input on ", input.device(),
               " and weight on ", weight.device());
  TALLOW_CHECK(!any_below(spatial(weight), 1),
               "kernel size should be greater than zero, but got kernel_height: ",
               weight.dim() == 4 ? weight.sizes()[2] : 1, " kernel_width: ", weight.size(-1));
}

void check_input_not_empty(const Tensor& input) {
  TALLOW_CHECK(
      !any_below(spatial(input), 1),
      "Only zero batch or zero channel inputs are supported, but got input shape: ", input.sizes());
}

Tensor forward_checked(const Tensor& input, const Tensor& weight, const Tensor& bias,
                       ConvWindow window) {
  check_operands(input, weight, bias, window, false);
  Dims padded, extent, out_size;
  bool fits = true;
  for (int64_t d = 0; d < window.stride.size(); ++d) {
    padded.push_back(input.sizes()[d + 2] + 2 * window.padding[d]);
    extent.push_back(window.dilation[d] * (weight.sizes()[d + 2] - 1) + 1);
    fits = fits && padded[d] >= extent[d];
    out_size.push_back((padded[d] - extent[d]) / window.stride[d] + 1);
    if (out_size[d] == 1) window.stride[d] = 1;  // a single window does not step
  }
  TALLOW_CHECK(fits, "Calculated padded input size per channel: (", times(padded),
               "). Kernel size: (", times(extent),
               "). Kernel size can't be greater than actual input size");
  check_input_not_empty(input);
  return conv_forward(input, weight, bias, window, out_size);
}

Tensor transpose_checked(const Tensor& input, const Tensor& weight, const Tensor& bias,
                         ConvWindow window, const Dims& given_output_padding) {
  const int64_t dims = window.stride.size();
  const Dims extra = expand_parameter(given_output_padding, dims, "output_padding");
  TALLOW_CHECK(!any_below(extra, 0), "negative output_padding is not supported");
  check_operands(input, weight, bias, window, true);
  Dims size;
  for (int64_t d = 0; d < dims; ++d) {
    TALLOW_CHECK(extra[d] < window.stride[d] || extra[d] < window.dilation[d],
                 "output padding must be smaller than either stride or dilation, but got "
                 "output_padding_height: ",
                 extra[0], " output_padding_width: ", extra.back(),
                 " stride_height: ", window.stride[0], " stride_width: ", window.stride.back(),
                 " dilation_height: ", window.dilation[0],
                 " dilation_width: ", window.dilation.back());
    size.push_back((input.sizes()[d + 2] - 1) * window.stride[d] - 2 * window.padding[d] +
                   window.dilation[d] * (weight.sizes()[d + 2] - 1) + extra[d] + 1);
  }
  TALLOW_CHECK(!any_below(size, 1), "Given input size per channel: (", times(spatial(input)),
               "). Calculated output size per channel: (", times(size),
               "). Output size is too small");
  check_input_not_empty(input);
  for (int64_t d = 0; d < dims; ++d) {
    if (input.sizes()[d + 2] == 1) window.stride[d] = 1;  // a single window does not step
  }
  return conv_transpose(input, weight, bias, window, size);
}

// One number stands for every dimension of the function called, whatever the weight has.
Dims repeated(const Dims& values, int64_t dims) {
  return values.size() == 1 ? Dims::filled(dims, values[0]) : values;
}

// Runs `body` on the input with a batch dimension, adding and removing one if it has none.
template <class Body>
Tensor with_batch(const Tensor& input, int64_t dims, const char* name, const Body& body) {
  TALLOW_CHECK(input.dim() == dims + 1 || input.dim() == dims + 2, "Expected ", dims + 1,
               "D (unbatched) or ", dims + 2, "D (batched) input to ", name,
               ", but got input of size: ", input.sizes());
  if (input.dim() == dims + 2) return body(input);
  return squeeze_dims(body(unsqueeze(input, 0)), {0});
}

Tensor conv_numbers(const char* name, int64_t dims, const Tensor& input, const Tensor& weight,
                    const Tensor& bias, const Dims& stride, const Dims& padding,
                    const Dims& dilation, int64_t groups) {
  return with_batch(input, dims, name, [&](const Tensor& batch) {
    return forward_checked(batch, weight, bias,
                           make_window(batch, weight, repeated(stride, dims),
                                       repeated(padding, dims), repeated(dilation, dims), groups));
  });
}

Tensor conv_named(const char* name, int64_t dims, const Tensor& input, const Tensor& weight,
                  const Tensor& bias, const Dims& stride, std::string_view padding,
                  const Dims& dilation, int64_t groups) {
  TALLOW_CHECK(padding == "same" || padding == "valid", "Invalid padding string: '", padding, "'");
  if (padding == "valid") {
    return conv_numbers(name, dims, input, weight, bias, stride, {0}, dilation, groups);
  }
  TALLOW_CHECK(weight.dim() == dims + 2, "Expected ", weight.dim(), "-dimensional input for ",
               weight.dim(), "-dimensional weight", weight.sizes(), ", but got ", input.dim(),
               "-dimensional input of size ", input.sizes(), " instead");
  return with_batch(input, dims, name, [&](const Tensor& batch) {
    ConvWindow window =
        make_window(batch, weight, repeated(stride, dims), {0}, repeated(dilation, dims), groups);
    for (const int64_t step : window.stride) {
      TALLOW_CHECK(step == 1, "padding='same' is not supported for strided convolutions");
    }
    check_operands(batch, weight, bias, window, false);
    check_input_not_empty(batch);
    // An odd total leaves one more element on the right, as out_size implies.
    for (int64_t d = 0; d < window.stride.size(); ++d) {
      window.padding[d] = window.dilation[d] * (weight.sizes()[d + 2] - 1) / 2;
    }
    return conv_forward(batch, weight, bias, window, spatial(batch));
  });
}

Tensor conv_transposed(const char* name, int64_t dims, const Tensor& input, const Tensor& weight,
                       const Tensor& bias, const Dims& stride, const Dims& padding,
                       const Dims& output_padding, int64_t groups, const Dims& dilation) {
  return with_batch(input, dims, name, [&](const Tensor& batch) {
    return transpose_checked(batch, weight, bias,
                             make_window(batch, weight, repeated(stride, dims),
                                         repeated(padding, dims), repeated(dilation, dims), groups),
                             output_padding);
  });
}

}  // namespace

Tensor convolution(const Tensor& input, const Tensor& weight, const Tensor& bias,
                   const Dims& stride, const Dims& padding, const Dims& dilation, bool transposed,
                   const Dims& output_padding, int64_t groups) {
  const ConvWindow window = make_window(input, weight, stride, padding, dilation, groups);
  return transposed ? transpose_checked(input, weight, bias, window, output_padding)
                    : forward_checked(input, weight, bias, window);
}

Tensor conv1d(const Tensor& input, const Tensor& weight, const Tensor& bias, const Dims& stride,
              const Dims& padding, const Dims& dilation, int64_t groups) {
  return conv_numbers("conv1d", 1, input, weight, bias, stride, padding, dilation, groups);
}
Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias, const Dims& stride,
              const Dims& padding, const Dims& dilation, int64_t groups) {
  return conv_numbers("conv2d", 2, input, weight, bias, stride, padding, dilation, groups);
}
Tensor conv1d_padding(const Tensor& input, const Tensor& weight, const Tensor& bias,
                      const Dims& stride, std::string_view padding, const Dims& dilation,
                      int64_t groups) {
  return conv_named("conv1d", 1, input, weight, bias, stride, padding, dilation, groups);
}
Tensor conv2d_padding(const Tensor& input, const Tensor& weight, const Tensor& bias,
                      const Dims& stride, std::string_view padding, const Dims& dilation,
                      int64_t groups) {
  return conv_named("conv2d", 2, input, weight, bias, stride, padding, dilation, groups);
}
Tensor conv_transpose1d(const Tensor& input, const Tensor& weight, const Tensor& bias,
                        const Dims& stride, const Dims& padding, const Dims& output_padding,
                        int64_t groups, const Dims& dilation) {
  return conv_transposed("conv_transpose1d", 1, input, weight, bias, stride, padding,
                         output_padding, groups, dilation);
}
Tensor conv_transpose2d(const Tensor& input, const Tensor& weight, const Tensor& bias,
                        const Dims& stride, const Dims& padding, const Dims& output_padding,
                        int64_t groups, const Dims& dilation) {
  return conv_transposed("conv_transpose2d", 2, input, weight, bias, stride, padding,
                         output_padding, groups, dilation);
}

}  // namespace tallow::ops
