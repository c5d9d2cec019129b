"""Measures how many tokens the auth service grants for client credentials and looks into, per second of one core.

    python -m tests.load.tokens [--seconds 10] [--clients 50] [--at-once 16]

The service is a process of its own with its database, called over gRPC with mTLS as the gateway calls it. What counts
is the time of the processor that it takes, so that what else runs on the machine counts less. How fast the machine
signs with ES256 and hashes with argon2id stands beside it, measured in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from rampart.auth.v1 import oauth_service_pb2 as pb

from console.up.state import State
from meshkit.storage.migrations import migrate
from meshkit.topology import load
from tests.load.machine import cpu_seconds, describe
from tests.support.calls import calling, new_client
from tests.support.certificates import Certificates
from tests.support.continuations import key_files
from tests.support.processes import ROOT, Node, free_port, running
from tests.support.servers import Database, postgres_server

PRIMITIVE_SECONDS = 1.0
OAUTH_SERVICE = "rampart.auth.v1.OAuthService"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--clients", type=int, default=50)
    options.add_argument("--at-once", type=int, default=16)
    arguments = options.parse_args()
    for name, value in describe().items():
        print(f"{name:<28} {value}")
    print(f"{'ES256 signatures':<28} {per_second(_signer()):,.0f}/s of one core")
    print(f"{'argon2id (19 MiB, t=2, p=1)':<28} {per_second(_argon2id):,.0f}/s of one core")
    with tempfile.TemporaryDirectory(prefix="rampart-tokens-") as folder:
        state = State.open(Path(folder) / "state")
        with postgres_server(state) as server:
            database = asyncio.run(_database(server.create_database("auth", "tokens")))
            _measure(arguments, state, database)


def per_second(work: Callable[[], object]) -> float:
    """Returns how often a core does the work in a second of its time."""
    started, count = time.process_time(), 0
    while (took := time.process_time() - started) < PRIMITIVE_SECONDS:
        work()
        count += 1
    return count / took


def _signer() -> Callable[[], object]:
    key, data = ec.generate_private_key(ec.SECP256R1()), os.urandom(400)
    return lambda: key.sign(data, ec.ECDSA(hashes.SHA256()))


def _argon2id() -> object:
    kdf = Argon2id(salt=b"0123456789abcdef", length=32, iterations=2, lanes=1, memory_cost=19 * 1024)
    return kdf.derive(b"a password of some length")


async def _database(created: object) -> Database:
    database: Database = await created  # type: ignore[misc]
    entry = load().service("auth")
    roles = {name: entry.user(name) for name in (*entry.dsns(), "reader")}
    await migrate(database.owner_dsn, ROOT / "services" / "auth" / "migrations", roles)
    return database


def _measure(arguments: argparse.Namespace, state: State, database: Database) -> None:
    certificates, address = Certificates(state.home / "identities"), f"127.0.0.1:{free_port()}"
    environment = {
        **database.environment(),
        **certificates.environment("service/auth"),
        "RAMPART_AUTH_LISTEN": address,
        **key_files("auth", state.home),
    }
    with running("services.auth", environment, state.home / "auth.log") as process:
        asyncio.run(_load(arguments, Node(address, process), certificates))


async def _load(arguments: argparse.Namespace, auth: Node, certificates: Certificates) -> None:
    made = [await new_client(auth, certificates, "acme") for _ in range(arguments.clients)]
    identity = certificates.identity("service/gateway")
    async with calling(auth.address, OAUTH_SERVICE, identity) as gateway:
        proofs = itertools.cycle([(each.client_id, each.client_secret, each.token) for each in made])

        async def grant() -> None:
            client_id, secret, _ = next(proofs)
            client = pb.ClientAuthentication(client_id=client_id, client_secret=secret)
            await gateway(pb.GrantTokenRequest(client=client, grant_type="client_credentials"), pb.GrantTokenResponse)

        async def introspect() -> None:
            client_id, secret, token = next(proofs)
            client = pb.ClientAuthentication(client_id=client_id, client_secret=secret)
            found = await gateway(pb.IntrospectTokenRequest(client=client, token=token), pb.IntrospectTokenResponse)
            assert found.active

        for name, call in (("client credentials", grant), ("introspection", introspect)):
            await _report(name, call, auth, arguments)


async def _report(name: str, call: Callable[[], Awaitable[None]], auth: Node, arguments: argparse.Namespace) -> None:
    """Calls for some seconds, and prints how often a second of one core was enough for."""
    pids, end, done = {"auth": auth.process.pid}, time.monotonic() + arguments.seconds, 0

    async def caller() -> None:
        nonlocal done
        while time.monotonic() < end:
            await call()
            done += 1

    before = cpu_seconds(pids)
    await asyncio.gather(*[caller() for _ in range(arguments.at_once)])
    took = cpu_seconds(pids)["auth"] - before["auth"]
    print(f"{name:<28} {done / took:,.0f}/s of one core, {done / arguments.seconds:,.0f}/s here")


if __name__ == "__main__":
    main()
