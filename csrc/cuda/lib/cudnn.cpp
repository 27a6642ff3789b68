// Convolutions by cuDNN: one handle per device, one plan per problem.
#include <iterator>

#include "backend/plugin.h"
#include "cuda/lib/cudnn_graph.h"
#include "cuda/lib/library.h"
#include "cuda/lib/plans.h"
#include "cuda/lib/vendor.h"
#include "cuda/scratch.h"
#include "cuda/stream.h"

namespace tallow::cuda {

namespace {

using namespace cudnn;

constexpr int64_t kOldest = 90800;  // the first whose backend interface is the one used here
constexpr std::size_t kMostPlans = 1024;

const Library<Api>& load() {
  static const Library<Api>* const loaded = open_library<Api>(
      {"libcudnn.so.9", "cuDNN", "cudnn", kOldest, 99999, "9.8 or a later 9"},
      [](Api& api) { return std::vector<Symbol>{TALLOW_CUDNN_FUNCTIONS(TALLOW_LIBRARY_SYMBOL)}; },
      [](const Api& api) { return static_cast<int64_t>(api.GetVersion()); });
  return *loaded;
}

bool type_of(DType dtype, Type* out) {
  switch (dtype) {
    case DType::kFloat32:
      *out = kFloat;
      return true;
    case DType::kFloat64:
      *out = kDouble;
      return true;
    case DType::kFloat16:
      *out = kHalf;
      return true;
    case DType::kBFloat16:
      *out = kBFloat16;
      return true;
    default:
      return false;
  }
}

Plans<Handle, ConvKey, Plan>& plans() {
  static auto* const made = new Plans<Handle, ConvKey, Plan>(kMostPlans);
  return *made;
}

ConvKey key_of(ConvKind kind, const ConvArgs& args, const ConvTensors& tensors, Type type) {
  ConvKey key = {};
  key.batch = args.batch;
  key.groups = args.groups;
  key.in_channels = args.in_channels;
  key.out_channels = args.out_channels;
  for (int d = 0; d < 2; ++d) {
    key.in_size[d] = args.in_size[d];
    key.out_size[d] = args.out_size[d];
    key.kernel[d] = args.kernel[d];
    key.stride[d] = args.stride[d];
    key.padding[d] = args.padding[d];
    key.dilation[d] = args.dilation[d];
  }
  key.alignment[0] = alignment_of(tensors.input, 0);
  key.alignment[1] = alignment_of(tensors.weight, 0);
  key.alignment[2] = alignment_of(tensors.output, 0);
  key.type = type;
  key.kind = static_cast<int32_t>(kind);
  key.device = active_device();
  key.tf32 = (math_options() & kTf32Convolutions) != 0;
  key.winograd = args.winograd;
  key.last[0] = args.input_last;
  key.last[1] = args.weight_last;
  key.last[2] = args.output_last;
  return key;
}

Status queue(const Api& api, Handle handle, const Plan& plan, const ConvTensors& tensors) {
  const int64_t ids[] = {kInputId, kWeightId, kOutputId};
  const void* const pointers[] = {tensors.input, tensors.weight, tensors.output};
  Scratch<char> workspace;
  TALLOW_CUDA_TRY(workspace.allocate(plan.workspace));
  Owned pack(api, kVariantPack);
  pack.set(kPackIds, kInt64, std::ssize(ids), ids);
  pack.set(kPackPointers, kPointer, std::ssize(pointers), pointers);
  pack.set(kPackWorkspace, kPointer, static_cast<const void*>(workspace.get()));
  pack.finalize();
  Result result = pack.result();
  if (result == kSuccess) result = api.SetStream(handle, current_stream());
  if (result == kSuccess) result = api.BackendExecute(handle, plan.plan, pack.get());
  if (result == kSuccess) return Status::kOk;
  return fail(Status::kRuntimeError, "cuDNN could not run %s (%s)", current_op(),
              api.GetErrorString(result));
}

}  // namespace

int64_t cudnn_version(std::string* why) {
  *why = load().problem;
  return load().version;
}

Status conv_by_cudnn(ConvKind kind, const ConvArgs& args, const ConvTensors& tensors, bool* done) {
  *done = false;
  Type type;
  if (!type_of(args.dtype, &type) || (math_options() & kNoCudnn) || load().version == 0) {
    return Status::kOk;
  }
  const Api& api = load().api;
  const ConvKey key = key_of(kind, args, tensors, type);
  Plans<Handle, ConvKey, Plan>& all = plans();
  const std::lock_guard<std::mutex> guard(all.lock);
  const Plan* plan = nullptr;
  Handle handle = nullptr;
  {
    const OutsideOfCapture relaxed;
    handle = all.handle_of(key.device, [&](Handle* h) { return api.Create(h) == kSuccess; });
    if (handle) plan = &all.plan_for(key, [&] { return make_plan(api, {handle}, key); });
  }
  if (!plan || !plan->plan) return Status::kOk;
  *done = true;
  return queue(api, handle, *plan, tensors);
}

}  // namespace tallow::cuda
