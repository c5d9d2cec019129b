"""Makes the environment of each process. None sees the secrets of another."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from console.failure import CommandFailure
from console.up.certificates import Authority
from console.up.fleet import Fleet
from console.up.leftovers import HOME_VARIABLE
from console.up.names import GATEWAY, ROOT, module
from console.up.ports import HOST
from console.up.processes import Spec
from console.up.state import State
from meshkit.topology import ServiceEntry, Topology

OWN = ("_DSN", "_LISTEN", "_ADDRESS", "_FILE", "RAMPART_HOME", "RAMPART_HTTP_PORT", "RAMPART_REDIS_URL", "_WORKER")
"""Settings that the start decides for each process; all others of the user's pass through."""
DRAIN_SECONDS = 2


@dataclass(frozen=True)
class Stores:
    """Addresses of the databases and of Redis."""

    databases: Mapping[str, Mapping[str, str]]
    """DSNs by service and role. With databases of the user's own there is no `reader`, who sees all tenants."""
    redis_url: str

    def of_role(self, role: str) -> dict[str, str]:
        """Returns the DSN of each service that has the role."""
        return {service: dsns[role] for service, dsns in self.databases.items() if role in dsns}


def external_databases(topology: Topology, environment: Mapping[str, str]) -> dict[str, str] | None:
    """Returns the user's own DSNs by their names, None without any. Raises Failure if some are missing."""
    names = [name for service in topology.services for name in service.dsns().values()]
    given = {name: environment[name] for name in names if environment.get(name)}
    missing = [name for name in names if name not in given]
    if given and missing:
        raise CommandFailure(
            f"{', '.join(missing)} must be set as well: databases are either all your own or all embedded."
        )
    return given or None


class Environments:
    """Makes the command and environment of every process."""

    def __init__(
        self,
        fleet: Fleet,
        user: Mapping[str, str],
        state: State,
        authority: Authority,
        ports: Mapping[str, int],
        stores: Stores,
    ) -> None:
        self._fleet = fleet
        self._topology = fleet.topology
        self._user = user
        self._state = state
        self._authority = authority
        self._ports = ports
        self._stores = stores

    def address(self, name: str) -> str:
        """host:port of gRPC for a service, of REST for the gateway."""
        return f"{HOST}:{self._ports[self._fleet.port(name)]}"

    def addresses(self, service: str) -> str:
        """Returns where all replicas of a service are, with commas between."""
        return ",".join(self.address(name) for name in self._fleet.of(service))

    def admin(self, name: str) -> str:
        """host:port of /health, /ready and /metrics."""
        return f"{HOST}:{self._ports[f'{name}_admin']}"

    def serve(self, name: str) -> Spec:
        """Returns how to run a replica of a service, or the gateway."""
        kind = self._fleet.service(name)
        own = {
            "RAMPART_HTTP_LISTEN" if kind == GATEWAY else f"RAMPART_{kind.upper()}_LISTEN": self.address(name),
            "RAMPART_ADMIN_LISTEN": self.admin(name),
            **{service.setting("ADDRESS"): self.addresses(service.name) for service in self._topology.services},
            **self._tls(kind),
        }
        if kind in self._topology.names:
            service = self._topology.service(kind)
            own |= self._dsns(service) | self._keys(service)
        if self._topology.process(kind).redis:
            own["RAMPART_REDIS_URL"] = self._stores.redis_url
        standby = kind == GATEWAY and self._user.get("RAMPART_STANDBY", "on") != "off"
        return Spec(
            name, _python(module(kind)), self._common() | own, ROOT, stop_seconds=DRAIN_SECONDS + 1.5, standby=standby
        )

    def migrate(self, service: str) -> Spec:
        """Returns how to bring a service's database up to date."""
        entry = self._topology.service(service)
        # The migrations grant to every role, so they are told of all.
        dsns = self._dsns(entry) | {entry.setting("MIGRATE_DSN"): self._stores.databases[service]["owner"]}
        return Spec(f"the migration of {service}", [*_python(module(service)), "migrate"], self._common() | dsns, ROOT)

    def _dsns(self, service: ServiceEntry) -> dict[str, str]:
        return {name: self._stores.databases[service.name][role] for role, name in service.dsns().items()}

    def _keys(self, service: ServiceEntry) -> dict[str, str]:
        # A database of the user's own may hold what is sealed with the user's own key.
        return {
            key.setting: self._user.get(key.setting) or str(self._state.secret_file(key.file)) for key in service.keys
        }

    def _common(self) -> dict[str, str]:
        passed = {name: value for name, value in self._user.items() if not name.endswith(OWN) or _is_foreign(name)}
        defaults = {
            "RAMPART_REFLECTION": "on",
            "RAMPART_DRAIN_SECONDS": str(DRAIN_SECONDS),
            # Where people sign in: the issuer is described at its own address (RFC 8414, section 3.3).
            "RAMPART_ISSUER": self._user.get("RAMPART_PUBLIC_URL", "").rstrip("/") or f"http://{self.address(GATEWAY)}",
        }
        path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}", "PYTHONUNBUFFERED": "1"}
        return defaults | passed | path | {HOME_VARIABLE: str(self._state.home)}

    def _tls(self, name: str) -> dict[str, str]:
        return {
            "RAMPART_TLS_CA_FILE": str(self._authority.ca_file),
            "RAMPART_TLS_CERT_FILE": str(self._authority.certificate(name)),
            "RAMPART_TLS_KEY_FILE": str(self._authority.key(name)),
        }


def _is_foreign(name: str) -> bool:
    return not name.startswith("RAMPART_")


def _python(name: str) -> list[str]:
    # -P: the folder that a process starts in must not be a source of modules.
    return [sys.executable, "-P", "-m", name]
