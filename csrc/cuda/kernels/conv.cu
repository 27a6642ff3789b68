// Convolutions and their gradients as products of matrices whose elements are looked up in the
// images, so that no matrix of patches is written. Each of the three products of a group is
//   output(channel, position)  = sum over inputs' (channel, tap) of weight * input,
//   input(channel, position)   = sum over outputs' (channel, tap) of weight * output,
//   weight(channel, (in, tap)) = sum over (sample, position) of output * input.
#include "cuda/kernels/layout.h"
#include "cuda/kernels/table.h"
#include "cuda/kernels/tile_product.h"
#include "cuda/scratch.h"

namespace tallow::cuda {
namespace {

// Where the elements of one tensor are: distances of images, channels and pixels.
struct Order {
  int64_t image, channel, pixel;
  Order(bool last, int64_t channels, int64_t pixels)
      : image(channels * pixels), channel(last ? 1 : pixels), pixel(last ? channels : 1) {}
};

// ConvArgs as kernels take them; channel counts are those of one group.
struct Geometry {
  int64_t batch, groups, in_channels, out_channels;
  int64_t in_size[2], out_size[2], kernel[2], stride[2], padding[2], dilation[2];
  int64_t in_pixels, out_pixels, taps;
  Order input, output, weight;
  Splitter by_out_pixels, by_out_width, by_in_pixels, by_in_width, by_taps, by_tap_width;

