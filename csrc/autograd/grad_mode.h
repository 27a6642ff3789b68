// Per-thread switches of autograd: grad mode and inference mode. Changed only through RAII guards
// and the binding's setters; new threads start with gradients enabled.
#pragma once

#include "core/macros.h"

namespace tallow {

struct AutogradState {
  bool grad_enabled = true;
  bool inference = false;
};
extern thread_local AutogradState autograd_state __attribute__((tls_model("initial-exec")));

TALLOW_INLINE bool grad_enabled() { return autograd_state.grad_enabled; }
bool inference_mode_enabled();
// Are operations recorded now? Inference mode wins over an enable_grad inside it.
TALLOW_INLINE bool recording_enabled() {
  return autograd_state.grad_enabled && !autograd_state.inference;
}

class GradModeGuard {
 public:
  explicit GradModeGuard(bool enabled) : previous_(autograd_state.grad_enabled) {
    autograd_state.grad_enabled = enabled;
  }
  ~GradModeGuard() { autograd_state.grad_enabled = previous_; }
  GradModeGuard(const GradModeGuard&) = delete;
  GradModeGuard& operator=(const GradModeGuard&) = delete;

 private:
  bool previous_;
};

struct NoGradGuard : GradModeGuard {
  NoGradGuard() : GradModeGuard(false) {}
};

}  // namespace tallow
