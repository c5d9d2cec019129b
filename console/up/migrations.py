"""Remembers which migrations a cluster has, because asking four processes takes seconds of every start."""

from __future__ import annotations

import hashlib
from pathlib import Path

from console.up.names import ROOT, SERVICES
from console.up.state import write_private

NOTE = "migrated"


def are_applied(cluster: Path) -> bool:
    """Tells whether the cluster's databases have all migrations on disk, as they are now."""
    try:
        return (cluster / NOTE).read_text() == _fingerprint()
    except FileNotFoundError:
        return False


def mark_applied(cluster: Path) -> None:
    """Notes that they have."""
    write_private(cluster / NOTE, _fingerprint().encode())


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for service in SERVICES:
        for file in sorted((ROOT / "services" / service / "migrations").glob("*.sql")):
            digest.update(f"{service}/{file.name}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
