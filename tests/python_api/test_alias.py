"""Alias mode: torch and its submodules served from this package."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import tallow
from tallow import _alias, _missing
from tallow.torch_version import TorchVersion

REAL_TORCH = "torch" in sys.modules and sys.modules["torch"] is not tallow
pytestmark = pytest.mark.skipif(
    REAL_TORCH or _alias.is_installed(), reason="torch is imported in this process already"
)


def run(*arguments: str, code: int = 0, **kwargs: str) -> str:
    """Run a Python process and return what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **kwargs},
    )
    assert done.returncode == code, done.stderr
    return done.stdout + (done.stderr if code else "")


@pytest.fixture
def clean_torch() -> None:
    """Start without torch modules, which other tests may have imported."""
    for name in [name for name in sys.modules if name.split(".")[0] == "torch"]:
        pytest.skip(f"{name} is imported in this process already")


@pytest.mark.usefixtures("clean_torch")
class TestContext:
    """``with as_torch():`` in this process."""

    def test_same_modules_under_both_names(self) -> None:
        with tallow.as_torch():
            torch = importlib.import_module("torch")
            assert torch is tallow
            assert importlib.import_module("torch.nn.functional") is tallow.nn.functional
            assert importlib.import_module("torch.utils.data") is tallow.utils.data
            assert tallow.nn.functional.__spec__.name == "tallow.nn.functional"

    def test_names_in_messages_follow(self) -> None:
        with tallow.as_torch():
            assert repr(tallow.float32) == "torch.float32"
            assert repr(tallow.Size([2])) == "torch.Size([2])"
            assert tallow.ones(1).type() == "torch.FloatTensor"
        assert repr(tallow.float32) == "tallow.float32"

    def test_specs_and_metadata_answer(self) -> None:
        with tallow.as_torch():
            assert importlib.util.find_spec("torch") is not None
            assert importlib.util.find_spec("torch.nn").origin == tallow.nn.__spec__.origin
            assert importlib.util.find_spec("torch.no_such_module") is None
            version = importlib.metadata.version("torch")
            assert version == tallow.__version__ == f"2.13.0+tallow.{tallow.version.tallow}"

    def test_names_that_packages_compare_and_import(self) -> None:
        with tallow.as_torch():
            torch = importlib.import_module("torch")
            assert torch.__name__ == "torch"
            assert torch.torch is torch
            assert torch.Tensor.__module__ == "torch"
            assert torch.nn.Parameter.__module__ == "torch.nn.parameter"
            assert pickle.loads(pickle.dumps(torch.nn.Parameter(torch.ones(2)))).tolist() == [1, 1]
            assert issubclass(torch._C._TensorMeta, type)
            assert torch._C._log_api_usage_once("event") is None
            keys = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastCPU)
            with torch._C._ExcludeDispatchKeyGuard(keys | torch._C.DispatchKeySet("CPU")):
                assert keys.has("AutocastCPU")
            assert torch._C._get_accelerator().type == "cpu"
            assert torch._C._nn._parse_to(torch.float16)[1] is torch.float16
        assert tallow.__name__ == tallow.Tensor.__module__ == "tallow"
        assert not hasattr(tallow, "torch")

    def test_version_compares_by_number(self) -> None:
        with tallow.as_torch():
            assert tallow.__version__ >= "2.8"
            assert tallow.__version__ > (1, 13)

    def test_everything_is_undone(self) -> None:
        before = tallow.__version__
        with tallow.as_torch():
            importlib.import_module("torch.optim")
        assert not [name for name in sys.modules if name.split(".")[0] == "torch"]
        assert tallow.__version__ == before
        assert not _alias.is_installed()

    def test_it_nests(self) -> None:
        with tallow.as_torch():
            with tallow.as_torch():
                pass
            assert _alias.is_installed()
        assert not _alias.is_installed()

    def test_missing_modules_and_names(self) -> None:
        with tallow.as_torch():
            with pytest.raises(ModuleNotFoundError, match="torch.no_such_module"):
                importlib.import_module("torch.no_such_module")
            with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
                tallow.no_such_name

    def test_packages_can_be_hidden(self) -> None:
        hidden = pytest.raises(ModuleNotFoundError, match="is hidden")
        with tallow.as_torch(block=["colorsys"]), hidden:
            importlib.import_module("colorsys")
        importlib.import_module("colorsys")

    def test_real_torch_is_not_replaced(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "torch", importlib.import_module("colorsys"))
        with pytest.raises(ImportError, match="has been imported in this process already"):
            _alias.install()
        assert not _alias.is_installed()


