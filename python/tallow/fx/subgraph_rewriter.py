"""Replacing parts of graphs that look like a pattern."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from tallow import Tensor
from tallow.fx._symbolic_trace import symbolic_trace
from tallow.fx.graph_module import GraphModule, _assign_attr
from tallow.fx.node import Node, map_aggregate
from tallow.nn import Module

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow.fx.graph import Graph

__all__ = ["Match", "replace_pattern"]


class Match(NamedTuple):
    """A place that looks like a pattern."""

    anchor: Node
    nodes_map: dict[Node, Any]


def _attribute(graph: Graph, target: str) -> Any:
    found: Any = graph.owning_module
    for atom in target.split("."):
        found = getattr(found, atom, None)
    return found


def _leaves(node: Node) -> tuple[list[Any], Any]:
    """The arguments of a step without their structure, and that."""
    leaves: list[Any] = []

    def note(leaf: Any) -> Any:
        leaves.append(leaf)
        return None

    return leaves, map_aggregate((node.args, dict(sorted(node.kwargs.items()))), note)


class _Pattern:
    """What matches: arguments of the pattern stand for anything, another thing each."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.output = graph.output_node()
        self.inputs = graph.find_nodes(op="placeholder")
        self.returned = self.output.all_input_nodes
        # The ends: what nothing else of the pattern uses.
        self.anchors = [n for n in self.returned if list(n.users) == [self.output]]

    def inner(self) -> list[Node]:
        """The steps of the pattern itself."""
        return [n for n in self.graph.nodes if n.op not in ("placeholder", "output")]

    def matches(self, graph: Graph) -> list[dict[Node, Any]]:
        """Return the places in a graph that look like this, none of them with a common step."""
        if not self.anchors or self.anchors[0].op == "placeholder":
            raise AssertionError("The insert point can't be None: the pattern has no steps")
        nodes = [node for node in graph.nodes if node.op not in ("placeholder", "output")]
        ends = [[n for n in nodes if _alike(anchor, n)] for anchor in self.anchors]
        found: list[dict[Node, Any]] = []
        taken: set[Node] = set()
        for chosen in itertools.product(*ends):
            values: dict[Node, Any] = {}
            pairs = zip(self.anchors, chosen, strict=True)
            if not all(self._extend(values, pattern, node) for pattern, node in pairs):
                continue
            steps = {values[pattern] for pattern in self.inner() if pattern in values}
            if len(steps) == len(self.inner()) and self._closed(values) and not steps & taken:
                found.append(values)
                taken |= steps
        return found

    def _extend(self, values: dict[Node, Any], pattern: Any, node: Any) -> bool:
        """Let a part of the pattern be a part of the graph, if it can be."""
        if not isinstance(pattern, Node):
            return type(pattern) is type(node) and bool(pattern == node)
        if pattern in values:
            known = values[pattern]
            return known is node if isinstance(node, Node) else known == node
        if isinstance(node, Node) and any(value is node for value in values.values()):
            return False
        if pattern.op != "placeholder":
            if not isinstance(node, Node) or not _alike(pattern, node):
                return False
            ours, shape = _leaves(pattern)
            theirs, other = _leaves(node)
            if shape != other:
                return False
            values[pattern] = node
            return all(self._extend(values, a, b) for a, b in zip(ours, theirs, strict=True))
        values[pattern] = node
        return True

    def _closed(self, values: dict[Node, Any]) -> bool:
        """Tell whether only what the pattern returns is used elsewhere."""
        steps = {values[pattern] for pattern in self.inner()}
        return all(
            user in steps
            for pattern in self.inner()
            if pattern not in self.returned
            for user in values[pattern].users
        )


def _alike(pattern: Node, node: Node) -> bool:
    """Tell whether two steps do the same, whatever their arguments are."""
    if pattern.op != node.op:
        return False
    if pattern.op in ("call_module", "get_attr"):
        ours = _attribute(pattern.graph, pattern.target)
        theirs = _attribute(node.graph, node.target)
        if isinstance(ours, Tensor):
            return isinstance(theirs, Tensor)
        return type(ours) is type(theirs)
    return bool(pattern.target == node.target)


