// Convolutions: which kernel computes what.
#include "cpu/conv.h"

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// A 1x1 kernel that touches every pixel once is a matrix product per image, with pixels in the
// lanes, or of all images at once, with channels in the lanes, if they are channels_last.
TALLOW_INLINE bool is_product(const ConvArgs& args) {
  if (!conv_is_pointwise(args)) return false;
  if (args.input_last || args.output_last) return true;
  // In a small map they may fill the last vector badly. Lanes are better given to channels then, if
  // rearranging the weights pays.
  const int64_t pixels = args.in_size[0] * args.in_size[1];
  const int64_t lanes = ceil_div(pixels, int64_t{kWideLanes}) * kWideLanes;
  return 8 * pixels >= 7 * lanes || args.batch * pixels < 128;
}

// The rows of an image as a single one, where rows have nothing to do with each other.
TALLOW_INLINE ConvArgs joined_rows(ConvArgs args) {
  if (!conv_is_pointwise(args)) return args;
  args.in_size[1] *= args.in_size[0];
  args.out_size[1] = args.in_size[1];
  args.in_size[0] = args.out_size[0] = 1;
  return args;
}

// out[n, g] = a[g] in[n, g] (+ bias[g] per row) for in of `in_channels` and out of `out_channels`
// channels per group; a's strides say whether the weight is used as stored or transposed.
template <class T>
Status multiply_pixels(const ConvArgs& args, const T* weight, int64_t a_row, int64_t a_col,
                       const T* in, const Order& in_order, int64_t in_channels, const T* bias,
                       T* out, const Order& out_order, int64_t out_channels) {
  const int64_t pixels = args.in_size[0] * args.in_size[1];
  const int64_t in_group = in_channels * in_order.channel;
  const int64_t out_group = out_channels * out_order.channel;
  const bool join = in_order.last() && out_order.last();
  MatmulArgs product;
  product.dtype = dtype_of<T>;
  product.batch[0] = join ? 1 : args.batch;
  product.batch[1] = args.groups;
  product.k = in_channels;
  const MatmulOperand weights{weight, {0, in_channels * out_channels, a_row, a_col}};
  const MatmulOperand images{in, {in_order.image, in_group, in_order.channel, in_order.pixel}};
  const MatmulOperand biases{bias, {0, out_channels, 1, 0}};
  const auto transposed = [](const MatmulOperand& x) {
    return MatmulOperand{x.data, {x.stride[0], x.stride[1], x.stride[3], x.stride[2]}};
  };
  // The product's columns are what is neighbours in the result.
  const bool last = out_order.last();
  product.m = last ? (join ? args.batch : 1) * pixels : out_channels;
  product.n = last ? out_channels : pixels;
  product.a = last ? transposed(images) : weights;
  product.b = last ? transposed(weights) : images;
  product.init = last ? transposed(biases) : biases;
  product.c = out;
  product.c_stride[0] = out_order.image;
  product.c_stride[1] = out_group;
  product.c_stride[2] = last ? out_order.pixel : out_order.channel;
  product.alpha = product.beta = 1;
  // A single pixel per image is the same in both orders.
  return pixels == 1 ? matmul_floating(product) : matmul_chained(product);
}

template <class T>
Status forward(const ConvArgs& args, const T* input, const T* weight, const T* bias, T* output) {
  if (!is_product(args)) {
#if TALLOW_HAS_WINOGRAD
    if constexpr (sizeof(T) == sizeof(float)) {
      if (conv_winograd_pays(args, false)) {
        return conv_winograd_forward(args, input, weight, bias, output);
      }
    }
#endif
    if constexpr (sizeof(T) == sizeof(float)) {
      if (conv_depthwise_suits(args)) {
        return conv_depthwise_forward(args, input, weight, bias, output);
      }
    }
    return conv_direct_forward(joined_rows(args), input, weight, bias, output);
  }
  const int64_t in_channels = args.in_channels / args.groups;
  return multiply_pixels(args, weight, in_channels, 1, input, input_order(args), in_channels, bias,
                         output, output_order(args), args.out_channels / args.groups);
}

template <class T>
Status grad_input(const ConvArgs& args, const T* output, const T* weight, const T* bias, T* input) {
  if (!is_product(args)) {
#if TALLOW_HAS_WINOGRAD
    if constexpr (sizeof(T) == sizeof(float)) {
      if (conv_winograd_pays(args, false)) {
        return conv_winograd_grad_input(args, output, weight, bias, input);
      }
    }
#endif
    if constexpr (sizeof(T) == sizeof(float)) {
      if (conv_depthwise_suits(args)) {
        return conv_depthwise_grad_input(args, output, weight, bias, input);
      }
    }
    return conv_direct_grad_input(joined_rows(args), output, weight, bias, input);
  }
  const int64_t in_channels = args.in_channels / args.groups;
  return multiply_pixels(args, weight, 1, in_channels, output, output_order(args),
                         args.out_channels / args.groups, bias, input, input_order(args),
                         in_channels);
}

template <class T>
Status grad_weight(const ConvArgs& args, const T* input, const T* output, T* weight) {
#if TALLOW_HAS_WINOGRAD
  if constexpr (sizeof(T) == sizeof(float)) {
    if (conv_winograd_pays(args, true)) {
      return conv_winograd_grad_weight(args, input, output, weight);
    }
  }
#endif
  const int64_t pixels = args.out_size[0] * args.out_size[1];
  const bool few_channels = args.out_channels <= 16 * args.groups;
  if (few_channels && pixels >= 16 && args.batch * args.groups >= 4) {
    return conv_dots_grad_weight(args, input, output, weight);
  }
  return conv_product_grad_weight(args, input, output, weight);
}

