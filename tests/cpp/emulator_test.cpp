// What the CUDA emulator promises: code that is right for a GPU gives the right results here, and
// planted mistakes are found. The argument chooses the scenario; test_emulator.py runs them all.
#include <cuda_runtime.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include "check.h"
#include "cuda_emu/control.h"

namespace {

constexpr int kBlock = 128;

template <class... Params, class... Args>
cudaError_t launch(dim3 grid, dim3 block, std::size_t shared, cudaStream_t stream,
                   void (*kernel)(Params...), Args... args) {
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, static_cast<Params>(args)...);
}

template <class T>
T* device_array(std::size_t count) {
  void* data = nullptr;
  CHECK(cudaMalloc(&data, count * sizeof(T)) == cudaSuccess);
  return static_cast<T*>(data);
}
template <class T>
T* device_copy(const std::vector<T>& host) {
  T* const data = device_array<T>(host.size());
  CHECK(cudaMemcpy(data, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice) ==
        cudaSuccess);
  return data;
}
template <class T>
std::vector<T> host_copy(const T* data, std::size_t count) {
  std::vector<T> host(count);
  CHECK(cudaMemcpy(host.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost) == cudaSuccess);
  return host;
}

template <class Body>
void in_every_order(const Body& body) {
  for (const int order : {0, 1, 2}) {
    tallow_emu_set_order(order, 7);
    body();
  }
  tallow_emu_set_order(0, 0);
}

// ---- kernels ----

__global__ void reverse_block(float* data, bool with_barrier) {
  __shared__ float copy[kBlock];
  float* const mine = data + blockIdx.x * kBlock;
  copy[threadIdx.x] = mine[threadIdx.x];
  if (with_barrier) __syncthreads();
  mine[threadIdx.x] = copy[kBlock - 1 - threadIdx.x];
}

__global__ void sum_all(const float* in, int count, float* out) {
  __shared__ float partial[32];
  const int lane = static_cast<int>(threadIdx.x) % 32;
  float sum = 0.0f;
  for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) {
    sum += in[i];
  }
  for (int mask = 16; mask > 0; mask /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, mask);
  if (lane == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x >= 32) return;
  sum = lane < static_cast<int>(blockDim.x) / 32 ? partial[lane] : 0.0f;
  for (int delta = 16; delta > 0; delta /= 2) sum += __shfl_down_sync(0xffffffffu, sum, delta);
  if (lane == 0) *out = sum;
}

__global__ void warp_votes(unsigned* out) {
  const unsigned lane = threadIdx.x;
  out[lane] = __ballot_sync(0xffffffffu, lane % 3 == 0);
  out[32 + lane] = static_cast<unsigned>(__any_sync(0xffffffffu, lane == 31)) +
                   2 * static_cast<unsigned>(__all_sync(0xffffffffu, lane < 31));
  out[64 + lane] = __match_any_sync(0xffffffffu, lane / 4);
  out[96 + lane] = __shfl_up_sync(0xffffffffu, lane, 1, 8);
  out[128 + lane] = __shfl_sync(0xffffffffu, lane, 5, 16);
  // Two halves of a warp go their own ways.
  if (lane < 16) {
    out[160 + lane] = __shfl_sync(0x0000ffffu, lane, 15);
  } else {
    out[160 + lane] = __shfl_sync(0xffff0000u, lane, 16);
  }
}

__global__ void barrier_votes(int* out) {
  const int i = static_cast<int>(threadIdx.x);
  const int count = __syncthreads_count(i % 2);
  const int all = __syncthreads_and(i < 50);
  const int any = __syncthreads_or(i == 69);
  out[i] = count * 100 + all * 10 + any;
}

// The last block to finish adds what the others left.
__global__ void count_with_ticket(int* total, unsigned* ticket, int* parts) {
  __shared__ bool last;
  atomicAdd(&parts[blockIdx.x], 1);
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) last = atomicInc(ticket, gridDim.x - 1) == gridDim.x - 1;
  __syncthreads();
  if (!last || threadIdx.x != 0) return;
  for (unsigned i = 0; i < gridDim.x; ++i) *total += parts[i];
}

