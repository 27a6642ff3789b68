#include "ops/join_split.h"

#include "autograd/record.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/gather_scatter.h"
#include "ops/index_plan.h"
#include "ops/memory_order.h"
#include "ops/reduce.h"
#include "ops/scan.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// PyTorch once had no zero-size tensors with dimensions; a vector of nothing still joins anything.
bool is_legacy_empty(const Tensor& tensor) { return tensor.dim() == 1 && tensor.numel() == 0; }

// All tensors in one type and row-major; what autograd sees are the originals.
std::vector<Tensor> prepared(const std::vector<Tensor>& tensors, DType dtype) {
  const NoGradGuard no_grad;
  std::vector<Tensor> result;
  result.reserve(tensors.size());
  for (const Tensor& tensor : tensors) result.push_back(contiguous(to_dtype(tensor, dtype)));
  return result;
}

DType common_dtype(const std::vector<Tensor>& tensors) {
  Promotion promotion;
  for (const Tensor& tensor : tensors) promotion.add(tensor);
  return promotion.result();
}

// Rows of `out` (row-major, dimensions before `dim` counting rows) from those of the parts.
void join(const Tensor& out, const std::vector<Tensor>& parts, int64_t outer) {
  if (out.numel() == 0 || out.device().is_meta()) return;
  std::vector<ConcatPart> rows;
  rows.reserve(parts.size());
  for (const Tensor& part : parts) {
    const int64_t nbytes = part.numel() * item_size(part.dtype());
    if (nbytes > 0) rows.push_back({part.ptr(), nbytes / outer});
  }
  run<&Backend::index, &IndexKernels::concat>("cat", out.device(), out.ptr(),
                                              static_cast<const ConcatPart*>(rows.data()),
                                              static_cast<int64_t>(rows.size()), outer);
}

bool all_plain(const std::vector<Tensor>& tensors, DType dtype) {
  for (const Tensor& tensor : tensors) {
    if (!tensor.is_contiguous() || tensor.dtype() != dtype) return false;
  }
  return true;
}

// Fills `out` with the parts one after the other along `dim`, whatever their layout and type.
void copy_parts(const Tensor& out, const std::vector<Tensor>& parts, int64_t dim) {
  const NoGradGuard no_grad;
  int64_t start = 0;
  for (const Tensor& part : parts) {
    if (is_legacy_empty(part)) continue;
    const int64_t length = part.sizes()[dim];
    copy_data(narrow(out, dim, start, length), part);
    start += length;
  }
}

int64_t product(const Dims& sizes, int64_t begin, int64_t end) {
  int64_t result = 1;
  for (int64_t d = begin; d < end; ++d) result *= sizes[d];
  return result;
}

void check_cat_shapes(const Dims& first, const Tensor& tensor, int64_t dim, std::size_t position) {
  TALLOW_CHECK(tensor.dim() == first.size(), "Tensors must have same number of dimensions: got ",
               first.size(), " and ", tensor.dim());
  for (int64_t d = 0; d < first.size(); ++d) {
    TALLOW_CHECK(d == dim || tensor.sizes()[d] == first[d],
                 "Sizes of tensors must match except in dimension ", dim, ". Expected size ",
                 first[d], " but got size ", tensor.sizes()[d], " for tensor number ", position,
                 " in the list.");
  }
}

}  // namespace

void check_defined(const std::vector<Tensor>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    TALLOW_CHECK_TYPE(tensors[i].defined(), "expected Tensor as element ", i,
                      " in argument 0, but got NoneType");
  }
}

namespace {

bool all_channels_last(const std::vector<Tensor>& tensors) {
  for (const Tensor& tensor : tensors) {
    if (!suggests_channels_last(tensor)) return false;
  }
  return true;
}

void write_parts(const Tensor& out, const std::vector<Tensor>& parts, int64_t dim) {
  if (all_plain(parts, out.dtype())) {
    join(out, parts, product(out.sizes(), 0, dim));
  } else {
    copy_parts(out, parts, dim);
  }
}

// The parts one after the other; channels_last images give one, joined as they lie in memory.
Tensor joined(const std::vector<Tensor>& parts, int64_t dim, const Dims& shape, DType dtype,
              Device device) {
  const bool last = all_channels_last(parts);
  const Tensor out = empty_in_order(shape, last, dtype, device);
  if (!last) {
    write_parts(out, parts, dim);
    return out;
  }
  const NoGradGuard guard;
  const Dims in_memory{0, 2, 3, 1}, place{0, 3, 1, 2};
  std::vector<Tensor> views;
  for (const Tensor& part : parts) views.push_back(permute(part, in_memory));
  write_parts(permute(out, in_memory), views, place[dim]);
  return out;
}

}  // namespace

