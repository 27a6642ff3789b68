#include "ops/sort.h"

#include <cmath>

#include "autograd/record.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/gather_scatter.h"
#include "ops/kernel.h"
#include "ops/reduce_shape.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// A tensor as contiguous rows along one dimension, and the way back for results of k per row.
class RowsAlong {
 public:
  RowsAlong(const Tensor& self, int64_t dim)
      : self_(self), dim_(wrap_dim(dim, self.dim())), last_(dim_ >= self.dim() - 1) {
    n_ = self.dim() == 0 ? 1 : self.sizes()[dim_];
    const NoGradGuard guard;
    data_ = contiguous(last_ ? self : movedim(self, {dim_}, {-1}));
  }
  int64_t dim() const { return dim_; }
  int64_t n() const { return n_; }
  int64_t rows() const { return n_ == 0 ? 0 : self_.numel() / n_; }
  const void* data() const { return data_.ptr(); }

  // Memory for k results per row.
  Tensor results(int64_t k, DType dtype) const {
    Dims shape = data_.sizes();
    if (!shape.empty()) shape[shape.size() - 1] = k;
    return empty(shape, dtype, self_.device());
  }
  // Those results with the dimension back in place, or without it.
  Tensor restore(const Tensor& results) const {
    if (last_) return results;
    const NoGradGuard guard;
    return contiguous(movedim(results, {-1}, {dim_}));
  }
  Tensor drop(const Tensor& results, bool keepdim) const {
    const NoGradGuard guard;
    return view(results, reduced_shape(self_.sizes(), {dim_}, keepdim));
  }

 private:
  const Tensor& self_;
  int64_t dim_;
  bool last_;
  int64_t n_;
  Tensor data_;
};

// Records (values, indices) picked from `self` along `dim`.
std::tuple<Tensor, Tensor> record_picked(const char* node, const Tensor& self, int64_t dim,
                                         bool keepdim, const Tensor& values,
                                         const Tensor& indices) {
  record(node, {&self}, {&values, &indices}, [&](Saver& save) {
    return
        [where = save.output(indices, "indices", 1), shape = self.sizes(), dim, keepdim](Grads& g) {
          g.out[0] = selecting_backward(g.grad(), dim, g[where], shape, keepdim);
        };
  });
  return {values, indices};
}

// One element per row.
template <auto Entry, class... Args>
std::tuple<Tensor, Tensor> pick(const char* name, const char* node, const Tensor& self, int64_t dim,
                                bool keepdim, const Args&... args) {
  const RowsAlong rows(self, dim);
  TALLOW_CHECK_INDEX(rows.n() > 0, name, "(): Expected reduction dim ", rows.dim(),
                     " to have non-zero size.");
  const Tensor values = rows.results(1, self.dtype());
  const Tensor indices = rows.results(1, DType::kInt64);
  run<&Backend::sort, Entry>(name, self.device(), self.dtype(), rows.data(), values.ptr(),
                             indices.data<int64_t>(), rows.rows(), rows.n(), args...);
  return record_picked(node, self, rows.dim(), keepdim, rows.drop(values, keepdim),
                       rows.drop(indices, keepdim));
}

}  // namespace

std::tuple<Tensor, Tensor> sort(const Tensor& self, int64_t dim, bool descending) {
  TALLOW_CHECK(!is_complex(self.dtype()), " Sort does not support complex dtypes on CPU");
  const RowsAlong rows(self, dim);
  const Tensor values = rows.results(rows.n(), self.dtype());
  const Tensor indices = rows.results(rows.n(), DType::kInt64);
  if (self.numel() > 0) {
    run<&Backend::sort, &SortKernels::sort>("sort", self.device(), self.dtype(), rows.data(),
                                            values.ptr(), indices.data<int64_t>(), rows.rows(),
                                            rows.n(), descending);
  }
  return record_picked("SortBackward0", self, rows.dim(), true, rows.restore(values),
                       rows.restore(indices));
}

Tensor argsort(const Tensor& self, int64_t dim, bool descending) {
  const NoGradGuard guard;
  return std::get<1>(sort(self, dim, descending));
}

Tensor msort(const Tensor& self) { return std::get<0>(sort(self, 0, false)); }

