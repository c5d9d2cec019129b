"""Creates one database for each service, with its owner, its roles, and a reader for people and tests."""

from __future__ import annotations

import asyncpg

from console.up.postgres import Postgres
from console.up.state import State
from meshkit.topology import ServiceEntry, Topology

READER = "reader"
"""Sees every tenant, changes nothing. Only the embedded start has it."""


class Databases:
    """Names, passwords and addresses of the databases of an embedded cluster."""

    def __init__(self, topology: Topology, postgres: Postgres, state: State) -> None:
        self._topology = topology
        self._postgres = postgres
        self._state = state

    def dsn(self, service: str, role: str) -> str:
        """Returns the address of a service's database for one of its roles: those of the table, and reader."""
        entry = self._topology.service(service)
        return self._postgres.dsn(entry.database, entry.user(role), self._state.password(entry.user(role)))

    def dsns(self) -> dict[str, dict[str, str]]:
        """Returns the addresses by service and role."""
        return {
            service.name: {role: self.dsn(service.name, role) for role in (*service.role_names, READER)}
            for service in self._topology.services
        }

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
            for service in self._topology.services:
                if service.database not in databases:
                    await connection.execute(f"CREATE DATABASE {service.database} OWNER {service.user('owner')}")
                await self._grant(connection, service)
        finally:
            await connection.close(timeout=5)

    def _roles(self) -> dict[str, str]:
        services = self._topology.services
        own = {service.user(role): "" for service in services for role in service.role_names}
        return own | {service.user(READER): "BYPASSRLS" for service in services}

    async def _grant(self, connection: asyncpg.Connection[asyncpg.Record], service: ServiceEntry) -> None:
        database, reader = service.database, service.user(READER)
        guests = ", ".join(service.user(role) for role in (*service.dsns(), READER))
        await connection.execute(
            f"""
            REVOKE ALL ON DATABASE {database} FROM PUBLIC;
            GRANT CONNECT ON DATABASE {database} TO {guests};
            GRANT pg_read_all_data TO {reader};
            ALTER ROLE {reader} SET default_transaction_read_only = on;
            """
        )