__global__ void store_index(int* out) {
  const dim3 at = {blockIdx.x * blockDim.x + threadIdx.x, blockIdx.y * blockDim.y + threadIdx.y,
                   blockIdx.z * blockDim.z + threadIdx.z};
  const unsigned width = gridDim.x * blockDim.x;
  const unsigned height = gridDim.y * blockDim.y;
  const unsigned i = (at.z * height + at.y) * width + at.x;
  out[i] = static_cast<int>(i);
}

__global__ void add_one(int* data) { ++*data; }
__global__ void multiply(int* data, int factor) { *data *= factor; }

__global__ void barrier_for_some(int count) {
  if (static_cast<int>(threadIdx.x) < count) __syncthreads();
}
__global__ void barrier_in_branches() {
  if (threadIdx.x % 2 == 0) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
__global__ void shuffle_after_exit(int* out) {
  if (threadIdx.x == 3) return;
  out[threadIdx.x] = __shfl_sync(0xffffffffu, static_cast<int>(threadIdx.x), 0);
}
__global__ void overrun(float* data, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i <= count) data[i] = 1.0f;  // the mistake: <= for <
}
__global__ void overrun_shared(float* out) {
  float* const shared = static_cast<float*>(tallow::emu::dynamic_shared());
  shared[threadIdx.x] = 1.0f;
  __syncthreads();
  out[threadIdx.x] = shared[threadIdx.x];
}

// ---- scenarios ----

bool reverses(bool with_barrier) {
  std::vector<float> host(2 * kBlock);
  for (std::size_t i = 0; i < host.size(); ++i) host[i] = static_cast<float>(i);
  float* const data = device_copy(host);
  CHECK(launch(2, kBlock, 0, nullptr, reverse_block, data, with_barrier) == cudaSuccess);
  const std::vector<float> result = host_copy(data, host.size());
  CHECK(cudaFree(data) == cudaSuccess);
  for (std::size_t i = 0; i < host.size(); ++i) {
    const std::size_t from = i / kBlock * kBlock + kBlock - 1 - i % kBlock;
    if (result[i] != host[from]) return false;
  }
  return true;
}

void threads() {
  in_every_order([] {
    CHECK(reverses(true));

    std::vector<float> numbers(1000);
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i % 17);
    float expected = 0.0f;
    for (const float x : numbers) expected += x;
    float* const in = device_copy(numbers);
    float* const sum = device_array<float>(1);
    CHECK(launch(1, 256, 0, nullptr, sum_all, in, 1000, sum) == cudaSuccess);
    CHECK(host_copy(sum, 1)[0] == expected);

    unsigned* const votes = device_array<unsigned>(192);
    CHECK(launch(1, 32, 0, nullptr, warp_votes, votes) == cudaSuccess);
    const std::vector<unsigned> v = host_copy(votes, 192);
    for (unsigned lane = 0; lane < 32; ++lane) {
      CHECK(v[lane] == 0x49249249u);
      CHECK(v[32 + lane] == 1);
      CHECK(v[64 + lane] == 0xfu << lane / 4 * 4);
      CHECK(v[96 + lane] == (lane % 8 == 0 ? lane : lane - 1));
      CHECK(v[128 + lane] == lane / 16 * 16 + 5);
      CHECK(v[160 + lane] == (lane < 16 ? 15u : 16u));
    }

    int* const barriers = device_array<int>(70);
    CHECK(launch(1, 70, 0, nullptr, barrier_votes, barriers) == cudaSuccess);
    for (const int x : host_copy(barriers, 70)) CHECK(x == 3501);

    int* const parts = device_copy(std::vector<int>(6));
    int* const total = device_copy(std::vector<int>(1));
    unsigned* const ticket = device_copy(std::vector<unsigned>(1));
    CHECK(launch(6, 33, 0, nullptr, count_with_ticket, total, ticket, parts) == cudaSuccess);
    CHECK(host_copy(total, 1)[0] == 6 * 33);

    const int cells = 6 * 6 * 4;
    int* const cube = device_array<int>(cells);
    CHECK(launch(dim3(2, 3, 1), dim3(3, 2, 4), 0, nullptr, store_index, cube) == cudaSuccess);
    const std::vector<int> indices = host_copy(cube, cells);
    for (int i = 0; i < cells; ++i) CHECK(indices[static_cast<std::size_t>(i)] == i);
    CHECK(cudaDeviceReset() == cudaSuccess);
  });
}

