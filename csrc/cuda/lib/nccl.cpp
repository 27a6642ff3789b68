// NCCL, for now only whether it is there.
#include "cuda/lib/library.h"
#include "cuda/lib/vendor.h"

namespace tallow::cuda {

namespace {

struct NcclApi {
  int (*GetVersion)(int*);  // Source: nccl.h of NCCL 2.28; 0 means success
};

}  // namespace

int64_t nccl_version(std::string* why) {
  static const Library<NcclApi>* const loaded = open_library<NcclApi>(
      {"libnccl.so.2", "NCCL", "nccl", 20000, 29999, "2"},
      [](NcclApi& api) {
        return std::vector<Symbol>{TALLOW_LIBRARY_SYMBOL(GetVersion, int, (int*))};
      },
      [](const NcclApi& api) -> int64_t {
        int version = 0;
        return api.GetVersion(&version) == 0 ? version : 0;
      });
  *why = loaded->problem;
  return loaded->version;
}

}  // namespace tallow::cuda
