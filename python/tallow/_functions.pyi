"""Native operators as functions; written by tools/gen_stubs.py, do not edit.

Exists for type checkers only: at run time these are the attributes of `_C._VariableFunctions`.
"""

from collections.abc import Sequence
from typing import overload

from tallow._C import Generator, Number, device, dtype, layout, memory_format, _MinMax, _ValuesIndices
from tallow._tensor import Tensor

def _constant_pad(input: Tensor, pad: int | Sequence[int], value: Number) -> Tensor:
    """Add elements before and after dimensions, the last ones first."""
def _draw_binomial(count: Tensor, prob: Tensor, *, generator: Generator | None = ...) -> Tensor:
    """Draw binomial numbers."""
def _draw_gamma(alpha: Tensor, exponent: Tensor, d: Tensor, *, generator: Generator | None = ...) -> Tensor:
    """Draw gamma numbers of rate 1."""
def _draw_poisson(rate: Tensor, *, generator: Generator | None = ...) -> Tensor:
    """Draw Poisson numbers."""
def _fused_adam_(self: Sequence[Tensor], grads: Sequence[Tensor], exp_avgs: Sequence[Tensor], exp_avg_sqs: Sequence[Tensor], max_exp_avg_sqs: Sequence[Tensor], state_steps: Sequence[Tensor], *, lr: Tensor | Number, beta1: float, beta2: float, weight_decay: float, eps: float, amsgrad: bool, maximize: bool, grad_scale: Tensor | None = ..., found_inf: Tensor | None = ...) -> None:
    """One step of Adam for a list of parameters, in place."""
def _fused_adamw_(self: Sequence[Tensor], grads: Sequence[Tensor], exp_avgs: Sequence[Tensor], exp_avg_sqs: Sequence[Tensor], max_exp_avg_sqs: Sequence[Tensor], state_steps: Sequence[Tensor], *, lr: Tensor | Number, beta1: float, beta2: float, weight_decay: float, eps: float, amsgrad: bool, maximize: bool, grad_scale: Tensor | None = ..., found_inf: Tensor | None = ...) -> None:
    """One step of AdamW for a list of parameters, in place."""
def _fused_sgd_(self: Sequence[Tensor], grads: Sequence[Tensor], momentum_buffer_list: Sequence[Tensor], *, weight_decay: float, momentum: float, lr: Tensor | Number, dampening: float, nesterov: bool, maximize: bool, is_first_step: bool, grad_scale: Tensor | None = ..., found_inf: Tensor | None = ...) -> None:
    """One step of SGD for a list of parameters, in place."""
def _grid_sample(input: Tensor, grid: Tensor, mode: int, padding: int, align_corners: bool) -> Tensor:
    """Read images or volumes at the places of a grid, without a derivative."""
def _grid_sample_backward(grad: Tensor, input: Tensor, grid: Tensor, mode: int, padding: int, align_corners: bool, input_too: bool, grid_too: bool) -> tuple[Tensor, ...]:
    """The gradients of _grid_sample(), None where not asked for."""
def _pick_pixels(input: Tensor, rows: int | Sequence[int], columns: int | Sequence[int]) -> Tensor:
    """Make an image of the pixels that rows and columns name."""
def _pixel_shuffle(input: Tensor, factor: int) -> Tensor:
    """Turn groups of channels into squares of pixels."""
def _pixel_unshuffle(input: Tensor, factor: int) -> Tensor:
    """Turn squares of pixels into groups of channels."""
def _resize_nearest(input: Tensor, sizes: int | Sequence[int], row_scale: float, column_scale: float, exact: bool) -> Tensor:
    """Resize the last two dimensions by repeating pixels."""
def _rnn_layer(mode: str, input: Tensor, batch_sizes: int | Sequence[int], hx: Tensor, w_ih: Tensor, w_hh: Tensor, cx: Tensor | None = ..., b_ih: Tensor | None = ..., b_hh: Tensor | None = ..., w_hr: Tensor | None = ..., reverse: bool = ...) -> tuple[Tensor, ...]:
    """Run one direction of one recurrent layer over a sequence."""
def _scaled_dot_product_flash_attention_for_cpu(query: Tensor, key: Tensor, value: Tensor, dropout_p: float = ..., is_causal: bool = ..., *, attn_mask: Tensor | None = ..., scale: float | None = ...) -> tuple[Tensor, ...]:
    """Average values by the softmax of the products of queries and keys."""
def _set_data(input: Tensor, source: Tensor | None = ...) -> Tensor:
    """Take over the storage of another tensor; the part of set_ that is one."""
def _slice(input: Tensor, dim: int, start: int | None = ..., end: int | None = ..., step: int = ...) -> Tensor:
    """Take every step-th position between start and end of a dimension."""
def _special(input: Tensor, function: str) -> Tensor:
    """A special function in float64, without derivative."""
def _special_binary(input: Tensor, other: Tensor, function: str) -> Tensor:
    """The same of two tensors."""
def _sum_bags(table: Tensor, indices: Tensor, begin: Tensor, weights: Tensor | None = ...) -> Tensor:
    """Sum rows of a table, as many as lie between two beginnings."""
def _unique2(input: Tensor, sorted: bool = ..., return_inverse: bool = ..., return_counts: bool = ...) -> tuple[Tensor, ...]:
    """Distinct elements in order, inverse and counts."""
def _unique_consecutive(input: Tensor, return_inverse: bool = ..., return_counts: bool = ...) -> tuple[Tensor, ...]:
    """Elements that differ from the one before, inverse and counts."""
def _weighted_taps(input: Tensor, dim: int, positions: Tensor, weights: Tensor) -> Tensor:
    """Sum weighted elements of a dimension: [k][i] for element i."""
