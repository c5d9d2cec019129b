"""Sends the file of a model in parts, and has it taken once all are there."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

from console.api import Api, Json, content
from console.failure import WrongArgument

__all__ = ["send_model", "write_model"]

PART_BYTES = 4 << 20
MOST_BYTES = 32 << 20


async def send_model(api: Api, path: str, file: str, asked: Json) -> Json:
    """Uploads a file to a model, and returns the version that it becomes. Raises WrongArgument and CommandFailure."""
    data = _read(file)
    upload_id = str(uuid.uuid4())
    for number, start in enumerate(range(0, len(data), PART_BYTES), 1):
        part = data[start : start + PART_BYTES]
        content(await api.upload(f"{path}/uploads/{upload_id}:part?part={number}", "application/octet-stream", part))
    # Named, so that a request that is sent again makes no second version.
    whole = {"upload_id": upload_id, "size": str(len(data)), "sha256": hashlib.sha256(data).hexdigest()}
    return await api.call("POST", f"{path}/versions:import", {**whole, **asked, "request_id": str(uuid.uuid4())})


def write_model(file: str, data: bytes) -> None:
    """Raises WrongArgument for a file that cannot be written."""
    try:
        Path(file).write_bytes(data)
    except OSError as error:
        raise WrongArgument(f"{file} cannot be written: {error.strerror}.") from error


def _read(file: str) -> bytes:
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise WrongArgument(f"{file} cannot be read: {error.strerror}.") from error
    if not 0 < len(data) <= MOST_BYTES:
        raise WrongArgument(f"{file} has {len(data):,} bytes: it must have 1 to {MOST_BYTES:,}.")
    return data
