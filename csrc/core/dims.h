// Dims: a short list of 64-bit sizes, strides or dimension numbers, without heap memory up to 6.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <ostream>
#include <string>

#include "core/macros.h"

namespace tallow {

class Dims {
 public:
  static constexpr int64_t kInline = 6;

  TALLOW_INLINE Dims() : data_(inline_), size_(0), capacity_(kInline) {}
  TALLOW_INLINE Dims(std::initializer_list<int64_t> values) : Dims() {
    assign(values.begin(), static_cast<int64_t>(values.size()));
  }
  TALLOW_INLINE Dims(const int64_t* values, int64_t count) : Dims() { assign(values, count); }
  TALLOW_INLINE Dims(const Dims& other) : Dims() { assign(other.data_, other.size_); }
  TALLOW_INLINE Dims(Dims&& other) noexcept : Dims() { steal(other); }
  TALLOW_INLINE ~Dims() {
    if (data_ != inline_) delete[] data_;
  }
  TALLOW_INLINE Dims& operator=(const Dims& other) {
    if (this != &other) assign(other.data_, other.size_);
    return *this;
  }
  TALLOW_INLINE Dims& operator=(Dims&& other) noexcept {
    if (this != &other) steal(other);
    return *this;
  }

  // `count` copies of `value`.
  static Dims filled(int64_t count, int64_t value) {
    Dims result;
    result.resize(count);
    for (int64_t i = 0; i < count; ++i) result[i] = value;
    return result;
  }

  TALLOW_INLINE int64_t size() const { return size_; }
  TALLOW_INLINE bool empty() const { return size_ == 0; }
  TALLOW_INLINE const int64_t* data() const { return data_; }
  TALLOW_INLINE int64_t* data() { return data_; }
  TALLOW_INLINE const int64_t* begin() const { return data_; }
  TALLOW_INLINE const int64_t* end() const { return data_ + size_; }
  TALLOW_INLINE int64_t* begin() { return data_; }
  TALLOW_INLINE int64_t* end() { return data_ + size_; }
  TALLOW_INLINE int64_t operator[](int64_t i) const { return data_[i]; }
  TALLOW_INLINE int64_t& operator[](int64_t i) { return data_[i]; }
  TALLOW_INLINE int64_t back() const { return data_[size_ - 1]; }

  // New elements are unspecified.
  TALLOW_INLINE void resize(int64_t count) {
    if (TALLOW_UNLIKELY(count > capacity_)) grow(count);
    size_ = count;
  }
  TALLOW_INLINE void push_back(int64_t value) {
    if (TALLOW_UNLIKELY(size_ == capacity_)) grow(size_ + 1);
    data_[size_++] = value;
  }
  void insert(int64_t position, int64_t value) {
    push_back(value);
    for (int64_t i = size_ - 1; i > position; --i) data_[i] = data_[i - 1];
    data_[position] = value;
  }
  void erase(int64_t position) {
    for (int64_t i = position; i + 1 < size_; ++i) data_[i] = data_[i + 1];
    --size_;
  }
  void clear() { size_ = 0; }

  TALLOW_INLINE bool operator==(const Dims& other) const {
    if (size_ != other.size_) return false;
    for (int64_t i = 0; i < size_; ++i) {
      if (data_[i] != other.data_[i]) return false;
    }
    return true;
  }
  bool operator!=(const Dims& other) const { return !(*this == other); }

 private:
  TALLOW_INLINE void assign(const int64_t* values, int64_t count) {
    resize(count);
    for (int64_t i = 0; i < count; ++i) data_[i] = values[i];
  }
  TALLOW_INLINE void steal(Dims& other) {
    if (TALLOW_LIKELY(other.data_ == other.inline_)) {
      assign(other.data_, other.size_);
      return;
    }
    if (data_ != inline_) delete[] data_;
    data_ = other.data_;
    size_ = other.size_;
    capacity_ = other.capacity_;
    other.data_ = other.inline_;
    other.size_ = 0;
    other.capacity_ = kInline;
  }
  TALLOW_NOINLINE void grow(int64_t count) {
    const int64_t capacity = count > 2 * capacity_ ? count : 2 * capacity_;
    int64_t* data = new int64_t[static_cast<std::size_t>(capacity)];
    std::memcpy(data, data_, static_cast<std::size_t>(size_) * sizeof(int64_t));
    if (data_ != inline_) delete[] data_;
    data_ = data;
    capacity_ = capacity;
  }

  int64_t* data_;
  int64_t size_;
  int64_t capacity_;
  int64_t inline_[kInline];
};

// "[2, 3]"
std::ostream& operator<<(std::ostream& out, const Dims& dims);
// "torch.Size([2, 3])", with the package's spelling.
std::string size_repr(const Dims& dims);

}  // namespace tallow
