// An imitation of cuDNN 9's backend interface for the emulator: convolutions of two dimensions by
// the definition. Descriptors must have every attribute, of the right type and count, before they
// are finalized, and be finalized before they are used.
#include "cuda/lib/cudnn_api.h"

#include <map>
#include <memory>
#include <vector>

#include "core/half.h"
#include "imitation.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

using namespace tallow::cuda::cudnn;

namespace tallow::cuda::cudnn {
struct HandleTag {
  cudaStream_t stream = nullptr;
};
}  // namespace tallow::cuda::cudnn

namespace {

constexpr int64_t kWorkspace = 2048;

struct Field {
  Value type;
  int64_t count;
  std::vector<char> bytes;
};
struct Node {
  Kind kind;
  bool finished = false;
  std::map<int, Field> fields = {};
  int engine = -1;                  // of an engine or a configuration
  const Node* operation = nullptr;  // of a configuration

  template <class T>
  const T* get(int attribute) const {
    return reinterpret_cast<const T*>(fields.at(attribute).bytes.data());
  }
  const Node& node(int attribute) const { return **get<const Node*>(attribute); }
};

Node* node_of(Descriptor descriptor) { return static_cast<Node*>(descriptor); }

// The engines in the order in which the heuristic proposes them, with their notes.
const std::vector<std::vector<Note>>& engines() {
  static const std::vector<std::vector<Note>> all = {
      {kNondeterministic}, {kDownConvertInputs}, {kTensorCore}, {kTensorCore, kWinograd}, {}};
  return all;
}

struct Wanted {
  int attribute;
  Value type;
  int64_t count;
};

std::vector<Wanted> operation(int alpha, Value scale) {
  return {{alpha, scale, 1},           {alpha + 1, scale, 1},       {alpha + 2, kDescriptor, 1},
          {alpha + 3, kDescriptor, 1}, {alpha + 4, kDescriptor, 1}, {alpha + 5, kDescriptor, 1}};
}

bool is_double(const Node& node, int convolution) {
  return node.fields.count(convolution) &&
         *node.node(convolution).get<Type>(kConvolutionComputeType) == kDouble;
}

std::vector<Wanted> wanted(const Node& node) {
  switch (node.kind) {
    case kTensor:
      return {{kTensorType, kDataType, 1},
              {kTensorSizes, kInt64, 4},
              {kTensorStrides, kInt64, 4},
              {kTensorId, kInt64, 1},
              {kTensorAlignment, kInt64, 1}};
    case kConvolution:
      return {{kConvolutionComputeType, kDataType, 1}, {kConvolutionConvMode, kConvolutionMode, 1},
              {kConvolutionDilations, kInt64, 2},      {kConvolutionStrides, kInt64, 2},
              {kConvolutionPostPaddings, kInt64, 2},   {kConvolutionPrePaddings, kInt64, 2},
              {kConvolutionSpatialDims, kInt64, 1}};
    case kForward:
      return operation(kForwardAlpha,
                       is_double(node, kForwardConvolution) ? kDoubleValue : kFloatValue);
    case kBackwardData:
      return operation(kBackwardDataAlpha,
                       is_double(node, kBackwardDataConvolution) ? kDoubleValue : kFloatValue);
    case kBackwardFilter:
      return operation(kBackwardFilterAlpha,
                       is_double(node, kBackwardFilterConvolution) ? kDoubleValue : kFloatValue);
    case kOperationGraph:
      return {{kGraphHandle, kHandle, 1}, {kGraphOperations, kDescriptor, 1}};
    case kEngineHeuristic:
      return {{kHeuristicGraph, kDescriptor, 1}, {kHeuristicModeOf, kHeuristicMode, 1}};
    case kExecutionPlan:
      return {{kPlanHandle, kHandle, 1}, {kPlanConfig, kDescriptor, 1}};
    case kVariantPack:
      return {{kPackIds, kInt64, 3}, {kPackPointers, kPointer, 3}, {kPackWorkspace, kPointer, 1}};
    default:
      return {};
  }
}

std::size_t size_of(Value type) {
  return type == kInt64 || type == kDoubleValue || type == kHandle || type == kPointer ||
                 type == kDescriptor
             ? 8
             : 4;
}

double load(Type type, const void* data, int64_t i) {
  switch (type) {
    case kFloat:
      return static_cast<const float*>(data)[i];
    case kDouble:
      return static_cast<const double*>(data)[i];
    case kHalf:
      return static_cast<float>(static_cast<const tallow::Half*>(data)[i]);
    default:
      return static_cast<float>(static_cast<const tallow::BFloat16*>(data)[i]);
  }
}
void save(Type type, void* data, int64_t i, double value) {
  switch (type) {
    case kFloat:
      static_cast<float*>(data)[i] = static_cast<float>(value);
      break;
    case kDouble:
      static_cast<double*>(data)[i] = value;
      break;
    case kHalf:
      static_cast<tallow::Half*>(data)[i] = tallow::Half(static_cast<float>(value));
      break;
    default:
      static_cast<tallow::BFloat16*>(data)[i] = tallow::BFloat16(static_cast<float>(value));
  }
}

struct Image {
  Type type;
  int64_t size[4], stride[4];
  void* data;