std::tuple<Tensor, Tensor> topk(const Tensor& self, int64_t k, int64_t dim, bool largest, bool) {
  TALLOW_CHECK(!is_complex(self.dtype()) && self.dtype() != DType::kBool, "topk does not support ",
               is_complex(self.dtype()) ? "complex" : "bool", " dtypes on CPU");
  const RowsAlong rows(self, dim);
  TALLOW_CHECK(k >= 0 && k <= rows.n(), "selected index k out of range");
  const int64_t count = self.dim() == 0 ? 1 : k;  // a number has no less than itself
  const Tensor values = rows.results(count, self.dtype());
  const Tensor indices = rows.results(count, DType::kInt64);
  if (values.numel() > 0) {
    run<&Backend::sort, &SortKernels::topk>("topk", self.device(), self.dtype(), rows.data(),
                                            values.ptr(), indices.data<int64_t>(), rows.rows(),
                                            rows.n(), count, largest);
  }
  return record_picked("TopkBackward0", self, rows.dim(), true, rows.restore(values),
                       rows.restore(indices));
}

std::tuple<Tensor, Tensor> kthvalue(const Tensor& self, int64_t k, int64_t dim, bool keepdim) {
  const int64_t d = wrap_dim(dim, self.dim());
  const int64_t n = self.dim() == 0 ? 1 : self.sizes()[d];
  TALLOW_CHECK_INDEX(n > 0, "kthvalue(): Expected reduction dim ", d, " to have non-zero size.");
  TALLOW_CHECK(k >= 1 && k <= n, "kthvalue(): selected number k out of range for dimension ", d);
  return pick<&SortKernels::kth>("kthvalue", "KthvalueBackward0", self, d, keepdim, k - 1);
}

namespace {

Tensor median_of_all(const char* name, const char* node, const Tensor& self, bool ignore_nan) {
  TALLOW_CHECK_NOT_IMPLEMENTED(self.dtype() != DType::kBool && !is_complex(self.dtype()),
                               "\"median_cpu\" not implemented for '",
                               scalar_type_name(self.dtype()), "'");
  if (self.numel() == 0) {
    return full({}, is_floating(self.dtype()) ? Scalar(std::nan("")) : Scalar(0), self.dtype(),
                self.device());
  }
  const Tensor x = contiguous_data(self);
  const Tensor value = empty({}, self.dtype(), self.device());
  const Tensor index = empty({}, DType::kInt64, self.device());
  run<&Backend::sort, &SortKernels::median>(name, self.device(), self.dtype(), x.ptr(), value.ptr(),
                                            index.data<int64_t>(), int64_t{1}, self.numel(),
                                            ignore_nan);
  return record(node, {&self}, value, [&](Saver& save) {
    return [where = save(index, "index"), shape = self.sizes(), numel = self.numel()](Grads& g) {
      g.out[0] = reshape(selecting_backward(g.grad(), 0, g[where], {numel}, false), shape);
    };
  });
}

}  // namespace

Tensor median(const Tensor& self) {
  return median_of_all("median", "MedianBackward0", self, false);
}

Tensor nanmedian(const Tensor& self) {
  return median_of_all("nanmedian", "NanmedianBackward0", self, true);
}

std::tuple<Tensor, Tensor> median_dim(const Tensor& self, int64_t dim, bool keepdim) {
  return pick<&SortKernels::median>("median", "MedianBackward1", self, dim, keepdim, false);
}

std::tuple<Tensor, Tensor> nanmedian_dim(const Tensor& self, int64_t dim, bool keepdim) {
  return pick<&SortKernels::median>("median", "NanmedianBackward1", self, dim, keepdim, true);
}

std::tuple<Tensor, Tensor> mode(const Tensor& self, int64_t dim, bool keepdim) {
  return pick<&SortKernels::mode>("mode", "ModeBackward0", self, dim, keepdim);
}

