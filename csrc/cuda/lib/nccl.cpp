// NCCL, for now only whether it is there.
#include "cuda/lib/library.h"
#include "cuda/lib/vendor.h"

namespace tallow::cuda {

int64_t nccl_version(std::string* why) {
  struct Loaded {
    int64_t version = 0;
    std::string problem;
  };
  static const Loaded* const loaded = [] {
    auto* const made = new Loaded;
    // Source: nccl.h of NCCL 2.28: ncclResult_t ncclGetVersion(int*), 0 means success.
    int (*get_version)(int*) = nullptr;
    made->problem =
        open_library("libnccl.so.2", {{"ncclGetVersion", reinterpret_cast<void**>(&get_version)}});
    int version = 0;
    if (made->problem.empty() && get_version(&version) != 0) {
      made->problem = "NCCL does not tell its version";
    }
    made->version = version;
    return made;
  }();
  *why = loaded->problem;
  return loaded->version;
}

}  // namespace tallow::cuda