  int64_t numel() const { return size[0] * size[1] * size[2] * size[3]; }
  int64_t place(int64_t n, int64_t c, int64_t y, int64_t x) const {
    return n * stride[0] + c * stride[1] + y * stride[2] + x * stride[3];
  }
};

struct Work {
  Kind kind;
  Image input, weight, output;
  int64_t stride[2], padding[2], dilation[2];
  char* workspace;

  // Calls body(input place, weight place, output place) for every product of the convolution.
  template <class Body>
  void walk(const Body& body) const {
    const int64_t groups = input.size[1] / weight.size[1];
    const int64_t per_group = weight.size[0] / groups;
    for (int64_t n = 0; n < output.size[0]; ++n) {
      for (int64_t o = 0; o < output.size[1]; ++o) {
        for (int64_t oy = 0; oy < output.size[2]; ++oy) {
          for (int64_t ox = 0; ox < output.size[3]; ++ox) {
            for (int64_t c = 0; c < weight.size[1]; ++c) {
              for (int64_t ky = 0; ky < weight.size[2]; ++ky) {
                for (int64_t kx = 0; kx < weight.size[3]; ++kx) {
                  const int64_t y = oy * stride[0] - padding[0] + ky * dilation[0];
                  const int64_t x = ox * stride[1] - padding[1] + kx * dilation[1];
                  if (y < 0 || x < 0 || y >= input.size[2] || x >= input.size[3]) continue;
                  body(input.place(n, o / per_group * weight.size[1] + c, y, x),
                       weight.place(o, c, ky, kx), output.place(n, o, oy, ox));
                }
              }
            }
          }
        }
      }
    }
  }
  void run() const {
    std::memset(workspace, 0x5a, kWorkspace);
    const Image& result = kind == kForward ? output : kind == kBackwardData ? input : weight;
    std::vector<double> sum(static_cast<std::size_t>(result.numel()));
    walk([&](int64_t i, int64_t w, int64_t o) {
      const double a = kind == kBackwardData ? load(output.type, output.data, o)
                                             : load(input.type, input.data, i);
      const double b = kind == kBackwardFilter ? load(output.type, output.data, o)
                                               : load(weight.type, weight.data, w);
      sum[static_cast<std::size_t>(kind == kForward ? o : kind == kBackwardData ? i : w)] += a * b;
    });
    for (int64_t i = 0; i < result.numel(); ++i) {
      save(result.type, result.data, i, sum[static_cast<std::size_t>(i)]);
    }
  }
};

Image image_of(const Node& tensor, const Node& pack) {
  Image image;
  image.type = *tensor.get<Type>(kTensorType);
  std::memcpy(image.size, tensor.get<int64_t>(kTensorSizes), sizeof(image.size));
  std::memcpy(image.stride, tensor.get<int64_t>(kTensorStrides), sizeof(image.stride));
  image.data = nullptr;
  for (int i = 0; i < 3; ++i) {
    if (pack.get<int64_t>(kPackIds)[i] == *tensor.get<int64_t>(kTensorId)) {
      image.data = pack.get<void*>(kPackPointers)[i];
    }
  }
  return image;
}

// Sizes and alignment agree with the descriptors.
bool consistent(const Work& work, const Node& op, int alpha) {
  for (int d = 0; d < 2; ++d) {
    const int64_t reach = work.dilation[d] * (work.weight.size[2 + d] - 1) + 1;
    const int64_t positions =
        (work.input.size[2 + d] + 2 * work.padding[d] - reach) / work.stride[d];
    if (work.output.size[2 + d] != positions + 1) return false;
  }
  for (int i = 3; i < 6; ++i) {
    const Node& tensor = op.node(alpha + i);
    const Image& image = i == 3 ? work.weight : i == 4 ? work.input : work.output;
    const auto alignment = static_cast<std::uintptr_t>(*tensor.get<int64_t>(kTensorAlignment));
    if (!image.data || reinterpret_cast<std::uintptr_t>(image.data) % alignment != 0) return false;
  }
  return work.input.size[0] == work.output.size[0] && work.weight.size[0] == work.output.size[1] &&
         work.input.size[1] % work.weight.size[1] == 0;
}

}  // namespace

