// Generator: the source of all random numbers on the CPU, with PyTorch's streams bit for bit.
#pragma once

#include <cstdint>

#include "core/random_stream.h"

namespace tallow {

// Plain value: copying a generator copies its state. Not synchronised; callers hold the
// interpreter's lock.
class Generator {
 public:
  static constexpr uint64_t kDefaultSeed = 67280421310721;
  static constexpr int64_t kStateBytes = 5056;

  explicit Generator(uint64_t seed = kDefaultSeed) { set_seed(seed); }

  // Restarts the stream. The engine uses only the low 32 bits; initial_seed() returns all 64.
  void set_seed(uint64_t seed);
  uint64_t initial_seed() const { return seed_; }
  // Restarts the stream from a seed nobody can predict, and returns that seed.
  uint64_t reseed();

  uint32_t random() { return draw_word(stream_); }
  uint64_t random64() { return draw_word64(stream_); }

  // The bytes of PyTorch's CPU generator state, so that checkpoints can be exchanged. `set_state`
  // raises RuntimeError and changes nothing when the bytes are not a state.
  void get_state(uint8_t* bytes) const;
  void set_state(const uint8_t* bytes, int64_t nbytes);

  RandomStream& stream() { return stream_; }

 private:
  uint64_t seed_;
  RandomStream stream_;
};

// The generator used where none is named. Seeded unpredictably when first asked for.
Generator& default_cpu_generator();

}  // namespace tallow
