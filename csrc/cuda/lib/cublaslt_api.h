// What the plugin uses of cuBLASLt 13, declared here so that its headers are not needed.
// tests/cuda/test_vendor_wheels.py compares the numbers with NVIDIA's headers where those are.
// Source: cublasLt.h, cublas_api.h and library_types.h of CUDA 13, for names, numbers and types.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace tallow::cuda::cublaslt {

// cublasStatus_t
enum Result : int {
  kSuccess = 0,
  kNotInitialized = 1,
  kAllocFailed = 3,
  kInvalidValue = 7,
  kArchMismatch = 8,
  kExecutionFailed = 13,
  kInternalError = 14,
  kNotSupported = 15,
};
// cudaDataType
enum Type : int {
  kFloat = 0,
  kDouble = 1,
  kHalf = 2,
  kComplexFloat = 4,
  kComplexDouble = 5,
  kBFloat16 = 14,
};
// cublasComputeType_t
enum Compute : int { kCompute32 = 68, kCompute64 = 70, kCompute32FastTf32 = 77 };
// cublasOperation_t
enum Operation : int32_t { kPlain = 0, kTransposed = 1 };
// cublasLtMatrixLayoutAttribute_t: int32_t, int64_t
enum LayoutAttribute : int { kBatchCount = 5, kBatchStride = 6 };
// cublasLtMatmulDescAttributes_t: int32_t, int32_t, uint32_t, a device pointer
enum ProductAttribute : int {
  kTransposeA = 3,
  kTransposeB = 4,
  kEpilogue = 7,
  kBiasPointer = 8,
};
// cublasLtEpilogue_t
enum Epilogue : uint32_t { kNoEpilogue = 1, kAddBias = 4 };
// cublasLtMatmulPreferenceAttributes_t: uint64_t, then uint32_t
enum PreferenceAttribute : int {
  kMaxWorkspace = 1,
  kReductionSchemes = 3,
  kMinAlignmentA = 5,
  kMinAlignmentB = 6,
  kMinAlignmentC = 7,
  kMinAlignmentD = 8,
};
// cublasLtReductionScheme_t, as a mask: partial sums of a long product are kept in the type of
// computation and added in a fixed order, or there are none.
inline constexpr uint32_t kReduceInComputeType = 2;

using Handle = struct HandleTag*;
using Product = struct ProductTag*;        // cublasLtMatmulDesc_t
using Layout = struct LayoutTag*;          // cublasLtMatrixLayout_t
using Preference = struct PreferenceTag*;  // cublasLtMatmulPreference_t

struct Algorithm {  // cublasLtMatmulAlgo_t
  uint64_t data[8];
};
struct Heuristic {  // cublasLtMatmulHeuristicResult_t
  Algorithm algorithm;
  std::size_t workspace;
  Result state;
  float waves;
  int reserved[4];
};

// F(name without "cublasLt", result, parameters)
#define TALLOW_CUBLASLT_FUNCTIONS(F)                                                       \
  F(GetVersion, std::size_t, ())                                                           \
  F(GetStatusName, const char*, (Result))                                                  \
  F(Create, Result, (Handle*))                                                             \
  F(MatmulDescCreate, Result, (Product*, Compute, Type))                                   \
  F(MatmulDescSetAttribute, Result, (Product, ProductAttribute, const void*, std::size_t)) \
  F(MatmulDescDestroy, Result, (Product))                                                  \
  F(MatrixLayoutCreate, Result, (Layout*, Type, uint64_t, uint64_t, int64_t))              \
  F(MatrixLayoutSetAttribute, Result, (Layout, LayoutAttribute, const void*, std::size_t)) \
  F(MatrixLayoutDestroy, Result, (Layout))                                                 \
  F(MatmulPreferenceCreate, Result, (Preference*))                                         \
  F(MatmulPreferenceSetAttribute, Result,                                                  \
    (Preference, PreferenceAttribute, const void*, std::size_t))                           \
  F(MatmulPreferenceDestroy, Result, (Preference))                                         \
  F(MatmulAlgoGetHeuristic, Result,                                                        \
    (Handle, Product, Layout, Layout, Layout, Layout, Preference, int, Heuristic*, int*))  \
  F(Matmul, Result,                                                                        \
    (Handle, Product, const void*, const void*, Layout, const void*, Layout, const void*,  \
     const void*, Layout, void*, Layout, const Algorithm*, void*, std::size_t, cudaStream_t))

struct Api {
#define TALLOW_DECLARE(name, result, parameters) result(*name) parameters;
  TALLOW_CUBLASLT_FUNCTIONS(TALLOW_DECLARE)
#undef TALLOW_DECLARE
};

}  // namespace tallow::cuda::cublaslt
