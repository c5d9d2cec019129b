"""The gateway as a process, with no service behind it: what it promises then, on a real socket."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meshkit.standby import STANDBY
from meshkit.topology import load
from tests.support.certificates import Certificates
from tests.support.processes import Process, free_port, run_module

SERVICES = load().gateway.calls
PATH = "/api/v1/fraud-check"
LOGIN = b"POST /api/v1/oauth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n"
FORM = b"grant_type=client_credentials&client_id=c&client_secret=s"
SIZE = 10 << 20
START_SECONDS = 40.0


class RunningGateway:
    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self.environment = environment | {"RAMPART_HTTP_LISTEN": f"127.0.0.1:{self.port}"}
        self.process = Process("gateway", self.environment, log)
        deadline = time.monotonic() + START_SECONDS
        while self.process.readiness() is None or not self._listens():
            if time.monotonic() > deadline:
                self.process.stop()
                pytest.fail(f"the gateway did not start: {self.process.log()}")
            time.sleep(0.05)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def get(self, path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def raw(self, *parts: bytes) -> tuple[int, bytes, bytes]:
        """Sends bytes as they are and returns status, head and body of what comes back."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part)
            return read_reply(connection)


def read_reply(connection: socket.socket) -> tuple[int, bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        received = connection.recv(65536)
        assert received, data
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
    while len(body) < length:
        body += connection.recv(65536)
    return int(head.split()[1]), head, body


@pytest.fixture(scope="module")
def environment(certificates: Certificates) -> dict[str, str]:
    addresses = {f"RAMPART_{name.upper()}_ADDRESS": f"127.0.0.1:{free_port()}" for name in SERVICES}
    return certificates.environment("service/gateway") | addresses


@pytest.fixture(scope="module")
def gateway(environment: dict[str, str], run_folder: Path) -> Iterator[RunningGateway]:
    running = RunningGateway(environment, run_folder / "gateway-alone.log")
    yield running
    running.process.stop()


def test_health_is_200_and_ready_names_every_missing_dependency(gateway: RunningGateway) -> None:
    assert gateway.get("/health")[0] == 200
    status, body = gateway.get("/ready")
    assert status == 503
    assert set(json.loads(body)["missing"]) == {*SERVICES, "jwks"}


def test_call_is_503_with_retry_after_while_no_key_was_ever_fetched(gateway: RunningGateway) -> None:
    head = b"POST %b HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\ncontent-length: 2\r\n\r\n{}"
    token = b"eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.e30.AA"
    status, headers, body = gateway.raw(head % (PATH.encode(), token))
    assert (status, json.loads(body)["reason"]) == (503, "DEPENDENCY_UNAVAILABLE")
    assert b"retry-after: 1" in headers


def test_login_is_503_with_retry_after_while_auth_is_away(gateway: RunningGateway) -> None:
    status, headers, body = gateway.raw(LOGIN + b"content-length: %d\r\n\r\n" % len(FORM) + FORM)
    assert (status, json.loads(body)["error"]) == (503, "temporarily_unavailable")
    assert b"retry-after: 1" in headers


def test_body_of_ten_megabytes_is_413_and_the_sender_can_read_why(gateway: RunningGateway) -> None:
    head = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (PATH.encode(), SIZE)
    status, headers, body = gateway.raw(head, b"x" * SIZE)
    assert (status, json.loads(body)["reason"]) == (413, "BODY_TOO_LARGE")
    assert b"connection: close" in headers


def test_form_of_ten_megabytes_in_chunks_is_400_and_the_sender_can_read_why(gateway: RunningGateway) -> None:
    head = LOGIN + b"transfer-encoding: chunked\r\n\r\n%x\r\n" % SIZE
    status, _, body = gateway.raw(head, b"x" * SIZE, b"\r\n0\r\n\r\n")
    assert (status, json.loads(body)["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    ],
)
def test_what_is_not_http_is_a_400_problem(gateway: RunningGateway, request_bytes: bytes) -> None:
    status, head, body = gateway.raw(request_bytes)
    assert (status, json.loads(body)["reason"]) == (400, "MALFORMED_REQUEST")
    assert b"content-type: application/problem+json" in head


def test_server_does_not_say_what_it_is(gateway: RunningGateway) -> None:
    _, head, _ = gateway.raw(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
    assert b"server:" not in head.lower()


def test_taken_port_is_one_sentence(gateway: RunningGateway) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        admin = f"127.0.0.1:{free_port()}"
        settings = gateway.environment | {"RAMPART_HTTP_LISTEN": listen, "RAMPART_ADMIN_LISTEN": admin}
        done = run_module("gateway", environment=settings)
    assert done.returncode == 1
    assert f"cannot listen on {listen}" in done.stderr
    assert "Traceback" not in done.stderr


def test_sigterm_lets_the_request_under_way_finish_and_exits_0(environment: dict[str, str], run_folder: Path) -> None:
    gateway = RunningGateway(environment, run_folder / "gateway-drain.log")
    with gateway.connect() as connection:
        connection.sendall(LOGIN + b"content-length: %d\r\n\r\n" % len(FORM) + FORM[:10])
        time.sleep(0.2)
        os.kill(gateway.process.pid, signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(FORM[10:])
        status, _, _ = read_reply(connection)
    assert status == 503
    assert gateway.process.stop() == 0, gateway.process.log()
    last = [json.loads(line) for line in gateway.process.log().splitlines() if '"gateway.access"' in line][-1]
    assert (last["route"], last["status"]) == ("/api/v1/oauth/token", 503)


def test_workers_share_the_port_their_metrics_are_summed_and_a_dead_one_is_replaced(
    environment: dict[str, str], run_folder: Path
) -> None:
    gateway = RunningGateway(environment | {"RAMPART_GATEWAY_WORKERS": "2"}, run_folder / "gateway-workers.log")
    try:
        for _ in range(40):
            assert gateway.get("/health")[0] == 200
        # Each worker counts what it answered within the next tenths of a second.
        time.sleep(0.5)
        with urllib.request.urlopen(f"http://{gateway.process.admin}/metrics", timeout=3) as answer:
            counted = re.search(r'route="/health",status="200"\} (\S+)', answer.read().decode())
        assert counted is not None
        assert float(counted[1]) == 40
        before = workers(gateway)
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        deadline = time.monotonic() + START_SECONDS
        while len(workers(gateway)) < 2 or before[0] in workers(gateway):
            assert time.monotonic() < deadline, gateway.process.log()
            time.sleep(0.05)
        assert "ended with status -9 and is started again" in gateway.process.log()
    finally:
        assert gateway.process.stop() == 0, gateway.process.log()


def test_workers_that_stand_by_with_their_parent_serve_at_its_word(
    environment: dict[str, str], run_folder: Path
) -> None:
    port, log = free_port(), run_folder / "gateway-standing-by.log"
    own = {"RAMPART_GATEWAY_WORKERS": "2", "RAMPART_HTTP_LISTEN": f"127.0.0.1:{port}", STANDBY: "1"}
    process = Process("gateway", environment | own, log, stdin=subprocess.PIPE)
    deadline = time.monotonic() + START_SECONDS
    try:
        while len(children(process.pid)) < 2:
            assert time.monotonic() < deadline, process.log()
            time.sleep(0.05)
        time.sleep(1)
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, "it waits for the word"
        before = children(process.pid)
        process.say(b"\n")
        while process.readiness() is None:
            assert time.monotonic() < deadline, process.log()
            time.sleep(0.05)
        assert children(process.pid) == before
    finally:
        assert process.stop() == 0, process.log()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def workers(gateway: RunningGateway) -> list[int]:
    return children(gateway.process.pid)


@pytest.fixture
def two_workers(environment: dict[str, str], valkey_url: str, run_folder: Path) -> Iterator[RunningGateway]:
    own = {
        "RAMPART_GATEWAY_WORKERS": "2",
        "RAMPART_REDIS_URL": valkey_url,
        "RAMPART_ADDRESS_RATE": "20",
        "RAMPART_TRUSTED_PROXIES": "127.0.0.1",
        "RAMPART_CLIENT_CERT_PROXIES": "127.0.0.1",
    }
    running = RunningGateway(environment | own, run_folder / "gateway-two-workers.log")
    deadline = time.monotonic() + START_SECONDS
    while running.process.log().count("rate limits are shared") < 2:
        assert time.monotonic() < deadline, running.process.log()
        time.sleep(0.05)
    yield running
    running.process.stop()


def test_certificates_are_read_from_the_proxies_of_the_setting_alone(
    two_workers: RunningGateway, gateway: RunningGateway
) -> None:
    head = b"GET /.well-known/jwks.json HTTP/1.1\r\nhost: x\r\nclient-cert: none\r\n\r\n"
    status, _, body = two_workers.raw(head)
    assert (status, json.loads(body)["detail"]) == (400, "header client-cert is no Byte Sequence")
    # Without the setting nobody looks at it: what is missing is the service behind.
    assert gateway.raw(head)[0] == 503


def login_of(address: str) -> bytes:
    head = "POST /api/v1/oauth/token HTTP/1.1\r\nhost: x\r\nx-forwarded-for: %s\r\ncontent-length: 1\r\n\r\nx"
    return (head % address).encode()


def test_workers_hold_one_limit_together_and_each_can_use_it_all(two_workers: RunningGateway) -> None:
    with two_workers.connect() as connection:
        # One connection has one worker: a static share would end at ten.
        statuses = []
        for _ in range(20):
            connection.sendall(login_of("198.51.100.1"))
            statuses.append(read_reply(connection)[0])
    assert statuses == [400] * 20
    began = time.monotonic()
    # New connections are spread over both workers; this caller has another address.
    statuses = [two_workers.raw(login_of("198.51.100.2"))[0] for _ in range(150)]
    passed = time.monotonic() - began
    assert set(statuses) == {400, 429}
    assert 20 <= statuses.count(400) <= 20 * passed + 2 * 20 + 20 * 0.35
