"""The structure of the sources: which layer may use which, file lengths, what objects export."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
PACKAGE = ROOT / "python" / "tallow"
pytestmark = pytest.mark.skipif(not CSRC.is_dir(), reason="needs the source tree")

KERNEL_CORE = {
    f"core/{name}.h"
    for name in (
        "device_runtime",
        "float8",
        "half",
        "macros",
        "order_key",
        "parallel",
        "random_stream",
        "scratch",
        "strided",
        "types",
    )
}
# Layer of the including file -> layers it may include, the arrows of docs/architecture.md.
ARROWS = {
    "core": {"core"},
    "backend": {"backend", "core"},
    "cpu": {"cpu", "backend", "core"},
    "autograd": {"autograd", "core"},
    "cuda": {"cuda", "backend", "core"},
    "cuda_emu": {"cuda_emu"},
    "ops": {"ops", "autograd", "backend", "core"},
    "python": {"python", "ops", "autograd", "backend", "core"},
}
# Sources (never headers) that close a circle on purpose.
EXCEPTIONS = {
    "backend/load.cpp": {"cpu/isa.h"},
    "python/module.cpp": {"cpu/isa.h"},
}
# Compiled once, not per instruction-set level, so the rules of kernel files do not bind them.
NOT_KERNELS = {"cpu/isa.h", "cpu/isa.cpp"}
# <type_traits> and <utility> are there for traits and index sequences, which emit no functions.
KERNEL_STD = {"cmath", "cstdint", "cstring", "immintrin.h", "limits", "type_traits", "utility"}
MOST_LINES = 800


def sources(*suffixes: str) -> list[Path]:
    return sorted(path for path in CSRC.rglob("*") if path.suffix in suffixes)


def includes(path: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', path.read_text(), re.MULTILINE)


def name_of(path: Path) -> str:
    return path.relative_to(CSRC).as_posix()


def test_includes_follow_the_layers() -> None:
    wrong = []
    for path in sources(".h", ".cpp", ".cu"):
        name = name_of(path)
        layer = name.partition("/")[0]
        allowed = ARROWS[layer] | (
            {"ops"} if layer == "autograd" and path.suffix == ".cpp" else set()
        )
        for include in includes(path):
            forbidden = include.partition("/")[0] in ARROWS.keys() - allowed
            if forbidden and include not in EXCEPTIONS.get(name, set()):
                wrong.append(f"{name} includes {include}")
    assert not wrong


def test_kernels_see_plain_data_only() -> None:
    wrong = []
    for path in sorted([*(CSRC / "cpu").glob("*"), *(CSRC / "backend").glob("*.h")]):
        if name_of(path) in NOT_KERNELS:
            continue
        for include in includes(path):
            known = "/" in include and include.partition("/")[0] in ("backend", "cpu")
            if not known and include not in KERNEL_CORE | KERNEL_STD:
                wrong.append(f"{name_of(path)} includes {include}")
    assert not wrong


def test_only_the_binding_knows_python() -> None:
    wrong = [
        f"{name_of(path)} includes {include}"
        for path in sources(".h", ".cpp")
        if not name_of(path).startswith("python/")
        for include in includes(path)
        if include == "Python.h" or include.startswith("pybind11")
    ]
    assert not wrong


def test_includes_exist_below_csrc() -> None:
    missing = [
        f"{name_of(path)}: {include}"
        for path in sources(".h", ".cpp")
        for include in includes(path)
        if include.partition("/")[0] in ARROWS
        and include != "core/version.h"  # made by CMake
        and not (CSRC / include).is_file()
    ]
    assert not missing


def test_headers_have_pragma_once_and_a_first_sentence() -> None:
    wrong = []
    for path in sources(".h", ".cpp"):
        text = path.read_text()
        has_header = path.suffix == ".cpp" and path.with_suffix(".h").is_file()
        if not text.startswith("// ") and not has_header:
            wrong.append(f"{name_of(path)}: the first line does not say what the file is for")
        if path.suffix == ".h" and "#pragma once" not in text:
            wrong.append(f"{name_of(path)}: no #pragma once")
    assert not wrong


def test_files_are_short() -> None:
    long = {}
    for folder in ("csrc", "python", "tests", "benchmarks", "tools", "examples"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".h", ".cpp", ".cu", ".py") and "/_C" not in path.as_posix():
                lines = path.read_text().count("\n")
                if lines > MOST_LINES:
                    long[path.relative_to(ROOT).as_posix()] = lines
    assert not long


def test_no_unfinished_work() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in ("csrc", "python", "tools", "benchmarks", "examples")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".h", ".cpp", ".py")
        for line in path.read_text().splitlines()
        if marks.search(line)
    ]
    assert not found


def test_source_lists_equal_the_tree() -> None:
    listed = set(
        re.findall(
            r"^\s+(csrc/\S+\.(?:cpp|cu))$", (ROOT / "cmake/sources.cmake").read_text(), re.MULTILINE
        )
    )
    present = {f"csrc/{name_of(path)}" for path in sources(".cpp", ".cu")}
    assert listed == present


def imported_modules(path: Path) -> set[str]:
    """Absolute names of the tallow modules that a file imports at any level."""
    package = ["tallow", *path.relative_to(PACKAGE).with_suffix("").parts]
    package = package[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "tallow"}


def test_functional_does_not_know_modules() -> None:
    wrong = [
        f"{path.name} imports {name}"
        for path in (PACKAGE / "nn" / "functional").rglob("*.py")
        for name in imported_modules(path)
        if name.startswith("tallow.nn.modules")
    ]
    assert not wrong


def test_the_core_package_does_not_know_nn() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in [*PACKAGE.glob("_tensor*.py"), *(PACKAGE / "autograd").rglob("*.py")]
        for name in imported_modules(path)
        if name.startswith(("tallow.nn", "tallow.optim", "tallow.utils.data"))
    ]
    assert not wrong


def kernel_objects() -> list[Path]:
    return [
        path
        for path in (ROOT / "build").glob("*/CMakeFiles/kernels_*.dir/**/*.o")
        if path.relative_to(ROOT).parts[1] not in ("asan", "tsan")  # instrumentation adds symbols
    ]


@pytest.mark.skipif(shutil.which("nm") is None, reason="needs nm")
def test_kernel_objects_export_no_shared_symbols() -> None:
    """A weak symbol compiled for AVX-512 could replace the baseline's copy at link time."""
    objects = kernel_objects()
    if not objects:
        pytest.skip("no build directory below build/")
    listing = subprocess.run(
        ["nm", "-C", "-A", *map(str, objects)], capture_output=True, text=True, check=True
    ).stdout
    shared = [
        line
        for line in listing.splitlines()
        if re.search(r" [WVuv] ", line) and "tallow::cpu::" not in line
    ]
    assert not shared


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler")
def test_headers_compile_alone(tmp_path: Path) -> None:
    flags = ["-std=c++20", "-fsyntax-only", f"-I{CSRC}", "-DTALLOW_ISA=baseline"]
    headers = [
        path
        for path in sources(".h")
        if name_of(path).partition("/")[0] in ("core", "backend", "autograd", "ops")
    ]
    broken = []
    for header in headers:
        unit = tmp_path / "unit.cpp"
        unit.write_text(f'#include "{name_of(header)}"\n')
        done = subprocess.run(
            ["c++", *flags, str(unit)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            broken.append(f"{name_of(header)}: {done.stderr.splitlines()[0]}")
    assert not broken
