// Reading arrays at places between their elements (grid_sample), and the gradients of that.
#include "cpu/index.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {

namespace {

constexpr int kBlock = 32;    // places that are looked up together
constexpr int kAxisTaps = 4;  // elements that a place reads along one dimension, at most
constexpr int kMaxTaps = 16;  // in all

// Numbers of elements, as wide as the elements: what gathers take.
template <class T>
using Position = typename SignedOf<sizeof(T)>::type;

// What the places of a block read along one dimension: offsets of elements, -1 for none, their
// weights, and the derivatives of the weights by the coordinate.
template <class T>
struct AxisReads {
  alignas(kVectorBytes) Position<T> at[kAxisTaps][kBlock];
  alignas(kVectorBytes) T weight[kAxisTaps][kBlock];
  alignas(kVectorBytes) T slope[kAxisTaps][kBlock];
};

// The same of the whole array; slopes are by each dimension's coordinate.
template <class T>
struct Reads {
  int taps;
  alignas(kVectorBytes) Position<T> at[kMaxTaps][kBlock];
  alignas(kVectorBytes) T weight[kMaxTaps][kBlock];
  alignas(kVectorBytes) T slope[3][kMaxTaps][kBlock];
};

// Elements at[lane] of an array, 0 where that is negative.
template <class T>
TALLOW_INLINE Vec<T> read_or_zero(const T* from, Mask<T> at) {
#if TALLOW_ISA_LEVEL == 2
  if constexpr (sizeof(T) == 4) {
    const __m512i lanes = bits_as<__m512i>(at);
    return bits_as<Vec<T>>(_mm512_mask_i32gather_ps(
        _mm512_setzero_ps(), _mm512_cmpge_epi32_mask(lanes, _mm512_setzero_si512()), lanes, from,
        4));
  } else {
    const __m512i lanes = bits_as<__m512i>(at);
    return bits_as<Vec<T>>(_mm512_mask_i64gather_pd(
        _mm512_setzero_pd(), _mm512_cmpge_epi64_mask(lanes, _mm512_setzero_si512()), lanes, from,
        8));
  }
#elif TALLOW_ISA_LEVEL == 1
  if constexpr (sizeof(T) == 4) {
    return bits_as<Vec<T>>(_mm256_mask_i32gather_ps(_mm256_setzero_ps(), from, bits_as<__m256i>(at),
                                                    bits_as<__m256>(~at), 4));
  } else {
    return bits_as<Vec<T>>(_mm256_mask_i64gather_pd(_mm256_setzero_pd(), from, bits_as<__m256i>(at),
                                                    bits_as<__m256d>(~at), 8));
  }
#else
  Vec<T> values{};
  for (int i = 0; i < kLanes<T>; ++i) {
    if (at[i] >= 0) values[i] = from[at[i]];
  }
  return values;
#endif
}

// One dimension of the arrays.
template <class T>
struct Axis {
  SamplePadding padding;
  bool align_corners;
  T size;
  Position<T> stride;

  // Brings places within the borders, NaN to 0; `turn` is multiplied by the derivative of that.
  TALLOW_INLINE void limit(Vec<T>& at, Vec<T>& turn) const {
    using V = Vec<T>;
    if (padding == SamplePadding::kZeros) return;
    const T last = size - 1;
    if (padding == SamplePadding::kReflection) {
      const T low = align_corners ? T(0) : T(-0.5);
      const T span = align_corners ? (last > 0 ? last : T(1)) : size;
      const V distance = abs(at - low);
      const V folds = floor(distance / span);
      const V extra = distance - folds * span;
      const auto odd = floor(folds / 2) * 2 != folds;
      turn = select((at < low) != odd, -turn, turn);
      at = select(odd, span - extra, extra) + low;
    }
    turn = select((at > 0) & (at < last), turn, V{});
    at = at > 0 ? at : V{};
    at = at < last ? at : broadcast(last);
  }

