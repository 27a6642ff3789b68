#!/usr/bin/env bash
# A compiler for the CUDA plugin from PyPI alone, without root: nvcc 13.0 and what it needs (105 MB).
#
#     nvcc=$(bash tools/gpu/toolkit.sh FOLDER)       # then CUDACXX=$nvcc cmake --preset cuda
#
# Prints the path of nvcc. Status 3 if PyPI has no such packages for this platform.
# Needs Python >= 3.11 with pip (PYTHON names it) and a C++ compiler that nvcc takes.
set -euo pipefail
folder=${1:?usage: toolkit.sh FOLDER}
packages=(nvidia-cuda-nvcc nvidia-nvvm nvidia-cuda-crt nvidia-cuda-runtime nvidia-cuda-cccl
  nvidia-nvtx)

mkdir -p "$folder"
if ! "${PYTHON:-python3}" -m pip install -q --no-deps --only-binary :all: --target "$folder" --upgrade \
  "${packages[@]/%/==13.0.*}" >"$folder/pip.log" 2>&1; then
  cat "$folder/pip.log" >&2
  grep -q "No matching distribution found" "$folder/pip.log" && exit 3
  exit 1
fi
toolkit=$folder/nvidia/cu13
ln -sfn lib "$toolkit/lib64" # where CMake and nvcc look
[[ -x $toolkit/bin/nvcc ]] || chmod +x "$toolkit"/bin/* "$toolkit"/nvvm/bin/*
"$toolkit/bin/nvcc" --version >&2
realpath "$toolkit/bin/nvcc"
