"""Time CUDA operations of tallow and, where it is installed, of PyTorch in the same run.

    python tools/gpu/bench.py [RESULTS.json]

Every case runs in both libraries in turns, on random inputs; events on the device measure, and the
median of the rounds counts. A ratio below 1 means that tallow is faster. Results are written after
every case, so that a run that is cut off keeps what it has.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

Setup = Callable[[ModuleType], Callable[[], Any]]
ROUNDS = 9


def pointwise(name: str, size: int) -> Setup:
    """A function of one tensor."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        x, function = lib.rand(size, device="cuda"), getattr(lib, name)
        return lambda: function(x)

    return setup


def product(n: int, dtype: str) -> Setup:
    """A product of square matrices."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        a, b = (lib.rand(n, n, device="cuda").to(getattr(lib, dtype)) for _ in range(2))
        return lambda: a @ b

    return setup


def convolution(batch: int, channels: int, size: int) -> Setup:
    """A 3x3 convolution with its gradients."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        layer = lib.nn.Conv2d(channels, channels, 3, padding=1).cuda()
        x = lib.rand(batch, channels, size, size, device="cuda")
        return lambda: layer(x).sum().backward()

    return setup


def function(name: str, *shape: int, **arguments: Any) -> Setup:
    """A function of torch.nn.functional with its gradient."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        x = lib.rand(*shape, device="cuda", requires_grad=True)
        call = getattr(lib.nn.functional, name)

        def step() -> None:
            x.grad = None
            call(x, **arguments).sum().backward()

        return step

    return setup


def cross_entropy(rows: int, classes: int) -> Setup:
    """The loss of random logits with its gradient."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        x = lib.rand(rows, classes, device="cuda", requires_grad=True)
        target = lib.randint(0, classes, (rows,), device="cuda")

        def step() -> None:
            x.grad = None
            lib.nn.functional.cross_entropy(x, target).backward()

        return step

    return setup


def adamw(numel: int, tensors: int) -> Setup:
    """A step of AdamW over equal tensors."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        each = max(1, numel // tensors)
        params = [lib.nn.Parameter(lib.rand(each, device="cuda")) for _ in range(tensors)]
        for param in params:
            param.grad = lib.rand(each, device="cuda")
        return lib.optim.AdamW(params).step

    return setup


def lenet(batch: int) -> Setup:
    """A training step of a LeNet."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        nn = lib.nn
        model = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10),
        ).cuda()  # fmt: skip
        optimizer = lib.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        x = lib.rand(batch, 1, 28, 28, device="cuda")
        target = lib.randint(0, 10, (batch,), device="cuda")

        def step() -> None:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), target).backward()
            optimizer.step()

        return step

    return setup


def cases(scale: int) -> dict[str, Setup]:
    """The cases by name; rehearsals divide the sizes by `scale`, which is 1 on a GPU."""

    def size(n: int) -> int:
        return max(1, n // scale)

    rows, wide = size(8192), size(4096)
    maps = (size(64), size(64), size(112), size(112))
    return {
        "neg of 4": pointwise("neg", 4),
        "sigmoid of 2^26": pointwise("sigmoid", size(1 << 26)),
        "float32 product of 4096": product(wide, "float32"),
        "bfloat16 product of 4096": product(wide, "bfloat16"),
        "conv 3x3, 64 maps of 64x56x56, forward and backward": convolution(
            size(64), size(64), size(56)
        ),
        "softmax of 8192x4096, forward and backward": function("softmax", rows, wide, dim=1),
        "layer_norm of 8192x4096, forward and backward": function(
            "layer_norm", rows, wide, normalized_shape=(wide,)
        ),
        "max_pool2d 2x2 of 64x64x112x112, forward and backward": function(
            "max_pool2d", *maps, kernel_size=min(2, maps[2])
        ),
        "cross_entropy of 8192x50304, forward and backward": cross_entropy(rows, size(50304)),
        "AdamW of 124M in 20 tensors": adamw(size(124_000_000), 20),
        "LeNet training step, 64 images": lenet(min(64, max(2, 256 // scale))),
    }


def milliseconds(lib: ModuleType, call: Callable[[], Any], count: int) -> float:
    """Time of one call, by events on the device around `count` calls."""
    begin, end = (lib.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(count):
        call()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / count


def calls_of_a_round(lib: ModuleType, call: Callable[[], Any]) -> int:
    """How many calls take about 10 ms; also warms up."""
    call()
    lib.cuda.synchronize()
    start = time.perf_counter()
    call()
    lib.cuda.synchronize()
    return max(1, min(1000, round(0.01 / max(time.perf_counter() - start, 1e-6))))


def compare(libraries: list[ModuleType], setup: Setup) -> dict[str, float]:
    """Median milliseconds of each library, in rounds A B, B A, ..."""
    calls: dict[str, tuple[ModuleType, Callable[[], Any], int]] = {}
    for lib in libraries:
        lib.manual_seed(0)
        call = setup(lib)
        calls[lib.__name__] = lib, call, calls_of_a_round(lib, call)
    times: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls)
    for _ in range(ROUNDS):
        for name in order:
            times[name].append(milliseconds(*calls[name]))
        order.reverse()
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> int:
    """Run all cases; the status is 1 if one raised in tallow."""
    tallow = importlib.import_module("tallow")
    libraries = [tallow]
    if importlib.util.find_spec("torch") is not None:
        torch = importlib.import_module("torch")
        libraries += [torch] if torch.cuda.is_available() else []
    emulated = tallow._C._cuda.plugin_name() == "cuda-emulator"
    results: dict[str, object] = {"device": tallow.cuda.get_device_name(), "emulated": emulated}
    failed = False
    for name, setup in cases(256 if emulated else 1).items():
        try:
            times = compare(libraries, setup)
        except Exception as error:
            results[name], failed = f"{type(error).__name__}: {error}".splitlines()[0], True
            print(f"{name:56} {results[name]}", flush=True)
            continue
        ratio = times["tallow"] / times["torch"] if "torch" in times else None
        results[name] = {**times, "ratio": ratio}
        shown = "  ".join(f"{lib} {value:.4g} ms" for lib, value in times.items())
        print(f"{name:56} {shown}" + (f"  ratio {ratio:.3f}" if ratio else ""), flush=True)
        if len(sys.argv) > 1:
            Path(sys.argv[1]).write_text(json.dumps(results, indent=1) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
