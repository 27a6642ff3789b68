// The generator against the standard library's engine of the same kind.
#include "core/generator.h"

#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "check.h"
#include "core/device_runtime.h"
#include "core/error.h"

// The program has no plugin, and asks for no CUDA device.
const tallow::DeviceRuntime& tallow::cuda_runtime() { std::abort(); }

namespace {

using namespace tallow;  // NOLINT: a test of nothing else

void words_equal_the_standard_engines() {
  for (const uint64_t seed : {uint64_t{0}, uint64_t{42}, uint64_t{0xffffffff}, uint64_t{1} << 40}) {
    Generator generator(seed);
    std::mt19937 reference(static_cast<uint32_t>(seed));
    for (int i = 0; i < 2000; ++i) CHECK(generator.random() == reference());
    const uint64_t high = reference();
    const uint64_t low = reference();
    CHECK(generator.random64() == (high << 32 | low));
    CHECK(generator.initial_seed() == seed);
  }
}

void bulk_draws_equal_single_ones() {
  for (const int64_t skip : {0, 1, 623, 624}) {
    for (const int64_t count : {0, 1, 100, 623, 624, 625, 2000}) {
      Generator one_by_one(7);
      Generator bulk(7);
      for (int64_t i = 0; i < skip; ++i) CHECK(one_by_one.random() == bulk.random());
      std::vector<uint32_t> words(static_cast<std::size_t>(count));
      draw_words(bulk.stream(), words.data(), count);
      for (const uint32_t word : words) CHECK(word == one_by_one.random());
      CHECK(bulk.random() == one_by_one.random());
    }
  }
}

void doubles_are_in_range() {
  Generator generator(3);
  for (int i = 0; i < 10000; ++i) {
    const double value = draw_double(generator.stream());
    CHECK(value >= 0 && value < 1);
  }
}

void states_round_trip() {
  Generator generator(11);
  for (int i = 0; i < 700; ++i) generator.random();
  uint8_t bytes[Generator::kStateBytes];
  generator.get_state(bytes);
  Generator other;
  other.set_state(bytes, Generator::kStateBytes);
  uint8_t again[Generator::kStateBytes];
  other.get_state(again);
  CHECK(std::memcmp(bytes, again, sizeof(bytes)) == 0);
  Generator copy = other;
  for (int i = 0; i < 1000; ++i) {
    const uint32_t expected = generator.random();
    CHECK(other.random() == expected);
    CHECK(copy.random() == expected);
  }
}

bool refuses(const uint8_t* bytes, int64_t nbytes) {
  Generator generator(1);
  try {
    generator.set_state(bytes, nbytes);
    return false;
  } catch (const RuntimeError&) {
    Generator fresh(1);
    CHECK(generator.random() == fresh.random());
    return true;
  }
}

void bad_states_are_refused() {
  std::vector<uint8_t> bytes(Generator::kStateBytes, 0);
  CHECK(refuses(bytes.data(), Generator::kStateBytes));
  CHECK(refuses(bytes.data(), 10));
  Generator(5).get_state(bytes.data());
  CHECK(!refuses(bytes.data(), Generator::kStateBytes));
  bytes[16] = 200;  // the position no longer fits what is left
  CHECK(refuses(bytes.data(), Generator::kStateBytes));
}

void reseeding_is_unpredictable() {
  Generator a;
  Generator b;
  CHECK(a.initial_seed() == Generator::kDefaultSeed);
  CHECK(a.reseed() != b.reseed());
  CHECK(a.random() != b.random() || a.random() != b.random());
}

}  // namespace

int main() {
  words_equal_the_standard_engines();
  bulk_draws_equal_single_ones();
  doubles_are_in_range();
  states_round_trip();
  bad_states_are_refused();
  reseeding_is_unpredictable();
}
