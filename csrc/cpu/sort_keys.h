// Sorting and selecting by order keys, alone or paired with the position of their element.
#pragma once

#include "core/order_key.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// What sort() and unique() take.
using Sortable = Types<bool, uint8_t, int8_t, int16_t, int32_t, int64_t, uint16_t, uint32_t,
                       uint64_t, float, double, Half, BFloat16>;

// KeyOf<T>::of() of a vector of elements, given as their bits; the complement for descending order.
template <class T>
TALLOW_INLINE Vec<typename KeyOf<T>::Key> keys_of(Vec<typename KeyOf<T>::Key> bits,
                                                  bool descending) {
  using K = KeyOf<T>;
  using V = Vec<typename K::Key>;
  const V sign = broadcast(K::kSign);
  V key = bits;
  if constexpr (kIsFloat<T>) {
    const V magnitude = bits & ~sign;
    key = (bits & sign) != V{} ? ~bits : bits | sign;
    key = magnitude == V{} ? sign : key;
    key = magnitude > broadcast(K::kInfinity) ? broadcast(K::kNan) : key;
  } else if constexpr (std::is_signed_v<T>) {
    key = bits ^ sign;
  }
  return descending ? ~key : key;
}

template <class Key>
struct Ranked {
  Key key;
  uint32_t index;
};

// The keys of n elements. Writes whole vectors: there must be room for them.
template <class Key>
using MakeKeys = void (*)(const Key* elements, int64_t n, bool descending, Key* keys);

template <class T>
void make_keys(const typename KeyOf<T>::Key* elements, int64_t n, bool descending,
               typename KeyOf<T>::Key* keys) {
  using Key = typename KeyOf<T>::Key;
  constexpr int W = kLanes<Key>;
  int64_t i = 0;
  for (; i + W <= n; i += W) store(keys + i, keys_of<T>(load(elements + i), descending));
  if (i < n) {
    const Vec<Key> rest = load_partial(elements + i, static_cast<int>(n - i));
    store(keys + i, keys_of<T>(rest, descending));
  }
}

// Rows of elements known by their width and by how they become keys: the element types of one width
// share everything else. Elements are moved as bits.
template <class Key>
struct Rows {
  const Key* data;
  int64_t count;
  int64_t n;
  MakeKeys<Key> make_keys;
  bool floating;

  TALLOW_INLINE const Key* row(int64_t r) const { return data + r * n; }
  // Is this the key of a NaN, in ascending order?
  TALLOW_INLINE bool is_nan(Key key) const { return floating && key == static_cast<Key>(~Key{0}); }
};

// `to` as a pointer to what `like` points to.
template <class T>
TALLOW_INLINE T* same_type(const T*, void* to) {
  return static_cast<T*>(to);
}

template <class Key, class... Ts>
Rows<Key> rows_of(Types<Ts...>, DType dtype, const void* in, int64_t rows, int64_t n) {
  Rows<Key> result{static_cast<const Key*>(in), rows, n, nullptr, dtype >= DType::kFloat16};
  const auto use = [&]<class T>() {
    if constexpr (sizeof(T) == sizeof(Key)) {
      if (dtype == dtype_of<T>) result.make_keys = make_keys<T>;
    }
  };
  (use.template operator()<Ts>(), ...);
  return result;
}

// Calls body(rows) with the Rows of the type, which must be in the list.
template <class List, class Body>
Status dispatch_rows(List list, DType dtype, const char* op, const void* in, int64_t rows,
                     int64_t n, const Body& body) {
  size_t size = 0;
  const Status found = dispatch(list, dtype, op, [&]<class T>() -> Status {
    size = sizeof(T);
    return Status::kOk;
  });
  if (found != Status::kOk) return found;
  switch (size) {
    case 1:
      return body(rows_of<uint8_t>(list, dtype, in, rows, n));
    case 2:
      return body(rows_of<uint16_t>(list, dtype, in, rows, n));
    case 4:
      return body(rows_of<uint32_t>(list, dtype, in, rows, n));
    default:
      return body(rows_of<uint64_t>(list, dtype, in, rows, n));
  }
}

// Rows up to this length are sorted by counting, for each key, those that come before it: a few
// instructions for a vector of keys, and no branch that depends on them.
constexpr int64_t kCounted = 64;

