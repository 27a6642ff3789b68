// The hooks behind BlockingRegion.
#include "core/blocking.h"

namespace tallow {

namespace {

// Written once, while the extension module loads and before any other thread can run kernels.
void* (*enter_hook)() = nullptr;
void (*leave_hook)(void*) = nullptr;

}  // namespace

void set_blocking_hooks(void* (*enter)(), void (*leave)(void*)) {
  enter_hook = enter;
  leave_hook = leave;
}

BlockingRegion::BlockingRegion() : token_(enter_hook ? enter_hook() : nullptr) {}

BlockingRegion::~BlockingRegion() noexcept(false) {
  if (token_) leave_hook(token_);
}

}  // namespace tallow
