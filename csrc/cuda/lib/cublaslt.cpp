// Matrix products by cuBLASLt. One handle per device, one descriptor set and chosen algorithm per
// layout; algorithms whose result depends on the order of atomic additions are never chosen.
#include <utility>

#include "backend/plugin.h"
#include "cuda/lib/cublaslt_api.h"
#include "cuda/lib/gemm_layout.h"
#include "cuda/lib/library.h"
#include "cuda/lib/plans.h"
#include "cuda/lib/vendor.h"
#include "cuda/scratch.h"
#include "cuda/stream.h"

namespace tallow::cuda {

namespace {

using namespace cublaslt;

constexpr int64_t kLargestWorkspace = int64_t{32} << 20;
constexpr std::size_t kMostPlans = 4096;

const Library<Api>& load() {
  static const Library<Api>* const loaded = open_library<Api>(
      {"libcublasLt.so.13", "cuBLASLt", "cublasLt", 130000, 139999, "13"},
      [](Api& api) {
        return std::vector<Symbol>{TALLOW_CUBLASLT_FUNCTIONS(TALLOW_LIBRARY_SYMBOL)};
      },
      [](const Api& api) { return static_cast<int64_t>(api.GetVersion()); });
  return *loaded;
}

// What a dtype is called, and how its products are computed.
struct Numbers {
  Type type;
  Compute compute;
  Type scale;  // of alpha and beta
  int64_t itemsize;
};

bool numbers_of(DType dtype, Numbers* out) {
  const bool tf32 = (math_options() & kTf32Products) != 0;
  const Compute single = tf32 ? kCompute32FastTf32 : kCompute32;
  switch (dtype) {
    case DType::kFloat32:
      *out = {kFloat, single, kFloat, 4};
      return true;
    case DType::kFloat64:
      *out = {kDouble, kCompute64, kDouble, 8};
      return true;
    case DType::kFloat16:
      *out = {kHalf, kCompute32, kFloat, 2};
      return true;
    case DType::kBFloat16:
      *out = {kBFloat16, kCompute32, kFloat, 2};
      return true;
    case DType::kComplex64:
      *out = {kComplexFloat, single, kComplexFloat, 8};
      return true;
    case DType::kComplex128:
      *out = {kComplexDouble, kCompute64, kComplexDouble, 16};
      return true;
    default:
      return false;
  }
}

// A factor in the type that `scale` names.
struct Factor {
  union {
    float single[2];
    double twice[2];
  };
  Factor(double value, Type scale) {
    if (scale == kDouble || scale == kComplexDouble) {
      twice[0] = value;
      twice[1] = 0;
    } else {
      single[0] = static_cast<float>(value);
      single[1] = 0;
    }
  }
};

// What a plan depends on; compared as bytes.
struct Key {
  GemmLayout layout;
  int32_t device, compute;
  uint32_t alignment[6];  // of a, b, c, d and the bias in bytes, and 0
};

// The descriptors of a product and the algorithm chosen for it; unusable if there is none.
struct Plan {
  Product product = nullptr;
  Layout a = nullptr, b = nullptr, c = nullptr, d = nullptr;
  Algorithm algorithm = {};
  std::size_t workspace = 0;
  bool usable = false;

  Plan() = default;
  Plan(Plan&& other) noexcept
      : product(std::exchange(other.product, nullptr)),
        a(std::exchange(other.a, nullptr)),
        b(std::exchange(other.b, nullptr)),
        c(std::exchange(other.c, nullptr)),
        d(std::exchange(other.d, nullptr)),
        algorithm(other.algorithm),
        workspace(other.workspace),
        usable(other.usable) {}
  Plan& operator=(Plan&&) = delete;
  ~Plan() {
    const Api& api = load().api;
    if (product) api.MatmulDescDestroy(product);
    for (const Layout layout : {a, b, c, d}) {
      if (layout) api.MatrixLayoutDestroy(layout);
    }
  }
};

// Calls one after the other until one fails.
class Calls {
 public:
  Calls& operator()(Result result) {
    if (result_ == kSuccess) result_ = result;
    return *this;
  }
  bool good() const { return result_ == kSuccess; }

