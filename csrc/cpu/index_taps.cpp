// Weighted sums of a few elements along one dimension: resizing of images, and its gradient.
#include "core/scratch.h"
#include "cpu/index.h"
#include "cpu/move.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {

namespace {

// The elements [begin, end) of one result, each of which is a row of `inner` numbers.
template <class T>
void sum_taps(T* out, const T* in, const Taps& taps, const T* weight, int64_t begin, int64_t end,
              int64_t inner) {
  constexpr int W = kLanes<T>;
  for (int64_t i = begin; i < end; ++i) {
    T* const row = out + i * inner;
    const int64_t first = taps.first[i];
    const int64_t last = taps.first[i + 1];
    int64_t r = 0;
    for (; r + W <= inner; r += W) {
      Vec<T> sum{};
      for (int64_t k = first; k < last; ++k) {
        sum += broadcast(weight[k]) * load(in + taps.from[k] * inner + r);
      }
      store(row + r, sum);
    }
    if (const int rest = static_cast<int>(inner - r)) {
      Vec<T> sum{};
      for (int64_t k = first; k < last; ++k) {
        sum += broadcast(weight[k]) * load_partial(in + taps.from[k] * inner + r, rest);
      }
      store_partial(row + r, sum, rest);
    }
  }
}

// Lines of single numbers: as many as a vector has lanes are turned so that lanes are lines.
template <class T>
bool sum_lines(T* out, const T* in, const Taps& taps, const T* weight, int64_t lines, int64_t n) {
  constexpr int W = kLanes<T>;
  constexpr int64_t kItem = sizeof(T);
  const Scratch<T> turned((n + taps.count) * W);
  if (!turned) return false;
  T* const sums = turned.get() + n * W;
  for (int64_t i = 0; i < n * W; ++i) turned[i] = T(0);
  for (int64_t o = 0; o < lines; o += W) {
    const int64_t here = lines - o < W ? lines - o : W;
    move_plane(reinterpret_cast<char*>(turned.get()), reinterpret_cast<const char*>(in + o * n),
               kItem, {n, here, W * kItem, kItem, kItem, n * kItem});
    sum_taps(sums, static_cast<const T*>(turned.get()), taps, weight, 0, taps.count, W);
    move_plane(reinterpret_cast<char*>(out + o * taps.count), reinterpret_cast<char*>(sums), kItem,
               {here, taps.count, taps.count * kItem, kItem, kItem, W * kItem});
  }
  return true;
}

template <class T>
Status weighted_taps_of(T* out, const T* in, const Taps& taps, int64_t outer, int64_t n,
                        int64_t inner) {
  const int64_t used = taps.first[taps.count];
  const Scratch<T> weight(used + 1);
  if (!weight) return weight.failure();
  for (int64_t k = 0; k < used; ++k) weight[k] = taps.weight ? static_cast<T>(taps.weight[k]) : 1;
  constexpr int64_t kBytes = 2 * sizeof(T);
  if (inner == 1) {
    constexpr int64_t kLines = kLanes<T>;
    const int64_t lines = items_per_task((n + taps.count) * kBytes);
    int failed = 0;
    parallel_for(outer, (lines + kLines - 1) / kLines * kLines, [&](int64_t begin, int64_t end) {
      if (!sum_lines(out + begin * taps.count, in + begin * n, taps,
                     static_cast<const T*>(weight.get()), end - begin, n)) {
        __atomic_store_n(&failed, 1, __ATOMIC_RELAXED);
      }
    });
    if (failed) return out_of_memory((n + taps.count) * kVectorBytes);
    return Status::kOk;
  }
  parallel_for(outer * taps.count, items_per_task(inner * kBytes), [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t o = begin / taps.count;
      const int64_t first = begin - o * taps.count;
      const int64_t last = taps.count < first + (end - begin) ? taps.count : first + (end - begin);
      sum_taps(out + o * taps.count * inner, in + o * n * inner, taps,
               static_cast<const T*>(weight.get()), first, last, inner);
      begin += last - first;
    }
  });
  return Status::kOk;
}

Status weighted_taps(DType dtype, void* out, const void* in, const Taps& taps, int64_t outer,
                     int64_t n, int64_t inner) {
  return dispatch(Floating{}, dtype, "weighted_taps", [&]<class T>() -> Status {
    return weighted_taps_of(static_cast<T*>(out), static_cast<const T*>(in), taps, outer, n, inner);
  });
}

}  // namespace

void fill_index_taps(IndexKernels& table) { table.weighted_taps = weighted_taps; }

}  // namespace tallow::cpu::TALLOW_ISA
