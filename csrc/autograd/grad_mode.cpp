#include "autograd/grad_mode.h"

namespace tallow {

thread_local AutogradState autograd_state;

bool inference_mode_enabled() { return autograd_state.inference; }

}  // namespace tallow
