// Attention.
#include "ops/attention.h"
#include "python/bindings.h"

namespace tallow::python {

void bind_attention(Registry& r) {
  r.op<&ops::attention>(
      "_scaled_dot_product_flash_attention_for_cpu(query, key, value, dropout_p=0.0, "
      "is_causal=False, *, attn_mask=None, scale=None)",
      kFunction, "Average values by the softmax of the products of queries and keys.");
}

}  // namespace tallow::python
