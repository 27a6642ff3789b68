"""``Tensor.graph()``: the autograd graph behind a tensor, as data and as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow import _C
from tallow._explain.values import TensorInfo, nbytes_text
from tallow._explain.watcher import current_watcher, scope_of, split_scope

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from tallow import Tensor
    from tallow.nn import Module

__all__ = ["Graph", "GraphEdge", "GraphNode", "SavedTensor", "graph_of", "record_scopes"]


class SavedTensor:
    """A tensor that a node keeps for its derivative.

    Attributes:
        name: as in ``grad_fn._saved_<name>``.
        shape: its sizes.
        dtype: its type, by name.
        nbytes: its size in bytes.
        is_parameter: whether it is a leaf that needs gradients, which lives anyway.
    """

    __slots__ = ("dtype", "is_parameter", "name", "nbytes", "shape", "storage")

    def __init__(
        self, name: str, shape: Any, dtype: Any, nbytes: int, storage: int, is_parameter: bool
    ) -> None:
        self.name = name
        self.shape: tuple[int, ...] = tuple(shape)
        self.dtype = str(dtype).rpartition(".")[2]
        self.nbytes = nbytes
        self.storage = storage
        self.is_parameter = is_parameter

    def __repr__(self) -> str:
        return f"{self.name}: {self.dtype}{list(self.shape)}, {nbytes_text(self.nbytes)}"


class GraphNode:
    """One recorded operation, or the place where the gradient of a leaf is added up.

    Attributes:
        index: position in :attr:`Graph.nodes`.
        name: as ``grad_fn.name()``.
        scope: path of the module in which it was recorded, ``""`` for the outermost one; ``None``
            if that is not known.
        root: class of the outermost module, or ``""``.
        shapes: sizes of each output.
        saved: what it keeps for the backward pass.
        leaf: name of the parameter, or ``"leaf"``, of an AccumulateGrad node; else ``""``.
        sequence: larger for what was recorded later.
    """

    __slots__ = (
        "index",
        "is_parameter",
        "leaf",
        "name",
        "root",
        "saved",
        "scope",
        "sequence",
        "shapes",
    )

    def __init__(self, index: int, name: str, sequence: int, outputs: Any, saved: Any) -> None:
        self.index = index
        self.name = name
        self.sequence = sequence
        self.shapes: list[tuple[int, ...]] = [tuple(shape) for shape, _ in outputs]
        self.saved = [SavedTensor(*facts) for facts in saved]
        self.scope: str | None = None
        self.root = ""
        self.leaf = ""
        self.is_parameter = False

    @property
    def saved_bytes(self) -> int:
        """Bytes kept for the backward pass, parameters not counted."""
        return sum(saved.nbytes for saved in self.saved if not saved.is_parameter)

    def __repr__(self) -> str:
        return f"<{self.name} {self.index}{f' in {self.scope}' if self.scope else ''}>"


class GraphEdge:
    """A value that flowed from `source` to `target`, and whose gradient flows back.

    Attributes:
        source: index of the node that made the value.
        target: index of the node that used it.
        output: which output of the source it is.
        input: which input of the target it is.
        shape: its sizes.
    """

    __slots__ = ("input", "output", "shape", "source", "target")

    def __init__(
        self, source: int, target: int, output: int, input: int, shape: tuple[int, ...]
    ) -> None:
        self.source = source
        self.target = target
        self.output = output
        self.input = input
        self.shape = shape


class Graph:
    """The graph that ``backward()`` walks, newest node first.

    Attributes:
        nodes: every node a gradient reaches.
        edges: from the node that made a value to the node that used it.
        outputs: ``(node, shape, dtype)`` of the tensors it was asked for.

    Example:
        >>> x = tallow.ones(2, requires_grad=True)
        >>> graph = (x * x).sum().graph()
        >>> [node.name for node in graph.nodes]
        ['SumBackward0', 'MulBackward0', 'AccumulateGrad']
    """

    def __init__(
        self, nodes: list[GraphNode], edges: list[GraphEdge], outputs: list[tuple[int, TensorInfo]]
    ) -> None:
        self.nodes = nodes
        self.edges = edges
        self.outputs = outputs

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def saved_bytes(self) -> int:
        """Bytes kept for the backward pass; what several nodes keep counts once."""
        largest: dict[int, int] = {}
        for node in self.nodes:
            for saved in node.saved:
                if not saved.is_parameter:
                    largest[saved.storage] = max(saved.nbytes, largest.get(saved.storage, 0))
        return sum(largest.values())

    def __repr__(self) -> str:
        return (
            f"<autograd graph: {len(self.nodes)} nodes, {len(self.edges)} edges, "
            f"{nbytes_text(self.saved_bytes)} saved for backward>"
        )

    def svg(self) -> str:
        """Return the graph as a self-contained SVG, data flowing from top to bottom."""
        from tallow._explain.graph_svg import graph_svg

        return graph_svg(self)

    _repr_svg_ = svg

    def dot(self) -> str:
        """Return the graph in Graphviz's language, with one cluster per module."""
        from tallow._explain.graph_dot import graph_dot

        return graph_dot(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the graph to a file.

        Args:
            path: ends in ``.svg`` or ``.dot``, which says how to write it.

        Raises:
            ValueError: another ending.
        """
        import os

        name = os.fspath(path)
        writers = {".svg": self.svg, ".dot": self.dot}
        ending = os.path.splitext(name)[1].lower()
        if ending not in writers:
            raise ValueError(
                f"Graph.save(): the name must end in {', '.join(writers)}, got {name!r}"
            )
        content = writers[ending]()
        with open(name, "w", encoding="utf-8") as file:
            file.write(content)


def graph_of(tensors: Iterable[Tensor], model: Module | None = None) -> Graph:
    """Return the graph behind some tensors; see :meth:`tallow.Tensor.graph`.

    Args:
        tensors: each requires gradients.
        model: gives parameters their names.
    """
    tensors = list(tensors)
    for tensor in tensors:
        if not tensor.requires_grad:
            raise RuntimeError(
                "Tensor.graph(): the tensor does not require grad, so nothing was recorded"
            )
    names = _parameter_names(model)
    raw_nodes, raw_roots = _C._graph_of(tensors)
    nodes: list[GraphNode] = []
    edges: list[GraphEdge] = []
    for index, (name, sequence, _, saved, outputs, note, leaf) in enumerate(raw_nodes):
        node = GraphNode(index, name, sequence, outputs, saved)
        scope = scope_of(note)
        if scope is not None:
            node.root, node.scope = split_scope(scope)
        if leaf is not None:
            node.leaf = names.get(id(leaf), "leaf")
            node.is_parameter = leaf._is_param or id(leaf) in names
        nodes.append(node)
    for index, (_, _, inputs, *_) in enumerate(raw_nodes):
        for source, output, position in inputs:
            shapes = nodes[source].shapes
            shape = shapes[output] if output < len(shapes) else ()
            edges.append(GraphEdge(source, index, output, position, shape))
    if model is not None and all(node.scope is None for node in nodes):
        _guess_scopes(nodes, edges, type(model).__name__)
    roots = [(root[0], TensorInfo(t)) for root, t in zip(raw_roots, tensors, strict=True)]
    return Graph(nodes, edges, roots)


def _parameter_names(model: Any) -> dict[int, str]:
    from tallow.nn import Module

    if model is None:
        return {}
    if not isinstance(model, Module):
        raise TypeError(f"Tensor.graph(): model must be a Module, not {type(model).__name__}")
    return {id(parameter): name for name, parameter in model.named_parameters()}


def _guess_scopes(nodes: list[GraphNode], edges: list[GraphEdge], root: str) -> None:
    """Without recorded scopes, a node that uses a parameter belongs to the parameter's module."""
    for edge in edges:
        leaf = nodes[edge.source].leaf
        if leaf and leaf != "leaf":
            node = nodes[edge.target]
            node.root, node.scope = root, leaf.rpartition(".")[0]


class record_scopes:  # used like tallow.no_grad
    """Let nodes remember the module in which they are recorded, inside a ``with`` block.

    :meth:`tallow.Tensor.graph` then draws modules as boxes. ``tallow.explain()`` and
    ``tallow.nan_guard()`` do the same while they are active; without any of them nothing is noted
    and nothing is paid.

    Example:
        >>> model = tallow.nn.Sequential(tallow.nn.Linear(2, 2), tallow.nn.ReLU())
        >>> with tallow.autograd.graph.record_scopes():
        ...     y = model(tallow.ones(1, 2))
        >>> [(node.name, node.scope) for node in y.graph().nodes[:2]]
        [('ReluBackward0', '1'), ('AddmmBackward0', '0')]
    """

    def __enter__(self) -> None:
        watcher = current_watcher()
        watcher.scope_users += 1
        watcher.install()

    def __exit__(self, *exc_info: object) -> None:
        watcher = current_watcher()
        watcher.scope_users -= 1
        watcher.install()
