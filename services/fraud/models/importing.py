"""Makes a version of a file that somebody brought: ONNX, or XGBoost's own form, which becomes ONNX.

To be called in a process whose memory and time are limited, as `inspection` says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from services.fraud.models.artifact import ModelArtifact, library_versions
from services.fraud.models.calibration import UNCALIBRATED
from services.fraud.models.conversion import convert
from services.fraud.models.dataset import Floats, Matrix
from services.fraud.models.failures import ConversionError, RefusalReason, RefusedModelError
from services.fraud.models.forest import forest_of, names_of
from services.fraud.models.golden import GoldenRows, check_golden
from services.fraud.models.inspection import inspect
from services.fraud.models.serving import ScoringModel
from services.fraud.models.signature import ModelSignature

__all__ = ["ONNX", "XGBOOST", "ImportedModel", "import_model"]

ONNX, XGBOOST = "onnx", "xgboost"
GOLDEN_ROWS = 64
MOST_NAMES = 200
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}([.][a-z][a-z0-9_]{0,62})?")
"""What fields and features may be called, and what is known of every event."""


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """A model that may be served, and whether it takes missing values."""

    artifact: ModelArtifact
    takes_missing: bool


def import_model(path: Path, form: str, names: Sequence[str]) -> ImportedModel:
    """Inspects a file, and converts one of XGBoost before. Without a form it is as it looks.

    Without names, features are those that the file names. Raises RefusedModelError.
    """
    content = path.read_bytes()
    if (form or (XGBOOST if content[:1] == b"{" else ONNX)) == XGBOOST:
        return _from_booster(path, content, names)
    inspected = inspect(path, _checked(names or _onnx_names(content)))
    artifact = _artifact(content, b"", inspected.signature, takes_missing=inspected.takes_missing)
    return ImportedModel(artifact, inspected.takes_missing)


def _from_booster(path: Path, content: bytes, names: Sequence[str]) -> ImportedModel:
    try:
        known = _checked(names or names_of(content))
        converted = convert(content, UNCALIBRATED, _numbered(content, known))
    except ConversionError as error:
        raise RefusedModelError(RefusalReason.UNREADABLE, str(error)) from error
    path.write_bytes(converted)
    inspected = inspect(path, known)
    booster = _own_form(content)
    artifact = _artifact(converted, booster, inspected.signature, takes_missing=True)
    _compare(artifact, booster)
    return ImportedModel(artifact, inspected.takes_missing)


def _checked(names: Sequence[str]) -> tuple[str, ...]:
    """Returns names that features may have: those of a file are anything."""
    if len(names) > MOST_NAMES:
        raise RefusedModelError(RefusalReason.INPUTS, f"the model takes more than {MOST_NAMES} features")
    for place, name in enumerate(names, 1):
        if not _NAME.fullmatch(name):
            words = f"what the file calls feature {place} is no name of a feature: name them, in the order of training"
            raise RefusedModelError(RefusalReason.INPUTS, words)
    return tuple(names)


def _numbered(content: bytes, names: Sequence[str]) -> Sequence[str]:
    """Returns the names, if they are as many as the model has features."""
    features = forest_of(content).features
    if not names:
        words = f"the file names none of its {features} features: name them, in the order of training"
        raise RefusedModelError(RefusalReason.INPUTS, words)
    if len(names) != features:
        raise RefusedModelError(RefusalReason.INPUTS, f"the model has {features} features, not {len(names)}")
    return names


def _own_form(content: bytes) -> bytes:
    """Returns the booster as XGBoost writes it: what it cannot load ends this process, and no other one."""
    import xgboost

    try:
        loaded = xgboost.Booster(model_file=bytearray(content))
        loaded.set_param({"nthread": 1})
        return bytes(loaded.save_raw("ubj"))
    except Exception as error:
        # The library's own type is not the only one that it raises.
        raise RefusedModelError(RefusalReason.NOT_RUNNABLE, "XGBoost does not take the file") from error


def _compare(artifact: ModelArtifact, booster: bytes) -> None:
    """Raises RefusedModelError unless the booster gives the same probabilities as its ONNX form."""
    from services.fraud.models.training import booster_margins

    margins = booster_margins(booster, artifact.golden.values)
    said: Floats = np.exp(-np.logaddexp(0.0, -margins))
    try:
        check_golden(ScoringModel(artifact.onnx, artifact.signature), GoldenRows(artifact.golden.values, said))
    except ConversionError as error:
        raise RefusedModelError(RefusalReason.SCORES, str(error)) from error


def _artifact(content: bytes, booster: bytes, signature: ModelSignature, *, takes_missing: bool) -> ModelArtifact:
    rows = _made_up(len(signature.features), holes=takes_missing)
    scores = np.array(ScoringModel(content, signature).score(rows))
    return ModelArtifact(
        onnx=content,
        signature=signature,
        calibration=UNCALIBRATED,
        booster=booster,
        libraries=library_versions(),
        reference={},
        golden=GoldenRows(rows, scores),
    )


def _made_up(features: int, *, holes: bool) -> Matrix:
    chance = np.random.default_rng(9)
    rows = (10.0 ** chance.uniform(-2, 4, (GOLDEN_ROWS, features))).astype(np.float32)
    rows[0], rows[1] = 0.0, 1.0
    if holes:
        rows[chance.random(rows.shape) < 0.2] = np.nan
    return rows


def _onnx_names(content: bytes) -> Sequence[str]:
    """Returns the features that an ONNX file names: in its properties, else by inputs of their own."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise RefusedModelError(RefusalReason.UNREADABLE, "the file is no ONNX model, or was cut short") from error
    try:
        told = {each.key: each.value for each in model.metadata_props}.get("features")
        read = json.loads(told) if told is not None else []
    except (ValueError, RecursionError):
        read = []
    if isinstance(read, list) and read and all(isinstance(each, str) for each in read):
        return read
    weights = {each.name for each in model.graph.initializer}
    inputs = [each.name for each in model.graph.input if each.name not in weights]
    if len(inputs) == 1:
        words = "the file does not name its features: name them, in the order in which the model takes them"
        raise RefusedModelError(RefusalReason.INPUTS, words)
    return inputs
