// One optimiser step over a list of parameters: blocks deal with chunks of them, many tensors to a
// launch.
#include "cuda/kernels/layout.h"

#include <cmath>

#include "backend/optim.h"
#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

inline constexpr int kBatch = 32;  // tensors of a launch, within the size of its parameters
inline constexpr int kOptimBlock = 256;
inline constexpr int64_t kChunkElements = 16 * kOptimBlock;

template <class Tensors>
struct Batch {
  Tensors tensor[kBatch];
  int64_t first[kBatch + 1];  // the chunks of the tensors before
  int count;
};

// Calls step(tensor, i) for the elements of this block's chunk.
template <class Tensors, class Step>
__global__ void for_each_element(Batch<Tensors> batch, Step step) {
  for (int64_t chunk = blockIdx.x; chunk < batch.first[batch.count]; chunk += gridDim.x) {
    int t = 0;
    while (batch.first[t + 1] <= chunk) ++t;
    const Tensors& tensor = batch.tensor[t];
    const int64_t begin = (chunk - batch.first[t]) * kChunkElements;
    const int64_t end =
        begin + kChunkElements < tensor.numel ? begin + kChunkElements : tensor.numel;
    for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) step(tensor, i);
  }
}

template <class Tensors, class Given, class Convert, class Step>
Status for_each_batch(const Given* given, int64_t count, const Convert& convert, const Step& step) {
  for (int64_t done = 0; done < count; done += kBatch) {
    Batch<Tensors> batch;
    batch.count = static_cast<int>(count - done < kBatch ? count - done : kBatch);
    batch.first[0] = 0;
    int64_t longest = 0;
    for (int t = 0; t < batch.count; ++t) {
      batch.tensor[t] = convert(given[done + t]);
      const int64_t numel = batch.tensor[t].numel;
      batch.first[t + 1] = batch.first[t] + blocks_for(numel, kChunkElements);
      longest = numel > longest ? numel : longest;
    }
    const int64_t threads =
        longest < kOptimBlock ? blocks_for(longest, kWarp) * kWarp : kOptimBlock;
    TALLOW_CUDA_TRY(launch({dim3(grid_for(batch.first[batch.count], 1, 132 * 16)),
                            dim3(static_cast<unsigned>(threads))},
                           for_each_element<Tensors, Step>, batch, step));
  }
  return Status::kOk;
}

template <class T>
struct SgdStep {
  using A = Compute<T>;
  A lr, momentum, take, decay;
  bool nesterov, maximize, first_step;

  __device__ void operator()(const SgdTensors& t, int64_t i) const {
    T* const param = static_cast<T*>(t.param);
    const A p = static_cast<A>(param[i]);
    A g = static_cast<A>(static_cast<const T*>(t.grad)[i]);
    if (maximize) g = -g;
    if (decay != A(0)) g = std::fma(p, decay, g);
    if (t.momentum) {
      T* const buffer = static_cast<T*>(t.momentum);
      const A m = first_step ? g : std::fma(g, take, static_cast<A>(buffer[i]) * momentum);
      buffer[i] = T(m);
      g = nesterov ? std::fma(m, momentum, g) : m;
    }
    param[i] = T(std::fma(g, -lr, p));
  }
};

Status sgd(DType dtype, const SgdTensors* tensors, int64_t count, const SgdOptions& o) {
  return by_dtype(FloatingAndHalf{}, dtype, "sgd_cuda", [&]<class T>() {
    using A = Compute<T>;
    const SgdStep<T> step{static_cast<A>(o.lr),
                          static_cast<A>(o.momentum),
                          static_cast<A>(1 - o.dampening),
                          static_cast<A>(o.weight_decay),
                          o.nesterov,
                          o.maximize,
                          o.first_step};
    return for_each_batch<SgdTensors>(tensors, count, [](const SgdTensors& t) { return t; }, step);
  });
}

// AdamTensors with what follows from the number of the step.
struct AdamItem {
  void* param;
  const void* grad;
  void* exp_avg;
  void* exp_avg_sq;
  void* max_exp_avg_sq;
  int64_t numel;
  double step_size;   // lr / (1 - beta1^step)
  double correction;  // sqrt(1 - beta2^step)
};

template <class T>
struct AdamStep {
  using A = Compute<T>;
  A weight, keep, take, eps, decay, shrink;
  bool near, decoupled, maximize;

  // From the nearer end.
  __device__ A lerp(A a, A b) const {
    const A difference = b - a;
    return near ? std::fma(weight, difference, a) : b - difference * (A(1) - weight);
  }

  __device__ void operator()(const AdamItem& t, int64_t i) const {
    T* const param = static_cast<T*>(t.param);
    T* const average = static_cast<T*>(t.exp_avg);
    T* const square = static_cast<T*>(t.exp_avg_sq);
    T* const largest = static_cast<T*>(t.max_exp_avg_sq);
    A p = static_cast<A>(param[i]);
    A g = static_cast<A>(static_cast<const T*>(t.grad)[i]);
    if (maximize) g = -g;
    if (decay != A(0)) {
      if (decoupled) {
        p *= shrink;
      } else {
        g = std::fma(p, decay, g);
      }
    }
    const A m = lerp(static_cast<A>(average[i]), g);
    A v = static_cast<A>(square[i]) * keep + take * g * g;
    average[i] = T(m);
    square[i] = T(v);
    if (largest) {
      const A before = static_cast<A>(largest[i]);
      v = before < v || v != v ? v : before;
      largest[i] = T(v);
    }
    const A denominator = std::sqrt(v) / static_cast<A>(t.correction) + eps;
    param[i] = T(p - static_cast<A>(t.step_size) * m / denominator);
  }
};

Status adam(DType dtype, const AdamTensors* tensors, int64_t count, const AdamOptions& o) {
  return by_dtype(FloatingAndHalf{}, dtype, "adam_cuda", [&]<class T>() {
    using A = Compute<T>;
    const AdamStep<T> step{static_cast<A>(1 - o.beta1),
                           static_cast<A>(o.beta2),
                           static_cast<A>(1 - o.beta2),
                           static_cast<A>(o.eps),
                           static_cast<A>(o.weight_decay),
                           static_cast<A>(1 - o.lr * o.weight_decay),
                           std::fabs(1 - o.beta1) < 0.5,
                           o.decoupled,
                           o.maximize};
    const auto item = [&](const AdamTensors& t) {
      return AdamItem{t.param,
                      t.grad,
                      t.exp_avg,
                      t.exp_avg_sq,
                      t.max_exp_avg_sq,
                      t.numel,
                      o.lr / (1 - std::pow(o.beta1, t.step)),
                      std::sqrt(1 - std::pow(o.beta2, t.step))};
    };
    return for_each_batch<AdamItem>(tensors, count, item, step);
  });
}

}  // namespace

void fill_optim(OptimKernels& table) {
  table.sgd = sgd;
  table.adam = adam;
}

}  // namespace tallow::cuda
