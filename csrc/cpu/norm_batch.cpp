// Batch normalisation: statistics, normalisation and gradients per channel.
#include "cpu/norm_batch.h"

#include <cmath>

#include "cpu/reduce_rows.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// What is summed over a channel, from an element x of the input, the gradient g at the same place
// and the channel's center.
struct Value {
  template <class V>
  TALLOW_INLINE V operator()(V x, V, V) const { return x; }
};
struct Deviation {
  template <class V>
  TALLOW_INLINE V operator()(V x, V, V center) const { return x - center; }
};
struct SquaredDeviation {
  template <class V>
  TALLOW_INLINE V operator()(V x, V, V center) const { return (x - center) * (x - center); }
};
struct Gradient {
  template <class V>
  TALLOW_INLINE V operator()(V, V g, V) const { return g; }
};
struct GradientDeviation {
  template <class V>
  TALLOW_INLINE V operator()(V x, V g, V center) const { return g * (x - center); }
};

// The leaf of `count` elements from position `first` on of a channel, as numbers of type A: in place
// where it lies in one image, else copied to `buffer`.
template <class T>
TALLOW_INLINE const Compute<T>* channel_leaf(const T* in, const ChannelShape& shape, int64_t channel,
                                             int64_t first, int64_t count, Compute<T>* buffer) {
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
    for_each_vector<A>(run, [&](int64_t i, int lanes) {
      write(buffer + done + i, read(from + i, lanes), lanes);
    });
    done += run;
    ++image;
    within = 0;
  }
  return buffer;
}

template <class A, class Term>
struct PairSource {
  const A* x;
  const A* g;
  Vec<A> center;
  TALLOW_INLINE Wide<A> full(int64_t i) const {
    Wide<A> w;
#pragma GCC unroll 8
    for (int p = 0; p < Wide<A>::kParts; ++p) {
      const int64_t at = i + p * kLanes<A>;
      w.part[p] = Term{}(load(x + at), g ? load(g + at) : Vec<A>{}, center);
    }
    return w;
  }
  TALLOW_INLINE Wide<A> partial(int64_t i, int64_t count) const {
    const Wide<A> xs = load_lanes_partial(x + i, count);
    const Wide<A> gs = g ? load_lanes_partial(g + i, count) : Wide<A>{};
    Wide<A> w;
#pragma GCC unroll 8
    for (int p = 0; p < Wide<A>::kParts; ++p) w.part[p] = Term{}(xs.part[p], gs.part[p], center);
    return w;
  }
};

// Sums of the terms over one channel's elements [begin, begin + n), into out[t].
template <class T, class... Terms>
void sum_channel(const T* in, const T* grad, const ChannelShape& shape, int64_t channel,
                 int64_t begin, int64_t n, Compute<T> center, Compute<T>* const* out) {
  using A = Compute<T>;
  const Add join;
  alignas(kVectorBytes) A x_buffer[kLeaf];
  alignas(kVectorBytes) A g_buffer[kLeaf];
  PairwiseTree<A, Add> trees[sizeof...(Terms)];
  for (int64_t done = 0; done < n; done += kLeaf) {
    const int64_t count = n - done < kLeaf ? n - done : kLeaf;
    const A* const x = channel_leaf(in, shape, channel, begin + done, count, x_buffer);
    const A* const g =
        grad ? channel_leaf(grad, shape, channel, begin + done, count, g_buffer) : nullptr;
    int t = 0;
    (trees[t++].push(fold_leaf<A>(PairSource<A, Terms>{x, g, broadcast(center)}, count, join)), ...);
  }
  for (std::size_t t = 0; t < sizeof...(Terms); ++t) *out[t] = trees[t].result();
}

