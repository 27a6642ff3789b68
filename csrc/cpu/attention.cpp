// Attention: for a block of queries at a time all scores, their softmax, and the weighted values.
//
// On a CPU a block of scores of some dozens of queries stays in the second-level cache, so a row of
// scores is complete before it is exponentiated and nothing has to be rescaled, other than in
// FlashAttention (T. Dao et al., NeurIPS 2022), whose blocking of queries this is.
#include "cpu/attention.h"

#include <cmath>

#include "core/parallel.h"
#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Queries of one head that share a copy of the keys.
inline constexpr int64_t kQueriesPerTask = kMostRows;

// Replaces scores by exp(score - largest); returns their sum, 0 if every score is -infinity.
template <class T>
T exponentiate(T* scores, int64_t count, T* logsumexp) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  const int64_t end = pad_scores(scores, count);
  Wide<T> lanes = Wide<T>::filled(-kInfinity);
  for (int64_t j = 0; j < end; j += kWideLanes) {
    const Wide<T> x = Wide<T>::load(scores + j);
    for (int p = 0; p < Wide<T>::kParts; ++p) {
      lanes.part[p] = larger_or_first(lanes.part[p], x.part[p]);
    }
  }
  const T largest = lanes.fold([](T a, T b) { return a < b ? b : a; });
  const Vec<T> shift = broadcast(largest == -kInfinity ? T(0) : largest);
  lanes = Wide<T>::filled(T(0));
  for (int64_t j = 0; j < end; j += kWideLanes) {
    for (int p = 0; p < Wide<T>::kParts; ++p) {
      T* const at = scores + j + p * kLanes<T>;
      const Vec<T> e = math::exp(load(at) - shift);
      store(at, e);
      lanes.part[p] = lanes.part[p] + e;
    }
  }
  const T sum = lanes.fold([](T a, T b) { return a + b; });
  *logsumexp = sum == 0 ? kInfinity : largest + static_cast<T>(std::log(static_cast<double>(sum)));
  return sum;
}

// The outputs of queries [first, first + rows) of one head.
template <class T>
bool attend(const AttentionArgs& args, int64_t batch, int64_t head, int64_t first, int64_t rows,
            const Transposed<T>& keys, Rows<T> scores) {
  const int64_t key_head = head / (args.heads / args.key_heads);
  const int64_t count = visible_keys(args, first + rows);
  const Rows<T> query = head_of<T>(args.query, batch, head);
  const Rows<T> value = head_of<T>(args.value, batch, key_head);
  const Rows<T> out = head_of<T>(args.out, batch, head);
  T* const logsumexp = static_cast<T*>(args.logsumexp) + (batch * args.heads + head) * args.queries;
  T sum[kMostRows];
  if (!keys.product({query[first], query.stride}, rows, count, static_cast<T>(args.scale),
                    scores)) {
    return false;
  }
  for (int64_t i = 0; i < rows; ++i) {
    T* const row = scores[i];
    const int64_t seen = visible_keys(args, first + i + 1);
    if (args.mask) mask_scores(args, batch, head, first + i, seen, row);
    sum[i] = exponentiate(row, seen, logsumexp + first + i);
    for (int64_t j = seen; j < count; ++j) row[j] = T(0);
  }
  if (!weighted_rows<T>(rows, args.value_width, count, {scores.data, scores.stride}, false,
                        {value.data, value.stride}, T(1), {out[first], out.stride}, false)) {
    return false;
  }
  for (int64_t i = 0; i < rows; ++i) {
    const T inverse = sum[i] == 0 ? T(0) : T(1) / sum[i];
    T* const row = out[first + i];
    for (int64_t j = 0; j < args.value_width; ++j) row[j] *= inverse;
  }
  return true;
}

template <class T>
Status forward_of(const AttentionArgs& args) {
  const int64_t parts = ceil_div(args.queries, kQueriesPerTask);
  const int64_t per_part = lesser(args.queries, kQueriesPerTask);
  const int64_t block = block_rows(args);
  const int64_t pitch = score_pitch(args.keys);
  const bool copies = Transposed<T>::pays(per_part);
  const int64_t copy_size = copies ? Transposed<T>::size(args.keys, args.width) : 0;
  const int64_t flops = 2 * per_part * args.keys * (args.width + args.value_width);
  int64_t failed = 0;
  const int64_t tasks = args.batch * args.heads * parts;
  parallel_for(tasks, items_in_task(tasks, flops), [&](int64_t begin, int64_t end) {
    const Scratch<T> scratch(copy_size + block * pitch);
    bool done = static_cast<bool>(scratch);
    for (int64_t task = begin; done && task < end; ++task) {
      const int64_t head = task / parts % args.heads;
      const int64_t batch = task / parts / args.heads;
      const int64_t first = task % parts * kQueriesPerTask;
      const int64_t last = lesser(args.queries, first + kQueriesPerTask);
      const Rows<T> key = head_of<T>(args.key, batch, head / (args.heads / args.key_heads));
      const Transposed<T> keys({key.data, key.stride}, visible_keys(args, last), args.width,
                               copies ? scratch.get() : nullptr);
      for (int64_t i = first; done && i < last; i += block) {
        done = attend<T>(args, batch, head, i, lesser(block, last - i), keys,
                         {scratch.get() + copy_size, pitch});
      }
    }
    if (!done) __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
  });
  return failed ? out_of_memory((copy_size + block * pitch) * static_cast<int64_t>(sizeof(T)))
                : Status::kOk;
}

Status forward(const AttentionArgs& args) {
  return dispatch(Floating{}, args.dtype, "scaled_dot_product_attention",
                  [&]<class T>() { return forward_of<T>(args); });
}

}  // namespace

void fill_attention(AttentionKernels& table) {
  table.forward = forward;
  table.backward = attention_backward;
}

}  // namespace tallow::cpu::TALLOW_ISA
