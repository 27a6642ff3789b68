"""The CUDA plugin as nvcc links it and as its wheel carries it; no device is needed.

``TALLOW_CUDA_WHEEL`` names a wheel built from ``packaging/tallow-cuda13``, as .ci/run does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import tallow

ROOT = Path(__file__).resolve().parents[1]
LARGEST_WHEEL = 20_000_000  # bytes, of three architectures
SYSTEM = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "libdl.so.2"}


@pytest.fixture(scope="module")
def wheel() -> Path:
    path = os.environ.get("TALLOW_CUDA_WHEEL")
    if not path:
        pytest.skip("TALLOW_CUDA_WHEEL names no wheel of the CUDA plugin")
    return Path(path)


@pytest.fixture(scope="module")
def library(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin, unpacked from its wheel as pip would."""
    folder = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder / "tallow_cuda13" / "libtallow_cuda.so"


def output(*command: str | Path) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_wheel_serves_every_python(wheel: Path) -> None:
    assert re.fullmatch(r"tallow_cuda13-[\d.]+-py3-none-\w*linux\w+\.whl", wheel.name)
    assert wheel.name.split("-")[1] == tallow.__version__
    assert wheel.stat().st_size <= LARGEST_WHEEL


def test_the_wheel_holds_one_library(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    files = [name for name in names if ".dist-info/" not in name and not name.endswith("/")]
    assert {Path(name).parent.name for name in files} == {"tallow_cuda13"}
    expected = ["LICENSE", "NOTICE", "__init__.py", "libtallow_cuda.so"]
    assert sorted(Path(name).name for name in files) == expected


def test_the_library_exports_one_symbol(library: Path) -> None:
    lines = output("nm", "-D", "--defined-only", library).splitlines()
    assert [line.split()[-1] for line in lines] == ["tallow_backend_v1"]


def test_the_library_needs_nothing_but_the_system(library: Path) -> None:
    dynamic = output("readelf", "-d", library)
    assert set(re.findall(r"NEEDED.*\[(.+)\]", dynamic)) <= SYSTEM
    undefined = output("nm", "-D", "--undefined-only", library)
    assert not re.findall(r" (?:cu|nv|nccl|Py)\w*", undefined)


def test_the_library_looks_where_the_wheels_of_nvidia_are(library: Path) -> None:
    found = re.search(r"RUNPATH.*\[(.+)\]", output("readelf", "-d", library))
    assert found is not None
    assert found[1].split(":") == [
        "$ORIGIN/../nvidia/cu13/lib",
        "$ORIGIN/../nvidia/cudnn/lib",
        "$ORIGIN/../nvidia/nccl/lib",
    ]


def answer(library: Path, **variables: str) -> list[str]:
    """Return what a fresh process says that finds the library as an installed package."""
    environment = {k: v for k, v in os.environ.items() if k != "TALLOW_CUDA_LIBRARY"}
    path = [str(library.parents[1]), str(Path(tallow.__file__).parents[1])]
    environment |= {"PYTHONPATH": os.pathsep.join(path), **variables}
    program = (
        "import tallow\nfrom tallow import cuda\n"
        "print(cuda.is_available())\nprint(cuda.why_unavailable())\n"
        "print(cuda.is_initialized())\nprint(cuda.device_count())\n"
        "print('libtallow_cuda.so' in open('/proc/self/maps').read())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert not done.stderr
    return done.stdout.splitlines()


def test_the_installed_library_is_found_and_says_what_is_missing(library: Path) -> None:
    available, why, initialized, count, opened = answer(library, CUDA_VISIBLE_DEVICES="")
    assert (available, initialized, count, opened) == ("False", "False", "0", "True")
    assert re.match(
        r"no NVIDIA driver was found \(libcuda\.so\.1\); install one that supports CUDA 13\.\d+$"
        r"|no CUDA device is visible with CUDA_VISIBLE_DEVICES=''$"
        r"|the NVIDIA driver supports CUDA ",
        why,
    )


COMPARED = [
    "EMULATE",
    pytest.param("ON", marks=pytest.mark.skipif(not shutil.which("nvcc"), reason="needs nvcc 13")),
]


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / "cmake" / "cuda.cmake").exists(), reason="needs the sources")
@pytest.mark.skipif(not shutil.which("cmake") or not shutil.which("ninja"), reason="needs CMake")
@pytest.mark.parametrize("cuda", COMPARED)
def test_the_extension_module_is_built_the_same_way(cuda: str, tmp_path: Path) -> None:
    """The commands that make ``_C`` are the same with the plugin switched on."""

    def commands(setting: str) -> list[str]:
        folder = tmp_path / setting
        configure = ["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", f"-DTALLOW_CUDA={setting}"]
        configure += ["-DCMAKE_BUILD_TYPE=Release", f"-DPython_EXECUTABLE={sys.executable}"]
        configure += ["-DCMAKE_CUDA_ARCHITECTURES=90-real"]
        done = subprocess.run(configure, capture_output=True, text=True, check=False)
        if "pybind11" in done.stderr:
            pytest.skip("needs pybind11 3.1")
        assert done.returncode == 0, done.stderr
        report = subprocess.run(
            ["ninja", "-C", folder, "-t", "commands", "_C"],
            capture_output=True,
            text=True,
            check=True,
        )
        return report.stdout.replace(str(folder), "BUILD").splitlines()

    plain = commands("OFF")
    assert len(plain) > 100
    assert not any("csrc/cuda/" in line for line in plain)
    assert commands(cuda) == plain


def test_the_extra_brings_the_plugin_of_the_same_version() -> None:
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("needs the sources")
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    plugin = tomllib.loads((ROOT / "packaging/tallow-cuda13/pyproject.toml").read_text())["project"]
    assert plugin["version"] == project["version"]
    cuda13 = project["optional-dependencies"]["cuda13"]
    assert [re.split("[<>=]", requirement)[0] for requirement in cuda13] == [
        "tallow-cuda13",
        "nvidia-cublas",
        "nvidia-cudnn-cu13",
    ]
    assert cuda13[0] == f"tallow-cuda13=={project['version']}"


@pytest.mark.skipif(not (ROOT / "tools").exists(), reason="the tools are not beside the tests")
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("ERROR: No matching distribution found for nvidia-cuda-nvcc==13.0.*", 3),
        ("ERROR: Could not reach the index", 1),
    ],
)
def test_a_platform_without_nvcc_is_told_from_an_error(
    answer: str, status: int, tmp_path: Path
) -> None:
    pip = tmp_path / "python"
    pip.write_text(f"#!/bin/sh\necho '{answer}' >&2\nexit 1\n")
    pip.chmod(0o755)
    script = ROOT / "tools" / "gpu" / "toolkit.sh"
    done = subprocess.run(
        ["bash", script, tmp_path / "toolkit"],
        env={**os.environ, "PYTHON": str(pip)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert answer in done.stderr
