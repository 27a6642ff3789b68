"""One entry per layer and variant: how to build it, what to feed it, how it prints, what comes out.

The tests build each layer with this package and, where it is installed, with PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerCase:
    name: str  # class in nn
    args: tuple[Any, ...]
    inputs: tuple[Any, ...]  # shapes of normal inputs, or nested lists of integers
    output: Shape | None = None  # shape of the first output
    repr: str | None = None
    kwargs: dict[str, Any] = field(default_factory=dict)  # of the constructor
    call: dict[str, Any] = field(default_factory=dict)  # of the call
    eval: bool = False

    @property
    def id(self) -> str:
        parts = [str(a) for a in self.args] + [f"{k}={v}" for k, v in self.kwargs.items()]
        parts += ["eval"] * self.eval + [f"{k}={v}" for k, v in self.call.items()]
        shapes = "x".join(str(i).replace(" ", "") for i in self.inputs)
        return f"{self.name}({','.join(parts)}){shapes}".replace(" ", "")

    def build(self, nn: Any) -> Any:
        layer = getattr(nn, self.name)(*self.args, **self.kwargs)
        return layer.eval() if self.eval else layer


def case(
    name: str,
    args: Any,
    *inputs: Any,
    output: Shape | None = None,
    text: str | None = None,
    call: dict[str, Any] | None = None,
    eval: bool = False,
    **kwargs: Any,
) -> LayerCase:
    args = args if isinstance(args, tuple) else (args,)
    return LayerCase(name, args, inputs, output, text, kwargs, call or {}, eval)


ACTIVATIONS = [
    case("ReLU", (), (3, 5), output=(3, 5), text="ReLU()"),
    case("ReLU6", (), (3, 5), text="ReLU6()"),
    case("SELU", (), (3, 5), text="SELU()"),
    case("SiLU", (), (3, 5), text="SiLU()"),
    case("Mish", (), (3, 5), text="Mish()"),
    case("Hardsigmoid", (), (3, 5), text="Hardsigmoid()"),
    case("Hardswish", (), (3, 5), text="Hardswish()"),
    case("Hardtanh", (), (3, 5), text="Hardtanh(min_val=-1.0, max_val=1.0)"),
    case("Sigmoid", (), (3, 5), text="Sigmoid()"),
    case("Tanh", (), (3, 5), text="Tanh()"),
    case("ELU", (), (3, 5), text="ELU(alpha=1.0)"),
    case("CELU", 2.0, (3, 5), text="CELU(alpha=2.0)"),
    case("GELU", (), (3, 5), text="GELU(approximate='none')"),
    case("GELU", "tanh", (3, 5), text="GELU(approximate='tanh')"),
    case("GLU", 1, (3, 4), output=(3, 2), text="GLU(dim=1)"),
    case("Hardshrink", (), (3, 5), text="Hardshrink(0.5)"),
    case("Softshrink", (), (3, 5), text="Softshrink(0.5)"),
    case("LeakyReLU", 0.2, (3, 5), text="LeakyReLU(negative_slope=0.2)"),
    case("LogSigmoid", (), (3, 5), text="LogSigmoid()"),
    case("Softplus", (2.0, 1.0), (3, 5), text="Softplus(beta=2.0, threshold=1.0)"),
    case("PReLU", (), (3, 5), text="PReLU(num_parameters=1)"),
    case("PReLU", 3, (2, 3, 4), text="PReLU(num_parameters=3)"),
    case("Softsign", (), (3, 5), text="Softsign()"),
    case("Tanhshrink", (), (3, 5), text="Tanhshrink()"),
    case("Threshold", (0.1, 20.0), (3, 5), text="Threshold(threshold=0.1, value=20.0)"),
    case("RReLU", (), (3, 5), text="RReLU(lower=0.125, upper=0.3333333333333333)"),
    case("RReLU", (), (3, 5), eval=True),
    case("Softmax", (), (3, 5), dim=1, text="Softmax(dim=1)"),
    case("LogSoftmax", (), (3, 5), dim=0, text="LogSoftmax(dim=0)"),
    case("Softmin", (), (3, 5), dim=1, text="Softmin(dim=1)"),
    case("Softmax2d", (), (2, 3, 4, 4), text="Softmax2d()"),
]

AFFINE = [
    case("Linear", (4, 3), (2, 4), output=(2, 3)),
    case("Linear", (4, 3), (2, 5, 4), output=(2, 5, 3), bias=False),
    case("Linear", (4, 3), (4,), output=(3,)),
    case("Linear", (4, 3), (0, 4), output=(0, 3)),
    case("Bilinear", (2, 3, 4), (5, 2), (5, 3), output=(5, 4)),
    case("Identity", (), (2, 3), output=(2, 3), text="Identity()"),
    case("Flatten", (), (2, 3, 4), output=(2, 12), text="Flatten(start_dim=1, end_dim=-1)"),
    case("Unflatten", (1, (3, -1)), (2, 12), output=(2, 3, 4)),
]

CONVOLUTIONS = (
    [
        case(name, (4, 6, 3), shape, **kwargs)
        for name, shape in (("Conv1d", (2, 4, 9)), ("Conv2d", (2, 4, 9, 8)), ("Conv2d", (4, 9, 8)))
        for kwargs in (
            {},
            {"padding": 1, "stride": 2},
            {"dilation": 2, "bias": False},
            {"groups": 2, "padding": "same"},
            {"padding": 1, "padding_mode": "reflect"},
            {"padding": 2, "padding_mode": "circular"},
            {"padding": "same", "padding_mode": "replicate", "dilation": 2},
        )
    ]
    + [
        case(name, (4, 6, 3), shape, **kwargs)
        for name, shape in (("ConvTranspose1d", (2, 4, 5)), ("ConvTranspose2d", (2, 4, 5, 4)))
        for kwargs in (
            {},
            {"stride": 2, "padding": 1, "output_padding": 1},
            {"groups": 2, "dilation": 2, "bias": False},
        )
    ]
    + [
        case(
            "ConvTranspose2d",
            (4, 6, 3, 2),
            (2, 4, 5, 4),
            call={"output_size": (12, 9)},
            output=(2, 6, 12, 9),
        ),
        case("Unfold", 2, (2, 3, 5, 6), dilation=2, output=(2, 12, 12)),
        case("Unfold", ((2, 3),), (3, 5, 6), stride=2, padding=1),
        case("Fold", ((5, 6), 2), (2, 12, 20), output=(2, 3, 5, 6)),
        case("Fold", ((5, 6), 2), (2, 12, 6), stride=2, output=(2, 3, 5, 6)),
    ]
)

POOLS = (
    [
        case(name, 3, shape, **kwargs)
        for name, shape in (("MaxPool1d", (2, 3, 11)), ("MaxPool2d", (2, 3, 11, 10)))
        for kwargs in (
            {},
            {"stride": 1, "padding": 1},
            {"ceil_mode": True},
            {"dilation": 2},
            {"return_indices": True},
        )
    ]
    + [
        case(name, 3, shape, **kwargs)
        for name, shape in (("AvgPool1d", (2, 3, 11)), ("AvgPool2d", (2, 3, 11, 10)))
        for kwargs in (
            {},
            {"stride": 1, "padding": 1, "count_include_pad": False},
            {"ceil_mode": True},
        )
    ]
    + [
        case("AvgPool2d", 2, (2, 3, 4, 4), divisor_override=3),
        case("AdaptiveAvgPool1d", 3, (2, 3, 7), output=(2, 3, 3)),
        case("AdaptiveAvgPool2d", ((None, 2),), (2, 3, 7, 5), output=(2, 3, 7, 2)),
        case("AdaptiveMaxPool1d", 3, (2, 3, 7), return_indices=True),
        case("AdaptiveMaxPool2d", 3, (2, 3, 7, 5), output=(2, 3, 3, 3)),
        case("LPPool1d", (2, 3), (2, 3, 7)),
        case("LPPool2d", (2, (3, 2)), (2, 3, 7, 6)),
        case("MaxUnpool1d", 2, (1, 1, 2), [[[1, 3]]], output=(1, 1, 4)),
        case("MaxUnpool2d", 2, (1, 1, 2, 2), [[[[0, 3], [12, 15]]]], output=(1, 1, 4, 4)),
    ]
)

NORMS = [
    case("BatchNorm1d", 3, (4, 3)),
    case("BatchNorm1d", 3, (4, 3, 5), bias=False),
    case("BatchNorm2d", 3, (4, 3, 5, 2)),
    case("BatchNorm2d", 3, (4, 3, 5, 2), eval=True),
    case("BatchNorm2d", 3, (4, 3, 5, 2), affine=False, momentum=None),
    case("BatchNorm2d", 3, (4, 3, 5, 2), track_running_stats=False, eval=True),
    case("BatchNorm3d", 3, (4, 3, 5, 2, 2)),
    case("InstanceNorm1d", 3, (4, 3, 5)),
    case("InstanceNorm2d", 3, (4, 3, 5, 2), affine=True, track_running_stats=True),
    case("InstanceNorm2d", 3, (3, 5, 2)),
    case("InstanceNorm2d", 3, (2, 3, 5, 2), track_running_stats=True, eval=True),
    case("InstanceNorm3d", 3, (2, 3, 5, 2, 2)),
    case("LayerNorm", 5, (2, 3, 5)),
    case("LayerNorm", ((3, 5),), (2, 3, 5), bias=False),
    case("LayerNorm", 5, (2, 3, 5), elementwise_affine=False),
    case("GroupNorm", (2, 4), (3, 4, 5)),
    case("GroupNorm", (2, 4), (3, 4, 5, 2), affine=False),
    case("RMSNorm", 5, (2, 3, 5)),
    case("RMSNorm", ((3, 5),), (2, 3, 5), eps=0.1, elementwise_affine=False),
    case("LocalResponseNorm", 2, (2, 5, 3, 3)),
    case("LocalResponseNorm", (3, 0.1, 0.5, 2.0), (2, 5, 3)),
]

DROPOUTS = [
    case(name, p, shape, eval=eval_)
    for name, shape in (
        ("Dropout", (3, 4, 5)),
        ("Dropout1d", (3, 4, 5)),
        ("Dropout1d", (4, 5)),
        ("Dropout2d", (3, 4, 5, 2)),
        ("Dropout3d", (3, 4, 2, 2, 2)),
        ("AlphaDropout", (3, 4, 5)),
        ("FeatureAlphaDropout", (3, 4, 5)),
    )
    for p, eval_ in ((0.3, False), (0.3, True), (0.0, False), (1.0, False))
]

IMAGES = (
    [
        case(f"{kind}Pad{n}d", (padding,), shape)
        for kind in ("Zero", "Reflection", "Replication", "Circular")
        for n, padding, shape in (
            (1, (1, 2), (2, 3, 5)),
            (1, (-1, 2), (2, 3, 5)),
            (2, (1, 2, 0, 1), (2, 3, 5, 4)),
            (3, 1, (1, 2, 3, 4, 3)),
        )
    ]
    + [
        case("ConstantPad2d", (1, 3.5), (2, 3, 4, 4), output=(2, 3, 6, 6)),
        case("PixelShuffle", 2, (2, 8, 3, 2), output=(2, 2, 6, 4)),
        case("PixelUnshuffle", 2, (2, 2, 4, 6), output=(2, 8, 2, 3)),
        case("ChannelShuffle", 2, (2, 6, 3, 2), output=(2, 6, 3, 2)),
        case("Upsample", (), (2, 3, 4), scale_factor=2, mode="linear"),
        case("Upsample", (), (1, 2, 3, 4, 3), scale_factor=2, mode="trilinear"),
        case("Upsample", (), (1, 2, 3, 4, 3), size=(2, 3, 2), mode="area"),
        case(
            "Upsample",
            (),
            (1, 2, 3, 4),
            scale_factor=1.7,
            mode="bilinear",
            recompute_scale_factor=True,
        ),
        case("UpsamplingNearest2d", (), (1, 2, 3, 3), scale_factor=2),
        case("UpsamplingBilinear2d", (), (1, 2, 3, 3), scale_factor=2),
    ]
    + [
        case("Upsample", (), (2, 3, 4, 5), mode=mode, **kwargs)
        for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area")
        for kwargs in ({"scale_factor": 2}, {"size": (5, 7)}, {"scale_factor": 0.6})
    ]
    + [
        case("Upsample", (), (2, 3, 4, 5), mode=mode, align_corners=True, size=(5, 7))
        for mode in ("bilinear", "bicubic")
    ]
)

LOOKUPS = [
    case("Embedding", (4, 3), [[1, 2], [0, 1]], output=(2, 2, 3)),
    case("Embedding", (4, 3), [[1, 2], [0, 1]], padding_idx=1),
    case("Embedding", (4, 3), [[1, 2], [0, 1]], max_norm=0.5),
    case("Embedding", (4, 3), [[1, 2], [0, 1]], scale_grad_by_freq=True),
    case("CosineSimilarity", (), (3, 4), (3, 4), output=(3,)),
    case("PairwiseDistance", (), (3, 4), (3, 4), output=(3,)),
    case("PairwiseDistance", 1.0, (3, 4), (3, 4), keepdim=True, output=(3, 1)),
]

ATTENTION = (
    [
        case("MultiheadAttention", (8, 2), (5, 3, 8), (4, 3, 8), (4, 3, 8), output=(5, 3, 8)),
        case("MultiheadAttention", (8, 2), (5, 8), (4, 8), (4, 8), output=(5, 8)),
        case("MultiheadAttention", (8, 2), (5, 3, 8), (4, 3, 4), (4, 3, 6), kdim=4, vdim=6),
    ]
    + [
        case("MultiheadAttention", (8, 2), (5, 5, 8), (5, 5, 8), (5, 5, 8), call=call, **kwargs)
        for kwargs in (
            {"bias": False},
            {"add_bias_kv": True, "add_zero_attn": True},
            {"batch_first": True, "dropout": 0.3},
        )
        for call in ({"need_weights": False}, {"average_attn_weights": False})
    ]
    + [
        case(name, (8, 2, 16), *shapes, **kwargs)
        for name, shapes in (
            ("TransformerEncoderLayer", ((5, 3, 8),)),
            ("TransformerDecoderLayer", ((5, 3, 8), (5, 3, 8))),
        )
        for kwargs in ({}, {"norm_first": True}, {"activation": "gelu", "batch_first": True})
    ]
    + [
        case("Transformer", (8, 2, 1, 1, 16), (5, 3, 8), (4, 3, 8), output=(4, 3, 8)),
    ]
)

RECURRENT = [
    case(name, (3, 4), (5, 2, 3), **kwargs)
    for name in ("RNN", "GRU", "LSTM")
    for kwargs in (
        {},
        {"bias": False},
        {"num_layers": 2, "bidirectional": True, "batch_first": True},
        {"num_layers": 2, "dropout": 0.4},
    )
] + [
    case("RNN", (3, 4), (5, 3), nonlinearity="relu", output=(5, 4)),
    case("LSTM", (3, 4, 2), (5, 2, 3), proj_size=2, bidirectional=True, output=(5, 2, 4)),
    case("GRU", (3, 4), (5, 2, 3), (1, 2, 4)),
    case("RNNCell", (3, 4), (2, 3), output=(2, 4)),
    case("GRUCell", (3, 4), (2, 3), (2, 4), output=(2, 4)),
    case("LSTMCell", (3, 4), (3,), output=(4,)),
]

LAYERS = [
    *ACTIVATIONS,
    *AFFINE,
    *CONVOLUTIONS,
    *POOLS,
    *NORMS,
    *DROPOUTS,
    *IMAGES,
    *LOOKUPS,
    *ATTENTION,
    *RECURRENT,
]
