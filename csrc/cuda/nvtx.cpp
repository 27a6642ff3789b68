#include "cuda/nvtx.h"

#ifdef TALLOW_CUDA_NVTX
#include <nvtx3/nvToolsExt.h>

namespace tallow::cuda {

int64_t annotate(ProfilerMark mark, const char* text, uint64_t range) {
  switch (mark) {
    case ProfilerMark::kPoint:
      nvtxMarkA(text);
      return 0;
    case ProfilerMark::kPush:
      return nvtxRangePushA(text);
    case ProfilerMark::kPop:
      return nvtxRangePop();
    case ProfilerMark::kStart:
      return static_cast<int64_t>(nvtxRangeStartA(text));
    case ProfilerMark::kEnd:
      nvtxRangeEnd(range);
      return 0;
  }
  return 0;
}

}  // namespace tallow::cuda
#endif
