#include "core/error.h"

#include "core/allocator.h"

namespace tallow {

namespace {

std::string& package_name_storage() {
  static std::string name = "tallow";
  return name;
}

}  // namespace

const std::string& package_name() { return package_name_storage(); }
void set_package_name(std::string name) { package_name_storage() = std::move(name); }

void raise_status(Status status) {
  const char* message = status_message();
  switch (status) {
    case Status::kIndexError:
      throw IndexError(message);
    case Status::kValueError:
      throw ValueError(message);
    case Status::kTypeError:
      throw TypeError(message);
    case Status::kNotImplemented:
      throw NotImplementedError(message);
    case Status::kOutOfMemory:
      throw OutOfMemoryError(message);
    case Status::kOk:
    case Status::kRuntimeError:
      break;
  }
  throw RuntimeError(message);
}

}  // namespace tallow
