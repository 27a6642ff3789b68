// Matrix products and convolutions by NVIDIA's libraries, where those can do them; the entries of
// the kernel table fall back to the plugin's own kernels.
#pragma once

#include <cstdint>
#include <string>

#include "backend/conv.h"
#include "backend/matmul.h"

namespace tallow::cuda {

// `done` says whether the product has been queued; if not, nothing has happened.
[[nodiscard]] Status matmul_by_cublaslt(const MatmulArgs& args, bool* done);

enum class ConvKind : uint8_t { kForward, kGradInput, kGradWeight };
// The three tensors of a convolution; the kind says which one is written. No bias.
struct ConvTensors {
  const void* input;
  const void* weight;
  const void* output;
};
[[nodiscard]] Status conv_by_cudnn(ConvKind kind, const ConvArgs& args, const ConvTensors& tensors,
                                   bool* done);

// The versions as the libraries count them, 0 if they cannot be used: `why` says it.
int64_t cublaslt_version(std::string* why);
int64_t cudnn_version(std::string* why);
int64_t nccl_version(std::string* why);

// Switches of the user, MathOption bits of backend/plugin.h.
uint32_t math_options();

}  // namespace tallow::cuda
