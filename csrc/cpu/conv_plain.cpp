// Convolutions of integers and complex numbers: the definition, in loops whose innermost runs along
// a row of the output.
#include "core/parallel.h"
#include "cpu/conv.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Integers wrap around: products are taken in an unsigned type at least as wide.
template <class T>
struct SumType {
  using type = uint32_t;
};
template <>
struct SumType<int64_t> {
  using type = uint64_t;
};
template <>
struct SumType<complex64> {
  using type = complex64;
};
template <>
struct SumType<complex128> {
  using type = complex128;
};

template <class T>
TALLOW_INLINE T multiply_add(T a, T b, T c) {
  using Sum = typename SumType<T>::type;
  return static_cast<T>(static_cast<Sum>(a) * static_cast<Sum>(b) + static_cast<Sum>(c));
}

struct Sizes {
  Order in, out, weight;
  int64_t out_pixels, in_pixels, taps;
  int64_t in_channels, out_channels;  // per group
  int64_t in_step, out_step;          // between the elements of neighbouring windows
  TALLOW_INLINE explicit Sizes(const ConvArgs& args)
      : in(input_order(args)),
        out(output_order(args)),
        weight(weight_order(args)),
        out_pixels(args.out_size[0] * args.out_size[1]),
        in_pixels(args.in_size[0] * args.in_size[1]),
        taps(args.kernel[0] * args.kernel[1]),
        in_channels(args.in_channels / args.groups),
        out_channels(args.out_channels / args.groups),
        in_step(args.stride[1] * in.pixel),
        out_step(out.pixel) {}
  TALLOW_INLINE int64_t weight_at(int64_t o, int64_t c, int64_t tap) const {
    return o * weight.image + c * weight.channel + tap * weight.pixel;
  }
};

// Calls body(input row, output row, count) for one tap and every output row whose input row exists;
// elements are sizes.in_step and out_step apart.
template <class In, class Out, class Body>
TALLOW_INLINE void each_row(const ConvArgs& args, const Sizes& size, int64_t tap, In* input,
                            Out* output, const Body& body) {
  const int64_t row = tap / args.kernel[1] * args.dilation[0] - args.padding[0];
  const int64_t column = tap % args.kernel[1] * args.dilation[1] - args.padding[1];
  const int64_t stride = args.stride[1];
  const int64_t begin = column >= 0 ? 0 : ceil_div(-column, stride);
  const int64_t end = lesser(
      args.out_size[1], args.in_size[1] > column ? ceil_div(args.in_size[1] - column, stride) : 0);
  for (int64_t y = 0; y < args.out_size[0] && begin < end; ++y) {
    const int64_t in_row = y * args.stride[0] + row;
    if (in_row < 0 || in_row >= args.in_size[0]) continue;
    body(input + (in_row * args.in_size[1] + column + begin * stride) * size.in.pixel,
         output + (y * args.out_size[1] + begin) * size.out.pixel, end - begin);
  }
}

template <class T>
void forward(const ConvArgs& args, const T* input, const T* weight, const T* bias, T* output) {
  const Sizes size(args);
  parallel_for(args.batch * args.out_channels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t n = t / args.out_channels;
      const int64_t o = t % args.out_channels;
      T* const plane = output + n * size.out.image + o * size.out.channel;
      for (int64_t i = 0; i < size.out_pixels; ++i) {
        plane[i * size.out_step] = bias ? bias[o] : T(0);
      }
      for (int64_t c = 0; c < size.in_channels; ++c) {
        const int64_t channel = o / size.out_channels * size.in_channels + c;
        const T* const source = input + n * size.in.image + channel * size.in.channel;
        for (int64_t k = 0; k < size.taps; ++k) {
          const T factor = weight[size.weight_at(o, c, k)];
          each_row(args, size, k, source, plane, [&](const T* from, T* to, int64_t count) {
            for (int64_t x = 0; x < count; ++x) {
              T& sum = to[x * size.out_step];
              sum = multiply_add(factor, from[x * size.in_step], sum);
            }
          });
        }
      }
    }
  });
}

template <class T>
void grad_input(const ConvArgs& args, const T* output, const T* weight, const T* bias, T* input) {
  const Sizes size(args);
  parallel_for(args.batch * args.in_channels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t n = t / args.in_channels;
      const int64_t group = t % args.in_channels / size.in_channels;
      const int64_t c = t % size.in_channels;
      const int64_t channel = t % args.in_channels;
      T* const plane = input + n * size.in.image + channel * size.in.channel;
      for (int64_t i = 0; i < size.in_pixels; ++i) {
        plane[i * size.in.pixel] = bias ? bias[channel] : T(0);
      }
      for (int64_t o = group * size.out_channels; o < (group + 1) * size.out_channels; ++o) {
        const T* const source = output + n * size.out.image + o * size.out.channel;
        for (int64_t k = 0; k < size.taps; ++k) {
          const T factor = weight[size.weight_at(o, c, k)];
          each_row(args, size, k, plane, source, [&](T* to, const T* from, int64_t count) {
            for (int64_t x = 0; x < count; ++x) {
              T& sum = to[x * size.in_step];
              sum = multiply_add(factor, from[x * size.out_step], sum);
            }
          });
        }
      }
    }
  });
}

template <class T>
void grad_weight(const ConvArgs& args, const T* input, const T* output, T* weight) {
  const Sizes size(args);
  parallel_for(args.out_channels * size.in_channels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t o = t / size.in_channels;
      const int64_t channel = o / size.out_channels * size.in_channels + t % size.in_channels;
      for (int64_t k = 0; k < size.taps; ++k) {
        T sum = T(0);
        for (int64_t n = 0; n < args.batch; ++n) {
          each_row(args, size, k, input + n * size.in.image + channel * size.in.channel,
                   output + n * size.out.image + o * size.out.channel,
                   [&](const T* x, const T* y, int64_t count) {
                     for (int64_t i = 0; i < count; ++i) {
                       sum = multiply_add(x[i * size.in_step], y[i * size.out_step], sum);
                     }
                   });
        }
        weight[size.weight_at(o, t % size.in_channels, k)] = sum;
      }
    }
  });
}

using Plain = Types<uint8_t, int8_t, int16_t, int32_t, int64_t, complex64, complex128>;

}  // namespace

Status conv_plain_forward(const ConvArgs& args, const void* input, const void* weight,
                          const void* bias, void* output) {
  return dispatch(Plain{}, args.dtype, "slow_conv2d_cpu", [&]<class T>() {
    forward(args, static_cast<const T*>(input), static_cast<const T*>(weight),
            static_cast<const T*>(bias), static_cast<T*>(output));
    return Status::kOk;
  });
}

Status conv_plain_grad_input(const ConvArgs& args, const void* output, const void* weight,
                             const void* bias, void* input) {
  return dispatch(Plain{}, args.dtype, "slow_conv_transpose2d_out_cpu", [&]<class T>() {
    grad_input(args, static_cast<const T*>(output), static_cast<const T*>(weight),
               static_cast<const T*>(bias), static_cast<T*>(input));
    return Status::kOk;
  });
}

Status conv_plain_grad_weight(const ConvArgs& args, const void* input, const void* output,
                              void* weight) {
  return dispatch(Plain{}, args.dtype, "slow_conv2d_weight_cpu", [&]<class T>() {
    grad_weight(args, static_cast<const T*>(input), static_cast<const T*>(output),
                static_cast<T*>(weight));
    return Status::kOk;
  });
}

}  // namespace tallow::cpu::TALLOW_ISA
