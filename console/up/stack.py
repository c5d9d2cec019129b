"""Starts the whole platform on this machine, and stops it, in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Iterator, Mapping
from pathlib import Path
from typing import Any

from console.failure import CommandFailure
from console.up import leftovers, logfile, migrations, ports, proc
from console.up.account import find_account
from console.up.certificates import Authority
from console.up.databases import READER, Databases
from console.up.demo import Credentials, ensure_clients
from console.up.environment import Environments, Stores, external_databases
from console.up.fleet import Fleet
from console.up.names import CALLER, GATEWAY, OPERATOR, identities, read_table
from console.up.postgres import Postgres
from console.up.processes import Process, Spec, run_once
from console.up.readiness import wait_ready
from console.up.reporter import Reporter, Silent
from console.up.state import State
from console.up.valkey import Valkey
from meshkit.settings import TlsFiles
from meshkit.topology import Topology

READY_SECONDS = 60.0
MIGRATE_SECONDS = 300.0
WATCH_SECONDS = 1.0
STOP_SECONDS = 8.5
"""Whoever is left after this long is killed, so that all is over within 10 s."""


class Stack:
    """One platform with its state folder. Start it once; after `stop` make a new one.

    `http_port` 0 takes a free port. `environment` holds the user's settings, by default those of this process;
    `topology` the services, by default those of the table; `replicas` how many of a service, where that is not one.
    """

    def __init__(
        self,
        home: Path,
        http_port: int = 0,
        *,
        environment: Mapping[str, str] | None = None,
        report: Reporter | None = None,
        topology: Topology | None = None,
        replicas: Mapping[str, int] | None = None,
    ) -> None:
        self._topology = topology or read_table()
        self._fleet = Fleet(self._topology, replicas or {})
        self._home = home
        self._http_port = http_port
        self._user = os.environ if environment is None else environment
        self._report = report or Silent()
        self._processes: dict[str, Process] = {}
        self._clients: dict[str, Credentials] = {}
        self._postgres: Postgres | None = None
        self._resources = contextlib.ExitStack()
        self._upkeep: asyncio.Task[None] | None = None
        self._workers: list[int] = []
        self._ready = False

    @property
    def dev(self) -> dict[str, Any]:
        """What dev.json says."""
        names = self._environments
        base_url = f"http://{names.address(GATEWAY)}"
        return {
            "base_url": base_url,
            "token_url": f"{base_url}/api/v1/oauth/token",
            "ca_file": str(self._authority.ca_file),
            "client_cert_file": str(self._authority.certificate(CALLER)),
            "client_key_file": str(self._authority.key(CALLER)),
            "grpc": {name: names.address(name) for name in self._fleet.services},
            "admin": {name: names.admin(name) for name in self._fleet.processes},
            "dsn": self._stores.of_role(READER),
            "redis_url": self._stores.redis_url,
            "pids": self._pids(),
            **self._clients,
        }

    async def start(self) -> None:
        """Starts everything and returns when it is ready. Raises Failure, with everything stopped again."""
        try:
            await self._start()
        except BaseException as error:
            await self.stop()
            if isinstance(error, OSError):
                raise CommandFailure(
                    f"Cannot start: {error.strerror or error} ({error.filename or self._home})."
                ) from error
            raise

    async def stop(self) -> None:
        """Ends every process: the edge first, the stores last. Takes at most 10 s."""
        if self._ready:
            # Its presence says that the platform runs.
            self._state.dev_json.unlink(missing_ok=True)
        self._ready = False
        if self._processes:
            self._report.doing("stopping")
        if self._upkeep is not None:
            self._upkeep.cancel()
            await asyncio.wait([self._upkeep])
        until = time.monotonic() + STOP_SECONDS
        for names in ((GATEWAY,), self._fleet.services, ("redis", "postgres")):
            most = max(1.0, until - time.monotonic())
            await asyncio.gather(*[self._processes[name].stop(most) for name in names if name in self._processes])
        self._processes.clear()
        self._resources.close()

    async def _start(self) -> None:
        external = external_databases(self._topology, self._user)
        self._state = State.open(self._home)
        self._resources.enter_context(self._state.held())
        self._state.dev_json.unlink(missing_ok=True)
        for name in leftovers.clear(self._state):
            self._report.event(f"{name} was still running from a start that had been killed; it was stopped")
        if self._http_port:
            ports.check_http(self._http_port)
        self._authority = Authority(self._state.tls, self._user.get("RAMPART_TRUST_DOMAIN") or "rampart.local")
        self._authority.ensure(identities(self._topology))
        self._stores = await self._start_stores(external)
        numbers = ports.assign(self._state, self._fleet.ports())
        if self._http_port:
            numbers["http"] = self._http_port
        self._environments = Environments(self._fleet, self._user, self._state, self._authority, numbers, self._stores)
        await self._migrate()
        await self._start_mesh()
        self._clients = await self._ensure_clients()
        self._ready = True
        self._changed()
        self._upkeep = asyncio.create_task(self._keep_up(), name="upkeep")

    async def _start_stores(self, external: Mapping[str, str] | None) -> Stores:
        self._report.doing("starting the databases")
        databases = self._external_stores(external) if external else self._start_postgres()
        redis = self._start_redis(self._user.get("RAMPART_REDIS_URL"))
        return Stores(*await _together(databases, redis))

    async def _external_stores(self, given: Mapping[str, str]) -> dict[str, dict[str, str]]:
        found = {}
        for service in self._topology.services:
            dsns = {role: given[name] for role, name in service.dsns().items()}
            found[service.name] = {"owner": self._user.get(service.setting("MIGRATE_DSN")) or dsns["service"], **dsns}
        return found

    async def _start_postgres(self) -> dict[str, dict[str, str]]:
        postgres = self._postgres = Postgres(find_account(self._state), self._state.password("postgres"))
        await postgres.prepare(self._log("initdb"))
        await postgres.wait_ready(await self._run(postgres.spec()))
        self._report.doing("preparing the databases")
        databases = Databases(self._topology, postgres, self._state)
        await databases.prepare()
        return databases.dsns()

    async def _start_redis(self, external: str | None) -> str:
        if external:
            return external
        valkey = Valkey(self._state.home / "redis", self._state.sockets())
        await valkey.wait_ready(await self._run(valkey.spec()))
        return valkey.url

    async def _migrate(self) -> None:
        """Brings every database up to date. A cluster of our own that has seen these very files is left alone."""
        cluster = self._postgres.folder if self._postgres else None
        if cluster is not None and migrations.are_applied(cluster, self._topology.names):
            return
        self._report.doing("migrating the databases")
        log = self._log("migrations")
        logfile.rotate(log)
        specs = [self._environments.migrate(service) for service in self._topology.names]
        await _together(*[run_once(spec, log, timeout=MIGRATE_SECONDS) for spec in specs])
        if cluster is not None:
            migrations.mark_applied(cluster, self._topology.names)

    async def _start_mesh(self) -> None:
        names = self._fleet.processes
        self._report.doing(f"starting {', '.join(names)}")
        started = {name: await self._run(self._environments.serve(name)) for name in names}
        admin = {name: self._environments.admin(name) for name in names}
        await wait_ready(started, admin, timeout=READY_SECONDS, report=self._report)

    async def _ensure_clients(self) -> dict[str, Credentials]:
        self._report.doing("making the clients for development")
        authority = self._authority
        operator = TlsFiles(authority.ca_file, authority.certificate(OPERATOR), authority.key(OPERATOR))
        names = self._environments
        base_url, auth = f"http://{names.address(GATEWAY)}", names.address("auth")
        return await ensure_clients(self._state, base_url, auth, operator)

    async def _run(self, spec: Spec) -> Process:
        process = Process(spec, self._log(spec.name), changed=self._changed, event=self._report.event)
        self._processes[spec.name] = process
        await process.start()
        return process

    def _log(self, name: str) -> Path:
        return self._state.logs / f"{name}.log"

    def _changed(self) -> None:
        """Writes down which processes run, for people, scripts and the next start."""
        with self._reported():
            leftovers.record(self._state, self._processes.values())
            if self._ready:
                self._state.write_json("dev.json", self.dev)

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        """A full disk must not end the care for the processes: it is said, and the next change is written again."""
        try:
            yield
        except OSError as error:
            self._report.event(f"cannot write to {self._home}: {error.strerror}")

    def _pids(self) -> dict[str, int]:
        pids = {name: process.pid for name, process in self._processes.items() if process.pid}
        self._workers = self._gateway_workers()
        workers = {f"{GATEWAY}-{number}": pid for number, pid in enumerate(self._workers, 1)}
        return {"supervisor": os.getpid(), **pids, **workers}

    def _gateway_workers(self) -> list[int]:
        gateway = self._processes.get(GATEWAY)
        return proc.children(gateway.pid) if gateway and gateway.pid else []

    async def _keep_up(self) -> None:
        """Notices new workers of the gateway, and bounds the logs."""
        while True:
            if self._gateway_workers() != self._workers:
                self._changed()
            for process in self._processes.values():
                with self._reported():
                    logfile.bound(process.log)
            await asyncio.sleep(WATCH_SECONDS)


async def _together(*steps: Awaitable[Any]) -> list[Any]:
    """Runs the steps at once and returns their results. The first failure ends the others before it is raised."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise
