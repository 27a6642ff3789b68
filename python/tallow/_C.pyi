"""Types of the native module; written by tools/gen_stubs.py, do not edit."""

from builtins import bool as _bool, float as _float, int as _int
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import EllipsisType
from typing import Any, NamedTuple, SupportsIndex, TypeAlias, TypeVar, overload

from numpy import ndarray

from tallow import _functions
from tallow._tensor import Tensor
from tallow.utils.hooks import RemovableHandle

# Members of TensorBase hide these names inside the class.
_device: TypeAlias = device
_dtype: TypeAlias = dtype
_layout: TypeAlias = layout
_memory_format: TypeAlias = memory_format

Number: TypeAlias = _bool | _int | _float | complex
Index: TypeAlias = (
    Tensor | ndarray[Any, Any] | SupportsIndex | slice | EllipsisType | Sequence[Any] | None
)
_T = TypeVar("_T")

class _MinMax(NamedTuple):
    min: Tensor
    max: Tensor

class _ValuesIndices(NamedTuple):
    values: Tensor
    indices: Tensor


class DisableTorchFunctionSubclass:
    def __enter__(self) -> None: ...
    def __exit__(self, *args: object) -> None: ...

class Generator:
    def __init__(self, device: _device | str = ...) -> None: ...
    def clone_state(self) -> Generator: ...
    device: _device
    def get_state(self) -> Tensor: ...
    def initial_seed(self) -> _int: ...
    def manual_seed(self, seed: _int) -> Generator: ...
    def seed(self) -> _int: ...
    def set_state(self, new_state: Tensor) -> Generator: ...

class Node:
    def __getattr__(self, name: str) -> Any: ...
    _input_metadata: list[tuple[Size, _dtype]]
    _saved_names: list[str]
    def _sequence_nr(self) -> _int: ...
    def name(self) -> str: ...
    next_functions: tuple[tuple[Node | None, _int], ...]
    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle: ...
    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle: ...
    variable: Tensor

class OutOfMemoryError(RuntimeError):
    ...

class Size(tuple[_int, ...]):
    def __add__(self, other: tuple[_int, ...]) -> Size: ...  # type: ignore[override]
    @overload
    def __getitem__(self, index: SupportsIndex) -> _int: ...
    @overload
    def __getitem__(self, index: slice) -> Size: ...
    def __mul__(self, times: SupportsIndex) -> Size: ...
    def __new__(cls, sizes: Iterable[_int] = ...) -> Size: ...
    def __rmul__(self, times: SupportsIndex) -> Size: ...
    def numel(self) -> _int: ...

class StorageBase:
    def __buffer__(self, flags: _int, /) -> memoryview: ...
    def __deepcopy__(self, memo: dict[_int, Any]) -> StorageBase: ...
    def __getitem__(self, index: _int | slice) -> Any: ...
    def __init__(self, *args: Any, device: _device | str | None = ...) -> None: ...
    def __iter__(self) -> Iterator[_int]: ...
    def __len__(self) -> _int: ...
    def __setitem__(self, index: _int | slice, value: Any) -> None: ...
    def _moved(self, *args: Any, **kwargs: Any) -> Any: ...
    def _use_count(self) -> _int: ...
    def clone(self) -> StorageBase: ...
    def copy_(self, source: Any, non_blocking: _bool | None = ...) -> StorageBase: ...
    def cpu(self) -> StorageBase: ...
    def data_ptr(self) -> _int: ...
    device: _device
    def element_size(self) -> _int: ...
    filename: str | None
    def fill_(self, value: _int) -> StorageBase: ...
    @classmethod
    def from_file(cls, filename: str, shared: _bool = ..., nbytes: _int = ...) -> StorageBase: ...
    is_cpu: _bool
    is_cuda: _bool
    def is_pinned(self, device: _device | str = ...) -> _bool: ...
    def is_shared(self) -> _bool: ...
    def is_shared_with(self, other: StorageBase) -> _bool: ...
    is_sparse: _bool
    def nbytes(self) -> _int: ...
    def resize_(self, nbytes: _int) -> StorageBase: ...
    def size(self) -> _int: ...
    def tolist(self) -> list[_int]: ...
    def untyped(self) -> StorageBase: ...

