"""Compare the losses of a program written for PyTorch under PyTorch and in alias mode.

    python tools/compare_program.py --torch-python PYTHON [--steps 100] [--double] script.py args

The script runs three times with the same seed: under PyTorch, as `python -m tallow` runs it, and
under PyTorch with every initial weight moved by at most one unit in the last place. The value at
each `backward()` is a step's loss. Prints the largest relative difference of tallow and of the
moved run: where the latter is as large as the former, what is seen is the program's own sensitivity
to rounding. `--double` makes float64 the default type: what differs then is no rounding. Ends with
status 1 where tallow fails or is further than `--limit` and further than ten times the moved run.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

Losses = list[float]


def trace(options: argparse.Namespace) -> None:
    """Run the script in this process and write the losses of its first steps to a file."""
    import torch  # PyTorch, or tallow under its name

    losses: Losses = []
    moved: list[object] = []  # alive, so that no module gets the address of another
    backward = torch.Tensor.backward
    numbers = torch.Generator().manual_seed(20)

    def finish() -> None:
        Path(options.trace).write_text(json.dumps(losses))

    def watched(self: torch.Tensor, *args: object, **kwargs: object) -> None:
        if self.numel() == 1:
            losses.append(float(self.detach()))
        if len(losses) >= options.steps:
            finish()
            os._exit(0)  # whatever threads and workers the program has
        backward(self, *args, **kwargs)

    def move(module: torch.nn.Module, _: object) -> None:
        if any(module is other for other in moved):
            return
        moved.append(module)
        with torch.no_grad():
            for weight in module.parameters(recurse=False):
                if weight.is_floating_point():
                    way = torch.randint(-1, 2, weight.shape, generator=numbers)
                    weight.mul_(1 + way.to(weight.dtype) * torch.finfo(weight.dtype).eps)

    torch.Tensor.backward = watched
    if options.move:
        torch.nn.modules.module.register_module_forward_pre_hook(move)
    if options.double:
        torch.set_default_dtype(torch.float64)
    torch.manual_seed(options.seed)
    sys.argv = [options.script, *options.arguments]
    sys.path[0] = str(Path(options.script).resolve().parent)
    try:
        runpy.run_path(options.script, run_name="__main__")
    finally:
        finish()


def losses_of(interpreter: list[str], options: argparse.Namespace, move: bool) -> Losses | str:
    """Return the losses of one run, or the last lines of its error."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [*interpreter, __file__, "--trace", file.name, "--seed", str(options.seed)]
        command += ["--steps", str(options.steps), *(["--move"] if move else [])]
        command += ["--double"] if options.double else []
        command += [options.script, *options.arguments]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            return "\n".join(run.stderr.splitlines()[-8:])
        return json.loads(Path(file.name).read_text())


def difference(losses: Losses, others: Losses) -> float:
    """Return the largest difference, relative to values above one."""
    pairs = zip(losses, others, strict=False)
    return max((abs(a - b) / max(1.0, abs(a)) for a, b in pairs), default=0.0)


def compare(options: argparse.Namespace) -> int:
    """Run the script three times and print what came out."""
    pytorch = [options.torch_python]
    expected = losses_of(pytorch, options, move=False)
    ours = losses_of([sys.executable, "-m", "tallow"], options, move=False)
    if isinstance(expected, str) or isinstance(ours, str):
        print("PyTorch:", expected if isinstance(expected, str) else "runs")
        print("tallow:", ours if isinstance(ours, str) else "runs")
        return 1
    moved = losses_of(pytorch, options, move=True)
    sensitivity = difference(expected, moved) if not isinstance(moved, str) else 0.0
    ours_differ = difference(expected, ours)
    print(
        f"{len(expected)} steps with PyTorch, {len(ours)} with tallow; "
        f"largest difference {ours_differ:.1e}, of PyTorch with moved weights {sensitivity:.1e}"
    )
    alike = len(expected) == len(ours) and ours_differ <= max(options.limit, 10 * sensitivity)
    return 0 if alike else 1


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch-python", default=os.environ.get("TALLOW_TORCH_PYTHON", "python"))
    parser.add_argument("--steps", type=int, default=100, help="calls of backward to compare")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--double", action="store_true", help="float64 as the default type")
    parser.add_argument("--limit", type=float, default=1e-3, help="largest difference to accept")
    parser.add_argument("--trace", help=argparse.SUPPRESS)
    parser.add_argument("--move", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.trace:
        trace(options)
        return 0
    return compare(options)


if __name__ == "__main__":
    sys.exit(main())
