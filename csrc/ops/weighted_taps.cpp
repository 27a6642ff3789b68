#include "ops/weighted_taps.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/gather_scatter.h"
#include "ops/index.h"
#include "ops/index_plan.h"
#include "ops/kernel.h"
#include "ops/reduce_shape.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// The lists behind a Taps; without weights all are 1.
struct TapLists {
  std::vector<int64_t> first{0};
  std::vector<int64_t> from;
  std::vector<double> weight;

  int64_t count() const { return static_cast<int64_t>(first.size()) - 1; }
};

TapLists lists_of(const Tensor& positions, const Tensor& weights) {
  const NoGradGuard no_grad;
  const Tensor from = contiguous(transpose(positions, 0, 1));
  const Tensor weight = contiguous(to_dtype(transpose(weights, 0, 1), DType::kFloat64));
  const int64_t each = positions.sizes()[0];
  const int64_t numel = positions.numel();
  TapLists lists;
  lists.from.assign(from.data<int64_t>(), from.data<int64_t>() + numel);
  lists.weight.assign(weight.data<double>(), weight.data<double>() + numel);
  for (int64_t i = 0; i < positions.sizes()[1]; ++i) lists.first.push_back((i + 1) * each);
  return lists;
}

// The taps of the gradient: element `from` of a source of n collects what it was given to.
TapLists transposed(const TapLists& lists, int64_t n) {
  TapLists result;
  result.first.assign(static_cast<std::size_t>(n) + 1, 0);
  for (const int64_t from : lists.from) ++result.first[static_cast<std::size_t>(from) + 1];
  for (std::size_t j = 0; j + 1 < result.first.size(); ++j) result.first[j + 1] += result.first[j];
  result.from.resize(lists.from.size());
  result.weight.resize(lists.weight.size());
  std::vector<int64_t> next(result.first.begin(), result.first.end() - 1);
  for (int64_t i = 0; i < lists.count(); ++i) {
    const auto row = static_cast<std::size_t>(i);
    for (int64_t k = lists.first[row]; k < lists.first[row + 1]; ++k) {
      const auto tap = static_cast<std::size_t>(k);
      const auto at = static_cast<std::size_t>(next[static_cast<std::size_t>(lists.from[tap])]++);
      result.from[at] = i;
      if (!lists.weight.empty()) result.weight[at] = lists.weight[tap];
    }
  }
  return result;
}

Tensor apply_taps(const Tensor& input, int64_t dim, std::shared_ptr<const TapLists> lists) {
  const Tensor x = contiguous_data(input);
  const AroundDim around = around_dim(x, dim);
  Dims shape = x.sizes();
  shape[around.dim] = lists->count();
  Tensor out = empty(shape, x.dtype(), x.device());
  if (out.numel() > 0) {
    const Taps taps{lists->count(), lists->first.data(), lists->from.data(),
                    lists->weight.empty() ? nullptr : lists->weight.data()};
    run<&Backend::index, &IndexKernels::weighted_taps>("_weighted_taps", x.device(), x.dtype(),
                                                       out.ptr(), x.ptr(), taps, around.outer,
                                                       around.n, around.inner);
  }
  return record("WeightedTapsBackward0", {&input}, std::move(out), [&](Saver&) {
    return [dim = around.dim, n = around.n, lists = std::move(lists)](Grads& g) {
      g.out[0] = apply_taps(g.grad(), dim, std::make_shared<const TapLists>(transposed(*lists, n)));
    };
  });
}

// The same in other operators, for devices without the kernel.
Tensor compose_taps(const Tensor& input, int64_t dim, const Tensor& positions,
                    const Tensor& weights) {
  Dims shape = Dims::filled(input.dim(), 1);
  shape[dim] = positions.sizes()[1];
  Tensor sum;
  for (int64_t k = 0; k < positions.sizes()[0]; ++k) {
    const Tensor term = mul(index_select(input, dim, select(positions, 0, k)),
                            reshape(select(weights, 0, k), shape));
    sum = sum.defined() ? add(sum, term) : term;
  }
  return sum;
}

template <class T>
std::vector<T> values_of(const Tensor& tensor) {
  const NoGradGuard no_grad;
  const Tensor dense = contiguous(tensor);
  return {dense.data<T>(), dense.data<T>() + dense.numel()};
}

}  // namespace

Tensor weighted_taps(const Tensor& input, int64_t dim, const Tensor& positions,
                     const Tensor& weights) {
  const int64_t d = wrap_dim(dim, input.dim());
  TALLOW_CHECK(positions.dim() == 2 && positions.sizes() == weights.sizes() &&
                   positions.dtype() == DType::kInt64 && weights.dtype() == input.dtype() &&
                   input.dim() > 0 && positions.sizes()[0] > 0,
               "_weighted_taps(): expected int64 positions and weights of one two-dimensional "
               "shape, the weights of the input's type");
  if (!input.device().is_cpu()) return compose_taps(input, d, positions, weights);
  check_positions("_weighted_taps", input, d, positions, false);
  return apply_taps(input, d, std::make_shared<const TapLists>(lists_of(positions, weights)));
}

Tensor sum_bags(const Tensor& table, const Tensor& indices, const Tensor& begin,
                const Tensor& weights) {
  TALLOW_CHECK(table.dim() == 2 && indices.dim() == 1 && indices.dtype() == DType::kInt64 &&
                   begin.dim() == 1 && begin.numel() > 0 && begin.dtype() == DType::kInt64 &&
                   (!weights.defined() || weights.sizes() == indices.sizes()),
               "_sum_bags(): expected a matrix, and vectors of int64 indices and beginnings");
  offsets_along("embedding_bag", table, 0, indices, {PositionError::kSelf});
  auto lists = std::make_shared<TapLists>();
  lists->first = values_of<int64_t>(begin);
  lists->from = values_of<int64_t>(indices);
  if (weights.defined()) lists->weight = values_of<double>(to_dtype(weights, DType::kFloat64));
  bool ordered = lists->first.front() == 0 && lists->first.back() == indices.numel();
  for (std::size_t i = 1; i < lists->first.size(); ++i) {
    ordered = ordered && lists->first[i - 1] <= lists->first[i];
  }
  TALLOW_CHECK(ordered, "embedding_bag(): expected offsets that do not decrease, from 0 to the ",
               indices.numel(), " indices");
  return apply_taps(table, 0, std::move(lists));
}

Tensor sum_at(const Tensor& input, int64_t dim, const Dims& positions, int64_t n) {
  const DType dtype = input.dtype();
  if (!is_floating(dtype) || !input.device().is_cpu()) {
    const Tensor at = empty({positions.size()}, DType::kInt64);
    std::copy(positions.begin(), positions.end(), at.data<int64_t>());
    Dims sizes = input.sizes();
    sizes[dim] = n;
    return index_add(zeros(sizes, dtype, input.device()), dim, to_device(at, input.device()),
                     input);
  }
  TapLists lists;
  for (const int64_t position : positions) {
    lists.from.push_back(position);
    lists.weight.push_back(1);
    lists.first.push_back(static_cast<int64_t>(lists.from.size()));
  }
  const Tensor wide = item_size(dtype) < 4 ? to_dtype(input, DType::kFloat32) : input;
  return to_dtype(apply_taps(wide, dim, std::make_shared<const TapLists>(transposed(lists, n))),
                  dtype);
}

}  // namespace tallow::ops
