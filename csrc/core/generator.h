// Generator: the source of random numbers of a device; the CPU's has PyTorch's streams bit for bit.
#pragma once

#include <cstdint>

#include "core/device.h"
#include "core/random_stream.h"

namespace tallow {

// Plain value: copying a generator copies its state. Not synchronised; callers hold the
// interpreter's lock.
class Generator {
 public:
  static constexpr uint64_t kDefaultSeed = 67280421310721;
  static constexpr int64_t kStateBytes = 5056;

  static constexpr int64_t kDeviceStateBytes = 16;

  explicit Generator(uint64_t seed = kDefaultSeed, Device device = kCPU) : device_(device) {
    set_seed(seed);
  }

  Device device() const { return device_; }

  // Restarts the stream. The engine uses only the low 32 bits; initial_seed() returns all 64.
  void set_seed(uint64_t seed);
  uint64_t initial_seed() const { return seed_; }
  // Restarts the stream from a seed nobody can predict, and returns that seed.
  uint64_t reseed();

  uint32_t random() { return draw_word(stream_); }
  uint64_t random64() { return draw_word64(stream_); }

  // The bytes of PyTorch's generator state, so that checkpoints can be exchanged; the CPU's is a
  // Mersenne Twister, any other device's a seed and an offset. `set_state` raises RuntimeError and
  // changes nothing when the bytes are not a state.
  int64_t state_bytes() const { return device_.is_cpu() ? kStateBytes : kDeviceStateBytes; }
  void get_state(uint8_t* bytes) const;
  void set_state(const uint8_t* bytes, int64_t nbytes);

  RandomStream& stream() { return stream_; }

 private:
  Device device_;
  uint64_t seed_;
  RandomStream stream_;
};

// The generator used where none is named. Seeded unpredictably when first asked for.
Generator& default_cpu_generator();
// That of a CUDA device with an index, the CPU's of any other.
Generator& default_generator(Device device);
// Seeds those of all CUDA devices, also of those that are used later.
void seed_cuda_generators(uint64_t seed);

}  // namespace tallow
