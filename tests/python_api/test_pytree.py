"""Trees of containers, each expression compared with what PyTorch prints for it."""

from __future__ import annotations

import collections
import dataclasses
import importlib
import warnings

import pytest

import tallow
from tallow.utils import _pytree

Point = collections.namedtuple("Point", "a b")


@dataclasses.dataclass
class Record:
    x: int
    y: int
    z: int = 3


class Pair:
    def __init__(self, left, right):
        self.left, self.right = left, right

    def __repr__(self):
        return f"Pair({self.left}, {self.right})"


TREE = {
    "b": [1, (2, Point(3, None))],
    "a": collections.OrderedDict(x=1),
    "d": collections.defaultdict(list, {"q": 1}),
    "e": collections.deque([1], maxlen=3),
    "f": (),
}
EXPRESSIONS = """
p.tree_flatten(TREE)
p.tree_unflatten(p.tree_leaves(TREE), p.tree_structure(TREE))
p.treespec_pprint(p.tree_structure(TREE))
[getattr(p.tree_structure(TREE), n) for n in ("num_leaves", "num_nodes", "num_children", "context")]
p.tree_unflatten([1], p.tree_structure(TREE))
p.tree_unflatten(3, p.tree_structure(TREE))
p.tree_unflatten([1], 3)
p.tree_map(lambda a, b: a + b, [1, (2,)], [1, (2,)])
p.tree_map(lambda a, b: a + b, [1, (2,)], [1, 2])
p.tree_map(lambda a, b: a + b, [1, (2,)], [1, (2, 3)])
p.tree_map(lambda a, b: (a, b), [1, 2], [1, (2, 3)])
p.tree_map(lambda a, b: (a, b), {"a": 1}, {"b": 1})
p.tree_map(lambda a, b: (a, b), {"a": 1, "b": 2}, {"b": 1, "a": 2})
p.tree_map(lambda a, b: (a, b), {"a": 1, "b": 2}, collections.OrderedDict(b=1, a=2))
p.tree_map(lambda a, b: (a, b), [1, 2], (1, 2))
p.tree_map(lambda x: -x, [1, [2, 3]], is_leaf=lambda x: x == 1)
p.tree_map_only(int, lambda x: x + 1, [1, "a", 2.0])
p.tree_map_only((int, float), lambda x: x + 1, [1, "a", 2.0])
p.tree_map_only(int | float, lambda x: x + 1, [1, "a", 2.0])
p.tree_map_only(lambda x: x == 1, lambda x: x + 1, [1, "a", 2.0])
p.tree_map_only(3, lambda x: x + 1, [1, "a", 2.0])
p.tree_map_(print, ())
p.tree_map_only_(int, lambda x: x + 1, [1, "a"])
p.tree_all(lambda x: x > 0, [1, 2]), p.tree_all(lambda x: x > 1, [1, [2]])
p.tree_any(lambda x: x > 1, [1, [2]]), p.tree_any(lambda x: x > 2, [1, 2])
p.tree_all_only(int, lambda x: x > 1, [2, "a"]), p.tree_any_only(int, lambda x: x > 2, [1, "a"])
p.tree_flatten(Pair(1, [2, 3]))
p.tree_map(lambda x: -x, {"a": Pair(1, [2, 3])})
p.register_pytree_node(Pair, None, None)
p.register_pytree_node(list, None, None)
p.tree_flatten_with_path(Pair(1, 2))
[(p.keystr(path), leaf) for path, leaf in p.tree_leaves_with_path(TREE)]
p.tree_leaves_with_path(TREE)[0][0]
p.tree_map_with_path(lambda path, x: (p.keystr(path), x), [1, {"a": 2}])
p.tree_map_with_path(lambda path, x, y: (p.keystr(path), x, y), [1, {"a": 2}], [3, {"a": 4}])
p.key_get([1, {"a": 2}], (p.SequenceKey(1), p.MappingKey("a")))
p.tree_flatten(Record(1, 2)), p.tree_leaves_with_path(Record(1, 2))
p.tree_map(lambda x: x + 1, Record(1, None))
p.treespec_leaf(), p.treespec_tuple([p.treespec_leaf()]), p.treespec_dict({"a": p.treespec_leaf()})
p.tree_structure([1]) == p.tree_structure([2]), p.tree_structure([1]) == p.tree_structure((1,))
p.treespec_leaf().is_leaf(), p.tree_structure([1]).is_leaf()
[p._broadcast_to_and_flatten(t, p.tree_structure([1, (2, 3)])) for t in (1, [1, 2], (1, 2))]
p.tree_flatten(None), p.tree_flatten(lib.Size([1, 2]))
p.tree_is_leaf(()), p.tree_is_leaf(3), p.tree_is_leaf([1], lambda x: True)
p.arg_tree_leaves(1, [2], a=3), list(p.tree_iter([1, [2]]))
p.tree_structure([1, 2]).flatten_up_to([1, (2, 3)])
p.tree_structure([1, 2]).flatten_up_to([1])
p.tree_structure({"a": 1}).flatten_up_to({"b": 1})
p.tree_structure((1, 2)).flatten_up_to([1, 2])
[p.is_namedtuple(x) for x in (Point, Point(1, 2), (1, 2), int)]
[p.is_namedtuple_class(x) for x in (Point, tuple)], p.is_namedtuple_instance(Point(1, 2))
[p.is_structseq(x) for x in (lib.max(lib.ones(2, 2), 0), Point(1, 2), int)]
p.tree_structure(lib.max(lib.ones(2, 2), 0))
p.tree_map(lambda x: x.tolist(), list(lib.sort(lib.ones(2))))
type(p.tree_map(lambda x: x + 1, lib.sort(lib.ones(2)))).__name__
""".strip().splitlines()


