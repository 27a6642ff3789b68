// Negative log likelihood and cross entropy. Losses of pairs of elements are in loss_pair.cpp.
#include "backend/loss.h"

#include "cpu/softmax_exp.h"
#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {

Status pair_loss(PairLossOp op, DType dtype, const PairLoss& loss, void* out);
Status pair_loss_backward(PairLossOp op, DType dtype, const PairLoss& loss, void* grad_in,
                          const void* grad);

namespace {

Status check_targets(const ClassLoss& loss) {
  for (int64_t i = 0; i < loss.outer * loss.inner; ++i) {
    const int64_t target = loss.target[i];
    if (target == loss.ignore_index || (target >= 0 && target < loss.classes)) continue;
    return fail(Status::kIndexError, "Target %lld is out of bounds.",
                static_cast<long long>(target));
  }
  return Status::kOk;
}

// What one sample's target says: the class, and its weight, 0 for an ignored sample.
template <class A>
struct Target {
  bool counts;
  int64_t label;
  A weight;
};
template <class A>
TALLOW_INLINE Target<A> target_of(const ClassLoss& loss, int64_t sample) {
  const int64_t label = loss.target[sample];
  if (label == loss.ignore_index) return {false, 0, A(0)};
  return {true, label, loss.weight ? static_cast<const A*>(loss.weight)[label] : A(1)};
}

// Calls f(sample, where its class 0 lies) for every sample.
template <class F>
TALLOW_INLINE void for_each_sample(const ClassLoss& loss, const F& f) {
  for (int64_t o = 0; o < loss.outer; ++o) {
    for (int64_t i = 0; i < loss.inner; ++i) {
      f(o * loss.inner + i, o * loss.classes * loss.inner + i);
    }
  }
}

// Reduces the losses of all samples into `out`, and their weights into `total_weight`.
template <class T>
Status reduce_samples(const ClassLoss& loss, const Compute<T>* losses, T* out,
                      Compute<T>* total_weight) {
  using A = Compute<T>;
  const int64_t samples = loss.outer * loss.inner;
  Status status = sum_values(samples, total_weight, [&](int64_t i, int count) {
    A weight[kLanes<A>] = {};
    for (int lane = 0; lane < count; ++lane) weight[lane] = target_of<A>(loss, i + lane).weight;
    return load(weight);
  });
  if (status != Status::kOk) return status;
  if (loss.reduction == LossReduction::kNone) {
    for_each_vector<A>(
        samples, [&](int64_t i, int count) { write(out + i, read(losses + i, count), count); });
    return Status::kOk;
  }
  A sum;
  status = sum_values(samples, &sum, [&](int64_t i, int count) { return read(losses + i, count); });
  *out = T(loss.reduction == LossReduction::kMean ? sum / *total_weight : sum);
  return status;
}

// What the gradient of the result means for one sample's loss.
template <class T>
class SampleGrad {
 public:
  using A = Compute<T>;
  SampleGrad(const ClassLoss& loss, const T* grad, const A* total_weight)
      : grad_(grad), each_(loss.reduction == LossReduction::kNone), shared_(0) {
    if (each_ || loss.outer * loss.inner == 0) return;
    shared_ = static_cast<A>(*grad);
    if (loss.reduction == LossReduction::kMean) shared_ /= *total_weight;
  }
  TALLOW_INLINE A operator()(int64_t sample) const {
    return each_ ? static_cast<A>(grad_[sample]) : shared_;
  }

