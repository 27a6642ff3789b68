"""Save and load tensors, state dicts and modules in the safetensors format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import tallow

from ._file import DTYPE_NAMES, METADATA, parse_header, safe_open, tensor_at

if TYPE_CHECKING:
    import os

    from tallow import Tensor
    from tallow.nn import Module

__all__ = ["load", "load_file", "load_model", "save", "save_file", "save_model"]


def _code(name: str, tensor: Any) -> str:
    """Return the name of the dtype in files; refuse what cannot be saved."""
    if not isinstance(tensor, tallow.Tensor):
        raise ValueError(
            f"Key `{name}` is invalid, expected torch.Tensor but received {type(tensor)}"
        )
    if tensor.is_meta:
        raise ValueError(f"Key `{name}` is a meta tensor, which has no values to save")
    if not tensor.is_contiguous():
        raise ValueError(
            f"You are trying to save a non contiguous tensor: `{name}` which is not allowed. It "
            "either means you are trying to save tensors which are reference of each other in "
            "which case it's recommended to save only the full tensors, and reslice at load time, "
            "or simply call `.contiguous()` on your tensor to pack it before saving."
        )
    code = DTYPE_NAMES.get(str(tensor.dtype).rpartition(".")[2])
    if code is None:
        raise ValueError(f"Key `{name}` has dtype {tensor.dtype}, which the format does not have")
    return code


def _refuse_shared(tensors: dict[str, Tensor]) -> None:
    names: dict[int, list[str]] = {}
    for name, tensor in tensors.items():
        if tensor.numel():
            names.setdefault(tensor.untyped_storage().data_ptr(), []).append(name)
    shared = [set(group) for group in names.values() if len(group) > 1]
    if shared:
        raise RuntimeError(
            f"Some tensors share memory, this will lead to duplicate memory on disk and potential "
            f"differences when loading them again: {shared}. A potential way to correctly save "
            "your model is to use `save_model`."
        )


def _pieces(tensors: dict[str, Tensor], metadata: dict[str, str] | None) -> list[Any]:
    """Header and tensors in the order of the file: by type, wide ones first, then by name."""
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    codes = {name: _code(name, tensor) for name, tensor in tensors.items()}
    _refuse_shared(tensors)
    header: dict[str, Any] = {}
    if metadata is not None:
        if not all(isinstance(part, str) for pair in metadata.items() for part in pair):
            raise TypeError("metadata must map text to text")
        header[METADATA] = metadata
    if METADATA in tensors:
        raise ValueError(f"Key `{METADATA}` is invalid, the format uses it itself")
    rank = {code: place for place, code in enumerate(DTYPE_NAMES.values())}
    order = sorted(tensors, key=lambda name: (-rank[codes[name]], name))
    position = 0
    for name in order:
        end = position + tensors[name].nbytes
        header[name] = {
            "dtype": codes[name],
            "shape": list(tensors[name].shape),
            "data_offsets": [position, end],
        }
        position = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    data = [memoryview(_bytes(tensors[name])) for name in order if tensors[name].nbytes]
    return [len(text).to_bytes(8, "little"), text, *data]


def _bytes(tensor: Tensor) -> Any:
    flat = tensor.detach().reshape(-1).view(tallow.uint8)
    return flat.numpy()


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Return the bytes of a file with some tensors.

    Args:
        tensors: by name; contiguous, each with memory of its own.
        metadata: texts to keep with them.

    Raises:
        ValueError: no dict of tensors, or one that is not contiguous.
        RuntimeError: tensors share memory.

    Example:
        >>> from tallow.safetensors.torch import load, save
        >>> load(save({"x": tallow.ones(2)}))
        {'x': tensor([1., 1.])}
    """
    return b"".join(_pieces(tensors, metadata))


def save_file(
    tensors: dict[str, Tensor],
    filename: str | os.PathLike[str],
    metadata: dict[str, str] | None = None,
) -> None:
    """Write tensors to a file, which takes the place of an old one when it is whole.

    Args:
        tensors: by name; contiguous, each with memory of its own.
        filename: path of the file.
        metadata: texts to keep with them.

    Raises:
        ValueError: no dict of tensors, or one that is not contiguous.
        RuntimeError: tensors share memory.
    """
    import os

    from tallow.serialization import _replacing

    pieces = _pieces(tensors, metadata)
    with _replacing(os.path.realpath(filename)) as file:
        for piece in pieces:
            file.write(piece)


def load(data: bytes) -> dict[str, Tensor]:
    """Return the tensors in the bytes of a file.

    Args:
        data: the whole file.

    Raises:
        SafetensorError: the bytes are no valid file.
    """
    entries, _, start = parse_header(data)
    return {name: tensor_at(data, start, entry) for name, entry in entries.items()}


def load_file(filename: str | os.PathLike[str], device: Any = "cpu") -> dict[str, Tensor]:
    """Return the tensors of a file, whose bytes are read when they are used.

    Args:
        filename: path of the file.
        device: ``"cpu"``.

    Raises:
        SafetensorError: the file is not valid.
    """
    with safe_open(filename, framework="pt", device=device) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _without_repetitions(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Keep one name of tensors that are the same; return the others with the name kept."""
    kept: dict[Any, str] = {}
    others: dict[str, str] = {}
    for name in sorted(state):
        tensor = state[name]
        place = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if tensor.numel() and place in kept:
            others[name] = kept[place]
        else:
            kept[place if tensor.numel() else name] = name
    return {name: tensor for name, tensor in state.items() if name not in others}, others


def save_model(
    model: Module,
    filename: str,
    metadata: dict[str, str] | None = None,
    force_contiguous: bool = True,
) -> None:
    """Write the state of a module; parameters with several names are written once.

    Args:
        model: the module.
        filename: path of the file.
        metadata: texts to keep.
        force_contiguous: pack tensors that are not contiguous.

    Raises:
        ValueError: a tensor is not contiguous, without ``force_contiguous``.
    """
    state, others = _without_repetitions(model.state_dict())
    if force_contiguous:
        state = {name: tensor.contiguous() for name, tensor in state.items()}
    if others:
        metadata = {**others, **(metadata or {})}
    save_file(state, filename, metadata)


def load_model(
    model: Module, filename: str | os.PathLike[str], strict: bool = True, device: Any = "cpu"
) -> tuple[list[str], list[str]]:
    """Load a file that ``save_model`` has written into a module.

    Args:
        model: the module.
        filename: path of the file.
        strict: refuse names that are missing or unknown.
        device: ``"cpu"``.

    Returns:
        The names that were missing and those that were unknown.

    Raises:
        RuntimeError: with ``strict``, names do not fit.
        SafetensorError: the file is not valid.
    """
    state = load_file(filename, device=device)
    _, others = _without_repetitions(model.state_dict())
    missing, unexpected = model.load_state_dict(state, strict=False)
    # A second name of a parameter has been loaded together with the first, either way round.
    groups: dict[str, set[str]] = {}
    for other, first in others.items():
        groups.setdefault(first, {first}).add(other)
    loaded = {name for group in groups.values() if group & state.keys() for name in group}
    missing = [name for name in missing if name not in loaded]
    if strict and (missing or unexpected):
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(model).__name__}:"
            + (f"\n    Missing key(s) in state_dict: {sorted(missing)}" if missing else "")
            + (f"\n    Unexpected key(s) in state_dict: {sorted(unexpected)}" if unexpected else "")
        )
    return missing, list(unexpected)
