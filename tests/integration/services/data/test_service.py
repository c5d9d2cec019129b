"""The data service as a process among its neighbours: over mTLS, with tokens, fed by the fraud service."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from rampart.auth.v1 import auth_service_pb2, auth_service_pb2_grpc, client_service_pb2, client_service_pb2_grpc
from rampart.data.v1 import data_service_pb2, data_service_pb2_grpc

from console.up.state import State
from meshkit.errors import Kind, MeshError
from meshkit.following.batches import BEGINNING, UNKNOWN
from meshkit.following.decisions import FRAUD_POLICIES, RemoteOutbox
from meshkit.identity.policy import policies
from meshkit.rpc.channel import open_channel
from meshkit.rpc.failures import from_rpc_error
from meshkit.topology import load
from services.data.convert import transaction_from_event
from tests.integration.conftest import FreshDatabase
from tests.support.certificates import Certificates
from tests.support.continuations import key_files
from tests.support.outbox import OutboxWriter, event, outbox_writer
from tests.support.processes import Process, free_port, run_module
from tests.support.servers import Database, valkey_server

LIST = data_service_pb2.ListTransactionsRequest
TOTALS = data_service_pb2.ListDailyTotalsRequest
_SERVICES = [
    auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"],
    data_service_pb2.DESCRIPTOR.services_by_name["DataService"],
]


@dataclass
class Neighbours:
    """Running processes and how to reach them."""

    certificates: Certificates
    addresses: dict[str, str]
    databases: dict[str, Database]
    environments: dict[str, dict[str, str]]
    folder: Path
    processes: dict[str, Process] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Starts a service, or starts it again."""
        process = Process(f"services.{name}", self.environments[name], self.folder / f"{name}.log")
        self.processes[name] = process
        process.wait_ready()

    def stop(self) -> None:
        for process in self.processes.values():
            process.stop()

    def channel(self, service: str, identity: str) -> grpc.aio.Channel:
        return open_channel(self.addresses[service], self.certificates.identity(identity), policies(_SERVICES))


@pytest.fixture(scope="module")
def neighbours(
    fresh_database: FreshDatabase, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Neighbours]:
    folder = tmp_path_factory.mktemp("data-service")
    databases = {name: fresh_database(name) for name in ("auth", "fraud", "data")}
    addresses = {name: f"127.0.0.1:{free_port()}" for name in load().names}
    shared = {f"RAMPART_{name.upper()}_ADDRESS": address for name, address in addresses.items()}
    with ExitStack() as stack:
        shared["RAMPART_REDIS_URL"] = stack.enter_context(valkey_server(State.open(folder / "state")))
        environments = {
            name: shared
            | {f"RAMPART_{name.upper()}_LISTEN": addresses[name]}
            | key_files(name, folder)
            | database.environment()
            | certificates.environment(f"service/{name}")
            for name, database in databases.items()
        }
        neighbours = Neighbours(certificates, addresses, databases, environments, folder)
        stack.callback(neighbours.stop)
        for name in databases:
            neighbours.start(name)
        yield neighbours


def stub(kind: Any, channel: grpc.aio.Channel) -> Any:
    """Makes a stub; the generated classes carry no annotations."""
    return kind(channel)


@dataclass
class Caller:
    """A client of a tenant of its own."""

    tenant_id: str
    token: str
    stub: Any

    async def call(self, request: Any) -> Any:
        method = self.stub.ListTransactions if isinstance(request, LIST) else self.stub.ListDailyTotals
        metadata = (("authorization", f"Bearer {self.token}"),) if self.token else ()
        try:
            return await method(request, timeout=5, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "data") from error

    async def ids(self, request: Any | None = None) -> list[str]:
        return [row.transaction_id for row in (await self.call(request or LIST())).transactions]


async def new_caller(neighbours: Neighbours, channel: grpc.aio.Channel, *scopes: str) -> Caller:
    async with neighbours.channel("auth", "operator") as auth_channel:
        auth: Any = stub(auth_service_pb2_grpc.AuthServiceStub, auth_channel)
        name = f"tenant-{secrets.token_hex(4)}"
        tenant = (await auth.CreateTenant(auth_service_pb2.CreateTenantRequest(name=name), timeout=5)).tenant
        operator = await auth.IssueOperatorToken(auth_service_pb2.IssueOperatorTokenRequest(tenant=name), timeout=5)
        clients: Any = stub(client_service_pb2_grpc.ClientServiceStub, auth_channel)
        created = await clients.CreateClient(
            client_service_pb2.CreateClientRequest(client={"scopes": scopes or ["transaction:read"]}),
            timeout=5,
            metadata=(("authorization", f"Bearer {operator.access_token}"),),
        )
    async with neighbours.channel("auth", "service/gateway") as auth_channel:
        auth = stub(auth_service_pb2_grpc.AuthServiceStub, auth_channel)
        request = auth_service_pb2.IssueTokenRequest(
            client_id=created.client.client_id, client_secret=created.client_secret
        )
        issued = await auth.IssueToken(request, timeout=5)
    return Caller(tenant.tenant_id, issued.access_token, stub(data_service_pb2_grpc.DataServiceStub, channel))


