"""Says which processes a platform has: one of each service, or several replicas, and the gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from console.up.names import GATEWAY
from meshkit.topology import Topology

__all__ = ["MOST_REPLICAS", "Fleet"]

MOST_REPLICAS = 16


@dataclass(frozen=True)
class Fleet:
    """The processes of a topology. A replica is named as its service, from the second on with its number: `fraud-2`."""

    topology: Topology
    replicas: Mapping[str, int] = field(default_factory=dict)
    """How many of a service; one where nothing is said."""

    @property
    def services(self) -> Sequence[str]:
        """The processes that speak gRPC."""
        return [name for service in self.topology.names for name in self.of(service)]

    @property
    def processes(self) -> Sequence[str]:
        """All processes, in the order of their start."""
        return [name for process in self.topology.process_names for name in self.of(process)]

    def of(self, service: str) -> Sequence[str]:
        """Returns the names of a service's replicas; the gateway's is its own."""
        return [service, *(f"{service}-{number}" for number in range(2, self.replicas.get(service, 1) + 1))]

    def service(self, process: str) -> str:
        """Returns what a process is a replica of."""
        return process.partition("-")[0]

    def ports(self) -> list[str]:
        """Returns the names of the ports that must be assigned."""
        return ["http", *self.services, *(f"{name}_admin" for name in self.processes)]

    def port(self, process: str) -> str:
        """Returns the name of the port on which a process answers callers."""
        return "http" if process == GATEWAY else process
