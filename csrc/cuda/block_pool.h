// The pieces of device memory that the caching allocator keeps account of, and the sets of free
// ones it chooses from.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <set>

namespace tallow::cuda {

inline constexpr int64_t kMinBlock = 512;
inline constexpr int64_t kSmallBlock = int64_t{1} << 20;       // blocks up to this size are small
inline constexpr int64_t kSmallSegment = int64_t{2} << 20;     // what they are cut from
inline constexpr int64_t kLargeSegment = int64_t{20} << 20;    // what medium blocks are cut from
inline constexpr int64_t kMediumBlock = int64_t{10} << 20;     // larger ones have their own segment
inline constexpr int64_t kSegmentMultiple = int64_t{2} << 20;  // whose size is rounded to this

struct BlockPool;

// A part of a segment. Its neighbours in the segment are `previous` and `next`.
struct Block {
  cudaStream_t stream = nullptr;
  BlockPool* pool = nullptr;
  char* data = nullptr;
  int64_t size = 0;
  int64_t requested = 0;  // what the user asked for
  bool in_use = false;
  int events = 0;                        // outstanding, before which it cannot be reused
  std::set<cudaStream_t> other_streams;  // that use it, besides `stream`
  Block* previous = nullptr;
  Block* next = nullptr;

  bool is_split() const { return previous || next; }
};

// Best fit: the smallest free block of the stream that is large enough, the lowest address first.
struct BlockOrder {
  bool operator()(const Block* a, const Block* b) const {
    if (a->stream != b->stream) return std::less<>()(a->stream, b->stream);
    if (a->size != b->size) return a->size < b->size;
    return std::less<>()(a->data, b->data);
  }
};

struct BlockPool {
  bool small = false;
  uint64_t capture = 0;  // the id of the graph pool it belongs to; 0: the common one
  std::set<Block*, BlockOrder> free;
};

constexpr int64_t rounded_block(int64_t nbytes) {
  return nbytes <= kMinBlock ? kMinBlock : (nbytes + kMinBlock - 1) / kMinBlock * kMinBlock;
}
constexpr int64_t segment_for(int64_t size) {
  if (size <= kSmallBlock) return kSmallSegment;
  if (size < kMediumBlock) return kLargeSegment;
  return (size + kSegmentMultiple - 1) / kSegmentMultiple * kSegmentMultiple;
}
// Is what would be left of a block worth keeping as one?
inline bool worth_splitting(const Block& block, int64_t size) {
  const int64_t rest = block.size - size;
  return block.pool->small ? rest >= kMinBlock : rest > kSmallBlock;
}

}  // namespace tallow::cuda