 private:
  const T* grad_;
  bool each_;
  A shared_;
};

template <class T>
Status nll_of(const ClassLoss& loss, T* out, Compute<T>* total_weight, const T* log_prob) {
  using A = Compute<T>;
  const int64_t samples = loss.outer * loss.inner;
  Scratch<A> losses(samples);
  if (!losses) return losses.failure();
  for_each_sample(loss, [&](int64_t sample, int64_t first) {
    const Target<A> target = target_of<A>(loss, sample);
    const T* const x = log_prob + first + target.label * loss.inner;
    losses[sample] = target.counts ? -target.weight * static_cast<A>(*x) : A(0);
  });
  return reduce_samples(loss, losses.get(), out, total_weight);
}

template <class T>
void nll_backward_of(const ClassLoss& loss, T* grad_in, const T* grad,
                     const Compute<T>* total_weight) {
  using A = Compute<T>;
  const SampleGrad<T> grad_of(loss, grad, total_weight);
  const int64_t samples = loss.outer * loss.inner;
  std::memset(static_cast<void*>(grad_in), 0,
              static_cast<std::size_t>(samples * loss.classes) * sizeof(T));
  for_each_sample(loss, [&](int64_t sample, int64_t first) {
    const Target<A> target = target_of<A>(loss, sample);
    if (target.counts) {
      grad_in[first + target.label * loss.inner] = T(-target.weight * grad_of(sample));
    }
  });
}

// From the logarithm of the sum of exponentials and what rounding it lost.
template <class T>
Compute<T> cross_entropy_of_row(const ClassLoss& loss, int64_t row, const T* x, Compute<T> log,
                                Compute<T> rest) {
  using A = Compute<T>;
  const int64_t n = loss.classes;
  const A* const weight = static_cast<const A*>(loss.weight);
  const A smooth = static_cast<A>(loss.smoothing);
  const Target<A> target = target_of<A>(loss, row);
  if (!target.counts) return A(0);
  const A of_target = (1 - smooth) * target.weight *
                      -log_softmax_element(static_cast<A>(x[target.label]), log, rest);
  if (smooth == 0) return of_target;
  const A all = fold_values<A>(n, Add{}, [&](int64_t i, int count) {
    const Vec<A> value = -log_softmax_element(read(x + i, count), broadcast(log), broadcast(rest));
    return weight ? value * read(weight + i, count) : value;
  });
  return of_target + smooth / static_cast<A>(n) * all;
}

template <class T>
void cross_entropy_rows(const ClassLoss& loss, Compute<T>* losses, Compute<T>* stats, const T* in) {
  const int64_t n = loss.classes;
  for_each_row_group(loss.outer, n, [&](int64_t first, int rows) {
    const T* const x = in + first * n;
    RowSums<Compute<T>> s;
    sum_exp_of_rows(x, n, rows, s);
    for (int r = 0; r < rows; ++r) {
      stats[first + r] = s.max[r];
      stats[loss.outer + first + r] = s.sum[r];
      losses[first + r] = cross_entropy_of_row(loss, first + r, x + r * n, s.log[r], s.rest[r]);
    }
  });
}

template <class T>
void cross_entropy_columns(const ClassLoss& loss, Compute<T>* losses, Compute<T>* stats,
                           const T* in) {
  using A = Compute<T>;
  const int64_t n = loss.classes;
  const A* const weight = static_cast<const A*>(loss.weight);
  const A smooth = static_cast<A>(loss.smoothing);
  for_each_column_block<A>(
      loss.outer, n, loss.inner, [&]<int Vecs>(int64_t o, int64_t column, int last) {
        const Block<const T, Vecs> x{in + o * n * loss.inner + column, loss.inner, last};
        ExpBase<A> base[Vecs];
        Vec<A> max[Vecs], sum[Vecs], value[Vecs], rest[Vecs], all[Vecs];
        column_max<T>(x, n, max, base);
        column_sum_exp<T>(x, n, base, sum, [](int64_t, int, Vec<A>) {});
        for (int v = 0; v < Vecs; ++v) {
          const LogSum<Vec<A>> log = log_sum(max[v], sum[v]);
          value[v] = log.value;
          rest[v] = log.rest;
        }
        if (smooth != 0) {
          fold_column_values<A, Vecs>(
              n, Add{},
              [&](int64_t i, Vec<A>(&term)[Vecs]) {
                for (int v = 0; v < Vecs; ++v) {
                  term[v] = -log_softmax_element(x.get(i, v), value[v], rest[v]);
                  if (weight) term[v] = term[v] * broadcast(weight[i]);
                }
              },
              all);
        }
        for (int v = 0; v < Vecs; ++v) {
          const int64_t sample = o * loss.inner + column + v * kLanes<A>;
          const int count = x.count(v);
          write(stats + sample, max[v], count);
          write(stats + loss.outer * loss.inner + sample, sum[v], count);
          Vec<A> picked{}, factor{};
          Mask<A> counts{};
          for (int lane = 0; lane < count; ++lane) {
            const Target<A> target = target_of<A>(loss, sample + lane);
            picked[lane] = static_cast<A>(x.at(target.label, v)[lane]);
            factor[lane] = (1 - smooth) * target.weight;
            counts[lane] = -target.counts;
          }
          Vec<A> value_of = factor * -log_softmax_element(picked, value[v], rest[v]);
          if (smooth != 0) value_of += smooth / static_cast<A>(n) * all[v];
          write(losses + sample, select(counts, value_of, Vec<A>{}), count);
        }
      });
}

template <class T>
Status cross_entropy_of(const ClassLoss& loss, T* out, Compute<T>* total_weight, Compute<T>* stats,
                        const T* in) {
  Scratch<Compute<T>> losses(loss.outer * loss.inner);
  if (!losses) return losses.failure();
  if (loss.classes == 0) {  // every sample is ignored
    for (int64_t i = 0; i < loss.outer * loss.inner; ++i) losses[i] = 0;
  } else if (loss.inner == 1) {
    cross_entropy_rows(loss, losses.get(), stats, in);
  } else {
    cross_entropy_columns(loss, losses.get(), stats, in);
  }
  return reduce_samples(loss, losses.get(), out, total_weight);
}

// The gradient of element c of a sample is
//   along * softmax - even * weight[c] - (c is the target ? once : 0).
template <class A>
struct SampleSlope {
  A along;
  A even;
  A once;
};
template <class A>
TALLOW_INLINE SampleSlope<A> sample_slope(const ClassLoss& loss, const Target<A>& target, A grad,
                                          A all_weights) {
  if (!target.counts) return {A(0), A(0), A(0)};
  const A smooth = static_cast<A>(loss.smoothing);
  const A once = grad * (1 - smooth) * target.weight;
  const A even = grad * smooth / static_cast<A>(loss.classes);
  return {once + even * all_weights, even, once};
}

template <class T>
void cross_entropy_backward_of(const ClassLoss& loss, T* grad_in, const T* grad,
                               const Compute<T>* total_weight, const Compute<T>* stats,
                               const T* in) {
  using A = Compute<T>;
  const SampleGrad<T> grad_of(loss, grad, total_weight);
  const int64_t n = loss.classes, inner = loss.inner, samples = loss.outer * inner;
  const A* const weight = static_cast<const A*>(loss.weight);
  const bool smooth = loss.smoothing != 0;
  A all_weights = static_cast<A>(n);
  if (weight) {
    all_weights =
        fold_values<A>(n, Add{}, [&](int64_t i, int count) { return read(weight + i, count); });
  }
  const auto slope_of = [&](int64_t sample) {
    return sample_slope(loss, target_of<A>(loss, sample), grad_of(sample), all_weights);
  };
  if (inner == 1) {
    for_each_row(loss.outer, n, [&](int64_t row) {
      const T* const x = in + row * n;
      T* const to = grad_in + row * n;
      const Target<A> target = target_of<A>(loss, row);
      const SampleSlope<A> s = slope_of(row);
      if (!target.counts) {
        std::memset(static_cast<void*>(to), 0, static_cast<std::size_t>(n) * sizeof(T));
        return;
      }
      const ExpBase<A> base = ExpBase<A>::of(broadcast(stats[row]));
      const Vec<A> sum = broadcast(stats[samples + row]);
      const Vec<A> inverse = 1 / sum;
      const auto element = [&](int64_t i, int count) {
        const Vec<A> e = exp_over(base, read(x + i, count));
        Vec<A> value = share(e, sum, inverse) * broadcast(s.along);
        if (smooth) {
          value = value - broadcast(s.even) * (weight ? read(weight + i, count) : broadcast(A(1)));
        }
        return value;
      };
      for_each_vector<A>(n, [&](int64_t i, int count) { write(to + i, element(i, count), count); });
      to[target.label] = T(element(target.label, 1)[0] - s.once);
    });
    return;
  }
  for_each_column_block<A>(
      loss.outer, n, inner, [&]<int Vecs>(int64_t o, int64_t column, int last) {
        const Block<const T, Vecs> x{in + o * n * inner + column, inner, last};
        const Block<T, Vecs> to{grad_in + o * n * inner + column, inner, last};
        ExpBase<A> base[Vecs];
        Vec<A> sum[Vecs], inverse[Vecs], along[Vecs] = {}, even[Vecs] = {}, once[Vecs] = {};
        Mask<A> label[Vecs] = {}, counts[Vecs] = {};
        for (int c = 0; c < (Vecs - 1) * kLanes<A> + last; ++c) {
          const int v = c / kLanes<A>, lane = c % kLanes<A>;
          const int64_t sample = o * inner + column + c;
          const SampleSlope<A> s = slope_of(sample);
          const Target<A> target = target_of<A>(loss, sample);
          along[v][lane] = s.along;
          even[v][lane] = s.even;
          once[v][lane] = s.once;
          counts[v][lane] = target.counts ? -1 : 0;
          label[v][lane] = static_cast<typename SignedOf<sizeof(A)>::type>(target.label);
        }
        for (int v = 0; v < Vecs; ++v) {
          const A* const of_sample = stats + o * inner + column + v * kLanes<A>;
          base[v] = ExpBase<A>::of(read(of_sample, x.count(v)));
          sum[v] = read(of_sample + samples, x.count(v));
          inverse[v] = 1 / sum[v];
        }
        for (int64_t i = 0; i < n; ++i) {
          const Vec<A> even_weight = broadcast(weight ? weight[i] : A(1));
          for (int v = 0; v < Vecs; ++v) {
            const Vec<A> e = exp_over(base[v], x.get(i, v));
            Vec<A> value = share(e, sum[v], inverse[v]) * along[v];
            if (smooth) value = value - even[v] * even_weight;
            const Mask<A> here = label[v] == static_cast<typename SignedOf<sizeof(A)>::type>(i);
            value = here ? value - once[v] : value;
            to.set(i, v, counts[v] ? value : Vec<A>{});
          }
        }
      });
}

Status nll(DType dtype, const ClassLoss& loss, void* out, void* total_weight,
           const void* log_prob) {
  return dispatch(FloatingAndHalf{}, dtype, "nll_loss_out_frame", [&]<class T>() -> Status {
    const Status status = check_targets(loss);
    if (status != Status::kOk) return status;
    return nll_of(loss, static_cast<T*>(out), static_cast<Compute<T>*>(total_weight),
                  static_cast<const T*>(log_prob));
  });
}

Status nll_backward(DType dtype, const ClassLoss& loss, void* grad_in, const void* grad,
                    const void* total_weight) {
  return dispatch(FloatingAndHalf{}, dtype, "nll_loss_backward_out_frame",
                  [&]<class T>() -> Status {
                    const Status status = check_targets(loss);
                    if (status != Status::kOk) return status;
                    nll_backward_of(loss, static_cast<T*>(grad_in), static_cast<const T*>(grad),
                                    static_cast<const Compute<T>*>(total_weight));
                    return Status::kOk;
                  });
}

Status cross_entropy(DType dtype, const ClassLoss& loss, void* out, void* total_weight, void* stats,
                     const void* in) {
  const char* const name =
      loss.inner == 1 ? "log_softmax_lastdim_kernel_impl" : "log_softmax_kernel_impl";
  return dispatch(FloatingAndHalf{}, dtype, name, [&]<class T>() -> Status {
    const Status status = check_targets(loss);
    if (status != Status::kOk) return status;
    return cross_entropy_of(loss, static_cast<T*>(out), static_cast<Compute<T>*>(total_weight),
                            static_cast<Compute<T>*>(stats), static_cast<const T*>(in));
  });
}

Status cross_entropy_backward(DType dtype, const ClassLoss& loss, void* grad_in, const void* grad,
                              const void* total_weight, const void* stats, const void* in) {
  return dispatch(FloatingAndHalf{}, dtype, "cross_entropy_backward", [&]<class T>() -> Status {
    const Status status = check_targets(loss);
    if (status != Status::kOk) return status;
    cross_entropy_backward_of(loss, static_cast<T*>(grad_in), static_cast<const T*>(grad),
                              static_cast<const Compute<T>*>(total_weight),
                              static_cast<const Compute<T>*>(stats), static_cast<const T*>(in));
    return Status::kOk;
  });
}

}  // namespace

void fill_loss(LossKernels& table) {
  table.nll = nll;
  table.nll_backward = nll_backward;
  table.cross_entropy = cross_entropy;
  table.cross_entropy_backward = cross_entropy_backward;
  table.pair = pair_loss;
  table.pair_backward = pair_loss_backward;
}

}  // namespace tallow::cpu::TALLOW_ISA
