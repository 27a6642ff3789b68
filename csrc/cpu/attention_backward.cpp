// Gradients of attention: the weights of a block of queries are computed again from the logarithms
// of their sums, so nothing of the size of all weights was kept.
//
// With P = exp(scale q k^T - logsumexp) and D = rowsum(grad_out * out):
//   grad_value = P^T grad_out,  dS = P * (grad_out value^T - D),
//   grad_query = scale dS key,  grad_key = scale dS^T query.
// Source: T. Dao et al., FlashAttention, NeurIPS 2022, appendix B.4.
#include "core/parallel.h"
#include "cpu/attention.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

template <class T>
struct BackwardHead {
  Rows<T> query, key, value, out;
  Rows<T> grad_out, grad_query, grad_key, grad_value;
  const T* logsumexp;
};

template <class T>
BackwardHead<T> backward_head(const AttentionArgs& args, const AttentionGrads& grads, int64_t batch,
                              int64_t head, int64_t key_head) {
  return {head_of<T>(args.query, batch, head),
          head_of<T>(args.key, batch, key_head),
          head_of<T>(args.value, batch, key_head),
          head_of<T>(args.out, batch, head),
          head_of<T>(grads.grad_out, batch, head),
          head_of<T>(grads.query, batch, head),
          head_of<T>(grads.key, batch, key_head),
          head_of<T>(grads.value, batch, key_head),
          static_cast<const T*>(args.logsumexp) + (batch * args.heads + head) * args.queries};
}

template <class T>
TALLOW_INLINE T dot(const T* a, const T* b, int64_t n) {
  Wide<T> sum = Wide<T>::filled(T(0));
  int64_t i = 0;
  for (; i + kWideLanes <= n; i += kWideLanes) {
    sum = sum + Wide<T>::load(a + i) * Wide<T>::load(b + i);
  }
  if (i < n) {
    sum =
        sum + Wide<T>::load_partial(a + i, n - i, T(0)) * Wide<T>::load_partial(b + i, n - i, T(0));
  }
  return sum.fold([](T x, T y) { return x + y; });
}

// weights = exp(scores - logsumexp), slopes = weights * (slopes - along); 0 beyond `seen`.
template <class T>
TALLOW_INLINE void finish_row(T* weights, T* slopes, int64_t seen, int64_t count, T logsumexp,
                              T along) {
  const int64_t end = pad_scores(weights, seen);
  for (int64_t j = 0; j < end; j += kLanes<T>) {
    const Vec<T> p = math::exp(load(weights + j) - broadcast(logsumexp));
    store(weights + j, p);
    store(slopes + j, p * (load(slopes + j) - broadcast(along)));
  }
  for (int64_t j = seen; j < count; ++j) weights[j] = slopes[j] = T(0);
}

// Adds what queries [first, first + rows) of one head give to the gradients.
template <class T>
bool add_block(const AttentionArgs& args, int64_t batch, int64_t head, const BackwardHead<T>& at,
               int64_t first, int64_t rows, const Transposed<T>& keys, const Transposed<T>& values,
               Rows<T> weights, Rows<T> slopes) {
  const int64_t count = visible_keys(args, first + rows);
  const T scale = static_cast<T>(args.scale);
  const Rows<const T> query{at.query[first], at.query.stride};
  const Rows<const T> grad{at.grad_out[first], at.grad_out.stride};
  if (!keys.product(query, rows, count, scale, weights) ||
      !values.product(grad, rows, count, T(1), slopes)) {
    return false;
  }
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t seen = visible_keys(args, first + i + 1);
    if (args.mask) mask_scores(args, batch, head, first + i, seen, weights[i]);
    finish_row(weights[i], slopes[i], seen, count, at.logsumexp[first + i],
               dot(at.grad_out[first + i], at.out[first + i], args.value_width));
  }
  const Rows<const T> p{weights.data, weights.stride};
  const Rows<const T> ds{slopes.data, slopes.stride};
  return weighted_rows<T>(rows, args.width, count, ds, false, {at.key.data, at.key.stride}, scale,
                          {at.grad_query[first], at.grad_query.stride}, false) &&
         weighted_rows<T>(count, args.width, rows, ds, true, query, scale, at.grad_key, true) &&
         weighted_rows<T>(count, args.value_width, rows, p, true, grad, T(1), at.grad_value, true);
}

template <class T>
TALLOW_INLINE void clear(Rows<T> rows, int64_t count, int64_t width) {
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < width; ++j) rows[i][j] = T(0);
  }
}

// A task owns one head of the keys, so gradients are added in the order of the queries.
template <class T>
Status backward_of(const AttentionArgs& args, const AttentionGrads& grads) {
  const int64_t group = args.heads / args.key_heads;
  const int64_t block = lesser(block_rows(args), args.queries);
  const int64_t pitch = score_pitch(args.keys);
  const bool copies = Transposed<T>::pays(args.queries * group);
  const int64_t key_size = copies ? Transposed<T>::size(args.keys, args.width) : 0;
  const int64_t value_size = copies ? Transposed<T>::size(args.keys, args.value_width) : 0;
  const int64_t need = key_size + value_size + 2 * block * pitch;
  const int64_t flops =
      2 * group * args.queries * args.keys * (3 * args.width + 2 * args.value_width);
  int64_t failed = 0;
  parallel_for(
      args.batch * args.key_heads, items_in_task(args.batch * args.key_heads, flops),
      [&](int64_t begin, int64_t end) {
        const Scratch<T> scratch(need);
        bool done = static_cast<bool>(scratch);
        T* const copy = scratch.get();
        for (int64_t task = begin; done && task < end; ++task) {
          const int64_t key_head = task % args.key_heads, batch = task / args.key_heads;
          BackwardHead<T> at = backward_head<T>(args, grads, batch, key_head * group, key_head);
          clear(at.grad_key, args.keys, args.width);
          clear(at.grad_value, args.keys, args.value_width);
          const Transposed<T> keys({at.key.data, at.key.stride}, args.keys, args.width,
                                   copies ? copy : nullptr);
          const Transposed<T> values({at.value.data, at.value.stride}, args.keys, args.value_width,
                                     copies ? copy + key_size : nullptr);
          T* const scores = copy + key_size + value_size;
          for (int64_t item = 0; done && item < group; ++item) {
            const int64_t head = key_head * group + item;
            at = backward_head<T>(args, grads, batch, head, key_head);
            for (int64_t i = 0; done && i < args.queries; i += block) {
              done = add_block<T>(args, batch, head, at, i, lesser(block, args.queries - i), keys,
                                  values, {scores, pitch}, {scores + block * pitch, pitch});
            }
          }
        }
        if (!done) __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      });
  return failed ? out_of_memory(need * static_cast<int64_t>(sizeof(T))) : Status::kOk;
}

}  // namespace

Status attention_backward(const AttentionArgs& args, const AttentionGrads& grads) {
  return dispatch(Floating{}, args.dtype, "scaled_dot_product_attention_backward",
                  [&]<class T>() { return backward_of<T>(args, grads); });
}

}  // namespace tallow::cpu::TALLOW_ISA