def _graph_of(program: Any) -> Graph:
    return (program if isinstance(program, GraphModule) else symbolic_trace(program)).graph


def replace_pattern(
    gm: GraphModule,
    pattern: Callable[..., Any] | GraphModule,
    replacement: Callable[..., Any] | GraphModule,
) -> list[Match]:
    """Put other steps in the place of all that look like a pattern, and compile again.

    Args:
        gm: changed in place.
        pattern: a program, whose arguments stand for anything. Its steps are the same functions,
            methods or kinds of modules, with the same other arguments. What it does not return is
            not used elsewhere.
        replacement: a program with as many arguments and results.

    Returns:
        The places, in order; the first of those with common steps.

    Raises:
        RuntimeError: other numbers of arguments or of results.
        AssertionError: a pattern without steps.

    Example:
        >>> traced = tallow.fx.symbolic_trace(lambda x: tallow.relu(x + 1))
        >>> matches = replace_pattern(traced, lambda x: x + 1, lambda x: x - 1)
        >>> traced(tallow.tensor([3.0]))
        tensor([2.])
    """
    wanted, other = _Pattern(_graph_of(pattern)), _graph_of(replacement)
    inputs = other.find_nodes(op="placeholder")
    if len(inputs) != len(wanted.inputs):
        raise RuntimeError(
            f"replace_pattern: the pattern has {len(wanted.inputs)} arguments and the replacement "
            f"{len(inputs)}"
        )
    found = wanted.matches(gm.graph)
    replaced: dict[Node, Any] = {}
    for values in found:
        for node in wanted.inputs:
            if isinstance(values.get(node), Node):
                values[node] = replaced.get(values[node], values[node])
        given = {new: values.get(old) for new, old in zip(inputs, wanted.inputs, strict=True)}
        _replace(gm.graph, wanted, values, other, given, replaced)
    if isinstance(replacement, Module):
        _take_attributes(gm, replacement)
    gm.recompile()
    return [Match(wanted.anchors[0], values) for values in found]


def _replace(
    graph: Graph,
    pattern: _Pattern,
    values: dict[Node, Any],
    other: Graph,
    given: dict[Node, Any],
    replaced: dict[Node, Any],
) -> None:
    order = {node: number for number, node in enumerate(graph.nodes)}
    steps = {values[step] for step in pattern.inner()}
    users = [user for old in pattern.returned for user in values[old].users if user not in steps]
    anchors = [values[anchor] for anchor in pattern.anchors]
    first = min(users or anchors, key=order.__getitem__)
    needed = [value for value in given.values() if isinstance(value, Node)]
    last = max(needed, key=order.__getitem__, default=None)
    late = last is not None and order[last] >= order[first]
    with graph.inserting_after(last) if late else graph.inserting_before(first):
        results = graph.graph_copy(other, dict(given))
    made = [results] if isinstance(results, Node) else []
    if not made:
        map_aggregate(results, lambda leaf: made.append(leaf) if isinstance(leaf, Node) else None)
    if len(made) != len(pattern.returned):
        raise RuntimeError(
            f"replace_pattern: the pattern has {len(pattern.returned)} results and the replacement "
            f"{len(made)}"
        )
    for old, new in zip(pattern.returned, made, strict=True):
        values[old].replace_all_uses_with(new)
        replaced[values[old]] = new
    for step in reversed(pattern.inner()):
        graph.erase_node(values[step])


def _take_attributes(gm: GraphModule, replacement: Module) -> None:
    """Copy what the new steps name and the module does not have; remove what none names."""
    for node in gm.graph.nodes:
        if node.op in ("call_module", "get_attr") and _attribute(gm.graph, node.target) is None:
            source: Any = replacement
            for atom in node.target.split("."):
                source = getattr(source, atom)
            _assign_attr(copy.deepcopy(source), gm, node.target)
    gm.delete_all_unused_submodules()
