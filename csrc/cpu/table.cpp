// One instruction-set level's filling of the kernel table.
#include "cpu/table.h"

#define TALLOW_STRING_OF(name) #name
#define TALLOW_STRING(name) TALLOW_STRING_OF(name)

namespace tallow::cpu::TALLOW_ISA {

const Backend& table() {
  static const Backend filled = [] {
    Backend backend{};
    backend.name = TALLOW_STRING(TALLOW_ISA);
    fill_attention(backend.attention);
    fill_conv(backend.conv);
    fill_index(backend.index);
    fill_linalg(backend.linalg);
    fill_loss(backend.loss);
    fill_matmul(backend.matmul);
    fill_norm(backend.norm);
    fill_optim(backend.optim);
    fill_pointwise(backend.pointwise);
    fill_pool(backend.pool);
    fill_random(backend.random);
    fill_reduce(backend.reduce);
    fill_rnn(backend.rnn);
    fill_softmax(backend.softmax);
    fill_sort(backend.sort);
    return backend;
  }();
  return filled;
}

}  // namespace tallow::cpu::TALLOW_ISA
