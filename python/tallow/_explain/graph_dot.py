"""A graph in Graphviz's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow._explain.graph_boxes import Box, Leaf
from tallow._explain.graph_layout import lay_out
from tallow._explain.values import nbytes_text

if TYPE_CHECKING:
    from tallow._explain.graph import Graph, GraphNode

__all__ = ["graph_dot"]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _node(node: GraphNode) -> str:
    label = f"{node.leaf} {list(node.shapes[0])}" if node.leaf else node.name
    if node.saved_bytes:
        label += f"\nsaves {nbytes_text(node.saved_bytes)}"
    shape = "box" if not node.leaf else "ellipse"
    return f"n{node.index} [label={_quoted(label).replace(chr(10), chr(92) + 'n')}, shape={shape}];"


def _cluster(box: Box, indent: str, numbers: list[int]) -> list[str]:
    lines = []
    for item in box.items:
        if isinstance(item, Leaf):
            lines += [indent + _node(node) for pill in item.pills for node in pill]
            lines.append(indent + _node(item.node))
            continue
        numbers[0] += 1
        lines.append(f"{indent}subgraph cluster_{numbers[0]} {{")
        lines.append(f"{indent}  label={_quoted(item.path)};")
        lines += _cluster(item, indent + "  ", numbers)
        lines.append(indent + "}")
    return lines


def graph_dot(graph: Graph) -> str:
    """Return the text; data flows from top to bottom, edges carry the shapes."""
    top, _ = lay_out(graph)
    lines = ["digraph autograd {", '  node [fontname="monospace", fontsize=10];']
    lines += _cluster(top, "  ", [0])
    for edge in graph.edges:
        label = f" [label={_quoted(str(list(edge.shape)))}]" if edge.shape is not None else ""
        lines.append(f"  n{edge.source} -> n{edge.target}{label};")
    for number, (index, info) in enumerate(graph.outputs):
        lines.append(f"  out{number} [label={_quoted(f'output {info}')}, shape=plaintext];")
        lines.append(f"  n{index} -> out{number};")
    return "\n".join([*lines, "}"]) + "\n"
