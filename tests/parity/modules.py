"""Runs one entry of PyTorch's databases of layers and optimisers on both packages."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import torch

import tallow
from parity.compare import Difference, check, leaves
from parity.ops import SEED, _describe_arguments, _gradients, _roots
from parity.translate import Missing, Untranslatable, _walk, name_of, translate

# Layers that draw random numbers or that a CPU cannot run; compared by shape and state only.
RANDOM = ("Dropout", "RReLU", "FractionalMaxPool")


def _our_class(theirs: type) -> Any:
    home = "optim" if theirs.__module__.startswith("torch.optim") else "nn"
    return _walk(f"{home}.{theirs.__name__}")


def _copied_state(theirs: torch.nn.Module, ours: Any) -> None:
    state = theirs.state_dict()
    if list(state) != list(ours.state_dict()):
        raise Difference("state", f"{list(ours.state_dict())} instead of {list(state)}")
    lazy = torch.nn.parameter.is_lazy
    ours.load_state_dict(
        {k: translate(v.detach()) for k, v in state.items() if not lazy(v)}, strict=False
    )


def _runs(module: torch.nn.Module, call: Any) -> bool:
    """Whether PyTorch itself takes a sample."""
    if call is None:
        return True
    state = torch.get_rng_state()
    try:
        copy.deepcopy(module)(*call.args, **call.kwargs)
    except RuntimeError:
        return False
    finally:
        torch.set_rng_state(state)
    return True


def _check_module(entry: Any, sample: Any, training: bool) -> None:
    ours_class = _our_class(entry.module_cls)
    make, call = sample.constructor_input, sample.forward_input
    torch.manual_seed(SEED)
    theirs = entry.module_cls(*make.args, **make.kwargs)
    if not _runs(theirs, call):
        return  # some samples of the database are for its default dtype alone
    tallow.manual_seed(SEED)
    args, kwargs = translate((make.args, make.kwargs))
    ours = ours_class(*args, **kwargs)
    if repr(theirs) != repr(ours).replace("tallow.", "torch."):
        raise Difference("repr", f"{ours!r} instead of {theirs!r}")
    if any(torch.nn.parameter.is_lazy(p) for p in theirs.parameters()):
        if [tuple(ours.state_dict())] != [tuple(theirs.state_dict())]:
            raise Difference("state", "other names")
    else:
        check(list(theirs.state_dict().values()), list(ours.state_dict().values()))
        _copied_state(theirs, ours)
    theirs.train(training)
    ours.train(training)
    if call is None:
        return
    inputs = translate((call.args, call.kwargs))
    torch.manual_seed(SEED)
    expected = theirs(*call.args, **call.kwargs)
    tallow.manual_seed(SEED)
    actual = ours(*inputs[0], **inputs[1])
    check(expected, actual, scale=2)
    their_roots, our_roots = _roots(expected, torch), _roots(actual, tallow)
    if not their_roots or len(their_roots) != len(our_roots):
        return
    pairs = list(zip(theirs.parameters(), ours.parameters(), strict=True))
    flat = zip(leaves([call.args, call.kwargs]), leaves(list(inputs)), strict=True)
    pairs += [(a, b) for a, b in flat if isinstance(a, torch.Tensor)]
    pairs = [(a, b) for a, b in pairs if a.requires_grad]
    if not pairs:
        return
    left, right = zip(*pairs, strict=True)
    want = _gradients(their_roots, list(left), torch)
    got = _gradients(our_roots, list(right), tallow)
    try:
        check(want, got, scale=10)
    except Difference as difference:
        raise Difference("gradient", str(difference)) from None


def module_failures(entry: Any, dtype: torch.dtype, most: int = 8) -> dict[str, str]:
    """What fails for one layer: the first failure of each kind."""
    found: dict[str, str] = {}
    for training in (entry.train_and_eval_differ and (True, False)) or (True,):
        torch.manual_seed(SEED)
        samples = entry.module_inputs_func(
            entry, device="cpu", dtype=dtype, requires_grad=True, training=training
        )
        for sample in samples[:: max(1, len(samples) // most)]:
            where = _describe_arguments(sample.constructor_input)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    _check_module(entry, sample, training)
                except Untranslatable:
                    continue
                except Missing as missing:
                    return {"missing": str(missing)}
                except Difference as difference:
                    found.setdefault(difference.kind, f"({where}): {difference}")
                except Exception as error:  # whatever our side raises is the finding
                    found.setdefault("raises", f"({where}): {type(error).__name__}: {error}")
    return found


def optimizer_failures(entry: Any, steps: int = 10) -> dict[str, str]:
    """What differs after some steps with each set of options."""
    if entry.optim_cls.__name__ == "LBFGS":
        # Twenty evaluations a step. PyTorch against itself, started 1e-15 apart, differs by more
        # than a thousandth after 100 evaluations of this loss, and by 1e-9 after 50.
        steps = 2
    found: dict[str, str] = {}
    try:
        ours_class = _our_class(entry.optim_cls)
    except Missing as missing:
        return {"missing": str(missing)}
    for sample in entry.optim_inputs_func(device="cpu", dtype=torch.float64):
        try:
            options = translate(sample.kwargs)
            _check_optimizer(entry, ours_class, sample.kwargs, options, steps)
        except Untranslatable:
            continue
        except Difference as difference:
            found.setdefault(difference.kind, f"{sample.kwargs}: {difference}")
        except Exception as error:  # whatever our side raises is the finding
            found.setdefault("raises", f"{sample.kwargs}: {type(error).__name__}: {error}")
    return found


def _check_optimizer(entry: Any, ours: Any, their_options: Any, options: Any, steps: int) -> None:
    torch.manual_seed(SEED)
    weights = [torch.randn(4, 3, dtype=torch.float64), torch.randn(3, 2, dtype=torch.float64)]
    goal = torch.randn(5, 2, dtype=torch.float64)
    x = torch.randn(5, 4, dtype=torch.float64)
    left = [w.clone().requires_grad_() for w in weights]
    right = [translate(w).requires_grad_() for w in weights]
    optimizers = entry.optim_cls(left, **their_options), ours(right, **options)

    def closure(params: list[Any], optimizer: Any, x: Any, goal: Any) -> Any:
        def run() -> Any:
            optimizer.zero_grad()
            loss = (((x @ params[0]).tanh() @ params[1] - goal) ** 2).sum()
            loss.backward()
            return loss

        return run

    one = closure(left, optimizers[0], x, goal)
    two = closure(right, optimizers[1], translate(x), translate(goal))
    for _ in range(steps):
        check(optimizers[0].step(one), optimizers[1].step(two))
    if entry.optim_cls.__name__ == "Muon":  # computes in bfloat16: what the weights moved by
        left = [(a - w).bfloat16() for a, w in zip(left, weights, strict=True)]
        right = [(b - translate(w)).bfloat16() for b, w in zip(right, weights, strict=True)]
    check(left, right)
    state = {name_of(type(optimizers[0])): sorted(optimizers[0].state_dict()["param_groups"][0])}
    mine = {name_of(type(optimizers[0])): sorted(optimizers[1].state_dict()["param_groups"][0])}
    if state != mine:
        raise Difference("state", f"{mine} instead of {state}")
