// An imitation of cuBLASLt 13 for the emulator: column-major products by the definition. It refuses
// what the real library refuses: attributes of a wrong size, sizes that do not fit together.
#include "cuda/lib/cublaslt_api.h"

#include <complex>
#include <vector>

#include "core/half.h"
#include "imitation.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

using namespace tallow::cuda::cublaslt;

namespace tallow::cuda::cublaslt {

struct HandleTag {};
struct ProductTag {
  Compute compute;
  Type scale;
  int32_t transpose_a, transpose_b;
  uint32_t epilogue;
  const void* bias;
};
struct LayoutTag {
  Type type;
  int64_t rows, columns, leading;
  int32_t batch;
  int64_t stride;
};
struct PreferenceTag {
  uint64_t workspace;
  uint32_t reductions, alignment[4];
};

}  // namespace tallow::cuda::cublaslt

namespace {

constexpr std::size_t kWorkspace = 4096;

template <class T>
Result store(T* place, const void* value, std::size_t size) {
  if (size != sizeof(T)) return kInvalidValue;
  std::memcpy(place, value, size);
  return kSuccess;
}

bool is_half(Type type) { return type == kHalf || type == kBFloat16; }

std::size_t item(Type type) {
  switch (type) {
    case kFloat:
      return 4;
    case kDouble:
    case kComplexFloat:
      return 8;
    case kComplexDouble:
      return 16;
    default:
      return 2;
  }
}

using Number = std::complex<double>;

Number load(Type type, const void* data, int64_t i) {
  switch (type) {
    case kFloat:
      return static_cast<const float*>(data)[i];
    case kDouble:
      return static_cast<const double*>(data)[i];
    case kComplexFloat:
      return static_cast<const std::complex<float>*>(data)[i];
    case kComplexDouble:
      return static_cast<const Number*>(data)[i];
    case kHalf:
      return static_cast<float>(static_cast<const tallow::Half*>(data)[i]);
    default:
      return static_cast<float>(static_cast<const tallow::BFloat16*>(data)[i]);
  }
}

void save(Type type, void* data, int64_t i, Number value) {
  switch (type) {
    case kFloat:
      static_cast<float*>(data)[i] = static_cast<float>(value.real());
      break;
    case kDouble:
      static_cast<double*>(data)[i] = value.real();
      break;
    case kComplexFloat:
      static_cast<std::complex<float>*>(data)[i] = std::complex<float>(value);
      break;
    case kComplexDouble:
      static_cast<Number*>(data)[i] = value;
      break;
    case kHalf:
      static_cast<tallow::Half*>(data)[i] = tallow::Half(static_cast<float>(value.real()));
      break;
    default:
      static_cast<tallow::BFloat16*>(data)[i] = tallow::BFloat16(static_cast<float>(value.real()));
  }
}

// All that a product needs when its turn comes.
struct Work {
  ProductTag product;
  LayoutTag a, b, c, d;
  Number alpha, beta;
  const void *pa, *pb, *pc;
  void* pd;
  char* workspace;

  int64_t depth() const { return product.transpose_a ? a.rows : a.columns; }
  Number at(const LayoutTag& m, const void* data, bool turned, int64_t p, int64_t i,
            int64_t j) const {
    return load(m.type, data, p * m.stride + (turned ? j + i * m.leading : i + j * m.leading));
  }
  void run() const {
    std::memset(workspace, 0x5a, kWorkspace);  // a workspace that others use shows
    for (int64_t p = 0; p < d.batch; ++p) {
      for (int64_t j = 0; j < d.columns; ++j) {
        for (int64_t i = 0; i < d.rows; ++i) {
          Number sum = 0;
          for (int64_t l = 0; l < depth(); ++l) {
            sum +=
                at(a, pa, product.transpose_a, p, i, l) * at(b, pb, product.transpose_b, p, l, j);
          }
          sum *= alpha;
          if (beta != 0.0) sum += beta * at(c, pc, false, p, i, j);
          if (product.epilogue == kAddBias) sum += load(d.type, product.bias, i);
          save(d.type, pd, p * d.stride + i + j * d.leading, sum);
        }
      }
    }
  }
};

bool fits(const ProductTag& product, const LayoutTag& a, const LayoutTag& b, const LayoutTag& c,
          const LayoutTag& d) {
  const int64_t m = product.transpose_a ? a.columns : a.rows;
  const int64_t k = product.transpose_a ? a.rows : a.columns;
  const int64_t n = product.transpose_b ? b.rows : b.columns;
  const bool sizes = m == d.rows && n == d.columns && c.rows == m && c.columns == n &&
                     k == (product.transpose_b ? b.columns : b.rows) && m > 0 && n > 0 && k > 0;
  bool same = true;
  for (const LayoutTag* layout : {&a, &b, &c, &d}) {
    same = same && layout->type == d.type && layout->batch == d.batch &&
           layout->leading >= layout->rows;
  }
  const Type scale = is_half(d.type) ? kFloat : d.type;
  const bool twice = d.type == kDouble || d.type == kComplexDouble;
  return sizes && same && product.scale == scale && (product.compute == kCompute64) == twice;
}

Number factor(Type scale, const void* value) { return load(scale, value, 0); }

}  // namespace

