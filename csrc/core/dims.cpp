#include "core/dims.h"

#include "core/error.h"

namespace tallow {

std::ostream& operator<<(std::ostream& out, const Dims& dims) {
  out << '[';
  for (int64_t i = 0; i < dims.size(); ++i) out << (i ? ", " : "") << dims[i];
  return out << ']';
}

std::string size_repr(const Dims& dims) {
  std::ostringstream text;
  text << package_name() << ".Size(" << dims << ')';
  return text.str();
}

}  // namespace tallow
