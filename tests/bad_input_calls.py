"""Call every operator with arguments drawn at random, most of them wrong, and look how it ends.

    python tests/bad_input_calls.py [--cuda] SEED CALLS [OP ...]

With --cuda most tensors lie on a CUDA device, and some not. Each operator runs in a forked child.
It may return or raise one of EXPECTED with a message; a crash, a hang and any other exception are
printed. tests/test_bad_input.py and tests/cuda/test_bad_input_on_cuda.py run one seed.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import sys

import tallow

EXPECTED = (
    RuntimeError,
    TypeError,
    ValueError,
    IndexError,
    MemoryError,
    AssertionError,  # a device that is not there, as in PyTorch
    AttributeError,  # Python-level functions look up a method of their argument, as PyTorch's do
)
on_cuda = False
SECONDS = 60  # for all the calls of one operator
MEMORY = 4 << 30  # bytes of address space; sizes like 2**31 are valid, only long to fill

nan, inf = float("nan"), float("inf")
DTYPES = [tallow.float32] * 4 + [
    tallow.float64,
    tallow.float16,
    tallow.bfloat16,
    tallow.int64,
    tallow.int32,
    tallow.uint8,
    tallow.bool,
    tallow.complex64,
]
SMALL_INTS = [0, 1, 2, -1, -2, 3, 5, 63]
INTS = [*SMALL_INTS, -64, 100, 2**31, 2**31 - 1, 2**62, -(2**63), 2**63 - 1]
NUMBERS = [0, 1, -1, 2.5, nan, inf, -inf, 1e308, 2**62, True, 1j, -0.0]
STRINGS = ["mean", "sum", "none", "x", "", "ij"]


def draw_tensor(r: random.Random) -> tallow.Tensor:
    """Any dtype; empty, 0-d, expanded, transposed, strided or plain; some with NaN and infinity."""
    tensor = draw_on_cpu(r)
    if not on_cuda or r.random() < 0.1:
        return tensor
    # Through the base, so that the strides stay.
    base = tensor if tensor._base is None else tensor._base
    return base.cuda().as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())


def draw_on_cpu(r: random.Random) -> tallow.Tensor:
    dtype = r.choice(DTYPES)

    def normal(*size: int) -> tallow.Tensor:
        x = tallow.randn(size) * 3
        return x > 0 if dtype is tallow.bool else x.to(dtype)

    special = normal(4, 4)
    if special.is_floating_point():
        special[0, 0], special[1, 1] = nan, inf
    return r.choice(
        [
            special,
            normal(),
            normal(0),
            normal(3, 0, 2),
            normal(1).expand(5),
            normal(4, 5).t(),
            normal(7, 9)[::2, 1::3],
            normal(3, 4, 5),
            normal(2, 3, 4, 5),
            normal(5, 5),
            normal(17),
            normal(2, 3, 8, 8),
        ]
    )


def draw_argument(kind: str, r: random.Random) -> object:
    """A value of the type that a signature names, or now and then of another."""
    if r.random() < 0.05:
        return r.choice(
            [None, "x", object(), [], (), {}, b"a", tallow.int8, len, [None], [tallow.ones(2)]]
        )
    kind = kind.lower()
    if "tensors" in kind:
        return [draw_tensor(r) for _ in range(r.randrange(4))]
    if "tensor" in kind:
        return r.choice(NUMBERS) if "number" in kind and r.random() < 0.5 else draw_tensor(r)
    if "number" in kind or "float" in kind:
        return r.choice(NUMBERS)
    if "ints" in kind or "size" in kind:
        few = SMALL_INTS if r.random() < 0.8 else INTS
        return [r.choice(few) for _ in range(r.randrange(5))]
    if "int" in kind:
        return r.choice(INTS)
    if "bool" in kind:
        return r.random() < 0.5
    if "dtype" in kind:
        return r.choice(DTYPES)
    if "str" in kind:
        return r.choice(STRINGS)
    return r.choice([None, 1, draw_tensor(r)])


def draw_call(parameters: list, r: random.Random) -> tuple[list, dict]:
    args: list[object] = []
    kwargs: dict[str, object] = {}
    for name, kind, default, *keyword_only in parameters:
        if default != "" and r.random() < 0.5:
            break
        if keyword_only and keyword_only[0]:
            kwargs[name] = draw_argument(kind, r)
        else:
            args.append(draw_argument(kind, r))
    return args, kwargs


def callables(name: str) -> list:
    """The function, the nn function and the method called `name`, those that exist."""
    places = (tallow, tallow._C._nn, tallow.Tensor)
    return [f for f in (getattr(place, name, None) for place in places) if callable(f)]


def run_calls(name: str, overloads: list, seed: int, calls: int, complain) -> None:
    """Make the calls; `complain(text)` for each that ends in an unexpected exception."""
    r = random.Random(f"{seed} {name}")
    tallow.manual_seed(seed)
    functions = callables(name)
    for _ in range(calls if functions else 0):
        function = r.choice(functions)
        args, kwargs = draw_call(r.choice(overloads)[1], r)
        complain(None, args, kwargs)
        try:
            function(*args, **kwargs)
            if on_cuda:
                tallow.cuda.synchronize()  # raises what kernels have found
        except EXPECTED:
            pass
        except BaseException as error:
            complain(error, args, kwargs)


def check_device(complain) -> None:
    """The device must be as good as new after whatever was called."""
    try:
        with contextlib.suppress(IndexError):
            tallow.cuda.synchronize()
        assert tallow.ones(5, device="cuda").sum().item() == 5
    except BaseException as error:
        complain(error, [], {})


def describe(value: object) -> str:
    if isinstance(value, tallow.Tensor):
        form = f"{tuple(value.shape)} strides {value.stride()}"
        return f"{value.device} tensor of {value.dtype} {form}"
    if isinstance(value, list):
        return "[" + ", ".join(map(describe, value)) + "]"
    return repr(value)


def run_child(name: str, overloads: list, seed: int, calls: int, pipe: int) -> None:
    """The body of a forked child: what it has written last is the call that was running."""
    tallow.set_num_threads(1)
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    def complain(error: BaseException | None, args: list, kwargs: dict) -> None:
        ended = "" if error is None else f" raised {type(error).__name__}: {error}"
        text = f"{name}({', '.join(map(describe, args))}, {kwargs}){ended}".replace("\n", " ")
        os.write(pipe, f"{'!' if error else ' '}{text[:2000]}\n".encode())

    run_calls(name, overloads, seed, calls, complain)
    if on_cuda:
        check_device(complain)


def faults_of(name: str, overloads: list, seed: int, calls: int) -> list[str]:
    """Run one operator's calls in a child; what went wrong, one line each."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            run_child(name, overloads, seed, calls, writing)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "r", errors="replace") as stream:
        lines = stream.read().splitlines()
    _, status = os.waitpid(child, 0)
    faults = [line[1:] for line in lines if line.startswith("!")]
    if os.WIFSIGNALED(status):
        last = lines[-1][1:] if lines else name
        faults.append(f"{last} ended the process: {signal.Signals(os.WTERMSIG(status)).name}")
    return faults


def search(seed: int, calls: int, only: list[str]) -> list[str]:
    faults: list[str] = []
    for name, overloads, *_ in tallow._C._signatures():
        if not only or name in only:
            faults += faults_of(name, overloads, seed, calls)
    return faults


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[0] == "--cuda":
        on_cuda = bool(arguments.pop(0))
    found = search(int(arguments[0]), int(arguments[1]), arguments[2:])
    print("\n".join(found) or "every call returned or raised")
    sys.exit(bool(found))