Tensor cat(const std::vector<Tensor>& tensors, int64_t dim) {
  TALLOW_CHECK_VALUE(!tensors.empty(), "torch.cat(): expected a non-empty list of Tensors");
  check_defined(tensors);
  const Tensor* first = &tensors[0];
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    TALLOW_CHECK(tensors[i].dim() > 0, "zero-dimensional tensor (at position ", i,
                 ") cannot be concatenated");
    check_same_device("cat", tensors[0], tensors[i]);
    if (is_legacy_empty(*first) && !is_legacy_empty(tensors[i])) first = &tensors[i];
  }
  dim = wrap_dim(dim, first->dim());
  Dims shape = first->sizes();
  shape[dim] = 0;
  Dims lengths;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const bool skipped = is_legacy_empty(tensors[i]);
    if (!skipped) check_cat_shapes(first->sizes(), tensors[i], dim, i);
    lengths.push_back(skipped ? -1 : tensors[i].sizes()[dim]);
    if (!skipped) shape[dim] += lengths.back();
  }
  const DType dtype = common_dtype(tensors);
  Tensor out = joined(tensors, dim, shape, dtype, first->device());
  return record("CatBackward0", tensors, std::move(out), [&](Saver&) {
    return [dim, lengths](Grads& g) {
      int64_t start = 0;
      for (int64_t i = 0; i < lengths.size(); ++i) {
        const bool skipped = lengths[i] < 0;
        if (g.needs(i)) {
          g.out[i] = skipped ? zeros({0}, g.grad().dtype(), g.grad().device())
                             : narrow(g.grad(), dim, start, lengths[i]);
        }
        if (!skipped) start += lengths[i];
      }
    };
  });
}

Tensor stack(const std::vector<Tensor>& tensors, int64_t dim) {
  TALLOW_CHECK(!tensors.empty(), "stack expects a non-empty TensorList");
  check_defined(tensors);
  const Dims& each = tensors[0].sizes();
  dim = wrap_dim(dim, each.size() + 1);
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    TALLOW_CHECK(tensors[i].sizes() == each, "stack expects each tensor to be equal size, but got ",
                 each, " at entry 0 and ", tensors[i].sizes(), " at entry ", i);
    check_same_device("stack", tensors[0], tensors[i]);
  }
  const DType dtype = common_dtype(tensors);
  Dims shape = each;
  shape.insert(dim, static_cast<int64_t>(tensors.size()));
  Tensor out = empty(shape, dtype, tensors[0].device());
  join(out, prepared(tensors, dtype), product(shape, 0, dim));
  const int64_t count = static_cast<int64_t>(tensors.size());
  return record("StackBackward0", tensors, std::move(out), [&](Saver&) {
    return [dim, count](Grads& g) {
      for (int64_t i = 0; i < count; ++i) {
        if (g.needs(i)) g.out[i] = select(g.grad(), dim, i);
      }
    };
  });
}

namespace {

// `tensor` with 1s added until it has `ndim` dimensions, as NumPy's atleast_nd functions do.
Tensor at_least(const Tensor& tensor, int64_t ndim) {
  Tensor result = tensor;
  if (result.dim() == 0) result = reshape(result, {1});
  if (ndim >= 2 && result.dim() == 1) result = unsqueeze(result, 0);
  if (ndim >= 3 && result.dim() == 2) result = unsqueeze(result, 2);
  return result;
}

Tensor joined_at_least(const char* op, const std::vector<Tensor>& tensors, int64_t ndim,
                       int64_t dim) {
  TALLOW_CHECK(!tensors.empty(), op, " expects a non-empty TensorList");
  check_defined(tensors);
  std::vector<Tensor> raised;
  for (const Tensor& tensor : tensors) raised.push_back(at_least(tensor, ndim));
  return cat(raised, dim);
}

}  // namespace

Tensor hstack(const std::vector<Tensor>& tensors) {
  TALLOW_CHECK(!tensors.empty(), "hstack expects a non-empty TensorList");
  check_defined(tensors);
  return joined_at_least("hstack", tensors, 1, tensors[0].dim() <= 1 ? 0 : 1);
}

Tensor vstack(const std::vector<Tensor>& tensors) {
  return joined_at_least("vstack", tensors, 2, 0);
}

Tensor dstack(const std::vector<Tensor>& tensors) {
  return joined_at_least("dstack", tensors, 3, 2);
}