@pytest.fixture(scope="module", autouse=True)
def registered():
    for name in ("tallow", "torch") if importlib.util.find_spec("torch") else ("tallow",):
        module = importlib.import_module(f"{name}.utils._pytree")
        module.register_pytree_node(
            Pair, lambda p: ([p.left, p.right], None), lambda c, _: Pair(*c)
        )
        module.register_dataclass(Record)


def printed(library, expression):
    p = importlib.import_module(f"{library.__name__}.utils._pytree")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return repr(eval(expression, globals() | {"p": p, "lib": library}))
        except (TypeError, ValueError) as error:
            return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_prints_what_pytorch_prints(expression, torch):
    expected = printed(torch, expression).replace("torch.", "tallow.")
    assert printed(tallow, expression) == expected


def test_constants_are_part_of_the_structure():
    class Mode:
        def __eq__(self, other):
            return type(other) is Mode

        def __hash__(self):
            return 1

    _pytree.register_constant(Mode)
    leaves, spec = _pytree.tree_flatten([1, Mode()])
    assert leaves == [1]
    assert spec == _pytree.tree_structure([2, Mode()])
    assert isinstance(_pytree.tree_unflatten([3], spec)[1], Mode)


def test_only_dataclasses_can_be_registered_as_such():
    with pytest.raises(ValueError, match="is not a dataclass"):
        _pytree.register_dataclass(int)


def test_deep_trees_and_empty_ones():
    tree = leaf = []
    for _ in range(200):
        leaf.append([])
        leaf = leaf[0]
    leaf.append(1)
    assert _pytree.tree_leaves(tree) == [1]
    assert _pytree.tree_map(lambda x: x, tree) == tree
    assert _pytree.tree_leaves([[], {}, ()]) == []


def test_kinds_of_dicts_are_registered_with_the_functions_of_dict() -> None:
    class Output(dict[str, int]):
        pass

    _pytree.register_pytree_node(
        Output, _pytree._dict_flatten, lambda c, keys: Output(_pytree._dict_unflatten(c, keys))
    )
    tree = Output(a=1, b=2)
    doubled = _pytree.tree_map(lambda x: 2 * x, tree)
    assert type(doubled) is Output
    assert doubled == {"a": 2, "b": 4}
