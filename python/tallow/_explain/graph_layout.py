"""Places the nodes of a graph: layers from top to bottom, and modules as boxes inside boxes.

Each box is laid out by itself and then treated like a node of the box around it. An edge that
passes layers without ending there gets a lane of its own through them, so it runs beside the nodes
and not through them.

Source: the layered method of K. Sugiyama, S. Tagawa and M. Toda, Methods for visual understanding
of hierarchical system structures, IEEE Transactions on Systems, Man, and Cybernetics 11, 1981.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tallow._explain.graph_boxes import LINE, PADDING, Box, Leaf, Point, boxes_of, text_width

if TYPE_CHECKING:
    from tallow._explain.graph import Graph

__all__ = ["lay_out"]

GAP = 18.0  # between neighbours in a layer
LAYER_GAP = 22.0
LANE = 10.0  # width of the lane of a passing edge
SWEEPS = 16

Edge = tuple[int, int]  # indices of the nodes: source, target


def lay_out(graph: Graph) -> tuple[Box, dict[Edge, list[Point]]]:
    """Return the outermost box, placed at the origin, and a path for every edge that is drawn.

    Edges from a pill to its node are not among them.
    """
    top, attached = boxes_of(graph)
    edges = sorted(
        {
            (edge.source, edge.target)
            for edge in graph.edges
            if edge.source not in attached and edge.source != edge.target
        }
    )
    _place(top, edges)
    return top, _paths(top, edges)


class _Lane:
    """The place of a passing edge in one layer."""

    width = LANE
    height = 0.0
    center = LANE / 2

    def __init__(self) -> None:
        self.x = self.y = 0.0

    def shift(self, dx: float, dy: float) -> None:
        """Move the lane."""
        self.x += dx
        self.y += dy


def _owner(box: Box) -> dict[int, int]:
    """Return for each node inside which item of the box holds it."""
    owner = {}
    for i, item in enumerate(box.items):
        leaves = [item] if isinstance(item, Leaf) else item.leaves()
        for leaf in leaves:
            owner[leaf.node.index] = i
    return owner


class _Layers:
    """The layers of one box while it is laid out.

    Args:
        box: its items have their sizes already.
        edges: all edges of the graph; those that have nothing to do with the box are ignored.
    """

    def __init__(self, box: Box, edges: list[Edge]) -> None:
        owner = _owner(box)
        inner = []
        for edge in edges:
            source, target = owner.get(edge[0]), owner.get(edge[1])
            if source is not None and target is not None and source != target:
                inner.append((source, target))
        self.ranks = _ranks(len(box.items), inner)
        self.layers: list[list[Any]] = [[] for _ in range(max(self.ranks, default=-1) + 1)]
        for item, rank in zip(box.items, self.ranks, strict=True):
            self.layers[rank].append(item)
        self.above: dict[int, list[Any]] = {}
        self.below: dict[int, list[Any]] = {}
        self.lanes: dict[Edge, list[_Lane]] = {}
        for edge in edges:
            self._add_edge(box, edge, owner.get(edge[0]), owner.get(edge[1]))

    def _add_edge(self, box: Box, edge: Edge, source: int | None, target: int | None) -> None:
        """Link the ends of an edge, through a lane in every layer between them.

        An end outside of the box is the upper or lower side of its frame.
        """
        if source == target:
            return
        first = 0 if source is None else self.ranks[source] + 1
        last = len(self.layers) if target is None else self.ranks[target]
        lanes = [_Lane() for _ in range(first, last)]
        for rank, lane in enumerate(lanes, first):
            self.layers[rank].append(lane)
        if lanes:
            self.lanes[edge] = lanes
        chain: list[Any] = [] if source is None else [box.items[source]]
        chain += lanes
        chain += [] if target is None else [box.items[target]]
        for upper, lower in pairwise(chain):
            self.above.setdefault(id(lower), []).append(upper)
            self.below.setdefault(id(upper), []).append(lower)

    def sort(self) -> None:
        """Sort each layer by the mean place of its neighbours, downwards and upwards in turn."""
        for sweep in range(SWEEPS):
            downwards = sweep % 2 == 0
            layers = self.layers if downwards else self.layers[::-1]
            neighbours = self.above if downwards else self.below
            for fixed, layer in pairwise(layers):
                place = {id(item): i for i, item in enumerate(fixed)}
                key = {}
                for i, item in enumerate(layer):
                    near = [place[id(n)] for n in neighbours.get(id(item), ())]
                    # Of equals a lane goes to the right.
                    mean = sum(near) / len(near) if near else float(i)
                    key[id(item)] = mean, isinstance(item, _Lane)
                layer.sort(key=lambda item: key[id(item)])

    def assign_x(self) -> None:
        """Bring neighbours above each other, as far as the order in each layer allows."""
        for layer in self.layers:
            _spread(layer, [0.0] * len(layer))
        for sweep in range(SWEEPS + 1):  # the last one goes down
            downwards = sweep % 2 == 0
            neighbours = self.above if downwards else self.below
            for layer in self.layers if downwards else self.layers[::-1]:
                _spread(layer, [_wanted(item, neighbours.get(id(item), ())) for item in layer])
        left = min((item.x for layer in self.layers for item in layer), default=0.0)
        for layer in self.layers:
            for item in layer:
                item.shift(PADDING - left, 0.0)

    def assign_y(self, box: Box) -> None:
        """Put the layers below each other and give the box its size."""
        y = Box.HEADER + PADDING if box.title else PADDING
        right = 0.0
        for layer in self.layers:
            height = max(item.height for item in layer)
            for item in layer:
                item.shift(0.0, y - item.y)
                if isinstance(item, _Lane):
                    item.height = height
                right = max(right, item.x + item.width)
            y += height + LAYER_GAP
        box.height = y - LAYER_GAP + PADDING
        box.width = max(right + PADDING, text_width(box.title) + 2 * PADDING)
        # Most edges enter and leave above and below the operations at the ends.
        ends = [*self.layers[0], *self.layers[-1]]
        solid = [item for item in ends if not isinstance(item, _Lane)] or ends
        box.center = sum(item.x + item.center for item in solid) / len(solid)


def _wanted(item: Any, near: Any) -> float:
    at = weights = 0.0
    for other in near:
        # Lanes follow lanes, and nodes follow nodes: both become straight lines.
        weight = 1.0 if isinstance(other, _Lane) == isinstance(item, _Lane) else 0.05
        at += weight * (other.x + other.center)
        weights += weight
    return float(at / weights if weights else item.x + item.center)


def _place(box: Box, edges: list[Edge]) -> None:
    """Give everything inside a box its place, with the box's upper left corner at the origin."""
    for item in box.items:
        if isinstance(item, Box):
            _place(item, edges)
    layers = _Layers(box, edges)
    layers.sort()
    layers.assign_x()
    layers.assign_y(box)
    for edge, lanes in layers.lanes.items():
        box.lanes[edge] = [
            (lane.x + lane.center, y) for lane in lanes for y in (lane.y, lane.y + lane.height)
        ]