void limits() {
  int* const data = device_array<int>(1);
  CHECK(launch(1, 1025, 0, nullptr, add_one, data) == cudaErrorInvalidConfiguration);
  CHECK(launch(0, 1, 0, nullptr, add_one, data) == cudaErrorInvalidConfiguration);
  CHECK(launch(1, 1, 49 * 1024, nullptr, add_one, data) == cudaErrorInvalidConfiguration);
  CHECK(cudaFuncSetAttribute(add_one, cudaFuncAttributeMaxDynamicSharedMemorySize, 99 * 1024) ==
        cudaSuccess);
  CHECK(launch(1, 1, 99 * 1024, nullptr, add_one, data) == cudaSuccess);
  CHECK(cudaPeekAtLastError() == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaSuccess);
}

void memory() {
  std::size_t before = 0, free = 0, total = 0;
  CHECK(cudaMemGetInfo(&before, &total) == cudaSuccess && before == total);
  void* whole = nullptr;
  CHECK(cudaMalloc(&whole, total + 1) == cudaErrorMemoryAllocation);
  int* const a = device_array<int>(1000);
  CHECK(cudaMemGetInfo(&free, &total) == cudaSuccess && free < before);
  CHECK(host_copy(a, 1)[0] == -1);  // nothing was written yet
  int host[8] = {};
  CHECK(cudaMemcpy(host, a + 996, 20, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host, a, 4, cudaMemcpyHostToDevice) == cudaErrorInvalidMemcpyDirection);
  CHECK(cudaFree(a + 1) == cudaErrorInvalidValue);
  CHECK(cudaFree(a) == cudaSuccess);
  CHECK(cudaFree(a) == cudaErrorInvalidValue);
  CHECK(cudaMemGetInfo(&free, &total) == cudaSuccess && free == before);

  tallow_emu_fail_malloc(1, 1);
  void* p = nullptr;
  void* q = nullptr;
  CHECK(cudaMalloc(&p, 8) == cudaSuccess);
  CHECK(cudaMalloc(&q, 8) == cudaErrorMemoryAllocation);
  CHECK(cudaMalloc(&q, 8) == cudaSuccess);

  void* pinned = nullptr;
  CHECK(cudaHostAlloc(&pinned, 64, cudaHostAllocMapped) == cudaSuccess);
  cudaPointerAttributes attributes = {};
  CHECK(cudaPointerGetAttributes(&attributes, static_cast<char*>(pinned) + 63) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeHost);
  CHECK(cudaPointerGetAttributes(&attributes, p) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeDevice && attributes.device == 0);
  // Pinned memory is read when the stream comes to it, pageable memory at the call.
  *static_cast<int*>(pinned) = 1;
  int pageable = 1;
  CHECK(cudaMemcpyAsync(p, pinned, 4, cudaMemcpyHostToDevice) == cudaSuccess);
  CHECK(cudaMemcpyAsync(q, &pageable, 4, cudaMemcpyHostToDevice) == cudaSuccess);
  *static_cast<int*>(pinned) = 2;
  pageable = 2;
  CHECK(host_copy(static_cast<int*>(p), 1)[0] == 2);
  CHECK(host_copy(static_cast<int*>(q), 1)[0] == 1);
  CHECK(cudaFreeHost(pinned) == cudaSuccess);
}

