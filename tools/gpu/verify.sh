#!/usr/bin/env bash
# Everything that a machine with an NVIDIA GPU is borrowed for, in one call that ends by itself.
#
#     bash tools/gpu/verify.sh [STAGE ...]        # probe build smoke tests sanitize bench
#
# Needs no network: scikit-build-core, pybind11, cmake >= 3.30, ninja, numpy, pytest and nvcc must be
# there; with PyTorch the benchmarks compare with it. BUDGET is the time for all stages in seconds
# (560), OUT the folder of the results (build/gpu). TALLOW_CUDA=EMULATE rehearses without a GPU.
# A stage that fails does not stop the later ones, except that without a build nothing can follow.
set -uo pipefail
cd "$(dirname "$0")/../.."
out=$(realpath -m "${OUT:-build/gpu}")
budget=${BUDGET:-560}
backend=${TALLOW_CUDA:-ON}
python=${PYTHON:-python3}
stages=" ${*:-probe build smoke tests sanitize bench} "
mkdir -p "$out"
: >"$out/log.txt"
: >"$out/summary.txt"
export PYTHONUNBUFFERED=1 PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1
failed=0

# stage NAME SECONDS COMMAND...: at most so long, and no longer than the budget lasts
stage() {
  local name=$1 limit=$2 begin=$SECONDS status left=$((budget - SECONDS))
  shift 2
  [[ $stages == *" $name "* ]] || return 0
  if ((left < 20)); then
    echo "$name: left out, $left s left" | tee -a "$out/summary.txt"
    return 1
  fi
  ((limit < left - 10)) || limit=$((left - 10))
  echo "===== $name" >>"$out/log.txt"
  timeout -k 5 "$limit" "$@" >"$out/$name.txt" 2>&1
  status=$?
  cat "$out/$name.txt" >>"$out/log.txt"
  printf '%-9s status %-3d %4d s | %s\n' "$name" "$status" $((SECONDS - begin)) \
    "$(tail -n 1 "$out/$name.txt" | cut -c 1-100)" | tee -a "$out/summary.txt"
  ((status == 0)) || failed=1
  return "$status"
}

build() {
  local define=(-Ccmake.define.TALLOW_CUDA="$backend")
  [[ $backend == ON ]] && define+=(-Ccmake.define.CMAKE_CUDA_ARCHITECTURES="${ARCH:-90a-real}")
  "$python" -m pip install . --no-build-isolation --no-deps -v "${define[@]}"
}

stage probe 30 "$python" tools/gpu/probe.py "$out/machine.json"
stage build 240 build || { tail -n 40 "$out/build.txt"; exit 1; }
cd tests || exit 1 # so that the installed package is tested, not the source tree
stage smoke 30 "$python" -c 'import tallow
for name, answer in tallow.cuda.libraries().items(): print(name, answer)
print((tallow.ones(3, device="cuda") + 1).cpu())' ||
  { tail -n 40 "$out/smoke.txt"; exit 1; }
stage tests 200 "$python" -m pytest -q -p no:cacheprovider -m 'not slow' cuda
if command -v compute-sanitizer >/dev/null; then
  stage sanitize 90 compute-sanitizer --error-exitcode 9 "$python" -m pytest -q -p no:cacheprovider \
    cuda/test_neural_kernels.py cuda/test_sizes_on_cuda.py -x
fi
cd ..
stage bench 120 "$python" tools/gpu/bench.py "$out/results.json"
[[ -f $out/bench.txt ]] && cat "$out/bench.txt"
echo "----"
cat "$out/summary.txt"
exit "$failed"
