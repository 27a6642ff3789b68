#include "ops/pool.h"

#include "autograd/grad_mode.h"
#include "autograd/record.h"
#include "core/error.h"
#include "ops/copy.h"
#include "ops/kernel.h"
#include "ops/memory_order.h"
#include "ops/pool_geometry.h"
#include "ops/reduce.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// A tensor as the kernels want it, and fresh ones.
Tensor operand(const Tensor& tensor, const Pooling& pooling) {
  return data_in_order(tensor, pooling.channels_last);
}
Tensor result(const Dims& sizes, const Pooling& pooling, DType dtype, const Tensor& like) {
  return empty_in_order(sizes, pooling.channels_last, dtype, like.device());
}

// ---- Maxima. Positions are one byte inside the window, or flat int64 when users see them.

// The gradient of the input, and its own derivative: the map is linear in grad, and its transpose
// picks elements at the same positions.
Tensor max_backward(const Tensor& grad, const Tensor& index, const Pooling& pooling);
Tensor max_gather(const Tensor& input, const Tensor& index, const Pooling& pooling);

PoolIndex kind_of(const Tensor& index) {
  return index.dtype() == DType::kUInt8 ? PoolIndex::kTap : PoolIndex::kFlat;
}

Tensor max_backward(const Tensor& grad, const Tensor& index, const Pooling& pooling) {
  const Tensor from = operand(grad, pooling);
  const Tensor out = result(pooling.in_shape, pooling, grad.dtype(), grad);
  if (out.numel() > 0) {
    run<&Backend::pool, &PoolKernels::max_backward>("max_pool2d_backward", grad.device(),
                                                    pooling.args, from.ptr(), kind_of(index),
                                                    index.ptr(), out.ptr());
  }
  return record("MaxPool2DWithIndicesBackwardBackward0", {&grad}, out, [&](Saver& save) {
    return [at = save(index, "indices"), pooling](Grads& g) {
      g.out[0] = max_gather(g.grad(), g[at], pooling);
    };
  });
}

Tensor max_gather(const Tensor& input, const Tensor& index, const Pooling& pooling) {
  const Tensor from = operand(input, pooling);
  const Tensor out = result(pooling.out_shape, pooling, input.dtype(), input);
  if (out.numel() > 0) {
    run<&Backend::pool, &PoolKernels::max_gather>("max_pool2d_gather", input.device(), pooling.args,
                                                  from.ptr(), kind_of(index), index.ptr(),
                                                  out.ptr());
  }
  return record("MaxPool2DWithIndicesBackward0", {&input}, out, [&](Saver& save) {
    return [at = save(index, "indices"), pooling](Grads& g) {
      g.out[0] = max_backward(g.grad(), g[at], pooling);
    };
  });
}

Tensor run_max(const Tensor& input, const Pooling& pooling, const Tensor& index) {
  const Tensor x = operand(input, pooling);
  const Tensor out = result(pooling.out_shape, pooling, input.dtype(), input);
  if (out.numel() > 0) {
    const PoolIndex kind = index.defined() ? kind_of(index) : PoolIndex::kNone;
    run<&Backend::pool, &PoolKernels::max>("max_pool2d", input.device(), pooling.args, x.ptr(),
                                           out.ptr(), kind,
                                           index.defined() ? index.ptr() : nullptr);
  }
  return out;
}

// ---- Averages.

struct Average {
  bool count_padding;
  int64_t divisor;  // 0: the number of elements counted
};

Tensor average_backward(const Tensor& grad, const Pooling& pooling, Average average);

Tensor average_windows(const Tensor& input, const Pooling& pooling, Average average) {
  const Tensor x = operand(input, pooling);
  const Tensor out = result(pooling.out_shape, pooling, input.dtype(), input);
  if (out.numel() > 0) {
    run<&Backend::pool, &PoolKernels::average>("avg_pool2d", input.device(), pooling.args,
                                               average.count_padding, average.divisor, x.ptr(),
                                               out.ptr());
  }
  return record("AvgPool2DBackward0", {&input}, out, [&](Saver&) {
    return
        [pooling, average](Grads& g) { g.out[0] = average_backward(g.grad(), pooling, average); };
  });
}

