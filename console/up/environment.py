"""The settings that each process is started with. None sees the secrets of another."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from console.failure import CommandFailure
from console.up.certificates import Authority
from console.up.leftovers import HOME_VARIABLE
from console.up.names import GATEWAY, MESH, ROOT, SERVICES, module
from console.up.ports import HOST
from console.up.processes import Spec
from console.up.state import State

OWN = ("_DSN", "_LISTEN", "_ADDRESS", "_FILE", "RAMPART_HOME", "RAMPART_HTTP_PORT", "RAMPART_REDIS_URL", "_WORKER")
"""Settings that the start decides for each process; all others of the user's pass through."""
DRAIN_SECONDS = 2


@dataclass(frozen=True)
class Stores:
    """Addresses of the databases: by service for each of its processes, and of Redis."""

    service: Mapping[str, str]
    migrate: Mapping[str, str]
    relay: str
    reader: Mapping[str, str]
    """Read-only, for all tenants; empty with databases of the user's own."""
    redis_url: str


def external_databases(environment: Mapping[str, str]) -> dict[str, str] | None:
    """Returns the user's own DSNs by their names, None without any. Raises Failure if some are missing."""
    names = [*(f"RAMPART_{service.upper()}_DSN" for service in SERVICES), "RAMPART_FRAUD_RELAY_DSN"]
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
        self, user: Mapping[str, str], state: State, authority: Authority, ports: Mapping[str, int], stores: Stores
    ) -> None:
        self._user = user
        self._state = state
        self._authority = authority
        self._ports = ports
        self._stores = stores

    def address(self, name: str) -> str:
        """host:port of gRPC for a service, of REST for the gateway."""
        return f"{HOST}:{self._ports['http' if name == GATEWAY else name]}"

    def admin(self, name: str) -> str:
        """host:port of /health, /ready and /metrics."""
        return f"{HOST}:{self._ports[f'{name}_admin']}"

    def serve(self, name: str) -> Spec:
        """Returns how to run a service or the gateway."""
        upper = name.upper()
        own = {
            f"RAMPART_{upper}_LISTEN" if name != GATEWAY else "RAMPART_HTTP_LISTEN": self.address(name),
            "RAMPART_ADMIN_LISTEN": self.admin(name),
            "RAMPART_REDIS_URL": self._stores.redis_url,
            **{f"RAMPART_{service.upper()}_ADDRESS": self.address(service) for service in SERVICES},
            **self._tls(name),
        }
        if name in SERVICES:
            own[f"RAMPART_{upper}_DSN"] = self._stores.service[name]
        if name == "fraud":
            own["RAMPART_FRAUD_RELAY_DSN"] = self._stores.relay
        if name == "auth":
            # A database of the user's own may hold signing keys that are sealed with the user's own key.
            given = self._user.get("RAMPART_AUTH_KEY_FILE")
            own["RAMPART_AUTH_KEY_FILE"] = given or str(self._state.secret_file("auth.key"))
        return Spec(name, _python(module(name)), self._common() | own, ROOT, stop_seconds=DRAIN_SECONDS + 1.5)

    def migrate(self, service: str) -> Spec:
        """Returns how to bring a service's database up to date."""
        names = (f"RAMPART_{service.upper()}_DSN", f"RAMPART_{service.upper()}_MIGRATE_DSN")
        dsns = dict(zip(names, (self._stores.service[service], self._stores.migrate[service]), strict=True))
        if service == "fraud":
            dsns["RAMPART_FRAUD_RELAY_DSN"] = self._stores.relay  # the migrations grant to its role
        return Spec(f"the migration of {service}", [*_python(module(service)), "migrate"], self._common() | dsns, ROOT)

    def _common(self) -> dict[str, str]:
        passed = {name: value for name, value in self._user.items() if not name.endswith(OWN) or _is_foreign(name)}
        defaults = {"RAMPART_REFLECTION": "on", "RAMPART_DRAIN_SECONDS": str(DRAIN_SECONDS)}
        path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}", "PYTHONUNBUFFERED": "1"}
        return defaults | passed | path | {HOME_VARIABLE: str(self._state.home)}

    def _tls(self, name: str) -> dict[str, str]:
        return {
            "RAMPART_TLS_CA_FILE": str(self._authority.ca_file),
            "RAMPART_TLS_CERT_FILE": str(self._authority.certificate(name)),
            "RAMPART_TLS_KEY_FILE": str(self._authority.key(name)),
        }


def port_names() -> list[str]:
    return ["http", *SERVICES, *(f"{name}_admin" for name in MESH)]


def _is_foreign(name: str) -> bool:
    return not name.startswith("RAMPART_")


def _python(name: str) -> list[str]:
    # -P: the folder that a process starts in must not be a source of modules.
    return [sys.executable, "-P", "-m", name]