def _ranks(count: int, edges: list[Edge]) -> list[int]:
    """Return the layer of each item: one below the lowest that leads to it."""
    ranks = [0] * count
    for source, target in sorted(edges):  # items are in the order of recording
        ranks[target] = max(ranks[target], ranks[source] + 1)
    # Sources go down to just above their first user.
    first_user: dict[int, int] = {}
    targets = {target for _, target in edges}
    for source, target in edges:
        first_user[source] = min(first_user.get(source, ranks[target]), ranks[target])
    for source, rank in first_user.items():
        if source not in targets:
            ranks[source] = max(0, rank - 1)
    return ranks


def _spread(layer: list[Any], wanted: list[float]) -> None:
    """Put the centres of a layer as near to the wanted places as order and gaps allow.

    Source: the pool-adjacent-violators method for isotonic regression.
    """
    # In coordinates from which widths and gaps are subtracted, the order must not be violated.
    offsets, at = [], 0.0
    for item in layer:
        offsets.append(at + item.center)
        at += item.width + GAP
    blocks: list[list[float]] = []  # sum of targets, count
    for want, offset in zip(wanted, offsets, strict=True):
        blocks.append([want - offset, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    shifts = [total / count for total, count in blocks for _ in range(round(count))]
    at = 0.0
    for item, shift in zip(layer, shifts, strict=True):
        item.shift(shift + at - item.x, 0.0)
        at += item.width + GAP


def _paths(top: Box, edges: list[Edge]) -> dict[Edge, list[Point]]:
    leaves = {leaf.node.index: leaf for leaf in top.leaves()}
    boxes = top.boxes()
    paths = {}
    for edge in edges:
        points = [p for box in boxes if edge in box.lanes for p in box.lanes[edge]]
        points.sort(key=lambda point: point[1])
        source = leaves[edge[0]]
        start = [source.bottom]
        if source.label:  # straight down beside the shape
            start.append((source.bottom[0], source.bottom[1] + LINE - 2))
        paths[edge] = [*start, *points, leaves[edge[1]].top]
    return paths
