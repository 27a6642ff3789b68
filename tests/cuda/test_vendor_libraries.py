"""cuBLASLt and cuDNN as the plugin calls them, against imitations that run in the emulator.

``tests/cuda/vendor`` compiles to libraries of the real names, which compute on emulated memory by
the definition, refuse descriptors that are incomplete or do not fit, and log every call. Programs
that use them run in processes of their own, because a library is opened once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import tallow

ROOT = Path(__file__).resolve().parents[2]
CUBLASLT, CUDNN = "libcublasLt.so.13", "libcudnn.so.9"

pytestmark = [
    pytest.mark.skipif(not shutil.which("c++"), reason="needs a C++ compiler"),
    pytest.mark.skipif(not (ROOT / "csrc").exists(), reason="needs the sources"),
]


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both imitations."""
    folder = tmp_path_factory.mktemp("vendor")
    for name, source in ((CUBLASLT, "cublaslt.cpp"), (CUDNN, "cudnn.cpp")):
        flags = ["-std=c++20", "-O1", "-shared", "-fPIC", "-Wall", "-Werror", f"-Wl,-soname,{name}"]
        flags += [f"-I{ROOT / 'csrc/cuda_emu'}", f"-I{ROOT / 'csrc'}"]
        path = Path(__file__).parent / "vendor" / source
        subprocess.run(["c++", *flags, "-o", folder / name, path], check=True)
    return folder


class Vendor:
    """Runs programs with a folder of libraries, and keeps what the libraries logged."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder
        self.log = log

    def run(self, *command: str, fault: str = "") -> str:
        """Return what a Python command prints; ``fault`` is what goes wrong in the libraries."""
        environment = {
            **os.environ,
            "LD_LIBRARY_PATH": str(self.folder),
            "TALLOW_VENDOR_LOG": str(self.log),
            "TALLOW_VENDOR_FAULT": fault,
            "PYTHONPATH": os.pathsep.join(
                [str(Path(tallow.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
            ),
        }
        done = subprocess.run(
            [sys.executable, *command],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout.strip()

    def program(self, text: str, fault: str = "") -> str:
        return self.run(
            "-c", f"import tallow\nfrom tallow.nn import functional as F\n{text}", fault=fault
        )

    def calls(self) -> list[str]:
        """The calls since the last question."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def vendor(libraries: Path, emulator: object, tmp_path: Path) -> Vendor:
    return Vendor(libraries, tmp_path / "calls.txt")


PRODUCTS = (
    "matmul or linear or bilinear or mm or addbmm or addmv or mv or einsum or tensordot or dot or"
    " outer or attention or lstm or gru or rnn or chain"
)


@pytest.mark.slow
@pytest.mark.parametrize(("words", "call"), [(PRODUCTS, "matmul"), ("conv", "convolution")])
def test_operators_agree_with_the_cpu(vendor: Vendor, words: str, call: str) -> None:
    file = str(Path(__file__).parent / "test_ops_on_cuda.py")
    vendor.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", file, "-k", words)
    calls = Counter(line.split()[0] for line in vendor.calls())
    assert calls[call] > 50


SHAPES = """
import numpy as np
rng = np.random.default_rng(0)
def make(*shape, dtype=tallow.float32):
    return tallow.from_numpy(rng.standard_normal(shape)).to(dtype)
def same(call, *tensors, tolerance=1e-5):
    with tallow.no_grad():
        given = call(*(t.cuda() for t in tensors)).cpu()
        assert tallow.allclose(given, call(*tensors), tolerance, tolerance)
"""


def product(vendor: Vendor, text: str, fault: str = "") -> list[str]:
    vendor.program(SHAPES + text, fault=fault)
    return vendor.calls()


def test_row_major_matrices_change_places(vendor: Vendor) -> None:
    line = "matmul type=0 compute=68 m=3 n=5 batch=1 ta=0 tb=0 bias=0 beta=0"
    assert product(vendor, "same(lambda a, b: a @ b, make(5, 7), make(7, 3))") == [line]


def test_transposed_operands_are_not_copied(vendor: Vendor) -> None:
    calls = product(vendor, "same(lambda a, b: a.T @ b.T, make(7, 5), make(3, 7))")
    assert calls == ["matmul type=0 compute=68 m=3 n=5 batch=1 ta=1 tb=1 bias=0 beta=0"]


