// Every bind_*.cpp registers one family of ops.
#pragma once

#include "python/op.h"

namespace tallow::python {

__attribute__((weak)) void bind_activation(Registry& r);
__attribute__((weak)) void bind_arithmetic(Registry& r);
__attribute__((weak)) void bind_compare(Registry& r);
__attribute__((weak)) void bind_conv(Registry& r);
__attribute__((weak)) void bind_copy(Registry& r);
__attribute__((weak)) void bind_creation(Registry& r);
__attribute__((weak)) void bind_index(Registry& r);
__attribute__((weak)) void bind_join(Registry& r);
__attribute__((weak)) void bind_loss(Registry& r);
__attribute__((weak)) void bind_math(Registry& r);
__attribute__((weak)) void bind_matmul(Registry& r);
__attribute__((weak)) void bind_norm(Registry& r);
__attribute__((weak)) void bind_optim(Registry& r);
__attribute__((weak)) void bind_pool(Registry& r);
__attribute__((weak)) void bind_random(Registry& r);
__attribute__((weak)) void bind_reduce(Registry& r);
__attribute__((weak)) void bind_softmax(Registry& r);
__attribute__((weak)) void bind_sort(Registry& r);
__attribute__((weak)) void bind_views(Registry& r);

// Ties the operators of TensorBase to the registered ops; called last.
void bind_operators();

}  // namespace tallow::python
