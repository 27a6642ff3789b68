"""Where the methods of Tensor live that are written in Python and loaded when first used."""

from __future__ import annotations

__all__ = ["INPLACE", "METHODS"]

# Method -> module of its function.
METHODS: dict[str, str] = {
    name: module
    for module, names in {
        "_composites.complex_numbers": "angle isreal",
        "_composites.creation": "resize_as_",
        "_composites.distances": "dist renorm",
        "_composites.gammas": "igamma igammac polygamma",
        "_composites.matrices": (
            "cholesky cholesky_inverse cholesky_solve det geqrf inverse logdet lu matrix_exp"
            " lu_solve matrix_power orgqr ormqr pinverse qr slogdet svd triangular_solve"
        ),
        "_composites.numbers": "frexp ldexp nonzero_static",
        "_composites.pieces": (
            "dsplit hsplit narrow_copy tensor_split unsafe_chunk unsafe_split"
            " unsafe_split_with_sizes vsplit"
        ),
        "_composites.scatters": (
            "as_strided_scatter diagonal_scatter index_reduce index_reduce_ select_scatter"
            " slice_scatter"
        ),
        "_composites.spectra": "istft stft",
        "_composites.hashing": "hash_tensor",
        "_composites.histograms": "histc histogram",
        "_composites.statistics": "corrcoef cov diff nanquantile quantile",
        "_composites.inplace": "conj_physical_",
        "_composites.tensor_methods": (
            "chalf dim_order is_distributed is_set_to map2_ map_ new_empty_strided record_stream"
            " resize resize_as storage_type to_dense to_mkldnn to_sparse to_sparse_coo"
            " to_sparse_csr to_sparse_bsc to_sparse_bsr to_sparse_csc as_strided_ coalesce"
            " const_data_ptr dense_dim dequantize indices is_coalesced module_load sparse_dim"
            " set_ sparse_mask values"
        ),
        "special._error_inverse": "erfinv",
        "special._gamma": "digamma lgamma mvlgamma",
        "special": "i0",
        "_composites.predicates": "is_nonzero",
        "_shared_memory": "is_shared",
    }.items()
    for name in names.split()
}
# Methods that also have an in-place form.
_INPLACE = "digamma erfinv i0 igamma igammac ldexp lgamma mvlgamma polygamma renorm"
INPLACE = tuple(_INPLACE.split())
