// Kernels that turn the words of a Mersenne Twister into random numbers, with PyTorch's draw rules:
// the same stream gives the same numbers at every instruction-set level. Elements are drawn in the
// order of `out`'s iteration space, which the ops layer makes ascending memory order.
#pragma once

#include <cstdint>

#include "core/random_stream.h"
#include "core/strided.h"
#include "core/types.h"

namespace tallow {

// One distribution of RandomKernels::fill, its parameters a and b, and the words it uses.
enum class RandomFill : uint8_t {
  kUniform,      // [a, b); 1 word, float64 2
  kBernoulli,    // 1 with probability a, else 0; 2 words
  kExponential,  // rate a; 2 words
  kGeometric,    // trials until success with probability a; 2 words
  kCauchy,       // median a, scale b; 2 words
  kNormal,       // mean a, standard deviation b; 4 words per pair, in double
  kLogNormal,    // exp of the former
  kIntegers,     // the whole non-negative range of the type; 1 word, int64 and float64 2
};

struct RandomKernels {
  // kUniform, kExponential, kCauchy, kNormal, kLogNormal: floating and half types. kGeometric and
  // kBernoulli and kIntegers: all real types and bool.
  Status (*fill)(RandomStream* stream, RandomFill kind, DType dtype, const Strided<1>& out,
                 double a, double b) = nullptr;

  // n >= 16 contiguous standard normals times `std` plus `mean`: Box-Muller on groups of 16 (eight
  // pairs), the last 16 redrawn when n is no multiple of 16. Floating and half types.
  Status (*normal_groups)(RandomStream* stream, DType dtype, void* out, int64_t n, double mean,
                          double std) = nullptr;

  // base + word % range; two words when range >= 2^28. Range 0 stands for any 64 bits, without a
  // base. All real types and bool.
  Status (*integers)(RandomStream* stream, DType dtype, const Strided<1>& out, int64_t base,
                     uint64_t range) = nullptr;

  // data[0] (type `dtype`) = 1 with the probability found in data[1] (type `p_dtype`, floating or
  // half), else 0. A probability outside [0, 1] fails before anything is written or drawn.
  Status (*bernoulli)(RandomStream* stream, DType dtype, DType p_dtype,
                      const Strided<2>& out_and_p) = nullptr;

  // out[0, n) = a random permutation of 0 ... n-1.
  Status (*permutation)(RandomStream* stream, DType dtype, void* out, int64_t n) = nullptr;

  // For each of `rows` contiguous rows of `categories` weights (floating or half), `samples`
  // category numbers drawn with replacement. Weights are not negative, each row's sum is positive.
  Status (*multinomial)(RandomStream* stream, DType dtype, int64_t* out, const void* weights,
                        int64_t rows, int64_t categories, int64_t samples) = nullptr;

  // n contiguous elements: mask = 1 with probability 1 - p, out = in * (mask / (1 - p)). Floating
  // and half types; mask is bool. 0 < p < 1.
  Status (*dropout)(RandomStream* stream, DType dtype, void* out, bool* mask, const void* in,
                    int64_t n, double p) = nullptr;
  // The same with a mask that is already drawn.
  Status (*masked_scale)(DType dtype, void* out, const bool* mask, const void* in, int64_t n,
                         double p) = nullptr;
};

}  // namespace tallow
