// Sorting and selecting by order keys, alone or paired with the position of their element.
#pragma once

#include "core/order_key.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

template <class Key>
struct Ranked {
  Key key;
  uint32_t index;
  // By key, then by position: no two are equal.
  TALLOW_INLINE bool operator<(const Ranked& other) const {
    return key < other.key || (key == other.key && index < other.index);
  }
};

template <class T>
TALLOW_INLINE Ranked<typename KeyOf<T>::Key> ranked(T x, int64_t index, bool descending) {
  using Key = typename KeyOf<T>::Key;
  const Key key = KeyOf<T>::of(x);
  return {descending ? static_cast<Key>(~key) : key, static_cast<uint32_t>(index)};
}

// Sorts n items by key, equal keys by position; `other` is scratch of n items. The items must come
// in order of position. Returns the one of the two arrays that holds the result.
template <class Key>
Ranked<Key>* sort_ranked(Ranked<Key>* items, Ranked<Key>* other, int64_t n) {
  using Item = Ranked<Key>;
  constexpr int64_t kInsertion = 48;
  constexpr int64_t kRadix = 400;
  const auto insertion = [](Item* from, int64_t count) {
    for (int64_t i = 1; i < count; ++i) {
      const Item item = from[i];
      int64_t j = i;
      for (; j > 0 && item.key < from[j - 1].key; --j) from[j] = from[j - 1];
      from[j] = item;
    }
  };
  if (n <= kInsertion) {
    insertion(items, n);
    return items;
  }
  if (n < kRadix) {
    for (int64_t i = 0; i < n; i += kInsertion) {
      insertion(items + i, n - i < kInsertion ? n - i : kInsertion);
    }
    for (int64_t width = kInsertion; width < n; width *= 2) {
      for (int64_t left = 0; left < n; left += 2 * width) {
        const int64_t middle = left + width < n ? left + width : n;
        const int64_t right = left + 2 * width < n ? left + 2 * width : n;
        int64_t a = left, b = middle;
        for (int64_t i = left; i < right; ++i) {
          const bool second = a == middle || (b < right && items[b].key < items[a].key);
          other[i] = second ? items[b++] : items[a++];
        }
      }
      Item* const sorted = other;
      other = items;
      items = sorted;
    }
    return items;
  }
  // Least significant byte first; bytes that all keys share cost no pass.
  constexpr int kBytes = sizeof(Key);
  uint32_t count[kBytes][256] = {};
  for (int64_t i = 0; i < n; ++i) {
    for (int b = 0; b < kBytes; ++b) ++count[b][(items[i].key >> (8 * b)) & 255u];
  }
  for (int b = 0; b < kBytes; ++b) {
    if (count[b][(items[0].key >> (8 * b)) & 255u] == n) continue;
    uint32_t start = 0;
    for (uint32_t& c : count[b]) {
      const uint32_t size = c;
      c = start;
      start += size;
    }
    for (int64_t i = 0; i < n; ++i) {
      other[count[b][(items[i].key >> (8 * b)) & 255u]++] = items[i];
    }
    Item* const sorted = other;
    other = items;
    items = sorted;
  }
  return items;
}

// The key at place k (from 0) of the n sorted keys, and how many are smaller. Destroys the keys:
// byte by byte, the most significant first, only those that agree with the answer are kept.
template <class Key>
struct Selected {
  Key key;
  int64_t smaller;
};
template <class Key>
Selected<Key> select_key(Key* keys, int64_t n, int64_t k) {
  constexpr int64_t kFew = 32;
  int64_t smaller = 0;
  for (int shift = 8 * sizeof(Key) - 8; shift >= 0 && n > kFew; shift -= 8) {
    const auto byte = [&](Key key) { return static_cast<uint32_t>(key >> shift) & 255u; };
    uint32_t count[256] = {};
    for (int64_t i = 0; i < n; ++i) ++count[byte(keys[i])];
    uint32_t wanted = 0;
    for (; smaller + count[wanted] <= k; ++wanted) smaller += count[wanted];
    int64_t kept = 0;
    for (int64_t i = 0; i < n; ++i) {
      const Key key = keys[i];
      keys[kept] = key;
      kept += byte(key) == wanted;
    }
    n = kept;
  }
  // What is left agrees in every byte looked at, or is short enough to be sorted.
  for (int64_t i = 1; i < n && n <= kFew; ++i) {
    const Key key = keys[i];
    int64_t j = i;
    for (; j > 0 && key < keys[j - 1]; --j) keys[j] = keys[j - 1];
    keys[j] = key;
  }
  const Key key = keys[n <= kFew ? k - smaller : 0];
  for (int64_t i = 0; i < n && keys[i] < key; ++i) ++smaller;
  return {key, smaller};
}

// The first place whose key is `key`, from `from` on; there must be one.
template <class T>
TALLOW_INLINE int64_t find_key(const T* row, int64_t n, typename KeyOf<T>::Key key, int64_t from) {
  constexpr int64_t kBlock = 64;
  int64_t i = from;
  for (; i + kBlock <= n; i += kBlock) {
    bool here = false;
    for (int64_t j = 0; j < kBlock; ++j) here |= KeyOf<T>::of(row[i + j]) == key;
    if (here) break;
  }
  while (KeyOf<T>::of(row[i]) != key) ++i;
  return i;
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
