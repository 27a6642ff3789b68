// Attributes shared by every layer; no other project header may be included here.
#pragma once

// Forces inlining, so that no out-of-line copy compiled for one instruction set can be chosen by
// the linker for another (see docs/decisions/0003-instruction-sets.md).
#define TALLOW_INLINE inline __attribute__((always_inline))
#define TALLOW_NOINLINE __attribute__((noinline))
#define TALLOW_COLD __attribute__((cold, noinline))
#define TALLOW_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define TALLOW_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
