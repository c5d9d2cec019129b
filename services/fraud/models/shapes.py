"""Which shapes an ONNX graph takes and makes: its inputs, and the largest value that it holds on the way."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import onnx
from onnx import TensorProto, shape_inference

from services.fraud.models.failures import RefusalReason, RefusedModelError
from services.fraud.models.signature import InputForm

__all__ = ["DRY_ROWS", "MOST_VALUES", "check_sizes", "form_of"]

DRY_ROWS = 1_000
MOST_VALUES = 16_000_000
"""That one result for a thousand rows may have; 64 MB."""


def form_of(model: onnx.ModelProto, features: Sequence[str]) -> tuple[InputForm, str]:
    """Returns how the graph takes the features, and the name of its one input, empty for a column each.

    Raises RefusedModelError if it takes others, or not any number of rows of 32-bit numbers.
    """
    weights = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in weights]
    widths = [_width(each) for each in inputs]
    names = [each.name for each in inputs]
    if len(inputs) == 1 and names != list(features):
        if widths[0] not in (len(features), None):
            words = f"the model takes {widths[0]} features, and {len(features)} are mapped to it"
            raise RefusedModelError(RefusalReason.INPUTS, words)
        return InputForm.MATRIX, names[0]
    if set(names) != set(features) or len(names) != len(features):
        strange = sorted(set(names) ^ set(features))
        words = f"inputs and features are not the same: {', '.join(strange[:5]) or 'one stands twice'}"
        raise RefusedModelError(RefusalReason.INPUTS, words)
    if any(width not in (1, None) for width in widths):
        raise RefusedModelError(RefusalReason.INPUTS, "an input by the name of a feature must take one number a row")
    return InputForm.COLUMNS, ""


def check_sizes(model: onnx.ModelProto) -> None:
    """Raises RefusedModelError if a result for a thousand rows is known to be too large, or the graph does not fit."""
    sized = onnx.ModelProto()
    sized.CopyFrom(model)
    for each in sized.graph.input:
        if each.type.tensor_type.shape.dim:
            each.type.tensor_type.shape.dim[0].dim_value = DRY_ROWS
    for kept in (sized.graph.value_info, sized.graph.output):
        # What the file claims of its results is found out instead.
        for claimed in kept:
            claimed.type.tensor_type.ClearField("shape")
    try:
        found = shape_inference.infer_shapes(sized, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:
        raise RefusedModelError(RefusalReason.UNREADABLE, "the parts of the graph do not fit together") from error
    for each in (*found.graph.value_info, *found.graph.output):
        if prod(dim.dim_value or 1 for dim in each.type.tensor_type.shape.dim) > MOST_VALUES:
            words = f"{each.name!r} would have more than {MOST_VALUES:,} numbers for {DRY_ROWS:,} rows"
            raise RefusedModelError(RefusalReason.TOO_LARGE, words)


def _width(given: onnx.ValueInfoProto) -> int | None:
    """Returns how many numbers a row has, None if that is left open."""
    kind = given.type.tensor_type
    if given.type.WhichOneof("value") != "tensor_type" or kind.elem_type != TensorProto.FLOAT:
        raise RefusedModelError(RefusalReason.INPUTS, f"the input {given.name!r} does not take 32-bit numbers")
    dims = kind.shape.dim
    if len(dims) != 2 or dims[0].dim_value:
        raise RefusedModelError(RefusalReason.INPUTS, f"the input {given.name!r} does not take any number of rows")
    return dims[1].dim_value or None
