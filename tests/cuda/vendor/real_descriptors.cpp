// Builds the descriptors of many products and convolutions with the real libraries, as far as that
// goes without a GPU: handles, heuristics and plans need one. Prints what they refuse.
// Arguments: the paths of libcublasLt.so.13 and libcudnn.so.9.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

#include "cuda/lib/cublaslt_api.h"
#include "cuda/lib/cudnn_graph.cpp"

namespace {

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
  for (int bits = 0; bits < 48; ++bits) {
    constexpr Type kTypes[] = {kFloat, kDouble, kHalf, kBFloat16};
    ConvKey key = {2,      1 + bits % 2, 8,      16,     {14, 12},    {7, 6},
                   {3, 3}, {2, 2},       {1, 1}, {1, 1}, {16, 16, 16}};
    key.type = kTypes[bits / 2 % 4];
    key.kind = bits / 8 % 3;
    for (int32_t& last : key.last) last = bits / 24;
    const int64_t input[4] = {2, 8, 14, 12}, output[4] = {2, 16, 7, 6};
    const int64_t weight[4] = {16, 8 / key.groups, 3, 3};
    std::vector<Owned> parts;
    parts.push_back(tensor(api, kInputId, key, input));
    parts.push_back(tensor(api, kWeightId, key, weight));
    parts.push_back(tensor(api, kOutputId, key, output));
    parts.push_back(convolution(api, key));
    parts.push_back(operation(api, key, parts));
    for (const Owned& part : parts) expect(part.good(), api.GetErrorString(part.result()));
  }
}

}  // namespace

int main(int, char** arguments) {
  products(arguments[1]);
  convolutions(arguments[2]);
  std::printf("%d refused\n", refused);
  return refused != 0;
}
