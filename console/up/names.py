"""Names the processes and certificates of the platform."""

from __future__ import annotations

from pathlib import Path

from console.failure import CommandFailure
from meshkit.topology import Topology, TopologyError, load

ROOT = Path(__file__).resolve().parent.parent.parent
GATEWAY = "gateway"
OPERATOR = "operator"
CALLER = "client"
"""Name of the certificate for direct gRPC calls from outside the mesh."""


def read_table() -> Topology:
    """Returns the services of this checkout. Raises CommandFailure if their table cannot be used."""
    try:
        return load()
    except TopologyError as error:
        raise CommandFailure(str(error)) from error


def identities(topology: Topology) -> dict[str, str]:
    """Returns the path of the SPIFFE ID of each certificate, such as "service/gateway", by the certificate's name."""
    processes = {name: f"service/{name}" for name in topology.process_names}
    return {**processes, OPERATOR: "operator", CALLER: "client/local"}


def module(name: str) -> str:
    """Returns what `python -m` runs for a process."""
    return name if name == GATEWAY else f"services.{name}"
