// Picks the kernel table of the CPU level in use.
#include <cstring>
#include <type_traits>

#include "backend/backend.h"
#include "cpu/isa.h"

namespace tallow {

namespace cpu::baseline {
const Backend& table();
}
#if defined(TALLOW_HAS_AVX2)
namespace cpu::avx2 {
const Backend& table();
}
#endif
#if defined(TALLOW_HAS_AVX512)
namespace cpu::avx512 {
const Backend& table();
}
#endif

namespace {

using Entry = void (*)();
// The struct holds nothing but pointers, which merging relies on.
static_assert(std::is_trivially_copyable_v<Backend> && sizeof(Backend) % sizeof(Entry) == 0);

const Backend& table_of(cpu::Level level) {
  switch (level) {
#if defined(TALLOW_HAS_AVX512)
    case cpu::Level::kAvx512:
      return cpu::avx512::table();
#endif
#if defined(TALLOW_HAS_AVX2)
    case cpu::Level::kAvx2:
      return cpu::avx2::table();
#endif
    default:
      return cpu::baseline::table();
  }
}

// `upper` with its null entries taken from `lower`.
Backend merged(const Backend& lower, const Backend& upper) {
  constexpr size_t kEntries = sizeof(Backend) / sizeof(Entry);
  Entry result[kEntries];
  Entry above[kEntries];
  std::memcpy(result, &lower, sizeof(Backend));
  std::memcpy(above, &upper, sizeof(Backend));
  for (size_t i = 0; i < kEntries; ++i) {
    if (above[i] != nullptr) result[i] = above[i];
  }
  Backend table{};
  std::memcpy(&table, result, sizeof(Backend));
  return table;
}

Backend load() {
  const cpu::Level chosen = cpu::chosen_level();
  Backend table{};
  for (const cpu::Level level : cpu::available_levels()) {
    if (level <= chosen) table = merged(table, table_of(level));
  }
  return table;
}

}  // namespace

const Backend& cpu_backend() {
  static const Backend table = load();
  return table;
}

}  // namespace tallow
