// Equality of whole tensors.
#include "ops/closeness.h"
#include "python/bindings.h"

namespace tallow::python {

void bind_closeness(Registry& r) {
  r.op<&ops::equal>("equal(input, other)", kFunction | kMethod,
                    "Have the two the same shape and elements?");
  r.op<&ops::allclose>("allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False)",
                       kFunction | kMethod, "Do all elements agree within a tolerance?");
}

}  // namespace tallow::python
