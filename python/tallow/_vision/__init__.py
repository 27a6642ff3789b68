"""The operators of torchvision's library, which is linked to libtorch and cannot be loaded.

:func:`tallow.ops.load_library` imports this module in the place of that library; the derivatives,
which call the operators named ``..._backward``, torchvision registers itself.
"""

from __future__ import annotations

from tallow._vision import boxes, deformed, regions
from tallow.library import define, impl

__all__: list[str] = []

_REGION = "float spatial_scale, SymInt pooled_height, SymInt pooled_width"
_SHAPE = "SymInt batch_size, SymInt channels, SymInt height, SymInt width"
_DEFORMED = (
    "Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, SymInt stride_h, "
    "SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, SymInt dilation_w, "
    "SymInt groups, SymInt offset_groups, bool use_mask"
)

# Source of names and arguments: the schemas that torchvision 0.28 registers.
_OPERATORS = (
    ("_cuda_version", "() -> int", lambda: -1),
    ("nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor", boxes.nms),
    (
        "roi_align",
        f"(Tensor input, Tensor rois, {_REGION}, int sampling_ratio, bool aligned) -> Tensor",
        regions.roi_align,
    ),
    (
        "_roi_align_backward",
        f"(Tensor grad, Tensor rois, {_REGION}, {_SHAPE}, int sampling_ratio, bool aligned)"
        " -> Tensor",
        regions.roi_align_backward,
    ),
    ("roi_pool", f"(Tensor input, Tensor rois, {_REGION}) -> (Tensor, Tensor)", regions.roi_pool),
    (
        "_roi_pool_backward",
        f"(Tensor grad, Tensor rois, Tensor argmax, {_REGION}, {_SHAPE}) -> Tensor",
        regions.roi_pool_backward,
    ),
    (
        "ps_roi_align",
        f"(Tensor input, Tensor rois, {_REGION}, int sampling_ratio) -> (Tensor, Tensor)",
        regions.ps_roi_align,
    ),
    (
        "_ps_roi_align_backward",
        f"(Tensor grad, Tensor rois, Tensor channel_mapping, {_REGION}, int sampling_ratio, "
        f"{_SHAPE}) -> Tensor",
        regions.ps_roi_align_backward,
    ),
    (
        "ps_roi_pool",
        f"(Tensor input, Tensor rois, {_REGION}) -> (Tensor, Tensor)",
        regions.ps_roi_pool,
    ),
    (
        "_ps_roi_pool_backward",
        f"(Tensor grad, Tensor rois, Tensor channel_mapping, {_REGION}, {_SHAPE}) -> Tensor",
        regions.ps_roi_pool_backward,
    ),
    ("deform_conv2d", f"({_DEFORMED}) -> Tensor", deformed.deform_conv2d),
    (
        "_deform_conv2d_backward",
        f"(Tensor grad, {_DEFORMED}) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
        deformed.deform_conv2d_backward,
    ),
    # Known by name: quantized tensors and turned boxes have no kernels here.
    ("qnms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor", None),
    (
        "qroi_align",
        "(Tensor input, Tensor rois, float input_scale, int input_zero_point, float rois_scale, "
        f"int rois_zero_point, {_REGION}, int sampling_ratio, bool aligned) -> Tensor",
        None,
    ),
    ("box_iou_rotated", "(Tensor boxes1, Tensor boxes2) -> Tensor", None),
)

for _name, _schema, _kernel in _OPERATORS:
    define(f"torchvision::{_name}", _schema)
    if _kernel is not None:
        impl(f"torchvision::{_name}", "default", _kernel)
