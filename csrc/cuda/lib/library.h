// Libraries of NVIDIA's: opened when first wanted, never linked. Their names carry the major
// version they are understood in; the loader looks into the plugin's RUNPATH, where NVIDIA's wheels
// are, and takes the library that another part of the process has loaded.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tallow::cuda {

struct LibraryFile {
  const char* file;
  const char* name;    // for people
  const char* prefix;  // of its functions
  int64_t oldest, newest;
  const char* needed;  // the same in words
};

// A function of a library, named without the prefix, and where its address goes.
struct Symbol {
  const char* name;
  void** address;
};
// For the lists F(name, result, parameters) of *_api.h, where the table of functions is `api`.
#define TALLOW_LIBRARY_SYMBOL(name, result, parameters) \
  {#name, reinterpret_cast<void**>(&api.name)},

// A library that has been opened; if it cannot be used its version is 0, and `problem` says why.
template <class Api>
struct Library {
  Api api = {};
  int64_t version = 0;
  std::string problem;
};

namespace detail {

std::string open_file(const LibraryFile& library, const std::vector<Symbol>& symbols);
std::string check_version(const LibraryFile& library, int64_t version);

}  // namespace detail

// Opens a library: `symbols_of(api)` lists its functions, `version_of(api)` asks it. The result
// lives for ever, since tensors outlive static objects.
template <class Api, class SymbolsOf, class VersionOf>
const Library<Api>* open_library(const LibraryFile& library, const SymbolsOf& symbols_of,
                                 const VersionOf& version_of) {
  auto* const made = new Library<Api>;
  made->problem = detail::open_file(library, symbols_of(made->api));
  if (!made->problem.empty()) return made;
  const int64_t version = version_of(made->api);
  made->problem = detail::check_version(library, version);
  if (made->problem.empty()) made->version = version;
  return made;
}

// For calls into a library that may allocate: a capture that is going on does not break.
class OutsideOfCapture {
 public:
  OutsideOfCapture() { (void)cudaThreadExchangeStreamCaptureMode(&mode_); }
  OutsideOfCapture(const OutsideOfCapture&) = delete;
  OutsideOfCapture& operator=(const OutsideOfCapture&) = delete;
  ~OutsideOfCapture() { (void)cudaThreadExchangeStreamCaptureMode(&mode_); }

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

}  // namespace tallow::cuda
