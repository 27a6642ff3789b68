#!/usr/bin/env bash
# Everything that a machine with an NVIDIA GPU is borrowed for, in one call that ends by itself.
#
#     bash tools/gpu/verify.sh [STAGE ...]        # probe build smoke tests sanitize bench
#
# Needs no network: scikit-build-core, pybind11 >= 3.1, cmake >= 3.30, ninja, numpy, pytest and nvcc
# must be there; with PyTorch the benchmarks compare with it. BUDGET is the time for all stages in
# seconds (560), OUT the folder of the results (build/gpu). TALLOW_CUDA=EMULATE rehearses without a
# GPU. A stage that fails does not stop the later ones, except that without a build nothing can
# follow.
#
# The results are five files, each of which grows as the work goes on, so that a run that is cut off
# keeps what it has: machine.json, stages.jsonl (a line per stage), results.json (the benchmarks),
# summary.txt, and log.txt with all output.
set -uo pipefail
cd "$(dirname "$0")/../.."
out=$(realpath -m "${OUT:-build/gpu}")
budget=${BUDGET:-560}
backend=${TALLOW_CUDA:-ON}
python=${PYTHON:-python3}
stages=" ${*:-probe build smoke tests sanitize bench} "
mkdir -p "$out"
for file in log.txt summary.txt stages.jsonl; do : >"$out/$file"; done
export PYTHONUNBUFFERED=1 PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1
failed=0
before=0 # where in log.txt the latest stage begins

note() { # NAME STATUS SECONDS TEXT: one stage's line, for people and for programs
  printf '%-9s status %-3s %4d s | %s\n' "$1" "$2" "$3" "$4" | tee -a "$out/summary.txt"
  printf '{"stage": "%s", "status": %s, "seconds": %d}\n' "$1" "$2" "$3" >>"$out/stages.jsonl"
}

last_output() { # what the latest stage has printed
  tail -c +$((before + 1)) "$out/log.txt"
}

# stage NAME SECONDS COMMAND...: at most so long, and no longer than the budget lasts
stage() {
  local name=$1 limit=$2 begin=$SECONDS status left=$((budget - SECONDS))
  shift 2
  [[ $stages == *" $name "* ]] || return 0
  if ((left < 20)); then
    note "$name" null 0 "left out, $left s left"
    return 1
  fi
  ((limit < left - 10)) || limit=$((left - 10))
  echo "===== $name" >>"$out/log.txt"
  before=$(stat -c %s "$out/log.txt")
  timeout -k 5 "$limit" "$@" >>"$out/log.txt" 2>&1
  status=$?
  note "$name" "$status" $((SECONDS - begin)) "$(last_output | tail -n 1 | cut -c 1-100)"
  ((status == 0)) || failed=1
  return "$status"
}

build() {
  # One instruction-set level: the CPU's kernels are not what is verified here.
  local define=(-Ccmake.define.TALLOW_CUDA="$backend" -Ccmake.define.TALLOW_CPU_LEVELS=baseline)
  [[ $backend == ON ]] && define+=(-Ccmake.define.CMAKE_CUDA_ARCHITECTURES="${ARCH:-90a-real}")
  "$python" -m pip install . --no-build-isolation --no-deps -v "${define[@]}"
}
export -f build
export backend python

stage probe 30 "$python" tools/gpu/probe.py "$out/machine.json"
stage build 240 bash -c build || {
  last_output | tail -n 40
  exit 1
}
cd tests || exit 1 # so that the installed package is tested, not the source tree
stage smoke 30 "$python" -c 'import tallow
for name, answer in tallow.cuda.libraries().items(): print(name, answer)
print((tallow.ones(3, device="cuda") + 1).cpu())' || {
  last_output | tail -n 40
  exit 1
}
stage tests 200 "$python" -m pytest -q -p no:cacheprovider -m 'not slow' cuda
if command -v compute-sanitizer >/dev/null; then
  stage sanitize 90 compute-sanitizer --error-exitcode 9 "$python" -m pytest -q -p no:cacheprovider \
    cuda/test_neural_kernels.py cuda/test_tensor_cores.py cuda/test_sizes_on_cuda.py -x
elif [[ $stages == *" sanitize "* ]]; then
  note sanitize null 0 "left out, compute-sanitizer is not installed"
fi
cd ..
stage bench 120 "$python" tools/gpu/bench.py "$out/results.json"
[[ $stages == *" bench "* ]] && last_output
echo "----"
cat "$out/summary.txt"
exit "$failed"
