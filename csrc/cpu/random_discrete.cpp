// Bernoulli with a tensor of probabilities, permutations, multinomial sampling, dropout.
#include "cpu/random.h"

#include <cstring>

#include "core/parallel.h"
#include "core/scratch.h"

namespace tallow::cpu::TALLOW_ISA {

namespace {

// Visits every element of a two-operand iteration space in order: visit(offset0, offset1).
template <class Visit>
void for_each(const Strided<2>& space, const Visit& visit) {
  int64_t index[kMaxDims] = {};
  int64_t first = 0;
  int64_t second = 0;
  for (int64_t i = 0; i < space.numel; ++i) {
    visit(first, second);
    for (int d = space.ndim - 1; d >= 0; --d) {
      first += space.stride[0][d];
      second += space.stride[1][d];
      if (++index[d] < space.size[d]) break;
      first -= space.stride[0][d] * space.size[d];
      second -= space.stride[1][d] * space.size[d];
      index[d] = 0;
    }
  }
}

// Is both operands' memory one line?
bool is_line(const Strided<2>& space) {
  return space.ndim == 1 && space.stride[0][0] == 1 && space.stride[1][0] == 1;
}

// ones[i] = whether uniform i is below probability i. Probabilities of a half type are compared in
// float with 24-bit uniforms, like float's own.
template <class P>
void draw_block(RandomStream& stream, const P* p, int64_t n, uint8_t* ones) {
  uint32_t words[2 * kRandomBlock];
  draw_words(stream, words, sizeof(P) == 8 ? 2 * n : n);
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (sizeof(P) == 8) {
      ones[i] = static_cast<double>(static_cast<int64_t>(bits53(words, i))) * 0x1p-53 < p[i];
    } else {
      const int32_t bits = static_cast<int32_t>(words[i] & kMask24);
      ones[i] = static_cast<float>(bits) * 0x1p-24f < static_cast<float>(p[i]);
    }
  }
}

// `one` is the bits of the number one.
template <class Word>
void store_ones(void* out, const int64_t* at, const uint8_t* ones, int64_t n, const void* one) {
  Word bits;
  std::memcpy(&bits, one, sizeof(bits));
  Word* const to = static_cast<Word*>(out);
  for (int64_t i = 0; i < n; ++i) to[at ? at[i] : i] = ones[i] ? bits : Word(0);
}

void store_ones(std::size_t width, void* out, int64_t first, const int64_t* at, const uint8_t* ones,
                int64_t n, const void* one) {
  char* const to = static_cast<char*>(out) + first * static_cast<int64_t>(width);
  if (width == 1) return store_ones<uint8_t>(to, at, ones, n, one);
  if (width == 2) return store_ones<uint16_t>(to, at, ones, n, one);
  if (width == 4) return store_ones<uint32_t>(to, at, ones, n, one);
  store_ones<uint64_t>(to, at, ones, n, one);
}

// Draws for all elements in order, a block of them at a time.
template <class P>
void draw_ones(RandomStream& stream, const Strided<2>& out_and_p, std::size_t width,
               const void* one) {
  void* const out = out_and_p.data[0];
  const P* const p = static_cast<const P*>(out_and_p.data[1]);
  uint8_t ones[kRandomBlock];
  if (is_line(out_and_p)) {
    for (int64_t begin = 0; begin < out_and_p.numel; begin += kRandomBlock) {
      const int64_t left = out_and_p.numel - begin;
      const int64_t n = left < kRandomBlock ? left : kRandomBlock;
      draw_block(stream, p + begin, n, ones);
      store_ones(width, out, begin, nullptr, ones, n, one);
    }
    return;
  }
  int64_t at[kRandomBlock];
  P gathered[kRandomBlock];
  int64_t n = 0;
  const auto flush = [&] {
    draw_block(stream, gathered, n, ones);
    store_ones(width, out, 0, at, ones, n, one);
    n = 0;
  };
  for_each(out_and_p, [&](int64_t i, int64_t k) {
    at[n] = i;
    gathered[n] = p[k];
    if (++n == kRandomBlock) flush();
  });
  if (n > 0) flush();
}

// A probability outside of [0, 1], or 0 if there is none.
template <class P>
Compute<P> bad_probability(const Strided<2>& out_and_p) {
  const P* const p = static_cast<const P*>(out_and_p.data[1]);
  const auto is_bad = [](Compute<P> x) { return !(x >= 0 && x <= 1); };
  if (is_line(out_and_p)) {
    int any = 0;
    for (int64_t i = 0; i < out_and_p.numel; ++i) any |= is_bad(p[i]);
    if (!any) return 0;
  }
  Compute<P> bad = 0;
  for_each(out_and_p, [&](int64_t, int64_t k) {
    if (is_bad(p[k])) bad = p[k];
  });
  return bad;
}

Status bernoulli(RandomStream* stream, DType dtype, DType p_dtype, const Strided<2>& out_and_p) {
  char one[sizeof(int64_t)];
  std::size_t width = 0;
  const Status status =
      dispatch(RealAndBool{}, dtype, "bernoulli_tensor_cpu_self_", [&]<class T>() -> Status {
        const T number = T(static_cast<Compute<T>>(1));
        width = sizeof(number);
        std::memcpy(one, &number, width);
        return Status::kOk;
      });
  if (status != Status::kOk) return status;
  return dispatch(FloatingAndHalf{}, p_dtype, "bernoulli_tensor_cpu_p_", [&]<class P>() {
    // Checked first, so that a bad probability leaves the tensor and the stream untouched.
    const Compute<P> bad = bad_probability<P>(out_and_p);
    if (bad != 0) {
      return fail(Status::kRuntimeError, "Expected p_in >= 0 && p_in <= 1 to be true, but got %g",
                  static_cast<double>(bad));
    }
    draw_ones<P>(*stream, out_and_p, width, one);
    return Status::kOk;
  });
}

// A forward shuffle; from about 2^32 / 20 elements on, where a word is too short for a fair
// remainder, the inside-out form with 64-bit draws.
void shuffle(RandomStream& stream, int64_t* out, int64_t n) {
  if (n < static_cast<int64_t>(0xffffffffu / 20)) {
    for (int64_t i = 0; i < n; ++i) out[i] = i;
    for (int64_t i = 0; i + 1 < n; ++i) {
      int64_t* const other = out + i + draw_word(stream) % static_cast<uint32_t>(n - i);
      const int64_t moved = out[i];
      out[i] = *other;
      *other = moved;
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t z = draw_word64(stream) % static_cast<uint64_t>(i + 1);
    out[i] = i;
    out[i] = out[z];
    out[z] = i;
  }
}

Status permutation(RandomStream* stream, DType dtype, void* out, int64_t n) {
  if (dtype == DType::kInt64) {
    shuffle(*stream, static_cast<int64_t*>(out), n);
    return Status::kOk;
  }
  return dispatch(Real{}, dtype, "randperm", [&]<class T>() -> Status {
    const Scratch<int64_t> order(n);
    if (!order) return order.failure();
    shuffle(*stream, order.get(), n);
    T* const to = static_cast<T*>(out);
    for (int64_t i = 0; i < n; ++i) to[i] = T(static_cast<Compute<T>>(order[i]));
    return Status::kOk;
  });
}

// One row: running sums scaled to end at exactly 1, then a binary search per sample.
template <class T, class C>
void sample_row(RandomStream& stream, int64_t* out, const T* weights, C* sums, int64_t categories,
                int64_t samples) {
  C total = 0;
  for (int64_t i = 0; i < categories; ++i) {
    total += static_cast<C>(weights[i]);
    sums[i] = total;
  }
  for (int64_t i = 0; i < categories; ++i) sums[i] /= total;
  sums[categories - 1] = 1;
  for (int64_t k = 0; k < samples; ++k) {
    const double u = draw_double(stream);
    int64_t low = 0;
    int64_t high = categories;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (static_cast<double>(sums[middle]) < u) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    out[k] = low;
  }
}

Status multinomial(RandomStream* stream, DType dtype, int64_t* out, const void* weights,
                   int64_t rows, int64_t categories, int64_t samples) {
  return dispatch(FloatingAndHalf{}, dtype, "multinomial", [&]<class T>() -> Status {
    const Scratch<Compute<T>> sums(categories);
    if (!sums) return sums.failure();
    for (int64_t row = 0; row < rows; ++row) {
      sample_row(*stream, out + row * samples, static_cast<const T*>(weights) + row * categories,
                 sums.get(), categories, samples);
    }
    return Status::kOk;
  });
}

// What kept elements are multiplied with: 1 / (1 - p) as an element of the tensor's type.
template <class T>
TALLOW_INLINE Compute<T> kept_factor(double p) {
  using C = Compute<T>;
  return T(C(1) / static_cast<C>(1.0 - p));
}

Status dropout(RandomStream* stream, DType dtype, void* out, bool* mask, const void* in, int64_t n,
               double p) {
  return dispatch(FloatingAndHalf{}, dtype, "dropout", [&]<class T>() -> Status {
    using C = Compute<T>;
    const int64_t threshold = threshold53(1.0 - p);
    const C factor = kept_factor<T>(p);
    T* const result = static_cast<T*>(out);
    const T* const source = static_cast<const T*>(in);
    uint32_t words[2 * kRandomBlock];
    for (int64_t begin = 0; begin < n; begin += kRandomBlock) {
      const int64_t count = n - begin < kRandomBlock ? n - begin : kRandomBlock;
      draw_words(*stream, words, 2 * count);
      for (int64_t i = 0; i < count; ++i) {
        const bool keep = static_cast<int64_t>(bits53(words, i)) < threshold;
        mask[begin + i] = keep;
        // A product, not a choice: infinities and NaN stay visible where PyTorch shows them.
        result[begin + i] = T(static_cast<C>(source[begin + i]) * (keep ? factor : C(0)));
      }
    }
    return Status::kOk;
  });
}

Status masked_scale(DType dtype, void* out, const bool* mask, const void* in, int64_t n, double p) {
  return dispatch(FloatingAndHalf{}, dtype, "dropout", [&]<class T>() -> Status {
    using C = Compute<T>;
    const C factor = kept_factor<T>(p);
    T* const result = static_cast<T*>(out);
    const T* const source = static_cast<const T*>(in);
    constexpr int64_t kChunk = int64_t{32} << 10;
    parallel_for(n, kChunk, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        result[i] = T(static_cast<C>(source[i]) * (mask[i] ? factor : C(0)));
      }
    });
    return Status::kOk;
  });
}

}  // namespace

void fill_random_discrete(RandomKernels& table) {
  table.bernoulli = bernoulli;
  table.permutation = permutation;
  table.multinomial = multinomial;
  table.dropout = dropout;
  table.masked_scale = masked_scale;
}

}  // namespace tallow::cpu::TALLOW_ISA
