// InlineVector<T, N>: a vector whose first N elements need no heap memory.
#pragma once

#include <cstdint>
#include <new>
#include <utility>

#include "core/macros.h"

namespace tallow {

template <class T, int64_t N>
class InlineVector {
 public:
  TALLOW_INLINE InlineVector() : data_(inline_data()), size_(0), capacity_(N) {}
  InlineVector(const InlineVector&) = delete;
  InlineVector& operator=(const InlineVector&) = delete;
  TALLOW_INLINE InlineVector(InlineVector&& other) noexcept : InlineVector() { take(other); }
  InlineVector& operator=(InlineVector&& other) noexcept {
    if (this != &other) {
      clear();
      take(other);
    }
    return *this;
  }
  TALLOW_INLINE ~InlineVector() {
    clear();
    release_heap();
  }

  TALLOW_INLINE int64_t size() const { return size_; }
  TALLOW_INLINE bool empty() const { return size_ == 0; }
  TALLOW_INLINE T& operator[](int64_t i) { return data_[i]; }
  TALLOW_INLINE const T& operator[](int64_t i) const { return data_[i]; }
  TALLOW_INLINE T* begin() { return data_; }
  TALLOW_INLINE T* end() { return data_ + size_; }
  TALLOW_INLINE const T* begin() const { return data_; }
  TALLOW_INLINE const T* end() const { return data_ + size_; }
  TALLOW_INLINE T& back() { return data_[size_ - 1]; }

  template <class... Args>
  TALLOW_INLINE T& emplace_back(Args&&... args) {
    if (TALLOW_UNLIKELY(size_ == capacity_)) reserve(2 * capacity_);
    T* const slot = new (data_ + size_) T(std::forward<Args>(args)...);
    ++size_;
    return *slot;
  }
  void push_back(T value) { emplace_back(std::move(value)); }

  // Grows with default-constructed elements or destroys the surplus.
  TALLOW_INLINE void resize(int64_t count) {
    if (TALLOW_UNLIKELY(count > capacity_)) reserve(count);
    while (size_ < count) new (data_ + size_++) T();
    while (size_ > count) data_[--size_].~T();
  }
  TALLOW_INLINE void clear() { resize(0); }

 private:
  TALLOW_INLINE T* inline_data() { return reinterpret_cast<T*>(storage_); }
  void release_heap() {
    if (data_ != inline_data()) ::operator delete(static_cast<void*>(data_));
  }
  TALLOW_NOINLINE void reserve(int64_t capacity) {
    T* const data = static_cast<T*>(::operator new(static_cast<std::size_t>(capacity) * sizeof(T)));
    for (int64_t i = 0; i < size_; ++i) {
      new (data + i) T(std::move(data_[i]));
      data_[i].~T();
    }
    release_heap();
    data_ = data;
    capacity_ = capacity;
  }
  TALLOW_INLINE void take(InlineVector& other) {
    if (other.data_ != other.inline_data()) {
      release_heap();
      data_ = std::exchange(other.data_, other.inline_data());
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, N);
      return;
    }
    for (T& value : other) emplace_back(std::move(value));
    other.clear();
  }

  T* data_;
  int64_t size_;
  int64_t capacity_;
  alignas(T) unsigned char storage_[sizeof(T) * N];
};

}  // namespace tallow
