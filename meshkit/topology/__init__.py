"""The services of a platform, from one table: who they are, whom they call, what each needs."""

from __future__ import annotations

from meshkit.topology.entries import (
    DatabaseRole,
    KeyFile,
    MeshPorts,
    PodSize,
    ProbePaths,
    ProcessEntry,
    ServiceEntry,
    Topology,
)
from meshkit.topology.loading import TABLE, TopologyError, load

__all__ = [
    "TABLE",
    "DatabaseRole",
    "KeyFile",
    "MeshPorts",
    "PodSize",
    "ProbePaths",
    "ProcessEntry",
    "ServiceEntry",
    "Topology",
    "TopologyError",
    "load",
]