EXPORT std::size_t cudnnGetVersion() { return imitation::fault("old") ? 90701 : 91900; }
EXPORT const char* cudnnGetErrorString(Result result) {
  return result == kBadParameter ? "CUDNN_STATUS_BAD_PARAM" : "CUDNN_STATUS_OTHER";
}
EXPORT Result cudnnCreate(Handle* handle) {
  if (imitation::fault("create")) return static_cast<Result>(1001);
  *handle = new HandleTag;
  return kSuccess;
}
EXPORT Result cudnnSetStream(Handle handle, cudaStream_t stream) {
  handle->stream = stream;
  return kSuccess;
}
EXPORT Result cudnnBackendCreateDescriptor(Kind kind, Descriptor* out) {
  *out = new Node{kind};
  return kSuccess;
}
EXPORT Result cudnnBackendDestroyDescriptor(Descriptor descriptor) {
  delete node_of(descriptor);
  return kSuccess;
}
EXPORT Result cudnnBackendSetAttribute(Descriptor descriptor, Attribute attribute, Value type,
                                       int64_t count, const void* values) {
  Node* const node = node_of(descriptor);
  if (node->finished) return kBadParameter;
  const auto* const bytes = static_cast<const char*>(values);
  const auto size = static_cast<std::size_t>(count) * size_of(type);
  node->fields[attribute] = {type, count, std::vector<char>(bytes, bytes + size)};
  return kSuccess;
}
EXPORT Result cudnnBackendFinalize(Descriptor descriptor) {
  Node* const node = node_of(descriptor);
  if (node->kind == kExecutionPlan && imitation::fault("plan")) return kNotSupported;
  const std::vector<Wanted> all = wanted(*node);
  if (node->fields.size() != all.size()) return kBadParameter;
  for (const Wanted& one : all) {
    const auto found = node->fields.find(one.attribute);
    if (found == node->fields.end() || found->second.type != one.type ||
        found->second.count != one.count) {
      return kBadParameter;
    }
    if (one.type != kDescriptor) continue;
    const Node& part = node->node(one.attribute);
    if (!part.finished) return kBadParameter;
  }
  node->finished = true;
  return kSuccess;
}
EXPORT Result cudnnBackendGetAttribute(Descriptor descriptor, Attribute attribute, Value type,
                                       int64_t room, int64_t* count, void* values) {
  const Node* const node = node_of(descriptor);
  if (!node->finished) return kBadParameter;
  if (attribute == kHeuristicResults && type == kDescriptor) {
    const bool first = *node->get<Heuristic>(kHeuristicModeOf) == kHeuristicA;
    const bool none = imitation::fault("engines") || (first && imitation::fault("heuristic"));
    *count = none ? 0 : static_cast<int64_t>(engines().size());
    for (int64_t i = 0; i < *count && i < room; ++i) {
      Node* const config = node_of(static_cast<Descriptor*>(values)[i]);
      if (config->kind != kEngineConfig) return kBadParameter;
      config->engine = static_cast<int>(i);
      config->operation = &node->node(kHeuristicGraph).node(kGraphOperations);
      config->finished = true;
    }
    return kSuccess;
  }
  if (attribute == kConfigEngine && type == kDescriptor) {
    Node* const engine = node_of(*static_cast<Descriptor*>(values));
    if (engine->kind != kEngine) return kBadParameter;
    engine->engine = node->engine;
    engine->finished = true;
    *count = 1;
    return kSuccess;
  }
  if (attribute == kEngineNotes && type == kNumericalNote && room >= kNotes) {
    const std::vector<Note>& notes = engines()[static_cast<std::size_t>(node->engine)];
    *count = static_cast<int64_t>(notes.size());
    std::copy(notes.begin(), notes.end(), static_cast<Note*>(values));
    return kSuccess;
  }
  if (attribute == kPlanWorkspace && type == kInt64) {
    *static_cast<int64_t*>(values) = kWorkspace;
    *count = 1;
    return kSuccess;
  }
  return kBadParameter;
}
EXPORT Result cudnnBackendExecute(Handle handle, Descriptor plan, Descriptor variant) {
  if (imitation::fault("run")) return kBadParameter;
  const Node& pack = *node_of(variant);
  const Node& chosen = *node_of(plan);
  if (!pack.finished || !chosen.finished) return kBadParameter;
  const Node& config = chosen.node(kPlanConfig);
  const Node& op = *config.operation;
  const int alpha = op.kind == kForward        ? kForwardAlpha
                    : op.kind == kBackwardData ? kBackwardDataAlpha
                                               : kBackwardFilterAlpha;
  const Node& convolution = op.node(alpha + 2);
  Work work = {};
  work.kind = op.kind;
  work.weight = image_of(op.node(alpha + 3), pack);
  work.input = image_of(op.node(alpha + 4), pack);
  work.output = image_of(op.node(alpha + 5), pack);
  for (int d = 0; d < 2; ++d) {
    work.stride[d] = convolution.get<int64_t>(kConvolutionStrides)[d];
    work.padding[d] = convolution.get<int64_t>(kConvolutionPrePaddings)[d];
    work.dilation[d] = convolution.get<int64_t>(kConvolutionDilations)[d];
  }
  work.workspace = *pack.get<char*>(kPackWorkspace);
  if (!work.workspace || !consistent(work, op, alpha)) return kBadParameter;
  imitation::note(
      "convolution kind=" + std::to_string(op.kind) + " type=" + std::to_string(work.input.type) +
      " engine=" + std::to_string(config.engine) +
      " groups=" + std::to_string(work.input.size[1] / work.weight.size[1]) +
      " pixel=" + std::to_string(work.input.stride[3]) + "," +
      std::to_string(work.weight.stride[3]) + "," + std::to_string(work.output.stride[3]));
  return imitation::enqueue(handle->stream, [work] { work.run(); }) ? kSuccess : kBadParameter;
}

// The plugin's declarations and these definitions agree.
#define CHECK(name, result, parameters) \
  static_assert(std::is_same_v<decltype(&cudnn##name), decltype(Api::name)>);
TALLOW_CUDNN_FUNCTIONS(CHECK)