void devices() {
  int count = 0;
  CHECK(cudaGetDeviceCount(&count) == cudaSuccess && count == 2);
  CHECK(cudaSetDevice(2) == cudaErrorInvalidDevice);
  int* const first = device_copy(std::vector<int>{5});
  CHECK(cudaSetDevice(1) == cudaSuccess);
  int* const second = device_array<int>(1);
  CHECK(launch(1, 1, 0, nullptr, add_one, second) == cudaSuccess);
  CHECK(cudaMemcpyPeerAsync(second, 1, first, 0, 4) == cudaSuccess);
  CHECK(host_copy(second, 1)[0] == 5);
  cudaStream_t stream = nullptr;
  CHECK(cudaStreamCreate(&stream) == cudaSuccess);
  CHECK(cudaSetDevice(0) == cudaSuccess);
  CHECK(launch(1, 1, 0, stream, add_one, first) == cudaErrorInvalidResourceHandle);
}

// Two streams that share a value; `wait` is what the mistake leaves out.
int handed_over(bool wait) {
  int* const data = device_copy(std::vector<int>{1});
  cudaStream_t writer = nullptr, reader = nullptr;
  cudaEvent_t written = nullptr;
  CHECK(cudaStreamCreateWithFlags(&writer, cudaStreamNonBlocking) == cudaSuccess);
  CHECK(cudaStreamCreateWithFlags(&reader, cudaStreamNonBlocking) == cudaSuccess);
  CHECK(cudaEventCreateWithFlags(&written, cudaEventDisableTiming) == cudaSuccess);
  CHECK(launch(1, 1, 0, writer, add_one, data) == cudaSuccess);
  CHECK(cudaEventRecord(written, writer) == cudaSuccess);
  if (wait) CHECK(cudaStreamWaitEvent(reader, written) == cudaSuccess);
  CHECK(launch(1, 1, 0, reader, multiply, data, 10) == cudaSuccess);
  CHECK(cudaStreamSynchronize(reader) == cudaSuccess);
  void* pinned = nullptr;
  CHECK(cudaHostAlloc(&pinned, 4, 0) == cudaSuccess);
  CHECK(cudaMemcpyAsync(pinned, data, 4, cudaMemcpyDeviceToHost, reader) == cudaSuccess);
  CHECK(cudaStreamSynchronize(reader) == cudaSuccess);
  return *static_cast<int*>(pinned);
}

void streams() {
  CHECK(handed_over(true) == 20);
  // The default stream and blocking streams wait for each other.
  int* const data = device_copy(std::vector<int>{1});
  cudaStream_t stream = nullptr;
  CHECK(cudaStreamCreate(&stream) == cudaSuccess);
  CHECK(launch(1, 1, 0, stream, add_one, data) == cudaSuccess);
  CHECK(launch(1, 1, 0, nullptr, multiply, data, 10) == cudaSuccess);
  CHECK(launch(1, 1, 0, stream, add_one, data) == cudaSuccess);
  CHECK(tallow_emu_pending_count() == 3);
  CHECK(cudaStreamQuery(stream) == cudaErrorNotReady);
  CHECK(cudaStreamQuery(stream) == cudaSuccess);
  CHECK(host_copy(data, 1)[0] == 21);

  cudaEvent_t start = nullptr, end = nullptr;
  float elapsed = -1.0f;
  CHECK(cudaEventCreate(&start) == cudaSuccess && cudaEventCreate(&end) == cudaSuccess);
  CHECK(cudaEventRecord(start, stream) == cudaSuccess);
  CHECK(cudaEventRecord(end, stream) == cudaSuccess);
  CHECK(cudaEventElapsedTime(&elapsed, start, end) == cudaErrorNotReady);
  CHECK(cudaEventSynchronize(end) == cudaSuccess);
  CHECK(cudaEventElapsedTime(&elapsed, start, end) == cudaSuccess && elapsed >= 0.0f);
}

