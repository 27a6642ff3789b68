// Losses of class scores. Losses of pairs of elements are in loss_pair.cpp.
#include "ops/loss.h"

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/kernel.h"
#include "ops/loss_reduction.h"
#include "ops/norm_grads.h"
#include "ops/reduce.h"
#include "ops/reduce_shape.h"
#include "ops/softmax.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

LossReduction loss_reduction(int64_t reduction) {
  TALLOW_CHECK_VALUE(reduction >= 0 && reduction <= 2, reduction,
                     " is not a valid value for reduction");
  return static_cast<LossReduction>(reduction);
}

Tensor reduce_losses(const Tensor& losses, LossReduction reduction) {
  if (reduction == LossReduction::kNone) return losses;
  return reduction == LossReduction::kMean ? mean(losses) : sum(losses);
}

namespace {

// One call: all of it but the tensors, so that derivatives can keep it.
struct Problem {
  int64_t outer = 1;
  int64_t classes = 1;
  int64_t inner = 1;
  int64_t class_dim = 0;
  int64_t ignore_index;
  LossReduction reduction;
  Dims input_shape;
  Dims out_shape;  // of the unreduced loss
  double smoothing = 0;

  ClassLoss with(const Tensor& target, const Tensor& weight) const {
    return {outer,        classes,   inner,    target.data<int64_t>(), data_or_null(weight),
            ignore_index, smoothing, reduction};
  }
  Dims result_shape() const { return reduction == LossReduction::kNone ? out_shape : Dims{}; }
  // Images and other inputs with positions have a node type of their own in PyTorch.
  const char* node() const {
    return input_shape.size() > 2 ? "NllLoss2DBackward0" : "NllLossBackward0";
  }
};

void check_spatial(const Tensor& input, const Tensor& target) {
  if (input.dim() == 4) {
    TALLOW_CHECK(target.dim() == 3,
                 "only batches of spatial targets supported (3D tensors) but got targets of "
                 "dimension: ",
                 target.dim());
    TALLOW_CHECK(input.sizes()[2] == target.sizes()[1] && input.sizes()[3] == target.sizes()[2],
                 "size mismatch (got input: ", input.sizes(), " , target: ", target.sizes());
    return;
  }
  Dims expected{input.sizes()[0]};
  for (int64_t d = 2; d < input.dim(); ++d) expected.push_back(input.sizes()[d]);
  TALLOW_CHECK(target.sizes() == expected, "Expected target size ", expected, ", got ",
               target.sizes());
}

Problem check_classes(const Tensor& input, const Tensor& target, const Tensor& weight,
                      int64_t reduction, int64_t ignore_index) {
  TALLOW_CHECK_VALUE(input.dim() > 0, "Expected 1 or more dimensions (got 0)");
  const int64_t targets = target.dim() ? target.sizes()[0] : 0;
  TALLOW_CHECK_VALUE(input.dim() == 1 || input.sizes()[0] == targets, "Expected input batch_size (",
                     input.sizes()[0], ") to match target batch_size (", targets, ").");
  Problem p;
  p.ignore_index = ignore_index;
  p.reduction = loss_reduction(reduction);
  p.input_shape = input.sizes();
  p.out_shape = target.sizes();
  if (input.dim() > 2) {
    check_spatial(input, target);
  } else {
    TALLOW_CHECK(target.dim() <= 1, "0D or 1D target tensor expected, multi-target not supported");
    TALLOW_CHECK(input.dim() == 1 || target.dim() == 1, "size mismatch (got input: ", input.sizes(),
                 ", target: ", target.sizes(), ")");
  }
  p.class_dim = input.dim() > 1 ? 1 : 0;
  p.classes = input.sizes()[p.class_dim];
  if (input.dim() > 1) p.outer = input.sizes()[0];
  for (int64_t d = 2; d < input.dim(); ++d) p.inner *= input.sizes()[d];
  TALLOW_CHECK(target.dtype() == DType::kInt64 || target.dtype() == DType::kUInt8,
               "expected target dtype to be Long or Byte, but got ",
               scalar_type_name(target.dtype()));
  TALLOW_CHECK_VALUE(input.dim() > 1 || target.numel() == 1,
                     "For 1D input, 1D target must have size 1, but got target size: ", targets);
  if (weight.defined()) {
    TALLOW_CHECK(weight.dim() == 1 && weight.numel() == p.classes,
                 "weight tensor should be defined either for all ", p.classes,
                 " classes or no classes but got weight tensor of shape: ", weight.sizes());
    TALLOW_CHECK(weight.dtype() == input.dtype(), "expected scalar type ",
                 scalar_type_name(input.dtype()), " but found ", scalar_type_name(weight.dtype()));
  }
  return p;
}

Tensor target_data(const Tensor& target) {
  return contiguous_data(to_dtype(target, DType::kInt64));
}

Tensor nll_backward(const Problem& p, const Tensor& grad, const Tensor& target,
                    const Tensor& weight, const Tensor& total);

// The loss is linear in `input`, so it is its own derivative's derivative.
Tensor nll(const Problem& p, const Tensor& input, const Tensor& target, const Tensor& weight) {
  const Tensor x = contiguous_data(input);
  const Tensor out = empty(p.result_shape(), input.dtype(), input.device());
  const Tensor total = empty({}, statistics_type(input.dtype()), input.device());
  run<&Backend::loss, &LossKernels::nll>("nll_loss", input.device(), input.dtype(),
                                         p.with(target, weight), out.ptr(), total.ptr(), x.ptr());
  return record(p.node(), {&input}, out, [&](Saver& save) {
    return [p, t = save(target, "target"), w = save(weight, "weight"),
            total = save(total, "total_weight")](Grads& g) {
      g.out[0] = nll_backward(p, g.grad(), g[t], g[w], g[total]);
    };
  });
}

Tensor nll_backward(const Problem& p, const Tensor& grad, const Tensor& target,
                    const Tensor& weight, const Tensor& total) {
  const Tensor dy = contiguous_data(grad);
  const Tensor out = empty(p.input_shape, grad.dtype(), grad.device());
  run<&Backend::loss, &LossKernels::nll_backward>("nll_loss_backward", grad.device(), grad.dtype(),
                                                  p.with(target, weight), out.ptr(), dy.ptr(),
                                                  total.ptr());
  return record("NllLossBackwardBackward0", {&grad}, out, [&](Saver& save) {
    return [p, t = save(target, "target"), w = save(weight, "weight")](Grads& g) {
      g.out[0] = nll(p, g.grad(), g[t], g[w]);
    };
  });
}

// The gradient as a differentiable formula.
Tensor cross_entropy_formula(const Problem& p, const Tensor& grad, const Tensor& input,
                             const Tensor& target, const Tensor& weight, const Tensor& total) {
  const Tensor log_prob = log_softmax(input, p.class_dim);
  Problem plain = p;
  plain.smoothing = 0;
  Tensor by_log_prob = nll_backward(plain, grad, target, weight, total);
  if (p.smoothing != 0) {
    // Evenly spread targets: -smoothing / classes * weight for every class of a sample that counts.
    Dims beside = Dims::filled(input.dim(), 1);
    beside[p.class_dim] = p.classes;
    Dims per_sample = p.input_shape;
    per_sample[p.class_dim] = 1;
    const Tensor counts = to_dtype(reshape(ne(target, p.ignore_index), per_sample), input.dtype());
    Tensor share = mul(counts, p.smoothing / static_cast<double>(p.classes));
    if (weight.defined()) share = mul(share, reshape(weight, beside));
    Tensor scale = p.reduction == LossReduction::kNone ? reshape(grad, per_sample) : grad;
    if (p.reduction == LossReduction::kMean) scale = div(scale, total);
    by_log_prob = sub(mul(by_log_prob, 1 - p.smoothing), mul(scale, share));
  }
  return log_softmax_backward(by_log_prob, log_prob, p.class_dim);
}

Tensor cross_entropy(const Problem& p, const Tensor& input, const Tensor& target,
                     const Tensor& weight) {
  const DType stats_type = statistics_type(input.dtype());
  const Tensor x = contiguous_data(input);
  const Tensor out = empty(p.result_shape(), input.dtype(), input.device());
  const Tensor total = empty({}, stats_type, input.device());
  const Tensor stats = empty({2, p.outer * p.inner}, stats_type, input.device());
  run<&Backend::loss, &LossKernels::cross_entropy>("cross_entropy_loss", input.device(),
                                                   input.dtype(), p.with(target, weight), out.ptr(),
                                                   total.ptr(), stats.ptr(), x.ptr());
  return record(p.node(), {&input}, out, [&](Saver& save) {
    return [p, in = save(input), t = save(target, "target"), w = save(weight, "weight"),
            total = save(total, "total_weight"), stats = save(stats, "stats")](Grads& g) {
      const Tensor input = g[in], target = g[t], weight = g[w];
      if (grad_enabled()) {
        g.out[0] = cross_entropy_formula(p, g.grad(), input, target, weight, g[total]);
        return;
      }
      const Tensor x = contiguous_data(input);
      const Tensor dy = contiguous_data(g.grad());
      g.out[0] = empty(p.input_shape, input.dtype(), input.device());
      run<&Backend::loss, &LossKernels::cross_entropy_backward>(
          "cross_entropy_backward", input.device(), input.dtype(), p.with(target, weight),
          g.out[0].ptr(), dy.ptr(), g[total].ptr(), g[stats].ptr(), x.ptr());
    };
  });
}

// A target in the shape of the input: the probability of every class.
Tensor cross_entropy_of_probabilities(const Tensor& input, const Tensor& target,
                                      const Tensor& weight, LossReduction reduction,
                                      double smoothing) {
  const int64_t class_dim = input.dim() > 1 ? 1 : 0;
  const int64_t classes = input.size(class_dim);
  TALLOW_CHECK(!weight.defined() || (weight.dim() == 1 && weight.numel() == classes),
               "cross_entropy: weight tensor should be defined either for all ", classes,
               " classes or no classes but got weight tensor of shape: ", weight.sizes());
  Tensor probability = target;
  if (smoothing > 0) {
    probability = add(mul(target, 1 - smoothing), smoothing / static_cast<double>(classes));
  }
  Tensor terms = mul(log_softmax(input, class_dim), probability);
  if (weight.defined()) {
    Dims beside = Dims::filled(input.dim(), 1);
    beside[class_dim] = classes;
    terms = mul(terms, reshape(weight, beside));
  }
  if (reduction == LossReduction::kNone) return neg(sum_dims(terms, {class_dim}));
  const Tensor total = neg(sum(terms));
  if (reduction == LossReduction::kSum) return total;
  return div(total, static_cast<double>(input.numel()) / static_cast<double>(classes));
}

}  // namespace

Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight, int64_t reduction,
                int64_t ignore_index) {
  const Problem p = check_classes(input, target, weight, reduction, ignore_index);
  return nll(p, input, target_data(target), parameter_data(weight, input.dtype()));
}

Tensor cross_entropy_loss(const Tensor& input, const Tensor& target, const Tensor& weight,
                          int64_t reduction, int64_t ignore_index, double label_smoothing) {
  TALLOW_CHECK(label_smoothing >= 0 && label_smoothing <= 1,
               "label_smoothing must be between 0.0 and 1.0. Got: ", label_smoothing);
  if (input.sizes() == target.sizes()) {
    TALLOW_CHECK(is_floating(target.dtype()),
                 "Expected floating point type for target with class probabilities, got ",
                 scalar_type_name(target.dtype()));
    TALLOW_CHECK(ignore_index < 0, "ignore_index is not supported for floating point target");
    return cross_entropy_of_probabilities(input, target, weight, loss_reduction(reduction),
                                          label_smoothing);
  }
  Problem p = check_classes(input, target, weight, reduction, ignore_index);
  p.smoothing = label_smoothing;
  return cross_entropy(p, input, target_data(target), parameter_data(weight, input.dtype()));
}

}  // namespace tallow::ops
