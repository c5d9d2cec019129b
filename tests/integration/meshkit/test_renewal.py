"""Certificates and authorities that change under calls: a real server and real channels, and no call is refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from prometheus_client import REGISTRY
from rampart.fraud.v1 import fraud_service_pb2 as pb

from console.failure import CommandFailure
from console.up import rotation
from console.up.certificates import Authority
from console.up.rotation import Rotation
from meshkit.identity import own
from meshkit.identity.own import MeshIdentity
from meshkit.identity.svid import CLIENT
from meshkit.rpc import renewal
from meshkit.rpc import server as server_module
from meshkit.rpc.channel import open_channel
from meshkit.settings import TlsFiles
from tests.support.calls import unary
from tests.support.certificates import Certificates
from tests.support.fraud import request
from tests.support.mesh import CHECK_METHOD, POLICIES, MeshNode, serving
from tests.support.pki import GATEWAY, Holder, authority, leaf, pem
from tests.support.tokens import Issuer

FRAUD_ID = "spiffe://rampart.local/service/fraud"
DOMAIN = "rampart.local"


class Files:
    """PEM files of both sides, as whoever renews them writes them."""

    def __init__(self, folder: Path, root: Holder) -> None:
        self._folder = folder
        self.trust(root)
        self.issue(root)

    def identity(self, path: str) -> TlsFiles:
        name = path.rpartition("/")[2]
        return TlsFiles(self._folder / "ca.pem", self._folder / f"{name}.pem", self._folder / f"{name}.key")

    def trust(self, *roots: Holder) -> None:
        _replace(self._folder / "ca.pem", pem(*roots))

    def issue(self, root: Holder, **options: Any) -> None:
        """Certificates first, so that for a moment they do not fit their keys."""
        for spiffe_id in (FRAUD_ID, GATEWAY):
            name = spiffe_id.rpartition("/")[2]
            made = leaf(root, spiffe_id, hosts=["localhost", name], **options)
            _replace(self._folder / f"{name}.pem", pem(made))
            _replace(self._folder / f"{name}.key", made.key_pem)


def _replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.rename(path)


@dataclass
class Calls:
    """Calls that go on one after the other, several at once."""

    failed: list[grpc.aio.AioRpcError] = field(default_factory=list)
    answered: int = 0

    async def more(self, count: int = 50) -> None:
        async with asyncio.timeout(20):
            until = self.answered + count
            while self.answered < until and not self.failed:
                await asyncio.sleep(0.01)
        assert self.failed == []


@contextlib.asynccontextmanager
async def calling_on(channel: grpc.aio.Channel, token: str, at_once: int = 4) -> AsyncIterator[Calls]:
    check, calls = unary(channel, CHECK_METHOD, pb.CheckFraudResponse), Calls()

    async def go() -> None:
        while True:
            try:
                await check(request(), timeout=5, metadata=(("authorization", f"Bearer {token}"),))
                calls.answered += 1
            except grpc.aio.AioRpcError as error:
                calls.failed.append(error)
            await asyncio.sleep(0.002)

    tasks = [asyncio.create_task(go()) for _ in range(at_once)]
    try:
        yield calls
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Mesh:
    """A server, and the identity of a client that is watched."""

    node: MeshNode
    files: Files
    client: MeshIdentity
    server: MeshIdentity

    def channel(self) -> grpc.aio.Channel:
        return open_channel(self.node.address, self.client, POLICIES, service="fraud")

    async def taken(self) -> None:
        """Waits until both sides go by what is in the files, and no channel by what was."""

        def current() -> bool:
            files = ((self.client, "service/gateway"), (self.server, "service/fraud"))
            return all(identity.material == own.Material.read(self.files.identity(name)) for identity, name in files)

        await until(lambda: current() and REGISTRY.get_sample_value("channels_outdated") == 0)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


class Untold(MeshIdentity):
    """Leaves the metrics of this process to the server in it."""

    def _report(self) -> None:
        pass


@contextlib.asynccontextmanager
async def watched(identity: MeshIdentity) -> AsyncIterator[None]:
    """What the host of a process does."""
    task = asyncio.create_task(identity.watch())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def root() -> Holder:
    return authority(path_length=0)


@pytest.fixture
async def mesh(tmp_path: Path, issuer: Issuer, root: Holder, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mesh]:
    monkeypatch.setattr(own, "POLL_SECONDS", 0.03)
    monkeypatch.setattr(renewal, "SETTLE_SECONDS", 0.1)
    files = Files(tmp_path, root)
    client = MeshIdentity(files.identity("service/gateway"), DOMAIN)
    async with watched(client), serving(files, issuer) as node:
        yield Mesh(node, files, client, node.identity())


async def test_authority_is_replaced_in_three_steps_without_a_refused_call(
    mesh: Mesh, root: Holder, token: str, tmp_path: Path
) -> None:
    new, files = authority(path_length=0), mesh.files
    async with mesh.channel() as channel, calling_on(channel, token) as calls:
        await calls.more()
        steps: list[Callable[[], None]] = [
            lambda: files.trust(root, new), lambda: files.issue(new), lambda: files.trust(new)
        ]  # fmt: skip
        for step in steps:
            step()
            await mesh.taken()
            await calls.more()
    (tmp_path / "old").mkdir()
    old = Files(tmp_path / "old", root)
    for trusted in (root, new):
        # Whoever shows the former authority's certificate is refused, also where it would take the server's.
        old.trust(trusted)
        stranger = open_channel(mesh.node.address, old.identity("service/gateway"), POLICIES, service="fraud")
        async with stranger:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await unary(stranger, CHECK_METHOD, pb.CheckFraudResponse)(request(), timeout=5)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_operator_replaces_the_authority_of_a_running_platform_without_a_refused_call(
    tmp_path: Path, issuer: Issuer, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "POLL_SECONDS", 0.03)
    certificates = Certificates(tmp_path / "tls")
    gateway, operator = certificates.identity("service/gateway"), certificates.identity("operator")
    client, former = Untold(gateway, DOMAIN), operator.ca.read_bytes()
    said: list[str] = []
    async with watched(client), serving(certificates, issuer) as node:
        admin = {"service-fraud": node.admin}
        channel = open_channel(node.address, client, POLICIES, service="fraud")
        async with channel, calling_on(channel, token) as calls:
            await calls.more()
            await Rotation(Authority.of(tmp_path / "tls"), admin, said.append).run()
            await calls.more()
    assert len(said) == 3
    assert former not in operator.ca.read_bytes()
    assert client.material == own.Material.read(gateway)


async def test_replacing_says_which_process_does_not_follow_and_goes_on_later(
    tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "POLL_SECONDS", 0.03)
    certificates = Certificates(tmp_path / "tls")
    certificates.identity("operator")
    authority = Authority(tmp_path / "tls", DOMAIN)
    said: list[str] = []
    async with serving(certificates, issuer) as node:
        other = {"operator": node.admin}
        with monkeypatch.context() as patience:
            patience.setattr(rotation, "TAKEN_SECONDS", 0.5)
            with pytest.raises(CommandFailure, match="operator does not go by the new certificates"):
                await Rotation(authority, other, said.append).run()
        assert authority.is_being_replaced
        trusted = authority.ca_file.read_bytes()
        await Rotation(authority, {"service-fraud": node.admin}, said.append).run()
    assert len(said) == 4
    assert authority.ca_file.read_bytes() in trusted


async def test_connection_of_the_former_authority_is_refused_once_that_is_not_trusted(
    mesh: Mesh, root: Holder, token: str, tmp_path: Path
) -> None:
    (tmp_path / "late").mkdir()
    late = Files(tmp_path / "late", root)
    new = authority(path_length=0)
    channel = open_channel(mesh.node.address, late.identity("service/gateway"), {})
    async with channel, calling_on(channel, token, at_once=1) as calls:
        await calls.more(5)
        mesh.files.trust(root, new)
        await mesh.taken()
        mesh.files.issue(new)
        await mesh.taken()
        await calls.more(5)
        mesh.files.trust(new)
        await until(lambda: bool(calls.failed))
    assert calls.failed[0].code() is grpc.StatusCode.PERMISSION_DENIED


async def test_calls_under_way_end_on_the_former_connection(mesh: Mesh, root: Holder, token: str) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: Message) -> Message:
        begun.set()
        await go_on.wait()
        return pb.CheckFraudResponse()

    async def stream(_: Message) -> AsyncGenerator[Message, None]:
        yield pb.WatchDecisionsResponse()
        await go_on.wait()
        yield pb.WatchDecisionsResponse()

    mesh.node.behaviour.handle_stream = stream
    async with mesh.channel() as channel:
        metadata = (("authorization", f"Bearer {token}"),)
        check = unary(channel, CHECK_METHOD, pb.CheckFraudResponse)
        watch: Any = channel.unary_stream(
            "/rampart.fraud.v1.FraudService/WatchDecisions",
            request_serializer=pb.WatchDecisionsRequest.SerializeToString,
            response_deserializer=pb.WatchDecisionsResponse.FromString,
        )
        watching = watch(pb.WatchDecisionsRequest(), metadata=metadata)
        assert await watching.read()
        mesh.node.behaviour.handle = slow
        waiting = asyncio.ensure_future(check(request(), timeout=10, metadata=metadata))
        await begun.wait()
        mesh.files.issue(root)
        await mesh.taken()
        await asyncio.sleep(3 * renewal.SETTLE_SECONDS)
        go_on.set()
        assert await waiting == pb.CheckFraudResponse()
        assert await watching.read()
        assert await watching.read() is grpc.aio.EOF


@pytest.mark.parametrize("settled", [True, False])
async def test_channel_with_calls_on_a_former_connection_is_closed_at_once(
    mesh: Mesh, root: Holder, token: str, settled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "SETTLE_SECONDS", 0.0 if settled else 60.0)

    async def silent(_: Message) -> AsyncGenerator[Message, None]:
        yield pb.WatchDecisionsResponse()
        await asyncio.Event().wait()

    mesh.node.behaviour.handle_stream = silent
    channel = mesh.channel()
    watch: Any = channel.unary_stream(
        "/rampart.fraud.v1.FraudService/WatchDecisions",
        request_serializer=pb.WatchDecisionsRequest.SerializeToString,
        response_deserializer=pb.WatchDecisionsResponse.FromString,
    )
    watching = watch(pb.WatchDecisionsRequest(), metadata=(("authorization", f"Bearer {token}"),))
    assert await watching.read()
    mesh.files.issue(root)
    await mesh.taken()
    async with asyncio.timeout(5):
        await channel.close()
        await channel.close()
    watching.cancel()


async def test_client_stays_with_a_certificate_that_its_server_takes(mesh: Mesh, root: Holder, token: str) -> None:
    """An authority that the server does not know yet: the wrong order of steps costs no call."""
    new, name = authority(path_length=0), "service/gateway"
    other = mesh.files.identity(name).ca.parent / "ahead"
    other.mkdir()
    ahead = Files(other, root)
    identity = MeshIdentity(ahead.identity(name), DOMAIN)
    channel = open_channel(mesh.node.address, identity, POLICIES, service="fraud")
    async with watched(identity), channel, calling_on(channel, token) as calls:
        await calls.more()
        ahead.trust(root, new)
        ahead.issue(new)
        await until(lambda: REGISTRY.get_sample_value("channels_outdated") == 1)
        await calls.more(200)
        assert REGISTRY.get_sample_value("channels_outdated") == 1
        mesh.files.trust(root, new)
        await until(lambda: REGISTRY.get_sample_value("channels_outdated") == 0)
        await calls.more()


async def test_connections_are_renewed_without_a_failed_call(
    tmp_path: Path, issuer: Issuer, root: Holder, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorter = [(name, 300 if name == "grpc.max_connection_age_ms" else value) for name, value in server_module._OPTIONS]
    monkeypatch.setattr(server_module, "_OPTIONS", shorter)
    files = Files(tmp_path, root)
    async with serving(files, issuer) as node:
        channel = open_channel(node.address, files.identity("service/gateway"), POLICIES)
        async with channel, calling_on(channel, token) as calls:
            await calls.more()
            for _ in range(3):
                async with asyncio.timeout(10):
                    await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
                    await channel.channel_ready()
            await calls.more()


async def test_server_of_another_service_is_not_taken_for_it(mesh: Mesh, token: str) -> None:
    async with open_channel(mesh.node.address, mesh.client, {}, service="auth") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(channel, CHECK_METHOD, pb.CheckFraudResponse)(request(), timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    "options",
    [{"life": timedelta(minutes=1)}, {"begin": timedelta(minutes=5)}, {"purposes": [CLIENT], "hosts": ["fraud"]}],
    ids=["expired", "not yet valid", "no purpose of a server"],
)
async def test_server_with_a_certificate_that_is_none_is_refused(
    mesh: Mesh, root: Holder, token: str, tmp_path: Path, options: dict[str, Any]
) -> None:
    made = leaf(root, FRAUD_ID, **({"hosts": ["fraud"]} | options))
    pair = (made.key_pem, pem(made))
    server = grpc.aio.server()
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    async with open_channel(f"127.0.0.1:{port}", mesh.client, {}, service="fraud") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(channel, CHECK_METHOD, pb.CheckFraudResponse)(request(), timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    await server.stop(None)
