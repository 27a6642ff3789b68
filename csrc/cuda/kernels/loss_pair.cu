// Losses of elements against elements: squared, smooth absolute, Huber and binary cross entropy.
#include "cuda/kernels/sum_all.h"
#include "cuda/kernels/table.h"

#include "cuda/error_record.h"

namespace tallow::cuda {
namespace {

constexpr int kBlock = 256;

// Of one element; w and q are 1 where no (positive) weight is given.
template <class A>
struct Operands {
  A x, t, w, q, parameter;
};

// Each loss: value(o) and slope(o), its derivative by x.
struct Mse {
  template <class A>
  static __device__ A value(const Operands<A>& o) {
    return (o.x - o.t) * (o.x - o.t);
  }
  template <class A>
  static __device__ A slope(const Operands<A>& o) {
    return 2 * (o.x - o.t);
  }
};

struct SmoothL1 {
  template <class A>
  static __device__ A value(const Operands<A>& o) {
    const A d = fabs(o.x - o.t);
    return d < o.parameter ? d * d / (o.parameter + o.parameter) : d - o.parameter / 2;
  }
  template <class A>
  static __device__ A slope(const Operands<A>& o) {
    const A d = o.x - o.t;
    return fabs(d) >= o.parameter ? copysign(A(1), d) : d / o.parameter;
  }
};

struct Huber {
  template <class A>
  static __device__ A value(const Operands<A>& o) {
    const A d = fabs(o.x - o.t);
    return d <= o.parameter ? d * d / 2 : o.parameter * (d - o.parameter / 2);
  }
  template <class A>
  static __device__ A slope(const Operands<A>& o) {
    const A d = o.x - o.t;
    return fabs(d) > o.parameter ? copysign(o.parameter, d) : d;
  }
};

template <class A>
__device__ A at_least(A x, A bound) {
  return x < bound ? bound : x;
}

// Logarithms are cut off at -100, so that the loss stays finite.
struct Bce {
  template <class A>
  static __device__ A value(const Operands<A>& o) {
    const A yes = at_least(log(o.x), A(-100));
    const A no = at_least(log1p(-o.x), A(-100));
    return ((o.t - 1) * no - o.t * yes) * o.w;
  }
  template <class A>
  static __device__ A slope(const Operands<A>& o) {
    return o.w * (o.x - o.t) / at_least((1 - o.x) * o.x, static_cast<A>(1e-12));
  }
};

struct BceWithLogits {
  template <class A>
  static __device__ A value(const Operands<A>& o) {
    const A weight = (o.q - 1) * o.t + 1;
    const A softplus = at_least(-o.x, A(0)) + log1p(exp(-fabs(o.x)));
    return ((1 - o.t) * o.x + weight * softplus) * o.w;
  }
  template <class A>
  static __device__ A slope(const Operands<A>& o) {
    const A positive = o.q * o.t;
    return ((positive + 1 - o.t) / (1 + exp(-o.x)) - positive) * o.w;
  }
};

template <class T>
struct Pairs {
  using A = Compute<T>;
  const T* input;
  const T* target;
  const T* weight;
  const T* pos_weight;
  A parameter;
  __device__ Operands<A> operator()(int64_t i) const {
    return {static_cast<A>(input[i]), static_cast<A>(target[i]),
            weight ? static_cast<A>(weight[i]) : A(1),
            pos_weight ? static_cast<A>(pos_weight[i]) : A(1), parameter};
  }
};

template <class T, class Loss>
struct PairValue {
  using A = Compute<T>;
  Pairs<T> pairs;
  __device__ Sums<A> operator()(int64_t i) const { return {Loss::value(pairs(i)), A(0)}; }
};
template <class T>
struct StoreTotal {
  using A = Compute<T>;
  T* out;
  A divisor;
  __device__ void operator()(const Sums<A>& sums) const {
    *out = static_cast<T>(sums.first / divisor);
  }
};

template <class T, class Loss>
__global__ void pair_values(T* out, Pairs<T> pairs, int64_t count) {
  const int64_t i = global_index();
  if (i < count) out[i] = static_cast<T>(Loss::value(pairs(i)));
}

template <class T, class Loss>
__global__ void pair_slopes(T* grad_in, const T* grad, bool each, Compute<T> share, Pairs<T> pairs,
                            int64_t count) {
  using A = Compute<T>;
  const int64_t i = global_index();
  if (i >= count) return;
  const A g = each ? static_cast<A>(grad[i]) : static_cast<A>(*grad) * share;
  grad_in[i] = static_cast<T>(g * Loss::slope(pairs(i)));
}

template <class T>
__global__ void check_probabilities(Pairs<T> pairs, int64_t count, ErrorReport report) {
  using A = Compute<T>;
  const int64_t i = global_index();
  if (i >= count) return;
  const Operands<A> o = pairs(i);
  const bool input = o.x >= 0 && o.x <= 1;
  if (input && o.t >= 0 && o.t <= 1) return;
  if (input) report.kind = static_cast<int32_t>(RecordedError::kTargetProbability);
  report_index(report, 0, 0, i);
}

template <class T>
Pairs<T> pairs_of(const PairLoss& loss) {
  return {static_cast<const T*>(loss.input), static_cast<const T*>(loss.target),
          static_cast<const T*>(loss.weight), static_cast<const T*>(loss.pos_weight),
          static_cast<Compute<T>>(loss.parameter)};
}

// Calls `body.template operator()<Loss>()`.
template <class Body>
Status with_loss(PairLossOp op, const Body& body) {
  switch (op) {
    case PairLossOp::kMse:
      return body.template operator()<Mse>();
    case PairLossOp::kSmoothL1:
      return body.template operator()<SmoothL1>();
    case PairLossOp::kHuber:
      return body.template operator()<Huber>();
    case PairLossOp::kBce:
      return body.template operator()<Bce>();
    case PairLossOp::kBceWithLogits:
      return body.template operator()<BceWithLogits>();
  }
  return Status::kNotImplemented;
}

LaunchShape shape_for(int64_t count) { return {grid_for(count, kBlock), kBlock}; }

Status pair(PairLossOp op, DType dtype, const PairLoss& loss, void* out) {
  return by_dtype(FloatingAndHalf{}, dtype, "pair_loss", [&]<class T>() {
    return with_loss(op, [&]<class Loss>() -> Status {
      using A = Compute<T>;
      T* const to = static_cast<T*>(out);
      if (op == PairLossOp::kBce) {
        ErrorReport report;
        TALLOW_CUDA_TRY(probability_report(&report));
        TALLOW_CUDA_TRY(launch(shape_for(loss.numel), check_probabilities<T>, pairs_of<T>(loss),
                               loss.numel, report));
      }
      if (loss.reduction == LossReduction::kNone) {
        return launch(shape_for(loss.numel), pair_values<T, Loss>, to, pairs_of<T>(loss),
                      loss.numel);
      }
      const bool mean = loss.reduction == LossReduction::kMean;
      const StoreTotal<T> store{to, mean ? static_cast<A>(loss.numel) : A(1)};
      return sum_all<A>(loss.numel, PairValue<T, Loss>{pairs_of<T>(loss)}, store);
    });
  });
}

Status pair_backward(PairLossOp op, DType dtype, const PairLoss& loss, void* grad_in,
                     const void* grad) {
  return by_dtype(FloatingAndHalf{}, dtype, "pair_loss_backward", [&]<class T>() {
    return with_loss(op, [&]<class Loss>() {
      using A = Compute<T>;
      const bool each = loss.reduction == LossReduction::kNone;
      const bool mean = loss.reduction == LossReduction::kMean;
      const A share = mean ? A(1) / static_cast<A>(loss.numel) : A(1);
      return launch(shape_for(loss.numel), pair_slopes<T, Loss>, static_cast<T*>(grad_in),
                    static_cast<const T*>(grad), each, share, pairs_of<T>(loss), loss.numel);
    });
  });
}

}  // namespace

void fill_pair_loss(LossKernels& table) {
  table.pair = pair;
  table.pair_backward = pair_backward;
}

}  // namespace tallow::cuda