@pytest.fixture
async def channel(neighbours: Neighbours) -> AsyncIterator[grpc.aio.Channel]:
    async with neighbours.channel("data", "service/gateway") as channel:
        yield channel


@pytest.fixture
async def caller(neighbours: Neighbours, channel: grpc.aio.Channel) -> Caller:
    return await new_caller(neighbours, channel)


@pytest.fixture
async def writer(neighbours: Neighbours) -> AsyncIterator[OutboxWriter]:
    async with outbox_writer(neighbours.databases["fraud"]) as writer:
        yield writer


async def decide(writer: OutboxWriter, caller: Caller, *names: str, **changes: Any) -> None:
    """Writes decisions of the caller's tenant and waits until the ledger has them."""
    events = [event(name, tenant_id=caller.tenant_id, **changes) for name in names]
    for number, found in enumerate(events):
        found.event_time.FromSeconds(1_700_000_000 + number)
    await writer.write_payloads([found.SerializeToString() for found in events])
    async with asyncio.timeout(5):
        while True:
            if set(names) <= set(await caller.ids(LIST(page_size=1000))):
                return
            await asyncio.sleep(0.05)


async def test_a_decision_is_in_the_ledger_within_seconds(caller: Caller, writer: OutboxWriter) -> None:
    await decide(writer, caller, "a", amount_minor=1205)
    (found,) = (await caller.call(LIST())).transactions
    assert (found.amount, found.currency, found.outcome, found.user_id) == ("12.05", "USD", "approve", "user-1")
    assert found.event_time.seconds == 1_700_000_000
    (total,) = (await caller.call(TOTALS())).totals
    assert (total.date, total.count, total.amount) == ("2023-11-14", 1, "12.05")


async def test_pages_follow_each_other_and_end(caller: Caller, writer: OutboxWriter) -> None:
    await decide(writer, caller, *"abcde")
    request = LIST(page_size=2, user_id="user-1")
    seen: list[list[str]] = []
    while True:
        page = await caller.call(request)
        seen.append([row.transaction_id for row in page.transactions])
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
        await decide(writer, caller, f"new-{len(seen)}", event_time={"seconds": 1_800_000_000})
    assert seen[0] == ["e", "d"] and seen[1] == ["c", "b"]
    assert [name for page in seen for name in page if not name.startswith("new")] == list("edcba")


async def test_totals_come_in_pages(caller: Caller, writer: OutboxWriter) -> None:
    for outcome in ("approve", "review", "decline"):
        await decide(writer, caller, outcome, outcome=outcome)
    request = TOTALS(page_size=1, start_date="2023-11-14", end_date="2023-11-14")
    seen: list[str] = []
    while not seen or request.page_token:
        page = await caller.call(request)
        seen += [total.outcome for total in page.totals]
        request.page_token = page.next_page_token
    assert seen == ["approve", "decline", "review"]


async def test_tenants_do_not_see_each_other(
    neighbours: Neighbours, channel: grpc.aio.Channel, caller: Caller, writer: OutboxWriter
) -> None:
    other = await new_caller(neighbours, channel)
    await decide(writer, caller, "ours")
    await decide(writer, other, "theirs")
    assert await caller.ids() == ["ours"]
    assert await other.ids() == ["theirs"]
    assert [total.count for total in (await other.call(TOTALS())).totals] == [1]
    token = (await other_page(caller, writer)).next_page_token
    with pytest.raises(MeshError, match="page_token"):
        await other.ids(LIST(page_size=1, page_token=token))


async def other_page(caller: Caller, writer: OutboxWriter) -> Any:
    await decide(writer, caller, "second")
    return await caller.call(LIST(page_size=1))


@pytest.mark.parametrize(
    ("request_message", "field"),
    [
        (TOTALS(start_date="2023-02-29"), "start_date"),
        (TOTALS(end_date="2023-13-01"), "end_date"),
        (TOTALS(start_date="yesterday"), "start_date"),
        (LIST(page_size=-1), "page_size"),
        (LIST(start_time={"seconds": 1 << 60}), "start_time"),
        (LIST(end_time={"seconds": -(1 << 60)}), "end_time"),
    ],
)
async def test_what_is_not_valid_is_named(caller: Caller, request_message: Any, field: str) -> None:
    with pytest.raises(MeshError) as raised:
        await caller.call(request_message)
    assert (raised.value.kind, raised.value.reason) == (Kind.INVALID_ARGUMENT, "VALIDATION_FAILED")
    assert [violation.field for violation in raised.value.violations] == [field]


async def test_a_page_token_of_another_request_is_refused(caller: Caller, writer: OutboxWriter) -> None:
    await decide(writer, caller, "a", "b")
    token = (await caller.call(LIST(page_size=1))).next_page_token
    for request in (LIST(user_id="u", page_token=token), TOTALS(page_token=token), LIST(page_token="nonsense")):
        with pytest.raises(MeshError) as raised:
            await caller.call(request)
        assert raised.value.reason == "PAGE_TOKEN_INVALID"