namespace {

// The runs of `values`, whose element i stands at order[i] of the original.
std::tuple<Tensor, Tensor, Tensor> runs_of(const Tensor& values, const Tensor& order,
                                           const Dims& shape, bool return_inverse,
                                           bool return_counts) {
  const int64_t n = values.numel();
  const Device device = values.device();
  const bool all = !device.is_cpu();  // the CPU leaves out what is not asked for
  const bool inverse_too = return_inverse || all;
  const bool counts_too = return_counts || all;
  const Tensor distinct = empty({n}, values.dtype(), device);
  const Tensor inverse = empty(inverse_too ? shape : Dims{0}, DType::kInt64, device);
  const Tensor counts = empty({counts_too ? n : 0}, DType::kInt64, device);
  int64_t found = 0;
  run<&Backend::sort, &SortKernels::unique>(
      "unique", device, values.dtype(), values.ptr(),
      order.defined() ? order.data<int64_t>() : static_cast<int64_t*>(nullptr), n, distinct.ptr(),
      inverse_too ? inverse.data<int64_t>() : static_cast<int64_t*>(nullptr),
      counts_too ? counts.data<int64_t>() : static_cast<int64_t*>(nullptr), &found);
  const NoGradGuard guard;
  const auto used = [&](const Tensor& all) { return clone(narrow(all, 0, 0, found)); };
  const Tensor none = empty({0}, DType::kInt64, device);
  return {used(distinct), return_inverse ? inverse : none, return_counts ? used(counts) : none};
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> unique(const Tensor& self, bool, bool return_inverse,
                                          bool return_counts) {
  const NoGradGuard guard;
  const auto [values, order] = sort(reshape(self, {-1}), 0, false);
  return runs_of(values, order, self.sizes(), return_inverse, return_counts);
}

std::tuple<Tensor, Tensor, Tensor> unique_consecutive(const Tensor& self, bool return_inverse,
                                                      bool return_counts) {
  return runs_of(contiguous_data(self), Tensor(), self.sizes(), return_inverse, return_counts);
}

Tensor searchsorted(const Tensor& sorted_sequence, const Operand& values, bool out_int32,
                    bool right, const Tensor& sorter) {
  const NoGradGuard guard;
  const DType common = result_type(Operand(sorted_sequence), values);
  const Tensor value = values.is_tensor()
                           ? to_dtype(values.tensor(), common)
                           : scalar_tensor(values.scalar(), common, sorted_sequence.device());
  TALLOW_CHECK(sorted_sequence.dim() > 0,
               "torch.searchsorted(): input value can be a scalar only when boundary tensor "
               "dimension is 1, but we got boundary tensor dim(0) and input value's dim(",
               value.dim(), ")");
  const bool shared = sorted_sequence.dim() == 1;
  bool fits = shared || value.dim() == sorted_sequence.dim();
  for (int64_t d = 0; !shared && fits && d + 1 < value.dim(); ++d) {
    fits = value.sizes()[d] == sorted_sequence.sizes()[d];
  }
  TALLOW_CHECK(fits,
               "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
               "dimensions of boundaries tensor and input value tensor must match, but we got "
               "boundaries tensor ",
               sorted_sequence.sizes(), " and input value tensor ", value.sizes());
  if (sorter.defined()) {
    TALLOW_CHECK(sorter.sizes() == sorted_sequence.sizes(),
                 "torch.searchsorted(): boundary and sorter must have the same size, but got "
                 "boundary tensor ",
                 sorted_sequence.sizes(), "and got sorter tensor ", sorter.sizes());
    TALLOW_CHECK(sorter.dtype() == DType::kInt64,
                 "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype ",
                 scalar_type_name(sorter.dtype()));
  }
  const Tensor boundaries = contiguous(
      to_dtype(sorter.defined() ? gather(sorted_sequence, -1, sorter) : sorted_sequence, common));
  const Tensor x = contiguous(value);
  const Tensor out = empty(value.sizes(), DType::kInt64, value.device());
  const int64_t n = boundaries.size(-1);
  int64_t rows = 1;
  for (int64_t d = 0; d + 1 < boundaries.dim(); ++d) rows *= boundaries.sizes()[d];
  run<&Backend::sort, &SortKernels::search>("searchsorted", value.device(), value.dtype(),
                                            boundaries.ptr(), x.ptr(), out.data<int64_t>(), rows, n,
                                            x.numel() / (rows > 0 ? rows : 1), shared, right);
  return out_int32 ? to_dtype(out, DType::kInt32) : out;
}

}  // namespace tallow::ops