// Room for the keys of such a row, and whole vectors of them.
template <class Key>
struct CountedRow {
  static constexpr int64_t kRoom = kCounted + kLanes<Key>;
  alignas(kVectorBytes) Key key[kRoom];
  alignas(kVectorBytes) Key place[kRoom];

  // place[i] = where key[i] of n <= kCounted goes, equal keys in order of position. What lies
  // beyond n is read, and has no effect.
  TALLOW_NOINLINE void find_places(int64_t n) {
    using V = Vec<Key>;
    constexpr int W = kLanes<Key>;
    const V lanes = lane_numbers();
    for (int64_t first = 0; first < n; first += W) {
      const V own = load(key + first);
      V before{};
      int64_t j = 0;
      for (; j < first; ++j) before -= bits_as<V>(broadcast(key[j]) <= own);
      const int64_t end = first + W < n ? first + W : n;
      for (; j < end; ++j) {
        const V other = broadcast(key[j]);
        const auto earlier = lanes > broadcast(static_cast<Key>(j - first));
        before -= bits_as<V>(other < own) | (bits_as<V>(other == own) & bits_as<V>(earlier));
      }
      for (; j < n; ++j) before -= bits_as<V>(broadcast(key[j]) < own);
      store(place + first, before);
    }
  }

 private:
  static TALLOW_INLINE Vec<Key> lane_numbers() {
    Vec<Key> v;
    for (int i = 0; i < kLanes<Key>; ++i) v[i] = static_cast<Key>(i);
    return v;
  }
};

template <class Item>
TALLOW_INLINE void swap(Item*& a, Item*& b) {
  Item* const kept = a;
  a = b;
  b = kept;
}

// Merges the sorted items [left, middle) and [middle, right) into the same places of `out`.
template <class Item>
void merge(const Item* items, int64_t left, int64_t middle, int64_t right, Item* out) {
  int64_t a = left, b = middle, i = left;
  while (a < middle && b < right) {
    const bool second = items[b].key < items[a].key;
    out[i++] = items[second ? b : a];
    b += second;
    a += !second;
  }
  while (a < middle) out[i++] = items[a++];
  while (b < right) out[i++] = items[b++];
}

// Sorts n items by key, equal keys by position; `other` is scratch of n items. The items must come
// in order of position. Returns the one of the two arrays that holds the result.
template <class Key>
Ranked<Key>* sort_ranked(Ranked<Key>* items, Ranked<Key>* other, int64_t n) {
  constexpr int64_t kRadix = 400;
  if (n < kRadix) {
    CountedRow<Key> row;
    for (int64_t first = 0; first < n; first += kCounted) {
      const int64_t count = n - first < kCounted ? n - first : kCounted;
      for (int64_t i = 0; i < count; ++i) row.key[i] = items[first + i].key;
      row.find_places(count);
      for (int64_t i = 0; i < count; ++i) other[first + row.place[i]] = items[first + i];
    }
    swap(items, other);
    for (int64_t width = kCounted; width < n; width *= 2) {
      for (int64_t left = 0; left < n; left += 2 * width) {
        const int64_t middle = left + width < n ? left + width : n;
        const int64_t right = left + 2 * width < n ? left + 2 * width : n;
        merge(items, left, middle, right, other);
      }
      swap(items, other);
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
    swap(items, other);
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
  // Leading bytes that all keys share tell nothing.
  Key varied = 0;
  for (int64_t i = 1; i < n; ++i) varied |= static_cast<Key>(keys[i] ^ keys[0]);
  int shift = 8 * sizeof(Key) - 8;
  while (shift > 0 && varied >> shift == 0) shift -= 8;
  for (; shift >= 0 && n > kFew; shift -= 8) {
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

// The first place from `from` on whose key is `key`; there must be one.
template <class Key>
TALLOW_INLINE int64_t find_key(const Key* keys, int64_t n, Key key, int64_t from) {
  constexpr int64_t kBlock = 64;
  int64_t i = from;
  for (; i + kBlock <= n; i += kBlock) {
    bool here = false;
    for (int64_t j = 0; j < kBlock; ++j) here |= keys[i + j] == key;
    if (here) break;
  }
  while (keys[i] != key) ++i;
  return i;
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
