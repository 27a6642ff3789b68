// The last in-place operations, so that the error about a modified saved tensor can name the one
// that wrote.
#pragma once

#include "core/tensor.h"

namespace tallow::python {

// `op`, which lives as long as the process, has just written into `tensor`.
void note_write(const Tensor& tensor, const char* op);

// Adds what backward had to say about the error that is set (autograd/blame.h), if anything.
void annotate_blame() noexcept;

void install_blame_hooks();

}  // namespace tallow::python
