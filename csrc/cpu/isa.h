// The CPU's instruction-set levels and the choice of the one that kernels run at.
#pragma once

#include <string>
#include <vector>

namespace tallow::cpu {

// Each level includes the ones before it. The numbers equal TALLOW_ISA_LEVEL in kernel files.
enum class Level : int { kBaseline = 0, kAvx2 = 1, kAvx512 = 2 };

const char* level_name(Level level);

// The levels in this build that this CPU can execute, lowest first; baseline is always there.
std::vector<Level> available_levels();

// The highest available level, or the one that TALLOW_CPU_LEVEL names. Throws
// std::runtime_error, saying what is available, if that name is unknown or not available.
Level chosen_level();

}  // namespace tallow::cpu
