// Group normalisation: the channels of a sample's group are normalised together, parameters are per
// channel. Sums are taken over each channel's pixels first and then over the group's channels, so
// that both memory orders give the same bits: lanes are pixels where they are neighbours in memory,
// else channels.
#include <cmath>

#include "cpu/norm_channels.h"
#include "cpu/reduce_rows.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Pixels of neighbouring channels fetched ahead, as their lines need not follow each other, and
// from how many elements on: smaller images are near.
inline constexpr int64_t kAhead = 48;
inline constexpr int64_t kFar = 2 * 1024 * 1024;

// Neighbouring channels of one sample, whose pixels are neighbours if they are of half type.
// Element i of channel c is at c * inner + i, or at i * pitch + c where channels are neighbours.
struct Channels {
  int64_t count;
  int64_t inner;
  int64_t pitch;  // 0: pixels are neighbours
  int64_t ahead;  // where what is needed later lies
};

// Not as a constant where it is all of them: whole and partial vectors then share their code.
TALLOW_INLINE int lanes_from(const Channels& at, int64_t c, int lanes) {
  return static_cast<int>(at.count - c < lanes ? at.count - c : lanes);
}

// The `params` of channel c, or of the channels from c on; null ones give nothing.
template <class A, int P>
TALLOW_INLINE void read_params(const Channels& at, const A* const (&params)[P], int64_t c,
                               int lanes, Vec<A> (&values)[P]) {
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    if (params[p]) values[p] = at.pitch == 0 ? broadcast(params[p][c]) : read(params[p] + c, lanes);
  }
}

// out[k][c] = the sum of term k over channel c. f(at, lanes, v, x) puts the terms of the elements
// from `at` on into x; v are the params of their channels.
template <class T, int K, int P, class F>
TALLOW_INLINE void sum_pixels(const Channels& at, const Compute<T>* const (&params)[P],
                              Compute<T>* const (&out)[K], const F& f) {
  using A = Compute<T>;
  Vec<A> v[P] = {};
  if (at.pitch == 0) {
    for (int64_t c = 0; c < at.count; ++c) {
      A sums[K];
      read_params(at, params, c, 1, v);
      fold_terms<A, K>(
          at.inner, Add{},
          [&](int64_t i, int lanes, Vec<A>(&x)[K]) { f(c * at.inner + i, lanes, v, x); }, sums);
      for (int k = 0; k < K; ++k) out[k][c] = sums[k];
    }
    return;
  }
  if constexpr (std::is_same_v<T, A>) {
    ColumnSums<A> sums[K];
    for (int64_t first = 0; first < at.count; first += kSumColumns) {
      const int columns = lanes_from(at, first, kSumColumns);
      sum_rows<A, K>(
          at.inner, columns,
          [&](int64_t i, int column, int lanes, Vec<A>(&x)[K]) {
            Vec<A> v[P] = {};
            read_params(at, params, first + column, lanes, v);
            f(i * at.pitch + first + column, lanes, v, x);
          },
          sums);
      for (int k = 0; k < K; ++k) {
        std::memcpy(out[k] + first, sums[k].result(),
                    static_cast<std::size_t>(columns) * sizeof(A));
      }
    }
  }
}

// Calls f(at, lanes, v) for all elements.
template <class T, int P, class F>
TALLOW_INLINE void for_each_pixel(const Channels& at, const Compute<T>* const (&params)[P],
                                  const F& f) {
  using A = Compute<T>;
  Vec<A> v[P] = {};
  if (at.pitch == 0) {
    for (int64_t c = 0; c < at.count; ++c) {
      read_params(at, params, c, 1, v);
      for_each_vector<A>(at.inner, [&](int64_t i, int lanes) { f(c * at.inner + i, lanes, v); });
    }
    return;
  }
  if constexpr (std::is_same_v<T, A>) {
    for (int64_t i = 0; i < at.inner; ++i) {
      for_each_vector<A>(at.count, [&](int64_t c, int lanes) {
        read_params(at, params, c, lanes, v);
        f(i * at.pitch + c, lanes, v);
      });
    }
  }
}

template <class A>
TALLOW_INLINE A sum_of(const A* values, int64_t n) {
  return fold_values<A>(n, Add{}, [&](int64_t i, int lanes) { return read(values + i, lanes); });
}

// Calls body(sample, group, groups) for pieces of all samples: `groups` of them from `group` on.
// Where channels are neighbours a piece is some cache lines wide, and a whole sample if that fits
// the cache and leaves tasks enough: lines that follow each other come faster.
template <class Body>
TALLOW_INLINE void for_each_piece(const ChannelShape& shape, int64_t groups, bool interleaved,
                                  const Body& body) {
  constexpr int64_t kCached = 256 * 1024;  // elements
  constexpr int64_t kTasks = 8;
  const int64_t per_group = shape.channels / groups;
  const bool whole = shape.batch >= kTasks && shape.channels * shape.inner <= kCached;
  const int64_t width = !interleaved ? 1 : whole ? shape.channels : kSumColumns;
  const int64_t together = per_group > 0 && per_group < width ? width / per_group : 1;
  const int64_t pieces = (groups + together - 1) / together;
  for_each_row(shape.batch * pieces, together * per_group * shape.inner, [&](int64_t piece) {
    const int64_t group = piece % pieces * together;
    body(piece / pieces, group, groups - group < together ? groups - group : together);
  });
}

