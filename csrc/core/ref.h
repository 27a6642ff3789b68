// Ref<T>: an intrusive reference that can share ownership with one Python object.
//
// A Counted may have a Python object attached, which then owns one of its references. While anyone
// else holds a reference too, the Counted keeps the Python object alive in return; when the
// object's own reference is the last one, it lets go. So identity and attributes of the Python
// object survive as long as C++ needs the value, and no cycle remains when it does not.
//
// Counts are not atomic: they change only while the GIL is held. Kernels get raw pointers.
#pragma once

#include <cstdint>
#include <utility>

#include "core/macros.h"

namespace tallow {

// Py_INCREF and Py_DECREF, installed by the binding; C++ alone never attaches an object.
struct ObjectHooks {
  void (*retain)(void* object) = nullptr;
  void (*release)(void* object) = nullptr;
};
extern ObjectHooks object_hooks;

class Counted {
 public:
  Counted() = default;
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  TALLOW_INLINE void retain() {
    if (++refs_ == 2 && object_) object_hooks.retain(object_);
  }
  // True when the last reference is gone and the caller must destroy the value.
  [[nodiscard]] TALLOW_INLINE bool release() {
    if (--refs_ == 1) {
      if (object_) object_hooks.release(object_);
      return false;
    }
    return refs_ == 0;
  }

  int64_t use_count() const { return refs_; }
  void* object() const { return object_; }

  // Gives the value a Python object; the object must already hold one of the references.
  void attach_object(void* object) {
    object_ = object;
    if (refs_ >= 2) object_hooks.retain(object);
  }
  // Called by the object's deallocation, while it still holds its reference.
  void detach_object() { object_ = nullptr; }

 private:
  int64_t refs_ = 0;
  void* object_ = nullptr;
};

// T derives from Counted and has `static void destroy(T*)`.
template <class T>
class Ref {
 public:
  TALLOW_INLINE Ref() : pointer_(nullptr) {}
  TALLOW_INLINE Ref(std::nullptr_t) : pointer_(nullptr) {}
  TALLOW_INLINE explicit Ref(T* pointer) : pointer_(pointer) {
    if (pointer_) pointer_->retain();
  }
  TALLOW_INLINE Ref(const Ref& other) : Ref(other.pointer_) {}
  TALLOW_INLINE Ref(Ref&& other) noexcept : pointer_(std::exchange(other.pointer_, nullptr)) {}
  template <class U>
  TALLOW_INLINE Ref(const Ref<U>& other) : Ref(other.get()) {}
  TALLOW_INLINE ~Ref() { reset(); }

  TALLOW_INLINE Ref& operator=(const Ref& other) {
    Ref(other).swap(*this);
    return *this;
  }
  TALLOW_INLINE Ref& operator=(Ref&& other) noexcept {
    Ref(std::move(other)).swap(*this);
    return *this;
  }

  TALLOW_INLINE void reset() {
    if (T* pointer = std::exchange(pointer_, nullptr)) {
      if (pointer->release()) T::destroy(pointer);
    }
  }
  TALLOW_INLINE void swap(Ref& other) noexcept { std::swap(pointer_, other.pointer_); }

  TALLOW_INLINE T* get() const { return pointer_; }
  TALLOW_INLINE T* operator->() const { return pointer_; }
  TALLOW_INLINE T& operator*() const { return *pointer_; }
  TALLOW_INLINE explicit operator bool() const { return pointer_ != nullptr; }
  TALLOW_INLINE bool operator==(const Ref& other) const { return pointer_ == other.pointer_; }
  TALLOW_INLINE bool operator!=(const Ref& other) const { return pointer_ != other.pointer_; }

 private:
  T* pointer_;
};

template <class T, class... Args>
TALLOW_INLINE Ref<T> make_ref(Args&&... args) {
  return Ref<T>(new T(std::forward<Args>(args)...));
}

// Recycles the memory of one class of objects; used by their operator new and delete under the GIL.
// Blocks beyond the cap go back to the system, so a burst of objects does not stay forever.
template <std::size_t kSize>
class FreeList {
 public:
  TALLOW_INLINE void* take() {
    if (TALLOW_LIKELY(head_ != nullptr)) {
      Block* block = head_;
      head_ = block->next;
      --count_;
      return block;
    }
    return ::operator new(kSize);
  }
  TALLOW_INLINE void give(void* memory) {
    if (TALLOW_UNLIKELY(count_ >= kMaxBytes / static_cast<int64_t>(kSize))) {
      ::operator delete(memory);
      return;
    }
    Block* block = static_cast<Block*>(memory);
    block->next = head_;
    head_ = block;
    ++count_;
  }

 private:
  struct Block {
    Block* next;
  };
  static constexpr int64_t kMaxBytes = 4 << 20;
  Block* head_ = nullptr;
  int64_t count_ = 0;
};

}  // namespace tallow
