"""Results as text: lines on the terminal, and the page docs/performance.md."""

from __future__ import annotations

import math
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare import ROOT, Result, geometric_mean

UNITS = {
    "s": (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)),
    "B": (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0)),
}
WORST = 10
CLEARLY = 1.05  # a ratio that is more than noise


@dataclass(frozen=True)
class Run:
    """All results with one number of threads."""

    threads: int
    versions: str
    results: Sequence[Result]


def readable(value: float, unit: str = "s") -> str:
    """Three digits and a unit: 0.0123 is "12.3 ms"."""
    if math.isnan(value):
        return "-"
    name, scale = next((pair for pair in UNITS[unit] if value >= pair[1]), UNITS[unit][-1])
    number = value / scale
    return f"{number:.0f} {name}" if number >= 99.95 else f"{number:.3g} {name}"


def quartiles(result: Result) -> str:
    """The spread of the ratio."""
    return "" if math.isnan(result.low) else f"{result.low:.3f}-{result.high:.3f}"


def ratio(result: Result) -> str:
    return "" if math.isnan(result.ratio) else f"{result.ratio:.3f}"


NAMES = {
    "tallow": "tallow",
    "torch": "PyTorch",
    "numpy": "NumPy",
    "jax": "JAX",
    "onnxruntime": "ONNX Runtime",
    "machine": "limit",
}


def titles(others: Sequence[str]) -> str:
    """The head of the terminal's table; `others` are the libraries beside tallow and PyTorch."""
    names = " ".join(f"{NAMES[name][:9]:>9}" for name in ("tallow", "torch", *others))
    return f"{'case':40} {names} {'ratio':>6} {'quartiles':>15}"


def times_of(result: Result, others: Sequence[str]) -> list[str]:
    """The columns between the name of the case and the ratio."""
    values = [result.tallow, result.torch, *(result.others.get(name, math.nan) for name in others)]
    return [readable(value, result.unit) for value in values]


def line(result: Result, others: Sequence[str]) -> str:
    """One line of the terminal's table."""
    times = " ".join(f"{text:>9}" for text in times_of(result, others))
    return f"{result.name:40} {times} {ratio(result):>6} {quartiles(result):>15}  {result.status}"


def group_of(result: Result) -> str:
    """What the name says before its last part: "conv", "ops/t0"."""
    return result.name.rpartition("/")[0]


def group_means(results: Sequence[Result]) -> dict[str, tuple[int, float]]:
    """Number of compared cases and geometric mean of their ratios, by group."""
    groups: dict[str, list[float]] = {}
    for result in results:
        if not math.isnan(result.ratio) and result.status == "ok":
            groups.setdefault(group_of(result), []).append(result.ratio)
    return {name: (len(values), geometric_mean(values)) for name, values in groups.items()}


def slower(results: Sequence[Result]) -> str:
    """How many cases take longer than in PyTorch."""
    ratios = [result.ratio for result in results if not math.isnan(result.ratio)]
    clearly = sum(value > CLEARLY for value in ratios)
    return (
        f"slower than PyTorch: {sum(value > 1 for value in ratios)} of {len(ratios)} cases, "
        f"{clearly} by more than {CLEARLY - 1:.0%}"
    )


def summary(results: Sequence[Result]) -> Iterator[str]:
    """Lines with the mean of each group."""
    for name, (count, mean) in group_means(results).items():
        yield f"{name:12} {count:4} cases, geometric mean of the ratios {mean:.3f}"
    yield slower(results)


# ---- what a result depends on


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            text.partition(":")[2].strip() for text in lines if text.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )
    return done.stdout.strip()


def commit() -> str:
    """The commit that was measured; pages that a run writes do not make it another one."""
    changed = git("diff", "--name-only", "HEAD", "--", ".", ":!docs")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("-dirty" if changed else "")


def cpu_quota() -> str:
    """The share of a CPU that the control group of this process may have, if it is limited."""
    groups = Path("/proc/self/cgroup")
    for text in groups.read_text().splitlines() if groups.is_file() else ():
        _, controllers, folder = text.split(":", 2)
        if controllers == "":
            limit = Path("/sys/fs/cgroup" + folder, "cpu.max")
            fields = limit.read_text().split() if limit.is_file() else ["max", "1"]
        elif "cpu" in controllers.split(","):
            files = [
                Path("/sys/fs/cgroup/cpu" + folder, f"cpu.cfs_{n}_us") for n in ("quota", "period")
            ]
            fields = [file.read_text().strip() if file.is_file() else "-1" for file in files]
        else:
            continue
        if fields[0].isdecimal():
            return f", limited to {int(fields[0]) / int(fields[1]):.2g} CPUs by a control group"
    return ""


