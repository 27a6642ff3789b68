// What the plugin uses of cuDNN 9's backend interface, declared here so that its headers are not
// needed. tests/cuda/test_vendor_wheels.py compares the numbers with NVIDIA's where those are.
// Source: cudnn_graph.h and cudnn_ops.h of cuDNN 9.19, for names, numbers and types.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace tallow::cuda::cudnn {

// cudnnStatus_t: of those that tell of a failure the thousands are the kind.
enum Result : int { kSuccess = 0, kBadParameter = 2000, kNotSupported = 3000 };
// cudnnDataType_t
enum Type : int { kFloat = 0, kDouble = 1, kHalf = 2, kBFloat16 = 9 };
// cudnnConvolutionMode_t
enum Mode : int { kCrossCorrelation = 1 };
// cudnnBackendHeurMode_t
enum Heuristic : int { kHeuristicFallback = 2, kHeuristicA = 3 };
// cudnnBackendNumericalNote_t
enum Note : int {
  kTensorCore = 0,
  kDownConvertInputs = 1,
  kReducedPrecisionReduction = 2,
  kFft = 3,
  kNondeterministic = 4,
  kWinograd = 5,
  kNotes = 10,
};
// cudnnBackendDescriptorType_t
enum Kind : int {
  kConvolution = 1,
  kEngine = 2,
  kEngineConfig = 3,
  kEngineHeuristic = 4,
  kExecutionPlan = 5,
  kForward = 10,
  kBackwardFilter = 11,
  kBackwardData = 12,
  kOperationGraph = 15,
  kVariantPack = 16,
  kTensor = 17,
  kDevice = 38,
};
// cudnnBackendAttributeType_t
enum Value : int {
  kHandle = 0,
  kDataType = 1,
  kInt64 = 3,
  kFloatValue = 4,
  kDoubleValue = 5,
  kPointer = 6,
  kConvolutionMode = 7,
  kHeuristicMode = 8,
  kNumericalNote = 11,
  kDescriptor = 15,
  kChar = 24,
};
// cudnnBackendAttributeName_t
enum Attribute : int {
  kConvolutionComputeType = 100,
  kConvolutionConvMode = 101,
  kConvolutionDilations = 102,
  kConvolutionStrides = 103,
  kConvolutionPostPaddings = 104,
  kConvolutionPrePaddings = 105,
  kConvolutionSpatialDims = 106,
  kHeuristicModeOf = 200,
  kHeuristicGraph = 201,
  kHeuristicResults = 202,
  kHeuristicDevice = 204,
  kConfigEngine = 300,
  kPlanHandle = 400,
  kPlanConfig = 401,
  kPlanWorkspace = 402,
  kPlanDevice = 407,
  kForwardAlpha = 700,
  kForwardBeta = 701,
  kForwardConvolution = 702,
  kForwardWeight = 703,
  kForwardInput = 704,
  kForwardOutput = 705,
  kBackwardDataAlpha = 706,
  kBackwardDataBeta = 707,
  kBackwardDataConvolution = 708,
  kBackwardDataWeight = 709,
  kBackwardDataInput = 710,
  kBackwardDataOutput = 711,
  kBackwardFilterAlpha = 712,
  kBackwardFilterBeta = 713,
  kBackwardFilterConvolution = 714,
  kBackwardFilterWeight = 715,
  kBackwardFilterInput = 716,
  kBackwardFilterOutput = 717,
  kGraphHandle = 800,
  kGraphOperations = 801,
  kTensorAlignment = 900,
  kTensorType = 901,
  kTensorSizes = 902,
  kTensorStrides = 903,
  kTensorId = 906,
  kPackIds = 1000,
  kPackPointers = 1001,
  kPackWorkspace = 1003,
  kEngineNotes = 1303,
  kDeviceText = 2702,
};

using Handle = struct HandleTag*;
using Descriptor = void*;

// F(name without "cudnn", result, parameters)
#define TALLOW_CUDNN_FUNCTIONS(F)                                                          \
  F(GetVersion, std::size_t, ())                                                           \
  F(GetErrorString, const char*, (Result))                                                 \
  F(Create, Result, (Handle*))                                                             \
  F(SetStream, Result, (Handle, cudaStream_t))                                             \
  F(BackendCreateDescriptor, Result, (Kind, Descriptor*))                                  \
  F(BackendDestroyDescriptor, Result, (Descriptor))                                        \
  F(BackendSetAttribute, Result, (Descriptor, Attribute, Value, int64_t, const void*))     \
  F(BackendGetAttribute, Result, (Descriptor, Attribute, Value, int64_t, int64_t*, void*)) \
  F(BackendFinalize, Result, (Descriptor))                                                 \
  F(BackendExecute, Result, (Handle, Descriptor, Descriptor))

struct Api {
#define TALLOW_DECLARE(name, result, parameters) result(*name) parameters;
  TALLOW_CUDNN_FUNCTIONS(TALLOW_DECLARE)
#undef TALLOW_DECLARE
};

}  // namespace tallow::cuda::cudnn