def test_a_part_of_a_matrix_has_its_leading_dimension(vendor: Vendor) -> None:
    calls = product(vendor, "same(lambda a, b: a[2:6, 1:4] @ b[3:6, 2:], make(8, 9), make(7, 6))")
    assert calls == ["matmul type=0 compute=68 m=4 n=4 batch=1 ta=0 tb=0 bias=0 beta=0"]


def test_a_linear_layer_is_one_product_with_bias(vendor: Vendor) -> None:
    calls = product(vendor, "same(F.linear, make(5, 7), make(3, 7), make(3))")
    assert calls == ["matmul type=0 compute=68 m=3 n=5 batch=1 ta=1 tb=0 bias=1 beta=0"]


def test_a_first_term_and_factors(vendor: Vendor) -> None:
    calls = product(
        vendor,
        "same(lambda c, a, b: tallow.addmm(c, a, b, beta=0.5, alpha=2.0),"
        " make(5, 3), make(5, 7), make(7, 3))",
    )
    assert calls == ["matmul type=0 compute=68 m=3 n=5 batch=1 ta=0 tb=0 bias=0 beta=1"]


def test_equal_steps_are_one_batch(vendor: Vendor) -> None:
    calls = product(vendor, "same(lambda a, b: a @ b, make(2, 3, 5, 7), make(2, 3, 7, 4))")
    assert calls == ["matmul type=0 compute=68 m=4 n=5 batch=6 ta=0 tb=0 bias=0 beta=0"]


def test_unequal_steps_are_a_batch_for_each(vendor: Vendor) -> None:
    """The larger dimension is the batch, whichever it is."""
    program = (
        "same(lambda a, b: a.transpose(0, 1) @ b, make(3, 2, 5, 7), make(2, 3, 7, 4))\n"
        "same(lambda a, b: a.transpose(0, 1) @ b, make(2, 3, 5, 7), make(3, 2, 7, 4))\n"
    )
    calls = product(vendor, program)
    assert [line.split()[5] for line in calls] == ["batch=3"] * 4


def test_a_repeated_matrix_is_not_copied(vendor: Vendor) -> None:
    program = (
        "same(lambda a, b: tallow.bmm(a.expand(4, 5, 7), b), make(1, 5, 7), make(4, 7, 3))\n"
        "same(tallow.baddbmm, make(4, 1, 3), make(4, 5, 7), make(4, 7, 3))\n"
    )
    calls = product(vendor, program)
    assert [line.split()[5] for line in calls] == ["batch=4"]  # the second has a bias for each


LAYOUTS = """
def plain(x): return x
def part(x): return F.pad(x, (1, 2, 2, 1))[..., 2:-1, 1:-2]
def turned(x): return x.transpose(-1, -2).contiguous().transpose(-1, -2)
def swapped(x): return x.transpose(0, 1).contiguous().transpose(0, 1)
def repeated(x): return x[:1, :1].expand(x.shape)
layouts = (plain, part, turned, swapped, repeated)
for p, q, m, k, n in (1, 4, 3, 1, 7), (2, 3, 5, 7, 4), (3, 2, 1, 8, 1), (5, 1, 2, 2, 2):
    a, b = make(p, q, m, k), make(p, q, k, n)
    for first in layouts:
        for second in layouts:
            same(lambda a, b: first(a) @ second(b), a, b)
"""


def test_every_pair_of_layouts(vendor: Vendor) -> None:
    calls = product(vendor, LAYOUTS)
    assert len(calls) >= 4 * 25


@pytest.mark.parametrize(
    ("dtype", "numbers"),
    [
        ("float64", "type=1 compute=70"),
        ("float16", "type=2 compute=68"),
        ("bfloat16", "type=14 compute=68"),
        ("complex64", "type=4 compute=68"),
        ("complex128", "type=5 compute=70"),
    ],
)
def test_types_and_how_they_are_summed(vendor: Vendor, dtype: str, numbers: str) -> None:
    calls = product(
        vendor,
        f"d = tallow.{dtype}\n"
        "same(lambda a, b: a @ b, make(5, 7, dtype=d), make(7, 3, dtype=d), tolerance=0.02)",
    )
    assert [" ".join(line.split()[1:3]) for line in calls] == [numbers]


@pytest.mark.parametrize(
    "call",
    [
        "same(lambda a, b: a @ b, make(4, 4).to(tallow.int32), make(4, 4).to(tallow.int32))",
        "same(lambda a, b: a @ b, make(4, 0), make(0, 4))",
        "same(lambda a, b: a @ b, make(9, 8)[::2, ::2], make(4, 3))",
    ],
    ids=["integers", "nothing to sum", "strides of no stored matrix"],
)
def test_the_rest_is_done_by_the_own_kernel(vendor: Vendor, call: str) -> None:
    assert [line for line in product(vendor, call) if "bias" not in line] == []


