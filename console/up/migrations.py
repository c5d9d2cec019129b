"""Remembers which migrations a cluster has: asking every process takes seconds of each start."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from console.up.names import ROOT
from console.up.state import write_private

NOTE = "migrated"


def are_applied(cluster: Path, services: Sequence[str]) -> bool:
    """Tells whether the cluster's databases of the services have all migrations on disk, as they are now."""
    try:
        return (cluster / NOTE).read_text() == _fingerprint(services)
    except FileNotFoundError:
        return False


def mark_applied(cluster: Path, services: Sequence[str]) -> None:
    """Notes that they have."""
    write_private(cluster / NOTE, _fingerprint(services).encode())


def _fingerprint(services: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for service in services:
        for file in sorted((ROOT / "services" / service / "migrations").glob("*.sql")):
            digest.update(f"{service}/{file.name}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
