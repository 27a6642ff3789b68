// How many CPUs this process may use.
#pragma once

namespace tallow {

// The CPUs of the affinity mask, limited by the control group's quota (rounded down) and by the
// first number of OMP_NUM_THREADS; at least 1.
int usable_cpus();

}  // namespace tallow