Tensor repeat(const Tensor& self, const Dims& repeats) {
  TALLOW_CHECK(
      repeats.size() >= self.dim(),
      "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
      "tensor");
  // Copies lie beside the elements: shape (r0, s0, r1, s1, ...) with stride 0 along every r.
  Dims spread_shape;
  Dims spread_strides;
  Dims shape;
  Dims summed_shape;
  const int64_t lead = repeats.size() - self.dim();
  for (int64_t d = 0; d < repeats.size(); ++d) {
    const int64_t size = d < lead ? 1 : self.sizes()[d - lead];
    shape.push_back(repeats[d] * size);
    spread_shape.push_back(repeats[d]);
    spread_shape.push_back(size);
    spread_strides.push_back(0);
    spread_strides.push_back(d < lead ? 0 : self.strides()[d - lead]);
    summed_shape.push_back(1);
    summed_shape.push_back(size);
  }
  checked_numel(shape);  // refuses negative repeats, naming the shape
  Tensor out = empty(shape, self.dtype(), self.device());
  if (out.numel() > 0) {
    const NoGradGuard no_grad;
    copy_(alias(out, spread_shape, contiguous_strides(spread_shape), 0),
          alias(self, spread_shape, spread_strides, self.impl()->offset));
  }
  return record("RepeatBackward0", {&self}, std::move(out), [&](Saver&) {
    return [spread_shape, summed_shape, like = self.sizes()](Grads& g) {
      const Tensor spread = reshape(g.grad(), spread_shape);
      g.out[0] = reshape(sum_to_size(spread, summed_shape), like);
    };
  });
}

Tensor tile(const Tensor& self, const Dims& dims) {
  Dims repeats = dims;
  while (repeats.size() < self.dim()) repeats.insert(0, 1);
  return repeat(self, repeats);
}

Tensor repeat_interleave(const Tensor& self, int64_t repeats, std::optional<int64_t> dim) {
  TALLOW_CHECK(repeats >= 0, "Repeats must be non-negative");
  if (!dim) return repeat_interleave(reshape(self, {-1}), repeats, 0);
  const int64_t along = wrap_dim(*dim, self.dim()) + 1;
  const Tensor source = self.dim() == 0 ? reshape(self, {1}) : self;
  Dims shape = source.sizes();
  Dims spread = shape;
  spread.insert(along, repeats);
  shape[along - 1] *= repeats;
  return reshape(expand(unsqueeze(source, along), spread), shape);
}

Tensor repeat_interleave_tensor(const Tensor& self, const Tensor& repeats,
                                std::optional<int64_t> dim, std::optional<int64_t> output_size) {
  TALLOW_CHECK(repeats.dim() <= 1, "repeat_interleave only accept 0D or 1D repeat tensor");
  TALLOW_CHECK(repeats.dtype() == DType::kInt64 || repeats.dtype() == DType::kInt32,
               "repeats has to be Long or Int tensor");
  const Tensor source = dim ? self : reshape(self, {-1});
  const int64_t along = wrap_dim(dim.value_or(0), source.dim());
  const int64_t size = source.dim() > 0 ? source.sizes()[along] : 1;
  TALLOW_CHECK(repeats.numel() == 1 || repeats.numel() == size,
               "repeats must have the same size as input along dim, but got repeats.size(0) = ",
               repeats.numel(), " and input.size(", along, ") = ", size);
  std::vector<int64_t> counts;
  int64_t total = 0;
  {
    const NoGradGuard no_grad;
    const Tensor given = contiguous(to_dtype(to_device(repeats, kCPU), DType::kInt64));
    for (int64_t i = 0; i < size; ++i) {
      const int64_t count = given.data<int64_t>()[given.numel() == 1 ? 0 : i];
      TALLOW_CHECK(count >= 0, "repeats can not be negative");
      counts.push_back(count);
      total += count;
    }
  }
  TALLOW_CHECK(!output_size || *output_size == total,
               "allocated size does not match required size: output_size is ",
               output_size.value_or(0), ", the repeats add up to ", total);
  const Tensor positions = empty({total}, DType::kInt64);
  int64_t* next = positions.data<int64_t>();
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t k = 0; k < counts[static_cast<std::size_t>(i)]; ++k) *next++ = i;
  }
  return index_select(at_least(source, 1), along, to_device(positions, self.device()));
}

namespace {

// roll() along one dimension: the two parts of the tensor in the other order.
Tensor roll_once(const Tensor& self, int64_t shift, int64_t dim) {
  const int64_t size = self.sizes()[dim];
  const int64_t start = size == 0 ? 0 : ((-shift) % size + size) % size;
  return cat({narrow(self, dim, start, size - start), narrow(self, dim, 0, start)}, dim);
}

}  // namespace