// Single pixels are neighbours as much as single channels are.
bool is_interleaved(const ChannelShape& shape) { return shape.last || shape.inner == 1; }

// What both passes know, and numbers per sample and channel of their own.
template <class T, int Arrays>
struct Pass {
  using A = Compute<T>;
  const ChannelShape& shape;
  int64_t groups;
  Scratch<A> numbers;

  Pass(const ChannelShape& shape, int64_t groups)
      : shape(shape), groups(groups), numbers(Arrays * shape.batch * shape.channels) {}

  int64_t per_group() const { return shape.channels / groups; }
  A count() const { return static_cast<A>(per_group() * shape.inner); }
  A* array(int index) const { return numbers.get() + index * shape.batch * shape.channels; }
  // Of the elements of a sample's channels from `channel` on.
  int64_t offset(int64_t sample, int64_t channel) const {
    return sample * shape.channels * shape.inner +
           channel * (is_interleaved(shape) ? 1 : shape.inner);
  }
  Channels channels(int64_t count) const {
    const int64_t pitch = is_interleaved(shape) ? shape.channels : 0;
    const bool far = shape.batch * shape.channels * shape.inner >= kFar;
    return {count, shape.inner, pitch, far ? kAhead * pitch : 0};
  }
  // Gives all channels of a group one value.
  void spread(A* array, int64_t group, A value) const {
    for (int64_t c = 0; c < per_group(); ++c) array[group * per_group() + c] = value;
  }
};

// The mean is corrected by the average deviation from it, and so is the variance.
// Source: as row_stats() in norm_rows.h.
template <class T>
struct Forward : Pass<T, 4> {
  using A = Compute<T>;
  T* out;
  const T* in;
  const A* weight;
  const A* bias;
  A eps;
  A* mean;
  A* rstd;

  void piece(int64_t sample, int64_t group, int64_t groups) const {
    const int64_t channel = group * this->per_group();
    const int64_t row = sample * this->groups + group;
    const Channels at = this->channels(groups * this->per_group());
    const int64_t place = sample * this->shape.channels + channel;
    A* const center = this->array(0) + place;
    A* const rest = this->array(1) + place;
    A* const scale = this->array(2) + place;
    A* const squares = this->array(3) + place;
    const T* const x = in + this->offset(sample, channel);
    sum_pixels<T, 1, 1>(at, {nullptr}, {center},
                        [&](int64_t i, int lanes, const Vec<A>(&)[1], Vec<A>(&sum)[1]) {
                          __builtin_prefetch(x + i + at.ahead);
                          sum[0] = read(x + i, lanes);
                        });
    for (int64_t g = 0; g < groups; ++g) {
      mean[row + g] = sum_of(center + g * this->per_group(), this->per_group()) / this->count();
      this->spread(center, g, mean[row + g]);
    }
    sum_pixels<T, 2, 1>(at, {center}, {rest, squares},
                        [&](int64_t i, int lanes, const Vec<A>(&v)[1], Vec<A>(&sum)[2]) {
                          sum[0] = read(x + i, lanes) - v[0];
                          sum[1] = sum[0] * sum[0];
                        });
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t first = g * this->per_group();
      const A deviation = sum_of(rest + first, this->per_group());
      const A square = sum_of(squares + first, this->per_group());
      const A correction = deviation / this->count();
      const A variance = (square - deviation * correction) / this->count();
      rstd[row + g] = A(1) / std::sqrt(variance + eps);
      mean[row + g] += correction;
      this->spread(rest, g, correction);
      this->spread(scale, g, rstd[row + g]);
    }
    write_piece(at, out + this->offset(sample, channel), x, channel, center, rest, scale);
  }

  void write_piece(const Channels& at, T* y, const T* x, int64_t channel, const A* center,
                   const A* rest, const A* scale) const {
    const A* const w = weight ? weight + channel : nullptr;
    const A* const b = bias ? bias + channel : nullptr;
    for_each_pixel<T, 5>(at, {center, rest, scale, w, b},
                         [&](int64_t i, int lanes, const Vec<A>(&v)[5]) {
                           __builtin_prefetch(y + i + at.ahead, 1);
                           Vec<A> h = (read(x + i, lanes) - v[0] - v[1]) * v[2];
                           if (w) h = h * v[3];
                           if (b) h = h + v[4];
                           write(y + i, h, lanes);
                         });
  }
};

// With h = (x - mean) * rstd and d = grad * weight: rstd * (d - average(d) - h * average(d * h)).
template <class T>
struct Backward : Pass<T, 6> {
  using A = Compute<T>;
  T* grad_in;
  const T* grad;
  const T* in;
  const A* weight;
  const A* mean;
  const A* rstd;