// out[t][c] = the sum over channel c of term t. `grad` and `center` may be null.
template <class T, class... Terms>
Status sum_channels(const T* in, const T* grad, const ChannelShape& shape,
                    const Compute<T>* center, Compute<T>* const (&out)[sizeof...(Terms)]) {
  using A = Compute<T>;
  constexpr int kTerms = sizeof...(Terms);
  if (shape.inner == 1) {
    return sum_columns<A, kTerms>(shape.batch, shape.channels, out,
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
  if (n == 0) return sum_columns<A, kTerms>(0, shape.channels, out, [](auto&&...) {});
  const int64_t segments = (n + kSegment - 1) / kSegment;
  Scratch<A> partial(shape.channels * segments * kTerms);
  if (!partial) return partial.failure();
  const int64_t work = n < kSegment ? n : kSegment;
  parallel_for(shape.channels * segments, kNormalizeGrain / work, [&](int64_t first, int64_t end) {
    for (int64_t item = first; item < end; ++item) {
      const int64_t channel = item / segments;
      const int64_t begin = item % segments * kSegment;
      A* to[kTerms];
      for (int t = 0; t < kTerms; ++t) to[t] = partial.get() + item * kTerms + t;
      sum_channel<T, Terms...>(in, grad, shape, channel, begin,
                               n - begin < kSegment ? n - begin : kSegment,
                               center ? center[channel] : A(0), to);
    }
  });
  for (int64_t c = 0; c < shape.channels; ++c) {
    for (int t = 0; t < kTerms; ++t) {
      PairwiseTree<A, Add> tree;
      for (int64_t s = 0; s < segments; ++s) tree.push(partial[(c * segments + s) * kTerms + t]);
      if (out[t]) out[t][c] = tree.result();
    }
  }
  return Status::kOk;
}

// Calls f(offset, lanes, channel parameter) for every vector of the array, in parallel. Parameters
// are vectors: per channel along rows (inner == 1), else one value. `param(k, c, lanes)` below gives
// them.
template <class A, class F>
TALLOW_INLINE void for_each_channel_vector(const ChannelShape& shape, const F& f) {
  if (shape.inner == 1) {
    for_each_row(shape.batch, shape.channels, [&](int64_t row) {
      for_each_vector<A>(shape.channels, [&](int64_t c, int lanes) {
        f(row * shape.channels + c, lanes, [&](const A* p) { return read(p + c, lanes); });
      });
    });
    return;
  }
  for_each_row(shape.batch * shape.channels, shape.inner, [&](int64_t row) {
    const int64_t c = row % shape.channels;
    for_each_vector<A>(shape.inner, [&](int64_t i, int lanes) {
      f(row * shape.inner + i, lanes, [&](const A* p) { return broadcast(p[c]); });
    });
  });
}

template <class T>
Status stats_of(const T* in, const ChannelShape& shape, Compute<T>* mean, Compute<T>* rest,
                Compute<T>* variance) {
  using A = Compute<T>;
  const A count = static_cast<A>(shape.batch * shape.inner);
  Status status = sum_channels<T, Value>(in, nullptr, shape, nullptr, {mean});
  if (status != Status::kOk) return status;
  for (int64_t c = 0; c < shape.channels; ++c) mean[c] /= count;
  status = sum_channels<T, Deviation, SquaredDeviation>(in, nullptr, shape, mean, {rest, variance});
  if (status != Status::kOk) return status;
  for (int64_t c = 0; c < shape.channels; ++c) {
    const A first = rest[c];
    rest[c] = first / count;
    variance[c] = (variance[c] - first * rest[c]) / count;
  }
  return Status::kOk;
}

template <class T>
Status apply_of(T* out, const T* in, const ChannelShape& shape, const Compute<T>* mean,
                const Compute<T>* rest, const Compute<T>* scale, const Compute<T>* bias) {
  using A = Compute<T>;
  for_each_channel_vector<A>(shape, [&](int64_t at, int lanes, const auto& of) {
    Vec<A> x = read(in + at, lanes) - of(mean);
    if (rest) x = x - of(rest);
    x = x * of(scale);
    if (bias) x = x + of(bias);
    write(out + at, x, lanes);
  });
  return Status::kOk;
}

// With h = (x - mean) * invstd: in training weight * invstd * (g - average(g) - h * average(g * h)),
// else weight * invstd * g.
template <class T>
Status backward_of(bool train, T* grad_in, Compute<T>* grad_weight, Compute<T>* grad_bias,
                   const T* grad, const T* in, const Compute<T>* weight, const Compute<T>* mean,
                   const Compute<T>* invstd, const ChannelShape& shape) {
  using A = Compute<T>;
  const int64_t channels = shape.channels;
  Scratch<A> scratch(channels * 5);
  if (!scratch) return scratch.failure();
  A* const sum = scratch.get();
  A* const along = sum + channels;
  A* const scale = along + channels;
  A* const average = scale + channels;
  A* const slope = average + channels;
  if (train || grad_weight || grad_bias) {
    const Status status =
        sum_channels<T, Gradient, GradientDeviation>(in, grad, shape, mean, {sum, along});
    if (status != Status::kOk) return status;
  }
  const A count = static_cast<A>(shape.batch * shape.inner);
  for (int64_t c = 0; c < channels; ++c) {
    if (grad_bias) grad_bias[c] = sum[c];
    if (grad_weight) grad_weight[c] = along[c] * invstd[c];
    scale[c] = (weight ? weight[c] : A(1)) * invstd[c];
    average[c] = train ? sum[c] / count : A(0);
    slope[c] = train ? along[c] * invstd[c] * invstd[c] / count : A(0);
  }
  if (!grad_in) return Status::kOk;
  for_each_channel_vector<A>(shape, [&](int64_t at, int lanes, const auto& of) {
    Vec<A> g = read(grad + at, lanes);
    if (train) g = g - of(average) - (read(in + at, lanes) - of(mean)) * of(slope);
    write(grad_in + at, g * of(scale), lanes);
  });
  return Status::kOk;
}

}  // namespace

Status batch_norm_stats(DType dtype, const void* in, const ChannelShape& shape, void* mean,
                        void* rest, void* variance) {
  return dispatch(FloatingAndHalf{}, dtype, "batch_norm", [&]<class T>() -> Status {
    using A = Compute<T>;
    return stats_of(static_cast<const T*>(in), shape, static_cast<A*>(mean), static_cast<A*>(rest),
                    static_cast<A*>(variance));
  });
}

Status batch_norm_apply(DType dtype, void* out, const void* in, const ChannelShape& shape,
                        const void* mean, const void* rest, const void* scale, const void* bias) {
  return dispatch(FloatingAndHalf{}, dtype, "batch_norm", [&]<class T>() -> Status {
    using A = Compute<T>;
    return apply_of(static_cast<T*>(out), static_cast<const T*>(in), shape,
                    static_cast<const A*>(mean), static_cast<const A*>(rest),
                    static_cast<const A*>(scale), static_cast<const A*>(bias));
  });
}

Status batch_norm_backward(bool train, DType dtype, void* grad_in, void* grad_weight,
                           void* grad_bias, const void* grad, const void* in, const void* weight,
                           const void* mean, const void* invstd, const ChannelShape& shape) {
  return dispatch(FloatingAndHalf{}, dtype, "batch_norm_backward_cpu", [&]<class T>() -> Status {
    using A = Compute<T>;
    return backward_of(train, static_cast<T*>(grad_in), static_cast<A*>(grad_weight),
                       static_cast<A*>(grad_bias), static_cast<const T*>(grad),
                       static_cast<const T*>(in), static_cast<const A*>(weight),
                       static_cast<const A*>(mean), static_cast<const A*>(invstd), shape);
  });
}

}  // namespace tallow::cpu::TALLOW_ISA
