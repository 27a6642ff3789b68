// What the binding is told when backward finds a saved tensor modified or gone, just before the
// error is raised: it may know more than the error's text says.
#pragma once

#include "autograd/node.h"

namespace tallow {

struct BlameHooks {
  // `tensor` was at version `saved` when `reader` kept it for its derivative.
  void (*modified)(const Tensor& tensor, uint32_t saved, const Node& reader) = nullptr;
  // `reader` has run before and no longer has what it saved.
  void (*freed)(const Node& reader) = nullptr;
};
extern BlameHooks blame;

}  // namespace tallow