  explicit Geometry(const ConvArgs& args)
      : batch(args.batch),
        groups(args.groups),
        in_channels(args.in_channels / args.groups),
        out_channels(args.out_channels / args.groups),
        in_pixels(args.in_size[0] * args.in_size[1]),
        out_pixels(args.out_size[0] * args.out_size[1]),
        taps(args.kernel[0] * args.kernel[1]),
        input(args.input_last, args.in_channels, in_pixels),
        output(args.output_last, args.out_channels, out_pixels),
        weight(args.weight_last, in_channels, taps) {
    for (int d = 0; d < 2; ++d) {
      in_size[d] = args.in_size[d];
      out_size[d] = args.out_size[d];
      kernel[d] = args.kernel[d];
      stride[d] = args.stride[d];
      padding[d] = args.padding[d];
      dilation[d] = args.dilation[d];
    }
    by_out_pixels = Splitter(out_pixels, batch * out_pixels);
    by_out_width = Splitter(out_size[1], out_pixels);
    by_in_pixels = Splitter(in_pixels, batch * in_pixels);
    by_in_width = Splitter(in_size[1], in_pixels);
    by_taps = Splitter(taps, (in_channels + out_channels) * taps);
    by_tap_width = Splitter(kernel[1], taps);
  }
};

// A position of a batch of images.
struct Position {
  int64_t sample, y, x;
};
__device__ Position position_of(int64_t i, const Splitter& by_pixels, const Splitter& by_width) {
  const int64_t sample = by_pixels.quotient(i);
  const int64_t pixel = i - sample * by_pixels.size();
  const int64_t y = by_width.quotient(pixel);
  return {sample, y, pixel - y * by_width.size()};
}
// A channel and a tap of the kernel.
struct Tap {
  int64_t channel, y, x;
};
__device__ Tap tap_of(int64_t l, const Geometry& g) {
  const Position p = position_of(l, g.by_taps, g.by_tap_width);
  return {p.sample, p.y, p.x};
}

// The input element that a tap of the window at an output position meets, 0 outside of the image.
template <class T>
__device__ T input_at(const Geometry& g, const T* input, int64_t group, const Position& out,
                      const Tap& tap) {
  const int64_t y = out.y * g.stride[0] - g.padding[0] + tap.y * g.dilation[0];
  const int64_t x = out.x * g.stride[1] - g.padding[1] + tap.x * g.dilation[1];
  if (y < 0 || y >= g.in_size[0] || x < 0 || x >= g.in_size[1]) return T();
  const int64_t channel = group * g.in_channels + tap.channel;
  return input[out.sample * g.input.image + channel * g.input.channel +
               (y * g.in_size[1] + x) * g.input.pixel];
}

// The output element whose window meets an input position with a tap, 0 if there is none.
template <class T>
__device__ T output_at(const Geometry& g, const T* output, int64_t group, const Position& in,
                       const Tap& tap) {
  const int64_t y = in.y + g.padding[0] - tap.y * g.dilation[0];
  const int64_t x = in.x + g.padding[1] - tap.x * g.dilation[1];
  const int64_t oy = y / g.stride[0], ox = x / g.stride[1];
  if (y < 0 || x < 0 || oy * g.stride[0] != y || ox * g.stride[1] != x || oy >= g.out_size[0] ||
      ox >= g.out_size[1]) {
    return T();
  }
  const int64_t channel = group * g.out_channels + tap.channel;
  return output[in.sample * g.output.image + channel * g.output.channel +
                (oy * g.out_size[1] + ox) * g.output.pixel];
}

// Where in a row of the weight, an output channel, product l of a window's sum is.
__device__ int64_t weight_at(const Geometry& g, int64_t l) {
  const int64_t channel = g.by_taps.quotient(l);
  return channel * g.weight.channel + (l - channel * g.taps) * g.weight.pixel;
}

// The tile of a block: blockIdx.x counts the tiles of an m x n matrix, blockIdx.y the groups.
template <class Tile>
struct TilePlace {
  int64_t row, column, group;
  __device__ explicit TilePlace(int64_t n) : group(blockIdx.y) {
    const int64_t tiles = (n + Tile::kSide - 1) / Tile::kSide;
    row = blockIdx.x / tiles * Tile::kSide;
    column = blockIdx.x % tiles * Tile::kSide;
  }
};

template <class Tile, class T = typename Tile::Element>
__global__ void __launch_bounds__(Tile::kThreads, 2)
    forward_kernel(Geometry g, const T* input, const T* weight, const T* bias, T* output) {
  using A = Accumulator<T>;
  const int64_t m = g.out_channels, n = g.batch * g.out_pixels, k = g.in_channels * g.taps;
  const TilePlace<Tile> place(n);
  const T* const rows = weight + place.group * m * k;
  Tile tile;
  tile.template multiply<true, false>(
      place.row, place.column, 0, k,
      [&](int64_t i, int64_t l) { return i < m && l < k ? rows[i * k + weight_at(g, l)] : T(); },
      [&](int64_t j, int64_t l) {
        if (j >= n || l >= k) return T();
        return input_at(g, input, place.group, position_of(j, g.by_out_pixels, g.by_out_width),
                        tap_of(l, g));
      });
  tile.store(place.row, place.column, m, n, [&](int64_t i, int64_t j, A value) {
    const int64_t channel = place.group * m + i;
    if (bias) value = value + as_term(bias[channel]);
    const int64_t sample = g.by_out_pixels.quotient(j);
    const int64_t pixel = j - sample * g.out_pixels;
    output[sample * g.output.image + channel * g.output.channel + pixel * g.output.pixel] =
        static_cast<T>(value);
  });
}

template <class Tile, class T = typename Tile::Element>
__global__ void __launch_bounds__(Tile::kThreads, 2)
    grad_input_kernel(Geometry g, const T* output, const T* weight, const T* bias, T* input) {
  using A = Accumulator<T>;
  const int64_t m = g.in_channels, n = g.batch * g.in_pixels, k = g.out_channels * g.taps;
  const TilePlace<Tile> place(n);
  Tile tile;
  tile.template multiply<true, false>(
      place.row, place.column, 0, k,
      [&](int64_t i, int64_t l) {
        if (i >= m || l >= k) return T();
        const int64_t channel = g.by_taps.quotient(l);
        const int64_t tap = l - channel * g.taps;
        const int64_t row = place.group * g.out_channels + channel;
        return weight[row * g.weight.image + i * g.weight.channel + tap * g.weight.pixel];
      },
      [&](int64_t j, int64_t l) {
        if (j >= n || l >= k) return T();
        return output_at(g, output, place.group, position_of(j, g.by_in_pixels, g.by_in_width),
                         tap_of(l, g));
      });
  tile.store(place.row, place.column, m, n, [&](int64_t i, int64_t j, A value) {
    const int64_t channel = place.group * m + i;
    if (bias) value = value + as_term(bias[channel]);
    const int64_t sample = g.by_in_pixels.quotient(j);
    const int64_t pixel = j - sample * g.in_pixels;
    input[sample * g.input.image + channel * g.input.channel + pixel * g.input.pixel] =
        static_cast<T>(value);
  });
}

// The long sum over all positions is cut into parts of `length`, which blockIdx.z counts; with more
// than one the sums of part p go to parts[p].
template <class Tile, class T = typename Tile::Element>
__global__ void __launch_bounds__(Tile::kThreads, 2)
    grad_weight_kernel(Geometry g, const T* input, const T* output, int64_t length, T* weight,
                       Accumulator<T>* parts) {
  using A = Accumulator<T>;
  const int64_t m = g.out_channels, n = g.in_channels * g.taps;
  const int64_t begin = blockIdx.z * length;
  const int64_t end = min(begin + length, g.batch * g.out_pixels);
  const TilePlace<Tile> place(n);
  Tile tile;
  tile.template multiply<true, true>(
      place.row, place.column, begin, end,
      [&](int64_t i, int64_t l) {
        if (i >= m || l >= end) return T();
        const int64_t sample = g.by_out_pixels.quotient(l);
        const int64_t channel = place.group * m + i;
        return output[sample * g.output.image + channel * g.output.channel +
                      (l - sample * g.out_pixels) * g.output.pixel];
      },
      [&](int64_t j, int64_t l) {
        if (j >= n || l >= end) return T();
        return input_at(g, input, place.group, position_of(l, g.by_out_pixels, g.by_out_width),
                        tap_of(j, g));
      });
  tile.store(place.row, place.column, m, n, [&](int64_t i, int64_t j, const A& value) {
    const int64_t at = (place.group * m + i) * n + weight_at(g, j);
    if (parts) {
      parts[blockIdx.z * g.groups * m * n + at] = value;
    } else {
      weight[at] = static_cast<T>(value);
    }
  });
}

constexpr int kAddThreads = 256;
template <class T>
__global__ void add_parts(const Accumulator<T>* parts, int64_t count, int64_t numel, T* weight) {
  const int64_t i = global_index();
  if (i >= numel) return;
  Accumulator<T> sum = parts[i];
  for (int64_t p = 1; p < count; ++p) sum = sum + parts[p * numel + i];
  weight[i] = static_cast<T>(sum);
}

// Calls `body.template operator()<T, Tile>()` for products of `groups` m x n matrices.
template <class Body>
Status with_products(DType dtype, const char* op, int64_t groups, int64_t m, int64_t n,
                     const Body& body) {
  constexpr int64_t kMostGroups = 65535;
  if (groups > kMostGroups) {
    return fail(Status::kNotImplemented, "%s: more than %lld groups are not supported on 'cuda'",
                op, static_cast<long long>(kMostGroups));
  }
  return by_dtype(Multiplied{}, dtype, op, [&]<class T>() {
    return with_tile<T>(
        groups, m, n, [&]<class Tile>() -> Status { return body.template operator()<T, Tile>(); });
  });
}

Status forward(const ConvArgs& args, const void* input, const void* weight, const void* bias,
               void* output) {
  const Geometry g(args);
  const int64_t m = g.out_channels, n = g.batch * g.out_pixels;
  return with_products(args.dtype, "convolution", g.groups, m, n, [&]<class T, class Tile>() {
    return launch(
        {{grid_for(tiles_of<Tile>(m, n), 1), static_cast<unsigned>(g.groups)}, Tile::kThreads},
        forward_kernel<Tile>, g, static_cast<const T*>(input), static_cast<const T*>(weight),
        static_cast<const T*>(bias), static_cast<T*>(output));
  });
}

Status grad_input(const ConvArgs& args, const void* output, const void* weight, const void* bias,
                  void* input) {
  const Geometry g(args);
  const int64_t m = g.in_channels, n = g.batch * g.in_pixels;
  return with_products(
      args.dtype, "convolution_backward", g.groups, m, n, [&]<class T, class Tile>() {
        return launch(
            {{grid_for(tiles_of<Tile>(m, n), 1), static_cast<unsigned>(g.groups)}, Tile::kThreads},
            grad_input_kernel<Tile>, g, static_cast<const T*>(output),
            static_cast<const T*>(weight), static_cast<const T*>(bias), static_cast<T*>(input));
      });
}

// Into how many parts a sum of `length` products is cut so that `blocks` blocks per part keep a GPU
// busy; by the shape alone.
int64_t parts_for(int64_t length, int64_t blocks) {
  constexpr int64_t kShortest = 512;
  constexpr int64_t kWanted = 256;
  const int64_t wanted = blocks_for(kWanted, blocks);
  const int64_t possible = length / kShortest;
  const int64_t parts = wanted < possible ? wanted : possible;
  return parts > 1 ? parts : 1;
}

Status grad_weight(const ConvArgs& args, const void* input, const void* output, void* weight) {
  const Geometry g(args);
  const int64_t m = g.out_channels, n = g.in_channels * g.taps, k = g.batch * g.out_pixels;
  return with_products(
      args.dtype, "convolution_backward", g.groups, m, n, [&]<class T, class Tile>() -> Status {
        const unsigned tiles = grid_for(tiles_of<Tile>(m, n), 1);
        if (tiles == 0) return Status::kOk;
        const unsigned groups = static_cast<unsigned>(g.groups);
        const int64_t parts = parts_for(k, int64_t{tiles} * groups);
        const int64_t length = blocks_for(k, parts);
        Scratch<Accumulator<T>> sums;
        if (parts > 1) TALLOW_CUDA_TRY(sums.allocate(parts * g.groups * m * n));
        TALLOW_CUDA_TRY(launch({{tiles, groups, static_cast<unsigned>(parts)}, Tile::kThreads},
                               grad_weight_kernel<Tile>, g, static_cast<const T*>(input),
                               static_cast<const T*>(output), length, static_cast<T*>(weight),
                               sums.get()));
        if (parts == 1) return Status::kOk;
        const int64_t numel = g.groups * m * n;
        return launch({grid_for(numel, kAddThreads), kAddThreads}, add_parts<T>, sums.get(), parts,
                      numel, static_cast<T*>(weight));
      });
}

}  // namespace

ConvKernels conv_by_kernel() { return {forward, grad_input, grad_weight}; }

}  // namespace tallow::cuda
