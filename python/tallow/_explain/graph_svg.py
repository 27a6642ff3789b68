"""A graph as SVG: rectangles for operations, frames for modules, pills for parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow._explain.graph_boxes import PILL_HEIGHT, Box, Leaf, pill_text, text_width
from tallow._explain.graph_layout import lay_out
from tallow._explain.markup import FONT, escape, number

if TYPE_CHECKING:
    from tallow._explain.graph import Graph, GraphNode
    from tallow._explain.graph_boxes import Point

__all__ = ["graph_svg"]

MARGIN = 12.0
_STYLE = f"""
text {{ font: 11px {FONT}; fill: #1b1f24; }}
.b {{ fill: #5b7bd5; fill-opacity: .06; stroke: #8ea3dd; }}
.t {{ fill: #3d5bb5; font-weight: 600; }}
.o {{ fill: #fff; stroke: #57606a; }}
.m {{ fill: #f3f6fd; stroke: #5b7bd5; }}
.p {{ fill: #fff4e5; stroke: #d2953b; }}
.i {{ fill: #e9f6ec; stroke: #4c9f62; }}
.y {{ fill: #e8eefc; stroke: #3d5bb5; }}
.e {{ fill: none; stroke: #6e7781; }}
.s {{ fill: #6e7781; }}
"""


def graph_svg(graph: Graph) -> str:
    """Return the picture; data flows from top to bottom, gradients the other way."""
    top, paths = lay_out(graph)
    leaves = top.leaves()
    outputs = _outputs(graph, leaves)
    height = max([top.height, *(y + PILL_HEIGHT for _, y, _ in outputs)]) + 2 * MARGIN
    right = max([top.width, *(x + text_width(text) / 2 + 10 for x, _, text in outputs)])
    left = min([0.0, *(x - text_width(text) / 2 - 10 for x, _, text in outputs)])
    width = right - left + 2 * MARGIN
    box = f"{number(left - MARGIN)} {number(-MARGIN)} {number(width)} {number(height)}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{number(width)}" '
        f'height="{number(height)}" role="img">',
        f"<title>{escape(graph.__repr__()[1:-1])}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect x="{number(left - MARGIN)}" y="{number(-MARGIN)}" width="{number(width)}" '
        f'height="{number(height)}" fill="#fff"/>',
    ]
    modules = [box for box in top.boxes() if box.title]
    parts += [_frame(module) for module in modules]
    parts += [_curve(points) for points in paths.values()]
    parts += [
        f'<text class="t" x="{number(module.x + 8)}" y="{number(module.y + 15)}">'
        f"{escape(module.title)}</text>"
        for module in modules
    ]
    for leaf in leaves:
        parts += _operation(leaf)
    for (x, y, text), (node, _) in zip(outputs, graph.outputs, strict=True):
        start = next(leaf.bottom for leaf in leaves if leaf.node.index == node)
        parts += [_curve([start, (x, y)]), _pill(x, y, text, "y", "output")]
    parts.append("</svg>")
    return "\n".join(parts)


def _outputs(graph: Graph, leaves: list[Leaf]) -> list[tuple[float, float, str]]:
    """Return centre, upper edge and text of a pill for each tensor asked for."""
    y = max(leaf.y + leaf.height for leaf in leaves) + 34
    found: list[tuple[float, float, str]] = []
    right = float("-inf")
    for index, info in graph.outputs:
        text = f"output {info}"
        half = text_width(text) / 2 + 10
        center = next(leaf.bottom[0] for leaf in leaves if leaf.node.index == index)
        center = max(center, right + half + 8)
        right = center + half
        found.append((center, y, text))
    return found


def _frame(box: Box) -> str:
    x, y = number(box.x), number(box.y)
    return (
        f'<g><title>{escape(box.path)}</title><rect class="b" x="{x}" y="{y}" '
        f'width="{number(box.width)}" height="{number(box.height)}" rx="6"/></g>'
    )


def _curve(points: list[Point]) -> str:
    """Draw a path whose ends are vertical through the points."""
    x, y = points[0]
    text = f"M{number(x)} {number(y)}"
    for next_x, next_y in points[1:]:
        if abs(next_x - x) < 0.5:
            text += f"L{number(next_x)} {number(next_y)}"
        else:
            half = (next_y - y) / 2
            text += (
                f"C{number(x)} {number(y + half)} {number(next_x)} {number(next_y - half)} "
                f"{number(next_x)} {number(next_y)}"
            )
        x, y = next_x, next_y
    arrow = (
        f"M{number(x - 3)} {number(y - 5)}L{number(x)} {number(y)}L{number(x + 3)} {number(y - 5)}"
    )
    return f'<path class="e" d="{text}{arrow}"/>'


def _tooltip(node: GraphNode) -> str:
    lines = [node.name]
    if node.scope is not None:
        lines.append(f"module: {node.scope or node.root}")
    if node.leaf:
        lines.append(f"leaf: {node.leaf}")
    lines += [f"output {i}: {list(shape)}" for i, shape in enumerate(node.shapes)]
    lines += [f"saves {saved!r}" for saved in node.saved]
    return escape("\n".join(lines))


def _operation(leaf: Leaf) -> list[str]:
    node = leaf.node
    width, height = leaf.body
    kind = "o"
    if node.leaf:
        kind = "p" if node.is_parameter else "i"
    titled = len(leaf.lines) > 1 and leaf.lines[0] != node.name
    if titled:
        kind = "m"
    parts = [
        f"<g><title>{_tooltip(node)}</title>"
        f'<rect class="{kind}" x="{number(leaf.x)}" y="{number(leaf.y)}" width="{number(width)}" '
        f'height="{number(height)}" rx="{"8" if node.leaf else "3"}"/>'
    ]
    y = leaf.y + (height - len(leaf.lines) * 14) / 2 + 11
    for i, line in enumerate(leaf.lines):
        style = ' class="t"' if titled and i == 0 else ""
        if line.startswith("saves "):
            style = ' class="s"'
        parts.append(
            f'<text{style} x="{number(leaf.x + leaf.center)}" y="{number(y)}" '
            f'text-anchor="middle">{escape(line)}</text>'
        )
        y += 14
    parts.append("</g>")
    if leaf.label:
        parts.append(
            f'<text class="s" x="{number(leaf.x + leaf.center + 5)}" '
            f'y="{number(leaf.y + height + 12)}">{escape(leaf.label)}</text>'
        )
    x = leaf.x + width + 16
    for i, pill in enumerate(leaf.pills):
        top = leaf.y + i * (PILL_HEIGHT + 3)
        text = pill_text(pill)
        half = text_width(text) / 2 + 7
        middle = top + PILL_HEIGHT / 2
        parts.append(
            f'<path class="e" d="M{number(x)} {number(middle)}L{number(leaf.x + width)} '
            f'{number(middle)}"/>'
        )
        kind = "p" if pill[0].is_parameter else "i"
        parts.append(_pill(x + half, top, text, kind, "\n".join(map(_tooltip, pill))))
    return parts


def _pill(center: float, y: float, text: str, kind: str, tooltip: str) -> str:
    width = text_width(text) + 14
    return (
        f'<g><title>{tooltip}</title><rect class="{kind}" x="{number(center - width / 2)}" '
        f'y="{number(y)}" width="{number(width)}" height="{number(PILL_HEIGHT)}" rx="8"/>'
        f'<text x="{number(center)}" y="{number(y + 12)}" text-anchor="middle">{escape(text)}'
        "</text></g>"
    )
