"""Our declarations of NVIDIA's libraries against the real ones, where the wheels are installed.

The folder ``nvidia`` of this Python's site-packages is looked into, or the one that
``TALLOW_NVIDIA_FOLDER`` names; nothing is left out then: what is missing there fails. Needed
are nvidia-cublas, nvidia-cudnn-cu13, nvidia-nccl-cu13 and nvidia-cuda-runtime (1 GB to download),
too much for every run of CI: docs/cuda.md says when this was last done.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def nvidia() -> Path | None:
    if given := os.environ.get("TALLOW_NVIDIA_FOLDER"):
        return Path(given)
    spec = importlib.util.find_spec("nvidia")
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


NEEDED = [
    "cu13/include/cublasLt.h",
    "cu13/include/cuda_runtime.h",
    "cu13/lib/libcublasLt.so.13",
    "cudnn/include/cudnn.h",
    "cudnn/lib/libcudnn.so.9",
]
FOLDER = nvidia()
MISSING = [name for name in NEEDED if FOLDER is None or not (FOLDER / name).exists()]
pytestmark = [
    pytest.mark.skipif(
        bool(MISSING) and "TALLOW_NVIDIA_FOLDER" not in os.environ,
        reason=f"NVIDIA's wheels are not installed: no {', '.join(MISSING)} in {FOLDER}",
    ),
    pytest.mark.skipif(not shutil.which("c++"), reason="needs a C++ compiler"),
    pytest.mark.skipif(not (ROOT / "csrc").exists(), reason="needs the sources"),
]

# Our names in namespace cublaslt and cudnn, and NVIDIA's.
CUBLASLT = """
kSuccess CUBLAS_STATUS_SUCCESS
kNotInitialized CUBLAS_STATUS_NOT_INITIALIZED
kAllocFailed CUBLAS_STATUS_ALLOC_FAILED
kInvalidValue CUBLAS_STATUS_INVALID_VALUE
kArchMismatch CUBLAS_STATUS_ARCH_MISMATCH
kExecutionFailed CUBLAS_STATUS_EXECUTION_FAILED
kInternalError CUBLAS_STATUS_INTERNAL_ERROR
kNotSupported CUBLAS_STATUS_NOT_SUPPORTED
kFloat CUDA_R_32F
kDouble CUDA_R_64F
kHalf CUDA_R_16F
kBFloat16 CUDA_R_16BF
kComplexFloat CUDA_C_32F
kComplexDouble CUDA_C_64F
kCompute32 CUBLAS_COMPUTE_32F
kCompute64 CUBLAS_COMPUTE_64F
kCompute32FastTf32 CUBLAS_COMPUTE_32F_FAST_TF32
kPlain CUBLAS_OP_N
kTransposed CUBLAS_OP_T
kBatchCount CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT
kBatchStride CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET
kTransposeA CUBLASLT_MATMUL_DESC_TRANSA
kTransposeB CUBLASLT_MATMUL_DESC_TRANSB
kEpilogue CUBLASLT_MATMUL_DESC_EPILOGUE
kBiasPointer CUBLASLT_MATMUL_DESC_BIAS_POINTER
kNoEpilogue CUBLASLT_EPILOGUE_DEFAULT
kAddBias CUBLASLT_EPILOGUE_BIAS
kMaxWorkspace CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES
kReductionSchemes CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK
kMinAlignmentA CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES
kMinAlignmentB CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES
kMinAlignmentC CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES
kMinAlignmentD CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES
kReduceInComputeType CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE
"""
CUDNN = """
kSuccess CUDNN_STATUS_SUCCESS
kBadParameter CUDNN_STATUS_BAD_PARAM
kNotSupported CUDNN_STATUS_NOT_SUPPORTED
kFloat CUDNN_DATA_FLOAT
kDouble CUDNN_DATA_DOUBLE
kHalf CUDNN_DATA_HALF
kBFloat16 CUDNN_DATA_BFLOAT16
kCrossCorrelation CUDNN_CROSS_CORRELATION
kHeuristicA CUDNN_HEUR_MODE_A
kHeuristicFallback CUDNN_HEUR_MODE_FALLBACK
kTensorCore CUDNN_NUMERICAL_NOTE_TENSOR_CORE
kDownConvertInputs CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS
kReducedPrecisionReduction CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION
kFft CUDNN_NUMERICAL_NOTE_FFT
kNondeterministic CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC
kWinograd CUDNN_NUMERICAL_NOTE_WINOGRAD
kNotes CUDNN_NUMERICAL_NOTE_TYPE_COUNT
kConvolution CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR
kEngine CUDNN_BACKEND_ENGINE_DESCRIPTOR
kEngineConfig CUDNN_BACKEND_ENGINECFG_DESCRIPTOR
kEngineHeuristic CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR
kExecutionPlan CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR
kForward CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR
kBackwardFilter CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR
kBackwardData CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR
kOperationGraph CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR
kVariantPack CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR
kTensor CUDNN_BACKEND_TENSOR_DESCRIPTOR
kDevice CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR
kHandle CUDNN_TYPE_HANDLE
kDataType CUDNN_TYPE_DATA_TYPE
kInt64 CUDNN_TYPE_INT64
kFloatValue CUDNN_TYPE_FLOAT
kDoubleValue CUDNN_TYPE_DOUBLE
kPointer CUDNN_TYPE_VOID_PTR
kConvolutionMode CUDNN_TYPE_CONVOLUTION_MODE
kHeuristicMode CUDNN_TYPE_HEUR_MODE
kNumericalNote CUDNN_TYPE_NUMERICAL_NOTE
kDescriptor CUDNN_TYPE_BACKEND_DESCRIPTOR
kChar CUDNN_TYPE_CHAR
kConvolutionComputeType CUDNN_ATTR_CONVOLUTION_COMP_TYPE
kConvolutionConvMode CUDNN_ATTR_CONVOLUTION_CONV_MODE
kConvolutionDilations CUDNN_ATTR_CONVOLUTION_DILATIONS
kConvolutionStrides CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES
kConvolutionPostPaddings CUDNN_ATTR_CONVOLUTION_POST_PADDINGS
kConvolutionPrePaddings CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS
kConvolutionSpatialDims CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS
kHeuristicModeOf CUDNN_ATTR_ENGINEHEUR_MODE
kHeuristicGraph CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH
kHeuristicResults CUDNN_ATTR_ENGINEHEUR_RESULTS
kHeuristicDevice CUDNN_ATTR_ENGINEHEUR_DEVICEPROP
kConfigEngine CUDNN_ATTR_ENGINECFG_ENGINE
kPlanHandle CUDNN_ATTR_EXECUTION_PLAN_HANDLE
kPlanConfig CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG
kPlanWorkspace CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE
kPlanDevice CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP
kForwardInput CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X
kForwardOutput CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y
kBackwardDataInput CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX
kBackwardDataOutput CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY
kBackwardFilterInput CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X
kBackwardFilterOutput CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY
kForwardWeight CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W
kBackwardDataWeight CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W
kBackwardFilterWeight CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW
kForwardAlpha CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA
kBackwardDataAlpha CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA
kBackwardFilterAlpha CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA
kForwardBeta CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA
kBackwardDataBeta CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA
kBackwardFilterBeta CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA
kForwardConvolution CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC
kBackwardDataConvolution CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC
kBackwardFilterConvolution CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC
kGraphHandle CUDNN_ATTR_OPERATIONGRAPH_HANDLE
kGraphOperations CUDNN_ATTR_OPERATIONGRAPH_OPS
kTensorAlignment CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT
kTensorType CUDNN_ATTR_TENSOR_DATA_TYPE
kTensorSizes CUDNN_ATTR_TENSOR_DIMENSIONS
kTensorStrides CUDNN_ATTR_TENSOR_STRIDES
kTensorId CUDNN_ATTR_TENSOR_UNIQUE_ID
kPackIds CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS
kPackPointers CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS
kPackWorkspace CUDNN_ATTR_VARIANT_PACK_WORKSPACE
kEngineNotes CUDNN_ATTR_ENGINE_NUMERICAL_NOTE
kDeviceText CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION
"""


def check(tmp_path: Path, library: str, header: str, names: str, more: str) -> None:
    """Compile assertions that our numbers are NVIDIA's, and that functions take as many values."""
    ours = ROOT / "csrc" / "cuda" / "lib" / f"{library}_api.h"
    pairs = [line.split() for line in names.split("\n") if line]
    text = re.sub(r"//[^\n]*", "", ours.read_text())
    declared = {name for name, _ in re.findall(r"\b(k\w+) = (\d+)", text)}
    assert declared == {name for name, _ in pairs}
    functions = re.findall(r"F\((\w+), ([\w:* ]+),\s*(\([^()]*\))\)", text.replace("\\\n", "\n"))
    assert len(functions) >= 10
    source = f'#include <{header}>\n#include "{ours}"\nnamespace ours = tallow::cuda::{library};\n'
    for name, theirs in pairs:
        source += f'static_assert(int(ours::{name}) == int({theirs}), "{name}");\n'
    source += (
        "template <class R, class... A> constexpr int arity(R (*)(A...)) { return sizeof...(A); }\n"
        "template <class R, class... A> constexpr unsigned long sizes(R (*)(A...)) {\n"
        "  unsigned long sum = 0; ((sum = sum * 16 + sizeof(A)), ...);\n"
        "  return sum * 16 + sizeof(R); }\n"
    )
    prefix = {"cublaslt": "cublasLt", "cudnn": "cudnn"}[library]
    for name, _, _ in functions:
        pair = (f"decltype(ours::Api::{name}){{}}", f"decltype(&{prefix}{name}){{}}")
        source += f'static_assert(arity({pair[0]}) == arity({pair[1]}), "{name}");\n'
        source += f'static_assert(sizes({pair[0]}) == sizes({pair[1]}), "{name}");\n'
    path = tmp_path / "check.cpp"
    path.write_text(source + more)
    assert FOLDER is not None
    includes = [f"-I{FOLDER / place / 'include'}" for place in ("cu13", "cudnn", "nccl")]
    done = subprocess.run(
        ["c++", "-std=c++20", "-fsyntax-only", "-w", *includes, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:4000]


def test_cublaslt(tmp_path: Path) -> None:
    layout = (
        "static_assert(sizeof(ours::Heuristic) == sizeof(cublasLtMatmulHeuristicResult_t));\n"
        "static_assert(offsetof(ours::Heuristic, workspace) ==\n"
        "              offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));\n"
        "static_assert(offsetof(ours::Heuristic, state) ==\n"
        "              offsetof(cublasLtMatmulHeuristicResult_t, state));\n"
    )
    check(tmp_path, "cublaslt", "cublasLt.h", CUBLASLT, layout)


def test_cudnn(tmp_path: Path) -> None:
    check(tmp_path, "cudnn", "cudnn.h", CUDNN, "")


def test_the_real_libraries_plan_for_an_h200_that_is_not_there(tmp_path: Path) -> None:
    """cuBLASLt checks descriptors; cuDNN finds an engine for every convolution and plans it."""
    assert FOLDER is not None
    libraries = [FOLDER / "cu13/lib/libcublasLt.so.13", FOLDER / "cudnn/lib/libcudnn.so.9"]
    includes = [f"-I{ROOT / 'csrc/cuda_emu'}", f"-I{ROOT / 'csrc'}"]
    source = Path(__file__).parent / "vendor" / "real_libraries.cpp"
    program = tmp_path / "descriptors"
    subprocess.run(["c++", "-std=c++20", *includes, "-o", program, source, "-ldl"], check=True)
    done = subprocess.run(
        [program, *libraries],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LD_LIBRARY_PATH": str(libraries[0].parent)},
    )
    assert done.stdout == "0 refused\n", done.stdout
