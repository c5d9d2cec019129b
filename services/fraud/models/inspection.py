"""Inspects an ONNX file that somebody brought: whether it can be run, safely, in time, and gives probabilities.

To be called in a process whose memory and time are limited: what reads foreign bytes here is C++, and the limits below
stop what grows by its shape, not what a library does wrong.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from services.fraud.models.dry_run import dry_run
from services.fraud.models.failures import RefusalReason, RefusedModelError
from services.fraud.models.operators import check_operators
from services.fraud.models.shapes import check_sizes, form_of
from services.fraud.models.signature import ModelSignature
from services.fraud.models.tree_nodes import check_trees

__all__ = ["MOST_BYTES", "InspectedModel", "inspect"]

MOST_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class InspectedModel:
    """A model that may be served."""

    signature: ModelSignature
    takes_missing: bool
    """Whether it gives a probability also where features are missing."""


def inspect(path: Path, feature_names: Sequence[str]) -> InspectedModel:
    """Raises RefusedModelError with the first reason found why the file is not taken."""
    content = _read(path)
    model = _parsed(content)
    check_operators(model)
    features = tuple(feature_names)
    form, name = form_of(model, features)
    check_trees(model, len(features))
    check_sizes(model)
    return InspectedModel(*dry_run(content, form, features, name))


def _read(path: Path) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise RefusedModelError(RefusalReason.NO_FILE, "there is no such file")
        if found.st_size > MOST_BYTES:
            raise RefusedModelError(RefusalReason.TOO_LARGE, f"the file is larger than {MOST_BYTES >> 20} MB")
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError as error:
        raise RefusedModelError(RefusalReason.NO_FILE, "the file cannot be read") from error


def _parsed(content: bytes) -> onnx.ModelProto:
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise RefusedModelError(RefusalReason.UNREADABLE, "the file is no ONNX model, or was cut short") from error
    if not model.ir_version or not model.graph.node:
        raise RefusedModelError(RefusalReason.UNREADABLE, "the file holds no graph")
    return model
