"""Every operator that programs use, on inputs of 10^6 elements: `--cases ^ops/`.

Tier 0 has the names that any small script touches, tier 1 what a serious user expects; a line of a
table is arguments, variants and names. What has a group of its own (convolutions, pooling,
normalisation layers, attention, optimisers) is not repeated here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from benchmarks.case import Case, values

# Variants: f float32, d float64, h bfloat16, i int64, s the float32 step (forward and gradients).
Row = tuple[str, str, str]

TIER_0: list[Row] = [
    # -- elementwise
    ("x", "fdhis", "abs neg square"),
    ("x", "fdhs", "ceil floor round trunc sign relu reciprocal sqrt rsqrt"),
    ("x", "fds", "cos sin tan exp expm1 log log10 log1p log2 erf sigmoid tanh"),
    ("x", "fdhi", "isfinite isinf isnan logical_not"),
    ("x", "fs", "nan_to_num absolute positive clone"),
    ("x y", "fdhis", "add sub mul maximum minimum"),
    ("x y", "fdis", "div true_divide"),
    ("x y", "fdhi", "eq ne lt le gt ge"),
    ("x y", "fdi", "floor_divide fmod remainder logical_and logical_or logical_xor"),
    ("x y", "fds", "atan2 pow"),
    ("x 0.5", "fs", "add sub mul div pow"),
    ("x 2", "fis", "add mul div pow fmod remainder"),
    ("x 2", "fi", "floor_divide"),
    ("x 0.5", "fh", "eq ne lt le gt ge"),
    ("x 0.25 0.75", "fdhs", "clamp clip"),
    ("x 0.25", "fs", "clamp_min clamp_max"),
    ("x y 0.25", "fs", "lerp"),
    ("x y z", "fs", "addcmul addcdiv lerp"),
    ("i j", "f", "bitwise_and bitwise_or bitwise_xor"),
    ("i", "f", "bitwise_not"),
    ("b", "f", "bitwise_not logical_not"),
    ("b c", "f", "bitwise_and bitwise_or bitwise_xor logical_and logical_or logical_xor eq ne"),
    ("x y", "fdi", "isclose equal allclose"),
    ("b x y", "fdhis", "where"),
    ("x b 0.5", "fhis", "masked_fill"),
    # -- with broadcasting and strides
    ("x row", "fis", "add mul"),
    ("x column", "fis", "add mul"),
    ("x row", "fi", "lt"),
    ("x column", "fi", "lt"),
    ("x transposed", "fis", "add mul"),
    ("strided", "f", "neg exp"),
    # -- reductions and scans
    ("x", "fdhis", "sum prod amax amin max min"),
    ("x", "fds", "mean std var norm std_mean var_mean median"),
    ("x", "fhi", "argmax argmin"),
    ("x", "fi", "all any count_nonzero"),
    ("b", "f", "all any sum count_nonzero"),
    ("x 0", "fdhis", "sum prod amax amin"),
    ("x 1", "fdhis", "sum prod amax amin"),
    ("x 0", "fhis", "max min median"),
    ("x 1", "fhis", "max min median"),
    ("x 0", "fdhs", "mean std var std_mean var_mean logsumexp softmax log_softmax"),
    ("x 1", "fdhs", "mean std var std_mean var_mean logsumexp softmax log_softmax"),
    ("x 0", "fhi", "argmax argmin all any"),
    ("x 1", "fhi", "argmax argmin all any"),
    ("b 0", "f", "all any sum"),
    ("b 1", "f", "all any sum"),
    ("x 0", "fhis", "cumsum cumprod"),
    ("x 1", "fhis", "cumsum cumprod"),
    ("x 2 0", "fs", "norm"),
    ("x 2 1", "fs", "norm"),
    ("narrow 1", "fis", "sum amax"),
    ("narrow 1", "fs", "mean var softmax"),
    ("narrow 1", "fi", "argmax"),
    ("narrow 0", "fis", "sum amax"),
    ("narrow 0", "fs", "mean var softmax"),
    ("narrow 0", "fi", "argmax"),
    # -- sorting and selecting
    ("x", "f", "argsort unique nonzero"),
    ("x 1", "fi", "sort argsort"),
    ("x 0", "f", "sort"),
    ("x 10", "fi", "topk"),
    ("b", "f", "nonzero"),
    ("x b", "fis", "masked_select"),
    ("x 1 index", "fis", "gather"),
    ("x index", "fs", "take_along_dim"),
    ("x 0 index", "fis", "gather"),
    ("x 0 order", "fis", "index_select"),
    ("x 1 order", "fis", "index_select"),
    ("x 0 order y", "fis", "index_add index_copy"),
    ("x 1 order y", "f", "index_add index_copy"),
    ("x 0 order 0.5", "f", "index_fill"),
    ("x 1 index y", "fis", "scatter scatter_add"),
    ("x 0 index y", "fis", "scatter scatter_add"),
    # -- moving
    ("x 0", "fs", "unbind"),
    ("x (0,)", "fs", "flip"),
    ("x 3 0", "fs", "roll"),
    ("x 3 1", "fs", "roll"),
    ("x (1,)", "fs", "flip"),
    ("x", "fs", "tril triu"),
    ("x", "f", "t ravel detach squeeze numel diagonal diag is_floating_point is_complex"),
    ("x 0", "f", "unsqueeze"),
    ("x 0 1", "f", "transpose swapaxes swapdims movedim moveaxis"),
    ("x (1000000,)", "f", "reshape"),
    ("x (2,1000,1000)", "f", "broadcast_to"),
    ("x 10", "f", "chunk split"),
    ("x 2", "fs", "repeat_interleave"),
    ("x (2,1)", "fs", "tile"),
    ("[x,y]", "fhis", "cat concat stack hstack vstack"),
    ("row", "f", "diag"),
    # -- linear algebra
    ("x y", "fds", "matmul mm inner"),
    ("x y z", "fs", "addmm"),
    ("batch batch2", "fs", "bmm matmul"),
    ("batch batch batch2", "fs", "baddbmm"),
    ("x row", "fs", "mv matmul"),
    ("vector vector", "fds", "dot"),
    ("row row", "fs", "outer kron"),
    ("triples triples2", "fs", "cross"),
    ("x y 1", "fs", "tensordot"),
    ("x y", "fs", "einsum"),
    # -- making
    ("1000 1000", "f", "zeros ones rand randn"),
    ("1000", "f", "eye"),
    ("1000000", "f", "arange randperm"),
    ("0 1 1000000", "f", "linspace"),
    ("(1000,1000) 0.5", "f", "full"),
    ("x", "fi", "zeros_like ones_like"),
    ("x", "f", "rand_like randn_like bernoulli"),
    ("0 100 (1000,1000)", "f", "randint"),
    ("x 10", "f", "multinomial"),
    # -- nn.functional
    (
        "signed",
        "fs",
        "F.relu F.relu6 F.leaky_relu F.elu F.selu F.celu F.gelu F.silu F.mish F.sigmoid F.tanh "
        "F.logsigmoid F.softplus F.hardtanh F.hardswish F.hardsigmoid F.glu F.normalize",
    ),
    ("signed", "d", "F.gelu F.silu F.mish F.logsigmoid F.softplus F.elu"),
    ("signed 0.5 0.1", "fs", "F.threshold"),
    ("signed one", "fs", "F.prelu"),
    ("x", "f", "F.dropout"),
    ("x classes", "fs", "F.cross_entropy F.nll_loss"),
    (
        "x y",
        "fs",
        "F.mse_loss F.l1_loss F.smooth_l1_loss F.huber_loss F.kl_div F.binary_cross_entropy "
        "F.binary_cross_entropy_with_logits F.cosine_similarity F.pairwise_distance",
    ),
    ("x y z", "fs", "F.triplet_margin_loss"),
    ("order", "f", "F.one_hot"),
    ("order x", "fs", "F.embedding"),
    # -- methods
    ("x", "fi", "Tensor.double Tensor.float Tensor.half Tensor.bfloat16 Tensor.int Tensor.bool"),
    ("x", "f", "Tensor.long Tensor.byte Tensor.contiguous Tensor.tolist"),
    ("transposed", "fh", "Tensor.contiguous"),
    ("out 0.5", "fi", "Tensor.fill_"),
    ("out", "f", "Tensor.zero_ Tensor.normal_ Tensor.uniform_ Tensor.exponential_"),
    ("out x", "fi", "Tensor.copy_ Tensor.add_ Tensor.mul_"),
    ("x 2 2", "f", "Tensor.repeat"),
]

TIER_1: list[Row] = [
    # -- elementwise
    ("x", "fds", "acos asin atan asinh atanh cosh sinh exp2 erfc erfinv digamma lgamma i0 sinc"),
    ("w", "fds", "acosh"),
    ("x", "fs", "deg2rad rad2deg logit fix frac sgn negative arccos arcsin arctan"),
    ("x", "f", "angle isneginf isposinf isreal signbit frexp real conj"),
    ("x", "f", "mvlgamma polygamma gradient"),
    ("x y", "fds", "copysign hypot logaddexp logaddexp2 xlogy float_power fmax fmin"),
    ("x y", "f", "nextafter igamma igammac heaviside ldexp arctan2"),
    ("x y", "fi", "greater greater_equal less less_equal not_equal"),
    ("x y", "fis", "multiply subtract divide rsub"),
    ("i small", "f", "bitwise_left_shift bitwise_right_shift"),
    ("i j", "f", "gcd lcm"),
    ("x", "fd", "special.entr special.i0e special.i1 special.i1e special.ndtr special.ndtri"),
    ("x", "fd", "special.log_ndtr special.erfcx special.bessel_j0 special.bessel_j1"),
    ("x y", "fd", "special.xlog1py"),
    ("w y", "f", "special.zeta"),
    ("x y", "f", "complex polar"),
    ("complex", "f", "imag abs angle exp neg square conj_physical view_as_real"),
    ("complex complex", "f", "add mul div"),
    ("x 0.5", "fs", "fill float_power xlogy"),
    # -- reductions and scans
    ("x", "fhs", "nansum nanmean nanmedian"),
    ("x 0", "fs", "nansum nanmean nanmedian logcumsumexp"),
    ("x 1", "fs", "nansum nanmean nanmedian logcumsumexp"),
    ("x 0", "fis", "cummax cummin"),
    ("x 1", "fis", "cummax cummin"),
    ("x", "f", "aminmax trace"),
    ("x 0.5 1", "fs", "quantile nanquantile"),
    ("x 5 1", "f", "kthvalue"),
    ("i 1", "f", "mode"),
    ("x y", "fs", "dist"),
    ("x", "fs", "diff corrcoef cov trapezoid"),
    ("x", "f", "cumulative_trapezoid"),
    ("x 2 0 1.0", "fs", "renorm"),
    ("batch batch2", "fs", "cdist"),
    ("x y", "fs", "cdist"),
    ("few", "f", "F.pdist"),
    ("x (1,1000)", "fs", "Tensor.sum_to_size"),
    ("x (0,1)", "f", "frobenius_norm"),
    # -- sorting and selecting
    ("x", "f", "argwhere msort"),
    ("i", "f", "unique_consecutive"),
    ("flat", "f", "bincount"),
    ("x sorted", "f", "bucketize"),
    ("sorted x", "f", "searchsorted"),
    ("i few_integers", "f", "isin"),
    ("x 100", "f", "histc"),
    ("x flat", "fs", "take"),
    ("x b y", "fs", "masked_scatter"),
    # -- moving
    ("x", "fs", "fliplr flipud rot90"),
    ("row", "fs", "diagflat diag_embed"),
    ("[x,y]", "fs", "dstack column_stack row_stack concatenate"),
    ("row row", "f", "cartesian_prod"),
    ("x y", "f", "block_diag"),
    ("vector 0 8 4", "fs", "Tensor.unfold"),
    ("1000 1000", "f", "tril_indices triu_indices"),
    ("row", "fs", "vander"),
    # -- linear algebra
    ("row x row", "fs", "addmv"),
    ("x row row", "fs", "addr"),
    ("batch_one batch batch2", "fs", "addbmm"),
    ("square", "fds", "det logdet slogdet inverse matrix_exp"),
    ("definite", "fds", "cholesky linalg.cholesky linalg.eigh linalg.eigvalsh"),
    ("square", "fs", "linalg.inv linalg.qr linalg.svd linalg.svdvals linalg.det linalg.pinv"),
    ("square", "f", "linalg.lu_factor linalg.matrix_rank linalg.eigvals linalg.cond"),
    ("square square", "fs", "linalg.solve"),
    ("square 3", "fs", "linalg.matrix_power"),
    ("x", "fs", "linalg.norm linalg.vector_norm linalg.matrix_norm"),
    ("x y", "fs", "linalg.vecdot"),
    ("vector vector", "fs", "vdot"),
    # -- transforms
    ("x", "fs", "fft.rfft fft.rfft2"),
    ("x", "f", "fft.fft fft.fft2 fft.fftn fft.fftshift fft.ifftshift fft.hfft"),
    ("complex", "f", "fft.ifft fft.irfft fft.ifft2 fft.irfft2"),
    # -- nn.functional
    ("signed", "fs", "F.hardshrink F.softshrink F.softsign F.tanhshrink F.rrelu"),
    ("x y", "fs", "F.poisson_nll_loss F.soft_margin_loss F.hinge_embedding_loss"),
    ("x y z", "fs", "F.gaussian_nll_loss"),
    ("x classes", "fs", "F.multi_margin_loss"),
    ("x b_float", "fs", "F.multilabel_soft_margin_loss"),
    # -- lists of tensors
    ("[x,y] [y,x]", "f", "_foreach_add _foreach_mul _foreach_div _foreach_sub"),
    ("[x,y]", "f", "_foreach_sqrt _foreach_neg _foreach_norm"),
    # -- methods and making
    ("out", "f", "Tensor.cauchy_ Tensor.log_normal_"),
    ("out 0.5", "f", "Tensor.geometric_"),
    ("x", "f", "poisson"),
    ("0 1 1000000", "f", "logspace"),
    ("1000000", "f", "hann_window"),
]

# Calls that are not function(*arguments).
SPECIAL: dict[str, Callable[..., Any]] = {
    "einsum": lambda lib, *x: lib.einsum("ij,jk->ik", *x),
    "mvlgamma": lambda lib, x: lib.mvlgamma(x + 2, 2),
    "polygamma": lambda lib, x: lib.polygamma(1, x),
    "take_along_dim": lambda lib, x, i: lib.take_along_dim(x, i, 1),
    "gradient": lambda lib, x: lib.gradient(x),
    # Of these only what is unique is compared: no signs of vectors, no positions of equals.
    "mode": lambda lib, *x: lib.mode(*x)[0],
    "linalg.eigh": lambda lib, x: lib.linalg.eigh(x)[0],
    "linalg.eigvals": lambda lib, x: lib.linalg.eigvals(x).sum(-1),
    "linalg.svd": lambda lib, x: lib.linalg.svd(x)[1],
}

ROWS = 1000
MATRIX = (ROWS, ROWS)


class Inputs:
    """The arguments that the tables name, made of one library in one dtype when first used."""

    def __init__(self, lib: ModuleType, variant: str) -> None:
        names = {"d": "float64", "h": "bfloat16", "i": "int64"}
        self.lib, self.dtype = lib, getattr(lib, names.get(variant, "float32"))
        self.step = variant == "s"

    def drawn(self, seed: int, *shape: int) -> Any:
        """Values in (0.05, 0.95), or integers of about 2^29."""
        x = self.lib.from_numpy(values(*shape, seed=seed)) * 0.45 + 0.5
        if not self.dtype.is_floating_point:
            x = x * 2**30
        return x.to(self.dtype).contiguous()

    def whole(self, seed: int, high: int, *shape: int) -> Any:
        """Integers in [0, high)."""
        x = (self.lib.from_numpy(values(*shape, seed=seed)) * 0.5 + 0.5) * high
        return x.long().clamp(0, high - 1)

    def make(self, name: str) -> Any:  # one entry per name
        lib = self.lib
        if name in ("x", "y", "z", "out"):
            return self.drawn(ord(name[0]), *MATRIX)
        if name in ("b", "c"):
            return lib.from_numpy(values(*MATRIX, seed=ord(name))) > 0
        made: dict[str, Callable[[], Any]] = {
            "signed": lambda: self.drawn(26, *MATRIX) * 4 - 2,
            "w": lambda: self.drawn(1, *MATRIX) + 1,
            "i": lambda: self.whole(2, 100, *MATRIX) + 1,
            "j": lambda: self.whole(3, 100, *MATRIX) + 1,
            "small": lambda: self.whole(4, 8, *MATRIX),
            "index": lambda: self.whole(5, ROWS, *MATRIX),
            "flat": lambda: self.whole(6, ROWS, ROWS * ROWS),
            "few_integers": lambda: self.whole(7, 100, 20),
            "order": lambda: (lib.arange(ROWS) * 7) % ROWS,
            "classes": lambda: (lib.arange(ROWS) * 7) % ROWS,
            "row": lambda: self.drawn(8, ROWS),
            "column": lambda: self.drawn(9, ROWS, 1),
            "one": lambda: self.drawn(10, 1),
            "vector": lambda: self.drawn(11, ROWS * ROWS),
            "sorted": lambda: self.drawn(12, ROWS).sort()[0],
            "transposed": lambda: self.drawn(13, *MATRIX).t(),
            "strided": lambda: self.drawn(14, ROWS, 2 * ROWS)[:, ::2],
            "narrow": lambda: self.drawn(15, 100_000, 10),
            "triples": lambda: self.drawn(16, 333_333, 3),
            "triples2": lambda: self.drawn(27, 333_333, 3),
            "few": lambda: self.drawn(17, 500, 64),
            "batch": lambda: self.drawn(18, 100, 100, 100),
            "batch2": lambda: self.drawn(19, 100, 100, 100),
            "batch_one": lambda: self.drawn(20, 100, 100),
            "square": lambda: self.drawn(21, 100, 100, 100) * 0.01 + lib.eye(100, dtype=self.dtype),
            "definite": self.definite,
            "b_float": lambda: (lib.from_numpy(values(*MATRIX, seed=22)) > 0).to(self.dtype),
            "complex": lambda: lib.complex(self.drawn(23, *MATRIX), self.drawn(24, *MATRIX)),
        }
        return made[name]()

    def definite(self) -> Any:
        x = self.drawn(25, 100, 100, 100)
        return x @ x.mT + self.lib.eye(100, dtype=self.dtype)

    def argument(self, word: str) -> Any:
        """What one word of a table's line stands for."""
        if word[0] == "[":
            return [self.argument(part) for part in word[1:-1].split(",")]
        if word[0].isalpha():
            tensor = self.make(word)
            if self.step and tensor.is_floating_point() and word not in ("b_float", "out"):
                tensor.requires_grad_()
            return tensor
        return ast.literal_eval(word)