def test_tf32_only_when_asked_for(vendor: Vendor) -> None:
    program = (
        "x = tallow.ones(4, 4, device='cuda')\nx @ x\n"
        "tallow.set_float32_matmul_precision('high')\nx @ x\n"
        "assert tallow.backends.cuda.matmul.allow_tf32\n"
        "tallow.backends.cuda.matmul.allow_tf32 = False\nx @ x\n"
        "assert tallow.get_float32_matmul_precision() == 'highest'"
    )
    vendor.program(program)
    assert [line.split()[2] for line in vendor.calls()] == [
        "compute=68",
        "compute=77",
        "compute=68",
    ]


CONVOLUTION = (
    "x, w = make(2, 4, 9, 8), make(6, 2, 3, 3)\nf = lambda x, w: F.conv2d(x, w, groups=2)\n"
)
BOTH = CONVOLUTION + (
    "same(f, x, w)\n"
    "x, w = x.cuda().requires_grad_(), w.cuda().requires_grad_()\n"
    "f(x, w).sum().backward()\n"
)


def test_the_three_convolutions(vendor: Vendor) -> None:
    """Forward, and the gradients of input and weight; engines that differ between runs are out."""
    line = "convolution kind={} type=0 engine=2 groups=2 pixel=1,1,1"
    assert product(vendor, BOTH) == [line.format(kind) for kind in (10, 10, 12, 11)]


def test_channels_last_images_stay_as_they_are(vendor: Vendor) -> None:
    program = (
        "x, w, b = make(2, 4, 9, 8), make(6, 4, 3, 3), make(6)\n"
        "def last(t):\n    return t.to(memory_format=tallow.channels_last)\n"
        "same(lambda x, w, b: F.conv2d(last(x), last(w), b), x, w, b)\n"
        "same(lambda x, w, b: F.conv_transpose2d(last(x), w, b), x, make(4, 6, 3, 3), b)\n"
    )
    calls = product(vendor, program)
    assert [line.split()[-1] for line in calls] == ["pixel=4,4,6", "pixel=6,1,4"]


# A convolution of single pixels, its gradients and its transpose, channels behind the pixels.
PIXELS = """
def last(t):
    return t.to(memory_format=tallow.channels_last)
def run(device, dtype):
    x, w, b = (t.to(device, dtype).detach().clone().requires_grad_() for t in (last(X), W, B))
    y = F.conv2d(x, w, b)
    z = F.conv_transpose2d(y, w, b[:4])
    y.square().sum().backward()
    return [t.detach().float().cpu() for t in (y, z, x.grad, w.grad, b.grad)]
X, W, B = make(2, 4, 5, 3), make(6, 4, 1, 1), make(6)
"""


@pytest.mark.parametrize(
    ("dtype", "fault", "names"),
    [
        ("bfloat16", "", ["matmul"] * 4),
        ("float32", "", ["convolution"] * 4),
        ("float32", "plan", ["matmul"] * 4),
        ("bfloat16", "algorithm", ["convolution"] * 4),
    ],
)
def test_convolutions_of_single_pixels_are_products(
    vendor: Vendor, dtype: str, fault: str, names: list[str]
) -> None:
    """Of half types at once, of others where cuDNN has no plan."""
    tolerance = 1e-6 if dtype == "float32" else 0.02
    program = (
        f"{PIXELS}for a, b in zip(run('cpu', tallow.{dtype}), run('cuda', tallow.{dtype})):\n"
        f"    assert (a - b).abs().max() <= {tolerance} * a.abs().max()\n"
    )
    assert [line.split()[0] for line in product(vendor, program, fault=fault)] == names


def test_only_neighbouring_channels_are_products(vendor: Vendor) -> None:
    program = PIXELS + (
        "h = lambda *t: [x.cuda().half() for x in t]\n"
        "x, w = h(X, W)\n"
        "F.conv2d(x, w)\n"
        "F.conv2d(last(x), w, stride=2)\n"
        "F.conv2d(last(x), w, padding=1)\n"
        "F.conv2d(last(x), w[:, :2].contiguous(), groups=2)\n"
        "F.conv2d(last(x), w.expand(6, 4, 2, 1).contiguous())\n"
        "F.conv2d(last(x), w)\n"
    )
    calls = [line.split()[0] for line in product(vendor, program)]
    assert calls == ["convolution"] * 5 + ["matmul"]


