// Every bind_*.cpp registers one family of ops. That happens once, so it is compiled for size.
#pragma once

#include "core/macros.h"
#include "python/op.h"

namespace tallow::python {

TALLOW_COLD void bind_activation(Registry& r);
TALLOW_COLD void bind_arithmetic(Registry& r);
TALLOW_COLD void bind_attention(Registry& r);
TALLOW_COLD void bind_closeness(Registry& r);
TALLOW_COLD void bind_compare(Registry& r);
TALLOW_COLD void bind_conv(Registry& r);
TALLOW_COLD void bind_copy(Registry& r);
TALLOW_COLD void bind_creation(Registry& r);
TALLOW_COLD void bind_few(Registry& r);
TALLOW_COLD void bind_index(Registry& r);
TALLOW_COLD void bind_join(Registry& r);
TALLOW_COLD void bind_linalg(Registry& r);
TALLOW_COLD void bind_loss(Registry& r);
TALLOW_COLD void bind_math(Registry& r);
TALLOW_COLD void bind_matmul(Registry& r);
TALLOW_COLD void bind_matrices(Registry& r);
TALLOW_COLD void bind_norm(Registry& r);
TALLOW_COLD void bind_optim(Registry& r);
TALLOW_COLD void bind_pool(Registry& r);
TALLOW_COLD void bind_random(Registry& r);
TALLOW_COLD void bind_reduce(Registry& r);
TALLOW_COLD void bind_rnn(Registry& r);
TALLOW_COLD void bind_softmax(Registry& r);
TALLOW_COLD void bind_sort(Registry& r);
TALLOW_COLD void bind_views(Registry& r);

// Ties the operators of TensorBase to the registered ops; called last.
void bind_operators();

}  // namespace tallow::python
