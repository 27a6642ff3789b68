// Group normalisation: a sample's group of channels is one row, parameters are per channel.
#include "cpu/norm_channels.h"
#include "cpu/norm_rows.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// The operands of a backward pass over `per_group` channels of `inner` elements each.
template <class T>
struct Backward {
  using A = Compute<T>;
  int64_t per_group;
  int64_t inner;
  T* grad_in;
  const T* grad;
  const T* in;
  const A* weight;
  const A* mean;
  const A* rstd;
  A* sums;        // of grad, per sample and channel
  A* along_sums;  // of grad * h

  // With h = (x - mean) * rstd and d = grad * weight: rstd * (d - average(d) - h * average(d * h)).
  void row(int64_t row, int64_t first_channel) const {
    const A center = mean[row], scale = rstd[row];
    const A count = static_cast<A>(per_group * inner);
    A* const sum = sums + row * per_group;
    A* const along = along_sums + row * per_group;
    for (int64_t c = 0; c < per_group; ++c) {
      const int64_t at = (row * per_group + c) * inner;
      A folded[2];
      fold_terms<A, 2>(
          inner, Add{},
          [&](int64_t i, int lanes, Vec<A>(&t)[2]) {
            t[0] = read(grad + at + i, lanes);
            t[1] = t[0] * ((read(in + at + i, lanes) - broadcast(center)) * broadcast(scale));
          },
          folded);
      sum[c] = folded[0];
      along[c] = folded[1];
    }
    if (!grad_in) return;
    const auto weight_of = [&](int64_t c) { return weight ? weight[first_channel + c] : A(1); };
    const A average =
        fold_partials<A, Add>(per_group, [&](int64_t c) { return weight_of(c) * sum[c]; }) / count;
    const A slope =
        fold_partials<A, Add>(per_group, [&](int64_t c) { return weight_of(c) * along[c]; }) /
        count;
    for (int64_t c = 0; c < per_group; ++c) {
      const int64_t at = (row * per_group + c) * inner;
      const Vec<A> w = broadcast(weight_of(c));
      for_each_vector<A>(inner, [&](int64_t i, int lanes) {
        const Vec<A> h = (read(in + at + i, lanes) - broadcast(center)) * broadcast(scale);
        const Vec<A> d = read(grad + at + i, lanes) * w - broadcast(average) - h * broadcast(slope);
        write(grad_in + at + i, d * broadcast(scale), lanes);
      });
    }
  }
};

template <class T>
void forward_row(T* y, const T* x, const Compute<T>* weight, const Compute<T>* bias,
                 int64_t per_group, int64_t inner, const RowStats<Compute<T>>& s) {
  using A = Compute<T>;
  for (int64_t c = 0; c < per_group; ++c) {
    const Vec<A> scale = broadcast(weight ? weight[c] : A(1));
    const Vec<A> offset = broadcast(bias ? bias[c] : A(-0.0));
    for_each_vector<A>(inner, [&](int64_t i, int lanes) {
      const Vec<A> h = (read(x + c * inner + i, lanes) - broadcast(s.mean) - broadcast(s.rest)) *
                       broadcast(s.rstd);
      write(y + c * inner + i, h * scale + offset, lanes);
    });
  }
}

}  // namespace

Status group_norm(DType dtype, void* out, const void* in, const void* weight, const void* bias,
                  const ChannelShape& shape, int64_t groups, double eps, void* mean, void* rstd) {
  const int64_t per_group = shape.channels / groups;
  const int64_t n = per_group * shape.inner;
  return dispatch(FloatingAndHalf{}, dtype, "GroupNormKernelImpl", [&]<class T>() -> Status {
    using A = Compute<T>;
    for_each_row(shape.batch * groups, n, [&](int64_t row) {
      const T* const x = static_cast<const T*>(in) + row * n;
      const RowStats<A> s = row_stats(x, n, static_cast<A>(eps));
      const int64_t channel = row % groups * per_group;
      forward_row(static_cast<T*>(out) + row * n, x,
                  weight ? static_cast<const A*>(weight) + channel : nullptr,
                  bias ? static_cast<const A*>(bias) + channel : nullptr, per_group, shape.inner,
                  s);
      static_cast<A*>(mean)[row] = s.mean + s.rest;
      static_cast<A*>(rstd)[row] = s.rstd;
    });
    return Status::kOk;
  });
}

Status group_norm_backward(DType dtype, void* grad_in, void* grad_weight, void* grad_bias,
                           const void* grad, const void* in, const void* weight, const void* mean,
                           const void* rstd, const ChannelShape& shape, int64_t groups) {
  const int64_t per_group = shape.channels / groups;
  return dispatch(
      FloatingAndHalf{}, dtype, "GroupNormBackwardKernelImpl", [&]<class T>() -> Status {
        using A = Compute<T>;
        const int64_t count = shape.batch * shape.channels;
        Scratch<A> sums(2 * count);
        if (!sums) return sums.failure();
        const Backward<T> b{per_group,
                            shape.inner,
                            static_cast<T*>(grad_in),
                            static_cast<const T*>(grad),
                            static_cast<const T*>(in),
                            static_cast<const A*>(weight),
                            static_cast<const A*>(mean),
                            static_cast<const A*>(rstd),
                            sums.get(),
                            sums.get() + count};
        for_each_row(shape.batch * groups, per_group * shape.inner,
                     [&](int64_t row) { b.row(row, row % groups * per_group); });
        if (!grad_weight && !grad_bias) return Status::kOk;
        return sum_columns<A, 2>(
            shape.batch, shape.channels, {static_cast<A*>(grad_weight), static_cast<A*>(grad_bias)},
            [&](int64_t sample, int64_t channel, int lanes, Vec<A>(&sum)[2]) {
              sum[0] = read(b.along_sums + sample * shape.channels + channel, lanes);
              sum[1] = read(b.sums + sample * shape.channels + channel, lanes);
            });
      });
}

}  // namespace tallow::cpu::TALLOW_ISA
