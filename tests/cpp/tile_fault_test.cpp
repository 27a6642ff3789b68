// Products by the tiles of csrc/cuda/kernels/tile_product.h, or of a copy with a mistake that
// test_planted_faults.py has put first on the path. Status 3 if a result is wrong.
#include <cuda_runtime.h>

#include <cstdlib>
#include <vector>

#include "cuda/kernels/tile_product.h"
#include "cuda_emu/control.h"

#include "check.h"

namespace {

using namespace tallow;  // NOLINT: a test of nothing else
using namespace tallow::cuda;

constexpr int64_t kM = 70, kN = 67, kK = 75;

template <class Tile>
__global__ void product(const typename Tile::Element* a, const typename Tile::Element* b,
                        float* c) {
  using T = typename Tile::Element;
  const int64_t tiles = (kN + Tile::kSide - 1) / Tile::kSide;
  const int64_t row = blockIdx.x / tiles * Tile::kSide, column = blockIdx.x % tiles * Tile::kSide;
  Tile tile;
  tile.template multiply<true, false>(
      row, column, 0, kK,
      [&](int64_t i, int64_t l) { return i < kM && l < kK ? a[i * kK + l] : T(); },
      [&](int64_t j, int64_t l) { return j < kN && l < kK ? b[l * kN + j] : T(); });
  tile.store(row, column, kM, kN, [&](int64_t i, int64_t j, float sum) { c[i * kN + j] = sum; });
}

template <class T>
T* device_copy(const std::vector<T>& host) {
  void* data = nullptr;
  CHECK(cudaMalloc(&data, host.size() * sizeof(T)) == cudaSuccess);
  CHECK(cudaMemcpy(data, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice) ==
        cudaSuccess);
  return static_cast<T*>(data);
}

// Small integers, whose products every type sums exactly.
template <class Tile>
bool is_right() {
  using T = typename Tile::Element;
  std::vector<T> a, b;
  for (int64_t i = 0; i < kM * kK; ++i) a.push_back(static_cast<T>(static_cast<float>(i % 7)));
  for (int64_t i = 0; i < kK * kN; ++i) b.push_back(static_cast<T>(static_cast<float>(i % 5)));
  const T* const on_a = device_copy(a);
  const T* const on_b = device_copy(b);
  float* const on_c = device_copy(std::vector<float>(kM * kN));
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(blocks_for(kM, Tile::kSide)) *
                        static_cast<unsigned>(blocks_for(kN, Tile::kSide)));
  config.blockDim = dim3(Tile::kThreads);
  CHECK(cudaLaunchKernelEx(&config, product<Tile>, on_a, on_b, on_c) == cudaSuccess);
  std::vector<float> c(kM * kN);
  CHECK(cudaMemcpy(c.data(), on_c, c.size() * sizeof(float), cudaMemcpyDeviceToHost) ==
        cudaSuccess);
  for (int64_t i = 0; i < kM; ++i) {
    for (int64_t j = 0; j < kN; ++j) {
      float sum = 0;
      for (int64_t l = 0; l < kK; ++l) {
        sum += static_cast<float>((i * kK + l) % 7 * ((l * kN + j) % 5));
      }
      if (c[static_cast<std::size_t>(i * kN + j)] != sum) return false;
    }
  }
  return true;
}

}  // namespace

int main() {
  bool right = true;
  for (int order = 0; order < 3; ++order) {
    tallow_emu_set_order(order, 5);
    right = right && is_right<PlainTile<float, 1>>() && is_right<PlainTile<float, 4>>();
    right = right && is_right<TensorTile<float>>() && is_right<TensorTile<Half>>() &&
            is_right<TensorTile<BFloat16>>();
  }
  return right ? 0 : 3;
}
