// Losses of pairs of elements.
#include "autograd/record.h"
#include "ops/activation.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/elementwise.h"
#include "ops/kernel.h"
#include "ops/loss.h"
#include "ops/loss_reduction.h"
#include "ops/norm_grads.h"
#include "ops/reduce_shape.h"
#include "ops/ternary.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// One loss of two tensors of one type, all but the tensors.
struct Pair {
  PairLossOp op;
  const char* name;
  const char* node;
  LossReduction reduction;
  double parameter;
};

// The operands as kernels want them: of one type and shape, row-major.
struct PairData {
  Tensor input;
  Tensor target;
  Tensor weight;
  Tensor pos_weight;
};

PairData pair_data(const Tensor& input, const Tensor& target, const Tensor& weight,
                   const Tensor& pos_weight) {
  const NoGradGuard guard;
  const DType dtype = result_type(Operand(input), Operand(target));
  Dims shape = broadcast_shapes(input.sizes(), target.sizes());
  if (weight.defined()) shape = broadcast_shapes(shape, weight.sizes());
  if (pos_weight.defined()) shape = broadcast_shapes(shape, pos_weight.sizes());
  const auto prepared = [&](const Tensor& tensor) {
    if (!tensor.defined()) return tensor;
    const Tensor converted = to_dtype(tensor, dtype);
    return contiguous(converted.sizes() == shape ? converted : expand(converted, shape));
  };
  return {prepared(input), prepared(target), prepared(weight), prepared(pos_weight)};
}

PairLoss kernel_arguments(const Pair& pair, const PairData& data) {
  return {data.input.ptr(),
          data.target.ptr(),
          data_or_null(data.weight),
          data_or_null(data.pos_weight),
          data.input.numel(),
          pair.parameter,
          pair.reduction};
}

Tensor fused_slope(const Pair& pair, const Tensor& grad, const PairData& data) {
  const Tensor dy = contiguous_data(to_dtype(grad, data.input.dtype()));
  const Tensor out = empty_like(data.input);
  run<&Backend::loss, &LossKernels::pair_backward>(pair.name, out.device(), pair.op, out.dtype(),
                                                   kernel_arguments(pair, data), out.ptr(),
                                                   dy.ptr());
  return out;
}

// The derivative of the unreduced loss by the input, as a differentiable formula.
Tensor slope_formula(const Pair& pair, const Tensor& x, const Tensor& t, const Tensor& weight,
                     const Tensor& pos_weight) {
  const Tensor d = sub(x, t);
  Tensor slope;
  switch (pair.op) {
    case PairLossOp::kMse:
      slope = mul(d, 2.0);
      break;
    case PairLossOp::kSmoothL1:
      slope = where(lt(abs(d), pair.parameter), div(d, pair.parameter), sign(d));
      break;
    case PairLossOp::kHuber:
      slope = clamp(d, Scalar(-pair.parameter), Scalar(pair.parameter));
      break;
    case PairLossOp::kBce:
      slope = div(d, clamp_min(mul(x, rsub(x, 1.0)), 1e-12));
      break;
    case PairLossOp::kBceWithLogits: {
      const Tensor positive = pos_weight.defined() ? mul(t, pos_weight) : t;
      slope = sub(mul(add(positive, rsub(t, 1.0)), sigmoid(x)), positive);
      break;
    }
  }
  return weight.defined() ? mul(slope, weight) : slope;
}

// The same by the target, where it is not just the negative.
Tensor target_slope(const Pair& pair, const Tensor& x, const Tensor& weight,
                    const Tensor& pos_weight) {
  Tensor slope;
  if (pair.op == PairLossOp::kBce) {
    slope = sub(log(rsub(x, 1.0)), log(x));
  } else {
    slope = neg(x);
    if (pos_weight.defined()) slope = add(slope, mul(sub(pos_weight, 1.0), softplus(neg(x))));
  }
  return weight.defined() ? mul(slope, weight) : slope;
}

bool is_antisymmetric(PairLossOp op) {
  return op != PairLossOp::kBce && op != PairLossOp::kBceWithLogits;
}

