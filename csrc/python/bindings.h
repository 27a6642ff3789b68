// Every bind_*.cpp registers one family of ops.
#pragma once

#include "python/op.h"

namespace tallow::python {

void bind_activation(Registry& r);
void bind_arithmetic(Registry& r);
void bind_attention(Registry& r);
void bind_closeness(Registry& r);
void bind_compare(Registry& r);
void bind_conv(Registry& r);
void bind_copy(Registry& r);
void bind_creation(Registry& r);
void bind_index(Registry& r);
void bind_join(Registry& r);
void bind_loss(Registry& r);
void bind_math(Registry& r);
void bind_matmul(Registry& r);
void bind_matrices(Registry& r);
void bind_norm(Registry& r);
void bind_optim(Registry& r);
void bind_pool(Registry& r);
void bind_random(Registry& r);
void bind_reduce(Registry& r);
void bind_rnn(Registry& r);
void bind_softmax(Registry& r);
void bind_sort(Registry& r);
void bind_views(Registry& r);

// Ties the operators of TensorBase to the registered ops; called last.
void bind_operators();

}  // namespace tallow::python
