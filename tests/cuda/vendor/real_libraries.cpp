// What the real libraries say to the plugin's requests without a GPU: cuBLASLt takes the
// descriptors of products, cuDNN makes plans of convolutions for a device that it is only told
// about. Prints what they refuse. Arguments: the paths of libcublasLt.so.13 and libcudnn.so.9.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

#include "cuda/lib/cublaslt_api.h"
#include "cuda/lib/cudnn_graph.cpp"

namespace {

// The keys are those that libcudnn_graph.so of cuDNN 9.19 asks for; they are documented nowhere.
// The values follow NVIDIA's data sheet and the limits of compute capability 9.0.
constexpr char kH200[] = R"({
  "cudaDeviceId": 0, "deviceName": "NVIDIA H200", "deviceVer": 900, "driverVer": 13000,
  "totalGlobalMem": 150754820096, "maxGridSize": [2147483647, 65535, 65535],
  "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536, "multiProcessorCount": 132,
  "warpSize": 32, "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448,
  "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "maxCtasPerSM": 32,
  "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "pciDeviceId": 0, "isTccDriver": 0,
  "supportCoopLaunch": 1, "smClockRateKHz": 1980000, "memClockRateKHz": 3201000,
  "l2CacheSize": 62914560})";

int refused = 0;

void expect(bool good, const char* what) {
  if (good) return;
  ++refused;
  std::printf("refused: %s\n", what);
}

void* open(const char* path) {
  void* const library = dlopen(path, RTLD_NOW);
  if (!library) {
    std::puts(dlerror());
    std::exit(2);
  }
  return library;
}

void products(const char* path) {
  using namespace tallow::cuda::cublaslt;
  void* const library = open(path);
  Api api;
#define LOAD(name, result, parameters) \
  api.name = reinterpret_cast<decltype(api.name)>(dlsym(library, "cublasLt" #name));
  TALLOW_CUBLASLT_FUNCTIONS(LOAD)
#undef LOAD
  struct {
    Compute compute;
    Type scale, type;
  } const kinds[] = {{kCompute32, kFloat, kFloat},
                     {kCompute32FastTf32, kFloat, kFloat},
                     {kCompute32, kFloat, kHalf},
                     {kCompute32, kFloat, kBFloat16},
                     {kCompute64, kDouble, kDouble},
                     {kCompute32, kComplexFloat, kComplexFloat},
                     {kCompute64, kComplexDouble, kComplexDouble}};
  for (const auto& kind : kinds) {
    Product product = nullptr;
    expect(api.MatmulDescCreate(&product, kind.compute, kind.scale) == kSuccess, "a product");
    const auto set = [&](ProductAttribute attribute, auto value) {
      expect(api.MatmulDescSetAttribute(product, attribute, &value, sizeof(value)) == kSuccess,
             "an attribute of a product");
    };
    set(kTransposeA, kTransposed);
    set(kTransposeB, kPlain);
    set(kEpilogue, kAddBias);
    set(kBiasPointer, static_cast<const void*>(library));
    expect(api.MatmulDescDestroy(product) == kSuccess, "the end of a product");
    Layout layout = nullptr;
    const int32_t count = 3;
    const int64_t stride = 63;
    expect(api.MatrixLayoutCreate(&layout, kind.type, 5, 7, 9) == kSuccess &&
               api.MatrixLayoutSetAttribute(layout, kBatchCount, &count, 4) == kSuccess &&
               api.MatrixLayoutSetAttribute(layout, kBatchStride, &stride, 8) == kSuccess &&
               api.MatrixLayoutDestroy(layout) == kSuccess,
           "a layout");
  }
  Preference preference = nullptr;
  expect(api.MatmulPreferenceCreate(&preference) == kSuccess, "a preference");
  const auto prefer = [&](PreferenceAttribute attribute, auto value) {
    expect(
        api.MatmulPreferenceSetAttribute(preference, attribute, &value, sizeof(value)) == kSuccess,
        "an attribute of a preference");
  };
  prefer(kMaxWorkspace, uint64_t{1} << 25);
  prefer(kReductionSchemes, kReduceInComputeType);
  for (const auto attribute : {kMinAlignmentA, kMinAlignmentB, kMinAlignmentC, kMinAlignmentD}) {
    prefer(attribute, uint32_t{16});
  }
  expect(api.MatmulPreferenceDestroy(preference) == kSuccess, "the end of a preference");
}

void convolutions(const char* path) {
  using namespace tallow::cuda::cudnn;
  void* const library = open(path);
  Api api;
#define LOAD(name, result, parameters) \
  api.name = reinterpret_cast<decltype(api.name)>(dlsym(library, "cudnn" #name));
  TALLOW_CUDNN_FUNCTIONS(LOAD)
#undef LOAD
  Owned device(api, kDevice);
  device.set(kDeviceText, kChar, static_cast<int64_t>(sizeof(kH200)), kH200);
  if (!device.finalize()) expect(false, "the description of the device");
  constexpr Type kTypes[] = {kFloat, kDouble, kHalf, kBFloat16};
  for (int bits = 0; bits < 192; ++bits) {
    const int64_t groups = 1 + bits % 2, side = bits / 2 % 2 ? 56 : 13;
    ConvKey key = {32,     groups, 64,     64,     {side, side}, {side, side},
                   {3, 3}, {1, 1}, {1, 1}, {1, 1}, {16, 16, 16}};
    key.type = kTypes[bits / 4 % 4];
    key.tf32 = bits / 16 % 2;
    key.kind = bits / 32 % 3;
    for (int32_t& last : key.last) last = bits / 96;
    const Plan plan = make_plan(api, {nullptr, device.get()}, key);
    expect(plan.plan && plan.workspace >= 0, "a convolution");
  }
}

}  // namespace

int main(int, char** arguments) {
  products(arguments[1]);
  convolutions(arguments[2]);
  std::printf("%d refused\n", refused);
  return refused != 0;
}