  // The offsets of whole places; of those outside -1.
  TALLOW_INLINE Mask<T> offset(Vec<T> at) const {
    const Mask<T> inside = (at >= 0) & (at < size);
    const auto whole = convert<Mask<T>>(select(inside, at, Vec<T>{}));
    return select(inside, whole * stride, ~Mask<T>{});
  }
};

// What one vector of coordinates reads along its axis, from place i of the block on.
template <bool kSlopes, class T>
void look_along(const Axis<T>& axis, SampleMode mode, Vec<T> coordinate, int i,
                AxisReads<T>& reads) {
  using V = Vec<T>;
  const T last = axis.size - 1;
  V turn = broadcast((axis.align_corners ? last : axis.size) / 2);
  V at = axis.align_corners ? (coordinate + 1) / 2 * last : ((coordinate + 1) * axis.size - 1) / 2;
  const auto put = [&](int tap, V place, V weight, V slope) {
    store(&reads.at[tap][i], axis.offset(place));
    store(&reads.weight[tap][i], weight);
    if constexpr (kSlopes) store(&reads.slope[tap][i], slope);
  };
  if (mode != SampleMode::kCubic) axis.limit(at, turn);
  if (mode == SampleMode::kNearest) return put(0, round_even(at), broadcast(T(1)), V{});
  const V first = floor(at);
  const V t = at - first;
  if (mode == SampleMode::kLinear) {
    put(0, first, 1 - t, -turn);
    put(1, first + 1, t, turn);
    return;
  }
  // Source: Keys, Cubic convolution interpolation (1981), with a = -3/4.
  constexpr T a = T(-0.75);
  for (int tap = 0; tap < 4; ++tap) {
    const bool left = tap < 2;
    const V x = left ? t + T(1 - tap) : T(tap - 1) - t;  // the distance
    const bool near = tap == 1 || tap == 2;
    const V weight =
        near ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
    const V slope = near ? (3 * (a + 2) * x - 2 * (a + 3)) * x : (3 * a * x - 10 * a) * x + 8 * a;
    V place = first + T(tap - 1);
    V unused = turn;
    axis.limit(place, unused);
    put(tap, place, weight, left ? slope * turn : -slope * turn);
  }
}

// What `count` places read. Those beyond, up to a whole block, read at the centre.
template <bool kSlopes, class T>
void look_up(const SampleArgs& args, const T* places, int count, Reads<T>& reads) {
  constexpr int W = kLanes<T>;
  const int taps = args.mode == SampleMode::kNearest ? 1 : args.mode == SampleMode::kLinear ? 2 : 4;
  AxisReads<T> along[3];
  alignas(kVectorBytes) T coordinates[3][kBlock] = {};
  for (int i = 0; i < count; ++i) {
    for (int d = 0; d < args.ndim; ++d) coordinates[d][i] = places[(i + 1) * args.ndim - 1 - d];
  }
  int64_t stride = 1;
  reads.taps = 1;
  for (int d = args.ndim - 1; d >= 0; --d) {
    const Axis<T> axis{args.padding, args.align_corners, static_cast<T>(args.size[d]),
                       static_cast<Position<T>>(stride)};
    for (int i = 0; i < kBlock; i += W) {
      look_along<kSlopes>(axis, args.mode, load(&coordinates[d][i]), i, along[d]);
    }
    stride *= args.size[d];
    reads.taps *= taps;
  }
  for (int tap = 0; tap < reads.taps; ++tap) {
    for (int i = 0; i < kBlock; i += W) {
      Mask<T> at{};
      Mask<T> outside{};
      Vec<T> weight = broadcast(T(1));
      Vec<T> slope[3] = {weight, weight, weight};
      int rest = tap;
      for (int d = args.ndim - 1; d >= 0; --d, rest /= taps) {
        const Mask<T> offset = load(&along[d].at[rest % taps][i]);
        const Vec<T> part = load(&along[d].weight[rest % taps][i]);
        outside |= offset < 0;
        at += offset;
        weight *= part;
        for (int by = 0; kSlopes && by < args.ndim; ++by) {
          slope[by] *= by == d ? load(&along[d].slope[rest % taps][i]) : part;
        }
      }
      store(&reads.at[tap][i], at | outside);  // -1 has all bits
      store(&reads.weight[tap][i], weight);
      for (int by = 0; kSlopes && by < args.ndim; ++by) store(&reads.slope[by][tap][i], slope[by]);
    }
  }
}

int64_t elements_of(const SampleArgs& args) {
  int64_t count = 1;
  for (int d = 0; d < args.ndim; ++d) count *= args.size[d];
  return count;
}

// Calls body(n, first, reads, count) for all blocks of places, in parallel.
template <bool kSlopes, class T, class Body>
void for_each_block_of_places(const SampleArgs& args, const T* places, const Body& body) {
  const int64_t blocks = (args.points + kBlock - 1) / kBlock;
  const int64_t cost = kBlock * (args.channels + 4) * static_cast<int64_t>(4 * sizeof(T));
  parallel_for(args.batch * blocks, items_per_task(cost), [&](int64_t begin, int64_t end) {
    Reads<T> reads;
    for (int64_t b = begin; b < end; ++b) {
      const int64_t n = b / blocks;
      const int64_t first = (b - n * blocks) * kBlock;
      const int64_t left = args.points - first;
      const int count = static_cast<int>(left < kBlock ? left : kBlock);
      look_up<kSlopes>(args, places + (n * args.points + first) * args.ndim, count, reads);
      body(n, first, static_cast<const Reads<T>&>(reads), count);
    }
  });
}

// One vector of places in all channels of an example; what they read stays in registers. Taps is 0
// for a number that is not known here.
template <int Taps, class T>
void sample_vector(const SampleArgs& args, T* out, const T* in, int64_t plane,
                   const Reads<T>& reads, int i, int lanes) {
  constexpr int kHeld = Taps > 0 ? Taps : kMaxTaps;
  const int taps = Taps > 0 ? Taps : reads.taps;
  Mask<T> at[kHeld];
  Vec<T> weight[kHeld];
#pragma GCC unroll 4
  for (int tap = 0; tap < taps; ++tap) {
    at[tap] = load(&reads.at[tap][i]);
    weight[tap] = load(&reads.weight[tap][i]);
  }
  for (int64_t c = 0; c < args.channels; ++c) {
    Vec<T> sum{};
#pragma GCC unroll 4
    for (int tap = 0; tap < taps; ++tap) {
      sum = mul_add(weight[tap], read_or_zero(in + c * plane, at[tap]), sum);
    }
    T* const to = out + c * args.points;
    if (lanes == kLanes<T>) {
      store(to, sum);
    } else {
      store_partial(to, sum, lanes);
    }
  }
}

template <class T>
void sample_all(const SampleArgs& args, T* out, const T* in, const T* places) {
  constexpr int W = kLanes<T>;
  const int64_t plane = elements_of(args);
  for_each_block_of_places<false>(
      args, places, [&](int64_t n, int64_t first, const Reads<T>& reads, int count) {
        const T* const from = in + n * args.channels * plane;
        for (int i = 0; i < count; i += W) {
          T* const to = out + n * args.channels * args.points + first + i;
          const int lanes = count - i < W ? count - i : W;
          if (reads.taps == 4) {
            sample_vector<4>(args, to, from, plane, reads, i, lanes);
          } else {
            sample_vector<0>(args, to, from, plane, reads, i, lanes);
          }
        }
      });
}

// For each place the sum over channels and taps of gradient, element and slope.
template <class T>
void places_gradient(const SampleArgs& args, T* grad_places, const T* grad_out, const T* in,
                     const T* places) {
  constexpr int W = kLanes<T>;
  const int64_t plane = elements_of(args);
  for_each_block_of_places<true>(
      args, places, [&](int64_t n, int64_t first, const Reads<T>& reads, int count) {
        T* const to = grad_places + (n * args.points + first) * args.ndim;
        for (int i = 0; i < count; i += W) {
          const int lanes = count - i < W ? count - i : W;
          Vec<T> sum[3] = {};
          for (int64_t c = n * args.channels; c < (n + 1) * args.channels; ++c) {
            const T* const row = grad_out + c * args.points + first + i;
            const Vec<T> grad = lanes == W ? load(row) : load_partial(row, lanes);
            for (int tap = 0; tap < reads.taps; ++tap) {
              const Vec<T> part = grad * read_or_zero(in + c * plane, load(&reads.at[tap][i]));
              for (int d = 0; d < args.ndim; ++d) {
                sum[d] = mul_add(part, load(&reads.slope[d][tap][i]), sum[d]);
              }
            }
          }
          for (int d = 0; d < args.ndim; ++d) {
            for (int lane = 0; lane < lanes; ++lane) {
              to[(i + lane) * args.ndim + args.ndim - 1 - d] = sum[d][lane];
            }
          }
        }
      });
}

// A few channels at a time, one place after the other.
template <class T>
void input_gradient(const SampleArgs& args, T* grad_in, const T* grad_out, const T* places) {
  constexpr int64_t kTogether = 8;
  const int64_t plane = elements_of(args);
  const int64_t groups = (args.channels + kTogether - 1) / kTogether;
  parallel_for(args.batch * groups, 1, [&](int64_t begin, int64_t end) {
    Reads<T> reads;
    for (int64_t group = begin; group < end; ++group) {
      const int64_t n = group / groups;
      const int64_t from = (group - n * groups) * kTogether;
      const int64_t to = from + kTogether < args.channels ? from + kTogether : args.channels;
      for (int64_t first = 0; first < args.points; first += kBlock) {
        const int64_t left = args.points - first;
        const int count = static_cast<int>(left < kBlock ? left : kBlock);
        look_up<false>(args, places + (n * args.points + first) * args.ndim, count, reads);
        for (int64_t c = n * args.channels + from; c < n * args.channels + to; ++c) {
          const T* const row = grad_out + c * args.points + first;
          T* const target = grad_in + c * plane;
          for (int tap = 0; tap < reads.taps; ++tap) {
            for (int i = 0; i < count; ++i) {
              if (reads.at[tap][i] >= 0) target[reads.at[tap][i]] += reads.weight[tap][i] * row[i];
            }
          }
        }
      }
    }
  });
}

Status sample(const SampleArgs& args, void* out, const void* in, const void* places) {
  return dispatch(Floating{}, args.dtype, "grid_sampler", [&]<class T>() -> Status {
    sample_all(args, static_cast<T*>(out), static_cast<const T*>(in),
               static_cast<const T*>(places));
    return Status::kOk;
  });
}

Status sample_backward(const SampleArgs& args, void* grad_in, void* grad_places,
                       const void* grad_out, const void* in, const void* places) {
  return dispatch(Floating{}, args.dtype, "grid_sampler", [&]<class T>() -> Status {
    const T* const grad = static_cast<const T*>(grad_out);
    const T* const at = static_cast<const T*>(places);
    if (grad_in) input_gradient(args, static_cast<T*>(grad_in), grad, at);
    if (grad_places) {
      places_gradient(args, static_cast<T*>(grad_places), grad, static_cast<const T*>(in), at);
    }
    return Status::kOk;
  });
}

}  // namespace

void fill_index_sample(IndexKernels& table) {
  table.sample = sample;
  table.sample_backward = sample_backward;
}

}  // namespace tallow::cpu::TALLOW_ISA
