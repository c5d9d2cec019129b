"""What gets out, and what comes back of it."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from meshkit.egress import client as clients
from meshkit.egress.client import Egress, EgressRequest
from meshkit.egress.errors import EgressError, EgressFault
from meshkit.egress.names import OF_ONE, HostNames
from tests.support.outside import OutsideHost, answer, served_outside
from tests.support.pki import authority, leaf, pem


@pytest.fixture
async def host() -> AsyncIterator[OutsideHost]:
    async with served_outside() as host:
        yield host


@pytest.fixture
def egress(host: OutsideHost) -> Egress:
    return Egress([host.origin], HostNames(host.lookup))


async def fault_of(egress: Egress, url: str, **changed: Any) -> EgressFault:
    with pytest.raises(EgressError) as caught:
        await egress.send(EgressRequest(url, **changed), "t")
    return caught.value.fault


async def test_request_is_sent_and_answered(host: OutsideHost, egress: Egress) -> None:
    host.replies = [answer(b'{"a": 1}', "201 Created", "Content-Type: application/json")]
    request = EgressRequest(host.origin + "/token?x=1", "POST", {"Accept": "application/json"}, b"a=b")
    got = await egress.send(request, "t")
    assert (got.status, got.headers["content-type"], got.body) == (201, "application/json", b'{"a": 1}')
    head, _, body = host.heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /token?x=1 HTTP/1.1\r\n") and body == b"a=b"
    assert f"Host: id.test:{host.port}".encode() in head


@pytest.mark.parametrize("place", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"])
async def test_name_of_an_inner_address_leads_nowhere(place: str) -> None:
    egress = Egress([], HostNames(lambda *_: [place]))
    assert await fault_of(egress, "https://id.example/") is EgressFault.ADDRESS


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "2130706433", "0x7f.1", "localhost"])
async def test_inner_address_however_written_leads_nowhere(host: str) -> None:
    assert await fault_of(Egress([]), f"https://{host}/") is EgressFault.ADDRESS


async def test_name_that_is_not_there_is_told_like_one_that_is_within() -> None:
    def unknown(_: str, __: int) -> Sequence[str]:
        raise OSError

    for lookup in (unknown, lambda *_: ["10.1.2.3"], lambda *_: []):
        assert await fault_of(Egress([], HostNames(lookup)), "https://db.internal/") is EgressFault.ADDRESS


async def test_opened_origin_does_not_open_the_metadata_service(host: OutsideHost, egress: Egress) -> None:
    host.names = [["169.254.169.254"]]
    assert await fault_of(egress, host.origin) is EgressFault.ADDRESS


async def test_address_that_was_checked_is_the_one_connected_to(host: OutsideHost, egress: Egress) -> None:
    host.names = [["127.0.0.1"], ["169.254.169.254"]]
    assert (await egress.send(EgressRequest(host.origin), "t")).status == 200
    assert host.looked_up == ["id.test"]
    assert await fault_of(egress, host.origin) is EgressFault.ADDRESS


async def test_next_address_is_tried_where_one_does_not_answer(host: OutsideHost, egress: Egress) -> None:
    host.names = [["127.0.0.9", "169.254.169.254", "127.0.0.1"]]
    assert (await egress.send(EgressRequest(host.origin), "t")).status == 200


async def test_redirect_is_not_followed(host: OutsideHost, egress: Egress) -> None:
    host.replies = [answer(b"", "302 Found", "Location: http://169.254.169.254/latest/meta-data/")]
    assert (await egress.send(EgressRequest(host.origin), "t")).status == 302
    assert len(host.heard) == 1


async def test_answer_that_is_too_large_is_refused(host: OutsideHost, egress: Egress) -> None:
    host.replies = [answer(b"x" * 2000)]
    assert await fault_of(egress, host.origin, most_octets=1999) is EgressFault.TOO_LARGE
    host.replies = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"3e8\r\n" + b"x" * 1000 + b"\r\n") * 3]
    assert await fault_of(egress, host.origin, most_octets=900) is EgressFault.TOO_LARGE
    host.replies = [answer(b"", "200 OK", *["X: " + "y" * 1000] * 40)]
    assert await fault_of(egress, host.origin) is EgressFault.TOO_LARGE


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 " + b"x" * 60_000, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 60_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"z" * 60_000,
    ],
)  # fmt: skip
async def test_answer_that_never_gets_on_is_read_no_further(host: OutsideHost, egress: Egress, reply: bytes) -> None:
    host.replies = [reply]
    assert await fault_of(egress, host.origin, most_octets=1000) is EgressFault.TOO_LARGE


@pytest.mark.parametrize(
    "reply",
    [
        b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", answer() + answer(b"[]"),
        answer() + b"more", answer(b"{}", "200 OK", "Content-Length: 3"),
        answer(b"2\r\n{}\r\n0\r\n\r\n", "200 OK", "Transfer-Encoding: chunked"),
    ],
)  # fmt: skip
async def test_answer_that_breaks_off_or_is_none_is_refused(host: OutsideHost, egress: Egress, reply: bytes) -> None:
    host.replies = [reply]
    assert await fault_of(egress, host.origin) is EgressFault.MALFORMED


async def test_answer_without_a_length_ends_with_the_connection(host: OutsideHost, egress: Egress) -> None:
    host.replies = [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nabc"]
    assert (await egress.send(EgressRequest(host.origin), "t")).body == b"abc"


async def test_answer_drop_by_drop_ends_in_time(host: OutsideHost, egress: Egress) -> None:
    host.replies, host.pieces = [answer(b"x" * 1000)], 1
    assert await fault_of(egress, host.origin, seconds=0.1) is EgressFault.TIMEOUT


async def test_host_that_hangs_takes_the_places_of_its_tenant_alone(
    host: OutsideHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "AT_ONCE", clients.OF_ONE + 1)
    egress = Egress([host.origin], HostNames(host.lookup))
    host.gate.clear()
    hanging = [asyncio.create_task(egress.send(EgressRequest(host.origin), "t")) for _ in range(clients.OF_ONE)]
    await host.asked.wait()
    assert await fault_of(egress, host.origin) is EgressFault.BUSY
    other = asyncio.create_task(egress.send(EgressRequest(host.origin), "other"))
    await asyncio.sleep(0)
    with pytest.raises(EgressError, match="busy"):
        await egress.send(EgressRequest(host.origin), "third")
    host.gate.set()
    assert [each.status for each in await asyncio.gather(other, *hanging)] == [200] * (clients.OF_ONE + 1)
    assert (await egress.send(EgressRequest(host.origin), "t")).status == 200


async def test_name_server_that_hangs_takes_the_threads_of_its_tenant_alone() -> None:
    free = threading.Event()

    def hang(_: str, __: int) -> Sequence[str]:
        free.wait(5)
        return []

    egress = Egress([], HostNames(hang))
    for _ in range(OF_ONE):
        assert await fault_of(egress, "https://id.example/", seconds=0.02) is EgressFault.TIMEOUT
    assert await fault_of(egress, "https://id.example/", seconds=0.02) is EgressFault.BUSY
    other = asyncio.create_task(egress.send(EgressRequest("https://id.example/"), "other"))
    await asyncio.sleep(0)
    free.set()
    with pytest.raises(EgressError, match="address"):
        await other
    egress.close()


async def test_certificate_must_be_that_of_the_host(tmp_path: Path) -> None:
    server, believed = _tls(tmp_path)
    async with served_outside(server) as host:
        for name, faulty in (("id.test", False), ("other.test", True)):
            url = f"https://{name}:{host.port}"
            egress = Egress([url], HostNames(host.lookup), believed)
            if faulty:
                assert await fault_of(egress, url) is EgressFault.TLS
            else:
                assert (await egress.send(EgressRequest(url), "t")).status == 200
        url = f"https://id.test:{host.port}"
        assert await fault_of(Egress([url], HostNames(host.lookup)), url) is EgressFault.TLS


def test_header_with_a_line_of_its_own_is_not_sent() -> None:
    request = EgressRequest("https://8.8.8.8/", headers={"Authorization": "x\r\nHost: other"})
    with pytest.raises(ValueError, match="header"):
        asyncio.run(Egress([]).send(request, "t"))


def _tls(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Returns what a server for id.test shows, and what believes it."""
    top = authority()
    shown = leaf(top, hosts=["id.test"])
    (folder / "ca.pem").write_bytes(pem(top))
    (folder / "shown.pem").write_bytes(pem(shown))
    (folder / "key.pem").write_bytes(shown.key_pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "shown.pem", folder / "key.pem")
    return server, ssl.create_default_context(cafile=str(folder / "ca.pem"))
