"""Where the names live that ``import tallow`` does not load at once."""

from __future__ import annotations

__all__ = ["LAZY"]

# Module -> what of it belongs to the top level.
_HOMES = {
    "_buffer": "frombuffer from_file",
    "_streams": "Event Stream",
    "_dtype_info": "finfo iinfo",
    "_legacy": (
        "BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor"
        " IntTensor LongTensor ShortTensor legacy_contiguous_format typename"
    ),
    "_settings": (
        "are_deterministic_algorithms_enabled get_float32_matmul_precision"
        " is_deterministic_algorithms_warn_only_enabled is_warn_always_enabled set_default_device"
        " set_default_tensor_type set_float32_matmul_precision set_warn_always"
        " set_anomaly_enabled set_flush_denormal get_num_interop_threads set_num_interop_threads"
        " use_deterministic_algorithms get_deterministic_debug_mode get_device_module"
        " has_lapack has_mkl has_openmp has_spectral init_num_threads set_deterministic_debug_mode"
    ),
    "_symbols": (
        "cond SymBool SymFloat SymInt sym_float sym_int sym_ite sym_max sym_min sym_not sym_sqrt"
        " sym_sum"
        " _assert _check _check_index _check_not_implemented _check_type _check_value _check_with"
    ),
    "_tensor_str": "set_printoptions",
    "_alias": "as_torch",
    "_explain": "NonFiniteError explain nan_guard",
    "amp": "autocast GradScaler",
    "amp.autocast_mode": (
        "autocast_decrement_nesting autocast_increment_nesting clear_autocast_cache"
        " get_autocast_cpu_dtype get_autocast_dtype get_autocast_gpu_dtype"
        " is_autocast_cache_enabled is_autocast_cpu_enabled is_autocast_enabled"
        " set_autocast_cache_enabled set_autocast_cpu_dtype set_autocast_cpu_enabled"
        " set_autocast_dtype set_autocast_enabled set_autocast_gpu_dtype"
    ),
    "compiler": "compile",
    "distributions._draws": "binomial poisson",
    "distributions._implicit": (
        "_dirichlet_grad _sample_dirichlet _standard_gamma _standard_gamma_grad"
    ),
    "func": "vmap",
    "functional": "unravel_index",
    "_composites.complex_numbers": "angle isreal polar",
    "_composites.copies": (
        "as_strided_copy detach_copy diagonal_copy expand_copy permute_copy select_copy slice_copy"
        " split_copy split_with_sizes_copy squeeze_copy t_copy transpose_copy unbind_copy"
        " unfold_copy unsqueeze_copy view_as_complex_copy view_as_real_copy view_copy"
    ),
    "_composites.samplers": ("affine_grid_generator grid_sampler grid_sampler_2d grid_sampler_3d"),
    "_composites.creation": (
        "asarray constant_pad_nd empty_permuted range resize_as_ scalar_tensor"
    ),
    "_composites.inplace": "as_strided_ conj_physical_ detach_ i0_ ldexp_",
    "_composites.distances": "cdist dist renorm",
    "_composites.foreach": (
        "_foreach_abs _foreach_abs_ _foreach_add _foreach_add_ _foreach_addcdiv _foreach_addcdiv_"
        " _foreach_addcmul _foreach_addcmul_ _foreach_clamp_max _foreach_clamp_max_"
        " _foreach_clamp_min _foreach_clamp_min_ _foreach_copy_ _foreach_div _foreach_div_"
        " _foreach_exp _foreach_exp_ _foreach_lerp _foreach_lerp_ _foreach_log _foreach_log_"
        " _foreach_maximum _foreach_maximum_ _foreach_minimum _foreach_minimum_ _foreach_mul"
        " _foreach_mul_ _foreach_neg _foreach_neg_ _foreach_norm _foreach_pow _foreach_pow_"
        " _foreach_reciprocal _foreach_reciprocal_ _foreach_rsqrt _foreach_rsqrt_ _foreach_sigmoid"
        " _foreach_sigmoid_ _foreach_sign _foreach_sign_ _foreach_sqrt _foreach_sqrt_ _foreach_sub"
        " _foreach_sub_ _foreach_tanh _foreach_tanh_ _foreach_zero_"
    ),
    "_composites.gammas": "igamma igammac",
    "_composites.histograms": "histc histogram histogramdd",
    "_composites.matrices": (
        "cholesky cholesky_inverse cholesky_solve det frobenius_norm geqrf inverse logdet lu"
        " lu_solve lu_unpack"
        " matrix_exp matrix_power nuclear_norm orgqr ormqr pca_lowrank pinverse qr slogdet svd"
        " svd_lowrank triangular_solve vander"
    ),
    "_composites.numbers": "frexp isin ldexp nonzero_static",
    "_composites.pieces": (
        "alias_copy column_stack combinations dsplit hsplit narrow_copy tensor_split unsafe_chunk"
        " unsafe_split unsafe_split_with_sizes vsplit"
    ),
    "_composites.scatters": (
        "as_strided_scatter diagonal_scatter index_reduce select_scatter slice_scatter"
    ),
    "_composites.hashing": "hash_tensor",
    "_composites.segments": "segment_reduce",
    "_composites.spectra": "istft stft",
    "sparse": "dsmm hspmm smm sparse_coo_tensor sparse_csr_tensor spmm",
    "_composites.statistics": (
        "corrcoef cov cumulative_trapezoid diff gradient nanquantile quantile trapezoid trapz"
    ),
    "_composites.windows": (
        "bartlett_window blackman_window hamming_window hann_window kaiser_window"
    ),
    "_composites.weights": "_weight_norm norm_except_dim",
    "nn.functional": (
        "cosine_similarity pairwise_distance pdist pixel_shuffle pixel_unshuffle channel_shuffle"
        " cosine_embedding_loss hinge_embedding_loss margin_ranking_loss triplet_margin_loss"
        " poisson_nll_loss rrelu rrelu_ conv3d conv_tbc conv_transpose3d ctc_loss max_pool3d"
    ),
    "nn.functional.recurrent": "gru_cell lstm_cell rnn_relu_cell rnn_tanh_cell",
    "nn.functional.recurrent_stacks": "gru lstm rnn_relu rnn_tanh",
    "special": "i0",
    "special._error_inverse": "erfinv",
    "special._gamma": "digamma lgamma mvlgamma polygamma",
    "jit": "ScriptModule",
    "futures": "Future",
    "serialization": "load save",
    "_serialization.file_reader": "PyTorchFileReader",
    "storage": (
        "BFloat16Storage BoolStorage ByteStorage CharStorage ComplexDoubleStorage"
        " ComplexFloatStorage DoubleStorage FloatStorage HalfStorage IntStorage LongStorage"
        " ShortStorage TypedStorage UntypedStorage"
    ),
    "_composites.predicates": "is_nonzero is_storage is_tensor",
}
_SUBMODULES = (
    "accelerator amp ao autograd backends compiler cpu cuda demo distributed distributions"
    " fft func functional futures fx hub jit library linalg mps multiprocessing nn onnx ops"
    " optim overrides profiler quasirandom random return_types safetensors serialization signal"
    " sparse special storage testing torch_version types utils version xpu __config__ _dynamo _VF"
)

LAZY: dict[str, str] = {
    name: module for module, names in _HOMES.items() for name in names.split()
} | {name: name for name in _SUBMODULES.split()}
