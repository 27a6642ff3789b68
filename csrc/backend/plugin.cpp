// Finds, opens and checks the CUDA plugin, once, when the first CUDA device is asked for.
#include "backend/plugin.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/version.h"

namespace tallow {

namespace {

const char* (*package_folder)() = nullptr;
constinit std::atomic<uint32_t> options{kTf32Convolutions};

struct Loaded {
  const Plugin* plugin = nullptr;
  std::string problem;
};

bool exists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

std::string folder_of_this_module() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&folder_of_this_module), &info) == 0) return ".";
  const std::string path = info.dli_fname;
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// The library to open, or "" if there is none. A file named by the environment goes before those
// that were installed.
std::string find_library() {
  if (const char* const given = std::getenv("TALLOW_CUDA_LIBRARY")) {
    if (*given) return given;
  }
  std::vector<std::string> folders{folder_of_this_module()};
  if (package_folder) folders.push_back(package_folder());
  for (const std::string& folder : folders) {
    for (const char* const name : {"/libtallow_cuda.so", "/libtallow_cuda_emu.so"}) {
      if (!folder.empty() && exists(folder + name)) return folder + name;
    }
  }
  return "";
}

// What makes the plugin unusable, or "".
std::string mismatch(const Plugin& plugin, const std::string& path) {
  if (plugin.abi == Plugin::kAbi && plugin.size == sizeof(Plugin) &&
      plugin.backend_size == sizeof(Backend) && plugin.runtime_size == sizeof(DeviceRuntime) &&
      plugin.operations == Plugin::kOperations) {
    const std::string theirs = plugin.version;
    if (theirs == TALLOW_VERSION) return "";
    return "the CUDA plugin " + path + " belongs to tallow " + theirs +
           ", this is " TALLOW_VERSION "; install tallow-cuda13==" TALLOW_VERSION;
  }
  return "the CUDA plugin " + path + " has another binary interface (" +
         std::to_string(plugin.abi) + ", " + std::to_string(plugin.backend_size) + " bytes of " +
         "kernels) than this tallow " TALLOW_VERSION " (" + std::to_string(Plugin::kAbi) + ", " +
         std::to_string(sizeof(Backend)) + "); install the plugin of the same version";
}

Loaded open_plugin() {
  const std::string path = find_library();
  if (path.empty()) {
    return {nullptr, "the CUDA plugin is not installed: pip install 'tallow[cuda13]'"};
  }
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* const reason = dlerror();
    return {nullptr, "the CUDA plugin cannot be opened: " + std::string(reason ? reason : path)};
  }
  using Entry = const Plugin* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(library, kPluginSymbol));
  if (!entry) return {nullptr, path + " is no tallow plugin: it has no " + kPluginSymbol};
  const Plugin& plugin = *entry();
  const std::string problem = mismatch(plugin, path);
  if (!problem.empty()) return {nullptr, problem};
  static const HostServices services{&status_buffer,
                                     [] { return options.load(std::memory_order_relaxed); }};
  plugin.start(&services);
  return {&plugin, ""};
}

std::mutex loading;
const Loaded* loaded = nullptr;  // never freed: tensors may outlive the static destructors

const Loaded& load_plugin() {
  if (const Loaded* const done = __atomic_load_n(&loaded, __ATOMIC_ACQUIRE)) return *done;
  const std::lock_guard<std::mutex> lock(loading);
  if (!loaded) __atomic_store_n(&loaded, new Loaded(open_plugin()), __ATOMIC_RELEASE);
  return *loaded;
}

}  // namespace

void set_math_options(uint32_t bits) { options.store(bits, std::memory_order_relaxed); }

void set_plugin_package(const char* (*folder)()) { package_folder = folder; }

const Plugin& cuda_plugin() {
  const Loaded& state = load_plugin();
  TALLOW_CHECK(state.plugin,
               "device 'cuda' needs the CUDA backend, which is not available: ", state.problem);
  return *state.plugin;
}

const DeviceRuntime& cuda_runtime() { return *cuda_plugin().runtime; }

const DeviceRuntime* loaded_cuda_runtime() {
  const Loaded* const state = __atomic_load_n(&loaded, __ATOMIC_ACQUIRE);
  return state && state->plugin ? state->plugin->runtime : nullptr;
}

const char* why_cuda_is_unavailable() {
  const Loaded& state = load_plugin();
  if (!state.plugin) return state.problem.c_str();
  static char why[512];  // callers hold the lock of the interpreter
  why[0] = '\0';
  state.plugin->runtime->device_count(why, sizeof(why));
  return why;
}

}  // namespace tallow
