"""Ports that are chosen once."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from console.failure import CommandFailure
from console.up import ports
from console.up.state import State

NAMES = ["auth", "user", "fraud"]


def listening(port: int) -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
    server.bind((ports.HOST, port))
    server.listen()
    return server


def test_ports_differ_and_stay(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    first = ports.assign(state, NAMES)
    assert len(set(first.values())) == len(NAMES)
    assert ports.assign(state, NAMES) == first


def test_a_port_taken_since_is_chosen_again_and_the_others_stay(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    first = ports.assign(state, NAMES)
    with listening(first["user"]):
        second = ports.assign(state, NAMES)
    assert second["user"] != first["user"]
    assert {**second, "user": 0} == {**first, "user": 0}


def test_a_taken_http_port_is_one_sentence() -> None:
    with listening(0) as server, pytest.raises(CommandFailure, match=r"Port \d+ is taken .* RAMPART_HTTP_PORT"):
        ports.check_http(server.getsockname()[1])


def test_a_port_with_connections_that_have_just_ended_is_free() -> None:
    with listening(0) as server:
        port = server.getsockname()[1]
        client = socket.create_connection((ports.HOST, port))
        accepted, _ = server.accept()
        accepted.close()  # the side that closes first keeps the port in TIME_WAIT
        client.close()
    assert ports.is_free(port)
