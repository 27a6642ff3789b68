#include "ops/grid_sample.h"

#include "autograd/grad_mode.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/kernel.h"

namespace tallow::ops {

namespace {

SampleArgs sample_args(const Tensor& input, const Tensor& grid, int64_t mode, int64_t padding,
                       bool align_corners) {
  const int64_t ndim = input.dim() - 2;
  TALLOW_CHECK((ndim == 2 || ndim == 3) && grid.dim() == input.dim() &&
                   grid.sizes()[0] == input.sizes()[0] && grid.size(-1) == ndim &&
                   grid.dtype() == input.dtype(),
               "_grid_sample(): expected input (N, C, H, W) or (N, C, D, H, W) and grid (N, "
               "places..., 2 or 3) of the same type, got sizes ",
               input.sizes(), " and ", grid.sizes());
  const bool cubic = mode == static_cast<int64_t>(SampleMode::kCubic);
  TALLOW_CHECK(mode >= 0 && mode <= 2 && padding >= 0 && padding <= 2 && !(cubic && ndim == 3),
               "_grid_sample(): mode ", mode, " or padding ", padding, " is out of range");
  SampleArgs args{input.dtype(),
                  static_cast<SampleMode>(mode),
                  static_cast<SamplePadding>(padding),
                  align_corners,
                  static_cast<int>(ndim),
                  input.sizes()[0],
                  input.sizes()[1],
                  1,
                  {1, 1, 1}};
  int64_t elements = 1;
  for (int64_t d = 0; d < ndim; ++d) {
    args.points *= grid.sizes()[d + 1];
    args.size[d] = input.sizes()[d + 2];
    elements *= args.size[d];
  }
  TALLOW_CHECK(elements > 0 && elements <= INT32_MAX,
               "grid_sampler(): expected input to have non-empty spatial dimensions, and fewer "
               "than 2^31 elements per channel, but input has sizes ",
               input.sizes());
  return args;
}

}  // namespace

Tensor grid_sample(const Tensor& input, const Tensor& grid, int64_t mode, int64_t padding,
                   bool align_corners) {
  const NoGradGuard no_grad;
  const SampleArgs args = sample_args(input, grid, mode, padding, align_corners);
  const Tensor x = contiguous(input);
  const Tensor places = contiguous(grid);
  Dims shape = input.sizes();
  for (int64_t d = 2; d < input.dim(); ++d) shape[d] = grid.sizes()[d - 1];
  const Tensor out = empty(shape, input.dtype(), input.device());
  run<&Backend::index, &IndexKernels::sample>("grid_sampler", input.device(), args, out.ptr(),
                                              x.ptr(), places.ptr());
  return out;
}

std::tuple<Tensor, Tensor> grid_sample_backward(const Tensor& grad, const Tensor& input,
                                                const Tensor& grid, int64_t mode, int64_t padding,
                                                bool align_corners, bool input_too, bool grid_too) {
  const NoGradGuard no_grad;
  const SampleArgs args = sample_args(input, grid, mode, padding, align_corners);
  TALLOW_CHECK(
      grad.dtype() == input.dtype() && grad.numel() == args.batch * args.channels * args.points,
      "_grid_sample_backward(): the gradient has sizes ", grad.sizes());
  const Tensor dense = contiguous(grad);
  const Tensor x = contiguous(input);
  const Tensor places = contiguous(grid);
  const Tensor to_input =
      input_too ? zeros(input.sizes(), input.dtype(), input.device()) : Tensor();
  const Tensor to_grid = grid_too ? empty(grid.sizes(), grid.dtype(), grid.device()) : Tensor();
  run<&Backend::index, &IndexKernels::sample_backward>(
      "grid_sampler", input.device(), args, input_too ? to_input.ptr() : nullptr,
      grid_too ? to_grid.ptr() : nullptr, dense.ptr(), x.ptr(), places.ptr());
  return {to_input, to_grid};
}

}  // namespace tallow::ops
