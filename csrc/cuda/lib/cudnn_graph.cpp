#include "cuda/lib/cudnn_graph.h"

namespace tallow::cuda::cudnn {

namespace {

constexpr int64_t kLargestWorkspace = int64_t{1} << 30;

// A dense tensor of four dimensions.
Owned tensor(const Api& api, TensorId id, const ConvKey& key, const int64_t (&sizes)[4]) {
  const bool last = key.last[id - 1] != 0;
  const int64_t pixel = last ? sizes[1] : 1;
  const int64_t strides[4] = {sizes[1] * sizes[2] * sizes[3], last ? 1 : sizes[2] * sizes[3],
                              sizes[3] * pixel, pixel};
  Owned result(api, kTensor);
  result.set(kTensorType, kDataType, static_cast<Type>(key.type));
  result.set(kTensorSizes, kInt64, 4, sizes);
  result.set(kTensorStrides, kInt64, 4, strides);
  result.set(kTensorId, kInt64, int64_t{id});
  result.set(kTensorAlignment, kInt64, key.alignment[id - 1]);
  result.finalize();
  return result;
}

Owned convolution(const Api& api, const ConvKey& key) {
  Owned result(api, kConvolution);
  const Type compute = key.type == kDouble ? kDouble : kFloat;
  result.set(kConvolutionComputeType, kDataType, compute);
  result.set(kConvolutionConvMode, kConvolutionMode, kCrossCorrelation);
  result.set(kConvolutionSpatialDims, kInt64, int64_t{2});
  result.set(kConvolutionPrePaddings, kInt64, 2, key.padding);
  result.set(kConvolutionPostPaddings, kInt64, 2, key.padding);
  result.set(kConvolutionStrides, kInt64, 2, key.stride);
  result.set(kConvolutionDilations, kInt64, 2, key.dilation);
  result.finalize();
  return result;
}

// The names of an operation's attributes.
struct OperationNames {
  Kind kind;
  Attribute alpha, beta, convolution, input, weight, output;
};

OperationNames names_of(ConvKind kind) {
  switch (kind) {
    case ConvKind::kForward:
      return {cudnn::kForward, kForwardAlpha,  kForwardBeta,  kForwardConvolution,
              kForwardInput,   kForwardWeight, kForwardOutput};
    case ConvKind::kGradInput:
      return {kBackwardData,      kBackwardDataAlpha,  kBackwardDataBeta,  kBackwardDataConvolution,
              kBackwardDataInput, kBackwardDataWeight, kBackwardDataOutput};
    default:
      return {kBackwardFilter,      kBackwardFilterAlpha,
              kBackwardFilterBeta,  kBackwardFilterConvolution,
              kBackwardFilterInput, kBackwardFilterWeight,
              kBackwardFilterOutput};
  }
}

Owned operation(const Api& api, const ConvKey& key, const std::vector<Owned>& parts) {
  const OperationNames names = names_of(static_cast<ConvKind>(key.kind));
  Owned result(api, names.kind);
  if (key.type == kDouble) {
    result.set(names.alpha, kDoubleValue, 1.0);
    result.set(names.beta, kDoubleValue, 0.0);
  } else {
    result.set(names.alpha, kFloatValue, 1.0f);
    result.set(names.beta, kFloatValue, 0.0f);
  }
  result.set(names.input, kDescriptor, parts[0].get());
  result.set(names.weight, kDescriptor, parts[1].get());
  result.set(names.output, kDescriptor, parts[2].get());
  result.set(names.convolution, kDescriptor, parts[3].get());
  result.finalize();
  return result;
}

// Results must be the same in every run, half types sum in float32, and float32 is float32 unless
// the user said otherwise.
bool acceptable(const Api& api, const Owned& config, const ConvKey& key) {
  Owned engine(api, kEngine);
  int64_t count = 0;
  Descriptor found_engine = engine.get();
  if (!engine.good() || api.BackendGetAttribute(config.get(), kConfigEngine, kDescriptor, 1, &count,
                                                &found_engine) != kSuccess) {
    return false;
  }
  Note notes[kNotes] = {};
  int64_t found = 0;
  if (api.BackendGetAttribute(found_engine, kEngineNotes, kNumericalNote, kNotes, &found, notes) !=
      kSuccess) {
    return false;
  }
  for (int64_t i = 0; i < found; ++i) {
    const Note note = notes[i];
    const bool rounds = note == kTensorCore && key.type == kFloat && !key.tf32;
    const bool other_sum = (note == kWinograd || note == kFft) && !key.winograd;
    if (note == kNondeterministic || note == kDownConvertInputs ||
        note == kReducedPrecisionReduction || rounds || other_sum) {
      return false;
    }
  }
  return true;
}

// The first of the configurations that a heuristic proposes, in the order of their expected speed,
// that is acceptable and makes a plan.
bool choose(const Api& api, const Place& place, const ConvKey& key, Descriptor graph,
            Heuristic mode, Plan* out) {
  Owned heuristic(api, kEngineHeuristic);
  if (place.device) heuristic.set(kHeuristicDevice, kDescriptor, place.device);
  heuristic.set(kHeuristicGraph, kDescriptor, graph);
  heuristic.set(kHeuristicModeOf, kHeuristicMode, mode);
  int64_t count = 0;
  if (!heuristic.finalize() || api.BackendGetAttribute(heuristic.get(), kHeuristicResults,
                                                       kDescriptor, 0, &count, nullptr)) {
    return false;
  }
  std::vector<Owned> configs;
  std::vector<Descriptor> results;
  for (int64_t i = 0; i < count; ++i) {
    configs.emplace_back(api, kEngineConfig);
    results.push_back(configs.back().get());
  }
  if (api.BackendGetAttribute(heuristic.get(), kHeuristicResults, kDescriptor, count, &count,
                              results.data()) != kSuccess) {
    return false;
  }
  for (Owned& config : configs) {
    if (!acceptable(api, config, key)) continue;
    Owned plan(api, kExecutionPlan);
    if (place.device) {
      plan.set(kPlanDevice, kDescriptor, place.device);
    } else {
      plan.set(kPlanHandle, kHandle, place.handle);
    }
    plan.set(kPlanConfig, kDescriptor, config.get());
    if (!plan.finalize()) continue;
    int64_t workspace = 0;
    int64_t one = 0;
    if (api.BackendGetAttribute(plan.get(), kPlanWorkspace, kInt64, 1, &one, &workspace) !=
            kSuccess ||
        workspace > kLargestWorkspace) {
      continue;
    }
    out->plan = plan.get();
    out->workspace = workspace;
    out->parts.push_back(std::move(config));
    out->parts.push_back(std::move(plan));
    return true;
  }
  return false;
}

}  // namespace

Plan make_plan(const Api& api, const Place& place, const ConvKey& key) {
  const int64_t input[4] = {key.batch, key.in_channels, key.in_size[0], key.in_size[1]};
  const int64_t weight[4] = {key.out_channels, key.in_channels / key.groups, key.kernel[0],
                             key.kernel[1]};
  const int64_t output[4] = {key.batch, key.out_channels, key.out_size[0], key.out_size[1]};
  Plan plan;
  std::vector<Owned>& parts = plan.parts;
  parts.push_back(tensor(api, kInputId, key, input));
  parts.push_back(tensor(api, kWeightId, key, weight));
  parts.push_back(tensor(api, kOutputId, key, output));
  parts.push_back(convolution(api, key));
  parts.push_back(operation(api, key, parts));
  Owned graph(api, kOperationGraph);
  if (!place.device) graph.set(kGraphHandle, kHandle, place.handle);
  graph.set(kGraphOperations, kDescriptor, parts.back().get());
  for (const Owned& part : parts) {
    if (!part.good()) return plan;
  }
  if (!graph.finalize()) return plan;
  const Descriptor whole = graph.get();
  parts.push_back(std::move(graph));
  if (!choose(api, place, key, whole, kHeuristicA, &plan)) {
    choose(api, place, key, whole, kHeuristicFallback, &plan);
  }
  return plan;
}

}  // namespace tallow::cuda::cudnn
