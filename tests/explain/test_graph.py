"""Tensor.graph(): nodes, scopes, bytes, SVG and DOT."""

from __future__ import annotations

import re
import time
from xml.etree import ElementTree

import pytest

import tallow
from tallow import nn
from tallow.autograd.graph import record_scopes
from tallow.demo import LeNet

SVG = "{http://www.w3.org/2000/svg}"


class Block(nn.Module):
    """The residual block of ResNet-18."""

    def __init__(self, inner: int, outer: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer)
            )

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += shortcut
        return self.relu(out)


def resnet18() -> nn.Sequential:
    """ResNet-18 with an eighth of the channels, which draws the same graph."""
    stages = [
        nn.Sequential(Block(inner, outer, stride), Block(outer, outer, 1))
        for inner, outer, stride in ((8, 8, 1), (8, 16, 2), (16, 32, 2), (32, 64, 2))
    ]
    stem = nn.Sequential(
        nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True)
    )
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    return nn.Sequential(stem, nn.MaxPool2d(3, 2, 1), *stages, *head)


def walked(tensor: tallow.Tensor) -> int:
    """Count nodes the way a user would."""
    seen = set()
    stack = [tensor.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None and node not in seen:
            seen.add(node)
            stack += [function for function, _ in node.next_functions]
    return len(seen)


@pytest.fixture(scope="module")
def resnet() -> tuple[nn.Module, tallow.Tensor]:
    tallow.manual_seed(0)
    model = resnet18()
    with record_scopes():
        return model, model(tallow.rand(2, 3, 64, 64))


def test_nodes_are_those_of_a_walk(resnet):
    model, y = resnet
    graph = y.graph(model)
    assert len(graph.nodes) == len(graph) == walked(y) == 132
    x = tallow.ones(2, requires_grad=True)
    z = (x * x + x).sum()
    assert len(z.graph()) == walked(z) == 4


def test_edges_carry_shapes_and_positions():
    x = tallow.ones(2, 3, requires_grad=True)
    w = tallow.ones(3, 4, requires_grad=True)
    graph = (x @ w).graph()
    assert [(edge.source, edge.target, edge.input, edge.shape) for edge in graph.edges] == [
        (1, 0, 0, (2, 3)),
        (2, 0, 1, (3, 4)),
    ]


def test_a_leaf_has_a_graph_of_itself():
    x = tallow.ones(2, requires_grad=True)
    graph = x.graph()
    assert [node.name for node in graph.nodes] == ["AccumulateGrad"]
    ElementTree.fromstring(graph.svg())


def test_saved_bytes_count_each_memory_once_and_no_parameters():
    x = tallow.ones(256, requires_grad=True)
    y = x.exp()
    graph = (y * y).sum().graph()
    assert graph.saved_bytes == 1024
    assert [node.saved_bytes for node in graph.nodes] == [0, 2048, 1024, 0]
    layer = nn.Linear(8, 8)
    assert layer(tallow.ones(1, 8)).graph().saved_bytes == 32


def test_scopes_are_recorded_only_when_asked_for():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    x = tallow.ones(1, 2)
    assert {node.scope for node in model(x).graph().nodes} == {None}
    with record_scopes():
        recorded = model(x)
    with tallow.explain():
        explained = model(x)
    for y in (recorded, explained):
        scopes = {node.name: node.scope for node in y.graph().nodes}
        assert (scopes["ReluBackward0"], scopes["AddmmBackward0"]) == ("1", "0")


def test_a_model_names_parameters_and_what_uses_them():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    graph = model(tallow.ones(1, 2)).graph(model)
    assert sorted(node.leaf for node in graph.nodes if node.leaf) == ["0.bias", "0.weight"]
    assert next(n for n in graph.nodes if n.name == "AddmmBackward0").scope == "0"


def texts(svg: str) -> list[tuple[float, float, float, str]]:
    """Return left, right, baseline and content of every text."""
    found = []
    for element in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        width = len(element.text) * 6.6
        x, y = float(element.get("x")), float(element.get("y"))
        left = x - width / 2 if element.get("text-anchor") == "middle" else x
        found.append((left, left + width, y, element.text))
    return found


def overlapping(svg: str) -> list[tuple[str, str]]:
    places = texts(svg)
    return [
        (a[3], b[3])
        for i, a in enumerate(places)
        for b in places[:i]
        if a[0] < b[1] and b[0] < a[1] and abs(a[2] - b[2]) < 9
    ]


def test_no_text_covers_another(resnet):
    model, y = resnet
    assert overlapping(y.graph(model).svg()) == []
    lenet = LeNet()
    with record_scopes():
        y = lenet(tallow.zeros(2, 1, 28, 28))
    assert overlapping(y.graph(lenet).svg()) == []


def rectangles(svg: str, kind: str) -> list[tuple[float, float, float, float]]:
    return [
        tuple(float(element.get(name)) for name in ("x", "y", "width", "height"))
        for element in ElementTree.fromstring(svg).iter(f"{SVG}rect")
        if element.get("class") == kind
    ]


def test_operations_lie_inside_the_picture_and_beside_each_other(resnet):
    model, y = resnet
    svg = y.graph(model).svg()
    places = [place for kind in "omipy" for place in rectangles(svg, kind)]
    left, top, width, height = map(float, re.search(r'viewBox="([^"]+)"', svg)[1].split())
    for i, (x, y_, w, h) in enumerate(places):
        assert left <= x <= x + w <= left + width
        assert top <= y_ <= y_ + h <= top + height
        for x2, y2, w2, h2 in places[:i]:
            assert x >= x2 + w2 or x2 >= x + w or y_ >= y2 + h2 or y2 >= y_ + h


def test_modules_are_frames_in_frames(resnet):
    model, y = resnet
    svg = y.graph(model).svg()
    titles = [
        element.find(f"{SVG}title").text
        for element in ElementTree.fromstring(svg).iter(f"{SVG}g")
        if element.find(f"{SVG}rect").get("class") == "b"
    ]
    assert {"0", "2", "2.0", "2.1", "3", "3.0", "3.0.downsample"} <= set(titles)
    frames = rectangles(svg, "b")
    inner, outer = frames[titles.index("3.0")], frames[titles.index("3")]
    assert outer[0] < inner[0]
    assert outer[1] < inner[1]
    assert inner[0] + inner[2] < outer[0] + outer[2]
    assert inner[1] + inner[3] < outer[1] + outer[3]


def test_the_picture_is_self_contained_and_always_the_same(resnet):
    model, y = resnet
    svg = y.graph(model)._repr_svg_()
    assert svg == y.graph(model).svg()
    rest = svg.replace('xmlns="http://www.w3.org/2000/svg"', "")
    for word in ("http", "<script", "href", "@import", "url("):
        assert word not in rest


def test_resnet18_is_drawn_in_a_tenth_of_a_second(resnet):
    model, y = resnet
    y.graph(model).svg()
    times = []
    for _ in range(3):
        begin = time.thread_time()
        y.graph(model).svg()
        times.append(time.thread_time() - begin)
    assert min(times) < 0.1


def test_the_dot_text_has_every_node_and_edge(resnet):
    model, y = resnet
    graph = y.graph(model)
    text = graph.dot()
    assert text.startswith("digraph autograd {")
    assert text.count("{") == text.count("}")
    assert len(re.findall(r"^ *n\d+ \[label=", text, re.M)) == len(graph.nodes)
    assert len(re.findall(r"^ *n\d+ -> n\d+", text, re.M)) == len(graph.edges)
    assert 'label="3.0.downsample"' in text


def test_files(tmp_path):
    graph = tallow.ones(1, requires_grad=True).exp().graph()
    graph.save(tmp_path / "graph.svg")
    graph.save(tmp_path / "graph.dot")
    assert (tmp_path / "graph.svg").read_text() == graph.svg()
    assert (tmp_path / "graph.dot").read_text() == graph.dot()
    with pytest.raises(ValueError, match=r"must end in \.svg, \.dot, got"):
        graph.save(tmp_path / "graph.png")


def test_deep_chains_do_not_recurse():
    y = x = tallow.ones(1, requires_grad=True)
    for _ in range(3000):
        y = y * x
    graph = y.graph()
    assert len(graph) == 3001


def test_graphs_of_gradients_can_be_drawn():
    x = tallow.ones(3, requires_grad=True)
    (grad,) = tallow.autograd.grad((x * x).exp().sum(), x, create_graph=True)
    graph = grad.sum().graph()
    assert len(graph) == walked(grad.sum())
    ElementTree.fromstring(graph.svg())


def test_the_graph_outlives_nothing():
    x = tallow.ones(256, requires_grad=True)
    before = tallow._C._live_nodes()
    graph = x.exp().sum().graph()
    assert tallow._C._live_nodes() == before
    assert graph.saved_bytes == 1024


def test_misuse_is_refused():
    with pytest.raises(RuntimeError, match="does not require grad, so nothing was recorded"):
        tallow.ones(1).graph()
    with pytest.raises(TypeError, match="model must be a Module, not int"):
        tallow.ones(1, requires_grad=True).graph(3)
