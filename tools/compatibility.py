"""Write docs/compatibility.md: every public name of PyTorch, whether it is here, how it is tested.

PyTorch must be installed:  PYTHONPATH=python python tools/compatibility.py
"""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]

# Modules of PyTorch whose public names are listed, most used first.
MODULES = (
    "",
    "Tensor",
    "nn",
    "nn.functional",
    "nn.init",
    "nn.utils",
    "nn.utils.rnn",
    "nn.utils.parametrize",
    "nn.utils.parametrizations",
    "nn.utils.prune",
    "nn.utils.stateless",
    "optim",
    "optim.lr_scheduler",
    "optim.swa_utils",
    "utils.data",
    "utils.checkpoint",
    "utils._pytree",
    "autograd",
    "autograd.functional",
    "autograd.graph",
    "linalg",
    "fft",
    "special",
    "distributions",
    "func",
    "amp",
    "cuda",
    "distributed",
    "jit",
    "profiler",
    "autograd.profiler",
    "random",
    "serialization",
    "testing",
    "library",
    "accelerator",
    "overrides",
    "cpu",
    "futures",
    "nn.grad",
    "signal.windows",
    "quasirandom",
    "hub",
    "storage",
    "types",
    "compiler",
    "multiprocessing",
    "backends",
    "backends.cudnn",
    "backends.cuda",
    "backends.mkldnn",
    "backends.mps",
    "nn.attention",
    "nn.attention.flex_attention",
    "nn.parallel",
    "nn.quantized",
    "utils",
    "utils.benchmark",
    "utils.data.distributed",
    "utils.dlpack",
    "utils.tensorboard",
    "utils.model_zoo",
    "utils.cpp_extension",
    "utils.hooks",
    "mps",
    "xpu",
    "onnx",
    "fx",
    "ao.quantization",
    "quantization",
    "sparse",
    "masked",
    "nested",
    "export",
    "package",
    "monitor",
    "distributed.optim",
    "distributed.tensor",
    "distributed.fsdp",
    "distributed.device_mesh",
    "distributed.checkpoint",
)


def find(root: Any, path: str) -> Any:
    """The object at a dotted path below a package, or None."""
    for name in filter(None, path.split(".")):
        try:
            root = getattr(root, name)
        except AttributeError:
            try:
                root = importlib.import_module(f"{root.__name__}.{name}")
            except (ImportError, AttributeError):
                return None
    return root


def public_names(owner: Any) -> list[str]:
    """What a module or class offers to its users."""
    names = getattr(owner, "__all__", None) if isinstance(owner, ModuleType) else None
    names = [n for n in (dir(owner) if names is None else names) if not n.startswith("_")]
    if isinstance(owner, ModuleType):
        names = [n for n in names if not isinstance(getattr(owner, n, None), ModuleType)]
        names = [n for n in names if not _is_foreign(getattr(owner, n, None))]
    return sorted(set(names))


def _is_foreign(value: Any) -> bool:
    """A helper that a module happens to import, such as typing.Any."""
    home = getattr(value, "__module__", None) or ""
    return callable(value) and bool(home) and home.split(".")[0] not in ("torch", "builtins")


def tested_names() -> dict[str, str]:
    """Name -> how it is compared with PyTorch."""
    import op_case
    from parity import databases

    known = (ROOT / "tests/parity/known_failures.txt").read_text().splitlines()
    failing = {line.split("#")[0].strip() for line in known}
    found: dict[str, str] = {}
    for entry in databases.op_db():
        name = databases.entry_id(entry)
        if name not in failing:
            found.setdefault(entry.name, "op_db")
    for case in op_case.load_cases() if hasattr(op_case, "load_cases") else ():
        found[case.fn or case.name] = "OpCase"
    for entry in databases.module_db():
        found.setdefault(f"nn.{entry.module_cls.__name__}", "module_db")
    return found


def main() -> None:
    """Write the page."""
    import torch

    import tallow

    warnings.simplefilter("ignore")
    tested = tested_names()
    rows, sections = [], []
    for path in MODULES:
        theirs = find(torch, path)
        if theirs is None:
            continue
        ours = find(tallow, path)
        have, lack = [], []
        for name in public_names(theirs):
            full = f"{path}.{name}".lstrip(".")
            there = ours is not None and (hasattr(ours, name))
            how = tested.get(full) or (tested.get(name) if path in ("", "Tensor") else None)
            (have if there else lack).append(f"`{name}`" + (f" ({how})" if there and how else ""))
        title = f"torch.{path}".rstrip(".")
        rows.append(f"| [{title}](#{title.replace('.', '').lower()}) | {len(have)} | {len(lack)} |")
        parts = [f"## {title}", "", "Here: " + (", ".join(have) or "nothing") + "."]
        if lack:
            parts += ["", "Missing: " + ", ".join(lack) + "."]
        sections.append("\n".join(parts))
    page = [
        "# Compatibility with PyTorch",
        "",
        f"Made by `tools/compatibility.py` from the public names of PyTorch {torch.__version__}.",
        "A name here behaves as PyTorch's on dense CPU tensors; other arguments are refused by",
        "name. In brackets: compared with PyTorch by an entry of its operator database",
        "(op_db), of its layer database (module_db), or by an OpCase of ours. For names without a",
        "bracket look into `tests/`: this table does not know what tests them.",
        "",
        "| Module | here | missing |",
        "|---|---|---|",
        *rows,
        "",
        "\n\n".join(sections),
    ]
    (ROOT / "docs" / "compatibility.md").write_text("\n".join(page) + "\n")
    print(f"{len(rows)} modules")


if __name__ == "__main__":
    main()
