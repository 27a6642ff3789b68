// Divisors of integers, neighbours of floating-point numbers, and short formulas of elements.
#pragma once

#include "autograd/inplace.h"

namespace tallow::ops {

// Of integers; both wrap around as arithmetic of their type does.
Tensor gcd(const Tensor& self, const Tensor& other, Out out = {});
Tensor lcm(const Tensor& self, const Tensor& other, Out out = {});

// The next number that float32 or float64 holds in the direction of `other`.
Tensor nextafter(const Tensor& self, const Tensor& other, Out out = {});
// log2(2^self + 2^other).
Tensor logaddexp2(const Tensor& self, const Tensor& other, Out out = {});
// sin(pi x) / (pi x), 1 at 0.
Tensor sinc(const Tensor& self, Out out = {});

}  // namespace tallow::ops
