// Sorting, selection, search and running totals.
#include "autograd/meta.h"
#include "ops/scan.h"
#include "ops/sort.h"
#include "python/bindings.h"

namespace tallow::python {

namespace {

constexpr unsigned kPlain = kFunction | kMethod;

// Every sort here is stable.
std::tuple<Tensor, Tensor> sort_stable(const Tensor& input, std::optional<bool>, int64_t dim,
                                       bool descending) {
  std::tuple<Tensor, Tensor> sorted = ops::sort(input, dim, descending);
  if (const Ref<Node> node = grad_fn(std::get<0>(sorted))) node->rename("SortBackward1");
  return sorted;
}
Tensor argsort_stable(const Tensor& input, std::optional<bool>, int64_t dim, bool descending) {
  return ops::argsort(input, dim, descending);
}

Tensor searchsorted(const Tensor& sorted_sequence, const Operand& input, bool out_int32, bool right,
                    std::optional<std::string_view> side, const Tensor& sorter) {
  TALLOW_CHECK(!side || *side == "left" || *side == "right",
               "torch.searchsorted(): side can only be 'left' or 'right' but got ",
               side.value_or(""));
  TALLOW_CHECK(!side || !right || *side == "right",
               "torch.searchsorted(): side and right can't be set to opposites, got side of ",
               side.value_or(""), " while right was True");
  return ops::searchsorted(sorted_sequence, input, out_int32, right || side == "right", sorter);
}
Tensor bucketize(const Operand& input, const Tensor& boundaries, bool out_int32, bool right) {
  TALLOW_CHECK(boundaries.dim() == 1, "boundaries tensor must be 1 dimension, but got dim(",
               boundaries.dim(), ")");
  return ops::searchsorted(boundaries, input, out_int32, right, Tensor());
}

}  // namespace

void bind_sort(Registry& r) {
  r.op<&ops::sort, &sort_stable>(
      {"sort(input, dim=-1, descending=False) -> (values, indices)",
       "sort(input, *, stable, dim=-1, descending=False) -> (values, indices)"},
      kPlain | kOut, "Sort along a dimension.");
  r.op<&ops::argsort, &argsort_stable>({"argsort(input, dim=-1, descending=False)",
                                        "argsort(input, *, stable, dim=-1, descending=False)"},
                                       kPlain, "The positions that sort along a dimension.");
  r.op<&ops::msort>("msort(input)", kPlain | kOut, "Sort along the first dimension.");
  r.op<&ops::topk>("topk(input, k, dim=-1, largest=True, sorted=True) -> (values, indices)",
                   kPlain | kOut, "The k largest elements along a dimension, in order.");
  r.op<&ops::kthvalue>("kthvalue(input, k, dim=-1, keepdim=False) -> (values, indices)",
                       kPlain | kOut, "The k-th smallest element along a dimension.");
  r.op<&ops::median, &ops::median_dim>(
      {"median(input)", "median(input, dim, keepdim=False) -> (values, indices)"}, kPlain | kOut,
      "The element in the middle of the sorted order.");
  r.op<&ops::nanmedian, &ops::nanmedian_dim>(
      {"nanmedian(input)", "nanmedian(input, dim, keepdim=False) -> (values, indices)"},
      kPlain | kOut, "The median of the elements that are not NaN.");
  r.op<&ops::mode>("mode(input, dim=-1, keepdim=False) -> (values, indices)", kPlain | kOut,
                   "The most frequent element along a dimension.");
  r.op<&ops::unique>("_unique2(input, sorted=True, return_inverse=False, return_counts=False)",
                     kFunction, "Distinct elements in order, inverse and counts.");
  r.op<&ops::unique_consecutive>(
      "_unique_consecutive(input, return_inverse=False, return_counts=False)", kFunction,
      "Elements that differ from the one before, inverse and counts.");
  r.op<&searchsorted>(
      "searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, "
      "sorter=None)",
      kFunction | kOut, "Where elements would have to be inserted to keep the order.");
  r.op<&bucketize>("bucketize(input, boundaries, *, out_int32=False, right=False)",
                   kFunction | kOut, "The interval between boundaries that each element lies in.");
  r.op<&ops::cumsum>("cumsum(input, dim, *, dtype=None)", kPlain | kOut, "Running sum.");
  r.op<&ops::cumprod>("cumprod(input, dim, *, dtype=None)", kPlain | kOut, "Running product.");
  r.op<&ops::cumsum_>("cumsum_(input, dim, *, dtype=None)", kMethod, "Running sum, in place.");
  r.op<&ops::cumprod_>("cumprod_(input, dim, *, dtype=None)", kMethod,
                       "Running product, in place.");
  r.op<&ops::logcumsumexp>("logcumsumexp(input, dim)", kPlain | kOut,
                           "Logarithm of the running sum of exponentials.");
  r.op<&ops::cummax>("cummax(input, dim) -> (values, indices)", kPlain | kOut, "Running maximum.");
  r.op<&ops::cummin>("cummin(input, dim) -> (values, indices)", kPlain | kOut, "Running minimum.");
}

}  // namespace tallow::python
