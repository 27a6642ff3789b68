"""What pictures and pages have in common: escaping, colours, fonts."""

from __future__ import annotations

__all__ = ["COLORS", "FONT", "escape", "number"]

FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
# Per kind of event: fill and frame.
COLORS = {
    "call": ("#e8eefc", "#5b7bd5"),
    "forward": ("#f3f6fd", "#9fb3e6"),
    "op": ("#eef7ee", "#5a9e5a"),
    "function": ("#eaf6f6", "#3f9a9a"),
    "backward": ("#fdeeee", "#c96a6a"),
    "node": ("#fdf1e7", "#cc8a4a"),
    "hook": ("#f6ecfb", "#9a62b8"),
}


def escape(text: object) -> str:
    """Return text for an element or a quoted attribute.

    Example:
        >>> escape('<b> & "c"')
        '&lt;b&gt; &amp; &quot;c&quot;'
    """
    return (
        str(text)
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
    )


def number(value: float) -> str:
    """Return a coordinate with at most one decimal.

    Example:
        >>> number(3.0), number(2.25)
        ('3', '2.2')
    """
    return f"{value:.1f}".removesuffix(".0")


def colors_of(kind: str) -> tuple[str, str]:
    """Return fill and frame for a kind of event."""
    return COLORS.get(kind) or COLORS["hook"]
