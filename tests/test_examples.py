"""The example programs run and print what they promise."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import tallow

EXAMPLES = Path(__file__).parents[1] / "examples"
PRINTED = {
    "mlp": [
        "MLP(",
        "  (hidden): Linear(in_features=784, out_features=256, bias=True)",
        "  (act): ReLU()",
        "  (output): Linear(in_features=256, out_features=10, bias=True)",
        "grad_fn=<AddmmBackward0>)",
        "net(x) equals net.forward(x): True",
        "hidden.weight  (256, 784)",
    ],
    "feature_l2norm": [
        "FeatureL2Norm() (2, 225, 15, 15) -> (2, 225, 15, 15)",
        "squared lengths between 1.0000 and 1.0000",
        "gradient agrees with finite differences: True",
    ],
    "feature_regression": [
        "(1): BatchNorm2d(128, eps=1e-05, momentum=0.1, affine=True",
        "(2, 225, 15, 15) -> (2, 6)",
        "10 parameters; buffers:",
        "conv.4.num_batches_tracked ()",
        "gradient of the input: (2, 225, 15, 15)",
    ],
    "lenet": [
        "(conv1): Conv2d(1, 6, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))",
        "parameters: 61610",
        "layer1.conv1 is layer1[0]: True",
        "step 0: loss 2.3192",
        "step 2: loss 1.8348",
    ],
    "net_call_override": [
        "(1): LeakyReLU(negative_slope=0.01)",
        "equal results: True",
        "grad_fn: ConvolutionBackward0",
        "hooks that ran: NetForward.conv0, NetForward, NetCall.conv0",
    ],
    "grad_cam": [
        "square in quarter 0: heat 9",
        "square in quarter 3: heat 0%",
    ],
    "integrated_gradients": ["quarter 0: shares", "quarter 3: shares"],
    "softmax_three_ways": [
        "tensor([[0.8446, 0.1349, 0.0205],",
        "native equals functional: True",
        "native equals module:     True",
        "where the native one lives: True",
        "the module: Softmax(dim=-1)",
        "rows add up to one: True",
    ],
    "hooks_in_order": [
        "Root.__call__",
        "Root pre-hook",
        "Root.forward",
        "Leaf.__call__",
        "Leaf pre-hook",
        "Leaf.forward",
        "Square.forward",
        "Leaf hook",
        "Leaf returns",
        "Root hook",
        "Root returns",
        "Square.backward",
        "Leaf backward hook",
        "Root backward hook",
        "y = 9, dy/dx = 6",
    ],
}


def run(*command: str) -> str:
    result = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_prints_its_lines_in_order(name, capsys, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)  # as when it is run as a script
    load(name).main()
    text = capsys.readouterr().out
    position = 0
    for line in PRINTED[name]:
        position = text.index(line, position) + len(line)


@pytest.mark.parametrize("name", ["mlp", "hooks_in_order"])
def test_an_example_runs_as_a_script(name):
    assert PRINTED[name][-1] in run(str(EXAMPLES / f"{name}.py"))


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*PRINTED, "char_mlp"}


def test_an_example_written_for_pytorch_runs_in_alias_mode():
    lines = run("-m", "tallow", str(EXAMPLES / "char_mlp.py")).splitlines()
    losses = [float(line.rpartition(" ")[2]) for line in lines[:-1]]
    assert len(losses) == 6
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.1
    assert lines[-1].startswith("the quick ")


def test_pytorch_prints_the_same(torch):
    # PyTorch ran in another process, because a process has either library, never both as torch.
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    expected = subprocess.run(
        [sys.executable, str(EXAMPLES / "char_mlp.py")],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=environment,
    ).stdout
    assert run("-m", "tallow", str(EXAMPLES / "char_mlp.py")) == expected


def test_overlooked_misspellings_fail_loudly():
    with pytest.raises(AttributeError, match="has no attribute 'Conv'"):
        tallow.nn.Conv(1, 6, 3)
    with pytest.raises(AttributeError, match="add_moudle"):
        load("lenet").LeNet().layer1.add_moudle
