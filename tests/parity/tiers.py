"""Which entry of PyTorch's operator database belongs to which tier of the contract.

T0 is what a small training script touches (`tests/contract/t0_names.txt`), T2 the long tail that is
named here to be left out, T1 everything between.
"""

from __future__ import annotations

from pathlib import Path

_T0_NAMES = frozenset((Path(__file__).parents[1] / "contract" / "t0_names.txt").read_text().split())
# Operators spelled with symbols, and in-place draws: part of T0 under other names.
_T0_OTHERS = (
    "uniform slice __radd__ __rdiv__ __rmul__ __rand__ __ror__ __rxor__ __rmatmul__ __rmod__"
    " __rpow__ __rsub__"
)
_T2_PREFIXES = (
    *("masked.", "signal.", "sparse.", "jiterator_", "torch.", "_segment", "_unsafe_masked"),
    *("linalg.ldl", "special.airy", "special.bessel_y", "special.chebyshev", "special.hermite"),
    *("special.laguerre", "special.legendre", "special.modified", "special.scaled"),
    *("special.shifted", "special.spherical"),
)
_T2_NAMES = (
    "expand_copy diagonal_copy as_strided_copy view_copy permute_copy split_with_sizes_copy"
    " unbind_copy unfold_copy squeeze_copy unsqueeze_copy transpose_copy t_copy geqrf ormqr"
    " lu_unpack lu_solve linalg.lu_factor_ex linalg.solve_ex fft.hfft2 fft.hfftn fft.ihfft2"
    " fft.ihfftn _softmax_backward_data _native_batch_norm_legit _batch_norm_with_update"
    " _upsample_bilinear2d_aa max_pool2d_with_indices_backward native_dropout_backward _chunk_cat"
    " empty_permuted nonzero_static histogramdd hash_tensor grid_sampler_2d grid_sampler_3d"
)


_T0_ENTRIES = frozenset(_T0_OTHERS.split())
_T2_ENTRIES = frozenset(_T2_NAMES.split())


def tier(name: str) -> str:
    """'T0', 'T1' or 'T2' for the name of an entry, such as 'nn.functional.conv2d'."""
    if name in _T0_ENTRIES or f"torch.{name}" in _T0_NAMES or f"torch.Tensor.{name}" in _T0_NAMES:
        return "T0"
    return "T2" if name in _T2_ENTRIES or name.startswith(_T2_PREFIXES) else "T1"
