// Seeding and the exchange format of the generator's state.
#include "core/generator.h"

#include <cstring>
#include <optional>
#include <random>

#include "core/error.h"

namespace tallow {

namespace {

// The state as it lies in files: little-endian, each engine word widened to 64 bits. The fields
// called unused belong to generators PyTorch has had in the past and are written as zero.
struct StateBytes {
  uint64_t seed;
  int32_t left;
  int32_t seeded;
  uint64_t next;
  uint64_t words[RandomStream::kWords];
  double unused_x;
  double normal;
  double unused_rho;
  int32_t has_normal;
  int32_t padding;
  float unused_float_normal;
  bool unused_has_float_normal;
  uint8_t padding_end[3];
};
static_assert(sizeof(StateBytes) == Generator::kStateBytes);

uint64_t unpredictable_seed() {
  std::random_device device;
  const uint64_t high = device();
  return high << 32 | device();
}

}  // namespace

void Generator::set_seed(uint64_t seed) {
  seed_ = seed;
  stream_.philox.seed = seed;
  stream_.philox.offset = 0;
  stream_.state[0] = static_cast<uint32_t>(seed);
  for (uint32_t i = 1; i < RandomStream::kWords; ++i) {
    const uint32_t previous = stream_.state[i - 1];
    stream_.state[i] = 1812433253u * (previous ^ (previous >> 30)) + i;
  }
  stream_.next = 0;
  stream_.left = 1;
  stream_.has_normal = false;
  stream_.normal = 0;
}

uint64_t Generator::reseed() {
  set_seed(unpredictable_seed());
  return seed_;
}

namespace {

// PyTorch counts 32-bit words, four of them in a block.
constexpr uint64_t kWordsPerBlock = 4;

}  // namespace

void Generator::get_state(uint8_t* bytes) const {
  if (!device_.is_cpu()) {
    const uint64_t state[2] = {stream_.philox.seed, stream_.philox.offset * kWordsPerBlock};
    std::memcpy(bytes, state, sizeof(state));
    return;
  }
  StateBytes state;
  std::memset(&state, 0, sizeof(state));
  state.seed = seed_;
  state.left = stream_.left;
  state.seeded = 1;
  state.next = static_cast<uint64_t>(stream_.next);
  for (int i = 0; i < RandomStream::kWords; ++i) state.words[i] = stream_.state[i];
  state.normal = stream_.has_normal ? stream_.normal : 0;
  state.has_normal = stream_.has_normal;
  std::memcpy(bytes, &state, sizeof(state));
}

void Generator::set_state(const uint8_t* bytes, int64_t nbytes) {
  if (!device_.is_cpu()) {
    TALLOW_CHECK(nbytes == kDeviceStateBytes, "RNG state is wrong size");
    uint64_t state[2];
    std::memcpy(state, bytes, sizeof(state));
    TALLOW_CHECK(state[1] % kWordsPerBlock == 0, "offset must be a multiple of 4");
    set_seed(state[0]);
    stream_.philox.offset = state[1] / kWordsPerBlock;
    return;
  }
  TALLOW_CHECK(nbytes == kStateBytes, "Expected a CPUGeneratorImplState of size ", kStateBytes,
               " but found the input RNG state size to be ", nbytes);
  StateBytes state;
  std::memcpy(&state, bytes, sizeof(state));
  // Only positions that seeding and drawing can produce: before a new block, or inside one.
  const int64_t drawn = static_cast<int64_t>(state.next);
  const bool fresh = state.left == 1 && drawn == 0;
  const bool inside =
      drawn >= 1 && drawn <= RandomStream::kWords && state.left == RandomStream::kWords + 1 - drawn;
  TALLOW_CHECK(state.seeded == 1 && (fresh || inside), "Invalid mt19937 state: next ", state.next,
               ", left ", state.left);
  seed_ = state.seed;
  stream_.next = static_cast<int32_t>(state.next);
  stream_.left = state.left;
  for (int i = 0; i < RandomStream::kWords; ++i) {
    stream_.state[i] = static_cast<uint32_t>(state.words[i]);
  }
  stream_.has_normal = state.has_normal != 0;
  stream_.normal = stream_.has_normal ? state.normal : 0;
}

Generator& default_cpu_generator() {
  // Never destroyed: it may be used while the process is ending.
  static Generator* const generator = new Generator(unpredictable_seed());
  return *generator;
}

namespace {

Generator* cuda_generators[128] = {};
std::optional<uint64_t> cuda_seed;  // of generators that do not exist yet

}  // namespace

Generator& default_generator(Device device) {
  if (!device.is_cuda()) return default_cpu_generator();
  Generator*& generator = cuda_generators[device.resolved().index];
  if (!generator) {
    generator = new Generator(cuda_seed ? *cuda_seed : unpredictable_seed(), device.resolved());
  }
  return *generator;
}

void seed_cuda_generators(uint64_t seed) {
  cuda_seed = seed;
  for (Generator* const generator : cuda_generators) {
    if (generator) generator->set_seed(seed);
  }
}

}  // namespace tallow