def abs(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Absolute value."""
def abs_(input: Tensor) -> Tensor:
    """Absolute value."""
def absolute(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Absolute value."""
def absolute_(input: Tensor) -> Tensor:
    """Absolute value."""
def acos(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Inverse cosine."""
def acos_(input: Tensor) -> Tensor:
    """Inverse cosine."""
def acosh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Inverse hyperbolic cosine."""
def acosh_(input: Tensor) -> Tensor:
    """Inverse hyperbolic cosine."""
def adaptive_avg_pool1d(input: Tensor, output_size: int | Sequence[int], *, out: Tensor | None = ...) -> Tensor:
    """Average output_size nearly equal parts of the last dimension."""
def adaptive_max_pool1d(input: Tensor, output_size: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Take maxima of nearly equal parts of the last dimension."""
def add(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = ..., out: Tensor | None = ...) -> Tensor:
    """Add alpha * other."""
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = ..., alpha: Number = ..., out: Tensor | None = ...) -> Tensor:
    """Add the sum of batched products."""
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = ..., out: Tensor | None = ...) -> Tensor:
    """Add value * tensor1 / tensor2."""
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = ..., out: Tensor | None = ...) -> Tensor:
    """Add value * tensor1 * tensor2."""
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = ..., alpha: Number = ..., out: Tensor | None = ...) -> Tensor:
    """Add a matrix product: beta * input + alpha * mat1 @ mat2."""
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = ..., alpha: Number = ..., out: Tensor | None = ...) -> Tensor:
    """Add a matrix-vector product: beta * input + alpha * mat @ vec."""
def addmv_(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = ..., alpha: Number = ...) -> Tensor:
    """In-place form of addmv."""
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = ..., alpha: Number = ..., out: Tensor | None = ...) -> Tensor:
    """Add an outer product: beta * input + alpha * outer(vec1, vec2)."""
def adjoint(input: Tensor) -> Tensor:
    """Swap the last two dimensions."""
def all(input: Tensor, dim: int | Sequence[int] | None = ..., keepdim: bool = ..., *, out: Tensor | None = ...) -> Tensor:
    """Are all elements true?"""
def allclose(input: Tensor, other: Tensor, rtol: float = ..., atol: float = ..., equal_nan: bool = ...) -> bool:
    """Do all elements agree within a tolerance?"""
def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Dropout that keeps mean and variance, for SELU networks."""
def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Dropout that keeps mean and variance, for SELU networks."""
def amax(input: Tensor, dim: int | Sequence[int] = ..., keepdim: bool = ..., *, out: Tensor | None = ...) -> Tensor:
    """Largest element along dimensions; equals share the gradient."""
def amin(input: Tensor, dim: int | Sequence[int] = ..., keepdim: bool = ..., *, out: Tensor | None = ...) -> Tensor:
    """Smallest element along dimensions; equals share the gradient."""
def aminmax(input: Tensor, *, dim: int | None = ..., keepdim: bool = ..., out: tuple[Tensor, Tensor] | None = ...) -> _MinMax:
    """Smallest and largest element."""
def any(input: Tensor, dim: int | Sequence[int] | None = ..., keepdim: bool = ..., *, out: Tensor | None = ...) -> Tensor:
    """Is any element true?"""
@overload
def arange(end: Number, *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor:
    """Make a vector of start, start + step, ... below end."""
@overload
def arange(start: Number, end: Number, step: Number = ..., *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor: ...
def arccos(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Inverse cosine."""
def arccos_(input: Tensor) -> Tensor:
    """Inverse cosine."""
def arccosh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Inverse hyperbolic cosine."""
def arccosh_(input: Tensor) -> Tensor:
    """Inverse hyperbolic cosine."""
def arcsin(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Inverse sine."""
def arcsin_(input: Tensor) -> Tensor:
    """Inverse sine."""
def arcsinh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Inverse hyperbolic sine."""
def arcsinh_(input: Tensor) -> Tensor:
    """Inverse hyperbolic sine."""
def arctan(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Inverse tangent."""
def arctan2(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Angle of the point (other, input)."""
def arctan_(input: Tensor) -> Tensor:
    """Inverse tangent."""
def arctanh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Inverse hyperbolic tangent."""
def arctanh_(input: Tensor) -> Tensor:
    """Inverse hyperbolic tangent."""
def argmax(input: Tensor, dim: int | None = ..., keepdim: bool = ..., *, out: Tensor | None = ...) -> Tensor:
    """Position of the first largest element."""
def argmin(input: Tensor, dim: int | None = ..., keepdim: bool = ..., *, out: Tensor | None = ...) -> Tensor:
    """Position of the first smallest element."""
@overload
def argsort(input: Tensor, dim: int = ..., descending: bool = ...) -> Tensor:
    """The positions that sort along a dimension."""
@overload
def argsort(input: Tensor, *, stable: bool, dim: int = ..., descending: bool = ...) -> Tensor: ...
def argwhere(input: Tensor) -> Tensor:
    """Return the positions of the elements that are not zero."""
def as_strided(input: Tensor, size: int | Sequence[int], stride: int | Sequence[int], storage_offset: int | None = ...) -> Tensor:
    """View the storage with any geometry."""
def asin(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Inverse sine."""
def asin_(input: Tensor) -> Tensor:
    """Inverse sine."""
def asinh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Inverse hyperbolic sine."""
def asinh_(input: Tensor) -> Tensor:
    """Inverse hyperbolic sine."""
def atan(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Inverse tangent."""
def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Angle of the point (other, input)."""
def atan_(input: Tensor) -> Tensor:
    """Inverse tangent."""
def atanh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Inverse hyperbolic tangent."""
def atanh_(input: Tensor) -> Tensor:
    """Inverse hyperbolic tangent."""
def avg_pool1d(input: Tensor, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = ..., padding: int | Sequence[int] = ..., ceil_mode: bool = ..., count_include_pad: bool = ..., *, out: Tensor | None = ...) -> Tensor:
    """Average each window of the last dimension."""
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = ..., alpha: Number = ..., out: Tensor | None = ...) -> Tensor:
    """Add batched products: beta * input + alpha * batch1 @ batch2."""
def batch_norm(input: Tensor, weight: Tensor | None = ..., bias: Tensor | None = ..., running_mean: Tensor | None = ..., running_var: Tensor | None = ..., training: bool = ..., momentum: float = ..., eps: float = ..., cudnn_enabled: bool = ...) -> Tensor:
    """Normalise each channel over the batch."""
@overload
def bernoulli(input: Tensor, *, generator: Generator | None = ..., out: Tensor | None = ...) -> Tensor:
    """Draw 1 with the probability each element says, else 0."""
@overload
def bernoulli(input: Tensor, p: float, *, generator: Generator | None = ..., out: Tensor | None = ...) -> Tensor: ...
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = ...) -> Tensor:
    """Apply a bilinear form to each pair of rows."""
def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = ..., pos_weight: Tensor | None = ..., reduction: int = ...) -> Tensor:
    """binary_cross_entropy of sigmoid(input)."""
def bincount(input: Tensor, weights: Tensor | None = ..., minlength: int = ...) -> Tensor:
    """How often each non-negative integer occurs."""
@overload
def bitwise_and(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Keep the bits set in both."""
@overload
def bitwise_and(input: Number, other: Tensor, *, out: Tensor | None = ...) -> Tensor: ...
@overload
def bitwise_left_shift(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Shift bits towards the high end."""
@overload
def bitwise_left_shift(input: Number, other: Tensor, *, out: Tensor | None = ...) -> Tensor: ...
def bitwise_not(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Flip every bit; logical not of bool."""
@overload
def bitwise_or(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Keep the bits set in either."""
@overload
def bitwise_or(input: Number, other: Tensor, *, out: Tensor | None = ...) -> Tensor: ...
@overload
def bitwise_right_shift(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Shift bits towards the low end, keeping the sign."""
@overload
def bitwise_right_shift(input: Number, other: Tensor, *, out: Tensor | None = ...) -> Tensor: ...
@overload
def bitwise_xor(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Keep the bits set in exactly one."""
@overload
def bitwise_xor(input: Number, other: Tensor, *, out: Tensor | None = ...) -> Tensor: ...
def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Multiply matrices pairwise over a batch."""
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Expand to a shape."""
def bucketize(input: Tensor | Number, boundaries: Tensor, *, out_int32: bool = ..., right: bool = ..., out: Tensor | None = ...) -> Tensor:
    """The interval between boundaries that each element lies in."""
def can_cast(from_: dtype, to: dtype) -> bool:
    """Say whether values of one type may be written into another."""
def cat(tensors: Sequence[Tensor], dim: int = ..., *, out: Tensor | None = ...) -> Tensor:
    """Join tensors along a dimension."""
def ceil(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Round towards plus infinity."""
def ceil_(input: Tensor) -> Tensor:
    """Round towards plus infinity."""
def celu(input: Tensor, alpha: float = ...) -> Tensor:
    """max(0, input) + min(0, alpha * expm1(input / alpha))."""
def celu_(input: Tensor, alpha: float = ...) -> Tensor:
    """max(0, input) + min(0, alpha * expm1(input / alpha))."""
@overload
def chain_matmul(*matrices: Tensor, out: Tensor | None = ...) -> Tensor:
    """Multiply matrices in the cheapest order."""
@overload
def chain_matmul(matrices: Sequence[Tensor], *, out: Tensor | None = ...) -> Tensor: ...
def chunk(input: Tensor, chunks: int, dim: int = ...) -> tuple[Tensor, ...]:
    """Cut a dimension into about equal pieces."""
@overload
def clamp(input: Tensor, min: Number | None = ..., max: Number | None = ..., *, out: Tensor | None = ...) -> Tensor:
    """Limit elements to [min, max]."""
@overload
def clamp(input: Tensor, min: Tensor | None = ..., max: Tensor | None = ..., *, out: Tensor | None = ...) -> Tensor: ...
@overload
def clamp_(input: Tensor, min: Number | None = ..., max: Number | None = ...) -> Tensor:
    """Limit elements to [min, max]."""
@overload
def clamp_(input: Tensor, min: Tensor | None = ..., max: Tensor | None = ...) -> Tensor: ...
def clamp_max(input: Tensor, max: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Lower elements to at most max."""
def clamp_max_(input: Tensor, max: Tensor | Number) -> Tensor:
    """Lower elements to at most max."""
def clamp_min(input: Tensor, min: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Raise elements to at least min."""
def clamp_min_(input: Tensor, min: Tensor | Number) -> Tensor:
    """Raise elements to at least min."""
@overload
def clip(input: Tensor, min: Number | None = ..., max: Number | None = ..., *, out: Tensor | None = ...) -> Tensor:
    """Limit elements to [min, max]."""
@overload
def clip(input: Tensor, min: Tensor | None = ..., max: Tensor | None = ..., *, out: Tensor | None = ...) -> Tensor: ...
@overload
def clip_(input: Tensor, min: Number | None = ..., max: Number | None = ...) -> Tensor:
    """Limit elements to [min, max]."""
@overload
def clip_(input: Tensor, min: Tensor | None = ..., max: Tensor | None = ...) -> Tensor: ...
def clone(input: Tensor, *, memory_format: memory_format | None = ...) -> Tensor:
    """Copy the tensor."""
def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Make complex numbers of their parts."""
def concat(tensors: Sequence[Tensor], dim: int = ..., *, out: Tensor | None = ...) -> Tensor:
    """Join tensors along a dimension."""
def concatenate(tensors: Sequence[Tensor], dim: int = ..., *, out: Tensor | None = ...) -> Tensor:
    """Join tensors along a dimension."""
def conj(input: Tensor) -> Tensor:
    """Complex conjugate."""
def conj_physical(input: Tensor) -> Tensor:
    """Complex conjugate."""
@overload
def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = ..., stride: int | Sequence[int] = ..., padding: int | Sequence[int] = ..., dilation: int | Sequence[int] = ..., groups: int = ...) -> Tensor:
    """Convolve sequences of shape (N, C, L)."""
@overload
def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = ..., stride: int | Sequence[int] = ..., padding: str = ..., dilation: int | Sequence[int] = ..., groups: int = ...) -> Tensor: ...
@overload
def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = ..., stride: int | Sequence[int] = ..., padding: int | Sequence[int] = ..., dilation: int | Sequence[int] = ..., groups: int = ...) -> Tensor:
    """Convolve images of shape (N, C, H, W)."""
@overload
def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = ..., stride: int | Sequence[int] = ..., padding: str = ..., dilation: int | Sequence[int] = ..., groups: int = ...) -> Tensor: ...
def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = ..., stride: int | Sequence[int] = ..., padding: int | Sequence[int] = ..., output_padding: int | Sequence[int] = ..., groups: int = ..., dilation: int | Sequence[int] = ...) -> Tensor:
    """Apply the transpose of conv1d."""
def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = ..., stride: int | Sequence[int] = ..., padding: int | Sequence[int] = ..., output_padding: int | Sequence[int] = ..., groups: int = ..., dilation: int | Sequence[int] = ...) -> Tensor:
    """Apply the transpose of conv2d."""
def convolution(input: Tensor, weight: Tensor, bias: Tensor, stride: int | Sequence[int], padding: int | Sequence[int], dilation: int | Sequence[int], transposed: bool, output_padding: int | Sequence[int], groups: int, *, out: Tensor | None = ...) -> Tensor:
    """Apply a convolution, or its transpose, over the trailing dimensions."""
def copysign(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Give elements the sign of other."""
def cos(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Cosine."""
def cos_(input: Tensor) -> Tensor:
    """Cosine."""
def cosh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Hyperbolic cosine."""
def cosh_(input: Tensor) -> Tensor:
    """Hyperbolic cosine."""
def count_nonzero(input: Tensor, dim: int | Sequence[int] | None = ...) -> Tensor:
    """Count the elements that are not zero."""
def cross(input: Tensor, other: Tensor, dim: int | None = ..., *, out: Tensor | None = ...) -> Tensor:
    """Vector product of 3-vectors."""
def cummax(input: Tensor, dim: int, *, out: tuple[Tensor, Tensor] | None = ...) -> _ValuesIndices:
    """Running maximum."""
def cummin(input: Tensor, dim: int, *, out: tuple[Tensor, Tensor] | None = ...) -> _ValuesIndices:
    """Running minimum."""
def cumprod(input: Tensor, dim: int, *, dtype: dtype | None = ..., out: Tensor | None = ...) -> Tensor:
    """Running product."""
def cumsum(input: Tensor, dim: int, *, dtype: dtype | None = ..., out: Tensor | None = ...) -> Tensor:
    """Running sum."""
def deg2rad(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Degrees to radians."""
def deg2rad_(input: Tensor) -> Tensor:
    """Degrees to radians."""
def detach(input: Tensor) -> Tensor:
    """Return the same values without history."""
def diag(input: Tensor, diagonal: int = ..., *, out: Tensor | None = ...) -> Tensor:
    """Make a diagonal matrix of a vector, or take a matrix's diagonal."""
def diag_embed(input: Tensor, offset: int = ..., dim1: int = ..., dim2: int = ...) -> Tensor:
    """Put the last dimension on the diagonal of two new ones."""
def diagflat(input: Tensor, offset: int = ...) -> Tensor:
    """Put the flattened elements on the diagonal of a matrix."""
def diagonal(input: Tensor, offset: int = ..., dim1: int = ..., dim2: int = ...) -> Tensor:
    """View a diagonal of two dimensions as the last dimension."""
def div(input: Tensor | Number, other: Tensor | Number, *, rounding_mode: str | None = ..., out: Tensor | None = ...) -> Tensor:
    """Divide; rounding_mode 'trunc' or 'floor' rounds the quotient."""
def divide(input: Tensor | Number, other: Tensor | Number, *, rounding_mode: str | None = ..., out: Tensor | None = ...) -> Tensor:
    """Divide; rounding_mode 'trunc' or 'floor' rounds the quotient."""
def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Sum the products of two vectors."""
def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Set random elements to zero and scale up the rest."""
def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Set random elements to zero and scale up the rest."""
def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = ...) -> Tensor:
    """Join along the third dimension."""
def embedding(weight: Tensor, indices: Tensor, padding_idx: int = ..., scale_grad_by_freq: bool = ..., sparse: bool = ...) -> Tensor:
    """Look up rows of a table."""
def embedding_renorm_(input: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Scale rows of a table down to a norm, in place."""
@overload
def empty(*size: int, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., memory_format: memory_format | None = ..., out: Tensor | None = ...) -> Tensor:
    """Make a tensor without setting its elements."""
@overload
def empty(size: Sequence[int], *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., memory_format: memory_format | None = ..., out: Tensor | None = ...) -> Tensor: ...
def empty_like(input: Tensor, *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., memory_format: memory_format | None = ...) -> Tensor:
    """Make a tensor like input without setting its elements."""
def empty_strided(size: int | Sequence[int], stride: int | Sequence[int], *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ...) -> Tensor:
    """Make a tensor with the given strides, elements not set."""
def eq(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Compare for equality."""
def equal(input: Tensor, other: Tensor) -> bool:
    """Have the two the same shape and elements?"""
def erf(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Error function."""
def erf_(input: Tensor) -> Tensor:
    """Error function."""
def erfc(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """1 - erf(input), accurate for large input."""
def erfc_(input: Tensor) -> Tensor:
    """1 - erf(input), accurate for large input."""
def exp(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """e to the power of each element."""
def exp2(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """2 to the power of each element."""
def exp2_(input: Tensor) -> Tensor:
    """2 to the power of each element."""
def exp_(input: Tensor) -> Tensor:
    """e to the power of each element."""
def expm1(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """exp(input) - 1, accurate near 0."""
def expm1_(input: Tensor) -> Tensor:
    """exp(input) - 1, accurate near 0."""
def eye(n: int, m: int | None = ..., *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor:
    """Make an n x m matrix, ones on the diagonal."""
def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """alpha_dropout of whole channels."""
def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """alpha_dropout of whole channels."""
def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Set random channels to zero and scale up the rest."""
def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Set random channels to zero and scale up the rest."""
def fill(input: Tensor, value: Tensor | Number) -> Tensor:
    """Return a copy filled with one value."""
def fill_(input: Tensor, value: Tensor | Number) -> Tensor:
    """Write one value everywhere."""
def fix(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Round towards zero."""
def fix_(input: Tensor) -> Tensor:
    """Round towards zero."""
def flatten(input: Tensor, start_dim: int = ..., end_dim: int = ...) -> Tensor:
    """Merge a range of dimensions into one."""
def flip(input: Tensor, dims: Sequence[int]) -> Tensor:
    """Reverse the order of dimensions."""
def fliplr(input: Tensor) -> Tensor:
    """Reverse the second dimension."""
def flipud(input: Tensor) -> Tensor:
    """Reverse the first dimension."""
@overload
def float_power(input: Tensor, exponent: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Raise to a power in double precision."""
@overload
def float_power(input: Number, exponent: Tensor, *, out: Tensor | None = ...) -> Tensor: ...
def floor(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Round towards minus infinity."""
def floor_(input: Tensor) -> Tensor:
    """Round towards minus infinity."""
def floor_divide(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Divide and round towards minus infinity."""
def fmax(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Take the larger element; NaN loses."""
def fmin(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Take the smaller element; NaN loses."""
def fmod(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Take the remainder that has the sign of the dividend."""
def frac(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Fractional part, with the sign of the element."""
def frac_(input: Tensor) -> Tensor:
    """Fractional part, with the sign of the element."""
def full(size: int | Sequence[int], fill_value: Number, *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor:
    """Make a tensor of one value."""
def full_like(input: Tensor, fill_value: Number, *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., memory_format: memory_format | None = ...) -> Tensor:
    """Make a tensor of one value like input."""
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = ..., out: Tensor | None = ...) -> Tensor:
    """Take the elements of a dimension that index names."""
def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Greatest common divisors of integers."""
def gcd_(input: Tensor, other: Tensor) -> Tensor:
    """Greatest common divisors of integers."""
def ge(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Say where input >= other."""
def ger(input: Tensor, vec2: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Multiply every pair of two vectors."""
def get_device(input: Tensor) -> int:
    """Return the index of the CUDA device, -1 on the CPU."""
def greater(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Say where input > other."""
def greater_equal(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Say where input >= other."""
def group_norm(input: Tensor, num_groups: int, weight: Tensor | None = ..., bias: Tensor | None = ..., eps: float = ..., cudnn_enabled: bool = ...) -> Tensor:
    """Normalise groups of channels of each sample."""
def gt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Say where input > other."""
def hardshrink(input: Tensor, lambd: float = ..., *, out: Tensor | None = ...) -> Tensor:
    """Zero elements within [-lambd, lambd]."""
def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """0 for negative, 1 for positive elements, values at 0."""
def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = ...) -> Tensor:
    """Join side by side."""
def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Length of the hypotenuse."""
def imag(input: Tensor) -> Tensor:
    """View the imaginary part."""
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = ..., out: Tensor | None = ...) -> Tensor:
    """Add slices at the positions in index."""
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Write slices to the positions in index."""
def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """Write one value to the slices at the positions in index."""
def index_put(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = ...) -> Tensor:
    """Write values to the positions in a tuple of index tensors."""
def index_put_(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = ...) -> Tensor:
    """Write values to the positions in a tuple of index tensors."""
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Take the slices of a dimension that index names."""
def inner(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Sum the products over the last dimension of both tensors."""
def instance_norm(input: Tensor, weight: Tensor | None = ..., bias: Tensor | None = ..., running_mean: Tensor | None = ..., running_var: Tensor | None = ..., use_input_stats: bool = ..., momentum: float = ..., eps: float = ..., cudnn_enabled: bool = ...) -> Tensor:
    """Normalise each channel of each sample."""
def is_complex(input: Tensor) -> bool:
    """Tell whether the dtype is a complex one."""
def is_conj(input: Tensor) -> bool:
    """Tell whether conjugation is still to be carried out: it never is."""
def is_floating_point(input: Tensor) -> bool:
    """Tell whether the dtype is a floating point one."""
def is_inference(input: Tensor) -> bool:
    """Tell whether the tensor was made in inference mode."""
def is_neg(input: Tensor) -> bool:
    """Tell whether negation is still to be carried out: it never is."""
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Compare the shapes."""
def is_signed(input: Tensor) -> bool:
    """Tell whether the dtype has negative numbers."""
def isclose(input: Tensor, other: Tensor, rtol: float = ..., atol: float = ..., equal_nan: bool = ...) -> Tensor:
    """Say where |input - other| <= atol + rtol * |other|."""
def isfinite(input: Tensor) -> Tensor:
    """Say which elements are neither NaN nor infinite."""
def isinf(input: Tensor) -> Tensor:
    """Say which elements are infinite."""
def isnan(input: Tensor) -> Tensor:
    """Say which elements are NaN."""
def isneginf(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Say which elements are minus infinity."""
def isposinf(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Say which elements are plus infinity."""
def kl_div(input: Tensor, target: Tensor, reduction: int = ..., *, log_target: bool = ...) -> Tensor:
    """Kullback-Leibler divergence of a log probability from a target."""
def kron(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Kronecker product."""
def kthvalue(input: Tensor, k: int, dim: int = ..., keepdim: bool = ..., *, out: tuple[Tensor, Tensor] | None = ...) -> _ValuesIndices:
    """The k-th smallest element along a dimension."""
def layer_norm(input: Tensor, normalized_shape: int | Sequence[int], weight: Tensor | None = ..., bias: Tensor | None = ..., eps: float = ..., cudnn_enable: bool = ...) -> Tensor:
    """Normalise over the last dimensions."""
def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Least common multiples of integers, not negative."""
def lcm_(input: Tensor, other: Tensor) -> Tensor:
    """Least common multiples of integers, not negative."""
def le(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Say where input <= other."""
def lerp(input: Tensor, end: Tensor, weight: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Interpolate: input + weight * (end - input)."""
def less(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Say where input < other."""
def less_equal(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Say where input <= other."""
@overload
def linspace(start: Number, end: Number, steps: int, *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor:
    """Make a vector of steps numbers from start to end, both included."""
@overload
def linspace(start: Tensor | Number, end: Tensor | Number, steps: int, *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor: ...
def log(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Natural logarithm."""
def log10(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Logarithm to base 10."""
def log10_(input: Tensor) -> Tensor:
    """Logarithm to base 10."""
def log1p(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """log(1 + input), accurate near 0."""
def log1p_(input: Tensor) -> Tensor:
    """log(1 + input), accurate near 0."""
def log2(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Logarithm to base 2."""
def log2_(input: Tensor) -> Tensor:
    """Logarithm to base 2."""
def log_(input: Tensor) -> Tensor:
    """Natural logarithm."""
def log_softmax(input: Tensor, dim: int, dtype: dtype | None = ..., *, out: Tensor | None = ...) -> Tensor:
    """The logarithm of softmax."""
def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """log(exp(input) + exp(other)) without overflow."""
def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """log2(2 ** input + 2 ** other) without overflow."""
def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = ...) -> Tensor:
    """Logarithm of the running sum of exponentials."""
def logical_and(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Say where both are non-zero."""
def logical_not(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Say which elements are zero."""
def logical_or(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Say where either is non-zero."""
def logical_xor(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Say where exactly one is non-zero."""
def logit(input: Tensor, eps: float | None = ..., *, out: Tensor | None = ...) -> Tensor:
    """log(input / (1 - input))."""
def logit_(input: Tensor, eps: float | None = ...) -> Tensor:
    """log(input / (1 - input))."""
@overload
def logspace(start: Number, end: Number, steps: int, base: float = ..., *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor:
    """Make a vector of base to the powers linspace(start, end, steps)."""
@overload
def logspace(start: Tensor | Number, end: Tensor | Number, steps: int, base: float = ..., *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor: ...
def logsumexp(input: Tensor, dim: int | Sequence[int], keepdim: bool = ..., *, out: Tensor | None = ...) -> Tensor:
    """log(sum(exp(input))) along dimensions."""
def lt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Say where input < other."""
def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """Write one value where the mask is set."""
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Write the elements of source where the mask is set."""
def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Take the elements where the mask is set."""
def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Multiply tensors as matrices, broadcasting the leading dimensions."""
@overload
def max(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Largest element, of all or along a dimension; or elementwise maximum."""
@overload
def max(input: Tensor, dim: int, keepdim: bool = ..., *, out: tuple[Tensor, Tensor] | None = ...) -> _ValuesIndices: ...
@overload
def max(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor: ...
def max_pool1d(input: Tensor, kernel_size: int | Sequence[int], stride: int | Sequence[int] = ..., padding: int | Sequence[int] = ..., dilation: int | Sequence[int] = ..., ceil_mode: bool = ...) -> Tensor:
    """Take the largest element of each window of the last dimension."""
def max_pool1d_with_indices(input: Tensor, kernel_size: int | Sequence[int], stride: int | Sequence[int] = ..., padding: int | Sequence[int] = ..., dilation: int | Sequence[int] = ..., ceil_mode: bool = ...) -> tuple[Tensor, ...]:
    """Apply max_pool1d and also return the positions of the maxima."""
def max_pool2d(input: Tensor, kernel_size: int | Sequence[int], stride: int | Sequence[int] = ..., padding: int | Sequence[int] = ..., dilation: int | Sequence[int] = ..., ceil_mode: bool = ...) -> Tensor:
    """Take the largest element of each window of the last two dimensions."""
def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Take the larger element; NaN wins."""
@overload
def mean(input: Tensor, *, dtype: dtype | None = ..., out: Tensor | None = ...) -> Tensor:
    """Average all elements, or those along dimensions."""
@overload
def mean(input: Tensor, dim: int | Sequence[int], keepdim: bool = ..., *, dtype: dtype | None = ..., out: Tensor | None = ...) -> Tensor: ...
@overload
def median(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """The element in the middle of the sorted order."""
@overload
def median(input: Tensor, dim: int, keepdim: bool = ..., *, out: tuple[Tensor, Tensor] | None = ...) -> _ValuesIndices: ...
@overload
def meshgrid(*tensors: Tensor, indexing: str = ...) -> tuple[Tensor, ...]:
    """Spread vectors over a common grid."""
@overload
def meshgrid(tensors: Sequence[Tensor], *, indexing: str = ...) -> tuple[Tensor, ...]: ...
@overload
def min(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Smallest element, of all or along a dimension; or elementwise minimum."""
@overload
def min(input: Tensor, dim: int, keepdim: bool = ..., *, out: tuple[Tensor, Tensor] | None = ...) -> _ValuesIndices: ...
@overload
def min(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor: ...
def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Take the smaller element; NaN wins."""
def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Multiply two matrices."""
def mode(input: Tensor, dim: int = ..., keepdim: bool = ..., *, out: tuple[Tensor, Tensor] | None = ...) -> _ValuesIndices:
    """The most frequent element along a dimension."""
@overload
def moveaxis(input: Tensor, source: int, destination: int) -> Tensor:
    """Move dimensions to new positions."""
@overload
def moveaxis(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor: ...
@overload
def movedim(input: Tensor, source: int, destination: int) -> Tensor:
    """Move dimensions to new positions."""
@overload
def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor: ...
def msort(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Sort along the first dimension."""
def mul(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Multiply."""
def multinomial(input: Tensor, num_samples: int, replacement: bool = ..., *, generator: Generator | None = ..., out: Tensor | None = ...) -> Tensor:
    """Draw category numbers with the weights of each row."""
def multiply(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Multiply."""
def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Multiply a matrix by a vector."""
def nan_to_num(input: Tensor, nan: float | None = ..., posinf: float | None = ..., neginf: float | None = ..., *, out: Tensor | None = ...) -> Tensor:
    """Replace NaN and infinities by finite numbers."""
def nan_to_num_(input: Tensor, nan: float | None = ..., posinf: float | None = ..., neginf: float | None = ...) -> Tensor:
    """Replace NaN and infinities by finite numbers."""
def nanmean(input: Tensor, dim: int | Sequence[int] | None = ..., keepdim: bool = ..., *, dtype: dtype | None = ..., out: Tensor | None = ...) -> Tensor:
    """Average the elements that are not NaN."""
@overload
def nanmedian(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """The median of the elements that are not NaN."""
@overload
def nanmedian(input: Tensor, dim: int, keepdim: bool = ..., *, out: tuple[Tensor, Tensor] | None = ...) -> _ValuesIndices: ...
def nansum(input: Tensor, dim: int | Sequence[int] | None = ..., keepdim: bool = ..., *, dtype: dtype | None = ..., out: Tensor | None = ...) -> Tensor:
    """Add up the elements that are not NaN."""
@overload
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """Take a range of a dimension."""
@overload
def narrow(input: Tensor, dim: int, start: Tensor, length: int) -> Tensor: ...
def native_batch_norm(input: Tensor, weight: Tensor | None = ..., bias: Tensor | None = ..., running_mean: Tensor | None = ..., running_var: Tensor | None = ..., training: bool = ..., momentum: float = ..., eps: float = ...) -> tuple[Tensor, ...]:
    """batch_norm with the statistics it used."""
def native_dropout(input: Tensor, p: float, train: bool) -> tuple[Tensor, ...]:
    """Return dropout and the mask of the elements that stayed."""
def native_group_norm(input: Tensor, weight: Tensor | None = ..., bias: Tensor | None = ..., N: int = ..., C: int = ..., HxW: int = ..., group: int = ..., eps: float = ...) -> tuple[Tensor, ...]:
    """group_norm with the statistics it used."""
def native_layer_norm(input: Tensor, normalized_shape: int | Sequence[int], weight: Tensor | None = ..., bias: Tensor | None = ..., eps: float = ...) -> tuple[Tensor, ...]:
    """layer_norm with the mean and 1 / deviation of each row."""
def ne(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Compare for inequality."""
def neg(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Change the sign."""
def neg_(input: Tensor) -> Tensor:
    """Change the sign."""
def negative(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Change the sign."""
def negative_(input: Tensor) -> Tensor:
    """Change the sign."""
def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """The next number that the type holds in the direction of other."""
@overload
def nonzero(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Return the positions of the elements that are not zero."""
@overload
def nonzero(input: Tensor, *, as_tuple: bool, out: Tensor | None = ...) -> Tensor: ...
@overload
def norm(input: Tensor, p: Number = ..., dim: int | Sequence[int] | None = ..., keepdim: bool = ..., dtype: dtype | None = ..., *, out: Tensor | None = ...) -> Tensor:
    """(sum of |input|^p)^(1/p)."""
@overload
def norm(input: Tensor, p: str, dim: int | Sequence[int] | None = ..., keepdim: bool = ..., dtype: dtype | None = ..., *, out: Tensor | None = ...) -> Tensor: ...
@overload
def normal(mean: Tensor, std: Tensor | Number = ..., *, generator: Generator | None = ..., out: Tensor | None = ...) -> Tensor:
    """Draw normal numbers with the given means and standard deviations."""
@overload
def normal(mean: float, std: Tensor, *, generator: Generator | None = ..., out: Tensor | None = ...) -> Tensor: ...
@overload
def normal(mean: float, std: float, size: int | Sequence[int], *, generator: Generator | None = ..., dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor: ...
def not_equal(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Compare for inequality."""
def numel(input: Tensor) -> int:
    """Return the number of elements."""
@overload
def ones(*size: int, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor:
    """Make a tensor of ones."""
@overload
def ones(size: Sequence[int], *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor: ...
def ones_like(input: Tensor, *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., memory_format: memory_format | None = ...) -> Tensor:
    """Make a tensor of ones like input."""
def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Multiply every pair of two vectors."""
def permute(input: Tensor, dims: Sequence[int]) -> Tensor:
    """Reorder the dimensions."""
def positive(input: Tensor) -> Tensor:
    """Return the tensor itself."""
@overload
def pow(input: Tensor, exponent: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Raise to a power."""
@overload
def pow(input: Number, exponent: Tensor, *, out: Tensor | None = ...) -> Tensor: ...
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Scale negative elements by a learned weight."""
@overload
def prod(input: Tensor, *, dtype: dtype | None = ..., out: Tensor | None = ...) -> Tensor:
    """Multiply all elements, or those along a dimension."""
@overload
def prod(input: Tensor, dim: int, keepdim: bool = ..., *, dtype: dtype | None = ..., out: Tensor | None = ...) -> Tensor: ...
def promote_types(type1: dtype, type2: dtype) -> dtype:
    """Return the smallest type both convert to."""
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = ...) -> Tensor:
    """Write elements of the flattened tensor."""
def rad2deg(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Radians to degrees."""
def rad2deg_(input: Tensor) -> Tensor:
    """Radians to degrees."""
@overload
def rand(*size: int, generator: Generator | None = ..., dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor:
    """Make a tensor of uniform numbers in [0, 1)."""
@overload
def rand(size: Sequence[int], *, generator: Generator | None = ..., dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor: ...
def rand_like(input: Tensor, *, generator: Generator | None = ..., dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., memory_format: memory_format | None = ...) -> Tensor:
    """Make a tensor like input of uniform numbers in [0, 1)."""
@overload
def randint(high: int, size: int | Sequence[int], *, generator: Generator | None = ..., dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor:
    """Make a tensor of integers in [low, high)."""
@overload
def randint(low: int, high: int, size: int | Sequence[int], *, generator: Generator | None = ..., dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor: ...
@overload
def randint_like(input: Tensor, high: int, *, generator: Generator | None = ..., dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., memory_format: memory_format | None = ...) -> Tensor:
    """Make a tensor like input of integers in [low, high)."""
@overload
def randint_like(input: Tensor, low: int, high: int, *, generator: Generator | None = ..., dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., memory_format: memory_format | None = ...) -> Tensor: ...
@overload
def randn(*size: int, generator: Generator | None = ..., dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor:
    """Make a tensor of standard normal numbers."""
@overload
def randn(size: Sequence[int], *, generator: Generator | None = ..., dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor: ...
def randn_like(input: Tensor, *, generator: Generator | None = ..., dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., memory_format: memory_format | None = ...) -> Tensor:
    """Make a tensor like input of standard normal numbers."""
def randperm(n: int, *, generator: Generator | None = ..., dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor:
    """Make a random permutation of 0 ... n-1."""
def ravel(input: Tensor) -> Tensor:
    """Flatten to one contiguous dimension."""
def real(input: Tensor) -> Tensor:
    """View the real part."""
def reciprocal(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """1 / input."""
def reciprocal_(input: Tensor) -> Tensor:
    """1 / input."""
def relu(input: Tensor) -> Tensor:
    """max(input, 0)."""
def relu_(input: Tensor) -> Tensor:
    """max(input, 0)."""
@overload
def remainder(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """Take the remainder that has the sign of the divisor."""
@overload
def remainder(input: Number, other: Tensor, *, out: Tensor | None = ...) -> Tensor: ...
@overload
def repeat_interleave(input: Tensor, repeats: int, dim: int | None = ..., *, output_size: int | None = ...) -> Tensor:
    """Repeat every element or slice."""
@overload
def repeat_interleave(input: Tensor, repeats: Tensor, dim: int | None = ..., *, output_size: int | None = ...) -> Tensor: ...
@overload
def repeat_interleave(repeats: Tensor, *, output_size: int | None = ...) -> Tensor: ...
def reshape(input: Tensor, shape: Sequence[int]) -> Tensor:
    """Return the data in another shape, as a view if possible."""
def resolve_conj(input: Tensor) -> Tensor:
    """Carry out a conjugation that was put off: none ever is."""
def resolve_neg(input: Tensor) -> Tensor:
    """Carry out a negation that was put off: none ever is."""
def result_type(tensor1: Tensor | Number, tensor2: Tensor | Number) -> dtype:
    """Return the type that arithmetic on the two would have."""
def rms_norm(input: Tensor, normalized_shape: int | Sequence[int], weight: Tensor | None = ..., eps: float | None = ...) -> Tensor:
    """Divide by the root mean square over the last dimensions."""
def roll(input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] = ...) -> Tensor:
    """Move elements along, round the end."""
def rot90(input: Tensor, k: int = ..., dims: int | Sequence[int] = ...) -> Tensor:
    """Turn by 90 degrees k times."""
def round(input: Tensor, *, decimals: int = ..., out: Tensor | None = ...) -> Tensor:
    """Round to the nearest; halves to even."""
def round_(input: Tensor, *, decimals: int = ...) -> Tensor:
    """Round to the nearest; halves to even."""
def row_stack(tensors: Sequence[Tensor], *, out: Tensor | None = ...) -> Tensor:
    """Join one above the other."""
def rsqrt(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """1 / sqrt(input)."""
def rsqrt_(input: Tensor) -> Tensor:
    """1 / sqrt(input)."""
def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = ...) -> Tensor:
    """Subtract alpha * input from other."""
@overload
def scatter(input: Tensor, dim: int, index: Tensor, src: Tensor | Number, *, reduce: str | None = ..., out: Tensor | None = ...) -> Tensor:
    """Write elements to the positions in index."""
@overload
def scatter(input: Tensor, dim: int, index: Tensor, value: Tensor | Number, *, reduce: str | None = ..., out: Tensor | None = ...) -> Tensor: ...
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Add elements at the positions in index."""
def scatter_reduce(input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = ..., out: Tensor | None = ...) -> Tensor:
    """Combine elements at the positions in index."""
def searchsorted(sorted_sequence: Tensor, input: Tensor | Number, *, out_int32: bool = ..., right: bool = ..., side: str | None = ..., sorter: Tensor | None = ..., out: Tensor | None = ...) -> Tensor:
    """Where elements would have to be inserted to keep the order."""
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Take one position of a dimension."""
def selu(input: Tensor) -> Tensor:
    """Scaled exponential linear unit with self-normalising constants."""
def selu_(input: Tensor) -> Tensor:
    """Scaled exponential linear unit with self-normalising constants."""
def sgn(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Sign; for complex numbers, the direction."""
def sigmoid(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """1 / (1 + exp(-input))."""
def sigmoid_(input: Tensor) -> Tensor:
    """1 / (1 + exp(-input))."""
def sigmoid_backward(grad_output: Tensor, output: Tensor) -> Tensor:
    """Gradient of sigmoid from its result."""
def sign(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """-1, 0 or 1 by sign."""
def signbit(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Say which elements have the sign bit set."""
def sin(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Sine."""
def sin_(input: Tensor) -> Tensor:
    """Sine."""
def sinc(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """sin(pi input) / (pi input), 1 at 0."""
def sinc_(input: Tensor) -> Tensor:
    """sin(pi input) / (pi input), 1 at 0."""
def sinh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Hyperbolic sine."""
def sinh_(input: Tensor) -> Tensor:
    """Hyperbolic sine."""
def softmax(input: Tensor, dim: int, dtype: dtype | None = ..., *, out: Tensor | None = ...) -> Tensor:
    """Normalise exp(input) along dim."""
@overload
def sort(input: Tensor, dim: int = ..., descending: bool = ..., *, out: tuple[Tensor, Tensor] | None = ...) -> _ValuesIndices:
    """Sort along a dimension."""
@overload
def sort(input: Tensor, *, stable: bool, dim: int = ..., descending: bool = ..., out: tuple[Tensor, Tensor] | None = ...) -> _ValuesIndices: ...
@overload
def split(input: Tensor, split_size: int, dim: int = ...) -> tuple[Tensor, ...]:
    """Cut a dimension into pieces."""
@overload
def split(input: Tensor, split_size: int | Sequence[int], dim: int = ...) -> tuple[Tensor, ...]: ...
def split_with_sizes(input: Tensor, split_sizes: int | Sequence[int], dim: int = ...) -> tuple[Tensor, ...]:
    """Cut a dimension into pieces of the given sizes."""
def sqrt(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Square root."""
def sqrt_(input: Tensor) -> Tensor:
    """Square root."""
def square(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Multiply by itself."""
def square_(input: Tensor) -> Tensor:
    """Multiply by itself."""
@overload
def squeeze(input: Tensor) -> Tensor:
    """Remove dimensions of size 1."""
@overload
def squeeze(input: Tensor, dim: int) -> Tensor: ...
@overload
def squeeze(input: Tensor, dim: Sequence[int]) -> Tensor: ...
def stack(tensors: Sequence[Tensor], dim: int = ..., *, out: Tensor | None = ...) -> Tensor:
    """Join tensors along a new dimension."""
@overload
def std(input: Tensor, unbiased: bool = ..., *, out: Tensor | None = ...) -> Tensor:
    """Standard deviation."""
@overload
def std(input: Tensor, dim: int | Sequence[int], unbiased: bool = ..., keepdim: bool = ..., *, out: Tensor | None = ...) -> Tensor: ...
@overload
def std(input: Tensor, dim: int | Sequence[int] | None = ..., *, correction: Number | None = ..., keepdim: bool = ..., out: Tensor | None = ...) -> Tensor: ...
@overload
def std_mean(input: Tensor, unbiased: bool = ...) -> tuple[Tensor, ...]:
    """Standard deviation and mean."""
@overload
def std_mean(input: Tensor, dim: int | Sequence[int], unbiased: bool = ..., keepdim: bool = ...) -> tuple[Tensor, ...]: ...
@overload
def std_mean(input: Tensor, dim: int | Sequence[int] | None = ..., *, correction: Number | None = ..., keepdim: bool = ...) -> tuple[Tensor, ...]: ...
def sub(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = ..., out: Tensor | None = ...) -> Tensor:
    """Subtract alpha * other."""
def subtract(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = ..., out: Tensor | None = ...) -> Tensor:
    """Subtract alpha * other."""
@overload
def sum(input: Tensor, *, dtype: dtype | None = ..., out: Tensor | None = ...) -> Tensor:
    """Add up all elements, or those along dimensions."""
@overload
def sum(input: Tensor, dim: int | Sequence[int], keepdim: bool = ..., *, dtype: dtype | None = ..., out: Tensor | None = ...) -> Tensor: ...
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Swap two dimensions."""
def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Swap two dimensions."""
def t(input: Tensor) -> Tensor:
    """Transpose a matrix."""
def take(input: Tensor, index: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Take elements of the flattened tensor."""
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = ..., *, out: Tensor | None = ...) -> Tensor:
    """gather() with broadcasting."""
def tan(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Tangent."""
def tan_(input: Tensor) -> Tensor:
    """Tangent."""
def tanh(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Hyperbolic tangent."""
def tanh_(input: Tensor) -> Tensor:
    """Hyperbolic tangent."""
def tanh_backward(grad_output: Tensor, output: Tensor) -> Tensor:
    """Gradient of tanh from its result."""
def threshold(input: Tensor, threshold: Number, value: Number, *, out: Tensor | None = ...) -> Tensor:
    """Replace elements up to a threshold by a value."""
def threshold_(input: Tensor, threshold: Number, value: Number) -> Tensor:
    """Replace elements up to a threshold by a value."""
def tile(input: Tensor, dims: Sequence[int]) -> Tensor:
    """Repeat the whole tensor along its last dimensions."""
def topk(input: Tensor, k: int, dim: int = ..., largest: bool = ..., sorted: bool = ..., *, out: tuple[Tensor, Tensor] | None = ...) -> _ValuesIndices:
    """The k largest elements along a dimension, in order."""
def trace(input: Tensor) -> Tensor:
    """Sum of a matrix's diagonal."""
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Swap two dimensions."""
def tril(input: Tensor, diagonal: int = ..., *, out: Tensor | None = ...) -> Tensor:
    """Keep the triangle on and below a diagonal."""
def tril_indices(row: int, col: int, offset: int = ..., *, dtype: dtype | None = ..., device: device | str | int | None = ..., layout: layout | None = ...) -> Tensor:
    """Return the positions of a lower triangle, rows first."""
def triu(input: Tensor, diagonal: int = ..., *, out: Tensor | None = ...) -> Tensor:
    """Keep the triangle on and above a diagonal."""
def triu_indices(row: int, col: int, offset: int = ..., *, dtype: dtype | None = ..., device: device | str | int | None = ..., layout: layout | None = ...) -> Tensor:
    """Return the positions of an upper triangle, rows first."""
def true_divide(input: Tensor | Number, other: Tensor | Number, *, rounding_mode: str | None = ..., out: Tensor | None = ...) -> Tensor:
    """Divide; rounding_mode 'trunc' or 'floor' rounds the quotient."""
def trunc(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Round towards zero."""
def trunc_(input: Tensor) -> Tensor:
    """Round towards zero."""
def unbind(input: Tensor, dim: int = ...) -> tuple[Tensor, ...]:
    """Return the slices along a dimension."""
def unflatten(input: Tensor, dim: int, sizes: int | Sequence[int]) -> Tensor:
    """Split one dimension into several."""
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Insert a dimension of size 1."""
@overload
def var(input: Tensor, unbiased: bool = ..., *, out: Tensor | None = ...) -> Tensor:
    """Variance."""
@overload
def var(input: Tensor, dim: int | Sequence[int], unbiased: bool = ..., keepdim: bool = ..., *, out: Tensor | None = ...) -> Tensor: ...
@overload
def var(input: Tensor, dim: int | Sequence[int] | None = ..., *, correction: Number | None = ..., keepdim: bool = ..., out: Tensor | None = ...) -> Tensor: ...
@overload
def var_mean(input: Tensor, unbiased: bool = ...) -> tuple[Tensor, ...]:
    """Variance and mean."""
@overload
def var_mean(input: Tensor, dim: int | Sequence[int], unbiased: bool = ..., keepdim: bool = ...) -> tuple[Tensor, ...]: ...
@overload
def var_mean(input: Tensor, dim: int | Sequence[int] | None = ..., *, correction: Number | None = ..., keepdim: bool = ...) -> tuple[Tensor, ...]: ...
def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = ...) -> Tensor:
    """Sum the products of two vectors, the first conjugated."""
def view_as_complex(input: Tensor) -> Tensor:
    """View pairs of real numbers in the last dimension as complex ones."""
def view_as_real(input: Tensor) -> Tensor:
    """View complex numbers as pairs of real ones, in a new last dimension."""
def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = ...) -> Tensor:
    """Join one above the other."""
@overload
def where(condition: Tensor) -> tuple[Tensor, ...]:
    """Take elements of input where condition holds, else of other."""
@overload
def where(condition: Tensor, input: Tensor | Number, other: Tensor | Number) -> Tensor: ...
@overload
def xlogy(input: Tensor, other: Tensor | Number, *, out: Tensor | None = ...) -> Tensor:
    """input * log(other), 0 where input is 0."""
@overload
def xlogy(input: Number, other: Tensor, *, out: Tensor | None = ...) -> Tensor: ...
def xlogy_(input: Tensor, other: Tensor | Number) -> Tensor:
    """input * log(other), 0 where input is 0."""
def zero_(input: Tensor) -> Tensor:
    """Write zeros everywhere."""
@overload
def zeros(*size: int, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor:
    """Make a tensor of zeros."""
@overload
def zeros(size: Sequence[int], *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., out: Tensor | None = ...) -> Tensor: ...
def zeros_like(input: Tensor, *, dtype: dtype | None = ..., layout: layout | None = ..., device: device | str | int | None = ..., requires_grad: bool = ..., pin_memory: bool = ..., memory_format: memory_format | None = ...) -> Tensor:
    """Make a tensor of zeros like input."""
