"""Loads the table of services and refuses one that cannot be used."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meshkit.settings import SettingsError
from meshkit.topology.entries import (
    ROLES,
    DatabaseRole,
    KeyFile,
    MeshPorts,
    PodSize,
    ProbePaths,
    ProcessEntry,
    ServiceEntry,
    Topology,
)
from meshkit.topology.tables import TableError, TableReader

__all__ = ["TABLE", "TopologyError", "load"]

TABLE = Path(__file__).resolve().parents[2] / "services" / "table.toml"
GATEWAY = "gateway"
_RESERVED = (GATEWAY, "console", "operator", "client", "postgres", "redis", "valkey", "supervisor")
_RESERVED_ROLES = (*ROLES, "reader", "migrate")
_RESERVED_KEYS = ("ca", "tls", "tmp")


class TopologyError(SettingsError):
    """The table cannot be used. The message names the file, the entry and the key."""


def load(path: Path = TABLE) -> Topology:
    """Reads a table. Raises TopologyError if it cannot be used."""
    try:
        return _topology(TableReader("", tomllib.loads(path.read_text())))
    except OSError as error:
        raise TopologyError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, TableError) as error:
        raise TopologyError(f"{path}: {error}") from error


def _topology(root: TableReader) -> Topology:
    ports = _ports(root.table("ports"))
    defaults = root.table("defaults").rest()
    services: list[ServiceEntry] = []
    for name, table in root.tables("service", defaults, reserved=_RESERVED):
        services.append(_service(name, table, [service.name for service in services]))
    gateway = _gateway(root.table("gateway", defaults), services)
    root.end()
    _check_apart(services)
    return Topology(ports, gateway, tuple(services))


def _ports(table: TableReader) -> MeshPorts:
    ports = MeshPorts(table.number("grpc", 65_535), table.number("admin", 65_535), table.number("http", 65_535))
    table.end()
    for key, other in (("admin", "grpc"), ("http", "grpc"), ("http", "admin")):
        if getattr(ports, key) == getattr(ports, other):
            raise table.error(key, f"is the port {getattr(ports, key)}, as {other} is: a process has both")
    return ports


def _gateway(table: TableReader, services: Sequence[ServiceEntry]) -> ProcessEntry:
    calls = tuple(service.name for service in services if service.edge)
    gateway = ProcessEntry(name=GATEWAY, calls=calls, **_process(table))
    table.end()
    return gateway


def _service(name: str, table: TableReader, above: Sequence[str]) -> ServiceEntry:
    service = ServiceEntry(
        name=name,
        package=table.text("package"),
        grpc=table.texts("grpc"),
        keeps=table.text("keeps"),
        calls=table.texts("calls"),
        edge=table.flag("edge", True),
        roles=tuple(_role(role, below) for role, below in table.tables("role", reserved=_RESERVED_ROLES)),
        keys=tuple(_key(key, below) for key, below in table.tables("key", reserved=_RESERVED_KEYS)),
        **_process(table),
    )
    table.end()
    if not service.grpc:
        raise table.error("grpc", "names no gRPC service")
    for callee in service.calls:
        if callee not in above:
            raise table.error("calls", f"names {callee}, which is no service above it: {', '.join(above) or 'none is'}")
    return service


def _process(table: TableReader) -> dict[str, Any]:
    """Returns the fields of a ProcessEntry that the table has."""
    return {
        "redis": table.flag("redis"),
        "outside": table.flag("outside", False),
        "probes": _probes(table.table("probes")),
        "size": _size(table),
    }


def _probes(table: TableReader) -> ProbePaths:
    probes = ProbePaths(table.text("startup"), table.text("readiness"), table.text("liveness"))
    table.end()
    return probes


def _size(table: TableReader) -> PodSize:
    replicas, requests = table.table("replicas"), table.table("requests")
    least, most = replicas.number("min", 1000), replicas.number("max", 1000)
    if most < least:
        raise replicas.error("max", f"is {most}, less than min, {least}")
    size = PodSize(least, most, requests.text("cpu"), requests.text("memory"), table.text("memory_limit"))
    replicas.end()
    requests.end()
    return size


def _role(name: str, table: TableReader) -> DatabaseRole:
    role = DatabaseRole(name, table.text("may"))
    table.end()
    return role


def _key(name: str, table: TableReader) -> KeyFile:
    key = KeyFile(name, table.text("purpose"), table.text("file"), table.text("setting"))
    table.end()
    return key


def _check_apart(services: Sequence[ServiceEntry]) -> None:
    """Refuses what two entries claim for themselves."""
    owner: dict[tuple[str, str], str] = {}
    for service in services:
        # A client has all gRPC services side by side, under their names alone.
        claims = [("package", service.package), *(("grpc", name) for name in service.grpc)]
        for key in service.keys:
            claims += [("key", key.file), ("key", key.setting)]
        for claim in claims:
            other = owner.setdefault(claim, service.name)
            if other != service.name:
                raise TableError(f"service.{service.name}.{claim[0]} has {claim[1]}, which service.{other} has already")