EXPORT std::size_t cublasLtGetVersion() { return imitation::fault("old") ? 120803 : 130100; }
EXPORT const char* cublasLtGetStatusName(Result result) {
  return result == kExecutionFailed ? "CUBLAS_STATUS_EXECUTION_FAILED" : "CUBLAS_STATUS_OTHER";
}
EXPORT Result cublasLtCreate(Handle* handle) {
  if (imitation::fault("create")) return kNotInitialized;
  *handle = new HandleTag;
  return kSuccess;
}

EXPORT Result cublasLtMatmulDescCreate(Product* out, Compute compute, Type scale) {
  *out = new ProductTag{compute, scale, kPlain, kPlain, kNoEpilogue, nullptr};
  return kSuccess;
}
EXPORT Result cublasLtMatmulDescSetAttribute(Product product, ProductAttribute attribute,
                                             const void* value, std::size_t size) {
  switch (attribute) {
    case kTransposeA:
      return store(&product->transpose_a, value, size);
    case kTransposeB:
      return store(&product->transpose_b, value, size);
    case kEpilogue:
      return store(&product->epilogue, value, size);
    case kBiasPointer:
      return store(&product->bias, value, size);
  }
  return kInvalidValue;
}
EXPORT Result cublasLtMatmulDescDestroy(Product product) {
  delete product;
  return kSuccess;
}

EXPORT Result cublasLtMatrixLayoutCreate(Layout* out, Type type, uint64_t rows, uint64_t columns,
                                         int64_t leading) {
  *out =
      new LayoutTag{type, static_cast<int64_t>(rows), static_cast<int64_t>(columns), leading, 1, 0};
  return kSuccess;
}
EXPORT Result cublasLtMatrixLayoutSetAttribute(Layout layout, LayoutAttribute attribute,
                                               const void* value, std::size_t size) {
  return attribute == kBatchCount ? store(&layout->batch, value, size)
                                  : store(&layout->stride, value, size);
}
EXPORT Result cublasLtMatrixLayoutDestroy(Layout layout) {
  delete layout;
  return kSuccess;
}

EXPORT Result cublasLtMatmulPreferenceCreate(Preference* out) {
  *out = new PreferenceTag{};
  return kSuccess;
}
EXPORT Result cublasLtMatmulPreferenceSetAttribute(Preference preference,
                                                   PreferenceAttribute attribute, const void* value,
                                                   std::size_t size) {
  switch (attribute) {
    case kMaxWorkspace:
      return store(&preference->workspace, value, size);
    case kReductionSchemes:
      return store(&preference->reductions, value, size);
    default:
      return store(&preference->alignment[attribute - kMinAlignmentA], value, size);
  }
}
EXPORT Result cublasLtMatmulPreferenceDestroy(Preference preference) {
  delete preference;
  return kSuccess;
}

EXPORT Result cublasLtMatmulAlgoGetHeuristic(Handle handle, Product product, Layout a, Layout b,
                                             Layout c, Layout d, Preference preference, int wanted,
                                             Heuristic* out, int* count) {
  *count = 0;
  if (!handle || wanted < 1 || !fits(*product, *a, *b, *c, *d)) return kInvalidValue;
  if (imitation::fault("algorithm")) return kNotSupported;
  // Results that depend on the order of atomic additions are not to be allowed.
  if (preference->reductions != kReduceInComputeType || preference->workspace < kWorkspace) {
    return kNotSupported;
  }
  if (product->epilogue == kAddBias && (!product->bias || item(d->type) > 8)) return kNotSupported;
  for (const uint32_t alignment : preference->alignment) {
    if (alignment < item(d->type) || alignment > 256) return kInvalidValue;
  }
  out->algorithm.data[0] = 1234;
  out->workspace = kWorkspace;
  out->state = kSuccess;
  *count = 1;
  return kSuccess;
}

EXPORT Result cublasLtMatmul(Handle, Product product, const void* alpha, const void* a,
                             Layout layout_a, const void* b, Layout layout_b, const void* beta,
                             const void* c, Layout layout_c, void* d, Layout layout_d,
                             const Algorithm* algorithm, void* workspace, std::size_t size,
                             cudaStream_t stream) {
  if (imitation::fault("run")) return kExecutionFailed;
  if (algorithm->data[0] != 1234 || size < kWorkspace || !workspace) return kInvalidValue;
  if (!fits(*product, *layout_a, *layout_b, *layout_c, *layout_d)) return kInvalidValue;
  char line[256];
  std::snprintf(line, sizeof(line),
                "matmul type=%d compute=%d m=%lld n=%lld batch=%d ta=%d tb=%d bias=%d beta=%d",
                layout_d->type, product->compute, static_cast<long long>(layout_d->rows),
                static_cast<long long>(layout_d->columns), layout_d->batch, product->transpose_a,
                product->transpose_b, product->epilogue == kAddBias,
                factor(product->scale, beta) != 0.0);
  imitation::note(line);
  const Work work{*product,
                  *layout_a,
                  *layout_b,
                  *layout_c,
                  *layout_d,
                  factor(product->scale, alpha),
                  factor(product->scale, beta),
                  a,
                  b,
                  c,
                  d,
                  static_cast<char*>(workspace)};
  return imitation::enqueue(stream, [work] { work.run(); }) ? kSuccess : kExecutionFailed;
}

// The plugin's declarations and these definitions agree.
#define CHECK(name, result, parameters) \
  static_assert(std::is_same_v<decltype(&cublasLt##name), decltype(Api::name)>);
TALLOW_CUBLASLT_FUNCTIONS(CHECK)
