// Libraries of NVIDIA's: opened when first wanted, never linked. Their names carry the major
// version they are understood in; the loader looks into the plugin's RUNPATH, where NVIDIA's wheels
// are, and takes the library that another part of the process has loaded.
#pragma once

#include <cuda_runtime.h>

#include <initializer_list>
#include <string>

namespace tallow::cuda {

struct Symbol {
  const char* name;
  void** address;
};

// Opens `file` and looks the symbols up. "" or what is wrong, in a sentence.
std::string open_library(const char* file, std::initializer_list<Symbol> symbols);

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
