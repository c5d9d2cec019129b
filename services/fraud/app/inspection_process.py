"""`python -m services.fraud.app.inspection_process` inspects one file: see `adapters/child_inspection.py`."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from meshkit.errors import Kind, MeshError
from services.fraud.adapters.child_inspection import INSPECTION_SECONDS, inspection_order_from_json
from services.fraud.adapters.postgres_inspected import PartsMissingError, PostgresInspected
from services.fraud.app.child import do_order, limit_resources, open_store, tell
from services.fraud.domain.scoring.version import ModelOutcome
from services.fraud.models.failures import RefusedModelError
from services.fraud.models.importing import ImportedModel, import_model
from services.fraud.ports.models import InspectionOrder
from services.fraud.ports.training import MadeModel

__all__ = ["main"]

NICE = 10
MEMORY_MB = 1_024
MOST_WORDS = 300
"""Characters: a file may call its parts anything, at any length."""
CPU_SECONDS = int(INSPECTION_SECONDS) + 5


def main() -> None:
    """Reads an order from the standard input, and ends with it."""
    do_order(_main, nice=NICE)


async def _main(read: Mapping[str, Any]) -> None:
    limit_resources(memory_mb=MEMORY_MB, cpu_seconds=CPU_SECONDS)
    order = inspection_order_from_json(read)
    async with open_store(read["dsn"]) as pool:
        tell({"ready": True})
        inspected = PostgresInspected(pool, order)
        outcome = await inspected.known()
        if outcome is None:
            try:
                content = await inspected.content()
                made = await asyncio.to_thread(_made, content, order)
            except (RefusedModelError, PartsMissingError, MeshError, MemoryError) as error:
                tell(_refusal(error))
                return
            await inspected.store(made)
            outcome = made.outcome
        tell({"features": outcome.features, "takes_missing": outcome.takes_missing})


def _made(content: bytes, order: InspectionOrder) -> MadeModel:
    """Inspects the file from memory: it is never on a disk."""
    held = os.memfd_create("model")
    try:
        path = Path(f"/proc/self/fd/{held}")
        path.write_bytes(content)
        imported = import_model(path, order.format, order.features)
    finally:
        os.close(held)
    return _stored(imported)


def _stored(imported: ImportedModel) -> MadeModel:
    artifact = imported.artifact
    outcome = ModelOutcome(
        features=artifact.signature.features,
        fingerprint=artifact.fingerprint(),
        libraries=artifact.libraries,
        onnx_bytes=len(artifact.onnx),
        takes_missing=imported.takes_missing,
        explains=bool(artifact.booster),
    )
    described = json.dumps(artifact.described(), allow_nan=False)
    return MadeModel(outcome=outcome, described=described, onnx=artifact.onnx, booster=artifact.booster)


def _refusal(error: RefusedModelError | PartsMissingError | MeshError | MemoryError) -> Mapping[str, object]:
    match error:
        case RefusedModelError():
            return {"refused": error.reason.value, "words": error.words[:MOST_WORDS]}
        case MemoryError():
            return {"refused": "too_large", "words": f"the model needs more than {MEMORY_MB:,} MB"}
        case PartsMissingError():
            return {"incomplete": error.size}
        case MeshError(kind=Kind.INVALID_ARGUMENT):
            return {"differs": True}
        case _:
            raise error


if __name__ == "__main__":
    main()
