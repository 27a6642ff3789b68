// Who computes a matrix product or a convolution: a library of NVIDIA's where it can, else our own
// kernels. The choice depends on types, shapes, strides and alignment alone.
#include "cuda/kernels/table.h"
#include "cuda/lib/vendor.h"
#include "cuda/status.h"

namespace tallow::cuda {

namespace {

// tensor (batch, channels, pixels) += bias (channels), the channels behind the pixels if `last`.
Status add_bias(DType dtype, int64_t batch, int64_t channels, const int64_t (&size)[2], bool last,
                const void* bias, void* tensor) {
  const int64_t pixels = size[0] * size[1];
  Strided<3> at = {};
  at.data[0] = at.data[1] = tensor;
  at.data[2] = const_cast<void*>(bias);
  at.numel = batch * channels * pixels;
  at.ndim = 3;
  const int channel = last ? 2 : 1;  // its dimension, in the order of memory
  at.size[0] = batch;
  at.size[channel] = channels;
  at.size[3 - channel] = pixels;
  for (int k = 0; k < 2; ++k) {
    at.stride[k][0] = channels * pixels;
    at.stride[k][1] = at.size[2];
    at.stride[k][2] = 1;
  }
  at.stride[2][channel] = 1;
  const DType dtypes[3] = {dtype, dtype, dtype};
  return binary(BinaryOp::kAdd, dtype, at, dtypes, nullptr);
}

Status forward(const ConvArgs& args, const void* input, const void* weight, const void* bias,
               void* output) {
  bool done = false;
  TALLOW_CUDA_TRY(conv_by_cudnn(ConvKind::kForward, args, {input, weight, output}, &done));
  if (!done) return conv_by_kernel().forward(args, input, weight, bias, output);
  if (!bias) return Status::kOk;
  return add_bias(args.dtype, args.batch, args.out_channels, args.out_size, args.output_last, bias,
                  output);
}

Status grad_input(const ConvArgs& args, const void* output, const void* weight, const void* bias,
                  void* input) {
  bool done = false;
  TALLOW_CUDA_TRY(conv_by_cudnn(ConvKind::kGradInput, args, {input, weight, output}, &done));
  if (!done) return conv_by_kernel().grad_input(args, output, weight, bias, input);
  if (!bias) return Status::kOk;
  return add_bias(args.dtype, args.batch, args.in_channels, args.in_size, args.input_last, bias,
                  input);
}

Status grad_weight(const ConvArgs& args, const void* input, const void* output, void* weight) {
  bool done = false;
  TALLOW_CUDA_TRY(conv_by_cudnn(ConvKind::kGradWeight, args, {input, weight, output}, &done));
  return done ? Status::kOk : conv_by_kernel().grad_weight(args, input, output, weight);
}

}  // namespace

Status matmul(const MatmulArgs& args) {
  bool done = false;
  TALLOW_CUDA_TRY(matmul_by_cublaslt(args, &done));
  return done ? Status::kOk : matmul_by_kernel(args);
}

void fill_conv(ConvKernels& table) { table = {forward, grad_input, grad_weight}; }

}  // namespace tallow::cuda
