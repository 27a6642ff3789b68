// Random numbers: in-place fills and new random tensors. Elements are drawn in memory order.
#pragma once

#include <optional>

#include "core/generator.h"
#include "core/operand.h"

namespace tallow::ops {

// A null generator is the default one.
// The source of random numbers for a tensor on `device`: the given generator, which must be of that
// kind of device, or its default one.
RandomStream* stream_of(Generator* generator, Device device);

Tensor uniform_(const Tensor& self, double from = 0, double to = 1, Generator* generator = nullptr);
Tensor normal_(const Tensor& self, double mean = 0, double std = 1, Generator* generator = nullptr);
// 1 with probability p, a number or a tensor that broadcasts to self.
Tensor bernoulli_(const Tensor& self, const Operand& p, Generator* generator = nullptr);
Tensor exponential_(const Tensor& self, double lambd = 1, Generator* generator = nullptr);
Tensor geometric_(const Tensor& self, double p, Generator* generator = nullptr);
Tensor cauchy_(const Tensor& self, double median = 0, double sigma = 1,
               Generator* generator = nullptr);
Tensor log_normal_(const Tensor& self, double mean = 1, double std = 2,
                   Generator* generator = nullptr);
// Integers in [from, to); without `to` up to the largest of the type, without both from 0.
Tensor random_(const Tensor& self, Generator* generator = nullptr);
Tensor random_below_(const Tensor& self, int64_t to, Generator* generator = nullptr);
Tensor random_between_(const Tensor& self, int64_t from, std::optional<int64_t> to,
                       Generator* generator = nullptr);

Tensor randperm(int64_t n, Generator* generator, DType dtype, Device device = kCPU);
// Normal numbers with the given means and deviations, tensors or numbers.
Tensor normal_of(const Tensor& mean, const Operand& std, Generator* generator = nullptr);
Tensor normal_of_number(double mean, const Tensor& std, Generator* generator = nullptr);
// 1 with the probability found in `input`, or with probability p.
Tensor bernoulli(const Tensor& input, Generator* generator = nullptr);
Tensor bernoulli_p(const Tensor& input, double p, Generator* generator = nullptr);
// Category numbers drawn with the weights of each row.
Tensor multinomial(const Tensor& input, int64_t num_samples, bool replacement = false,
                   Generator* generator = nullptr);

// Numbers drawn one after the other on the CPU, in float64, for parameters of one shape. Poisson
// rates that are negative or NaN are refused before any is drawn.
// `exponent` is 1 / alpha and `d` alpha - 1 / 3 (of alpha + 1 if that is below 1), rounded as the
// caller likes.
Tensor draw_gamma(const Tensor& alpha, const Tensor& exponent, const Tensor& d,
                  Generator* generator = nullptr);
Tensor draw_poisson(const Tensor& rate, Generator* generator = nullptr);
Tensor draw_binomial(const Tensor& count, const Tensor& prob, Generator* generator = nullptr);

}  // namespace tallow::ops
