"""How the CUDA plugin is found and checked; none of this needs a device."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def run(program: str, library: str | None) -> str:
    """Return what a program prints in a fresh process that looks for a given plugin."""
    environment = {k: v for k, v in os.environ.items() if k != "TALLOW_CUDA_LIBRARY"}
    if library is not None:
        environment["TALLOW_CUDA_LIBRARY"] = library
    done = subprocess.run(
        [sys.executable, "-c", f"import tallow\nfrom tallow import cuda\n{program}"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return done.stdout.strip()


WHY = "print(cuda.is_available(), cuda.why_unavailable())"


def test_import_opens_nothing() -> None:
    program = (
        "print(cuda._device._runtime.is_loaded(), 'tallow_cuda' in open('/proc/self/maps').read())"
    )
    assert run(program, os.environ.get("TALLOW_CUDA_LIBRARY")) == "False False"


def test_asking_starts_nothing() -> None:
    program = "cuda.is_available(), cuda.device_count()\nprint(cuda.is_initialized())"
    assert run(program, os.environ.get("TALLOW_CUDA_LIBRARY")) == "False"


def test_seeding_opens_nothing() -> None:
    program = (
        "tallow.manual_seed(1)\ncuda.manual_seed_all(1)\nprint(cuda._device._runtime.is_loaded())"
    )
    assert run(program, os.environ.get("TALLOW_CUDA_LIBRARY")) == "False"


def test_a_missing_library_is_named() -> None:
    answer = run(WHY, "/nowhere/libtallow_cuda.so")
    assert answer.startswith("False the CUDA plugin cannot be opened: /nowhere/libtallow_cuda.so")


def test_a_library_that_is_no_plugin_is_named() -> None:
    import tallow

    library = tallow._C.__file__
    assert run(WHY, library) == f"False {library} is no tallow plugin: it has no tallow_backend_v1"


def test_errors_say_what_is_missing() -> None:
    program = (
        "for call in (lambda: tallow.ones(1, device='cuda'), lambda: tallow.ones(1).to('cuda'),\n"
        "             lambda: tallow.ones(1).cuda(), cuda.Stream, cuda.synchronize):\n"
        "    try:\n        call()\n"
        "    except (RuntimeError, AssertionError) as error:\n        print(error)"
    )
    lines = run(program, "/nowhere/plugin.so").splitlines()
    assert len(lines) == 5
    assert all("the CUDA plugin cannot be opened: /nowhere/plugin.so" in line for line in lines)


@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler")
def test_another_binary_interface_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "plugin.cpp"
    source.write_text(
        "struct Plugin { unsigned abi, size, backend, runtime; const char* version; };\n"
        'extern "C" const Plugin* tallow_backend_v1() {\n'
        '  static const Plugin plugin{999, 8, 16, 24, "9.9"}; return &plugin; }\n'
    )
    library = tmp_path / "libplugin.so"
    subprocess.run(["c++", "-shared", "-fPIC", "-o", library, source], check=True)
    answer = run(WHY, str(library))
    assert answer.startswith(f"False the CUDA plugin {library} has another binary interface (999, ")
