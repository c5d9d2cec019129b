"""The processes of the platform and what each is called."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SERVICES = ("auth", "user", "fraud", "data")
GATEWAY = "gateway"
MESH = (*SERVICES, GATEWAY)
OPERATOR = "operator"
CALLER = "client"
"""Name of the certificate for direct gRPC calls from outside the mesh."""

IDENTITIES = {**{name: f"service/{name}" for name in MESH}, OPERATOR: "operator", CALLER: "client/local"}


def module(name: str) -> str:
    """Returns what `python -m` runs for a process."""
    return name if name == GATEWAY else f"services.{name}"
