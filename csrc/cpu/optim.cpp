// One optimiser step over a list of parameters.
#include "backend/optim.h"

#include <cmath>

#include "cpu/reduce_rows.h"
#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

inline constexpr int64_t kChunk = 16 * 1024;

// Calls body(tensor, first element, number of elements) for every chunk of every tensor, in
// parallel.
template <class Tensors, class Body>
Status for_each_chunk(const Tensors* tensors, int64_t count, const Body& body) {
  // first[t] is the number of chunks before tensor t.
  Scratch<int64_t> first(count + 1);
  if (!first) return first.failure();
  first[0] = 0;
  int64_t numel = 0;
  for (int64_t t = 0; t < count; ++t) {
    first[t + 1] = first[t] + (tensors[t].numel + kChunk - 1) / kChunk;
    numel += tensors[t].numel;
  }
  // Many small tensors share a task.
  const int64_t chunks = first[count];
  const int64_t average = chunks > 0 ? numel / chunks + 1 : 1;
  parallel_for(chunks, 2 * kChunk / average, [&](int64_t begin, int64_t end) {
    int64_t low = 0, high = count;
    while (high - low > 1) {
      const int64_t middle = (low + high) / 2;
      (first[middle] <= begin ? low : high) = middle;
    }
    int64_t t = low;
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      while (first[t + 1] <= chunk) ++t;
      const int64_t at = (chunk - first[t]) * kChunk;
      const int64_t left = tensors[t].numel - at;
      body(tensors[t], at, left < kChunk ? left : kChunk);
    }
  });
  return Status::kOk;
}

template <class T>
void sgd_chunk(const SgdTensors& t, int64_t at, int64_t n, const SgdOptions& o) {
  using A = Compute<T>;
  T* const param = static_cast<T*>(t.param) + at;
  const T* const grad = static_cast<const T*>(t.grad) + at;
  T* const momentum = t.momentum ? static_cast<T*>(t.momentum) + at : nullptr;
  const Vec<A> decay = broadcast(static_cast<A>(o.weight_decay));
  const Vec<A> keep = broadcast(static_cast<A>(o.momentum));
  const Vec<A> take = broadcast(static_cast<A>(1 - o.dampening));
  const Vec<A> step = broadcast(static_cast<A>(-o.lr));
  for_each_vector<A>(n, [&](int64_t i, int lanes) {
    const Vec<A> p = read(param + i, lanes);
    Vec<A> g = read(grad + i, lanes);
    if (o.maximize) g = -g;
    if (o.weight_decay != 0) g = fma(p, decay, g);
    if (momentum) {
      const Vec<A> m = o.first_step ? g : fma(g, take, read(momentum + i, lanes) * keep);
      write(momentum + i, m, lanes);
      g = o.nesterov ? fma(m, keep, g) : m;
    }
    write(param + i, fma(g, step, p), lanes);
  });
}

// a + weight * (b - a), from the nearer end.
template <class V>
TALLOW_INLINE V lerp(V a, V b, V weight, bool near_a) {
  const V difference = b - a;
  return near_a ? fma(weight, difference, a) : b - difference * (1 - weight);
}

template <class T>
void adam_chunk(const AdamTensors& t, int64_t at, int64_t n, const AdamOptions& o) {
  using A = Compute<T>;
  T* const param = static_cast<T*>(t.param) + at;
  const T* const grad = static_cast<const T*>(t.grad) + at;
  T* const exp_avg = static_cast<T*>(t.exp_avg) + at;
  T* const exp_avg_sq = static_cast<T*>(t.exp_avg_sq) + at;
  T* const largest = t.max_exp_avg_sq ? static_cast<T*>(t.max_exp_avg_sq) + at : nullptr;
  const auto constant = [](double value) { return broadcast(static_cast<A>(value)); };
  const Vec<A> decay = constant(o.weight_decay);
  const Vec<A> shrink = constant(1 - o.lr * o.weight_decay);
  const Vec<A> weight = constant(1 - o.beta1);
  const Vec<A> keep = constant(o.beta2);
  const Vec<A> take = constant(1 - o.beta2);
  const Vec<A> step = constant(-(o.lr / (1 - std::pow(o.beta1, t.step))));
  const Vec<A> correction = constant(std::sqrt(1 - std::pow(o.beta2, t.step)));
  const Vec<A> eps = constant(o.eps);
  const bool near = std::fabs(1 - o.beta1) < 0.5;
  for_each_vector<A>(n, [&](int64_t i, int lanes) {
    Vec<A> p = read(param + i, lanes);
    Vec<A> g = read(grad + i, lanes);
    if (o.maximize) g = -g;
    if (o.weight_decay != 0) {
      if (o.decoupled) {
        p = p * shrink;
      } else {
        g = fma(p, decay, g);
      }
    }
    const Vec<A> m = lerp(read(exp_avg + i, lanes), g, weight, near);
    Vec<A> v = read(exp_avg_sq + i, lanes) * keep + take * g * g;
    write(exp_avg + i, m, lanes);
    write(exp_avg_sq + i, v, lanes);
    if (largest) {
      v = maximum(read(largest + i, lanes), v);
      write(largest + i, v, lanes);
    }
    const Vec<A> denominator = sqrt(v) / correction + eps;
    write(param + i, p + step * m / denominator, lanes);
  });
}

Status sgd(DType dtype, const SgdTensors* tensors, int64_t count, const SgdOptions& options) {
  return dispatch(FloatingAndHalf{}, dtype, "sgd", [&]<class T>() -> Status {
    return for_each_chunk(tensors, count, [&](const SgdTensors& t, int64_t at, int64_t n) {
      sgd_chunk<T>(t, at, n, options);
    });
  });
}

Status adam(DType dtype, const AdamTensors* tensors, int64_t count, const AdamOptions& options) {
  return dispatch(FloatingAndHalf{}, dtype, "adam", [&]<class T>() -> Status {
    return for_each_chunk(tensors, count, [&](const AdamTensors& t, int64_t at, int64_t n) {
      adam_chunk<T>(t, at, n, options);
    });
  });
}

}  // namespace

void fill_optim(OptimKernels& table) {
  table.sgd = sgd;
  table.adam = adam;
}

}  // namespace tallow::cpu::TALLOW_ISA
