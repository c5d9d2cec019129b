"""A trained model with everything that it hangs on: enough to serve, explain, watch and train it again."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from typing import Any

from services.fraud.models.calibration import Calibration, CalibrationKind
from services.fraud.models.drift import ReferenceBins
from services.fraud.models.evaluation import ModelEvaluation
from services.fraud.models.failures import ArtifactError
from services.fraud.models.golden import GoldenRows
from services.fraud.models.parameters import TrainingParameters
from services.fraud.models.signature import ModelSignature

__all__ = ["ModelArtifact", "artifact_of", "library_versions"]

FORM = 1
_LIBRARIES = ("numpy", "onnx", "onnxruntime", "xgboost-cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelArtifact:
    """A model as it is kept. One that somebody brought has no trees, parameters, data or evaluation."""

    onnx: bytes
    signature: ModelSignature
    calibration: Calibration
    """What the ONNX graph has in it already."""
    booster: bytes = b""
    parameters: TrainingParameters | None = None
    libraries: Mapping[str, str]
    data_fingerprint: str = ""
    """SHA-256 of the rows learned from."""
    evaluation: ModelEvaluation | None = None
    validation: ModelEvaluation | None = None
    """On the days by which settings are chosen, if there were any."""
    reference: Mapping[str, ReferenceBins]
    """By feature, of the rows learned from; and of the scores, of those measured on."""
    golden: GoldenRows

    def fingerprint(self) -> str:
        """Returns the SHA-256 of all of it: another one if anything is otherwise."""
        digest = sha256(json.dumps(self.described(), sort_keys=True, allow_nan=False).encode())
        for blob in (self.onnx, self.booster):
            digest.update(len(blob).to_bytes(8, "little") + blob)
        return digest.hexdigest()

    def described(self) -> dict[str, Any]:
        """Returns all but the bytes of the two models, as JSON can hold it."""
        validation = {"validation": self.validation.to_dict()} if self.validation else {}
        return validation | {
            "form": FORM,
            "signature": self.signature.to_dict(),
            "calibration": asdict(self.calibration) | {"kind": self.calibration.kind.value},
            "parameters": self.parameters.to_dict() if self.parameters else None,
            "libraries": dict(self.libraries),
            "data_fingerprint": self.data_fingerprint,
            "evaluation": self.evaluation.to_dict() if self.evaluation else None,
            "reference": {name: bins.to_dict() for name, bins in self.reference.items()},
            "golden": self.golden.to_dict(),
        }

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it as JSON can hold it, with its fingerprint."""
        blobs = {"onnx": b64encode(self.onnx).decode(), "booster": b64encode(self.booster).decode()}
        return self.described() | blobs | {"fingerprint": self.fingerprint()}

    @classmethod
    def from_dict(cls, read: Mapping[str, Any]) -> ModelArtifact:
        """Raises ArtifactError unless it is what `to_dict` returned."""
        try:
            blobs = [b64decode(read[name], validate=True) for name in ("onnx", "booster")]
            artifact = artifact_of(read, *blobs)
            kept = read["fingerprint"]
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError("the stored model cannot be read") from error
        if artifact.fingerprint() != kept:
            raise ArtifactError("the stored model is not the one that was stored")
        return artifact


def artifact_of(described: Mapping[str, Any], onnx: bytes, booster: bytes) -> ModelArtifact:
    """Returns the model of a description and of its bytes, kept apart. Raises ArtifactError for a later form."""
    if described["form"] != FORM:
        raise ArtifactError(f"a stored model of the form {described['form']}")
    calibration, parameters = described["calibration"], described["parameters"]
    evaluation, validation = described["evaluation"], described.get("validation")
    return ModelArtifact(
        onnx=onnx,
        signature=ModelSignature.from_dict(described["signature"]),
        calibration=Calibration(**{**calibration, "kind": CalibrationKind(calibration["kind"])}),
        booster=booster,
        parameters=TrainingParameters.from_dict(parameters) if parameters else None,
        libraries=dict(described["libraries"]),
        data_fingerprint=described["data_fingerprint"],
        evaluation=ModelEvaluation.from_dict(evaluation) if evaluation else None,
        validation=ModelEvaluation.from_dict(validation) if validation else None,
        reference={name: ReferenceBins.from_dict(each) for name, each in described["reference"].items()},
        golden=GoldenRows.from_dict(described["golden"]),
    )


def library_versions() -> Mapping[str, str]:
    """Returns the versions of the libraries whose work a model is."""
    return {name: version(name) for name in _LIBRARIES}