Tensor roll(const Tensor& self, const Dims& shifts, const Dims& dims) {
  TALLOW_CHECK(!shifts.empty(), "`shifts` required");
  const bool flat = dims.empty() && shifts.size() == 1;
  TALLOW_CHECK(flat || shifts.size() == dims.size(),
               "shifts and dimensions must align. shifts: ", shifts.size(), ", dims:", dims.size());
  Tensor out;
  {
    const NoGradGuard no_grad;
    out = flat ? reshape(self, {-1}) : self;
    for (int64_t i = 0; i < shifts.size(); ++i) {
      TALLOW_CHECK_INDEX(flat || self.dim() > 0, "Dimension specified as ", flat ? 0 : dims[i],
                         " but tensor has no dimensions");
      out = roll_once(out, shifts[i], flat ? 0 : wrap_dim(dims[i], self.dim()));
    }
    out = reshape(out, self.sizes());
  }
  return record("RollBackward0", {&self}, std::move(out), [&](Saver&) {
    Dims back = shifts;
    for (int64_t& shift : back) shift = -shift;
    return [back, dims](Grads& g) { g.out[0] = roll(g.grad(), back, dims); };
  });
}

Tensor flip(const Tensor& self, const Dims& dims) {
  const Dims flipped = wrap_dims(dims, self.dim());
  Tensor out = empty_like(self);
  if (self.numel() > 0 && !self.device().is_meta()) {
    // Read from the far end of each flipped dimension with a negative stride.
    Dims strides = self.strides();
    int64_t offset = 0;
    for (const int64_t d : flipped) {
      if (self.dim() == 0) break;
      offset += (self.sizes()[d] - 1) * strides[d];
      strides[d] = -strides[d];
    }
    Strided<2> operands;
    operands.data[0] = out.ptr();
    operands.data[1] = static_cast<char*>(self.ptr()) + offset * item_size(self.dtype());
    set_space<2>(operands, self.sizes().data(), {out.strides().data(), strides.data()}, self.dim());
    run<&Backend::index, &IndexKernels::flip>("flip", self.device(), self.dtype(), operands);
  }
  return record("FlipBackward0", {&self}, std::move(out), [&](Saver&) {
    return [flipped](Grads& g) { g.out[0] = flip(g.grad(), flipped); };
  });
}

Tensor fliplr(const Tensor& self) {
  TALLOW_CHECK(self.dim() >= 2, "Input must be >= 2-d.");
  return flip(self, {1});
}

Tensor flipud(const Tensor& self) {
  TALLOW_CHECK(self.dim() >= 1, "Input must be >= 1-d.");
  return flip(self, {0});
}

Tensor rot90(const Tensor& self, int64_t k, const Dims& dims) {
  TALLOW_CHECK(dims.size() == 2, "expected total rotation dims == 2, but got dims = ", dims.size());
  TALLOW_CHECK(self.dim() >= 2, "expected total dims >= 2, but got total dims = ", self.dim());
  const int64_t first = wrap_dim(dims[0], self.dim());
  const int64_t second = wrap_dim(dims[1], self.dim());
  TALLOW_CHECK(first != second, "expected rotation dims to be different, but got dim0 = ", dims[0],
               " and dim1 = ", dims[1]);
  Tensor out;
  {
    const NoGradGuard no_grad;
    switch (((k % 4) + 4) % 4) {
      case 1:
        out = transpose(flip(self, {second}), first, second);
        break;
      case 2:
        out = flip(self, dims);
        break;
      case 3:
        out = transpose(flip(self, {first}), first, second);
        break;
      default:
        out = clone_strided(self, contiguous_strides(self.sizes()));
    }
  }
  return record("Rot90Backward0", {&self}, std::move(out), [&](Saver&) {
    return [k, dims](Grads& g) { g.out[0] = rot90(g.grad(), -k, dims); };
  });
}

std::vector<Tensor> meshgrid(const std::vector<Tensor>& tensors, std::string_view indexing) {
  TALLOW_CHECK(!tensors.empty(), "meshgrid expects a non-empty TensorList");
  check_defined(tensors);
  TALLOW_CHECK(
      indexing == "ij" || indexing == "xy",
      "torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: ", indexing);
  const bool swap = indexing == "xy" && tensors.size() >= 2;
  const int64_t ndim = static_cast<int64_t>(tensors.size());
  const auto axis_of = [&](int64_t i) { return swap && i < 2 ? 1 - i : i; };
  Dims shape = Dims::filled(ndim, 1);
  for (int64_t i = 0; i < ndim; ++i) {
    const Tensor& tensor = tensors[static_cast<std::size_t>(i)];
    TALLOW_CHECK(
        tensor.dim() <= 1,
        "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: ", tensor.sizes());
    TALLOW_CHECK(tensor.dtype() == tensors[0].dtype(),
                 "torch.meshgrid expects all tensors to have the same dtype");
    shape[axis_of(i)] = tensor.numel();
  }
  std::vector<Tensor> result;
  for (int64_t i = 0; i < ndim; ++i) {
    Dims own = Dims::filled(ndim, 1);
    own[axis_of(i)] = shape[axis_of(i)];
    result.push_back(expand(reshape(tensors[static_cast<std::size_t>(i)], own), shape));
  }
  return result;
}

}  // namespace tallow::ops