Tensor pair_loss(const Pair& pair, const Tensor& input, const Tensor& target, const Tensor& weight,
                 const Tensor& pos_weight) {
  const PairData data = pair_data(input, target, weight, pos_weight);
  const bool each = pair.reduction == LossReduction::kNone;
  const Tensor out = empty(each ? data.input.sizes() : Dims{}, data.input.dtype(), input.device());
  run<&Backend::loss, &LossKernels::pair>(pair.name, input.device(), pair.op, data.input.dtype(),
                                          kernel_arguments(pair, data), out.ptr());
  return record(pair.node, {&input, &target}, out, [&](Saver& save) {
    return [pair, in = save(input), t = save(target, "target"), w = save(weight, "weight"),
            q = save(pos_weight, "pos_weight"), numel = data.input.numel()](Grads& g) {
      const Tensor x = g[in], target = g[t], weight = g[w], pos_weight = g[q];
      const bool symmetric = is_antisymmetric(pair.op);
      const auto scaled = [&](const Tensor& slope) {
        Tensor grad = g.grad();
        if (pair.reduction == LossReduction::kMean) grad = div(grad, static_cast<double>(numel));
        return mul(grad, slope);
      };
      Tensor by_input;
      if (g.needs(0) || symmetric) {
        by_input = grad_enabled()
                       ? scaled(slope_formula(pair, x, target, weight, pos_weight))
                       : fused_slope(pair, g.grad(), pair_data(x, target, weight, pos_weight));
      }
      g.out[0] = by_input;
      if (!g.needs(1)) return;
      g.out[1] = symmetric ? neg(by_input) : scaled(target_slope(pair, x, weight, pos_weight));
    };
  });
}

}  // namespace

Tensor l1_loss(const Tensor& input, const Tensor& target, int64_t reduction) {
  return reduce_losses(abs(sub(input, target)), loss_reduction(reduction));
}

Tensor mse_loss(const Tensor& input, const Tensor& target, int64_t reduction) {
  return pair_loss({PairLossOp::kMse, "mse_loss", "MseLossBackward0", loss_reduction(reduction), 0},
                   input, target, Tensor(), Tensor());
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, int64_t reduction, double beta) {
  TALLOW_CHECK(beta >= 0, "smooth_l1_loss does not support negative values for beta.");
  if (beta == 0) return l1_loss(input, target, reduction);
  return pair_loss({PairLossOp::kSmoothL1, "smooth_l1_loss", "SmoothL1LossBackward0",
                    loss_reduction(reduction), beta},
                   input, target, Tensor(), Tensor());
}

Tensor huber_loss(const Tensor& input, const Tensor& target, int64_t reduction, double delta) {
  TALLOW_CHECK(delta > 0, "huber_loss does not support non-positive values for delta.");
  return pair_loss(
      {PairLossOp::kHuber, "huber_loss", "HuberLossBackward0", loss_reduction(reduction), delta},
      input, target, Tensor(), Tensor());
}

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                            int64_t reduction) {
  TALLOW_CHECK(input.dtype() == target.dtype(), "Found dtype ", scalar_type_name(target.dtype()),
               " but expected ", scalar_type_name(input.dtype()));
  return pair_loss({PairLossOp::kBce, "binary_cross_entropy", "BinaryCrossEntropyBackward0",
                    loss_reduction(reduction), 0},
                   input, target, weight, Tensor());
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const Tensor& weight, const Tensor& pos_weight,
                                        int64_t reduction) {
  return pair_loss({PairLossOp::kBceWithLogits, "binary_cross_entropy_with_logits",
                    "BinaryCrossEntropyWithLogitsBackward0", loss_reduction(reduction), 0},
                   input, target, weight, pos_weight);
}

Tensor kl_div(const Tensor& input, const Tensor& target, int64_t reduction, bool log_target) {
  TALLOW_CHECK(is_differentiable(input.dtype()) && is_differentiable(target.dtype()),
               "kl_div: Integral inputs not supported.");
  const Tensor losses = log_target ? mul(exp(target), sub(target, input))
                                   : sub(xlogy(target, target), mul(target, input));
  return reduce_losses(losses, loss_reduction(reduction));
}

}  // namespace tallow::ops
