// Affinity, control-group quotas and OMP_NUM_THREADS.
#include "core/cpu_count.h"

#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tallow {

namespace {

constexpr int kUnlimited = 1 << 20;

int affinity_cpus() {
#ifdef __linux__
  // The mask may be larger than cpu_set_t on big machines: try growing sizes.
  for (int cpus = CPU_SETSIZE; cpus <= (1 << 17); cpus *= 4) {
    cpu_set_t* const set = CPU_ALLOC(cpus);
    if (!set) break;
    const bool known = sched_getaffinity(0, CPU_ALLOC_SIZE(cpus), set) == 0;
    const int count = known ? CPU_COUNT_S(CPU_ALLOC_SIZE(cpus), set) : 0;
    CPU_FREE(set);
    if (known) return count;
  }
#endif
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<int>(online) : 1;
}

// Whole CPUs per period; a quota below one CPU counts as one.
int whole_cpus(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return kUnlimited;
  const long long cpus = quota / period;
  return cpus < 1 ? 1 : cpus > kUnlimited ? kUnlimited : static_cast<int>(cpus);
}

// Version 2: "QUOTA PERIOD" or "max PERIOD" in cpu.max.
int quota_v2(const char* folder) {
  char path[4200];
  std::snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", folder);
  std::FILE* const file = std::fopen(path, "r");
  if (!file) return kUnlimited;
  long long quota = 0;
  long long period = 0;
  const int fields = std::fscanf(file, "%lld %lld", &quota, &period);
  std::fclose(file);
  return fields == 2 ? whole_cpus(quota, period) : kUnlimited;
}

// Version 1: one number per file, -1 for no limit.
int quota_v1(const char* folder) {
  long long values[2] = {0, 0};
  const char* const names[2] = {"cpu.cfs_quota_us", "cpu.cfs_period_us"};
  for (int i = 0; i < 2; ++i) {
    char path[4200];
    std::snprintf(path, sizeof(path), "/sys/fs/cgroup/cpu%s/%s", folder, names[i]);
    std::FILE* const file = std::fopen(path, "r");
    if (!file) return kUnlimited;
    if (std::fscanf(file, "%lld", &values[i]) != 1) values[i] = 0;
    std::fclose(file);
  }
  return whole_cpus(values[0], values[1]);
}

// The smallest quota from a group up to the root: a parent's limit binds its children.
int smallest_quota(char* folder, int (*quota)(const char*)) {
  int smallest = quota("");
  while (folder[0] != '\0' && std::strcmp(folder, "/") != 0) {
    const int here = quota(folder);
    if (here < smallest) smallest = here;
    *std::strrchr(folder, '/') = '\0';
  }
  return smallest;
}

// Lines of /proc/self/cgroup read ID:CONTROLLERS:FOLDER; version 2 has no controllers.
int quota_cpus() {
  std::FILE* const file = std::fopen("/proc/self/cgroup", "r");
  if (!file) return kUnlimited;
  int smallest = kUnlimited;
  char line[4096];
  while (std::fgets(line, sizeof(line), file)) {
    line[std::strcspn(line, "\n")] = '\0';
    char* const controllers = std::strchr(line, ':');
    char* const colon = controllers ? std::strchr(controllers + 1, ':') : nullptr;
    if (!colon || colon[1] != '/') continue;
    *colon = '\0';
    const bool version2 = controllers[1] == '\0';
    const bool version1 = std::strstr(controllers, "cpu") && !std::strstr(controllers, "cpuset");
    if (!version2 && !version1) continue;
    const int here = smallest_quota(colon + 1, version2 ? quota_v2 : quota_v1);
    if (here < smallest) smallest = here;
  }
  std::fclose(file);
  return smallest;
}

int environment_cpus() {
  const char* const text = std::getenv("OMP_NUM_THREADS");
  const long value = text ? std::strtol(text, nullptr, 10) : 0;
  return value > 0 && value < kUnlimited ? static_cast<int>(value) : kUnlimited;
}

}  // namespace

int usable_cpus() {
  int count = affinity_cpus();
  const int limits[] = {quota_cpus(), environment_cpus()};
  for (const int limit : limits) {
    if (limit < count) count = limit;
  }
  return count > 0 ? count : 1;
}

}  // namespace tallow
