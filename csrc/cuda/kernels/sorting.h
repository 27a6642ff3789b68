// Sorting on the device: order keys ranked together with their positions, so that equal elements
// keep their order and no two are equal.
#pragma once

#include "cuda/kernels/layout.h"

#include "cuda/scratch.h"

namespace tallow::cuda {

template <class Key>
struct Ranked {
  Key key;
  uint32_t index;
  TL_HD bool operator<(const Ranked& other) const {
    return key < other.key || (key == other.key && index < other.index);
  }
};

// A tile is sorted in shared memory; longer rows are merged from sorted tiles.
inline constexpr int kSortTile = 1024;

// Batcher's bitonic network on tiles of `width` (a power of two) elements, one block each.
// Source: K. E. Batcher, "Sorting networks and their applications", AFIPS 1968.
template <class T>
__global__ void sort_tiles(const T* in, Ranked<typename KeyOf<T>::Key>* out, int64_t n,
                           int64_t tiles, int width, bool descending) {
  using Key = typename KeyOf<T>::Key;
  using Item = Ranked<Key>;
  __shared__ __align__(16) unsigned char storage[kSortTile * sizeof(Item)];
  Item* const items = reinterpret_cast<Item*>(storage);
  const int64_t row = blockIdx.x / tiles;
  const int64_t begin = (blockIdx.x - row * tiles) * kSortTile;
  for (int i = static_cast<int>(threadIdx.x); i < width; i += static_cast<int>(blockDim.x)) {
    const int64_t at = begin + i;
    // What lies beyond the row is after everything in it.
    Item item{static_cast<Key>(~Key{0}), 0xffffffffu};
    if (at < n) {
      const Key key = KeyOf<T>::of(in[row * n + at]);
      item = {descending ? static_cast<Key>(~key) : key, static_cast<uint32_t>(at)};
    }
    items[i] = item;
  }
  for (int size = 2; size <= width; size *= 2) {
    for (int distance = size / 2; distance > 0; distance /= 2) {
      __syncthreads();
      for (int pair = static_cast<int>(threadIdx.x); pair < width / 2;
           pair += static_cast<int>(blockDim.x)) {
        const int low = 2 * pair - (pair & (distance - 1));
        Item& a = items[low];
        Item& b = items[low + distance];
        if ((b < a) == ((low & size) == 0)) {
          const Item moved = a;
          a = b;
          b = moved;
        }
      }
    }
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < width; i += static_cast<int>(blockDim.x)) {
    if (begin + i < n) out[row * n + begin + i] = items[i];
  }
}

// Merges neighbouring sorted runs of `run` elements: each element finds its place by counting those
// of the other run that come before it.
template <class Item>
__global__ void merge_runs(const Item* in, Item* out, Splitter row_of, int64_t total, int64_t run) {
  const int64_t n = row_of.size();
  for (int64_t i = global_index(); i < total; i += grid_stride()) {
    const int64_t row = row_of.quotient(i);
    const int64_t at = i - row * n;
    const int64_t mine = at / run * run;
    const int64_t first = mine / run % 2 == 0 ? mine : mine - run;  // of the pair
    const int64_t other = mine == first ? mine + run : first;
    const Item item = in[i];
    int64_t low = other < n ? other : n;
    int64_t high = other + run < n ? other + run : n;
    const int64_t start = low;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (in[row * n + middle] < item) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    out[row * n + first + (at - mine) + (low - start)] = item;
  }
}

// The elements of `rows` rows of n, ranked and sorted. `spare` is as large as `sorted`; what of the
// two holds the result is returned in *result.
template <class T>
Status sort_ranked(const T* in, int64_t rows, int64_t n, bool descending,
                   Ranked<typename KeyOf<T>::Key>* sorted, Ranked<typename KeyOf<T>::Key>* spare,
                   Ranked<typename KeyOf<T>::Key>** result) {
  using Item = Ranked<typename KeyOf<T>::Key>;
  int width = 2;
  while (width < n && width < kSortTile) width *= 2;
  const int64_t tiles = blocks_for(n, kSortTile);
  const unsigned threads = width / 2 < kWarp ? kWarp : static_cast<unsigned>(width / 2);
  TALLOW_CUDA_TRY(launch({dim3(grid_for(rows * tiles, 1)), dim3(threads)}, sort_tiles<T>, in,
                         sorted, n, tiles, width, descending));
  for (int64_t run = kSortTile; run < n; run *= 2) {
    TALLOW_CUDA_TRY(launch(threads_for(rows * n, 1), merge_runs<Item>,
                           static_cast<const Item*>(sorted), spare, Splitter(n, rows * n), rows * n,
                           run));
    Item* const moved = sorted;
    sorted = spare;
    spare = moved;
  }
  *result = sorted;
  return Status::kOk;
}

// The two buffers and the result of sort_ranked().
template <class T>
class SortedRows {
 public:
  using Item = Ranked<typename KeyOf<T>::Key>;
  [[nodiscard]] Status sort(const T* in, int64_t rows, int64_t n, bool descending) {
    if (n >= int64_t{1} << 32) {
      return fail(Status::kNotImplemented, "sort: rows of %lld elements are not supported",
                  static_cast<long long>(n));
    }
    TALLOW_CUDA_TRY(first_.allocate(rows * n));
    if (n > kSortTile) TALLOW_CUDA_TRY(second_.allocate(rows * n));
    return sort_ranked(in, rows, n, descending, first_.get(), second_.get(), &items_);
  }
  const Item* items() const { return items_; }

 private:
  Scratch<Item> first_, second_;
  Item* items_ = nullptr;
};

}  // namespace tallow::cuda
