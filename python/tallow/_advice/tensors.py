"""Errors about dtypes, class indices, and the values and shapes of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow._advice.rules import Finding, hint, is_tensor, product, rule, tensors_of

if TYPE_CHECKING:
    from typing import Any

    Values = dict[str, Any]


# Dtypes and types of arguments.


@rule(
    r"must have the same dtype, but got (\w+) and (\w+)"
    r"|Input type \(([\w ]+)\) and (?:bias|weight) type \(([\w ]+)\) should be the same"
    r"|expected (?:m1 and m2|scalar type (\w+)) .*but (?:got|found)"
)
def _same_dtype(match: Any, values: Values, module: Any) -> Finding:
    given = (match[1] or match[3] or "").lower()
    if given in ("double", "float64"):
        return Finding("NumPy makes float64: did you mean x.float()?")
    if given in ("byte", "unsigned char"):
        return Finding("did you mean x.float() / 255?")
    return Finding("did you mean x.float(), or to convert the module with .to(x.dtype)?")


@rule(r"argument '(\w+)'.* must be Tensor, not ([\w.]+)")
def _not_a_tensor(match: Any, values: Values, module: Any) -> Finding:
    if match[2] == "numpy.ndarray":
        return Finding("did you mean tallow.from_numpy(x)?")
    if match[2] == "tuple":
        return Finding(
            "recurrent layers and attention return more than the output: did you mean "
            "output, state = layer(x)?"
        )
    return Finding(f"did you mean tallow.tensor({match[1]})?")


hint(
    r"could not infer output dtype\. Input dtype must be either a floating point",
    "integers have no mean here: did you mean x.float()?",
)
hint(r"Found dtype (\w+) but expected Float", "did you mean target.float()?")


# Class indices and losses.


@rule(r"^index out of range in self")
def _token(match: Any, values: Values, module: Any) -> Finding | None:
    weight = values.get("weight")
    tensors = [value for name, value in tensors_of(values) if name != "weight"]
    if module is not None:
        weight = getattr(module, "weight", None)
    if not tensors or not is_tensor(weight):
        return None
    largest, smallest = int(tensors[0].max()), int(tensors[0].min())
    if smallest < 0:
        return Finding(f"the smallest index is {smallest}; indices start at 0")
    return Finding(
        f"the largest index is {largest}, the table has {int(weight.shape[0])} rows: make it with "
        f"num_embeddings={largest + 1}"
    )


hint(r"'indices' to have one of the following scalar types", "did you mean indices.long()?")


@rule(r"^Target (-?\d+) is out of bounds")
def _class_index(match: Any, values: Values, module: Any) -> Finding | None:
    name, scores = tensors_of(values)[0]
    axis = 1 if scores.ndim > 1 else 0
    count = int(scores.shape[axis])
    start = " (do your labels start at 1?)" if int(match[1]) == count else ""
    return Finding(
        f"target {match[1]} with {count} classes: labels go from 0 to {count - 1}{start}",
        {name: ((axis, f"{count} classes"),)},
    )


hint(r"expected target dtype to be Long", "class indices are integers: did you mean target.long()?")


@rule(r"0D or 1D target tensor expected, multi-target not supported")
def _class_column(match: Any, values: Values, module: Any) -> Finding:
    target = values.get("target")
    if is_tensor(target) and target.shape[-1] == 1:
        return Finding("did you mean target.squeeze(1)?", {"target": ((-1, "one too many"),)})
    return Finding("for one-hot rows: did you mean target.argmax(1)?")


hint(
    r"Expected floating point type for target with class probabilities",
    "one-hot rows are probabilities: did you mean target.argmax(1) or target.float()?",
)


@rule(r"Expected input batch_size \((\d+)\) to match target batch_size \((\d+)\)")
def _batch_sizes(match: Any, values: Values, module: Any) -> Finding:
    marks = {}
    for name, size in (("input", match[1]), ("target", match[2])):
        if name in values:
            marks[name] = ((0, f"batch of {size}"),)
    return Finding("scores and labels must be those of the same batch", marks)


@rule(r"is different to the input size|must be the same as input size")
def _column_against_vector(match: Any, values: Values, module: Any) -> Finding | None:
    x, target = values.get("input"), values.get("target")
    if not (is_tensor(x) and is_tensor(target)):
        return None
    if x.ndim == target.ndim + 1 and x.shape[-1] == 1:
        advice = f"did you mean input.squeeze({x.ndim - 1}) or target.unsqueeze({x.ndim - 1})?"
        return Finding(advice, {"input": ((-1, "not in the target"),)})
    marks = tuple(
        (i, "differs") for i in range(min(x.ndim, target.ndim)) if x.shape[i] != target.shape[i]
    )
    return Finding("the loss compares element by element", {"target": marks})


hint(
    r"all elements of (input|target) should be between 0 and 1",
    "scores are no probabilities: use BCEWithLogitsLoss, or x.sigmoid() first",
)


# Shapes in the user's own arithmetic.


@rule(r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\).* dimension (\d+)")
def _broadcast(match: Any, values: Values, module: Any) -> Finding | None:
    tensors = tensors_of(values)
    if len(tensors) < 2:
        return None
    (left, a), (right, b) = tensors[:2]
    from_end = int(match[3]) - max(a.ndim, b.ndim)
    marks = {}
    for name, tensor in ((left, a), (right, b)):
        marks[name] = ((from_end, f"axis {tensor.ndim + from_end}"),)
    advice = None
    if a.ndim == b.ndim == 4 and from_end == -3:
        advice = "a shortcut needs equal channels: put a 1x1 convolution into it"
    elif a.ndim == b.ndim and a.ndim > 1:
        advice = "axes broadcast only where one of them has size 1"
    return Finding(advice, marks)


@rule(r"Sizes of tensors must match except in dimension (\d+)")
def _join(match: Any, values: Values, module: Any) -> Finding | None:
    tensors = next((v for v in values.values() if isinstance(v, (list, tuple))), None)
    if tensors is None:
        return None
    joined, first = int(match[1]), tensors[0]
    other = next((t for t in tensors if t.ndim == first.ndim and t.shape != first.shape), None)
    if other is None:
        return None
    axis = next(
        (i for i in range(first.ndim) if i != joined and first.shape[i] != other.shape[i]), None
    )
    if axis is None:
        return None
    shown = {"first": first, "other": other}
    marks = dict.fromkeys(shown, ((axis, f"axis {axis}"),))
    same = [i for i in range(first.ndim) if first.shape[i] == other.shape[i]]
    advice = f"did you mean dim={axis}?" if len(same) == first.ndim - 1 else None
    return Finding(advice, marks, shown)


hint(
    r"stack expects each tensor to be equal size",
    "stack makes a new axis and needs tensors of the same shape; cat joins along an existing one",
)


@rule(r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)")
def _view(match: Any, values: Values, module: Any) -> Finding:
    sizes = [int(size) for size in match[1].split(",")]
    if -1 in sizes:
        rest = -product(sizes)
        return Finding(f"{match[2]} elements do not divide by {rest}")
    return Finding(
        f"that shape has {product(sizes)} elements, the tensor {match[2]}; -1 stands for the size "
        "that fits"
    )


hint(r"view size is not compatible with input tensor's size and stride", "did you mean reshape()?")


@rule(r"Dimension out of range \(expected to be in range of \[(-?\d+), (-?\d+)\], but got (-?\d+)")
def _dimension(match: Any, values: Values, module: Any) -> Finding:
    rank = int(match[2]) + 1
    return Finding(f"a {rank}-d tensor has the axes 0 to {match[2]}, or -1 to {match[1]}")


@rule(r"index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)")
def _index(match: Any, values: Values, module: Any) -> Finding:
    return Finding(f"axis {match[2]} has the indices 0 to {int(match[3]) - 1}")


# Values of tensors in Python.


hint(
    r"Boolean value of Tensor with more than one value is ambiguous",
    "choose element by element with tallow.where(condition, a, b), or reduce with .any() or .all()",
)
hint(
    r"a Tensor with \d+ elements cannot be converted to Scalar",
    "item() is for one element: did you mean .tolist(), or .sum() or .mean() first?",
)
hint(
    r"Can't call numpy\(\) on Tensor that requires grad",
    "x.detach().numpy() gives the values and leaves the graph alone",
)
hint(
    r"leaf Variable that requires grad is being used in an in-place operation",
    "change parameters under tallow.no_grad(), or compute a new tensor instead",
)
hint(
    r"grad can be implicitly created only for scalar outputs",
    "reduce to one number first, with .sum() or .mean(), or pass the gradient of the output",
)
hint(
    r"not compiled with CUDA enabled",
    "no CUDA backend in this build: choose the device with "
    'device = "cuda" if tallow.cuda.is_available() else "cpu"',
)
