#include "cuda_emu/fiber.h"

#include <cstdint>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace tallow::emu {

namespace {

// The fiber that gave way last: whoever runs next tells the sanitizer about its stack.
Fiber* previous = nullptr;

}  // namespace

#ifndef TALLOW_EMU_PORTABLE_SWITCH

// Pushes the registers that a callee must keep (System V ABI), stores the stack pointer to *rdi,
// takes the one in rsi and pops.
extern "C" void tallow_emu_switch(void** save, void* load);
asm(R"(
.text
.globl tallow_emu_switch
.hidden tallow_emu_switch
.type tallow_emu_switch, @function
tallow_emu_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size tallow_emu_switch, .-tallow_emu_switch
)");

#endif

void Fiber::prepare(char* stack, std::size_t nbytes, Entry entry) {
#ifdef __SANITIZE_ADDRESS__
  // A fiber abandoned in the middle of its frames left them poisoned.
  __asan_unpoison_memory_region(stack, nbytes);
#endif
  stack_ = stack;
  nbytes_ = nbytes;
  fake_stack_ = nullptr;
#ifdef TALLOW_EMU_PORTABLE_SWITCH
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack;
  context_.uc_stack.ss_size = nbytes;
  context_.uc_link = nullptr;
  makecontext(&context_, entry, 0);
#else
  // Six registers, the address that `ret` takes, and one word so that `entry` finds the stack as
  // after a call: 8 below a multiple of 16.
  auto* top =
      reinterpret_cast<std::uintptr_t*>(reinterpret_cast<std::uintptr_t>(stack + nbytes) / 16 * 16);
  top[-1] = 0;
  top[-2] = reinterpret_cast<std::uintptr_t>(entry);
  for (int i = 3; i <= 8; ++i) top[-i] = 0;
  stack_pointer_ = top - 8;
#endif
}

void Fiber::entered([[maybe_unused]] Fiber& fiber) {
#ifdef __SANITIZE_ADDRESS__
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(fiber.fake_stack_, &bottom, &size);
  if (previous->stack_ == nullptr || previous->nbytes_ == 0) {
    previous->stack_ = static_cast<char*>(const_cast<void*>(bottom));
    previous->nbytes_ = size;
  }
#endif
}

void Fiber::change(Fiber& from, Fiber& to) {
  previous = &from;
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&from.fake_stack_, to.stack_, to.nbytes_);
#endif
#ifdef TALLOW_EMU_PORTABLE_SWITCH
  swapcontext(&from.context_, &to.context_);
#else
  tallow_emu_switch(&from.stack_pointer_, to.stack_pointer_);
#endif
  entered(from);
}

}  // namespace tallow::emu
