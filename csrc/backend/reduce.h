// Reduction kernels: many input elements to one output element.
#pragma once

#include "core/strided.h"
#include "core/types.h"

namespace tallow {

// Floating sums are taken in a fixed tree over the logical order of the reduced elements, so that
// neither layout nor threads nor instruction set change a bit; half types accumulate in float.
enum class ReduceOp : uint8_t {
  kSum,           // floating, complex: own type; bool, integral: int64 output
  kMean,          // floating and complex
  kNanSum,        // floating: NaN counts as 0
  kProd,          // as kSum
  kMin,           // real and bool; NaN wins
  kMax,           //
  kAny,           // any type to bool
  kAll,           //
  kCountNonzero,  // any type to int64
  kNormZero,      // floating: the number of non-zero elements, in the input's type
  kNormOne,       // sum of magnitudes
  kNormTwo,       // square root of the sum of squares
  kNormInf,       // largest magnitude; NaN wins
  kNormNegInf,    // smallest magnitude
  kNormPower,     // (sum of |x|^p)^(1/p)
};

struct ReduceKernels {
  // Every element of r.out = op over the reduced elements of r.in. kMin and kMax and the infinite
  // norms need reduce_numel > 0; the others have PyTorch's value for nothing (0, 1, NaN, false).
  Status (*reduce)(ReduceOp op, DType dtype, const Reduction& r, double p) = nullptr;

  // The position of the smallest (largest) reduced element, counted in the logical order of the
  // reduced dimensions, into `indices`; its value into r.out unless that is null. Both outputs have
  // r.out_stride. The first of equals wins; the first NaN beats everything.
  Status (*extremum)(bool largest, DType dtype, const Reduction& r, int64_t* indices) = nullptr;

  // r.out = sum of squared deviations from the mean / max(0, reduce_numel - correction), or its
  // square root if `root`; the mean into `mean` unless that is null. Floating types.
  Status (*variance)(DType dtype, const Reduction& r, void* mean, double correction,
                     bool root) = nullptr;
};

}  // namespace tallow
