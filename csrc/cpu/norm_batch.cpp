// Batch normalisation: statistics, normalisation and gradients per channel.
#include <cmath>

#include "cpu/norm_channels.h"
#include "cpu/reduce_rows.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// What is summed over a channel, from an element x of the input, the gradient g at the same place
// and the channel's center.
struct Value {
  template <class V>
  TALLOW_INLINE V operator()(V x, V, V) const {
    return x;
  }
};
struct Deviation {
  template <class V>
  TALLOW_INLINE V operator()(V x, V, V center) const {
    return x - center;
  }
};
struct SquaredDeviation {
  template <class V>
  TALLOW_INLINE V operator()(V x, V, V center) const {
    return (x - center) * (x - center);
  }
};
struct Gradient {
  template <class V>
  TALLOW_INLINE V operator()(V, V g, V) const {
    return g;
  }
};
struct GradientDeviation {
  template <class V>
  TALLOW_INLINE V operator()(V x, V g, V center) const {
    return g * (x - center);
  }
};

// The leaf of `count` elements from position `first` on of a channel, as numbers of type A: in
// place where it lies in one image, else copied to `buffer`.
template <class T>
TALLOW_NOINLINE const Compute<T>* channel_leaf(const T* in, const ChannelShape& shape,
                                               int64_t channel, int64_t first, int64_t count,
                                               Compute<T>* buffer) {
  using A = Compute<T>;
  int64_t image = first / shape.inner;
  int64_t within = first % shape.inner;
  int64_t done = 0;
  while (done < count) {
    const T* const from = in + (image * shape.channels + channel) * shape.inner + within;
    const int64_t left = count - done;
    const int64_t run = shape.inner - within < left ? shape.inner - within : left;
    if constexpr (std::is_same_v<T, A>) {
      if (run == count) return from;
    }
    for_each_vector<A>(
        run, [&](int64_t i, int lanes) { write(buffer + done + i, read(from + i, lanes), lanes); });
    done += run;
    ++image;
    within = 0;
  }
  return buffer;
}

// A leaf of the input and of the gradient (or null) as a source of terms.
template <class A, class... Terms>
struct ChannelSource {
  static constexpr int kTerms = sizeof...(Terms);
  const A* x = nullptr;
  const A* g = nullptr;
  Vec<A> center = {};
  TALLOW_INLINE void full(int64_t i, Wide<A> (&w)[kTerms]) const {
#pragma GCC unroll 8
    for (int p = 0; p < Wide<A>::kParts; ++p) {
      const int64_t at = i + p * kLanes<A>;
      const Vec<A> value = load(x + at);
      const Vec<A> gradient = g ? load(g + at) : Vec<A>{};
      int t = 0;
      ((w[t++].part[p] = Terms{}(value, gradient, center)), ...);
    }
  }
  TALLOW_INLINE void partial(int64_t i, int64_t count, Wide<A> (&w)[kTerms]) const {
    const Wide<A> values = load_lanes_partial(x + i, count);
    const Wide<A> gradients = g ? load_lanes_partial(g + i, count) : Wide<A>{};
#pragma GCC unroll 8
    for (int p = 0; p < Wide<A>::kParts; ++p) {
      int t = 0;
      ((w[t++].part[p] = Terms{}(values.part[p], gradients.part[p], center)), ...);
    }
  }
};

// Sums of the terms over one channel's elements [begin, begin + n). `grad` may be null.
template <class T, class... Terms>
TALLOW_NOINLINE void sum_channel(const T* in, const T* grad, const ChannelShape& shape,
                                 int64_t channel, int64_t begin, int64_t n, Compute<T> center,
                                 Compute<T> (&out)[sizeof...(Terms)]) {
  using A = Compute<T>;
  using Source = ChannelSource<A, Terms...>;
  alignas(kVectorBytes) A x_buffer[kAbreast<A>][kLeaf];
  alignas(kVectorBytes) A g_buffer[kAbreast<A>][kLeaf];
  const auto leaf = [&](int64_t k) -> Source {
    const int64_t first = k * kLeaf;
    const int64_t count = n - first < kLeaf ? n - first : kLeaf;
    const int slot = static_cast<int>(k % kAbreast<A>);
    return {
        channel_leaf(in, shape, channel, begin + first, count, x_buffer[slot]),
        grad ? channel_leaf(grad, shape, channel, begin + first, count, g_buffer[slot]) : nullptr,
        broadcast(center)};
  };
  fold_row<A, Source::kTerms>(n, Add{}, leaf, out);
}

