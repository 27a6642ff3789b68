// The machine's limits, for machine.py: multiply-adds that never leave the registers, and copies
// that never read what they overwrite.
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>
#if defined(__AVX__)
#include <immintrin.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
typedef float Vector __attribute__((vector_size(kVectorBytes)));
constexpr int kChains = 12;  // more than latency times throughput, fewer than registers

volatile float sink;

void multiply_add_alone(int64_t count) {
  Vector chain[kChains], a = {}, b = {};
  for (Vector& c : chain) c = a;
  a += 0.999f;
  b += 1e-3f;
  const int64_t steps = count / (kChains * static_cast<int64_t>(sizeof(Vector) / sizeof(float)));
  for (int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (Vector& c : chain) c = c * a + b;
  }
  for (const Vector& c : chain) sink = sink + c[0];
}

void copy_alone(char* to, const char* from, int64_t bytes) {
#if defined(__AVX__)
  int64_t i = 0;
  for (; i + 32 <= bytes; i += 32) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i),
                        _mm256_load_si256(reinterpret_cast<const __m256i*>(from + i)));
  }
  std::memcpy(to + i, from + i, static_cast<std::size_t>(bytes - i));
  _mm_sfence();
#else
  std::memcpy(to, from, static_cast<std::size_t>(bytes));
#endif
}

// body(thread, of how many) on every thread, this one included.
template <class Body>
void on_threads(int threads, const Body& body) {
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(body, t);
  body(0);
  for (std::thread& other : others) other.join();
}

}  // namespace

extern "C" {

void multiply_add(int64_t count, int threads) {
  on_threads(threads, [=](int) { multiply_add_alone(count / threads); });
}

// Pages as large as the system has them, all of them touched.
char* allocate(int64_t bytes) {
  constexpr std::size_t kHuge = std::size_t{1} << 21;
  const std::size_t size = (static_cast<std::size_t>(bytes) + kHuge - 1) / kHuge * kHuge;
  void* const memory = std::aligned_alloc(kHuge, size);
  if (!memory) return nullptr;
  madvise(memory, size, MADV_HUGEPAGE);
  std::memset(memory, 1, size);
  return static_cast<char*>(memory);
}
void release(char* memory) { std::free(memory); }

void copy(char* to, const char* from, int64_t bytes, int threads) {
  const int64_t share = bytes / threads / 64 * 64;
  on_threads(threads, [=](int t) {
    const int64_t begin = t * share;
    copy_alone(to + begin, from + begin, t + 1 == threads ? bytes - begin : share);
  });
}
}
