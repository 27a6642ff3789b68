"""``tallow.explain()``: what happens between ``model(x)`` and the gradients, step by step."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tallow._explain.events import HOOK_KINDS, Event
from tallow._explain.recorder import Recorder
from tallow._explain.watcher import current_watcher

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from tallow._explain.hooks import SilentHook

__all__ = ["Trace", "explain"]

COLUMNS = ("in", "out", "time", "alloc", "saved", "note")


def explain() -> Trace:
    """Record every call, hook, op and backward node inside a ``with`` block, as a tree.

    Only the thread that enters the block is recorded. The trace keeps shapes, types, times and
    byte counts but no tensor, and stays readable when the block raises.

    Returns:
        A :class:`Trace`, to be used in a ``with`` statement; print it, show it in a notebook, or
        call its ``save("trace.html")``.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        >>> handle = model[0].register_forward_hook(lambda module, args, output: output * 2)
        >>> x = tallow.ones(1, 2)
        >>> with tallow.explain() as trace:
        ...     y = model(x)
        >>> print(trace.text(columns=("out", "note")))
        event                             out        note
        Sequential.__call__               f32[1, 3]
        └ forward                         f32[1, 3]
          ├ 0: Linear.__call__            f32[1, 3]
          │ ├ forward                     f32[1, 3]
          │ │ └ op linear                 f32[1, 3]
          │ └ forward hook <lambda>       f32[1, 3]  output replaced
          │   └ op mul                    f32[1, 3]
          └ 1: ReLU.__call__              f32[1, 3]
            └ forward                     f32[1, 3]
              └ op relu                   f32[1, 3]
    """
    return Trace()


class Trace:
    """What :func:`explain` has recorded.

    Attributes:
        events: the outermost events, in order; each has ``children``.
        silent_hooks: the hooks that were registered on the modules called and did not run, with
            the reason; known once the block has ended.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.silent_hooks: list[SilentHook] = []
        self._recorder: Recorder | None = None
        self._thread = 0

    def __enter__(self) -> Trace:
        if self._recorder is not None:
            raise RuntimeError("explain(): this trace is being recorded already")
        if self.events:
            raise RuntimeError("explain(): a trace records one block; call explain() again")
        watcher = current_watcher()
        self._recorder = Recorder(self.events)
        self._thread = threading.get_ident()
        watcher.recorders.append(self._recorder)
        watcher.install()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if threading.get_ident() != self._thread or self._recorder is None:
            raise RuntimeError("explain(): the block must end in the thread in which it began")
        watcher = current_watcher()
        recorder, self._recorder = self._recorder, None
        if recorder not in watcher.recorders:
            raise RuntimeError(
                "explain(): blocks must end in the opposite order of their beginning"
            )
        outer = watcher.recorders.index(recorder) - 1
        watcher.recorders.remove(recorder)
        watcher.install()
        recorder.close()
        self.silent_hooks = recorder.ledger.silent()
        recorder.ledger.facts.clear()
        if outer >= 0:  # an outer block shows what an inner one has recorded
            watcher.recorders[outer].adopt(self.events, recorder)

    # Reading.

    def walk(self) -> Iterator[Event]:
        """Yield all events, each before what happened inside it."""
        for event in self.events:
            yield from event.walk()

    def find(self, kind: str | None = None, name: str | None = None) -> list[Event]:
        """Return the events of one kind, of one name, or both.

        Args:
            kind: as in :attr:`Event.kind`.
            name: as in :attr:`Event.name`.

        Example:
            >>> with tallow.explain() as trace:
            ...     y = tallow.ones(2).exp() + 1
            >>> [event.name for event in trace.find("op")]
            ['ones', 'exp', 'add']
        """
        return [
            event
            for event in self.walk()
            if (kind is None or event.kind == kind) and (name is None or event.name == name)
        ]

    def __len__(self) -> int:
        return sum(1 for _ in self.walk())

    @property
    def time_ns(self) -> int:
        """Time of the outermost events together."""
        return sum(event.time_ns for event in self.events)

    # Showing.

    def text(
        self,
        depth: int | None = None,
        kinds: Sequence[str] | None = None,
        columns: Sequence[str] = COLUMNS,
    ) -> str:
        """Return the trace as a table.

        Args:
            depth: leave out what lies deeper in the tree; the outermost events are at depth 1.
            kinds: show events of these kinds only, such as ``("call", "op")``. What lies inside
                one that is left out moves up.
            columns: what to show of each event, of ``"in"``, ``"out"``, ``"time"``, ``"alloc"``,
                ``"saved"`` and ``"note"``.

        Raises:
            ValueError: a depth below 1, or an unknown kind or column.
        """
        from tallow._explain.text import text_of

        _check_choice("columns", columns, COLUMNS)
        _check_choice("kinds", kinds or (), ALL_KINDS)
        if depth is not None and depth < 1:
            raise ValueError(f"Trace.text(): depth must be at least 1, got {depth}")
        return text_of(self, depth, kinds, tuple(columns))

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<tallow trace of {len(self)} events>"

    def _repr_html_(self) -> str:
        from tallow._explain.html import fragment

        return fragment(self)

    def to_html(self) -> str:
        """Return the trace as a self-contained page: a tree to fold, a time line, silent hooks."""
        from tallow._explain.html import page

        return page(self)

    def to_svg(self) -> str:
        """Return the time line as a self-contained SVG: one bar per event, below its caller."""
        from tallow._explain.timeline import timeline_svg

        return timeline_svg(self)

    def to_json(self) -> str:
        """Return the trace as JSON: ``events`` as a tree, and ``silent_hooks``."""
        import json

        return json.dumps(
            {
                "version": 1,
                "events": [event.to_json() for event in self.events],
                "silent_hooks": [hook.to_json() for hook in self.silent_hooks],
            }
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trace to a file.

        Args:
            path: ends in ``.html``, ``.json``, ``.svg`` or ``.txt``, which says how to write it.

        Raises:
            ValueError: another ending.
        """
        import os

        name = os.fspath(path)
        writers = {
            ".html": self.to_html,
            ".json": self.to_json,
            ".svg": self.to_svg,
            ".txt": self.text,
        }
        ending = os.path.splitext(name)[1].lower()
        if ending not in writers:
            raise ValueError(
                f"Trace.save(): the name must end in {', '.join(writers)}, got {name!r}"
            )
        content = writers[ending]()
        with open(name, "w", encoding="utf-8") as file:
            file.write(content)


ALL_KINDS = ("call", "forward", "op", "function", "backward", "node", *HOOK_KINDS)


def _check_choice(name: str, chosen: Sequence[str], allowed: Sequence[str]) -> None:
    if isinstance(chosen, str):
        raise ValueError(f"Trace.text(): {name} must be a sequence of names, got {chosen!r}")
    for one in chosen:
        if one not in allowed:
            raise ValueError(
                f"Trace.text(): {name} must be among {', '.join(allowed)}, got {one!r}"
            )
