"""Errors of models."""

from __future__ import annotations

from collections.abc import Sequence

from meshkit.errors import Kind, MeshError, Violation, validation_failed
from services.fraud.errors.declarations import shown_names, step_not_allowed

__all__ = [
    "inspections_busy",
    "model_exists",
    "model_in_use",
    "model_refused",
    "model_too_large",
    "not_ready",
    "too_many_models",
    "too_many_trainings",
    "too_many_uploads",
    "too_many_versions",
    "upload_differs",
    "upload_incomplete",
]


def model_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS, "RESOURCE_EXISTS", "a model of this name exists", metadata={"resource": "model"}
    )


def model_in_use(using: Sequence[str]) -> MeshError:
    return step_not_allowed(f"the model is named by {shown_names(using)}", "in_use")


def model_refused(reason: str, words: str) -> MeshError:
    """`reason` says in one word why a file is not taken."""
    return validation_failed(Violation("upload_id", f"model.{reason}", words))


def too_many_models(most: int) -> MeshError:
    return validation_failed(Violation("model", "models.most", f"is one more than {most}, a tenant's most"))


def too_many_versions(most: int) -> MeshError:
    return validation_failed(Violation("name", "versions.most", f"has {most} versions already, which is most"))


def too_many_trainings(most: int) -> MeshError:
    return step_not_allowed(f"there are {most} trainings that have not ended: wait, or cancel one", "pending")


def too_many_uploads(most: int) -> MeshError:
    words = f"{most} parts of files wait already: import them, or wait for a day until they go"
    return step_not_allowed(words, "waiting")


def upload_incomplete(size: int, asked: int) -> MeshError:
    words = f"the parts of the file have {size} bytes, and must be numbered from 1 on without a gap and have {asked}"
    return step_not_allowed(words, "incomplete")


def upload_differs() -> MeshError:
    return validation_failed(Violation("sha256", "sha256.differs", "is not that of the uploaded bytes"))


def not_ready(state: str) -> MeshError:
    return step_not_allowed("the version is not ready", state)


def model_too_large(most: int) -> MeshError:
    return step_not_allowed(f"the model has more than {most} bytes: it is too large to be downloaded", "too_large")


def inspections_busy() -> MeshError:
    return MeshError(
        Kind.RESOURCE_EXHAUSTED,
        "OVERLOADED",
        "another file is inspected in this process",
        metadata={"limit": "the service"},
        retry_after=2.0,
    )
