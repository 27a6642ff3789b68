// Fibers: stacks that give way to each other inside one host thread. A CUDA thread is one.
#pragma once

#include <cstddef>

#if !defined(__x86_64__) || defined(TALLOW_EMU_UCONTEXT)
#define TALLOW_EMU_PORTABLE_SWITCH 1
#include <ucontext.h>
#endif

namespace tallow::emu {

// A stack and what resumes it. The host's own stack is a Fiber without memory of its own.
class Fiber {
 public:
  using Entry = void (*)();

  Fiber() = default;  // the host's
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Uses [stack, stack + nbytes). The next switch to the fiber calls `entry`, which never returns.
  void prepare(char* stack, std::size_t nbytes, Entry entry);
  // Suspends `from`, which is running, and resumes `to`.
  static void change(Fiber& from, Fiber& to);
  // The first thing that an entry function does.
  static void entered(Fiber& fiber);

 private:
  char* stack_ = nullptr;  // of the host: what the sanitizer said it was
  std::size_t nbytes_ = 0;
  void* fake_stack_ = nullptr;  // AddressSanitizer's
#ifdef TALLOW_EMU_PORTABLE_SWITCH
  ucontext_t context_;
#else
  void* stack_pointer_ = nullptr;
#endif
};

}  // namespace tallow::emu
