"""Errors of layers whose input has other sizes than they were made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow._advice.rules import Finding, hint, is_tensor, product, rule, tensors_of

if TYPE_CHECKING:
    from typing import Any

    Values = dict[str, Any]


# Matrix products and linear layers.


@rule(r"mat1 and mat2 shapes cannot be multiplied|size mismatch, got input")
def _matrix_product(match: Any, values: Values, module: Any) -> Finding | None:
    tensors = tensors_of(values)
    if "weight" in values and len(tensors) >= 2:
        (name, x), weight = tensors[0], values["weight"]
        wanted = int(weight.shape[-1])
        marks = {name: ((-1, f"expected {wanted}, the layer's in_features"),)}
        return Finding(_linear_hint(x.shape, wanted), marks, {})
    if len(tensors) < 2:
        return None
    (left, a), (right, b) = tensors[:2]
    inner = min(2, b.ndim)
    marks = {left: ((-1, f"expected {int(b.shape[-inner])}"),), right: ((-inner, "rows"),)}
    advice = None
    if b.ndim == 2 and a.shape[-1] == b.shape[-1]:
        advice = f"did you mean {left} @ {right}.T?"
    elif a.ndim == 2 and a.shape[0] == b.shape[-inner]:
        advice = f"did you mean {left}.T @ {right}?"
    return Finding(advice, marks)


def _linear_hint(shape: Any, wanted: int) -> str:
    for start in range(len(shape) - 1):
        if start > 0 and product(shape[start:]) == wanted:
            return f"did you mean x.flatten({start}) before the layer? That gives {wanted} features"
    if len(shape) > 1 and wanted in shape[:-1]:
        axis = list(shape).index(wanted)
        return f"axis {axis} has {wanted}: did you mean x.transpose({axis}, -1)?"
    return (
        f"the last axis holds the features: make the layer with in_features={int(shape[-1])}, "
        f"or give it {wanted} features"
    )


@rule(r"^(batch[12]) must be a 3D tensor")
def _batched_product(match: Any, values: Values, module: Any) -> Finding:
    return Finding("bmm takes two 3-d tensors; tallow.matmul broadcasts the batch")


# Convolutions and pooling.


@rule(r"expected input\[[\d, ]+\] to have (\d+) channels, but got (\d+) channels")
def _channels(match: Any, values: Values, module: Any) -> Finding | None:
    wanted, got = int(match[1]), int(match[2])
    tensors = tensors_of(values)
    if not tensors:
        return None
    name, x = tensors[0]
    weight = values.get("weight")
    spatial = (weight.ndim if weight is not None else 4) - 2
    batched = x.ndim == spatial + 2
    marks = {name: ((1 if batched else 0, f"expected {wanted} channels"),)}
    if int(x.shape[-1]) == wanted and got != wanted:
        if spatial == 1 and batched:
            advice = "channels come second: did you mean x.transpose(1, 2)?"
        else:
            axes = [0] if batched else []
            axes += [x.ndim - 1, *range(len(axes), x.ndim - 1)]
            advice = f"channels come first: did you mean x.permute({', '.join(map(str, axes))})?"
    elif not batched and wanted == 1:
        advice = "did you mean x.unsqueeze(1), a batch of pictures with one channel?"
    else:
        advice = f"make the layer with in_channels={got}, or give it {wanted} channels"
    return Finding(advice, marks)


@rule(r"Expected (\d)D \(unbatched\) or (\d)D \(batched\) input to (\w+)")
def _convolution_rank(match: Any, values: Values, module: Any) -> Finding | None:
    tensors = tensors_of(values)
    if not tensors:
        return None
    _, x = tensors[0]
    missing = int(match[1]) - x.ndim
    if missing == 1:
        return Finding("a channel axis is missing: did you mean x.unsqueeze(0)?")
    return Finding(f"{match[3]} takes (N, C, ...) or (C, ...): x has {x.ndim} axes")


hint(
    r"Kernel size can't be greater than actual input size",
    "the input has become smaller than the kernel: use padding, a smaller kernel, or larger input",
)
hint(
    r"Output size is too small",
    "the input is too small for this window: leave out a pooling or a stride before it",
)


# Normalisation.


@rule(r"(running_mean|running_var|weight|bias) should contain (\d+) elements not (\d+)")
def _batch_norm_features(match: Any, values: Values, module: Any) -> Finding | None:
    tensors = tensors_of(values)
    if not tensors:
        return None
    advice = f"make the layer with num_features={match[2]}, or give it {match[3]} channels"
    return Finding(
        advice, {tensors[0][0]: ((1, f"expected {match[3]}, the layer's num_features"),)}
    )


@rule(r"expected (\d)D(?: or (\d)D)? input \(got (\d)D input\)")
def _batch_norm_rank(match: Any, values: Values, module: Any) -> Finding:
    ranks, got = {int(rank) for rank in match.groups()[:2] if rank}, int(match[3])
    if got + 1 in ranks and got + 1 > 2:
        return Finding("the batch axis is missing: did you mean x.unsqueeze(0)?")
    other = {2: "BatchNorm1d", 3: "BatchNorm1d", 4: "BatchNorm2d", 5: "BatchNorm3d"}.get(got)
    return Finding(f"did you mean {other}?" if other else None)


hint(
    r"Expected more than 1 value per channel when training",
    "batch statistics need more than one value: use a larger batch, or eval() the module",
)


@rule(r"Given normalized_shape=\[([\d, ]+)\], expected input with shape")
def _layer_norm(match: Any, values: Values, module: Any) -> Finding | None:
    wanted = [int(size) for size in match[1].split(",")]
    tensors = tensors_of(values)
    if not tensors:
        return None
    name, x = tensors[0]
    count = len(wanted)
    marks = tuple(
        (i - count, f"expected {wanted[i]}")
        for i in range(count)
        if count <= x.ndim and x.shape[i - count] != wanted[i]
    )
    if count == 1 and x.ndim > 2 and x.shape[1] == wanted[0]:
        axes = ", ".join(map(str, [0, *range(2, x.ndim), 1]))
        return Finding(f"channels come last here: did you mean x.permute({axes})?", {name: marks})
    sizes = list(x.shape[-count:])
    return Finding(f"make the layer with normalized_shape={sizes}", {name: marks})


@rule(r"Expected weight to be a vector of size equal to the number of channels.*shape \[(\d+)\]")
def _group_norm(match: Any, values: Values, module: Any) -> Finding | None:
    name, x = tensors_of(values)[0]
    return Finding(
        f"make the layer with num_channels={int(x.shape[1])}",
        {name: ((1, f"expected {match[1]}, the layer's num_channels"),)},
    )


@rule(r"Found parameter numbers = (\d+) and channel size = (\d+)")
def _prelu(match: Any, values: Values, module: Any) -> Finding | None:
    name, _ = tensors_of(values)[0]
    return Finding(
        f"make the layer with num_parameters={match[2]} or 1",
        {name: ((1, f"expected {match[1]}, the layer's num_parameters"),)},
    )


# Recurrent layers and attention.


@rule(r"must be equal to input_size\. Expected (\d+), got (\d+)")
def _recurrent_input(match: Any, values: Values, module: Any) -> Finding | None:
    name, _ = tensors_of(values)[0]
    marks = {name: ((-1, f"expected {match[1]}, the layer's input_size"),)}
    return Finding(f"make the layer with input_size={match[2]}", marks)


@rule(r"Expected (hidden\S*|hidden size)\s*(?:size )?\((\d+, \d+, \d+)\), got \[([\d, ]+)\]")
def _recurrent_state(match: Any, values: Values, module: Any) -> Finding:
    wanted = f"({match[2]})"
    marks = {}
    sizes = [int(size) for size in match[2].split(",")]
    for name in ("hx", "h_0", "hidden"):
        state = values.get(name)
        if is_tensor(state) and state.ndim == len(sizes):
            marks[name] = tuple(
                (i, f"expected {size}") for i, size in enumerate(sizes) if state.shape[i] != size
            )
    return Finding(
        f"the state is (layers * directions, batch, hidden_size): {wanted} for this input", marks
    )


@rule(r"was expecting embedding dimension of (\d+), but got (\d+)")
def _attention(match: Any, values: Values, module: Any) -> Finding | None:
    name, _ = tensors_of(values)[0]
    return Finding(
        f"make the layer with embed_dim={match[2]}, or project the query to {match[1]}",
        {name: ((-1, f"expected {match[1]}, the layer's embed_dim"),)},
    )
