// BlockingRegion: marks work that may take long, so that the embedding interpreter can let other
// threads run. The core knows nothing about Python; the binding installs the two hooks.
#pragma once

namespace tallow {

// `enter` runs at the start of a region and returns a token, or null when there is nothing to give
// up; `leave` gets a non-null token back at the end. Both null: regions do nothing.
void set_blocking_hooks(void* (*enter)(), void (*leave)(void*));

// Inside a region no reference count may change and no lock may be held when it ends: leaving may
// wait for the interpreter.
class BlockingRegion {
 public:
  BlockingRegion();
  // Not noexcept: an interpreter that is shutting down may end the thread by unwinding it from
  // here.
  ~BlockingRegion() noexcept(false);
  BlockingRegion(const BlockingRegion&) = delete;
  BlockingRegion& operator=(const BlockingRegion&) = delete;

 private:
  void* token_;
};

}  // namespace tallow
