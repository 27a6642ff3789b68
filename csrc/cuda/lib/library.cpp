#include "cuda/lib/library.h"

#include <dlfcn.h>

namespace tallow::cuda::detail {

std::string open_file(const LibraryFile& library, const std::vector<Symbol>& symbols) {
  void* const opened = dlopen(library.file, RTLD_NOW | RTLD_LOCAL);
  if (!opened) {
    const char* const reason = dlerror();
    return std::string(reason ? reason : library.file) + "; pip install 'tallow[cuda13]' brings it";
  }
#ifdef TALLOW_CUDA_EMULATED
  // The memory of the emulator's devices is none that a real one understands.
  if (!dlsym(opened, "tallow_emu_library")) {
    return std::string(library.file) + " needs a GPU, these devices are emulated";
  }
#endif
  for (const Symbol& symbol : symbols) {
    const std::string name = std::string(library.prefix) + symbol.name;
    *symbol.address = dlsym(opened, name.c_str());
    if (!*symbol.address) return std::string(library.file) + " has no function " + name;
  }
  return "";
}

std::string check_version(const LibraryFile& library, int64_t version) {
  if (version >= library.oldest && version <= library.newest) return "";
  return std::string(library.name) + " has version " + std::to_string(version) +
         ", the plugin needs " + library.needed;
}

}  // namespace tallow::cuda::detail