// out[t][c] = the sum over channel c of term t, for arrays whose channels are not worth a task
// each. `grad` and `center` may be null.
template <class T, class... Terms>
Status sum_channels(const T* in, const T* grad, const ChannelShape& shape, const Compute<T>* center,
                    Compute<T>* const (&out)[sizeof...(Terms)]) {
  using A = Compute<T>;
  constexpr int kTerms = sizeof...(Terms);
  if (shape.inner == 1) {
    return sum_columns<A, kTerms>(
        shape.batch, shape.channels, out,
        [&](int64_t row, int64_t column, int lanes, Vec<A>(&sum)[kTerms]) {
          const int64_t at = row * shape.channels + column;
          const Vec<A> x = read(in + at, lanes);
          const Vec<A> g = grad ? read(grad + at, lanes) : Vec<A>{};
          const Vec<A> c = center ? read(center + column, lanes) : Vec<A>{};
          int t = 0;
          ((sum[t++] = Terms{}(x, g, c)), ...);
        });
  }
  const int64_t n = shape.batch * shape.inner;
  const int64_t segments = (n + kSegment - 1) / kSegment;
  Scratch<A> partial(shape.channels * segments * kTerms);
  if (!partial) return partial.failure();
  parallel_for(shape.channels * segments, 2, [&](int64_t first, int64_t end) {
    for (int64_t item = first; item < end; ++item) {
      const int64_t channel = item / segments;
      const int64_t begin = item % segments * kSegment;
      A sums[kTerms];
      sum_channel<T, Terms...>(in, grad, shape, channel, begin,
                               n - begin < kSegment ? n - begin : kSegment,
                               center ? center[channel] : A(0), sums);
      for (int t = 0; t < kTerms; ++t) partial[item * kTerms + t] = sums[t];
    }
  });
  for (int64_t c = 0; c < shape.channels; ++c) {
    for (int t = 0; t < kTerms; ++t) {
      out[t][c] = fold_partials<A, Add>(
          segments, [&](int64_t s) { return partial[(c * segments + s) * kTerms + t]; });
    }
  }
  return Status::kOk;
}

// Is there enough in a channel, and are there enough channels, that each is one task? Then its data
// stay in the cache from pass to pass.
bool channel_is_task(const ChannelShape& shape) { return shape.inner > 1 && shape.channels >= 4; }

template <class Body>
TALLOW_INLINE void for_each_channel(const ChannelShape& shape, const Body& body) {
  const int64_t n = shape.batch * shape.inner;
  parallel_for(shape.channels, kNormalizeGrain / (n > 0 ? n : 1), [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) body(c);
  });
}

// Calls f(offset, lanes, of) for every vector of a channel, or of the whole array; of(p) is the
// parameter array p there.
template <class A, class F>
TALLOW_INLINE void for_each_in_channel(const ChannelShape& shape, int64_t c, const F& f) {
  for (int64_t image = 0; image < shape.batch; ++image) {
    const int64_t at = (image * shape.channels + c) * shape.inner;
    for_each_vector<A>(shape.inner, [&](int64_t i, int lanes) {
      f(at + i, lanes, [&](const A* p) { return broadcast(p[c]); });
    });
  }
}
template <class A, class F>
TALLOW_INLINE void for_each_element(const ChannelShape& shape, const F& f) {
  if (shape.inner != 1) {
    for_each_row(shape.batch * shape.channels, shape.inner, [&](int64_t row) {
      const int64_t c = row % shape.channels;
      for_each_vector<A>(shape.inner, [&](int64_t i, int lanes) {
        f(row * shape.inner + i, lanes, [&](const A* p) { return broadcast(p[c]); });
      });
    });
    return;
  }
  const int64_t channels = shape.channels;
  parallel_for(shape.batch, kNormalizeGrain / (channels > 0 ? channels : 1),
               [&](int64_t begin, int64_t end) {
                 const F local = f;  // what nobody else knows of stays in registers
                 for (int64_t row = begin; row < end; ++row) {
                   for_each_vector<A>(channels, [&](int64_t c, int lanes) {
                     local(row * channels + c, lanes,
                           [&](const A* p) { return read(p + c, lanes); });
                   });
                 }
               });
}

