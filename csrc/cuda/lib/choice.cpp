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

// Is a convolution of single pixels whose channels are neighbours in memory, which is a product of
// matrices of positions, input channels and output channels?
bool is_product(const ConvArgs& args) {
  bool single = args.groups == 1 && args.input_last && args.output_last;
  for (int d = 0; d < 2; ++d) {
    single = single && args.kernel[d] == 1 && args.stride[d] == 1 && args.padding[d] == 0;
  }
  return single;
}

MatmulArgs as_product(ConvKind kind, const ConvArgs& args, const ConvTensors& tensors,
                      const void* bias) {
  const int64_t positions = args.batch * args.out_size[0] * args.out_size[1];
  const int64_t in = args.in_channels, out = args.out_channels;
  const auto plain = [](const void* data, int64_t width) {
    return MatmulOperand{data, {0, 0, width, 1}};
  };
  const auto transposed = [](const void* data, int64_t width) {
    return MatmulOperand{data, {0, 0, 1, width}};
  };
  MatmulArgs p = {};
  p.dtype = args.dtype;
  p.batch[0] = p.batch[1] = 1;
  const void* c = nullptr;
  switch (kind) {
    case ConvKind::kForward:
      p.m = positions, p.n = out, p.k = in;
      p.a = plain(tensors.input, in), p.b = transposed(tensors.weight, in), c = tensors.output;
      break;
    case ConvKind::kGradInput:
      p.m = positions, p.n = in, p.k = out;
      p.a = plain(tensors.output, out), p.b = plain(tensors.weight, in), c = tensors.input;
      break;
    case ConvKind::kGradWeight:
      p.m = out, p.n = in, p.k = positions;
      p.a = transposed(tensors.output, out), p.b = plain(tensors.input, in), c = tensors.weight;
      break;
  }
  p.init = {bias, {0, 0, 0, 1}};
  p.c = const_cast<void*>(c);
  p.c_stride[2] = p.n;
  p.alpha = 1;
  p.beta = bias ? 1 : 0;
  return p;
}

// By cuDNN, or by cuBLASLt what is a product of half types, and other products that cuDNN cannot
// do. The bias belongs to the channels of the tensor that is written.
Status conv_by_library(ConvKind kind, const ConvArgs& args, const ConvTensors& tensors,
                       const void* bias, bool* done) {
  *done = false;
  const bool product = is_product(args);
  const bool half = args.dtype == DType::kFloat16 || args.dtype == DType::kBFloat16;
  if (product && half) {
    TALLOW_CUDA_TRY(matmul_by_cublaslt(as_product(kind, args, tensors, bias), done));
    if (*done) return Status::kOk;
  }
  TALLOW_CUDA_TRY(conv_by_cudnn(kind, args, tensors, done));
  if (!*done && product && !half) {
    return matmul_by_cublaslt(as_product(kind, args, tensors, bias), done);
  }
  if (!*done || !bias) return Status::kOk;
  return kind == ConvKind::kForward
             ? add_bias(args.dtype, args.batch, args.out_channels, args.out_size, args.output_last,
                        bias, const_cast<void*>(tensors.output))
             : add_bias(args.dtype, args.batch, args.in_channels, args.in_size, args.input_last,
                        bias, const_cast<void*>(tensors.input));
}

Status forward(const ConvArgs& args, const void* input, const void* weight, const void* bias,
               void* output) {
  bool done = false;
  TALLOW_CUDA_TRY(conv_by_library(ConvKind::kForward, args, {input, weight, output}, bias, &done));
  return done ? Status::kOk : conv_by_kernel().forward(args, input, weight, bias, output);
}

Status grad_input(const ConvArgs& args, const void* output, const void* weight, const void* bias,
                  void* input) {
  bool done = false;
  TALLOW_CUDA_TRY(
      conv_by_library(ConvKind::kGradInput, args, {input, weight, output}, bias, &done));
  return done ? Status::kOk : conv_by_kernel().grad_input(args, output, weight, bias, input);
}

Status grad_weight(const ConvArgs& args, const void* input, const void* output, void* weight) {
  bool done = false;
  TALLOW_CUDA_TRY(
      conv_by_library(ConvKind::kGradWeight, args, {input, weight, output}, nullptr, &done));
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