TALLOW_INLINE int64_t input_numel(const ConvArgs& args) {
  return args.batch * args.in_channels * args.in_size[0] * args.in_size[1];
}
TALLOW_INLINE int64_t output_numel(const ConvArgs& args) {
  return args.batch * args.out_channels * args.out_size[0] * args.out_size[1];
}
TALLOW_INLINE int64_t weight_numel(const ConvArgs& args) {
  return args.out_channels * (args.in_channels / args.groups) * args.kernel[0] * args.kernel[1];
}

inline constexpr int64_t kConvertChunk = 32 * 1024;

template <class From, class To>
void convert_all(const From* from, int64_t count, To* to) {
  parallel_for(count, kConvertChunk, [&](int64_t begin, int64_t end) {
    int64_t i = begin;
    for (; i + kLanes<float> <= end; i += kLanes<float>) store_float(to + i, load_float(from + i));
    for (; i < end; ++i) to[i] = static_cast<To>(static_cast<float>(from[i]));
  });
}

// Runs `kernel(a, b, bias, out)` on float copies of half-precision operands; bias may be null.
template <class T, class Kernel>
Status in_float(const T* a, int64_t a_count, const T* b, int64_t b_count, const T* bias,
                int64_t bias_count, T* out, int64_t out_count, const Kernel& kernel) {
  const Scratch<float> wide(a_count + b_count + (bias ? bias_count : 0) + out_count);
  if (!wide) return wide.failure();
  float* const wide_b = wide.get() + a_count;
  float* const wide_bias = wide_b + b_count;
  float* const wide_out = wide_bias + (bias ? bias_count : 0);
  convert_all(a, a_count, wide.get());
  convert_all(b, b_count, wide_b);
  if (bias) convert_all(bias, bias_count, wide_bias);
  const Status status = kernel(wide.get(), wide_b, bias ? wide_bias : nullptr, wide_out);
  if (status == Status::kOk) convert_all(wide_out, out_count, out);
  return status;
}

template <class T>
inline constexpr bool is_half = sizeof(T) == 2;

// Types the fast kernels compute in, if need be by way of float32.
TALLOW_INLINE bool has_fast_kernels(DType dtype) {
  return dtype >= DType::kFloat16 && dtype <= DType::kFloat64;
}

Status conv_forward(const ConvArgs& args, const void* input, const void* weight, const void* bias,
                    void* output) {
  if (!has_fast_kernels(args.dtype)) return conv_plain_forward(args, input, weight, bias, output);
  return dispatch(FloatingAndHalf{}, args.dtype, "conv2d", [&]<class T>() -> Status {
    const T* const x = static_cast<const T*>(input);
    const T* const w = static_cast<const T*>(weight);
    const T* const b = static_cast<const T*>(bias);
    T* const y = static_cast<T*>(output);
    if constexpr (is_half<T>) {
      ConvArgs wide = args;
      wide.dtype = DType::kFloat32;
      return in_float(x, input_numel(args), w, weight_numel(args), b, args.out_channels, y,
                      output_numel(args),
                      [&](const float* in, const float* weights, const float* biases, float* out) {
                        return forward(wide, in, weights, biases, out);
                      });
    } else {
      return forward(args, x, w, b, y);
    }
  });
}

Status conv_grad_input(const ConvArgs& args, const void* output, const void* weight,
                       const void* bias, void* input) {
  if (!has_fast_kernels(args.dtype))
    return conv_plain_grad_input(args, output, weight, bias, input);
  return dispatch(FloatingAndHalf{}, args.dtype, "conv_transpose2d", [&]<class T>() -> Status {
    const T* const y = static_cast<const T*>(output);
    const T* const w = static_cast<const T*>(weight);
    const T* const b = static_cast<const T*>(bias);
    T* const x = static_cast<T*>(input);
    if constexpr (is_half<T>) {
      ConvArgs wide = args;
      wide.dtype = DType::kFloat32;
      return in_float(y, output_numel(args), w, weight_numel(args), b, args.in_channels, x,
                      input_numel(args),
                      [&](const float* out, const float* weights, const float* biases, float* in) {
                        return grad_input(wide, out, weights, biases, in);
                      });
    } else {
      return grad_input(args, y, w, b, x);
    }
  });
}

Status conv_weight(const ConvArgs& args, const void* input, const void* output, void* weight) {
  if (!has_fast_kernels(args.dtype)) return conv_plain_grad_weight(args, input, output, weight);
  return dispatch(FloatingAndHalf{}, args.dtype, "conv2d_weight", [&]<class T>() -> Status {
    const T* const x = static_cast<const T*>(input);
    const T* const y = static_cast<const T*>(output);
    T* const w = static_cast<T*>(weight);
    if constexpr (is_half<T>) {
      ConvArgs wide = args;
      wide.dtype = DType::kFloat32;
      return in_float(x, input_numel(args), y, output_numel(args), static_cast<const T*>(nullptr),
                      0, w, weight_numel(args),
                      [&](const float* in, const float* out, const float*, float* weights) {
                        return grad_weight(wide, in, out, weights);
                      });
    } else {
      return grad_weight(args, x, y, w);
    }
  });
}

}  // namespace

void fill_conv(ConvKernels& table) {
  table.forward = conv_forward;
  table.grad_input = conv_grad_input;
  table.grad_weight = conv_weight;
}

}  // namespace tallow::cpu::TALLOW_ISA
