"""Renders the parts of deploy/compose.yaml that depend on the services."""

from __future__ import annotations

from meshkit.topology import KeyFile, ProcessEntry, ServiceEntry, Topology
from tools.rendering.text import fill, template

__all__ = ["processes", "secrets"]

OTHERS = ("operator",)
"""Holders of a certificate that are no process."""


def processes(topology: Topology, version: str) -> str:
    """Returns the migrations, the services and the gateway."""
    migrations = (
        fill(template("deploy/compose-migration.yaml"), name=service.name, version=version)
        for service in topology.services
    )
    services = (_service(topology, service, version) for service in topology.services)
    return "\n".join([*migrations, *services, _gateway(topology, version)])


def secrets(topology: Topology) -> str:
    """Returns the files that deploy/compose/init.py makes: keys of services, certificates."""
    lines = [
        f"  {_secret(service, key)}: {{file: compose/secrets/{key.file}}}\n"
        for service in topology.services
        for key in service.keys
    ]
    for name in (*topology.process_names, *OTHERS):
        lines.append(f"  {name}-certificate: {{file: compose/secrets/tls/{name}.pem}}\n")
        lines.append(f"  {name}-key: {{file: compose/secrets/tls/{name}.key}}\n")
    return "".join(lines)


def _service(topology: Topology, service: ServiceEntry, version: str) -> str:
    needs = [f"      {service.name}-migrate: {{condition: service_completed_successfully}}\n"]
    needs += ["      valkey: {condition: service_healthy}\n"] if service.redis else []
    keys = (f"      {key.setting}: /run/secrets/{_secret(service, key)}\n" for key in service.keys)
    return fill(
        template("deploy/compose-service.yaml"),
        name=service.name,
        version=version,
        listen=f"{service.setting('LISTEN')}: 0.0.0.0:{topology.ports.grpc}",
        addresses=_addresses(topology, service),
        keys="".join(keys),
        key_secrets="".join(f"      - {_secret(service, key)}\n" for key in service.keys),
        needs="".join(needs) + _healthy(service),
        outside=", outside" if service.outside else "",
    )


def _secret(service: ServiceEntry, key: KeyFile) -> str:
    return f"{service.name}-{key.name}-key"


def _gateway(topology: Topology, version: str) -> str:
    return fill(
        template("deploy/compose-gateway.yaml"),
        version=version,
        http=str(topology.ports.http),
        addresses=_addresses(topology, topology.gateway),
        needs=_healthy(topology.gateway),
    )


def _addresses(topology: Topology, process: ProcessEntry) -> str:
    callees = map(topology.service, process.calls)
    return "".join(f"      {each.setting('ADDRESS')}: {each.name}:{topology.ports.grpc}\n" for each in callees)


def _healthy(process: ProcessEntry) -> str:
    return "".join(f"      {name}: {{condition: service_healthy}}\n" for name in process.calls)