class TestCommandLine:
    """``python -m tallow ...`` in processes of its own."""

    def test_script_with_arguments(self, tmp_path: Path) -> None:
        (tmp_path / "helper.py").write_text("value = 7\n")
        script = tmp_path / "script.py"
        script.write_text(
            "import sys, torch, helper\n"
            "class Thing: pass\n"
            "import pickle; pickle.loads(pickle.dumps(Thing()))\n"
            "print(__name__, sys.argv[1:], helper.value, torch.ones(2).tolist(), __file__)\n"
        )
        output = run("-m", "tallow", str(script), "a", "--b")
        assert output == f"__main__ ['a', '--b'] 7 [1.0, 1.0] {script}\n"

    def test_code_and_module(self, tmp_path: Path) -> None:
        code = "import sys, torch; print(torch.float32, sys.argv)"
        assert run("-m", "tallow", "-c", code, "x") == "torch.float32 ['-c', 'x']\n"
        (tmp_path / "tool.py").write_text("import torch, sys; print(torch.Size([1]), sys.argv[1:])")
        output = run("-m", "tallow", "-m", "tool", "y", PYTHONPATH=_path_with(tmp_path))
        assert output == "torch.Size([1]) ['y']\n"

    def test_annotations_of_the_program_are_evaluated(self, tmp_path: Path) -> None:
        code = "def f(x: int): ...\nassert f.__annotations__['x'] is int"
        script = tmp_path / "script.py"
        script.write_text(code)
        assert run("-m", "tallow", str(script)) == run("-m", "tallow", "-c", code) == ""

    def test_exit_status_and_traceback_of_the_script(self, tmp_path: Path) -> None:
        script = tmp_path / "fails.py"
        script.write_text("import torch\nraise SystemExit(3)\n")
        run("-m", "tallow", str(script), code=3)
        script.write_text("import torch\ntorch.ones(2) + torch.ones(3)\n")
        output = run("-m", "tallow", str(script), code=1)
        assert f'File "{script}", line 2' in output
        assert "The size of tensor a (2) must match" in output

    def test_help_version_and_misuse(self) -> None:
        assert run("-m", "tallow", "--help").startswith("usage: python -m tallow")
        assert run("-m", "tallow", "--version").startswith(f"tallow {tallow.version.tallow}")
        assert "usage" in run("-m", "tallow", code=2)
        assert "usage" in run("-m", "tallow", "--nonsense", code=2)

    def test_missing_names_of_a_script(self, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text("import torch\ntorch.ones(1)\n")
        assert run("-m", "tallow", "--missing", str(script)) == "nothing is missing\n"
        script.write_text("import torch\ntorch.no_such_op(1)\n")
        output = run("-m", "tallow", "--missing", str(script), code=1)
        assert f"{script}: torch.no_such_op (line 2)" in output


def _path_with(folder: Path) -> str:
    return os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("import torch\ntorch.ones(2)", {}),
        ("import torch\ntorch.nope(2)", {"torch.nope": [2]}),
        ("import torch as T\nT.nope.deeper()\nT.nope", {"torch.nope": [2, 3]}),
        ("from torch import nn, nope", {"torch.nope": [1]}),
        ("import torch.nn.functional as F\nF.relu\nF.nope", {"torch.nn.functional.nope": [3]}),
        ("from torch.nn import Linear as L\nL.nope", {"torch.nn.Linear.nope": [2]}),
        ("import torch.nope", {"torch.nope": [1]}),
        ("import torchvision, numpy\nnumpy.nope", {}),
        ("from torch.optim import *", {}),
        ("from torch.utils.tensorboard import SummaryWriter", {}),
    ],
)
def test_missing_names(source: str, missing: dict[str, list[int]]) -> None:
    assert _missing.missing_names(source) == missing


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ("2.8", "2.13.0"),
        ("2.13.0a0", "2.13.0rc1"),
        ("2.13.0.dev1", "2.13.0a0"),
        ("2.13.0rc1", "2.13"),
        ("2.13.0", "2.13.0+tallow.0.1.0"),
        ("2.13.0", "2.13.0.post1"),
    ],
)
def test_versions_are_ordered(smaller: str, larger: str) -> None:
    assert TorchVersion(smaller) < larger
    assert TorchVersion(larger) > smaller
    assert TorchVersion(larger) >= TorchVersion(smaller)
    assert TorchVersion(smaller) != larger


def test_versions_are_strings_too() -> None:
    version = TorchVersion("2.13.0+cpu")
    assert version.split("+")[0] == "2.13.0"
    assert version == "2.13.0+cpu"
    assert hash(version) == hash("2.13.0+cpu")
    assert TorchVersion("2.13.0") == (2, 13)
    assert version != "not a version"
