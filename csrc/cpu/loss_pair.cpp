// Losses of elements against elements: squared, smooth absolute, Huber and binary cross entropy.
#include "backend/loss.h"
#include "cpu/reduce_rows.h"
#include "cpu/simd_sigmoid.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// The operands of one vector of elements; w and q are 1 where no (positive) weight is given.
template <class V>
struct Operands {
  V x;
  V t;
  V w;
  V q;
  V parameter;
};

template <class V>
TALLOW_INLINE V at_least(V x, double bound) {
  const V b = V{} + static_cast<decltype(x[0] + x[0])>(bound);
  return x < b ? b : x;
}

// Each loss: value(o) and slope(o), its derivative by x.
struct Mse {
  template <class V>
  static TALLOW_INLINE V value(const Operands<V>& o) {
    return (o.x - o.t) * (o.x - o.t);
  }
  template <class V>
  static TALLOW_INLINE V slope(const Operands<V>& o) {
    return 2 * (o.x - o.t);
  }
};

struct SmoothL1 {
  template <class V>
  static TALLOW_INLINE V value(const Operands<V>& o) {
    const V d = abs(o.x - o.t);
    const V inside = d * d / (o.parameter + o.parameter);
    const V outside = d - o.parameter / 2;
    return d < o.parameter ? inside : outside;
  }
  template <class V>
  static TALLOW_INLINE V slope(const Operands<V>& o) {
    const V d = o.x - o.t;
    const V sign = copysign(V{} + 1, d);
    const V inside = d / o.parameter;
    return abs(d) >= o.parameter ? sign : inside;
  }
};

struct Huber {
  template <class V>
  static TALLOW_INLINE V value(const Operands<V>& o) {
    const V d = abs(o.x - o.t);
    const V inside = d * d / 2;
    const V outside = o.parameter * (d - o.parameter / 2);
    return d <= o.parameter ? inside : outside;
  }
  template <class V>
  static TALLOW_INLINE V slope(const Operands<V>& o) {
    const V d = o.x - o.t;
    const V limit = copysign(o.parameter, d);
    return abs(d) > o.parameter ? limit : d;
  }
};

// Logarithms are cut off at -100, so that the loss stays finite.
struct Bce {
  template <class V>
  static TALLOW_INLINE V value(const Operands<V>& o) {
    const V yes = at_least(math::log(o.x), -100);
    const V no = at_least(math::log1p(-o.x), -100);
    return ((o.t - 1) * no - o.t * yes) * o.w;
  }
  template <class V>
  static TALLOW_INLINE V slope(const Operands<V>& o) {
    return o.w * (o.x - o.t) / at_least((1 - o.x) * o.x, 1e-12);
  }
};

struct BceWithLogits {
  template <class V>
  static TALLOW_INLINE V value(const Operands<V>& o) {
    const V weight = (o.q - 1) * o.t + 1;
    const V softplus = at_least(-o.x, 0) + math::log1p(math::exp(-abs(o.x)));
    return ((1 - o.t) * o.x + weight * softplus) * o.w;
  }
  template <class V>
  static TALLOW_INLINE V slope(const Operands<V>& o) {
    const V positive = o.q * o.t;
    return ((positive + 1 - o.t) * math::sigmoid(o.x) - positive) * o.w;
  }
};

template <class T>
TALLOW_INLINE auto operands_of(const PairLoss& loss, int64_t i, int count) {
  using V = Vec<Compute<T>>;
  const auto get = [&](const void* array) {
    return array ? read(static_cast<const T*>(array) + i, count) : V{} + 1;
  };
  return Operands<V>{get(loss.input), get(loss.target), get(loss.weight), get(loss.pos_weight),
                     broadcast(static_cast<Compute<T>>(loss.parameter))};
}

template <class T, class Loss>
Status forward_of(const PairLoss& loss, T* out) {
  using A = Compute<T>;
  const auto value = [&](int64_t i, int count) {
    return Loss::value(operands_of<T>(loss, i, count));
  };
  if (loss.reduction == LossReduction::kNone) {
    parallel_for(loss.numel, kNormalizeGrain, [&](int64_t begin, int64_t end) {
      for_each_vector<A>(end - begin, [&](int64_t i, int count) {
        write(out + begin + i, value(begin + i, count), count);
      });
    });
    return Status::kOk;
  }
  A sum;
  const Status status = sum_values(loss.numel, &sum, value);
  const bool mean = loss.reduction == LossReduction::kMean;
  *out = T(mean ? sum / static_cast<A>(loss.numel) : sum);
  return status;
}

