"""Errors say in which module, with which shapes, on which line, and what may help (PEP 678)."""

from __future__ import annotations

import copy
import functools
import pickle
import weakref

import pytest

import tallow
from nn.mistakes import MISTAKES, Net, Part
from tallow import nn


def fail(call):
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def notes_of(error):
    return "\n".join(getattr(error, "__notes__", []))


def network(mistake):
    part = mistake.part
    if isinstance(part, type):  # one that cannot be registered as a child
        net = Net(None)
        net.__dict__["part"] = part()
        return net
    return Net(part if isinstance(part, nn.Module) else Part(part))


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_explained(name):
    mistake = MISTAKES[name]
    net = network(mistake)
    error = fail(lambda: net(*mistake.args, **mistake.kwargs))
    first, *rest = error.__notes__
    assert first.startswith(mistake.path)
    assert first.endswith((" of Net", " Net()"))
    assert "/mistakes.py:" in notes_of(error)
    if mistake.hint is not None:
        (hint,) = (note for note in rest if note.startswith("hint: "))
        assert mistake.hint in hint
    if mistake.axis is not None:
        carets = [line for note in rest for line in note.split("\n") if "^" in line]
        assert any(mistake.axis in line for line in carets)
    for note in error.__notes__:
        assert note not in str(error)


def test_there_are_enough_mistakes():
    assert len(MISTAKES) >= 60


def test_the_caret_stands_under_the_axis():
    error = fail(lambda: nn.Linear(784, 10)(tallow.zeros(4, 1, 28, 28)))
    lines = notes_of(error).split("\n")
    row = next(i for i, line in enumerate(lines) if "^" in line)
    start, end = lines[row].index("^"), lines[row].rindex("^") + 1
    assert lines[row - 1][start:end] == "28"
    assert lines[row - 1][:end].endswith("[4, 1, 28, 28")


def test_the_path_starts_at_the_outermost_call():
    block = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(4, 8, 3))
    net = nn.Sequential(nn.Identity(), nn.Sequential(block))
    error = fail(lambda: net(tallow.zeros(1, 3, 9, 9)))
    assert error.__notes__[0] == (
        "in 1.0.1: Conv2d(4, 8, kernel_size=(3, 3), stride=(1, 1)) of Sequential"
    )


def test_the_path_leads_through_lists_that_are_not_called():
    class Tower(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(3, 2)])

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    error = fail(lambda: nn.Sequential(Tower())(tallow.zeros(2)))
    assert error.__notes__[0].startswith("in 0.layers.1: Linear(in_features=3")
    assert ", in forward: x = layer(x)" in notes_of(error)


def test_hooks_do_not_hide_the_path():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(3, 2))
    for module in net.modules():
        module.register_forward_hook(lambda *a: None, always_call=True)
        module.register_full_backward_hook(lambda *a: None)
    error = fail(lambda: net(tallow.zeros(2)))
    assert error.__notes__[0].startswith("in 1: Linear(in_features=3")


def test_modules_that_override_call_are_on_the_path():
    class Traced(nn.Sequential):
        def __call__(self, *args):
            return super().__call__(*args)

    error = fail(lambda: Traced(nn.Identity(), Traced(nn.Linear(3, 2)))(tallow.zeros(2)))
    assert error.__notes__[0].startswith("in 1.0: Linear(in_features=3")
    assert error.__notes__[0].endswith("of Traced")


def test_an_error_of_the_users_own_keeps_its_text_and_its_notes():
    def forward(x):
        error = ValueError("mine")
        error.add_note("my note")
        raise error

    error = fail(lambda: nn.Sequential(Part(forward))(tallow.zeros(2)))
    assert str(error) == "mine"
    assert error.__notes__[0] == "my note"
    assert error.__notes__[1] == "in 0: Part() of Sequential"
    assert "raise error" in notes_of(error)


def test_a_note_is_not_written_twice():
    net = nn.Sequential(nn.Linear(3, 2))
    error = fail(lambda: net(tallow.zeros(2)))
    before = list(error.__notes__)

    def again(x):
        raise error

    assert fail(lambda: nn.Sequential(Part(again))(tallow.zeros(2))) is error
    assert error.__notes__ == before


def test_notes_survive_copies_and_pickles():
    error = fail(lambda: nn.Sequential(nn.Linear(3, 2))(tallow.zeros(2)))
    for other in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert other.__notes__ == error.__notes__
        assert str(other) == str(error)


def test_an_operator_called_directly_explains_itself():
    error = fail(lambda: tallow.zeros(2, 3) @ tallow.zeros(2, 3))
    assert "hint: did you mean input @ other.T?" in error.__notes__
    assert f"at {__file__}:" in notes_of(error)


def test_an_interrupt_has_no_notes():
    def forward(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        Part(forward)(1)
    assert not hasattr(caught.value, "__notes__")


def test_an_error_keeps_no_module_alive():
    net = nn.Sequential(nn.Linear(3, 2))
    dead = weakref.ref(net)
    error = fail(functools.partial(net, tallow.zeros(2)))
    error.__traceback__ = None
    assert notes_of(error)
    del net
    assert dead() is None


STATE_DICTS = {
    "module.": 'DataParallel puts "module." before the keys',
    "_orig_mod.": 'compile() puts "_orig_mod." before the keys',
    "encoder.": 'a wrapper has put "encoder." before the keys',
}


@pytest.mark.parametrize("prefix", STATE_DICTS)
def test_keys_with_a_prefix_are_explained(prefix):
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    state = {prefix + key: value for key, value in net.state_dict().items()}
    error = fail(lambda: net.load_state_dict(state))
    assert STATE_DICTS[prefix] in notes_of(error)
    assert f'removeprefix("{prefix}")' in notes_of(error)
    assert f"at {__file__}:" in notes_of(error)


def test_a_whole_checkpoint_is_explained():
    net = nn.Linear(2, 2)
    error = fail(lambda: net.load_state_dict({"model": net.state_dict(), "epoch": 3}))
    assert 'did you mean checkpoint["model"]?' in notes_of(error)


def test_another_number_of_classes_is_explained():
    error = fail(lambda: nn.Linear(2, 10).load_state_dict(nn.Linear(2, 1000).state_dict()))
    assert "weight has 1000 rows in the checkpoint and 10 in the model" in notes_of(error)


def test_a_forgotten_super_init_is_explained():
    class Bad(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

    error = fail(Bad)
    assert "hint: call super().__init__() at the start of __init__" in notes_of(error)
    assert "self.layer = nn.Linear(2, 2)" in notes_of(error)


def test_a_column_against_a_vector_is_explained_in_the_warning():
    with pytest.warns(UserWarning, match=r"Did you mean target.unsqueeze\(1\)\?") as caught:
        nn.MSELoss()(tallow.zeros(4, 1), tallow.zeros(4))
    assert caught[0].filename == __file__
