"""What the table of services says: processes, whom they call, their databases, keys and sizes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ROLES",
    "DatabaseRole",
    "KeyFile",
    "MeshPorts",
    "PodSize",
    "ProbePaths",
    "ProcessEntry",
    "ServiceEntry",
    "Topology",
]

ROLES = ("owner", "service", "eraser")
"""Of every database: one migrates it, one serves from it, one exports and erases what a tenant has."""


@dataclass(frozen=True, slots=True)
class MeshPorts:
    """Ports in containers."""

    grpc: int
    admin: int
    """/health, /ready and /metrics."""
    http: int


@dataclass(frozen=True, slots=True)
class ProbePaths:
    """What Kubernetes asks on the admin port."""

    startup: str
    readiness: str
    liveness: str


@dataclass(frozen=True, slots=True)
class PodSize:
    """How many pods a process has, and what each asks of its node, in Kubernetes' units."""

    least: int
    most: int
    cpu: str
    memory: str
    memory_limit: str


@dataclass(frozen=True, slots=True)
class DatabaseRole:
    """A role of a service's database besides its owner and the service's own."""

    name: str
    may: str
    """What it is for, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A secret file that a service reads: 32 random bytes in hex."""

    name: str
    purpose: str
    file: str
    """Its name where this project makes it."""
    setting: str
    """Environment variable with its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEntry:
    """What is true of every process."""

    name: str
    calls: tuple[str, ...]
    """Services that it calls."""
    redis: bool
    outside: bool
    """Whether it sends requests to addresses outside that tenants name (see `meshkit.egress`)."""
    probes: ProbePaths
    size: PodSize


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEntry(ProcessEntry):
    """One service with a database of its own."""

    package: str
    grpc: tuple[str, ...]
    """Names of its gRPC services in the package: at least one."""
    keeps: str
    """What is in its database, in a few words."""
    edge: bool
    """Whether the gateway calls it."""
    roles: tuple[DatabaseRole, ...]
    keys: tuple[KeyFile, ...]

    @property
    def full_names(self) -> tuple[str, ...]:
        """Returns the names of its gRPC services on the wire."""
        return tuple(f"{self.package}.{name}" for name in self.grpc)

    @property
    def database(self) -> str:
        return f"rampart_{self.name}"

    @property
    def role_names(self) -> tuple[str, ...]:
        return (*ROLES, *(role.name for role in self.roles))

    def user(self, role: str) -> str:
        """Returns what a role is called in PostgreSQL."""
        return f"{self.database}_{role}"

    def setting(self, suffix: str) -> str:
        """Returns the name of an environment variable of its own, such as RAMPART_X_DSN for "DSN"."""
        return f"RAMPART_{self.name.upper()}_{suffix}"

    def dsns(self) -> dict[str, str]:
        """Returns the environment variable of each role that the process itself connects as."""
        extra = {role.name: self.setting(f"{role.name.upper()}_DSN") for role in self.roles}
        return {"service": self.setting("DSN"), "eraser": self.setting("ERASER_DSN"), **extra}


@dataclass(frozen=True, slots=True)
class Topology:
    """The whole table."""

    ports: MeshPorts
    gateway: ProcessEntry
    services: tuple[ServiceEntry, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Returns the names of the services."""
        return tuple(service.name for service in self.services)

    @property
    def processes(self) -> tuple[ProcessEntry, ...]:
        return (*self.services, self.gateway)

    @property
    def process_names(self) -> tuple[str, ...]:
        return tuple(process.name for process in self.processes)

    def process(self, name: str) -> ProcessEntry:
        """Raises KeyError if there is none of that name."""
        return {process.name: process for process in self.processes}[name]

    def service(self, name: str) -> ServiceEntry:
        """Raises KeyError if there is none of that name."""
        return {service.name: service for service in self.services}[name]

    def callers(self, name: str) -> tuple[str, ...]:
        """Returns the processes that call a service."""
        return tuple(process.name for process in self.processes if name in process.calls)
