#include "cuda/lib/library.h"

#include <dlfcn.h>

namespace tallow::cuda {

std::string open_library(const char* file, std::initializer_list<Symbol> symbols) {
  void* const library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* const reason = dlerror();
    return std::string(reason ? reason : file) + "; pip install 'tallow[cuda13]' brings it";
  }
#ifdef TALLOW_CUDA_EMULATED
  // The memory of the emulator's devices is none that a real one understands.
  if (!dlsym(library, "tallow_emu_library")) {
    return std::string(file) + " needs a GPU, these devices are emulated";
  }
#endif
  for (const Symbol& symbol : symbols) {
    *symbol.address = dlsym(library, symbol.name);
    if (!*symbol.address) return std::string(file) + " has no function " + symbol.name;
  }
  return "";
}

}  // namespace tallow::cuda
