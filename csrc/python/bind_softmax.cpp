// Normalised exponentials.
#include "ops/softmax.h"
#include "python/bindings.h"

namespace tallow::python {

void bind_softmax(Registry& r) {
  r.op<&ops::softmax>("softmax(input, dim, dtype=None)", kFunction | kMethod | kOut,
                      "Normalise exp(input) along dim.");
  r.op<&ops::log_softmax>("log_softmax(input, dim, dtype=None)", kFunction | kMethod | kOut,
                          "The logarithm of softmax.");
  r.op<&ops::logsumexp>("logsumexp(input, dim, keepdim=False)", kFunction | kMethod | kOut,
                        "log(sum(exp(input))) along dimensions.");
}

}  // namespace tallow::python