def named(lib: ModuleType, name: str) -> Callable[..., Any]:
    """The function of a table's name."""
    if name in SPECIAL:
        return lambda *arguments: SPECIAL[name](lib, *arguments)
    found: Any = lib
    for part in name.replace("F.", "nn.functional.").split("."):
        found = getattr(found, part)
    function: Callable[..., Any] = found
    return function


def leaves(arguments: list[Any]) -> Iterator[Any]:
    """The tensors among arguments that want a gradient."""
    for argument in arguments:
        if isinstance(argument, list):
            yield from leaves(argument)
        elif getattr(argument, "requires_grad", False):
            yield argument


def first(result: Any) -> Any:
    """The differentiable tensor of a result, which may be a tuple."""
    return next(x for x in result if x.requires_grad) if isinstance(result, tuple) else result


def setup_of(words: str, variant: str, name: str) -> Callable[[ModuleType], Callable[[], Any]]:
    def setup(lib: ModuleType) -> Callable[[], Any]:
        inputs = Inputs(lib, variant)
        arguments = [inputs.argument(word) for word in words.split()]
        function = named(lib, name)
        if variant != "s":
            return lambda: function(*arguments)
        wanted = list(leaves(arguments))
        weight = lib.ones_like(first(function(*arguments))).contiguous()
        return lambda: lib.autograd.grad(
            first(function(*arguments)), wanted, weight, allow_unused=True
        )

    return setup


LABELS = {"f": "", "d": "-float64", "h": "-bfloat16", "i": "-int64", "s": "-step"}


def label(words: str, variant: str, name: str) -> str:
    """A case's name: the operator, the arguments unless they are one x or two, the variant."""
    shown = "" if words in ("x", "x y") else "-" + words.replace(" ", "-")
    return f"{name}{shown}{LABELS[variant]}"


def cases(tier: str, table: list[Row]) -> Iterator[Case]:
    for words, variants, names in table:
        for name in names.split():
            for variant in variants:
                tolerance = 3e-2 if variant == "h" else 1e-3
                yield Case(
                    f"ops/{tier}/{label(words, variant, name)}",
                    setup_of(words, variant, name),
                    tolerance,
                )


CASES = [*cases("t0", TIER_0), *cases("t1", TIER_1)]
