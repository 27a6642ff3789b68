// What convolutions and pools ask of the numbers that describe their windows.
#pragma once

#include <cstdint>
#include <limits>

namespace tallow::ops {

// The largest kernel size, stride, padding or dilation, as in PyTorch's pools: sums of products of
// two of them cannot overflow.
inline constexpr int64_t kMostWindow = std::numeric_limits<int32_t>::max();

}  // namespace tallow::ops