// ---- Forward. `rest` is what the mean of a batch lost to rounding.

template <class T>
struct Forward {
  using A = Compute<T>;
  T* out;
  const T* in;
  const A* weight;
  const A* bias;
  const ChannelShape& shape;
  A eps;
  A* mean;
  A* variance;
  A* invstd;
  A* rest;
  A* scale;

  // Sums of deviations from the provisional mean, and of their squares, become statistics.
  void finish_statistics(int64_t c, A first, A second) const {
    const A count = static_cast<A>(shape.batch * shape.inner);
    rest[c] = first / count;
    variance[c] = (second - first * rest[c]) / count;
  }
  void prepare(int64_t c) const {
    invstd[c] = A(1) / std::sqrt(variance[c] + eps);
    scale[c] = weight ? invstd[c] * weight[c] : invstd[c];
  }
  auto element() const {
    return [out = out, in = in, bias = bias, mean = mean, rest = rest, scale = scale](
               int64_t at, int lanes, const auto& of) {
      Vec<A> x = (read(in + at, lanes) - of(mean) - of(rest)) * of(scale);
      if (bias) x = x + of(bias);
      write(out + at, x, lanes);
    };
  }

  Status train() const {
    const int64_t n = shape.batch * shape.inner;
    const A count = static_cast<A>(n);
    if (channel_is_task(shape) && n > 0) {
      for_each_channel(shape, [&](int64_t c) {
        A sum[1], deviations[2];
        sum_channel<T, Value>(in, nullptr, shape, c, 0, n, A(0), sum);
        mean[c] = sum[0] / count;
        sum_channel<T, Deviation, SquaredDeviation>(in, nullptr, shape, c, 0, n, mean[c],
                                                    deviations);
        finish_statistics(c, deviations[0], deviations[1]);
        prepare(c);
        for_each_in_channel<A>(shape, c, element());
        mean[c] += rest[c];
      });
      return Status::kOk;
    }
    Status status = sum_channels<T, Value>(in, nullptr, shape, nullptr, {mean});
    if (status != Status::kOk) return status;
    for (int64_t c = 0; c < shape.channels; ++c) mean[c] /= count;
    status =
        sum_channels<T, Deviation, SquaredDeviation>(in, nullptr, shape, mean, {rest, variance});
    if (status != Status::kOk) return status;
    for (int64_t c = 0; c < shape.channels; ++c) {
      finish_statistics(c, rest[c], variance[c]);
      prepare(c);
    }
    for_each_element<A>(shape, element());
    for (int64_t c = 0; c < shape.channels; ++c) mean[c] += rest[c];
    return Status::kOk;
  }

  Status evaluate() const {
    for (int64_t c = 0; c < shape.channels; ++c) {
      rest[c] = 0;
      prepare(c);
    }
    for_each_element<A>(shape, element());
    return Status::kOk;
  }
};

// ---- Backward. With h = (x - mean) * invstd: in training
// weight * invstd * (g - average(g) - h * average(g * h)), else weight * invstd * g.

template <class T>
struct Backward {
  using A = Compute<T>;
  bool train;
  T* grad_in;
  A* grad_weight;
  A* grad_bias;
  const T* grad;
  const T* in;
  const A* weight;
  const A* mean;
  const A* invstd;
  const ChannelShape& shape;
  A* average;
  A* slope;
  A* scale;