Tensor average_backward(const Tensor& grad, const Pooling& pooling, Average average) {
  const Tensor from = operand(grad, pooling);
  const Tensor out = result(pooling.in_shape, pooling, grad.dtype(), grad);
  if (out.numel() > 0) {
    run<&Backend::pool, &PoolKernels::average_backward>("avg_pool2d_backward", grad.device(),
                                                        pooling.args, average.count_padding,
                                                        average.divisor, from.ptr(), out.ptr());
  }
  return record("AvgPool2DBackwardBackward0", {&grad}, out, [&](Saver&) {
    return [pooling, average](Grads& g) { g.out[0] = average_windows(g.grad(), pooling, average); };
  });
}

Tensor adaptive_average_backward(const Tensor& grad, const Pooling& pooling);

Tensor adaptive_average(const Tensor& input, const Pooling& pooling) {
  const Tensor x = operand(input, pooling);
  const Tensor out = result(pooling.out_shape, pooling, input.dtype(), input);
  if (out.numel() > 0) {
    run<&Backend::pool, &PoolKernels::adaptive_average>("adaptive_avg_pool2d", input.device(),
                                                        pooling.args, x.ptr(), out.ptr());
  }
  return record("AdaptiveAvgPool2DBackward0", {&input}, out, [&](Saver&) {
    return [pooling](Grads& g) { g.out[0] = adaptive_average_backward(g.grad(), pooling); };
  });
}

Tensor adaptive_average_backward(const Tensor& grad, const Pooling& pooling) {
  const Tensor from = operand(grad, pooling);
  const Tensor out = result(pooling.in_shape, pooling, grad.dtype(), grad);
  if (out.numel() > 0) {
    run<&Backend::pool, &PoolKernels::adaptive_average_backward>(
        "adaptive_avg_pool2d_backward", grad.device(), pooling.args, from.ptr(), out.ptr());
  }
  return record("AdaptiveAvgPool2DBackwardBackward0", {&grad}, out, [&](Saver&) {
    return [pooling](Grads& g) { g.out[0] = adaptive_average(g.grad(), pooling); };
  });
}

// The single number of a one-dimensional parameter.
int64_t one_int(const char* op, const char* name, const Dims& values) {
  TALLOW_CHECK(values.size() == 1, op, "() argument '", name, "' should contain one int (got ",
               values.size(), ")");
  return values[0];
}

void check_sequence(const char* op, const Tensor& input) {
  TALLOW_CHECK(input.dim() == 2 || input.dim() == 3, "Expected 2 to 3 dimensions, but got ",
               input.dim(),
               "-dimensional tensor for argument #1 'self' (while checking arguments "
               "for ",
               op, ")");
}

// A sequence as an image of height 1, and back.
Tensor as_image(const Tensor& sequence) { return unsqueeze(sequence, -2); }
Tensor as_sequence(const Tensor& image) { return squeeze_dims(image, {-2}); }

}  // namespace