async def test_only_callers_with_the_scope_are_answered(neighbours: Neighbours, channel: grpc.aio.Channel) -> None:
    unscoped = await new_caller(neighbours, channel, "user:read")
    with pytest.raises(MeshError) as raised:
        await unscoped.call(LIST())
    assert raised.value.reason == "SCOPE_MISSING"
    unscoped.token = ""
    with pytest.raises(MeshError) as raised:
        await unscoped.call(LIST())
    assert raised.value.reason == "TOKEN_MISSING"


async def test_a_peer_that_is_not_listed_is_refused(neighbours: Neighbours, caller: Caller) -> None:
    async with neighbours.channel("data", "service/user") as channel:
        caller.stub = stub(data_service_pb2_grpc.DataServiceStub, channel)
        with pytest.raises(MeshError) as raised:
            await caller.call(LIST())
    assert raised.value.reason == "CALLER_NOT_ALLOWED"


async def test_only_the_data_service_reads_the_outbox(neighbours: Neighbours, writer: OutboxWriter) -> None:
    await writer.write("somewhere")
    for identity in ("service/gateway", "client/team", "operator"):
        channel = open_channel(
            neighbours.addresses["fraud"], neighbours.certificates.identity(identity), FRAUD_POLICIES
        )
        async with channel:
            with pytest.raises(MeshError) as raised:
                await RemoteOutbox(channel, "data", transaction_from_event).read(BEGINNING, UNKNOWN, 10)
        assert raised.value.reason == "CALLER_NOT_ALLOWED"


async def test_the_outbox_is_read_over_the_mesh(neighbours: Neighbours, writer: OutboxWriter) -> None:
    await writer.write("first", "second")
    tls = neighbours.certificates.identity("service/data")
    async with open_channel(neighbours.addresses["fraud"], tls, FRAUD_POLICIES) as channel:
        outbox = RemoteOutbox(channel, "data", transaction_from_event)
        whole = await outbox.read(BEGINNING, UNKNOWN, 1000)
        assert [entry.transaction_id for entry in whole.items][-2:] == ["first", "second"]
        assert not await outbox.read(whole.last, whole.proof, 1000)
    async with open_channel(f"127.0.0.1:{free_port()}", tls, FRAUD_POLICIES) as channel:
        with pytest.raises(MeshError) as raised:
            await RemoteOutbox(channel, "data", transaction_from_event).read(BEGINNING, UNKNOWN, 10)
    assert raised.value.kind in (Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED)


async def test_the_process_is_ready_and_counts_what_it_enters(
    neighbours: Neighbours, caller: Caller, writer: OutboxWriter
) -> None:
    await decide(writer, caller, "a")
    assert neighbours.processes["data"].readiness() == {}
    lines = await asyncio.to_thread(metric_lines, neighbours.processes["data"])
    metrics = dict(line.rsplit(" ", 1) for line in lines if line[0] != "#")
    assert float(metrics["ledger_applied_total"]) > 0
    assert float(metrics["ledger_lag_seconds"]) < 5
    assert "ledger_gaps_total" in metrics


def metric_lines(process: Process) -> list[str]:
    with urllib.request.urlopen(f"http://{process.admin}/metrics", timeout=3) as answer:
        text: str = answer.read().decode()
    return text.splitlines()


async def test_killed_processes_lose_and_double_nothing(
    neighbours: Neighbours, caller: Caller, writer: OutboxWriter
) -> None:
    names = [f"t{number:03}" for number in range(600)]

    async def decide_all() -> None:
        for start in range(0, 600, 5):
            events = [event(name, tenant_id=caller.tenant_id) for name in names[start : start + 5]]
            await writer.write_payloads([found.SerializeToString() for found in events])
            await asyncio.sleep(0.05)

    deciding = asyncio.create_task(decide_all())
    for victim in ("data", "fraud", "data"):
        await asyncio.sleep(0.7)
        neighbours.processes[victim].stop(signal.SIGKILL)
        await asyncio.to_thread(neighbours.start, victim)
    await deciding
    async with asyncio.timeout(10):
        while True:
            found = await caller.ids(LIST(page_size=1000))
            if len(found) == 600:
                break
            await asyncio.sleep(0.1)
    assert sorted(found) == names
    assert sum(total.count for total in (await caller.call(TOTALS())).totals) == 600


async def test_logs_carry_no_event(neighbours: Neighbours, writer: OutboxWriter, caller: Caller) -> None:
    canary = f"canary-{secrets.token_hex(8)}"
    poison = event(canary, user_id=canary, outcome=canary, tenant_id=caller.tenant_id)
    await writer.write_payloads([poison.SerializeToString()])
    await decide(writer, caller, "after")
    log = neighbours.processes["data"].log()
    assert "was put aside" in log and canary not in log
    assert all(json.loads(line) for line in log.splitlines())


def test_migrating_again_changes_nothing(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    result = run_module("services.data", "migrate", environment=fresh_database("data").environment())
    assert (result.returncode, "applied" in result.stderr) == (0, False)
