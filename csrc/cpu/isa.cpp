// Finds out what the CPU can execute. Compiled once, for the baseline.
#include "cpu/isa.h"

#include <cstdlib>
#include <stdexcept>

namespace tallow::cpu {

const char* level_name(Level level) {
  switch (level) {
    case Level::kBaseline:
      return "baseline";
    case Level::kAvx2:
      return "avx2";
    case Level::kAvx512:
      return "avx512";
  }
  return "unknown";
}

std::vector<Level> available_levels() {
  std::vector<Level> levels{Level::kBaseline};
  // __builtin_cpu_supports also asks whether the operating system saves the wide registers.
#if defined(TALLOW_HAS_AVX2)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c")) {
    levels.push_back(Level::kAvx2);
  }
#endif
#if defined(TALLOW_HAS_AVX512)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
    levels.push_back(Level::kAvx512);
  }
#endif
  return levels;
}

Level chosen_level() {
  const std::vector<Level> levels = available_levels();
  const char* wanted = std::getenv("TALLOW_CPU_LEVEL");
  if (wanted == nullptr || *wanted == '\0') return levels.back();
  std::string names;
  for (const Level level : levels) {
    if (wanted == std::string(level_name(level))) return level;
    names += std::string(names.empty() ? "" : ", ") + level_name(level);
  }
  throw std::runtime_error("TALLOW_CPU_LEVEL: '" + std::string(wanted) +
                           "' is not available here, expected one of: " + names);
}

}  // namespace tallow::cpu