  bool needs_sums() const { return train || grad_weight || grad_bias; }
  // `sum` of the gradient and `along` of gradient * (x - mean) over channel c.
  void prepare(int64_t c, A sum, A along) const {
    const A count = static_cast<A>(shape.batch * shape.inner);
    if (grad_bias) grad_bias[c] = sum;
    if (grad_weight) grad_weight[c] = along * invstd[c];
    scale[c] = (weight ? weight[c] : A(1)) * invstd[c];
    average[c] = train ? sum / count : A(0);
    slope[c] = train ? along * invstd[c] * invstd[c] / count : A(0);
  }
  auto element() const {
    return [train = train, grad_in = grad_in, grad = grad, in = in, mean = mean, average = average,
            slope = slope, scale = scale](int64_t at, int lanes, const auto& of) {
      Vec<A> g = read(grad + at, lanes);
      if (train) g = g - of(average) - (read(in + at, lanes) - of(mean)) * of(slope);
      write(grad_in + at, g * of(scale), lanes);
    };
  }

  Status run() const {
    const int64_t n = shape.batch * shape.inner;
    if (channel_is_task(shape) && n > 0) {
      for_each_channel(shape, [&](int64_t c) {
        A sums[2] = {};
        if (needs_sums()) {
          sum_channel<T, Gradient, GradientDeviation>(in, grad, shape, c, 0, n, mean[c], sums);
        }
        prepare(c, sums[0], sums[1]);
        if (grad_in) for_each_in_channel<A>(shape, c, element());
      });
      return Status::kOk;
    }
    if (needs_sums()) {
      const Status status =
          sum_channels<T, Gradient, GradientDeviation>(in, grad, shape, mean, {average, slope});
      if (status != Status::kOk) return status;
    }
    for (int64_t c = 0; c < shape.channels; ++c) prepare(c, average[c], slope[c]);
    if (grad_in) for_each_element<A>(shape, element());
    return Status::kOk;
  }
};

}  // namespace

Status batch_norm(bool train, DType dtype, void* out, const void* in, const void* weight,
                  const void* bias, const ChannelShape& shape, double eps, void* mean,
                  void* variance, void* invstd) {
  return dispatch(FloatingAndHalf{}, dtype, "batch_norm", [&]<class T>() -> Status {
    using A = Compute<T>;
    Scratch<A> scratch(2 * shape.channels);
    if (!scratch) return scratch.failure();
    const Forward<T> forward{static_cast<T*>(out),
                             static_cast<const T*>(in),
                             static_cast<const A*>(weight),
                             static_cast<const A*>(bias),
                             shape,
                             static_cast<A>(eps),
                             static_cast<A*>(mean),
                             static_cast<A*>(variance),
                             static_cast<A*>(invstd),
                             scratch.get(),
                             scratch.get() + shape.channels};
    return train ? forward.train() : forward.evaluate();
  });
}

Status batch_norm_backward(bool train, DType dtype, void* grad_in, void* grad_weight,
                           void* grad_bias, const void* grad, const void* in, const void* weight,
                           const void* mean, const void* invstd, const ChannelShape& shape) {
  return dispatch(FloatingAndHalf{}, dtype, "batch_norm_backward_cpu", [&]<class T>() -> Status {
    using A = Compute<T>;
    Scratch<A> scratch(3 * shape.channels);
    if (!scratch) return scratch.failure();
    for (int64_t c = 0; c < 2 * shape.channels; ++c) scratch[c] = 0;
    const Backward<T> backward{train,
                               static_cast<T*>(grad_in),
                               static_cast<A*>(grad_weight),
                               static_cast<A*>(grad_bias),
                               static_cast<const T*>(grad),
                               static_cast<const T*>(in),
                               static_cast<const A*>(weight),
                               static_cast<const A*>(mean),
                               static_cast<const A*>(invstd),
                               shape,
                               scratch.get(),
                               scratch.get() + shape.channels,
                               scratch.get() + 2 * shape.channels};
    return backward.run();
  });
}

}  // namespace tallow::cpu::TALLOW_ISA
