"""Programs as graphs: recording them, changing them, and writing them as code again.

:func:`symbolic_trace` calls a module with values that note what is done with them. The
:class:`Graph` that comes out is a list of steps; it can be changed and is then compiled again by
:meth:`GraphModule.recompile`. :mod:`tallow.jit` records graphs of real calls.
"""

from __future__ import annotations

from tallow._absent import name_absent_ones
from tallow.fx._symbolic_trace import Tracer, symbolic_trace, wrap
from tallow.fx.graph import Graph
from tallow.fx.graph_module import GraphModule
from tallow.fx.interpreter import Interpreter, Transformer
from tallow.fx.node import Node, has_side_effect, map_arg
from tallow.fx.proxy import Proxy
from tallow.fx.subgraph_rewriter import replace_pattern

__all__ = [
    "Graph",
    "GraphModule",
    "Interpreter",
    "Node",
    "Proxy",
    "Tracer",
    "Transformer",
    "has_side_effect",
    "map_arg",
    "replace_pattern",
    "symbolic_trace",
    "wrap",
]

name_absent_ones(__name__)
