"""Short-time Fourier transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow._composite import composite

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["istft", "stft"]


def _frame_window(name: str, window: Tensor | None, win: int, n_fft: int, like: Tensor) -> Tensor:
    """The window in the middle of `n_fft` samples."""
    real = like.real if like.is_complex() else like
    if window is None:
        window = tallow.ones(win, dtype=real.dtype, device=real.device)
    elif window.dim() != 1 or window.size(0) != win:
        raise RuntimeError(
            f"{name}: expected a 1D window tensor of size equal to win_length={win}, but got "
            f"window with size {list(window.shape)}"
        )
    if win == n_fft:
        return window
    left = (n_fft - win) // 2
    return tallow.nn.functional.pad(window, (left, n_fft - win - left))


@composite
def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """Transform overlapping windows of a signal.

    Args:
        input: (T,) or (B, T), real or complex.
        n_fft: points of each transform.
        hop_length: distance of the windows; a quarter of `n_fft` by default.
        win_length: length of the window; `n_fft` by default.
        window: weights; ones by default.
        center: pad the signal so that window t is centred at ``t * hop_length``.
        pad_mode: how to pad, as in :func:`tallow.nn.functional.pad`.
        normalized: divide by the root of `n_fft`.
        onesided: only non-negative frequencies; by default for real input.
        return_complex: complex result instead of pairs; must be given for real input.
        align_to_window: accepted only with ``center=False``.

    Returns:
        (B, frequencies, windows), with a last dimension of 2 if not complex.

    Raises:
        RuntimeError: sizes that do not fit, or `return_complex` missing.
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    win = n_fft if win_length is None else win_length
    if center and align_to_window is not None:
        raise RuntimeError("stft: align_to_window should only be set when center = false.")
    if return_complex is None:
        if not (input.is_complex() or (window is not None and window.is_complex())):
            raise RuntimeError(
                "stft requires the return_complex parameter be given for real inputs, and will "
                "further require that return_complex=True in a future PyTorch release."
            )
        return_complex = True
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError("stft: expected a tensor of floating point or complex values")
    if input.dim() not in (1, 2):
        raise RuntimeError("stft: expected a 1D or 2D tensor")
    signal = input.unsqueeze(0) if input.dim() == 1 else input
    if center:
        pad = n_fft // 2
        signal = tallow.nn.functional.pad(signal.unsqueeze(1), (pad, pad), pad_mode).squeeze(1)
    length = signal.size(1)
    for bad, text in (
        (not 0 < n_fft <= length, f"expected 0 < n_fft < {length}, but got n_fft={n_fft}"),
        (hop <= 0, f"expected hop_length > 0, but got hop_length={hop}"),
        (not 0 < win <= n_fft, f"expected 0 < win_length <= n_fft, but got win_length={win}"),
    ):
        if bad:
            raise RuntimeError(f"stft: {text}")
    weights = _frame_window("stft", window, win, n_fft, input)
    frames = signal.unfold(-1, n_fft, hop) * weights
    if onesided is None:
        onesided = not frames.is_complex()
    norm = "ortho" if normalized else None
    transform = tallow.fft.rfft if onesided else tallow.fft.fft
    result = transform(frames, norm=norm).transpose(1, 2)
    if input.dim() == 1:
        result = result.squeeze(0)
    return result if return_complex else tallow.view_as_real(result)


@composite
def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """Undo :func:`stft` by the weighted sum of the overlapping windows.

    Args:
        input: (frequencies, windows) or (B, frequencies, windows), complex.
        n_fft: points of each transform.
        hop_length: distance of the windows; a quarter of `n_fft` by default.
        win_length: length of the window; `n_fft` by default.
        window: weights; ones by default.
        center: the signal was padded.
        normalized: the transform was divided by the root of `n_fft`.
        onesided: only non-negative frequencies are given.
        length: length of the signal.
        return_complex: give a complex signal.

    Raises:
        RuntimeError: sizes that do not fit, or windows that leave samples uncovered.
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    win = n_fft if win_length is None else win_length
    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with "
            "return_complex=True."
        )
    if input.numel() == 0:
        raise RuntimeError("istft: input tensor cannot be empty")
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"istft: expected a tensor with 3 or 4 dimensions, but got {input.dim() + 1}"
        )
    if not 0 < hop <= win:
        raise RuntimeError("istft: expected 0 < hop_length <= win_length")
    if not 0 < win <= n_fft:
        raise RuntimeError("istft: expected 0 < win_length <= n_fft")
    spectrum = input.unsqueeze(0) if input.dim() == 2 else input
    if onesided is None:
        onesided = spectrum.size(1) != n_fft
    expected = n_fft // 2 + 1 if onesided else n_fft
    if spectrum.size(1) != expected:
        raise RuntimeError(
            "istft: expected the frequency dimension (3rd to the last) of the input tensor to "
            f"match n_fft {'/ 2 + 1 ' if onesided else ''}when onesided="
            f"{'true' if onesided else 'false'}, but got {spectrum.size(1)}"
        )
    weights = _frame_window("istft", window, win, n_fft, spectrum)
    frames = spectrum.transpose(1, 2)
    norm = "ortho" if normalized else None
    if return_complex:
        frames = tallow.fft.ifft(frames, norm=norm)
    else:
        frames = tallow.fft.irfft(frames[..., : n_fft // 2 + 1], n_fft, norm=norm)
    frames = frames * weights
    count = frames.size(1)
    total = n_fft + hop * (count - 1)
    place = tallow.arange(0, count * hop, hop, device=input.device).unsqueeze(1)
    place = place + tallow.arange(n_fft, device=input.device)
    flat = place.flatten()
    signal = tallow.zeros(frames.size(0), total, dtype=frames.dtype, device=frames.device)
    signal = signal.index_add(1, flat, frames.reshape(frames.size(0), -1))
    square = (weights * weights).expand(count, n_fft).reshape(-1)
    cover = tallow.zeros(total, dtype=square.dtype, device=square.device).index_add(0, flat, square)
    begin = n_fft // 2 if center else 0
    end = begin + length if length is not None else total - (n_fft // 2 if center else 0)
    signal, cover = signal[:, begin : min(end, total)], cover[begin : min(end, total)]
    with tallow.no_grad():
        if cover.numel() and float(cover.abs().min()) <= 1e-11:
            raise RuntimeError("window overlap add min: 1")
    signal = signal / cover
    if end > total:
        signal = tallow.nn.functional.pad(signal, (0, end - total))
    return signal.squeeze(0) if input.dim() == 2 else signal
