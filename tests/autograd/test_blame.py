"""Who wrote over a saved tensor, and which graph was freed: notes on the errors of backward."""

from __future__ import annotations

import pytest

import tallow


def failed_backward(out):
    with pytest.raises(RuntimeError) as caught:
        out.sum().backward()
    return "\n".join(getattr(caught.value, "__notes__", []))


WRITES = {
    "add_": lambda t: t.add_(1),
    "mul_": lambda t: t.mul_(2),
    "relu_": lambda t: t.relu_(),
    "copy_": lambda t: t.copy_(tallow.zeros(3)),
    "zero_": lambda t: t.detach().zero_(),
    "fill_": lambda t: t[:2].fill_(0),
    "__setitem__": lambda t: t.__setitem__(0, 5.0),
}


@pytest.mark.parametrize("op", WRITES)
def test_the_notes_name_the_writer_and_the_reader(op):
    saved = tallow.ones(3, requires_grad=True).exp()
    WRITES[op](saved)
    notes = failed_backward(saved)
    assert f"written over by {op}()" in notes
    assert "needed by ExpBackward0, the derivative of Exp" in notes
    assert f"at {__file__}:" in notes


def test_the_first_of_several_writers_is_named():
    saved = tallow.ones(3, requires_grad=True).exp()
    saved.mul_(2)
    saved.add_(1)
    assert "written over by mul_()" in failed_backward(saved)


@pytest.mark.parametrize(
    ("op", "write"),
    [
        ("exp", lambda t: tallow.exp(tallow.ones(3), out=t)),
        ("cumsum", lambda t: tallow.cumsum(tallow.ones(3), 0, out=t)),
        ("max", lambda t: tallow.max(tallow.ones(2, 3), 0, out=(t, tallow.zeros(3).long()))),
    ],
)
def test_an_op_that_writes_to_out(op, write):
    saved = tallow.ones(3, requires_grad=True).exp()
    with tallow.no_grad():
        write(saved)
    assert f"written over by {op}()" in failed_backward(saved)


def test_an_operator_that_writes():
    saved = tallow.ones(3, requires_grad=True).exp()
    saved += 1
    assert "written over by add_()" in failed_backward(saved)


def test_writes_into_memory_that_was_used_before_are_not_confused():
    for _ in range(50):
        earlier = tallow.zeros(3)
        earlier[0] = 1.0
        del earlier
        saved = tallow.ones(3, requires_grad=True).exp()
        saved.mul_(2)
        assert "written over by mul_()" in failed_backward(saved)


def test_an_input_that_was_written_over():
    a, b = tallow.ones(3, requires_grad=True), tallow.ones(3)
    out = a * b
    b.sub_(1)
    notes = failed_backward(out)
    assert "written over by sub_()" in notes
    assert "needed by MulBackward0, the derivative of Mul" in notes


def test_an_optimizer_that_wrote_too_early():
    weight = tallow.ones(3, requires_grad=True)
    out = (weight * weight).sum()
    weight.grad = tallow.ones(3)
    tallow.optim.SGD([weight], lr=0.1).step()
    assert "written over by " in failed_backward(out)


@pytest.mark.filterwarnings("ignore")
def test_anomaly_mode_adds_both_lines():
    with tallow.autograd.detect_anomaly():
        saved = tallow.ones(3, requires_grad=True).exp()  # the line that saves
        saved.add_(1)  # the line that writes
        notes = failed_backward(saved)
    assert "# the line that writes" in notes
    assert "# the line that saves" in notes


def test_a_freed_graph_names_the_node_and_its_shape():
    out = tallow.ones(2, 3, requires_grad=True).exp()
    out.sum().backward()
    notes = failed_backward(out)
    assert "ExpBackward0 has run before; it made a tensor of shape [2, 3]" in notes
    assert "hint: detach() what is carried" in notes


def test_an_unrelated_error_gets_no_such_note():
    saved = tallow.ones(3, requires_grad=True).exp()
    saved.add_(1)
    failed_backward(saved)
    with pytest.raises(RuntimeError) as caught:
        tallow.ones(2, 3) @ tallow.ones(2, 3)
    assert "written over" not in "\n".join(caught.value.__notes__)