Tensor max_pool2d(const Tensor& input, const Dims& kernel_size, const Dims& stride,
                  const Dims& padding, const Dims& dilation, bool ceil_mode) {
  check_image(input);
  const Pooling pooling =
      describe_windows("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode);
  Tensor index;
  if (should_record({&input})) {
    const bool fits_byte = pooling.args.kernel[0] * pooling.args.kernel[1] <= 256;
    index = result(pooling.out_shape, pooling, fits_byte ? DType::kUInt8 : DType::kInt64, input);
  }
  return record("MaxPool2DWithIndicesBackward0", {&input}, run_max(input, pooling, index),
                [&](Saver& save) {
                  return [at = save(index, "result1"), pooling](Grads& g) {
                    g.out[0] = max_backward(g.grad(), g[at], pooling);
                  };
                });
}

std::tuple<Tensor, Tensor> max_pool2d_with_indices(const Tensor& input, const Dims& kernel_size,
                                                   const Dims& stride, const Dims& padding,
                                                   const Dims& dilation, bool ceil_mode) {
  check_image(input);
  const Pooling pooling =
      describe_windows("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode);
  const Tensor index = result(pooling.out_shape, pooling, DType::kInt64, input);
  const Tensor out = run_max(input, pooling, index);
  record("MaxPool2DWithIndicesBackward0", {&input}, {&out, &index}, [&](Saver& save) {
    return [at = save.output(index, "result1", 1), pooling](Grads& g) {
      g.out[0] = max_backward(g.grad(), g[at], pooling);
    };
  });
  return {out, index};
}

namespace {

// The checks of max_pool1d, which has messages of its own.
void check_max_pool1d(const Tensor& input, const Dims& kernel_size, const Dims& stride,
                      const Dims& padding, const Dims& dilation, bool ceil_mode) {
  TALLOW_CHECK((input.dim() == 2 || input.dim() == 3) && input.size(-2) > 0 && input.size(-1) > 0,
               "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size "
               "for input, but got:",
               input.sizes());
  const auto check_count = [](const char* name, const Dims& values) {
    TALLOW_CHECK(values.size() == 1, "max_pool1d() ", name,
                 " must be an int, list of ints or tuple of ints of size 1 but got size ",
                 values.size());
  };
  check_count("kernel_size", kernel_size);
  if (!stride.empty()) check_count("stride", stride);
  check_count("padding", padding);
  check_count("dilation", dilation);
  const int64_t kernel = kernel_size[0], step = stride.empty() ? kernel : stride[0];
  TALLOW_CHECK(kernel > 0, "max_pool1d() kernel_size must be greater than zero, but got ", kernel);
  TALLOW_CHECK(step > 0, "max_pool1d() stride must be greater than zero, but got ", step);
  TALLOW_CHECK(padding[0] >= 0, "max_pool1d() padding must be non-negative, but got ", padding[0]);
  TALLOW_CHECK(padding[0] <= kernel / 2,
               "max_pool1d() padding should be at most half of kernel size, but got padding=",
               padding[0], " and kernel_size=", kernel);
  TALLOW_CHECK(dilation[0] > 0, "max_pool1d() dilation must be greater than zero, but got ",
               dilation[0]);
  const int64_t out = pooled_size(input.size(-1), kernel, step, padding[0], dilation[0], ceil_mode);
  TALLOW_CHECK(out > 0, "max_pool1d() Invalid computed output size: ", out);
}

Dims after(int64_t first, const Dims& values) {
  return values.empty() ? values : Dims{first, values[0]};
}

}  // namespace

Tensor max_pool1d(const Tensor& input, const Dims& kernel_size, const Dims& stride,
                  const Dims& padding, const Dims& dilation, bool ceil_mode) {
  check_max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode);
  return as_sequence(max_pool2d(as_image(input), after(1, kernel_size), after(1, stride),
                                after(0, padding), after(1, dilation), ceil_mode));
}

std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& input, const Dims& kernel_size,
                                                   const Dims& stride, const Dims& padding,
                                                   const Dims& dilation, bool ceil_mode) {
  // PyTorch's words differ from those of max_pool1d: they are those of images.
  check_sequence("max_pool1d", input);
  const int64_t kernel = one_int("max_pool1d", "kernel_size", kernel_size);
  const int64_t step = stride.empty() ? kernel : one_int("max_pool1d", "stride", stride);
  const auto [out, index] = max_pool2d_with_indices(
      as_image(input), {1, kernel}, {1, step}, {0, one_int("max_pool1d", "padding", padding)},
      {1, one_int("max_pool1d", "dilation", dilation)}, ceil_mode);
  return {as_sequence(out), as_sequence(index)};
}