def test_engines_that_round_are_for_who_allows_them(vendor: Vendor) -> None:
    program = CONVOLUTION + (
        "with tallow.backends.cudnn.flags(allow_tf32=False):\n    same(f, x, w)\n"
        "with tallow.backends.cudnn.flags(enabled=False):\n    same(f, x, w)\n"
        "same(f, x, w)\n"
    )
    calls = product(vendor, program)
    assert [line.split()[3] for line in calls] == ["engine=4", "engine=2"]


def test_the_second_heuristic_is_asked_when_the_first_knows_nothing(vendor: Vendor) -> None:
    assert len(product(vendor, CONVOLUTION + "same(f, x, w)", fault="heuristic")) == 1


@pytest.mark.parametrize("fault", ["create", "old", "algorithm", "engines", "plan"])
def test_own_kernels_when_a_library_cannot(vendor: Vendor, fault: str) -> None:
    program = CONVOLUTION + "same(f, x, w)\nsame(lambda a, b: a @ b, make(5, 7), make(7, 3))"
    calls = Counter(line.split()[0] for line in product(vendor, program, fault=fault))
    left = {"algorithm": {"convolution": 1}, "engines": {"matmul": 1}, "plan": {"matmul": 1}}
    assert calls == left.get(fault, {})


def test_a_call_that_fails_names_library_operator_and_reason(vendor: Vendor) -> None:
    program = (
        "x = tallow.ones(4, 4, device='cuda')\n"
        "for call in (lambda: x @ x, lambda: F.conv2d(x.view(1, 1, 4, 4), x.view(1, 1, 4, 4))):\n"
        "    try:\n        call()\n    except RuntimeError as error:\n        print(error)\n"
        "print(x.sum().item())"
    )
    assert vendor.program(program, fault="run").splitlines() == [
        "cuBLASLt could not run the product of addmm_impl_cpu_ (CUBLAS_STATUS_EXECUTION_FAILED)",
        "cuDNN could not run conv2d (CUDNN_STATUS_BAD_PARAM)",
        "16.0",
    ]


def test_versions_are_told_and_checked(vendor: Vendor) -> None:
    show = "for name, answer in tallow.cuda.libraries().items(): print(name, answer)"
    *known, nccl = vendor.program(show).splitlines()
    assert known == ["cuBLASLt 130100", "cuDNN 91900"]
    assert nccl.startswith("NCCL libnccl.so.2: cannot open shared object file")
    assert vendor.program(show, fault="old").splitlines()[:2] == [
        "cuBLASLt cuBLASLt has version 120803, the plugin needs 13",
        "cuDNN cuDNN has version 90701, the plugin needs 9.8 or a later 9",
    ]
    version = "cudnn = tallow.backends.cudnn\nprint(cudnn.is_available(), cudnn.version())"
    assert vendor.program(version) == "True 91900"


def test_a_real_library_is_refused_in_the_emulator(vendor: Vendor, tmp_path: Path) -> None:
    source = tmp_path / "other.cpp"
    source.write_text('extern "C" int cublasLtGetVersion() { return 130100; }')
    folder = tmp_path / "other"
    folder.mkdir()
    subprocess.run(["c++", "-shared", "-fPIC", "-o", folder / CUBLASLT, source], check=True)
    show = "print(tallow.cuda.libraries()['cuBLASLt'])"
    assert (
        Vendor(folder, vendor.log).program(show)
        == f"{CUBLASLT} needs a GPU, these devices are emulated"
    )


def test_both_are_captured_and_replayed(vendor: Vendor) -> None:
    """Also when the capture is the first to use them; the workspace is the graph's own."""
    program = SHAPES + (
        "x, w, k = make(1, 2, 6, 6).cuda(), make(16, 16).cuda(), make(1, 2, 3, 3).cuda()\n"
        "def step(x):\n    return F.conv2d(x, k).view(1, 16) @ w\n"
        "graph = tallow.cuda.CUDAGraph()\n"
        "with tallow.no_grad():\n"
        "    with tallow.cuda.graph(graph):\n        y = step(x)\n"
        "    for _ in range(2):\n"
        "        x.copy_(make(1, 2, 6, 6))\n        graph.replay()\n"
        "        assert tallow.allclose(y, step(x))\n"
    )
    assert Counter(line.split()[0] for line in product(vendor, program)) == {
        "convolution": 3,
        "matmul": 3,
    }