class TensorBase:
    H: Tensor
    T: Tensor
    def __abs__(self) -> Tensor: ...
    def __add__(self, other: Tensor | Number) -> Tensor: ...
    def __and__(self, other: Tensor | Number) -> Tensor: ...
    def __bool__(self) -> _bool: ...
    def __delitem__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __eq__(self, other: Any) -> Tensor: ...  # type: ignore[override]
    def __float__(self) -> _float: ...
    def __floordiv__(self, other: Tensor | Number) -> Tensor: ...
    def __ge__(self, other: Tensor | Number) -> Tensor: ...
    def __getitem__(self, indices: Index) -> Tensor: ...
    def __gt__(self, other: Tensor | Number) -> Tensor: ...
    def __hash__(self) -> _int: ...
    def __iadd__(self, other: Tensor | Number) -> Tensor: ...
    def __iand__(self, other: Tensor | Number) -> Tensor: ...
    def __ifloordiv__(self, other: Tensor | Number) -> Tensor: ...
    def __ilshift__(self, other: Tensor | Number) -> Tensor: ...
    def __imod__(self, other: Tensor | Number) -> Tensor: ...
    def __imul__(self, other: Tensor | Number) -> Tensor: ...
    def __index__(self) -> _int: ...
    def __init__(self, *args: Any, device: _device | str | None = ...) -> None: ...
    def __int__(self) -> _int: ...
    def __invert__(self) -> Tensor: ...
    def __ior__(self, other: Tensor | Number) -> Tensor: ...
    def __ipow__(self, other: Tensor | Number) -> Tensor: ...
    def __irshift__(self, other: Tensor | Number) -> Tensor: ...
    def __isub__(self, other: Tensor | Number) -> Tensor: ...
    def __itruediv__(self, other: Tensor | Number) -> Tensor: ...
    def __ixor__(self, other: Tensor | Number) -> Tensor: ...
    def __le__(self, other: Tensor | Number) -> Tensor: ...
    def __len__(self) -> _int: ...
    def __lshift__(self, other: Tensor | Number) -> Tensor: ...
    def __lt__(self, other: Tensor | Number) -> Tensor: ...
    def __matmul__(self, other: Tensor) -> Tensor: ...
    def __mod__(self, other: Tensor | Number) -> Tensor: ...
    def __mul__(self, other: Tensor | Number) -> Tensor: ...
    def __ne__(self, other: Any) -> Tensor: ...  # type: ignore[override]
    def __neg__(self) -> Tensor: ...
    def __or__(self, other: Tensor | Number) -> Tensor: ...
    def __pos__(self) -> Tensor: ...
    def __pow__(self, other: Tensor | Number) -> Tensor: ...
    def __radd__(self, other: Tensor | Number) -> Tensor: ...
    def __rand__(self, other: Tensor | Number) -> Tensor: ...
    def __rfloordiv__(self, other: Tensor | Number) -> Tensor: ...
    def __rlshift__(self, other: Tensor | Number) -> Tensor: ...
    def __rmatmul__(self, other: Tensor) -> Tensor: ...
    def __rmod__(self, other: Tensor | Number) -> Tensor: ...
    def __rmul__(self, other: Tensor | Number) -> Tensor: ...
    def __ror__(self, other: Tensor | Number) -> Tensor: ...
    def __rpow__(self, other: Tensor | Number) -> Tensor: ...
    def __rrshift__(self, other: Tensor | Number) -> Tensor: ...
    def __rshift__(self, other: Tensor | Number) -> Tensor: ...
    def __rsub__(self, other: Tensor | Number) -> Tensor: ...
    def __rtruediv__(self, other: Tensor | Number) -> Tensor: ...
    def __rxor__(self, other: Tensor | Number) -> Tensor: ...
    def __setitem__(self, indices: Index, value: Tensor | Number) -> None: ...
    def __sub__(self, other: Tensor | Number) -> Tensor: ...
    def __truediv__(self, other: Tensor | Number) -> Tensor: ...
    def __xor__(self, other: Tensor | Number) -> Tensor: ...
    _backward_hooks: dict[_int, Any] | None
    _base: Tensor | None
    def _is_view(self) -> _bool: ...
    _post_accumulate_grad_hooks: dict[_int, Any] | None
    _version: _int
    def as_subclass(self, cls: type[_T]) -> _T: ...
    data: Tensor
    def data_ptr(self) -> _int: ...
    def detach_(self) -> Tensor: ...
    device: _device
    def dim(self) -> _int: ...
    dtype: _dtype
    def element_size(self) -> _int: ...
    def get_device(self) -> _int: ...
    grad: Tensor | None
    grad_fn: Node | None
    imag: Tensor
    def is_complex(self) -> _bool: ...
    def is_conj(self) -> _bool: ...
    def is_contiguous(self, memory_format: _memory_format = ...) -> _bool: ...
    is_cpu: _bool
    is_cuda: _bool
    def is_floating_point(self) -> _bool: ...
    def is_inference(self) -> _bool: ...
    is_leaf: _bool
    is_meta: _bool
    is_mkldnn: _bool
    is_mps: _bool
    def is_neg(self) -> _bool: ...
    is_nested: _bool
    def is_pinned(self) -> _bool: ...
    is_quantized: _bool
    def is_signed(self) -> _bool: ...
    is_sparse: _bool
    is_sparse_csr: _bool
    is_xpu: _bool
    def item(self) -> _bool | _int | _float: ...
    itemsize: _int
    layout: _layout
    mH: Tensor
    mT: Tensor
    nbytes: _int
    ndim: _int
    def ndimension(self) -> _int: ...
    def nelement(self) -> _int: ...
    def numel(self) -> _int: ...
    def numpy(self, *, force: _bool = ...) -> ndarray[Any, Any]: ...
    output_nr: _int
    real: Tensor
    requires_grad: _bool
    def requires_grad_(self, requires_grad: _bool = ...) -> Tensor: ...
    def retain_grad(self) -> None: ...
    retains_grad: _bool
    shape: Size
    @overload
    def size(self, dim: None = ...) -> Size: ...
    @overload
    def size(self, dim: _int) -> _int: ...
    def storage_offset(self) -> _int: ...
    @overload
    def stride(self, dim: None = ...) -> tuple[_int, ...]: ...
    @overload
    def stride(self, dim: _int) -> _int: ...
    def tolist(self) -> Any: ...
    def untyped_storage(self) -> StorageBase: ...
    def abs(self) -> Tensor:
        """Absolute value."""
    def abs_(self) -> Tensor:
        """Absolute value."""
    def absolute(self) -> Tensor:
        """Absolute value."""
    def absolute_(self) -> Tensor:
        """Absolute value."""
    def acos(self) -> Tensor:
        """Inverse cosine."""
    def acos_(self) -> Tensor:
        """Inverse cosine."""
    def acosh(self) -> Tensor:
        """Inverse hyperbolic cosine."""
    def acosh_(self) -> Tensor:
        """Inverse hyperbolic cosine."""
    def add(self, other: Tensor | Number, *, alpha: Number = ...) -> Tensor:
        """Add alpha * other."""
    def add_(self, other: Tensor | Number, *, alpha: Number = ...) -> Tensor:
        """Add alpha * other."""
    def addbmm(self, batch1: Tensor, batch2: Tensor, *, beta: Number = ..., alpha: Number = ...) -> Tensor:
        """Add the sum of batched products."""
    def addbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: Number = ..., alpha: Number = ...) -> Tensor:
        """In-place form of addbmm."""
    def addcdiv(self, tensor1: Tensor, tensor2: Tensor, *, value: Number = ...) -> Tensor:
        """Add value * tensor1 / tensor2."""
    def addcdiv_(self, tensor1: Tensor, tensor2: Tensor, *, value: Number = ...) -> Tensor:
        """Add value * tensor1 / tensor2."""
    def addcmul(self, tensor1: Tensor, tensor2: Tensor, *, value: Number = ...) -> Tensor:
        """Add value * tensor1 * tensor2."""
    def addcmul_(self, tensor1: Tensor, tensor2: Tensor, *, value: Number = ...) -> Tensor:
        """Add value * tensor1 * tensor2."""
    def addmm(self, mat1: Tensor, mat2: Tensor, *, beta: Number = ..., alpha: Number = ...) -> Tensor:
        """Add a matrix product: beta * input + alpha * mat1 @ mat2."""
    def addmm_(self, mat1: Tensor, mat2: Tensor, *, beta: Number = ..., alpha: Number = ...) -> Tensor:
        """In-place form of addmm."""
    def addmv(self, mat: Tensor, vec: Tensor, *, beta: Number = ..., alpha: Number = ...) -> Tensor:
        """Add a matrix-vector product: beta * input + alpha * mat @ vec."""
    def addmv_(self, mat: Tensor, vec: Tensor, *, beta: Number = ..., alpha: Number = ...) -> Tensor:
        """In-place form of addmv."""
    def addr(self, vec1: Tensor, vec2: Tensor, *, beta: Number = ..., alpha: Number = ...) -> Tensor:
        """Add an outer product: beta * input + alpha * outer(vec1, vec2)."""
    def addr_(self, vec1: Tensor, vec2: Tensor, *, beta: Number = ..., alpha: Number = ...) -> Tensor:
        """In-place form of addr."""
    def adjoint(self) -> Tensor:
        """Swap the last two dimensions."""
    def all(self, dim: _int | Sequence[_int] | None = ..., keepdim: _bool = ...) -> Tensor:
        """Are all elements true?"""
    def allclose(self, other: Tensor, rtol: _float = ..., atol: _float = ..., equal_nan: _bool = ...) -> _bool:
        """Do all elements agree within a tolerance?"""
    def amax(self, dim: _int | Sequence[_int] = ..., keepdim: _bool = ...) -> Tensor:
        """Largest element along dimensions; equals share the gradient."""
    def amin(self, dim: _int | Sequence[_int] = ..., keepdim: _bool = ...) -> Tensor:
        """Smallest element along dimensions; equals share the gradient."""
    def aminmax(self, *, dim: _int | None = ..., keepdim: _bool = ...) -> _MinMax:
        """Smallest and largest element."""
    def any(self, dim: _int | Sequence[_int] | None = ..., keepdim: _bool = ...) -> Tensor:
        """Is any element true?"""
    def arccos(self) -> Tensor:
        """Inverse cosine."""
    def arccos_(self) -> Tensor:
        """Inverse cosine."""
    def arccosh(self) -> Tensor:
        """Inverse hyperbolic cosine."""
    def arccosh_(self) -> Tensor:
        """Inverse hyperbolic cosine."""
    def arcsin(self) -> Tensor:
        """Inverse sine."""
    def arcsin_(self) -> Tensor:
        """Inverse sine."""
    def arcsinh(self) -> Tensor:
        """Inverse hyperbolic sine."""
    def arcsinh_(self) -> Tensor:
        """Inverse hyperbolic sine."""
    def arctan(self) -> Tensor:
        """Inverse tangent."""
    def arctan2(self, other: Tensor) -> Tensor:
        """Angle of the point (other, input)."""
    def arctan2_(self, other: Tensor) -> Tensor:
        """Angle of the point (other, input)."""
    def arctan_(self) -> Tensor:
        """Inverse tangent."""
    def arctanh(self) -> Tensor:
        """Inverse hyperbolic tangent."""
    def arctanh_(self) -> Tensor:
        """Inverse hyperbolic tangent."""
    def argmax(self, dim: _int | None = ..., keepdim: _bool = ...) -> Tensor:
        """Position of the first largest element."""
    def argmin(self, dim: _int | None = ..., keepdim: _bool = ...) -> Tensor:
        """Position of the first smallest element."""
    @overload
    def argsort(self, dim: _int = ..., descending: _bool = ...) -> Tensor:
        """The positions that sort along a dimension."""
    @overload
    def argsort(self, *, stable: _bool, dim: _int = ..., descending: _bool = ...) -> Tensor: ...
    def argwhere(self) -> Tensor:
        """Return the positions of the elements that are not zero."""
    def as_strided(self, size: _int | Sequence[_int], stride: _int | Sequence[_int], storage_offset: _int | None = ...) -> Tensor:
        """View the storage with any geometry."""
    def asin(self) -> Tensor:
        """Inverse sine."""
    def asin_(self) -> Tensor:
        """Inverse sine."""
    def asinh(self) -> Tensor:
        """Inverse hyperbolic sine."""
    def asinh_(self) -> Tensor:
        """Inverse hyperbolic sine."""
    def atan(self) -> Tensor:
        """Inverse tangent."""
    def atan2(self, other: Tensor) -> Tensor:
        """Angle of the point (other, input)."""
    def atan2_(self, other: Tensor) -> Tensor:
        """Angle of the point (other, input)."""
    def atan_(self) -> Tensor:
        """Inverse tangent."""
    def atanh(self) -> Tensor:
        """Inverse hyperbolic tangent."""
    def atanh_(self) -> Tensor:
        """Inverse hyperbolic tangent."""
    def baddbmm(self, batch1: Tensor, batch2: Tensor, *, beta: Number = ..., alpha: Number = ...) -> Tensor:
        """Add batched products: beta * input + alpha * batch1 @ batch2."""
    def baddbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: Number = ..., alpha: Number = ...) -> Tensor:
        """In-place form of baddbmm."""
    @overload
    def bernoulli(self, *, generator: Generator | None = ...) -> Tensor:
        """Draw 1 with the probability each element says, else 0."""
    @overload
    def bernoulli(self, p: _float, *, generator: Generator | None = ...) -> Tensor: ...
    def bernoulli_(self, p: Tensor | Number = ..., *, generator: Generator | None = ...) -> Tensor:
        """Fill with 1 with probability p, else 0."""
    def bfloat16(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Convert the elements to another type."""
    def bincount(self, weights: Tensor | None = ..., minlength: _int = ...) -> Tensor:
        """How often each non-negative integer occurs."""
    def bitwise_and(self, other: Tensor | Number) -> Tensor:
        """Keep the bits set in both."""
    def bitwise_and_(self, other: Tensor | Number) -> Tensor:
        """Keep the bits set in both."""
    def bitwise_left_shift(self, other: Tensor | Number) -> Tensor:
        """Shift bits towards the high end."""
    def bitwise_left_shift_(self, other: Tensor | Number) -> Tensor:
        """Shift bits towards the high end."""
    def bitwise_not(self) -> Tensor:
        """Flip every bit; logical not of bool."""
    def bitwise_not_(self) -> Tensor:
        """Flip every bit; logical not of bool."""
    def bitwise_or(self, other: Tensor | Number) -> Tensor:
        """Keep the bits set in either."""
    def bitwise_or_(self, other: Tensor | Number) -> Tensor:
        """Keep the bits set in either."""
    def bitwise_right_shift(self, other: Tensor | Number) -> Tensor:
        """Shift bits towards the low end, keeping the sign."""
    def bitwise_right_shift_(self, other: Tensor | Number) -> Tensor:
        """Shift bits towards the low end, keeping the sign."""
    def bitwise_xor(self, other: Tensor | Number) -> Tensor:
        """Keep the bits set in exactly one."""
    def bitwise_xor_(self, other: Tensor | Number) -> Tensor:
        """Keep the bits set in exactly one."""
    def bmm(self, mat2: Tensor) -> Tensor:
        """Multiply matrices pairwise over a batch."""
    def bool(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Convert the elements to another type."""
    @overload
    def broadcast_to(self, *size: _int) -> Tensor:
        """Expand to a shape."""
    @overload
    def broadcast_to(self, size: Sequence[_int]) -> Tensor: ...
    def byte(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Convert the elements to another type."""
    def cauchy_(self, median: _float = ..., sigma: _float = ..., *, generator: Generator | None = ...) -> Tensor:
        """Fill with Cauchy numbers."""
    def cdouble(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Convert the elements to another type."""
    def ceil(self) -> Tensor:
        """Round towards plus infinity."""
    def ceil_(self) -> Tensor:
        """Round towards plus infinity."""
    def cfloat(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Convert the elements to another type."""
    def char(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Convert the elements to another type."""
    def chunk(self, chunks: _int, dim: _int = ...) -> tuple[Tensor, ...]:
        """Cut a dimension into about equal pieces."""
    @overload
    def clamp(self, min: Number | None = ..., max: Number | None = ...) -> Tensor:
        """Limit elements to [min, max]."""
    @overload
    def clamp(self, min: Tensor | None = ..., max: Tensor | None = ...) -> Tensor: ...
    @overload
    def clamp_(self, min: Number | None = ..., max: Number | None = ...) -> Tensor:
        """Limit elements to [min, max]."""
    @overload
    def clamp_(self, min: Tensor | None = ..., max: Tensor | None = ...) -> Tensor: ...
    def clamp_max(self, max: Tensor | Number) -> Tensor:
        """Lower elements to at most max."""
    def clamp_max_(self, max: Tensor | Number) -> Tensor:
        """Lower elements to at most max."""
    def clamp_min(self, min: Tensor | Number) -> Tensor:
        """Raise elements to at least min."""
    def clamp_min_(self, min: Tensor | Number) -> Tensor:
        """Raise elements to at least min."""
    @overload
    def clip(self, min: Number | None = ..., max: Number | None = ...) -> Tensor:
        """Limit elements to [min, max]."""
    @overload
    def clip(self, min: Tensor | None = ..., max: Tensor | None = ...) -> Tensor: ...
    @overload
    def clip_(self, min: Number | None = ..., max: Number | None = ...) -> Tensor:
        """Limit elements to [min, max]."""
    @overload
    def clip_(self, min: Tensor | None = ..., max: Tensor | None = ...) -> Tensor: ...
    def clone(self, *, memory_format: _memory_format | None = ...) -> Tensor:
        """Copy the tensor."""
    def conj(self) -> Tensor:
        """Complex conjugate."""
    def conj_physical(self) -> Tensor:
        """Complex conjugate."""
    def contiguous(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Return the tensor in row-major memory order."""
    def copy_(self, src: Tensor | Number, non_blocking: _bool = ...) -> Tensor:
        """Write the values of src over the tensor."""
    def copysign(self, other: Tensor | Number) -> Tensor:
        """Give elements the sign of other."""
    def copysign_(self, other: Tensor | Number) -> Tensor:
        """Give elements the sign of other."""
    def cos(self) -> Tensor:
        """Cosine."""
    def cos_(self) -> Tensor:
        """Cosine."""
    def cosh(self) -> Tensor:
        """Hyperbolic cosine."""
    def cosh_(self) -> Tensor:
        """Hyperbolic cosine."""
    def count_nonzero(self, dim: _int | Sequence[_int] | None = ...) -> Tensor:
        """Count the elements that are not zero."""
    def cpu(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Copy to the CPU; self if it is there."""
    def cross(self, other: Tensor, dim: _int | None = ...) -> Tensor:
        """Vector product of 3-vectors."""
    def cuda(self, device: _device | str | _int | None = ..., non_blocking: _bool = ..., memory_format: _memory_format | None = ...) -> Tensor:
        """Copy to a CUDA device; self if it is there."""
    def cummax(self, dim: _int) -> _ValuesIndices:
        """Running maximum."""
    def cummin(self, dim: _int) -> _ValuesIndices:
        """Running minimum."""
    def cumprod(self, dim: _int, *, dtype: _dtype | None = ...) -> Tensor:
        """Running product."""
    def cumprod_(self, dim: _int, *, dtype: _dtype | None = ...) -> Tensor:
        """Running product, in place."""
    def cumsum(self, dim: _int, *, dtype: _dtype | None = ...) -> Tensor:
        """Running sum."""
    def cumsum_(self, dim: _int, *, dtype: _dtype | None = ...) -> Tensor:
        """Running sum, in place."""
    def deg2rad(self) -> Tensor:
        """Degrees to radians."""
    def deg2rad_(self) -> Tensor:
        """Degrees to radians."""
    def detach(self) -> Tensor:
        """Return the same values without history."""
    def diag(self, diagonal: _int = ...) -> Tensor:
        """Make a diagonal matrix of a vector, or take a matrix's diagonal."""
    def diag_embed(self, offset: _int = ..., dim1: _int = ..., dim2: _int = ...) -> Tensor:
        """Put the last dimension on the diagonal of two new ones."""
    def diagflat(self, offset: _int = ...) -> Tensor:
        """Put the flattened elements on the diagonal of a matrix."""
    def diagonal(self, offset: _int = ..., dim1: _int = ..., dim2: _int = ...) -> Tensor:
        """View a diagonal of two dimensions as the last dimension."""
    def div(self, other: Tensor | Number, *, rounding_mode: str | None = ...) -> Tensor:
        """Divide; rounding_mode 'trunc' or 'floor' rounds the quotient."""
    def div_(self, other: Tensor | Number, *, rounding_mode: str | None = ...) -> Tensor:
        """Divide; rounding_mode 'trunc' or 'floor' rounds the quotient."""
    def divide(self, other: Tensor | Number, *, rounding_mode: str | None = ...) -> Tensor:
        """Divide; rounding_mode 'trunc' or 'floor' rounds the quotient."""
    def divide_(self, other: Tensor | Number, *, rounding_mode: str | None = ...) -> Tensor:
        """Divide; rounding_mode 'trunc' or 'floor' rounds the quotient."""
    def dot(self, tensor: Tensor) -> Tensor:
        """Sum the products of two vectors."""
    def double(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Convert the elements to another type."""
    def eq(self, other: Tensor | Number) -> Tensor:
        """Compare for equality."""
    def eq_(self, other: Tensor | Number) -> Tensor:
        """Compare for equality."""
    def equal(self, other: Tensor) -> _bool:
        """Have the two the same shape and elements?"""
    def erf(self) -> Tensor:
        """Error function."""
    def erf_(self) -> Tensor:
        """Error function."""
    def erfc(self) -> Tensor:
        """1 - erf(input), accurate for large input."""
    def erfc_(self) -> Tensor:
        """1 - erf(input), accurate for large input."""
    def exp(self) -> Tensor:
        """e to the power of each element."""
    def exp2(self) -> Tensor:
        """2 to the power of each element."""
    def exp2_(self) -> Tensor:
        """2 to the power of each element."""
    def exp_(self) -> Tensor:
        """e to the power of each element."""
    @overload
    def expand(self, *size: _int) -> Tensor:
        """Repeat dimensions of size 1 without copying."""
    @overload
    def expand(self, size: Sequence[_int]) -> Tensor: ...
    def expand_as(self, other: Tensor) -> Tensor:
        """Expand to the shape of other."""
    def expm1(self) -> Tensor:
        """exp(input) - 1, accurate near 0."""
    def expm1_(self) -> Tensor:
        """exp(input) - 1, accurate near 0."""
    def exponential_(self, lambd: _float = ..., *, generator: Generator | None = ...) -> Tensor:
        """Fill with exponential numbers of rate lambd."""
    def fill_(self, value: Tensor | Number) -> Tensor:
        """Write one value everywhere."""
    def fill_diagonal_(self, fill_value: Number, wrap: _bool = ...) -> Tensor:
        """Write one value along the main diagonal."""
    def fix(self) -> Tensor:
        """Round towards zero."""
    def fix_(self) -> Tensor:
        """Round towards zero."""
    def flatten(self, start_dim: _int = ..., end_dim: _int = ...) -> Tensor:
        """Merge a range of dimensions into one."""
    @overload
    def flip(self, *dims: _int) -> Tensor:
        """Reverse the order of dimensions."""
    @overload
    def flip(self, dims: Sequence[_int]) -> Tensor: ...
    def fliplr(self) -> Tensor:
        """Reverse the second dimension."""
    def flipud(self) -> Tensor:
        """Reverse the first dimension."""
    def float(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Convert the elements to another type."""
    def float_power(self, exponent: Tensor | Number) -> Tensor:
        """Raise to a power in double precision."""
    def float_power_(self, exponent: Tensor | Number) -> Tensor:
        """Raise to a power in double precision."""
    def floor(self) -> Tensor:
        """Round towards minus infinity."""
    def floor_(self) -> Tensor:
        """Round towards minus infinity."""
    def floor_divide(self, other: Tensor | Number) -> Tensor:
        """Divide and round towards minus infinity."""
    def floor_divide_(self, other: Tensor | Number) -> Tensor:
        """Divide and round towards minus infinity."""
    def fmax(self, other: Tensor) -> Tensor:
        """Take the larger element; NaN loses."""
    def fmin(self, other: Tensor) -> Tensor:
        """Take the smaller element; NaN loses."""
    def fmod(self, other: Tensor | Number) -> Tensor:
        """Take the remainder that has the sign of the dividend."""
    def fmod_(self, other: Tensor | Number) -> Tensor:
        """Take the remainder that has the sign of the dividend."""
    def frac(self) -> Tensor:
        """Fractional part, with the sign of the element."""
    def frac_(self) -> Tensor:
        """Fractional part, with the sign of the element."""
    def gather(self, dim: _int, index: Tensor, *, sparse_grad: _bool = ...) -> Tensor:
        """Take the elements of a dimension that index names."""
    def gcd(self, other: Tensor) -> Tensor:
        """Greatest common divisors of integers."""
    def gcd_(self, other: Tensor) -> Tensor:
        """Greatest common divisors of integers."""
    def ge(self, other: Tensor | Number) -> Tensor:
        """Say where input >= other."""
    def ge_(self, other: Tensor | Number) -> Tensor:
        """Say where input >= other."""
    def geometric_(self, p: _float, *, generator: Generator | None = ...) -> Tensor:
        """Fill with the number of trials until a success of probability p."""
    def ger(self, vec2: Tensor) -> Tensor:
        """Multiply every pair of two vectors."""
    def greater(self, other: Tensor | Number) -> Tensor:
        """Say where input > other."""
    def greater_(self, other: Tensor | Number) -> Tensor:
        """Say where input > other."""
    def greater_equal(self, other: Tensor | Number) -> Tensor:
        """Say where input >= other."""
    def greater_equal_(self, other: Tensor | Number) -> Tensor:
        """Say where input >= other."""
    def gt(self, other: Tensor | Number) -> Tensor:
        """Say where input > other."""
    def gt_(self, other: Tensor | Number) -> Tensor:
        """Say where input > other."""
    def half(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Convert the elements to another type."""
    def hardshrink(self, lambd: _float = ...) -> Tensor:
        """Zero elements within [-lambd, lambd]."""
    def heaviside(self, values: Tensor) -> Tensor:
        """0 for negative, 1 for positive elements, values at 0."""
    def heaviside_(self, values: Tensor) -> Tensor:
        """0 for negative, 1 for positive elements, values at 0."""
    def hypot(self, other: Tensor) -> Tensor:
        """Length of the hypotenuse."""
    def hypot_(self, other: Tensor) -> Tensor:
        """Length of the hypotenuse."""
    def index_add(self, dim: _int, index: Tensor, source: Tensor, *, alpha: Number = ...) -> Tensor:
        """Add slices at the positions in index."""
    def index_add_(self, dim: _int, index: Tensor, source: Tensor, *, alpha: Number = ...) -> Tensor:
        """Add slices at the positions in index."""
    def index_copy(self, dim: _int, index: Tensor, source: Tensor) -> Tensor:
        """Write slices to the positions in index."""
    def index_copy_(self, dim: _int, index: Tensor, source: Tensor) -> Tensor:
        """Write slices to the positions in index."""
    def index_fill(self, dim: _int, index: Tensor, value: Tensor | Number) -> Tensor:
        """Write one value to the slices at the positions in index."""
    def index_fill_(self, dim: _int, index: Tensor, value: Tensor | Number) -> Tensor:
        """Write one value to the slices at the positions in index."""
    def index_put(self, indices: Sequence[Tensor], values: Tensor, accumulate: _bool = ...) -> Tensor:
        """Write values to the positions in a tuple of index tensors."""
    def index_put_(self, indices: Sequence[Tensor], values: Tensor, accumulate: _bool = ...) -> Tensor:
        """Write values to the positions in a tuple of index tensors."""
    def index_select(self, dim: _int, index: Tensor) -> Tensor:
        """Take the slices of a dimension that index names."""
    def inner(self, other: Tensor) -> Tensor:
        """Sum the products over the last dimension of both tensors."""
    def int(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Convert the elements to another type."""
    def is_same_size(self, other: Tensor) -> _bool:
        """Compare the shapes."""
    def is_set_to(self, tensor: Tensor) -> _bool:
        """Compare storage and geometry."""
    def isclose(self, other: Tensor, rtol: _float = ..., atol: _float = ..., equal_nan: _bool = ...) -> Tensor:
        """Say where |input - other| <= atol + rtol * |other|."""
    def isfinite(self) -> Tensor:
        """Say which elements are neither NaN nor infinite."""
    def isinf(self) -> Tensor:
        """Say which elements are infinite."""
    def isnan(self) -> Tensor:
        """Say which elements are NaN."""
    def isneginf(self) -> Tensor:
        """Say which elements are minus infinity."""
    def isposinf(self) -> Tensor:
        """Say which elements are plus infinity."""
    def kron(self, other: Tensor) -> Tensor:
        """Kronecker product."""
    def kthvalue(self, k: _int, dim: _int = ..., keepdim: _bool = ...) -> _ValuesIndices:
        """The k-th smallest element along a dimension."""
    def lcm(self, other: Tensor) -> Tensor:
        """Least common multiples of integers, not negative."""
    def lcm_(self, other: Tensor) -> Tensor:
        """Least common multiples of integers, not negative."""
    def le(self, other: Tensor | Number) -> Tensor:
        """Say where input <= other."""
    def le_(self, other: Tensor | Number) -> Tensor:
        """Say where input <= other."""
    def lerp(self, end: Tensor, weight: Tensor | Number) -> Tensor:
        """Interpolate: input + weight * (end - input)."""
    def lerp_(self, end: Tensor, weight: Tensor | Number) -> Tensor:
        """Interpolate: input + weight * (end - input)."""
    def less(self, other: Tensor | Number) -> Tensor:
        """Say where input < other."""
    def less_(self, other: Tensor | Number) -> Tensor:
        """Say where input < other."""
    def less_equal(self, other: Tensor | Number) -> Tensor:
        """Say where input <= other."""
    def less_equal_(self, other: Tensor | Number) -> Tensor:
        """Say where input <= other."""
    def log(self) -> Tensor:
        """Natural logarithm."""
    def log10(self) -> Tensor:
        """Logarithm to base 10."""
    def log10_(self) -> Tensor:
        """Logarithm to base 10."""
    def log1p(self) -> Tensor:
        """log(1 + input), accurate near 0."""
    def log1p_(self) -> Tensor:
        """log(1 + input), accurate near 0."""
    def log2(self) -> Tensor:
        """Logarithm to base 2."""
    def log2_(self) -> Tensor:
        """Logarithm to base 2."""
    def log_(self) -> Tensor:
        """Natural logarithm."""
    def log_normal_(self, mean: _float = ..., std: _float = ..., *, generator: Generator | None = ...) -> Tensor:
        """Fill with exponentials of normal numbers."""
    def log_softmax(self, dim: _int, dtype: _dtype | None = ...) -> Tensor:
        """The logarithm of softmax."""
    def logaddexp(self, other: Tensor) -> Tensor:
        """log(exp(input) + exp(other)) without overflow."""
    def logaddexp2(self, other: Tensor) -> Tensor:
        """log2(2 ** input + 2 ** other) without overflow."""
    def logcumsumexp(self, dim: _int) -> Tensor:
        """Logarithm of the running sum of exponentials."""
    def logical_and(self, other: Tensor) -> Tensor:
        """Say where both are non-zero."""
    def logical_and_(self, other: Tensor) -> Tensor:
        """Say where both are non-zero."""
    def logical_not(self) -> Tensor:
        """Say which elements are zero."""
    def logical_not_(self) -> Tensor:
        """Say which elements are zero."""
    def logical_or(self, other: Tensor) -> Tensor:
        """Say where either is non-zero."""
    def logical_or_(self, other: Tensor) -> Tensor:
        """Say where either is non-zero."""
    def logical_xor(self, other: Tensor) -> Tensor:
        """Say where exactly one is non-zero."""
    def logical_xor_(self, other: Tensor) -> Tensor:
        """Say where exactly one is non-zero."""
    def logit(self, eps: _float | None = ...) -> Tensor:
        """log(input / (1 - input))."""
    def logit_(self, eps: _float | None = ...) -> Tensor:
        """log(input / (1 - input))."""
    def logsumexp(self, dim: _int | Sequence[_int], keepdim: _bool = ...) -> Tensor:
        """log(sum(exp(input))) along dimensions."""
    def long(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Convert the elements to another type."""
    def lt(self, other: Tensor | Number) -> Tensor:
        """Say where input < other."""
    def lt_(self, other: Tensor | Number) -> Tensor:
        """Say where input < other."""
    def masked_fill(self, mask: Tensor, value: Tensor | Number) -> Tensor:
        """Write one value where the mask is set."""
    def masked_fill_(self, mask: Tensor, value: Tensor | Number) -> Tensor:
        """Write one value where the mask is set."""
    def masked_scatter(self, mask: Tensor, source: Tensor) -> Tensor:
        """Write the elements of source where the mask is set."""
    def masked_scatter_(self, mask: Tensor, source: Tensor) -> Tensor:
        """Write the elements of source where the mask is set."""
    def masked_select(self, mask: Tensor) -> Tensor:
        """Take the elements where the mask is set."""
    def matmul(self, other: Tensor) -> Tensor:
        """Multiply tensors as matrices, broadcasting the leading dimensions."""
    @overload
    def max(self) -> Tensor:
        """Largest element, of all or along a dimension; or elementwise maximum."""
    @overload
    def max(self, dim: _int, keepdim: _bool = ...) -> _ValuesIndices: ...
    @overload
    def max(self, other: Tensor) -> Tensor: ...
    def maximum(self, other: Tensor) -> Tensor:
        """Take the larger element; NaN wins."""
    @overload
    def mean(self, *, dtype: _dtype | None = ...) -> Tensor:
        """Average all elements, or those along dimensions."""
    @overload
    def mean(self, dim: _int | Sequence[_int], keepdim: _bool = ..., *, dtype: _dtype | None = ...) -> Tensor: ...
    @overload
    def median(self) -> Tensor:
        """The element in the middle of the sorted order."""
    @overload
    def median(self, dim: _int, keepdim: _bool = ...) -> _ValuesIndices: ...
    @overload
    def min(self) -> Tensor:
        """Smallest element, of all or along a dimension; or elementwise minimum."""
    @overload
    def min(self, dim: _int, keepdim: _bool = ...) -> _ValuesIndices: ...
    @overload
    def min(self, other: Tensor) -> Tensor: ...
    def minimum(self, other: Tensor) -> Tensor:
        """Take the smaller element; NaN wins."""
    def mm(self, mat2: Tensor) -> Tensor:
        """Multiply two matrices."""
    def mode(self, dim: _int = ..., keepdim: _bool = ...) -> _ValuesIndices:
        """The most frequent element along a dimension."""
    @overload
    def moveaxis(self, source: _int, destination: _int) -> Tensor:
        """Move dimensions to new positions."""
    @overload
    def moveaxis(self, source: _int | Sequence[_int], destination: _int | Sequence[_int]) -> Tensor: ...
    @overload
    def movedim(self, source: _int, destination: _int) -> Tensor:
        """Move dimensions to new positions."""
    @overload
    def movedim(self, source: _int | Sequence[_int], destination: _int | Sequence[_int]) -> Tensor: ...
    def msort(self) -> Tensor:
        """Sort along the first dimension."""
    def mul(self, other: Tensor | Number) -> Tensor:
        """Multiply."""
    def mul_(self, other: Tensor | Number) -> Tensor:
        """Multiply."""
    def multinomial(self, num_samples: _int, replacement: _bool = ..., *, generator: Generator | None = ...) -> Tensor:
        """Draw category numbers with the weights of each row."""
    def multiply(self, other: Tensor | Number) -> Tensor:
        """Multiply."""
    def multiply_(self, other: Tensor | Number) -> Tensor:
        """Multiply."""
    def mv(self, vec: Tensor) -> Tensor:
        """Multiply a matrix by a vector."""
    def nan_to_num(self, nan: _float | None = ..., posinf: _float | None = ..., neginf: _float | None = ...) -> Tensor:
        """Replace NaN and infinities by finite numbers."""
    def nan_to_num_(self, nan: _float | None = ..., posinf: _float | None = ..., neginf: _float | None = ...) -> Tensor:
        """Replace NaN and infinities by finite numbers."""
    def nanmean(self, dim: _int | Sequence[_int] | None = ..., keepdim: _bool = ..., *, dtype: _dtype | None = ...) -> Tensor:
        """Average the elements that are not NaN."""
    @overload
    def nanmedian(self) -> Tensor:
        """The median of the elements that are not NaN."""
    @overload
    def nanmedian(self, dim: _int, keepdim: _bool = ...) -> _ValuesIndices: ...
    def nansum(self, dim: _int | Sequence[_int] | None = ..., keepdim: _bool = ..., *, dtype: _dtype | None = ...) -> Tensor:
        """Add up the elements that are not NaN."""
    @overload
    def narrow(self, dim: _int, start: _int, length: _int) -> Tensor:
        """Take a range of a dimension."""
    @overload
    def narrow(self, dim: _int, start: Tensor, length: _int) -> Tensor: ...
    def ne(self, other: Tensor | Number) -> Tensor:
        """Compare for inequality."""
    def ne_(self, other: Tensor | Number) -> Tensor:
        """Compare for inequality."""
    def neg(self) -> Tensor:
        """Change the sign."""
    def neg_(self) -> Tensor:
        """Change the sign."""
    def negative(self) -> Tensor:
        """Change the sign."""
    def negative_(self) -> Tensor:
        """Change the sign."""
    @overload
    def new_empty(self, *size: _int, dtype: _dtype | None = ..., layout: _layout | None = ..., device: _device | str | _int | None = ..., requires_grad: _bool = ..., pin_memory: _bool = ...) -> Tensor:
        """Make a tensor of input's type without setting its elements."""
    @overload
    def new_empty(self, size: Sequence[_int], *, dtype: _dtype | None = ..., layout: _layout | None = ..., device: _device | str | _int | None = ..., requires_grad: _bool = ..., pin_memory: _bool = ...) -> Tensor: ...
    def new_full(self, size: _int | Sequence[_int], fill_value: Number, *, dtype: _dtype | None = ..., layout: _layout | None = ..., device: _device | str | _int | None = ..., requires_grad: _bool = ..., pin_memory: _bool = ...) -> Tensor:
        """Make a tensor of one value of input's type."""
    @overload
    def new_ones(self, *size: _int, dtype: _dtype | None = ..., layout: _layout | None = ..., device: _device | str | _int | None = ..., requires_grad: _bool = ..., pin_memory: _bool = ...) -> Tensor:
        """Make a tensor of ones of input's type."""
    @overload
    def new_ones(self, size: Sequence[_int], *, dtype: _dtype | None = ..., layout: _layout | None = ..., device: _device | str | _int | None = ..., requires_grad: _bool = ..., pin_memory: _bool = ...) -> Tensor: ...
    @overload
    def new_zeros(self, *size: _int, dtype: _dtype | None = ..., layout: _layout | None = ..., device: _device | str | _int | None = ..., requires_grad: _bool = ..., pin_memory: _bool = ...) -> Tensor:
        """Make a tensor of zeros of input's type."""
    @overload
    def new_zeros(self, size: Sequence[_int], *, dtype: _dtype | None = ..., layout: _layout | None = ..., device: _device | str | _int | None = ..., requires_grad: _bool = ..., pin_memory: _bool = ...) -> Tensor: ...
    def nextafter(self, other: Tensor) -> Tensor:
        """The next number that the type holds in the direction of other."""
    def nextafter_(self, other: Tensor) -> Tensor:
        """The next number that the type holds in the direction of other."""
    @overload
    def nonzero(self) -> Tensor:
        """Return the positions of the elements that are not zero."""
    @overload
    def nonzero(self, *, as_tuple: _bool) -> Tensor: ...
    @overload
    def norm(self, p: Number = ..., dim: _int | Sequence[_int] | None = ..., keepdim: _bool = ..., dtype: _dtype | None = ...) -> Tensor:
        """(sum of |input|^p)^(1/p)."""
    @overload
    def norm(self, p: str, dim: _int | Sequence[_int] | None = ..., keepdim: _bool = ..., dtype: _dtype | None = ...) -> Tensor: ...
    def normal_(self, mean: _float = ..., std: _float = ..., *, generator: Generator | None = ...) -> Tensor:
        """Fill with normal numbers."""
    def not_equal(self, other: Tensor | Number) -> Tensor:
        """Compare for inequality."""
    def not_equal_(self, other: Tensor | Number) -> Tensor:
        """Compare for inequality."""
    def outer(self, vec2: Tensor) -> Tensor:
        """Multiply every pair of two vectors."""
    @overload
    def permute(self, *dims: _int) -> Tensor:
        """Reorder the dimensions."""
    @overload
    def permute(self, dims: Sequence[_int]) -> Tensor: ...
    def pin_memory(self, device: _device | str | _int | None = ...) -> Tensor:
        """Copy to page-locked memory; self if it is there."""
    def positive(self) -> Tensor:
        """Return the tensor itself."""
    def pow(self, exponent: Tensor | Number) -> Tensor:
        """Raise to a power."""
    def pow_(self, exponent: Tensor | Number) -> Tensor:
        """Raise to a power."""
    def prelu(self, weight: Tensor) -> Tensor:
        """Scale negative elements by a learned weight."""
    @overload
    def prod(self, *, dtype: _dtype | None = ...) -> Tensor:
        """Multiply all elements, or those along a dimension."""
    @overload
    def prod(self, dim: _int, keepdim: _bool = ..., *, dtype: _dtype | None = ...) -> Tensor: ...
    def put(self, index: Tensor, source: Tensor, accumulate: _bool = ...) -> Tensor:
        """Write elements of the flattened tensor."""
    def put_(self, index: Tensor, source: Tensor, accumulate: _bool = ...) -> Tensor:
        """Write elements of the flattened tensor."""
    def rad2deg(self) -> Tensor:
        """Radians to degrees."""
    def rad2deg_(self) -> Tensor:
        """Radians to degrees."""
    @overload
    def random_(self, *, generator: Generator | None = ...) -> Tensor:
        """Fill with integers in [from, to)."""
    @overload
    def random_(self, to: _int, *, generator: Generator | None = ...) -> Tensor: ...
    @overload
    def random_(self, from_: _int, to: _int, *, generator: Generator | None = ...) -> Tensor: ...
    def ravel(self) -> Tensor:
        """Flatten to one contiguous dimension."""
    def reciprocal(self) -> Tensor:
        """1 / input."""
    def reciprocal_(self) -> Tensor:
        """1 / input."""
    def relu(self) -> Tensor:
        """max(input, 0)."""
    def relu_(self) -> Tensor:
        """max(input, 0)."""
    def remainder(self, other: Tensor | Number) -> Tensor:
        """Take the remainder that has the sign of the divisor."""
    def remainder_(self, other: Tensor | Number) -> Tensor:
        """Take the remainder that has the sign of the divisor."""
    @overload
    def repeat(self, *repeats: _int) -> Tensor:
        """Repeat the whole tensor along each dimension."""
    @overload
    def repeat(self, repeats: Sequence[_int]) -> Tensor: ...
    @overload
    def repeat_interleave(self, repeats: _int, dim: _int | None = ..., *, output_size: _int | None = ...) -> Tensor:
        """Repeat every element or slice."""
    @overload
    def repeat_interleave(self, repeats: Tensor, dim: _int | None = ..., *, output_size: _int | None = ...) -> Tensor: ...
    @overload
    def repeat_interleave(self, *, output_size: _int | None = ...) -> Tensor: ...
    @overload
    def reshape(self, *shape: _int) -> Tensor:
        """Return the data in another shape, as a view if possible."""
    @overload
    def reshape(self, shape: Sequence[_int]) -> Tensor: ...
    def reshape_as(self, other: Tensor) -> Tensor:
        """Reshape to the shape of other."""
    @overload
    def resize_(self, *size: _int, memory_format: _memory_format | None = ...) -> Tensor:
        """Change the shape in place; new elements are unspecified."""
    @overload
    def resize_(self, size: Sequence[_int], *, memory_format: _memory_format | None = ...) -> Tensor: ...
    def resolve_conj(self) -> Tensor:
        """Carry out a conjugation that was put off: none ever is."""
    def resolve_neg(self) -> Tensor:
        """Carry out a negation that was put off: none ever is."""
    def roll(self, shifts: _int | Sequence[_int], dims: _int | Sequence[_int] = ...) -> Tensor:
        """Move elements along, round the end."""
    def rot90(self, k: _int = ..., dims: _int | Sequence[_int] = ...) -> Tensor:
        """Turn by 90 degrees k times."""
    def round(self, *, decimals: _int = ...) -> Tensor:
        """Round to the nearest; halves to even."""
    def round_(self, *, decimals: _int = ...) -> Tensor:
        """Round to the nearest; halves to even."""
    def rsqrt(self) -> Tensor:
        """1 / sqrt(input)."""
    def rsqrt_(self) -> Tensor:
        """1 / sqrt(input)."""
    @overload
    def scatter(self, dim: _int, index: Tensor, src: Tensor | Number, *, reduce: str | None = ...) -> Tensor:
        """Write elements to the positions in index."""
    @overload
    def scatter(self, dim: _int, index: Tensor, value: Tensor | Number, *, reduce: str | None = ...) -> Tensor: ...
    @overload
    def scatter_(self, dim: _int, index: Tensor, src: Tensor | Number, *, reduce: str | None = ...) -> Tensor:
        """Write elements to the positions in index."""
    @overload
    def scatter_(self, dim: _int, index: Tensor, value: Tensor | Number, *, reduce: str | None = ...) -> Tensor: ...
    def scatter_add(self, dim: _int, index: Tensor, src: Tensor) -> Tensor:
        """Add elements at the positions in index."""
    def scatter_add_(self, dim: _int, index: Tensor, src: Tensor) -> Tensor:
        """Add elements at the positions in index."""
    def scatter_reduce(self, dim: _int, index: Tensor, src: Tensor, reduce: str, *, include_self: _bool = ...) -> Tensor:
        """Combine elements at the positions in index."""
    def scatter_reduce_(self, dim: _int, index: Tensor, src: Tensor, reduce: str, *, include_self: _bool = ...) -> Tensor:
        """Combine elements at the positions in index."""
    def select(self, dim: _int, index: _int) -> Tensor:
        """Take one position of a dimension."""
    def sgn(self) -> Tensor:
        """Sign; for complex numbers, the direction."""
    def sgn_(self) -> Tensor:
        """Sign; for complex numbers, the direction."""
    def short(self, memory_format: _memory_format | None = ...) -> Tensor:
        """Convert the elements to another type."""
    def sigmoid(self) -> Tensor:
        """1 / (1 + exp(-input))."""
    def sigmoid_(self) -> Tensor:
        """1 / (1 + exp(-input))."""
    def sign(self) -> Tensor:
        """-1, 0 or 1 by sign."""
    def sign_(self) -> Tensor:
        """-1, 0 or 1 by sign."""
    def signbit(self) -> Tensor:
        """Say which elements have the sign bit set."""
    def sin(self) -> Tensor:
        """Sine."""
    def sin_(self) -> Tensor:
        """Sine."""
    def sinc(self) -> Tensor:
        """sin(pi input) / (pi input), 1 at 0."""
    def sinc_(self) -> Tensor:
        """sin(pi input) / (pi input), 1 at 0."""
    def sinh(self) -> Tensor:
        """Hyperbolic sine."""
    def sinh_(self) -> Tensor:
        """Hyperbolic sine."""
    def softmax(self, dim: _int, dtype: _dtype | None = ...) -> Tensor:
        """Normalise exp(input) along dim."""
    @overload
    def sort(self, dim: _int = ..., descending: _bool = ...) -> _ValuesIndices:
        """Sort along a dimension."""
    @overload
    def sort(self, *, stable: _bool, dim: _int = ..., descending: _bool = ...) -> _ValuesIndices: ...
    @overload
    def split(self, split_size: _int, dim: _int = ...) -> tuple[Tensor, ...]:
        """Cut a dimension into pieces."""
    @overload
    def split(self, split_size: _int | Sequence[_int], dim: _int = ...) -> tuple[Tensor, ...]: ...
    def split_with_sizes(self, split_sizes: _int | Sequence[_int], dim: _int = ...) -> tuple[Tensor, ...]:
        """Cut a dimension into pieces of the given sizes."""
    def sqrt(self) -> Tensor:
        """Square root."""
    def sqrt_(self) -> Tensor:
        """Square root."""
    def square(self) -> Tensor:
        """Multiply by itself."""
    def square_(self) -> Tensor:
        """Multiply by itself."""
    @overload
    def squeeze(self) -> Tensor:
        """Remove dimensions of size 1."""
    @overload
    def squeeze(self, dim: _int) -> Tensor: ...
    @overload
    def squeeze(self, *dim: _int) -> Tensor: ...
    @overload
    def squeeze(self, dim: Sequence[_int]) -> Tensor: ...
    @overload
    def squeeze_(self) -> Tensor:
        """Remove dimensions of size 1, in place."""
    @overload
    def squeeze_(self, dim: _int) -> Tensor: ...
    @overload
    def squeeze_(self, *dim: _int) -> Tensor: ...
    @overload
    def squeeze_(self, dim: Sequence[_int]) -> Tensor: ...
    @overload
    def std(self, unbiased: _bool = ...) -> Tensor:
        """Standard deviation."""
    @overload
    def std(self, dim: _int | Sequence[_int], unbiased: _bool = ..., keepdim: _bool = ...) -> Tensor: ...
    @overload
    def std(self, dim: _int | Sequence[_int] | None = ..., *, correction: Number | None = ..., keepdim: _bool = ...) -> Tensor: ...
    def sub(self, other: Tensor | Number, *, alpha: Number = ...) -> Tensor:
        """Subtract alpha * other."""
    def sub_(self, other: Tensor | Number, *, alpha: Number = ...) -> Tensor:
        """Subtract alpha * other."""
    def subtract(self, other: Tensor | Number, *, alpha: Number = ...) -> Tensor:
        """Subtract alpha * other."""
    def subtract_(self, other: Tensor | Number, *, alpha: Number = ...) -> Tensor:
        """Subtract alpha * other."""
    @overload
    def sum(self, *, dtype: _dtype | None = ...) -> Tensor:
        """Add up all elements, or those along dimensions."""
    @overload
    def sum(self, dim: _int | Sequence[_int], keepdim: _bool = ..., *, dtype: _dtype | None = ...) -> Tensor: ...
    @overload
    def sum_to_size(self, *size: _int) -> Tensor:
        """Sum over broadcast dimensions until the shape is size."""
    @overload
    def sum_to_size(self, size: Sequence[_int]) -> Tensor: ...
    def swapaxes(self, axis0: _int, axis1: _int) -> Tensor:
        """Swap two dimensions."""
    def swapaxes_(self, axis0: _int, axis1: _int) -> Tensor:
        """Swap two dimensions, in place."""
    def swapdims(self, dim0: _int, dim1: _int) -> Tensor:
        """Swap two dimensions."""
    def swapdims_(self, dim0: _int, dim1: _int) -> Tensor:
        """Swap two dimensions, in place."""
    def t(self) -> Tensor:
        """Transpose a matrix."""
    def t_(self) -> Tensor:
        """Transpose a matrix, in place."""
    def take(self, index: Tensor) -> Tensor:
        """Take elements of the flattened tensor."""
    def take_along_dim(self, indices: Tensor, dim: _int | None = ...) -> Tensor:
        """gather() with broadcasting."""
    def tan(self) -> Tensor:
        """Tangent."""
    def tan_(self) -> Tensor:
        """Tangent."""
    def tanh(self) -> Tensor:
        """Hyperbolic tangent."""
    def tanh_(self) -> Tensor:
        """Hyperbolic tangent."""
    @overload
    def tile(self, *dims: _int) -> Tensor:
        """Repeat the whole tensor along its last dimensions."""
    @overload
    def tile(self, dims: Sequence[_int]) -> Tensor: ...
    @overload
    def to(self, dtype: _dtype, non_blocking: _bool = ..., copy: _bool = ..., *, memory_format: _memory_format | None = ...) -> Tensor:
        """Convert to another type, device or memory format; self if it already fits."""
    @overload
    def to(self, device: _device | str | _int | None = ..., dtype: _dtype | None = ..., non_blocking: _bool = ..., copy: _bool = ..., *, memory_format: _memory_format | None = ...) -> Tensor: ...
    @overload
    def to(self, other: Tensor, non_blocking: _bool = ..., copy: _bool = ..., *, memory_format: _memory_format | None = ...) -> Tensor: ...
    def topk(self, k: _int, dim: _int = ..., largest: _bool = ..., sorted: _bool = ...) -> _ValuesIndices:
        """The k largest elements along a dimension, in order."""
    def trace(self) -> Tensor:
        """Sum of a matrix's diagonal."""
    def transpose(self, dim0: _int, dim1: _int) -> Tensor:
        """Swap two dimensions."""
    def transpose_(self, dim0: _int, dim1: _int) -> Tensor:
        """Swap two dimensions, in place."""
    def tril(self, diagonal: _int = ...) -> Tensor:
        """Keep the triangle on and below a diagonal."""
    def tril_(self, diagonal: _int = ...) -> Tensor:
        """Keep the triangle on and below a diagonal."""
    def triu(self, diagonal: _int = ...) -> Tensor:
        """Keep the triangle on and above a diagonal."""
    def triu_(self, diagonal: _int = ...) -> Tensor:
        """Keep the triangle on and above a diagonal."""
    def true_divide(self, other: Tensor | Number, *, rounding_mode: str | None = ...) -> Tensor:
        """Divide; rounding_mode 'trunc' or 'floor' rounds the quotient."""
    def true_divide_(self, other: Tensor | Number, *, rounding_mode: str | None = ...) -> Tensor:
        """Divide; rounding_mode 'trunc' or 'floor' rounds the quotient."""
    def trunc(self) -> Tensor:
        """Round towards zero."""
    def trunc_(self) -> Tensor:
        """Round towards zero."""
    def type_as(self, other: Tensor) -> Tensor:
        """Convert to the type of other."""
    def unbind(self, dim: _int = ...) -> tuple[Tensor, ...]:
        """Return the slices along a dimension."""
    def unflatten(self, dim: _int, sizes: _int | Sequence[_int]) -> Tensor:
        """Split one dimension into several."""
    def unfold(self, dimension: _int, size: _int, step: _int) -> Tensor:
        """View all windows of a dimension."""
    def uniform_(self, from_: _float = ..., to: _float = ..., *, generator: Generator | None = ...) -> Tensor:
        """Fill with uniform numbers in [from, to)."""
    def unsqueeze(self, dim: _int) -> Tensor:
        """Insert a dimension of size 1."""
    def unsqueeze_(self, dim: _int) -> Tensor:
        """Insert a dimension of size 1, in place."""
    @overload
    def var(self, unbiased: _bool = ...) -> Tensor:
        """Variance."""
    @overload
    def var(self, dim: _int | Sequence[_int], unbiased: _bool = ..., keepdim: _bool = ...) -> Tensor: ...
    @overload
    def var(self, dim: _int | Sequence[_int] | None = ..., *, correction: Number | None = ..., keepdim: _bool = ...) -> Tensor: ...
    def vdot(self, other: Tensor) -> Tensor:
        """Sum the products of two vectors, the first conjugated."""
    @overload
    def view(self, dtype: _dtype) -> Tensor:
        """Return the same data in another shape or type."""
    @overload
    def view(self, *size: _int) -> Tensor: ...
    @overload
    def view(self, size: Sequence[_int]) -> Tensor: ...
    def view_as(self, other: Tensor) -> Tensor:
        """View input in the shape of other."""
    def where(self, condition: Tensor, other: Tensor | Number) -> Tensor:
        """Keep elements where condition holds, else take those of other."""
    def xlogy(self, other: Tensor | Number) -> Tensor:
        """input * log(other), 0 where input is 0."""
    def xlogy_(self, other: Tensor | Number) -> Tensor:
        """input * log(other), 0 where input is 0."""
    def zero_(self) -> Tensor:
        """Write zeros everywhere."""

class _Composite:
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __get__(self, *args: Any, **kwargs: Any) -> Any: ...
    __vectorcalloffset__: Any

class _FunctionBase(Node):
    apply: Any
    def mark_dirty(self, *tensors: Tensor) -> None: ...
    def mark_non_differentiable(self, *tensors: Tensor) -> None: ...
    materialize_grads: _bool
    needs_input_grad: tuple[_bool, ...]
    def save_for_backward(self, *tensors: Tensor | None) -> None: ...
    saved_tensors: tuple[Tensor, ...]
    saved_variables: tuple[Tensor, ...]
    def set_materialize_grads(self, value: _bool) -> None: ...
    to_save: tuple[Tensor | None, ...] | None

class _GradMode:
    def __enter__(self) -> None: ...
    def __exit__(self, kind: object, value: object, traceback: object) -> None: ...
    def __new__(cls, orig_func: Any = None) -> Any: ...
    def _undo_switch(self) -> None: ...

class _InferenceMode:
    def __enter__(self) -> None: ...
    def __exit__(self, kind: object, value: object, traceback: object) -> None: ...
    def __new__(cls, mode: Any = True) -> Any: ...
    mode: _bool

class _SetGradEnabled:
    def __enter__(self) -> None: ...
    def __exit__(self, kind: object, value: object, traceback: object) -> None: ...
    def __init__(self, mode: _bool) -> None: ...
    def _undo_switch(self) -> None: ...
    mode: _bool

class device:
    def __enter__(self) -> _device: ...
    def __exit__(self, *args: object) -> None: ...
    def __init__(self, type: str | _int | _device, index: _int | None = ...) -> None: ...
    index: _int | None
    type: str

class dtype:
    is_complex: _bool
    is_floating_point: _bool
    is_signed: _bool
    itemsize: _int
    def to_complex(self) -> _dtype: ...
    def to_real(self) -> _dtype: ...

class layout:
    ...

class memory_format:
    ...

class _VariableFunctionsClass: ...

class _nn:
    @staticmethod
    def adaptive_avg_pool2d(input: Tensor, output_size: _int | Sequence[_int], *, out: Tensor | None = ...) -> Tensor:
        """Average nearly equal parts of the last two dimensions."""
    @staticmethod
    def adaptive_avg_pool3d_few(input: Tensor, output_size: _int | Sequence[_int]) -> Tensor:
        """Average nearly equal parts of a small volume."""
    @staticmethod
    def adaptive_max_pool2d(input: Tensor, output_size: _int | Sequence[_int]) -> tuple[Tensor, ...]:
        """Take maxima of nearly equal parts of the last two dimensions."""
    @staticmethod
    def adaptive_max_pool3d_few(input: Tensor, output_size: _int | Sequence[_int]) -> tuple[Tensor, ...]:
        """Maxima of nearly equal parts of a small volume."""
    @staticmethod
    def angle_few(input: Tensor) -> Tensor:
        """Angles of a few real numbers."""
    @staticmethod
    def avg_pool2d(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = ..., padding: _int | Sequence[_int] = ..., ceil_mode: _bool = ..., count_include_pad: _bool = ..., divisor_override: _int | None = ..., *, out: Tensor | None = ...) -> Tensor:
        """Average each window of the last two dimensions."""
    @staticmethod
    def avg_pool3d_few(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] = ..., padding: _int | Sequence[_int] = ..., ceil_mode: _bool = ..., count_include_pad: _bool = ...) -> Tensor:
        """Average the windows of a small volume."""
    @staticmethod
    def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = ..., reduction: _int = ...) -> Tensor:
        """Cross entropy of two-valued probabilities."""
    @staticmethod
    def cdist_few(x1: Tensor, x2: Tensor, p: _float) -> Tensor:
        """Distances of all pairs of a few rows."""
    @staticmethod
    def col2im(input: Tensor, output_size: _int | Sequence[_int], kernel_size: _int | Sequence[_int], dilation: _int | Sequence[_int], padding: _int | Sequence[_int], stride: _int | Sequence[_int], *, out: Tensor | None = ...) -> Tensor:
        """Add columns back into windows."""
    @staticmethod
    def cross_entropy_loss(input: Tensor, target: Tensor, weight: Tensor | None = ..., reduction: _int = ..., ignore_index: _int = ..., label_smoothing: _float = ...) -> Tensor:
        """Minus the log probability of the targets, from scores."""
    @staticmethod
    def cross_few(input: Tensor, other: Tensor, dim: _int) -> Tensor:
        """Vector product of a few vectors."""
    @staticmethod
    def ctc_losses_few(log_probs: Tensor, targets: Tensor, input_lengths: _int | Sequence[_int], target_lengths: _int | Sequence[_int], blank: _int) -> Tensor:
        """Losses of a few short sequences."""
    @staticmethod
    def elu(input: Tensor, alpha: _float = ..., scale: _float = ..., input_scale: _float = ..., *, out: Tensor | None = ...) -> Tensor:
        """Exponential linear unit: alpha * expm1(input) for negative elements."""
    @staticmethod
    def elu_(input: Tensor, alpha: _float = ..., scale: _float = ..., input_scale: _float = ...) -> Tensor:
        """Exponential linear unit: alpha * expm1(input) for negative elements."""
    @staticmethod
    def entr_few(input: Tensor) -> Tensor:
        """-x log(x) of a few numbers."""
    @staticmethod
    def fft_few(input: Tensor, s: _int | Sequence[_int], dim: _int | Sequence[_int], norm: str, kind: _int) -> Tensor:
        """Transform a few numbers."""
    @staticmethod
    def fractional_max_pool_few(input: Tensor, kernel_size: _int | Sequence[_int], output_size: _int | Sequence[_int], samples: Tensor) -> tuple[Tensor, ...]:
        """Maxima of windows at random places of a small image or volume."""
    @staticmethod
    def frexp_few(input: Tensor) -> tuple[Tensor, ...]:
        """Take a few numbers apart."""
    @staticmethod
    def gelu(input: Tensor, *, approximate: str = ..., out: Tensor | None = ...) -> Tensor:
        """input times the normal distribution function of input."""
    @staticmethod
    def gelu_(input: Tensor, *, approximate: str = ...) -> Tensor:
        """input times the normal distribution function of input."""
    @staticmethod
    def glu(input: Tensor, dim: _int = ..., *, out: Tensor | None = ...) -> Tensor:
        """First half along dim times the sigmoid of the second half."""
    @staticmethod
    def hardsigmoid(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """relu6(input + 3) / 6."""
    @staticmethod
    def hardsigmoid_(input: Tensor) -> Tensor:
        """relu6(input + 3) / 6."""
    @staticmethod
    def hardswish(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """input * relu6(input + 3) / 6."""
    @staticmethod
    def hardswish_(input: Tensor) -> Tensor:
        """input * relu6(input + 3) / 6."""
    @staticmethod
    def hardtanh(input: Tensor, min_val: Number = ..., max_val: Number = ..., *, out: Tensor | None = ...) -> Tensor:
        """Limit elements to [min_val, max_val]."""
    @staticmethod
    def hardtanh_(input: Tensor, min_val: Number = ..., max_val: Number = ...) -> Tensor:
        """Limit elements to [min_val, max_val]."""
    @staticmethod
    def huber_loss(input: Tensor, target: Tensor, reduction: _int = ..., delta: _float = ...) -> Tensor:
        """Squared difference, linear where it is above delta."""
    @staticmethod
    def im2col(input: Tensor, kernel_size: _int | Sequence[_int], dilation: _int | Sequence[_int], padding: _int | Sequence[_int], stride: _int | Sequence[_int], *, out: Tensor | None = ...) -> Tensor:
        """Copy every window of the last two dimensions into a column."""
    @staticmethod
    def interpolate_few(input: Tensor, size: _int | Sequence[_int], scale_factor: _float, mode: str, align_corners: _bool, recompute: _bool) -> Tensor:
        """Resize a small image."""
    @staticmethod
    def l1_loss(input: Tensor, target: Tensor, reduction: _int = ...) -> Tensor:
        """|input - target|"""
    @staticmethod
    def leaky_relu(input: Tensor, negative_slope: _float = ..., *, out: Tensor | None = ...) -> Tensor:
        """Scale negative elements by negative_slope."""
    @staticmethod
    def leaky_relu_(input: Tensor, negative_slope: _float = ...) -> Tensor:
        """Scale negative elements by negative_slope."""
    @staticmethod
    def linalg_cholesky(A: Tensor) -> tuple[Tensor, ...]:
        """Cholesky's factor of the lower triangle."""
    @staticmethod
    def linalg_det(A: Tensor) -> Tensor:
        """Determinants."""
    @staticmethod
    def linalg_inv(A: Tensor) -> tuple[Tensor, ...]:
        """The inverse, and the first singular matrix or -1."""
    @staticmethod
    def linalg_lu(A: Tensor) -> tuple[Tensor, ...]:
        """LU with partial pivoting."""
    @staticmethod
    def linalg_lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, adjoint: _bool = ...) -> Tensor:
        """Solve by the factors of linalg_lu."""
    @staticmethod
    def linalg_permutation(pivots: Tensor, rows: _int, dtype: _dtype) -> Tensor:
        """The matrices of row exchanges."""
    @staticmethod
    def linalg_qr(A: Tensor, complete: _bool = ...) -> tuple[Tensor, ...]:
        """Q and R of small matrices."""
    @staticmethod
    def linalg_slogdet(A: Tensor) -> tuple[Tensor, ...]:
        """Signs and logarithms of determinants."""
    @staticmethod
    def linalg_solve(A: Tensor, B: Tensor) -> tuple[Tensor, ...]:
        """The solution, and the first singular matrix or -1."""
    @staticmethod
    def linalg_solve_triangular(A: Tensor, B: Tensor, upper: _bool, left: _bool = ..., unitriangular: _bool = ...) -> Tensor:
        """Solve by one triangle."""
    @staticmethod
    def linear(input: Tensor, weight: Tensor, bias: Tensor | None = ..., *, out: Tensor | None = ...) -> Tensor:
        """Multiply by the transpose of weight and add bias."""
    @staticmethod
    def log_sigmoid(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """log(sigmoid(input))."""
    @staticmethod
    def max_pool2d_with_indices(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] = ..., padding: _int | Sequence[_int] = ..., dilation: _int | Sequence[_int] = ..., ceil_mode: _bool = ...) -> tuple[Tensor, ...]:
        """Apply max_pool2d and also return the flat positions of the maxima."""
    @staticmethod
    def max_pool3d_few(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] = ..., padding: _int | Sequence[_int] = ..., dilation: _int | Sequence[_int] = ..., ceil_mode: _bool = ...) -> tuple[Tensor, ...]:
        """Maxima of the windows of a small volume, and where they are."""
    @staticmethod
    def mish(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """input * tanh(softplus(input))."""
    @staticmethod
    def mish_(input: Tensor) -> Tensor:
        """input * tanh(softplus(input))."""
    @staticmethod
    def mse_loss(input: Tensor, target: Tensor, reduction: _int = ...) -> Tensor:
        """(input - target)^2"""
    @staticmethod
    def multi_margin_few(scores: Tensor, classes: Tensor, squared: _bool, margin: _float) -> Tensor:
        """Losses of a few rows."""
    @staticmethod
    def multilabel_margin_few(scores: Tensor, classes: Tensor) -> Tensor:
        """Losses of a few rows."""
    @staticmethod
    def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = ..., reduction: _int = ..., ignore_index: _int = ...) -> Tensor:
        """Minus the log probability of the targets, from log probabilities."""
    @staticmethod
    def nll_loss2d(input: Tensor, target: Tensor, weight: Tensor | None = ..., reduction: _int = ..., ignore_index: _int = ...) -> Tensor:
        """Minus the log probability of the targets, from log probabilities."""
    @staticmethod
    def nll_loss_nd(input: Tensor, target: Tensor, weight: Tensor | None = ..., reduction: _int = ..., ignore_index: _int = ...) -> Tensor:
        """Minus the log probability of the targets, from log probabilities."""
    @staticmethod
    def one_hot(tensor: Tensor, num_classes: _int = ...) -> Tensor:
        """Return 1 at the position each element names, 0 elsewhere."""
    @staticmethod
    def pad_few(input: Tensor, pad: _int | Sequence[_int], mode: str, value: _float) -> Tensor:
        """Pad a small tensor."""
    @staticmethod
    def pdist_few(input: Tensor, p: _float) -> Tensor:
        """Distances of a few rows."""
    @staticmethod
    def polygamma_few(n: _int, input: Tensor) -> Tensor:
        """Differentiate digamma n times."""
    @staticmethod
    def relu6(input: Tensor) -> Tensor:
        """min(max(input, 0), 6)."""
    @staticmethod
    def relu6_(input: Tensor) -> Tensor:
        """min(max(input, 0), 6)."""
    @staticmethod
    def silu(input: Tensor, *, out: Tensor | None = ...) -> Tensor:
        """input * sigmoid(input)."""
    @staticmethod
    def silu_(input: Tensor) -> Tensor:
        """input * sigmoid(input)."""
    @staticmethod
    def smooth_l1_loss(input: Tensor, target: Tensor, reduction: _int = ..., beta: _float = ...) -> Tensor:
        """Absolute difference, squared where it is below beta."""
    @staticmethod
    def softplus(input: Tensor, beta: _float = ..., threshold: _float = ..., *, out: Tensor | None = ...) -> Tensor:
        """log(1 + exp(beta * input)) / beta."""
    @staticmethod
    def softshrink(input: Tensor, lambd: _float = ..., *, out: Tensor | None = ...) -> Tensor:
        """Move elements towards zero by lambd, stopping there."""
    @staticmethod
    def xlog1py_few(input: Tensor, other: Tensor) -> Tensor:
        """x log(1 + y) of a few numbers."""

bfloat16: dtype
bool: dtype
channels_last: memory_format
channels_last_3d: memory_format
complex128: dtype
complex32: dtype
complex64: dtype
contiguous_format: memory_format
default_generator: Generator
float16: dtype
float32: dtype
float64: dtype
float8_e4m3fn: dtype
float8_e4m3fnuz: dtype
float8_e5m2: dtype
float8_e5m2fnuz: dtype
float8_e8m0fnu: dtype
int16: dtype
int32: dtype
int64: dtype
int8: dtype
jagged: layout
preserve_format: memory_format
sparse_bsc: layout
sparse_bsr: layout
sparse_coo: layout
sparse_csc: layout
sparse_csr: layout
strided: layout
uint16: dtype
uint32: dtype
uint64: dtype
uint8: dtype
__version__: str
_cuda: Any
_VariableFunctions = _functions

def _accumulate_node(arg0: Any) -> Any: ...
def _allow_winograd(arg0: _bool) -> None: ...
def _backward(*args: Any, **kwargs: Any) -> Any: ...
def _call_has_torch_function(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _bool: ...
def _clear_autocast_cache() -> None: ...
def _cpu_level() -> str: ...
def _cpu_levels() -> list[Any]: ...
def _cross_boundary(*args: Any, **kwargs: Any) -> Any: ...
def _current_graph_task_id() -> _int: ...
def _define_function(*args: Any, **kwargs: Any) -> Any: ...
def _define_module(*args: Any, **kwargs: Any) -> Any: ...
def _define_module_subclass(*args: Any, **kwargs: Any) -> Any: ...
def _disabled_torch_function_impl(arg0: Any, arg1: Any, arg2: tuple[Any, ...], arg3: Any) -> Any: ...
def _empty_cache() -> None: ...
def _engine_run_backward(arg0: tuple[Any, ...], arg1: tuple[Any, ...], arg2: _bool, arg3: _bool, arg4: tuple[Any, ...], arg5: _bool, arg6: _bool) -> Any: ...
def _fail_nth_allocation(arg0: _int) -> None: ...
def _get_namespace() -> str: ...
def _get_scope() -> tuple[Any, ...]: ...
def _get_tracing_state() -> Any: ...
def _graph_of(arg0: list[Any]) -> tuple[Any, ...]: ...
def _has_bad_values(arg0: Any) -> _bool: ...
def _has_torch_function(input: Any) -> _bool: ...
def _increment_version(arg0: Any) -> None: ...
def _is_graph_task_running(arg0: _int) -> _bool: ...
def _is_torch_function_subclass_enabled() -> _bool: ...
def _live_nodes() -> _int: ...
def _make_subclass(cls: Any, data: Any, requires_grad: _bool = ...) -> Any: ...
def _memory_stats() -> dict[str, _int]: ...
def _named(arg0: Any, arg1: str) -> Any: ...
def _pass_is_partial() -> _bool: ...
def _pop_saved_tensors_hooks() -> None: ...
def _push_saved_tensors_hooks(arg0: Any, arg1: Any) -> None: ...
def _reset_peak_memory() -> None: ...
def _return_types() -> dict[str, _int]: ...
def _scalar_type_name(arg0: Any) -> str: ...
def _set_anomaly_enabled(enabled: _bool, check_nan: _bool = ...) -> None: ...
def _set_cuda_autocast(arg0: _bool, arg1: Any, arg2: _bool) -> None: ...
def _set_default_device(arg0: Any) -> None: ...
def _set_grad_enabled(enabled: _bool) -> _bool: ...
def _set_inference_mode(arg0: _bool) -> None: ...
def _set_namespace(arg0: str) -> None: ...
def _set_parameter_class(cls: type) -> None: ...
def _set_scope(arg0: Any) -> Any: ...
def _set_sparse_class(arg0: Any) -> None: ...
def _set_tensor_class(cls: type) -> None: ...
def _set_torch_function_mode_active(arg0: _bool) -> None: ...
def _set_tracing_state(state: Any) -> None: ...
def _set_watcher(arg0: Any, arg1: _bool, arg2: _bool, arg3: _bool) -> None: ...
def _signatures() -> list[Any]: ...
def _tensor_from_storage(storage: StorageBase, dtype: _dtype, offset: _int, size: Sequence[_int], stride: Sequence[_int]) -> Tensor: ...
def _tensor_over_buffer(*args: Any, **kwargs: Any) -> Any: ...
def _to_dlpack(tensor: Any, stream: Any = ..., max_version: Any = ..., dl_device: Any = ..., copy: Any = ...) -> Any: ...
def _to_numpy(arg0: Any, arg1: _bool) -> Any: ...
def _unwatched_call(*args: Any, **kwargs: Any) -> Any: ...
def _watched_call(*args: Any, **kwargs: Any) -> Any: ...
def _watcher() -> Any: ...
def _will_engine_execute_node(arg0: Any) -> _bool: ...
def _winograd_allowed() -> _bool: ...
def as_tensor(data: Any, dtype: _dtype | None = ..., device: _device | str | _int | None = ...) -> Tensor: ...
def from_dlpack(ext_tensor: Any, *, device: _device | str | _int | None = ..., copy: _bool | None = ...) -> Tensor: ...
def from_numpy(ndarray: Any) -> Tensor: ...
def get_default_device() -> _device: ...
def get_default_dtype() -> _dtype: ...
def get_num_threads() -> _int: ...
def is_anomaly_check_nan_enabled() -> _bool: ...
def is_anomaly_enabled() -> _bool: ...
def is_grad_enabled() -> _bool: ...
def is_inference_mode_enabled() -> _bool: ...
def set_default_dtype(d: _dtype) -> None: ...
def set_num_threads(int: _int) -> None: ...
def tensor(data: Any, *, dtype: _dtype | None = ..., device: _device | str | _int | None = ..., requires_grad: _bool = ..., pin_memory: _bool = ...) -> Tensor: ...