template <class T, class Loss>
Status backward_of(const PairLoss& loss, T* grad_in, const T* grad) {
  using A = Compute<T>;
  const bool each = loss.reduction == LossReduction::kNone;
  const A share = loss.reduction == LossReduction::kMean ? A(1) / static_cast<A>(loss.numel) : A(1);
  parallel_for(loss.numel, kNormalizeGrain, [&](int64_t begin, int64_t end) {
    const Vec<A> shared = broadcast(each ? A(0) : static_cast<A>(*grad) * share);
    for_each_vector<A>(end - begin, [&](int64_t k, int count) {
      const int64_t i = begin + k;
      const Vec<A> g = each ? read(grad + i, count) : shared;
      write(grad_in + i, g * Loss::slope(operands_of<T>(loss, i, count)), count);
    });
  });
  return Status::kOk;
}

template <class T>
bool in_unit_interval(const void* array, int64_t n) {
  const T* const data = static_cast<const T*>(array);
  for (int64_t i = 0; i < n; ++i) {
    const auto x = static_cast<Compute<T>>(data[i]);
    if (!(x >= 0 && x <= 1)) return false;
  }
  return true;
}

template <class T>
Status check_probabilities(const PairLoss& loss) {
  if (!in_unit_interval<T>(loss.input, loss.numel)) {
    return fail(Status::kRuntimeError, "all elements of input should be between 0 and 1");
  }
  if (!in_unit_interval<T>(loss.target, loss.numel)) {
    return fail(Status::kRuntimeError, "all elements of target should be between 0 and 1");
  }
  return Status::kOk;
}

template <class Loss>
Status forward(const char* name, DType dtype, const PairLoss& loss, void* out) {
  return dispatch(FloatingAndHalf{}, dtype, name, [&]<class T>() -> Status {
    if constexpr (std::is_same_v<Loss, Bce>) {
      const Status status = check_probabilities<T>(loss);
      if (status != Status::kOk) return status;
    }
    return forward_of<T, Loss>(loss, static_cast<T*>(out));
  });
}

template <class Loss>
Status backward(const char* name, DType dtype, const PairLoss& loss, void* grad_in,
                const void* grad) {
  return dispatch(FloatingAndHalf{}, dtype, name, [&]<class T>() -> Status {
    return backward_of<T, Loss>(loss, static_cast<T*>(grad_in), static_cast<const T*>(grad));
  });
}

}  // namespace

Status pair_loss(PairLossOp op, DType dtype, const PairLoss& loss, void* out) {
  switch (op) {
    case PairLossOp::kMse:
      return forward<Mse>("mse_cpu", dtype, loss, out);
    case PairLossOp::kSmoothL1:
      return forward<SmoothL1>("smooth_l1_cpu", dtype, loss, out);
    case PairLossOp::kHuber:
      return forward<Huber>("huber_cpu", dtype, loss, out);
    case PairLossOp::kBce:
      return forward<Bce>("binary_cross_entropy", dtype, loss, out);
    case PairLossOp::kBceWithLogits:
      return forward<BceWithLogits>("binary_cross_entropy_with_logits", dtype, loss, out);
  }
  return fail(Status::kNotImplemented, "pair_loss: unknown loss");
}

Status pair_loss_backward(PairLossOp op, DType dtype, const PairLoss& loss, void* grad_in,
                          const void* grad) {
  switch (op) {
    case PairLossOp::kMse:
      return backward<Mse>("mse_cpu", dtype, loss, grad_in, grad);
    case PairLossOp::kSmoothL1:
      return backward<SmoothL1>("smooth_l1_cpu", dtype, loss, grad_in, grad);
    case PairLossOp::kHuber:
      return backward<Huber>("huber_cpu", dtype, loss, grad_in, grad);
    case PairLossOp::kBce:
      return backward<Bce>("binary_cross_entropy", dtype, loss, grad_in, grad);
    case PairLossOp::kBceWithLogits:
      return backward<BceWithLogits>("binary_cross_entropy_with_logits", dtype, loss, grad_in,
                                     grad);
  }
  return fail(Status::kNotImplemented, "pair_loss: unknown loss");
}

}  // namespace tallow::cpu::TALLOW_ISA