Tensor avg_pool2d(const Tensor& input, const Dims& kernel_size, const Dims& stride,
                  const Dims& padding, bool ceil_mode, bool count_include_pad,
                  std::optional<int64_t> divisor_override) {
  TALLOW_CHECK(!divisor_override || *divisor_override != 0, "divisor must be not zero");
  input.size(-3);
  check_image(input);
  const Pooling pooling =
      describe_windows("avg_pool2d", input, kernel_size, stride, padding, {1}, ceil_mode);
  return average_windows(input, pooling, {count_include_pad, divisor_override.value_or(0)});
}

Tensor avg_pool1d(const Tensor& input, const Dims& kernel_size, const Dims& stride,
                  const Dims& padding, bool ceil_mode, bool count_include_pad) {
  check_sequence("avg_pool1d", input);
  const int64_t kernel = one_int("avg_pool1d", "kernel_size", kernel_size);
  const int64_t step = stride.empty() ? kernel : one_int("avg_pool1d", "stride", stride);
  return as_sequence(avg_pool2d(as_image(input), {1, kernel}, {1, step},
                                {0, one_int("avg_pool1d", "padding", padding)}, ceil_mode,
                                count_include_pad, std::nullopt));
}

Tensor adaptive_avg_pool2d(const Tensor& input, const Dims& output_size) {
  TALLOW_CHECK(is_pair(output_size), "adaptive_avg_pool2d: output_size must be 2");
  TALLOW_CHECK(output_size[0] >= 0 && output_size.back() >= 0,
               "adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 "
               "but received {",
               output_size[0], ", ", output_size.back(), "}");
  const Pooling pooling = describe_adaptive("adaptive_avg_pool2d", "", input, output_size);
  if (output_size[0] == 1 && output_size.back() == 1) {
    const Tensor mean = mean_dims(input, {-1, -2}, true);
    if (pooling.channels_last) {
      const Dims sizes = mean.sizes();  // of one pixel: the same elements either way
      mean.impl()->set_geometry(sizes, strides_in_order(sizes, true), mean.impl()->offset);
    }
    return mean;
  }
  return adaptive_average(input, pooling);
}

Tensor adaptive_avg_pool1d(const Tensor& input, const Dims& output_size) {
  check_sequence("adaptive_avg_pool1d", input);
  const int64_t size = one_int("adaptive_avg_pool1d", "output_size", output_size);
  return as_sequence(adaptive_avg_pool2d(as_image(input), {1, size}));
}

std::tuple<Tensor, Tensor> adaptive_max_pool2d(const Tensor& input, const Dims& output_size) {
  TALLOW_CHECK(is_pair(output_size),
               "adaptive_max_pool2d(): internal error: output_size.size() must be 2");
  const Pooling pooling = describe_adaptive("adaptive_max_pool2d", ":", input, output_size);
  for (const int64_t size : output_size) {
    TALLOW_CHECK(size >= 0, "Trying to create tensor with negative dimension ", size, ": ",
                 pooling.out_shape);
  }
  const Tensor x = operand(input, pooling);
  const Tensor out = result(pooling.out_shape, pooling, input.dtype(), input);
  const Tensor index = result(pooling.out_shape, pooling, DType::kInt64, input);
  if (out.numel() > 0) {
    run<&Backend::pool, &PoolKernels::adaptive_max>("adaptive_max_pool2d", input.device(),
                                                    pooling.args, x.ptr(), out.ptr(),
                                                    index.data<int64_t>());
  }
  record("AdaptiveMaxPool2DBackward0", {&input}, {&out, &index}, [&](Saver& save) {
    return [at = save.output(index, "result1", 1), pooling](Grads& g) {
      g.out[0] = max_backward(g.grad(), g[at], pooling);
    };
  });
  return {out, index};
}

std::tuple<Tensor, Tensor> adaptive_max_pool1d(const Tensor& input, const Dims& output_size) {
  check_sequence("adaptive_max_pool1d", input);
  const int64_t size = one_int("adaptive_max_pool1d", "output_size", output_size);
  const auto [out, index] = adaptive_max_pool2d(as_image(input), {1, size});
  return {as_sequence(out), as_sequence(index)};
}

}  // namespace tallow::ops