void graphs() {
  int* const data = device_copy(std::vector<int>{1});
  cudaStream_t stream = nullptr, side = nullptr;
  cudaEvent_t fork = nullptr, join = nullptr;
  CHECK(cudaStreamCreate(&stream) == cudaSuccess && cudaStreamCreate(&side) == cudaSuccess);
  CHECK(cudaEventCreate(&fork) == cudaSuccess && cudaEventCreate(&join) == cudaSuccess);
  for (const bool joined : {true, false}) {
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
    int factor = 3;
    CHECK(launch(1, 1, 0, stream, multiply, data, factor) == cudaSuccess);
    factor = 100;  // the argument was copied
    CHECK(cudaEventRecord(fork, stream) == cudaSuccess);
    CHECK(cudaStreamWaitEvent(side, fork) == cudaSuccess);
    CHECK(launch(1, 1, 0, side, add_one, data) == cudaSuccess);
    CHECK(cudaEventRecord(join, side) == cudaSuccess);
    if (joined) CHECK(cudaStreamWaitEvent(stream, join) == cudaSuccess);
    cudaGraph_t graph = nullptr;
    const cudaError_t error = cudaStreamEndCapture(stream, &graph);
    CHECK(error == (joined ? cudaSuccess : cudaErrorStreamCaptureUnjoined));
    if (!joined) continue;
    CHECK(host_copy(data, 1)[0] == 1);  // nothing ran
    cudaGraphExec_t exec = nullptr;
    CHECK(cudaGraphInstantiate(&exec, graph) == cudaSuccess);
    CHECK(cudaGraphDestroy(graph) == cudaSuccess);
    CHECK(cudaGraphLaunch(exec, stream) == cudaSuccess);
    CHECK(cudaGraphLaunch(exec, stream) == cudaSuccess);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    CHECK(host_copy(data, 1)[0] == (1 * 3 + 1) * 3 + 1);
    CHECK(cudaGraphExecDestroy(exec) == cudaSuccess);
  }
  // What would wait ends the capture.
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
  CHECK(cudaStreamSynchronize(stream) == cudaErrorStreamCaptureUnsupported);
  CHECK(launch(1, 1, 0, stream, add_one, data) == cudaErrorStreamCaptureInvalidated);
  cudaGraph_t graph = nullptr;
  CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
  CHECK(launch(1, 1, 0, stream, add_one, data) == cudaSuccess);
}

void missing_barrier() {
  in_every_order([] { CHECK(!reverses(false)); });
}

// A launch that cannot end is reported, and the device takes no more work until it is reset.
template <class... Params, class... Args>
void fails_with(const char* report, dim3 block, void (*kernel)(Params...), Args... args) {
  CHECK(launch(1, block, 0, nullptr, kernel, args...) == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
  if (std::strstr(tallow_emu_report(), report) == nullptr) {
    std::fprintf(stderr, "reported: %s\n", tallow_emu_report());
    std::exit(1);
  }
  CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
  CHECK(cudaDeviceReset() == cudaSuccess);
}

void divergence() {
  in_every_order([] {
    fails_with("divergent barrier: 40 of 64 threads of block (0, 0, 0) wait at", 64,
               barrier_for_some, 40);
    fails_with("divergent barrier: thread (0, 0, 0) of block (0, 0, 0) waits at", 64,
               barrier_in_branches);
    fails_with("divergent warp", 32, shuffle_after_exit, device_array<int>(32));
  });
}

void missing_event() { CHECK(handed_over(false) == 10); }

void out_of_bounds() {
  float* const data = device_array<float>(100);
  CHECK(launch(2, 64, 0, nullptr, overrun, data, 100) == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}
void out_of_bounds_shared() {
  float* const data = device_array<float>(64);
  CHECK(launch(1, 64, 63 * sizeof(float), nullptr, overrun_shared, data) == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}
void host_access() { std::printf("%d\n", *device_copy(std::vector<int>{1})); }

struct Scenario {
  const char* name;
  void (*run)();
};
constexpr Scenario kScenarios[] = {
    {"threads", threads},
    {"limits", limits},
    {"memory", memory},
    {"devices", devices},
    {"streams", streams},
    {"graphs", graphs},
    {"missing_barrier", missing_barrier},
    {"divergence", divergence},
    {"missing_event", missing_event},
    {"out_of_bounds", out_of_bounds},
    {"out_of_bounds_shared", out_of_bounds_shared},
    {"host_access", host_access},
};

}  // namespace

int main(int count, char** arguments) {
  CHECK(count == 2);
  for (const Scenario& scenario : kScenarios) {
    if (std::strcmp(scenario.name, arguments[1]) == 0) {
      scenario.run();
      return 0;
    }
  }
  CHECK(!"an unknown scenario");
}