 private:
  Result result_ = kSuccess;
};

void describe(const Api& api, const StoredMatrix& matrix, Type type, int64_t batch, Layout* out,
              Calls& calls) {
  calls(api.MatrixLayoutCreate(out, type, static_cast<uint64_t>(matrix.rows),
                               static_cast<uint64_t>(matrix.columns), matrix.leading));
  if (!calls.good() || batch == 1) return;
  const auto count = static_cast<int32_t>(batch);
  calls(api.MatrixLayoutSetAttribute(*out, kBatchCount, &count, sizeof(count)));
  calls(api.MatrixLayoutSetAttribute(*out, kBatchStride, &matrix.stride, sizeof(matrix.stride)));
}

void choose(const Api& api, Handle handle, const Key& key, Plan* plan) {
  Preference preference = nullptr;
  if (api.MatmulPreferenceCreate(&preference) != kSuccess) return;
  Calls calls;
  const auto set = [&](PreferenceAttribute attribute, auto value) {
    calls(api.MatmulPreferenceSetAttribute(preference, attribute, &value, sizeof(value)));
  };
  set(kMaxWorkspace, static_cast<uint64_t>(kLargestWorkspace));
  set(kReductionSchemes, kReduceInComputeType);
  set(kMinAlignmentA, key.alignment[0]);
  set(kMinAlignmentB, key.alignment[1]);
  set(kMinAlignmentC, key.alignment[2]);
  set(kMinAlignmentD, key.alignment[3]);
  Heuristic best = {};
  int found = 0;
  if (calls.good()) {
    calls(api.MatmulAlgoGetHeuristic(handle, plan->product, plan->a, plan->b, plan->c, plan->d,
                                     preference, 1, &best, &found));
  }
  api.MatmulPreferenceDestroy(preference);
  if (!calls.good() || found < 1 || best.state != kSuccess) return;
  plan->algorithm = best.algorithm;
  plan->workspace = best.workspace;
  plan->usable = true;
}

Plan make_plan(const Api& api, Handle handle, const Key& key, const Numbers& numbers,
               const void* bias) {
  const GemmLayout& g = key.layout;
  Plan plan;
  Calls calls;
  calls(api.MatmulDescCreate(&plan.product, numbers.compute, numbers.scale));
  if (!calls.good()) return plan;
  const auto set = [&](ProductAttribute attribute, auto value) {
    calls(api.MatmulDescSetAttribute(plan.product, attribute, &value, sizeof(value)));
  };
  set(kTransposeA, g.transpose_a ? kTransposed : kPlain);
  set(kTransposeB, g.transpose_b ? kTransposed : kPlain);
  set(kEpilogue, g.bias ? kAddBias : kNoEpilogue);
  if (g.bias) set(kBiasPointer, bias);  // the library looks at its alignment
  describe(api, g.a, numbers.type, g.batch, &plan.a, calls);
  describe(api, g.b, numbers.type, g.batch, &plan.b, calls);
  describe(api, g.c, numbers.type, g.batch, &plan.c, calls);
  describe(api, g.d, numbers.type, g.batch, &plan.d, calls);
  if (calls.good()) choose(api, handle, key, &plan);
  return plan;
}

Plans<Handle, Key, Plan>& plans() {
  static auto* const made = new Plans<Handle, Key, Plan>(kMostPlans);
  return *made;
}

Key key_of(const MatmulArgs& args, const GemmBatches& batches, const Numbers& numbers) {
  const GemmLayout& g = batches.layout;
  const int64_t size = numbers.itemsize;
  const void* const first = args.init.data && !g.bias ? args.init.data : args.c;
  Key key = {};
  key.layout = g;
  key.device = active_device();
  key.compute = numbers.compute;
  key.alignment[0] = alignment_of(args.b.data, (g.a.stride | batches.step_b) * size);
  key.alignment[1] = alignment_of(args.a.data, (g.b.stride | batches.step_a) * size);
  key.alignment[2] = alignment_of(first, (g.c.stride | batches.step_init) * size);
  key.alignment[3] = alignment_of(args.c, (g.d.stride | batches.step_c) * size);
  if (g.bias) key.alignment[4] = alignment_of(args.init.data, batches.step_init * size);
  return key;
}

struct Operands {
  const void *a, *b, *init;
  void* c;
};

Status queue(const Api& api, Handle handle, const Plan& plan, const MatmulArgs& args,
             const Operands& at, const Numbers& numbers, bool bias) {
  if (bias) {
    const Result set =
        api.MatmulDescSetAttribute(plan.product, kBiasPointer, &at.init, sizeof(at.init));
    if (set != kSuccess) {
      return fail(Status::kRuntimeError, "cuBLASLt refused a bias (%s)", api.GetStatusName(set));
    }
  }
  const bool matrix = at.init && !bias;
  const Factor alpha(args.alpha, numbers.scale), beta(matrix ? args.beta : 0, numbers.scale);
  Scratch<char> workspace;
  TALLOW_CUDA_TRY(workspace.allocate(static_cast<int64_t>(plan.workspace)));
  const Result result = api.Matmul(handle, plan.product, &alpha, at.b, plan.a, at.a, plan.b, &beta,
                                   matrix ? at.init : at.c, plan.c, at.c, plan.d, &plan.algorithm,
                                   workspace.get(), plan.workspace, current_stream());
  if (result == kSuccess) return Status::kOk;
  return fail(Status::kRuntimeError, "cuBLASLt could not run the product of %s (%s)", current_op(),
              api.GetStatusName(result));
}

}  // namespace

int64_t cublaslt_version(std::string* why) {
  *why = load().problem;
  return load().version;
}

Status matmul_by_cublaslt(const MatmulArgs& args, bool* done) {
  *done = false;
  Numbers numbers;
  GemmBatches batches;
  const bool empty =
      args.m == 0 || args.n == 0 || args.k == 0 || args.batch[0] == 0 || args.batch[1] == 0;
  if (empty || (args.init.data && args.beta == 0) || !numbers_of(args.dtype, &numbers) ||
      !lay_out(args, &batches) || batches.layout.batch > INT32_MAX || load().version == 0) {
    return Status::kOk;
  }
  const Api& api = load().api;
  const GemmLayout& g = batches.layout;
  const Key key = key_of(args, batches, numbers);
  Plans<Handle, Key, Plan>& all = plans();
  const std::lock_guard<std::mutex> guard(all.lock);
  const Plan* plan = nullptr;
  Handle handle = nullptr;
  {
    const OutsideOfCapture relaxed;
    handle = all.handle_of(key.device, [&](Handle* h) { return api.Create(h) == kSuccess; });
    if (handle) {
      plan =
          &all.plan_for(key, [&] { return make_plan(api, handle, key, numbers, args.init.data); });
    }
  }
  if (!plan || !plan->usable) return Status::kOk;
  *done = true;
  for (int64_t i = 0; i < batches.loops; ++i) {
    const auto at_step = [&](const void* data, int64_t step) {
      return static_cast<const char*>(data) + i * step * numbers.itemsize;
    };
    const Operands at = {at_step(args.a.data, batches.step_a), at_step(args.b.data, batches.step_b),
                         args.init.data ? at_step(args.init.data, batches.step_init) : nullptr,
                         const_cast<char*>(at_step(args.c, batches.step_c))};
    TALLOW_CUDA_TRY(queue(api, handle, *plan, args, at, numbers, g.bias != 0));
  }
  return Status::kOk;
}

}  // namespace tallow::cuda
