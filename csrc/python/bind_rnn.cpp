// Recurrent networks.
#include "ops/rnn.h"
#include "python/bindings.h"

namespace tallow::python {

void bind_rnn(Registry& r) {
  r.op<&ops::rnn_layer>(
      "_rnn_layer(mode, input, batch_sizes, hx, w_ih, w_hh, cx=None, b_ih=None, b_hh=None, "
      "w_hr=None, reverse=False)",
      kFunction, "Run one direction of one recurrent layer over a sequence.");
}

}  // namespace tallow::python
