#include "core/scalar.h"

#include <ostream>

namespace tallow {

void Scalar::store(DType dtype, void* destination) const {
  const auto store_as = [&]<class T>() -> Status {
    *static_cast<T*>(destination) = to<T>();
    return Status::kOk;
  };
  const Status status = is_stored_only(dtype) ? dispatch(StoredOnly{}, dtype, "scalar", store_as)
                                              : dispatch(All{}, dtype, "scalar", store_as);
  if (status != Status::kOk) raise_status(status);
}

std::ostream& operator<<(std::ostream& out, const Scalar& scalar) {
  switch (scalar.kind()) {
    case Scalar::Kind::kBool:
      return out << (scalar.to_bool() ? "True" : "False");
    case Scalar::Kind::kInt:
      return out << scalar.to_int64();
    case Scalar::Kind::kLarge:
      return out << scalar.to_uint64();
    case Scalar::Kind::kDouble:
      return out << scalar.to_double();
    case Scalar::Kind::kComplex:
      break;
  }
  const complex128 value = scalar.to_complex();
  return out << '(' << value.real << (value.imag < 0 ? "" : "+") << value.imag << "j)";
}

}  // namespace tallow