  A* sums() const { return this->array(0); }        // of grad
  A* along_sums() const { return this->array(1); }  // of grad * h

  void piece(int64_t sample, int64_t group, int64_t groups) const {
    const int64_t channel = group * this->per_group();
    const int64_t row = sample * this->groups + group;
    const Channels at = this->channels(groups * this->per_group());
    const int64_t place = sample * this->shape.channels + channel;
    A* const sum = sums() + place;
    A* const along = along_sums() + place;
    A* const center = this->array(2) + place;
    A* const scale = this->array(3) + place;
    A* const average = this->array(4) + place;
    A* const slope = this->array(5) + place;
    const T* const x = in + this->offset(sample, channel);
    const T* const dy = grad + this->offset(sample, channel);
    for (int64_t g = 0; g < groups; ++g) {
      this->spread(center, g, mean[row + g]);
      this->spread(scale, g, rstd[row + g]);
    }
    sum_pixels<T, 2, 2>(at, {center, scale}, {sum, along},
                        [&](int64_t i, int lanes, const Vec<A>(&v)[2], Vec<A>(&t)[2]) {
                          __builtin_prefetch(x + i + at.ahead);
                          __builtin_prefetch(dy + i + at.ahead);
                          t[0] = read(dy + i, lanes);
                          t[1] = t[0] * ((read(x + i, lanes) - v[0]) * v[1]);
                        });
    if (!grad_in) return;
    for (int64_t g = 0; g < groups; ++g) {
      const auto average_of = [&](const A* values) {
        const A total = fold_partials<A, Add>(this->per_group(), [&](int64_t c) {
          const int64_t of_piece = g * this->per_group() + c;
          return (weight ? weight[channel + of_piece] : A(1)) * values[of_piece];
        });
        return total / this->count();
      };
      this->spread(average, g, average_of(sum));
      this->spread(slope, g, average_of(along));
    }
    T* const dx = grad_in + this->offset(sample, channel);
    const A* const w = weight ? weight + channel : nullptr;
    for_each_pixel<T, 5>(at, {center, scale, average, slope, w},
                         [&](int64_t i, int lanes, const Vec<A>(&v)[5]) {
                           const Vec<A> h = (read(x + i, lanes) - v[0]) * v[1];
                           Vec<A> d = read(dy + i, lanes);
                           if (w) d = d * v[4];
                           write(dx + i, (d - v[2] - h * v[3]) * v[1], lanes);
                         });
  }
};

}  // namespace

Status group_norm(DType dtype, void* out, const void* in, const void* weight, const void* bias,
                  const ChannelShape& shape, int64_t groups, double eps, void* mean, void* rstd) {
  return dispatch(FloatingAndHalf{}, dtype, "GroupNormKernelImpl", [&]<class T>() -> Status {
    using A = Compute<T>;
    const Forward<T> f{{shape, groups},
                       static_cast<T*>(out),
                       static_cast<const T*>(in),
                       static_cast<const A*>(weight),
                       static_cast<const A*>(bias),
                       static_cast<A>(eps),
                       static_cast<A*>(mean),
                       static_cast<A*>(rstd)};
    if (!f.numbers) return f.numbers.failure();
    for_each_piece(shape, groups, is_interleaved(shape),
                   [&](int64_t sample, int64_t group, int64_t n) { f.piece(sample, group, n); });
    return Status::kOk;
  });
}

Status group_norm_backward(DType dtype, void* grad_in, void* grad_weight, void* grad_bias,
                           const void* grad, const void* in, const void* weight, const void* mean,
                           const void* rstd, const ChannelShape& shape, int64_t groups) {
  return dispatch(
      FloatingAndHalf{}, dtype, "GroupNormBackwardKernelImpl", [&]<class T>() -> Status {
        using A = Compute<T>;
        const Backward<T> b{{shape, groups},
                            static_cast<T*>(grad_in),
                            static_cast<const T*>(grad),
                            static_cast<const T*>(in),
                            static_cast<const A*>(weight),
                            static_cast<const A*>(mean),
                            static_cast<const A*>(rstd)};
        if (!b.numbers) return b.numbers.failure();
        for_each_piece(
            shape, groups, is_interleaved(shape),
            [&](int64_t sample, int64_t group, int64_t n) { b.piece(sample, group, n); });
        if (!grad_weight && !grad_bias) return Status::kOk;
        return sum_columns<A, 2>(
            shape.batch, shape.channels, {static_cast<A*>(grad_weight), static_cast<A*>(grad_bias)},
            [&](int64_t sample, int64_t channel, int lanes, Vec<A>(&sum)[2]) {
              sum[0] = read(b.along_sums() + sample * shape.channels + channel, lanes);
              sum[1] = read(b.sums() + sample * shape.channels + channel, lanes);
            });
      });
}

}  // namespace tallow::cpu::TALLOW_ISA
