// Negative log likelihood and cross entropy. The logits are read once by the forward pass (twice
// with smoothing) and once by the backward pass; no matrix of log-probabilities is written.
#include "cuda/kernels/rows.h"
#include "cuda/kernels/sum_all.h"
#include "cuda/kernels/table.h"

#include "cuda/error_record.h"

namespace tallow::cuda {
namespace {

constexpr int kBlock = 256;

// ClassLoss as kernels take it.
template <class A>
struct Classes {
  Lines lines;  // a line of scores per sample
  const int64_t* target;
  const A* weight;
  int64_t ignore_index;
  A smoothing;
  ErrorReport report;

  // What the target of a sample says. A class out of range is reported and counts for nothing.
  struct Target {
    bool counts;
    int64_t label;
    A weight;
  };
  __device__ Target target_of(int64_t sample) const {
    const int64_t label = target[sample];
    if (label == ignore_index) return {false, 0, A(0)};
    if (label < 0 || label >= lines.n) {
      report_index(report, label, lines.n, sample);
      return {false, 0, A(0)};
    }
    return {true, label, weight ? weight[label] : A(1)};
  }
};

template <class A>
Status classes_of(const ClassLoss& loss, Classes<A>* classes) {
  *classes = {{loss.outer, loss.classes, loss.inner}, loss.target,
              static_cast<const A*>(loss.weight),     loss.ignore_index,
              static_cast<A>(loss.smoothing),         {}};
  return target_report(&classes->report);
}

// ---- The reduction of all samples' losses.

template <class T>
struct LossAndWeight {
  using A = Compute<T>;
  Classes<A> classes;
  const A* losses;
  __device__ Sums<A> operator()(int64_t sample) const {
    return {losses[sample], classes.target_of(sample).weight};
  }
};
template <class T>
struct StoreLoss {
  using A = Compute<T>;
  LossReduction reduction;
  T* out;
  A* total_weight;
  __device__ void operator()(const Sums<A>& sums) const {
    *total_weight = sums.second;
    if (reduction == LossReduction::kNone) return;
    *out =
        static_cast<T>(reduction == LossReduction::kMean ? sums.first / sums.second : sums.first);
  }
};
template <class T>
__global__ void narrow_losses(T* out, const Compute<T>* losses, int64_t count) {
  const int64_t i = global_index();
  if (i < count) out[i] = static_cast<T>(losses[i]);
}

template <class T>
Status reduce_samples(const ClassLoss& loss, const Classes<Compute<T>>& classes,
                      const Compute<T>* losses, T* out, Compute<T>* total_weight) {
  const int64_t samples = classes.lines.count();
  if (loss.reduction == LossReduction::kNone) {
    TALLOW_CUDA_TRY(
        launch({grid_for(samples, kBlock), kBlock}, narrow_losses<T>, out, losses, samples));
  }
  return sum_all<Compute<T>>(samples, LossAndWeight<T>{classes, losses},
                             StoreLoss<T>{loss.reduction, out, total_weight});
}

// The gradient of one sample's loss, from that of the result.
template <class T>
struct SampleGrad {
  using A = Compute<T>;
  LossReduction reduction;
  const T* grad;
  const A* total_weight;
  __device__ A operator()(int64_t sample) const {
    if (reduction == LossReduction::kNone) return static_cast<A>(grad[sample]);
    const A shared = static_cast<A>(*grad);
    return reduction == LossReduction::kMean ? shared / *total_weight : shared;
  }
};

// ---- Negative log likelihood.

template <class T>
__global__ void nll_kernel(Classes<Compute<T>> classes, Compute<T>* losses, const T* log_prob) {
  using A = Compute<T>;
  const int64_t sample = global_index();
  if (sample >= classes.lines.count()) return;
  const auto target = classes.target_of(sample);
  const int64_t at = classes.lines.begin(sample) + target.label * classes.lines.inner;
  losses[sample] = target.counts ? -target.weight * static_cast<A>(log_prob[at]) : A(0);
}

template <class T>
__global__ void nll_backward_kernel(Classes<Compute<T>> classes, SampleGrad<T> grad_of,
                                    T* grad_in) {
  const Lines& lines = classes.lines;
  const int64_t numel = lines.count() * lines.n;
  for (int64_t i = global_index(); i < numel; i += grid_stride()) {
    const int64_t sample = i / (lines.n * lines.inner) * lines.inner + i % lines.inner;
    const int64_t label = i / lines.inner % lines.n;
    const auto target = classes.target_of(sample);
    const bool here = target.counts && target.label == label;
    grad_in[i] = static_cast<T>(here ? -target.weight * grad_of(sample) : 0);
  }
}

Status nll(DType dtype, const ClassLoss& loss, void* out, void* total_weight,
           const void* log_prob) {
  return by_dtype(FloatingAndHalf{}, dtype, "nll_loss_forward_reduce_cuda_kernel",
                  [&]<class T>() -> Status {
                    using A = Compute<T>;
                    Classes<A> classes;
                    TALLOW_CUDA_TRY(classes_of(loss, &classes));
                    const int64_t samples = classes.lines.count();
                    Scratch<A> losses;
                    TALLOW_CUDA_TRY(losses.allocate(samples));
                    TALLOW_CUDA_TRY(launch({grid_for(samples, kBlock), kBlock}, nll_kernel<T>,
                                           classes, losses.get(), static_cast<const T*>(log_prob)));
                    return reduce_samples(loss, classes, losses.get(), static_cast<T*>(out),
                                          static_cast<A*>(total_weight));
                  });
}

Status nll_backward(DType dtype, const ClassLoss& loss, void* grad_in, const void* grad,
                    const void* total_weight) {
  return by_dtype(
      FloatingAndHalf{}, dtype, "nll_loss_backward_reduce_cuda_kernel", [&]<class T>() -> Status {
        using A = Compute<T>;
        Classes<A> classes;
        TALLOW_CUDA_TRY(classes_of(loss, &classes));
        const SampleGrad<T> grad_of{loss.reduction, static_cast<const T*>(grad),
                                    static_cast<const A*>(total_weight)};
        return launch({grid_for(classes.lines.count() * loss.classes, kBlock, 1 << 16), kBlock},
                      nll_backward_kernel<T>, classes, grad_of, static_cast<T*>(grad_in));
      });
}

// ---- Cross entropy.

template <class T, int kThreads>
__global__ void cross_entropy_kernel(Classes<Compute<T>> classes, Compute<T>* losses,
                                     Compute<T>* stats, const T* in) {
  using A = Compute<T>;
  using Line = Team<kThreads>;
  const Lines& lines = classes.lines;
  const int64_t sample = Line::line();
  if (sample >= lines.count()) return;
  const T* const x = in + lines.begin(sample);
  MaxSum<A> all = MaxSum<A>::none();
  for (int64_t c = Line::rank(); c < lines.n; c += kThreads) {
    all.add(static_cast<A>(x[c * lines.inner]));
  }
  all = Line::reduce(all, MergeMaxSum{}, MaxSum<A>::none());
  const A log_of_sum = log(all.sum);
  const auto negative_log = [&](int64_t c) {
    return log_of_sum - (static_cast<A>(x[c * lines.inner]) - all.max);
  };
  A even = 0;
  if (classes.smoothing != 0) {
    for (int64_t c = Line::rank(); c < lines.n; c += kThreads) {
      even += classes.weight ? negative_log(c) * classes.weight[c] : negative_log(c);
    }
    even = Line::sum(even) * classes.smoothing / static_cast<A>(lines.n);
  }
  if (Line::rank() != 0) return;
  stats[sample] = all.max;
  stats[lines.count() + sample] = all.sum;
  const auto target = classes.target_of(sample);
  losses[sample] = 0;
  if (!target.counts) return;
  losses[sample] = (1 - classes.smoothing) * target.weight * negative_log(target.label) + even;
}

// The gradient of score c is along * exp(x - max) - even * weight[c] - (c is the target ? once :
// 0).
template <class T, int kThreads>
__global__ void cross_entropy_backward_kernel(Classes<Compute<T>> classes, SampleGrad<T> grad_of,
                                              const Compute<T>* all_weights,
                                              const Compute<T>* stats, T* grad_in, const T* in) {
  using A = Compute<T>;
  using Line = Team<kThreads>;
  const Lines& lines = classes.lines;
  const int64_t sample = Line::line();
  if (sample >= lines.count()) return;
  const T* const x = in + lines.begin(sample);
  T* const to = grad_in + lines.begin(sample);
  const auto target = classes.target_of(sample);
  const A max = stats[sample];
  const A sum = stats[lines.count() + sample];
  const A grad = target.counts ? grad_of(sample) : A(0);
  const A once = grad * (1 - classes.smoothing) * target.weight;
  const A even = grad * classes.smoothing / static_cast<A>(lines.n);
  const A along = (once + even * (all_weights ? *all_weights : static_cast<A>(lines.n))) / sum;
  for (int64_t c = Line::rank(); c < lines.n; c += kThreads) {
    A value = exp(static_cast<A>(x[c * lines.inner]) - max) * along;
    if (classes.smoothing != 0) value -= even * (classes.weight ? classes.weight[c] : A(1));
    if (c == target.label) value -= once;
    to[c * lines.inner] = static_cast<T>(target.counts ? value : A(0));
  }
}

template <class A>
struct LoadWeight {
  const A* weight;
  __device__ Sums<A> operator()(int64_t c) const { return {weight[c], A(0)}; }
};
template <class A>
struct StoreWeight {
  A* out;
  __device__ void operator()(const Sums<A>& sums) const { *out = sums.first; }
};

Status cross_entropy(DType dtype, const ClassLoss& loss, void* out, void* total_weight, void* stats,
                     const void* in) {
  return by_dtype(FloatingAndHalf{}, dtype, "log_softmax", [&]<class T>() -> Status {
    using A = Compute<T>;
    Classes<A> classes;
    TALLOW_CUDA_TRY(classes_of(loss, &classes));
    const int64_t samples = classes.lines.count();
    Scratch<A> losses;
    TALLOW_CUDA_TRY(losses.allocate(samples));
    TALLOW_CUDA_TRY(with_team(classes.lines, [&]<int kThreads>() {
      return launch(Team<kThreads>::shape(samples), cross_entropy_kernel<T, kThreads>, classes,
                    losses.get(), static_cast<A*>(stats), static_cast<const T*>(in));
    }));
    return reduce_samples(loss, classes, losses.get(), static_cast<T*>(out),
                          static_cast<A*>(total_weight));
  });
}

Status cross_entropy_backward(DType dtype, const ClassLoss& loss, void* grad_in, const void* grad,
                              const void* total_weight, const void* stats, const void* in) {
  return by_dtype(FloatingAndHalf{}, dtype, "cross_entropy_backward", [&]<class T>() -> Status {
    using A = Compute<T>;
    Classes<A> classes;
    TALLOW_CUDA_TRY(classes_of(loss, &classes));
    Scratch<A> all_weights;
    if (classes.weight) {
      TALLOW_CUDA_TRY(all_weights.allocate(1));
      TALLOW_CUDA_TRY(sum_all<A>(loss.classes, LoadWeight<A>{classes.weight},
                                 StoreWeight<A>{all_weights.get()}));
    }
    const SampleGrad<T> grad_of{loss.reduction, static_cast<const T*>(grad),
                                static_cast<const A*>(total_weight)};
    return with_team(classes.lines, [&]<int kThreads>() {
      return launch(Team<kThreads>::shape(classes.lines.count()),
                    cross_entropy_backward_kernel<T, kThreads>, classes, grad_of,
                    static_cast<const A*>(all_weights.get()), static_cast<const A*>(stats),
                    static_cast<T*>(grad_in), static_cast<const T*>(in));
    });
  });
}

}  // namespace

void fill_loss(LossKernels& table) {
  table.nll = nll;
  table.nll_backward = nll_backward;
  table.cross_entropy = cross_entropy;
  table.cross_entropy_backward = cross_entropy_backward;
  fill_pair_loss(table);
}

}  // namespace tallow::cuda
