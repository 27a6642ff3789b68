// Loss kernels. All arrays are contiguous.
#pragma once

#include "core/types.h"

namespace tallow {

enum class LossReduction : uint8_t { kNone, kMean, kSum };

// Losses of class scores [outer][classes][inner] against one class per sample [outer][inner].
struct ClassLoss {
  int64_t outer;
  int64_t classes;
  int64_t inner;
  const int64_t* target;
  const void* weight;    // [classes] in the type computed in (float for half types), or null
  int64_t ignore_index;  // samples of this class count for nothing
  double smoothing;      // cross_entropy: the share of the target spread evenly over all classes
  LossReduction reduction;
};

// Losses of elements against elements of the same shape.
enum class PairLossOp : uint8_t {
  kMse,
  kSmoothL1,       // parameter: beta
  kHuber,          // parameter: delta
  kBce,            // of probabilities; fails unless both operands lie in [0, 1]
  kBceWithLogits,  // pos_weight scales the positive part
};

struct PairLoss {
  const void* input;
  const void* target;
  const void* weight;      // per element, or null
  const void* pos_weight;  // per element, or null
  int64_t numel;
  double parameter;
  LossReduction reduction;
};

// Scalar results and gradients of scalars have the input's type. A target class out of range fails
// with IndexError before anything is written.
struct LossKernels {
  // out: [outer][inner] or one element; total_weight (one element of the computed type): the summed
  // weight of the samples that count, the divisor of the mean.
  Status (*nll)(DType dtype, const ClassLoss& loss, void* out, void* total_weight,
                const void* log_prob) = nullptr;
  Status (*nll_backward)(DType dtype, const ClassLoss& loss, void* grad_in, const void* grad,
                         const void* total_weight) = nullptr;

  // nll of log_softmax, in one pass. `stats` gets the maximum and the sum of exponentials of every
  // sample, [2][outer][inner] in the computed type.
  Status (*cross_entropy)(DType dtype, const ClassLoss& loss, void* out, void* total_weight,
                          void* stats, const void* in) = nullptr;
  Status (*cross_entropy_backward)(DType dtype, const ClassLoss& loss, void* grad_in,
                                   const void* grad, const void* total_weight, const void* stats,
                                   const void* in) = nullptr;

  Status (*pair)(PairLossOp op, DType dtype, const PairLoss& loss, void* out) = nullptr;
  // The gradient of `input`; `grad` has one element unless reduction is kNone.
  Status (*pair_backward)(PairLossOp op, DType dtype, const PairLoss& loss, void* grad_in,
                          const void* grad) = nullptr;
};

}  // namespace tallow
