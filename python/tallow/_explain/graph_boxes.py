"""What a drawn graph consists of: operations with their parameters, in boxes for modules.

Nodes are sorted by the time of their recording. What one call of a module has recorded is then a
run of neighbours, so boxes never contain each other in a circle.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow._explain.graph import Graph, GraphNode

__all__ = ["LINE", "PADDING", "Box", "Leaf", "Point", "boxes_of", "pill_text", "text_width"]

Point = tuple[float, float]
Pills = dict[int, "list[list[GraphNode]]"]  # by the index of the node they stand beside

CHARACTER = 6.65  # width of a character of the 11 px monospaced text
LINE = 14.0
PADDING = 8.0
PILL_HEIGHT = 17.0
# Ops that only look at a parameter in another way are drawn together with it.
_LOOKS = {
    f"{name}Backward0"
    for name in ("T", "Transpose", "Permute", "View", "Unsqueeze", "Squeeze", "Expand", "Reshape")
}


def text_width(text: str) -> float:
    """Return the width of a line of text."""
    return len(text) * CHARACTER


class Leaf:
    """One operation, with the parameters it uses beside it.

    Attributes:
        node: what it stands for.
        lines: its text.
        pills: parameters and inputs that only this node uses, each with the ops that only look at
            it in another way.
        label: shape of what it computes, written below it.
        x: left edge; ``y``: upper edge; ``width`` and ``height``: with pills and label.
        center: horizontal place of the edges, from `x`.
        body: width and height of the rectangle alone.
    """

    def __init__(self, node: GraphNode, lines: list[str], pills: list[list[GraphNode]]) -> None:
        self.node = node
        self.lines = lines
        self.pills = pills
        self.label = str(list(node.shapes[0])) if node.shapes and not node.leaf else ""
        body_width = max(text_width(line) for line in lines) + 2 * PADDING
        body_height = len(lines) * LINE + PADDING
        pill_width = max((text_width(pill_text(pill)) + 14 for pill in pills), default=0.0)
        pills_height = len(pills) * (PILL_HEIGHT + 3) - 3 if pills else 0.0
        self.body = body_width, max(body_height, pills_height)
        self.center = body_width / 2
        label_right = self.center + 5 + text_width(self.label) if self.label else 0.0
        right = body_width + (16 + pill_width if pills else 0.0)
        self.width = max(right, label_right)
        self.height = self.body[1] + (LINE if self.label else 0.0)
        self.x = self.y = 0.0

    @property
    def top(self) -> Point:
        """Where values arrive."""
        return self.x + self.center, self.y

    @property
    def bottom(self) -> Point:
        """Where the value leaves."""
        return self.x + self.center, self.y + self.body[1]

    def shift(self, dx: float, dy: float) -> None:
        """Move everything."""
        self.x += dx
        self.y += dy

    def first_sequence(self) -> int:
        """Return when it was recorded."""
        return self.node.sequence


def pill_text(pill: list[GraphNode]) -> str:
    """Return the text of a parameter or input."""
    node = pill[0]
    name = node.leaf.rpartition(".")[2]
    return " ".join([name, str(list(node.shapes[0])), *(look.name for look in pill[1:])])


class Box:
    """A module, or the whole picture: layers of operations and boxes.

    Attributes:
        title: name of the module.
        path: its full path.
        items: what it contains.
        lanes: points through which an edge passes, by (source, target) and in order.
    """

    HEADER = 20.0

    def __init__(self, title: str, path: str, items: list[Leaf | Box]) -> None:
        self.title = title
        self.path = path
        self.items = items
        self.x = self.y = self.width = self.height = 0.0
        self.center = 0.0
        self.lanes: dict[tuple[int, int], list[Point]] = {}

    def shift(self, dx: float, dy: float) -> None:
        """Move everything."""
        self.x += dx
        self.y += dy
        for item in self.items:
            item.shift(dx, dy)
        for points in self.lanes.values():
            points[:] = [(x + dx, y + dy) for x, y in points]

    def leaves(self) -> list[Leaf]:
        """Return all operations inside."""
        found: list[Leaf] = []
        for item in self.items:
            found += [item] if isinstance(item, Leaf) else item.leaves()
        return found

    def boxes(self) -> list[Box]:
        """Return this box and all inside, outermost first."""
        found = [self]
        for item in self.items:
            if isinstance(item, Box):
                found += item.boxes()
        return found


def _order_key(graph: Graph, node: GraphNode) -> tuple[int, int]:
    # A leaf that several nodes use stands before the first of them.
    if node.leaf:
        users = [graph.nodes[e.target].sequence for e in graph.edges if e.source == node.index]
        return (min(users, default=0), 0)
    return (node.sequence, 1)


def _attach_pills(graph: Graph) -> tuple[Pills, set[int]]:
    """Return the leaves that have one user, by that user, and the indices of all of them."""
    users: dict[int, set[int]] = {}
    inputs: dict[int, int] = {}
    for edge in graph.edges:
        users.setdefault(edge.source, set()).add(edge.target)
        inputs[edge.target] = inputs.get(edge.target, 0) + 1
    pills: Pills = {}
    attached: set[int] = set()
    for leaf in graph.nodes:
        if not leaf.leaf or len(users.get(leaf.index, ())) != 1:
            continue
        pill = [leaf]
        target = next(iter(users[leaf.index]))
        while (
            leaf.is_parameter
            and graph.nodes[target].name in _LOOKS
            and inputs[target] == 1
            and len(users.get(target, ())) == 1
        ):
            pill.append(graph.nodes[target])
            target = next(iter(users[target]))
        pills.setdefault(target, []).append(pill)
        attached.update(node.index for node in pill)
    return pills, attached


def _group(nodes: Sequence[GraphNode], pills: Pills, prefix: str) -> list[Leaf | Box]:
    """Turn runs of nodes of one module into boxes."""
    items: list[Leaf | Box] = []
    for path, nodes_of_path in groupby(nodes, key=lambda node: _child_path(node, prefix)):
        run = list(nodes_of_path)
        if path is None:
            items += [_leaf(node, pills, "") for node in run]
            continue
        title = path[len(prefix) :].lstrip(".")
        if len(run) == 1 and run[0].scope == path:
            items.append(_leaf(run[0], pills, title))
        else:
            items.append(Box(title, path, _group(run, pills, path)))
    return items


def _child_path(node: GraphNode, prefix: str) -> str | None:
    """Return the path of the module directly below `prefix` that holds the node, if any."""
    # A leaf with several users belongs to none of them.
    scope = None if node.leaf else node.scope
    if scope is None or not scope.startswith(prefix) or scope == prefix:
        return None
    rest = scope[len(prefix) :]
    if prefix and not rest.startswith("."):
        return None
    return prefix + ("." if prefix else "") + rest.lstrip(".").partition(".")[0]


def _leaf(node: GraphNode, pills: Pills, title: str) -> Leaf:
    from tallow._explain.values import nbytes_text

    if node.leaf:
        return Leaf(node, [pill_text([node])], [])
    lines = [title] if title else []
    lines.append(node.name)
    if node.saved_bytes:
        lines.append(f"saves {nbytes_text(node.saved_bytes)}")
    return Leaf(node, lines, pills.get(node.index, []))


def boxes_of(graph: Graph) -> tuple[Box, set[int]]:
    """Return the outermost box, and the indices of the nodes that are drawn as pills."""
    pills, attached = _attach_pills(graph)
    shown = [node for node in graph.nodes if node.index not in attached]
    shown.sort(key=lambda node: _order_key(graph, node))
    return Box("", "", _group(shown, pills, "")), attached
