// Errors a user can act on: one class per Python exception type, and the checks that raise them.
#pragma once

#include <exception>
#include <sstream>
#include <string>
#include <utility>

#include "core/macros.h"
#include "core/types.h"

namespace tallow {

class Error : public std::exception {
 public:
  explicit Error(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

// Each becomes the Python exception of the same name.
struct RuntimeError : Error {
  using Error::Error;
};
struct IndexError : Error {
  using Error::Error;
};
struct ValueError : Error {
  using Error::Error;
};
struct TypeError : Error {
  using Error::Error;
};
struct NotImplementedError : Error {
  using Error::Error;
};
struct ZeroDivisionError : Error {
  using Error::Error;
};
struct AttributeError : Error {
  using Error::Error;
};
struct BufferError : Error {
  using Error::Error;
};

template <class E, class... Parts>
[[noreturn]] TALLOW_COLD void raise(const Parts&... parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw E(message.str());
}

// Turns a kernel's failure into the exception it names; `op` begins the message of the errors
// that do not already say which operation failed.
[[noreturn]] TALLOW_COLD void raise_status(Status status);

// How the package is spelled in messages and reprs: "tallow", or "torch" when a PyTorch script is
// being run (`python -m tallow script.py`). One process-wide setting.
const std::string& package_name();
void set_package_name(std::string name);

}  // namespace tallow

// Checks of user input; the message is the concatenation of the remaining arguments.
#define TALLOW_CHECK_AS(type, condition, ...)                              \
  do {                                                                     \
    if (TALLOW_UNLIKELY(!(condition))) ::tallow::raise<type>(__VA_ARGS__); \
  } while (false)
#define TALLOW_CHECK(condition, ...) TALLOW_CHECK_AS(::tallow::RuntimeError, condition, __VA_ARGS__)
#define TALLOW_CHECK_INDEX(condition, ...) \
  TALLOW_CHECK_AS(::tallow::IndexError, condition, __VA_ARGS__)
#define TALLOW_CHECK_VALUE(condition, ...) \
  TALLOW_CHECK_AS(::tallow::ValueError, condition, __VA_ARGS__)
#define TALLOW_CHECK_TYPE(condition, ...) \
  TALLOW_CHECK_AS(::tallow::TypeError, condition, __VA_ARGS__)
#define TALLOW_CHECK_NOT_IMPLEMENTED(condition, ...) \
  TALLOW_CHECK_AS(::tallow::NotImplementedError, condition, __VA_ARGS__)
