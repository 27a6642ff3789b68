// What the imitations of NVIDIA's libraries share: they compute on the memory of emulated devices,
// in the order of their streams, and write a line per call to the file that TALLOW_VENDOR_LOG
// names.
//
// Environment, read with every call: TALLOW_VENDOR_FAULT names what should go wrong.
#pragma once

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

// How the plugin knows that the library understands emulated memory.
extern "C" __attribute__((visibility("default"))) int tallow_emu_library;
int tallow_emu_library = 1;

namespace imitation {

inline bool fault(const char* name) {
  const char* const given = std::getenv("TALLOW_VENDOR_FAULT");
  return given && std::strcmp(given, name) == 0;
}

inline void note(const std::string& line) {
  if (const char* const path = std::getenv("TALLOW_VENDOR_LOG")) {
    std::FILE* const file = std::fopen(path, "a");
    std::fprintf(file, "%s\n", line.c_str());
    std::fclose(file);
  }
}

// Runs `work` when the emulated stream comes to it, once or, in a graph, with every replay: it
// lives for ever.
inline bool enqueue(void* stream, std::function<void()> work) {
  using Enqueue = int (*)(void*, void (*)(void*), void*);
  static const auto function = [] {
    void* const plugin = dlopen(std::getenv("TALLOW_CUDA_LIBRARY"), RTLD_NOW | RTLD_NOLOAD);
    return reinterpret_cast<Enqueue>(dlsym(plugin, "tallow_emu_enqueue"));
  }();
  const auto run = [](void* argument) { (*static_cast<std::function<void()>*>(argument))(); };
  return function(stream, run, new std::function<void()>(std::move(work))) == 0;
}

}  // namespace imitation
