"""One database for each service, with its owner, the service's role, and a reader for people and tests."""

from __future__ import annotations

import asyncpg

from console.up.names import SERVICES
from console.up.postgres import Postgres
from console.up.state import State

RELAY = "rampart_fraud_relay"
_ROLE = {
    "owner": "",
    "service": "",
    # Sees every tenant, changes nothing. Only the embedded start has it.
    "reader": "BYPASSRLS",
}


class Databases:
    """Names, passwords and addresses of the databases of an embedded cluster."""

    def __init__(self, postgres: Postgres, state: State) -> None:
        self._postgres = postgres
        self._state = state

    def dsn(self, service: str, role: str) -> str:
        """Returns the address of a service's database for one of its roles: owner, service, reader; relay for fraud."""
        user = f"rampart_{service}_{role}"
        return self._postgres.dsn(f"rampart_{service}", user, self._state.password(user))

    async def prepare(self) -> None:
        """Makes the roles and databases that are missing."""
        connection = await asyncpg.connect(self._postgres.superuser_dsn, timeout=10, command_timeout=60)
        try:
            roles = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
            for name, attributes in self._roles().items():
                if name not in roles:
                    # A utility statement takes no parameters; both parts are made here and need no quoting.
                    password = self._state.password(name)
                    await connection.execute(f"CREATE ROLE {name} LOGIN {attributes} PASSWORD '{password}'")
            databases = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
            for service in SERVICES:
                if f"rampart_{service}" not in databases:
                    await connection.execute(f"CREATE DATABASE rampart_{service} OWNER rampart_{service}_owner")
                await self._grant(connection, service)
        finally:
            await connection.close(timeout=5)

    def _roles(self) -> dict[str, str]:
        own = {f"rampart_{service}_{role}": options for service in SERVICES for role, options in _ROLE.items()}
        return own | {RELAY: ""}

    async def _grant(self, connection: asyncpg.Connection[asyncpg.Record], service: str) -> None:
        database, reader = f"rampart_{service}", f"rampart_{service}_reader"
        guests = f"rampart_{service}_service, {reader}" + (f", {RELAY}" if service == "fraud" else "")
        await connection.execute(
            f"""
            REVOKE ALL ON DATABASE {database} FROM PUBLIC;
            GRANT CONNECT ON DATABASE {database} TO {guests};
            GRANT pg_read_all_data TO {reader};
            ALTER ROLE {reader} SET default_transaction_read_only = on;
            """
        )