def command(arguments: Sequence[str]) -> str:
    """What measures the same again: a file for the raw results is nobody else's business."""
    kept = [
        argument
        for before, argument in zip(["", *arguments], arguments, strict=False)
        if before != "--json" and argument.partition("=")[0] != "--json"
    ]
    return "python -m benchmarks " + shlex.join(kept)


def circumstances() -> dict[str, str]:
    """Machine, commit and command."""
    system = f"{platform.system()} {platform.release()}"
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "commit": commit(),
        "machine": f"{cpu_name()}, {os.cpu_count()} CPUs, {system}{cpu_quota()}",
        "python": platform.python_version(),
        "command": command(sys.argv[1:]),
    }


# ---- the page


def table(results: Sequence[Result]) -> Iterator[str]:
    """A Markdown table of results; columns of other libraries only where there are figures."""
    others = [name for name in NAMES if any(name in result.others for result in results)]
    columns = [NAMES[name] for name in ("tallow", "torch", *others)]
    names = ["case", *columns, "ratio", "quartiles", ""]
    yield "| " + " | ".join(names) + " |"
    yield "|---" + "|--:" * (len(names) - 2) + "|---|"
    for result in results:
        cells = [result.name.rpartition("/")[2], *times_of(result, others)]
        note = "" if result.status == "ok" else result.status.replace("|", "\\|")
        yield "| " + " | ".join([*cells, ratio(result), quartiles(result), note]) + " |"


def worst(results: Sequence[Result]) -> list[Result]:
    """The cases with the highest ratios, and before them whatever failed."""
    failed = [result for result in results if result.failed(None)]
    rest = [r for r in results if not math.isnan(r.ratio) and not r.failed(None)]
    return failed + sorted(rest, key=lambda result: -result.ratio)[:WORST]


def limits(run: Run) -> Iterator[str]:
    """How near the cases with a limit come to it."""
    bounded = [result for result in run.results if not math.isnan(result.share)]
    if not bounded:
        return
    yield "\nShare of the limit (multiply-adds in registers, or a copy of as many bytes):\n"
    yield "| case | tallow | limit | share |"
    yield "|---|--:|--:|--:|"
    for result in bounded:
        times = [readable(seconds) for seconds in (result.tallow, result.others["machine"])]
        yield f"| {result.name} | {times[0]} | {times[1]} | {result.share:.0%} |"


def names(run: Run) -> list[str]:
    """The groups of a run, in order."""
    return list(dict.fromkeys(map(group_of, run.results)))


def section(run: Run, worst_only: bool) -> Iterator[str]:
    """The part of the page about one number of threads."""
    yield f"## {run.threads} thread{'s' if run.threads > 1 else ''}\n"
    yield "| group | cases | geometric mean |"
    yield "|---|--:|--:|"
    for name, (count, mean) in group_means(run.results).items():
        yield f"| {name} | {count} | {mean:.3f} |"
    yield f"\nS{slower(run.results)[1:]}."
    groups = {group: [r for r in run.results if group_of(r) == group] for group in names(run)}
    for title, results in groups.items() if worst_only else [("", run.results)]:
        yield f"\nThe {WORST} worst{title and ' of ' + title}:\n"
        chosen = worst(results)
        lines = list(table(chosen))
        yield from lines[:2]
        for result, text in zip(chosen, lines[2:], strict=True):
            yield text.replace(result.name.rpartition("/")[2], result.name, 1)
    yield from limits(run)
    for group, results in groups.items() if not worst_only else ():
        yield f"\n### {group}, {run.threads} thread{'s' if run.threads > 1 else ''}\n"
        yield from table(results)
    yield ""


def page(runs: Sequence[Run], about: dict[str, str], folder: Path, worst_only: bool = False) -> str:
    """The whole page for a file in `folder`, or one without the tables of all cases."""
    harness = os.path.relpath(ROOT / "benchmarks" / "README.md", folder)
    lines = [
        "# Performance\n",
        f"Written by `python -m benchmarks --markdown`; [the harness]({harness}) says",
        "how it measures. Times are lower quartiles; a ratio below 1 means that tallow is faster,",
        "and the quartiles are those of the ratios of paired rounds. `-step` means forward and all",
        "gradients.\n",
        f"Versions: {runs[0].versions}.\n",
        *(f"- {name}: {value}" for name, value in about.items()),
        "",
    ]
    for run in runs:
        lines += section(run, worst_only)
    return "\n".join(lines).rstrip("\n") + "\n"
