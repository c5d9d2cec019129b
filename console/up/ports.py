"""Assigns ports on loopback, and keeps them in the state folder."""

from __future__ import annotations

import random
import socket

from console.failure import CommandFailure
from console.up.state import State

HOST = "127.0.0.1"
# Below the range from which Linux takes the ports of outgoing connections, which could take one between two starts.
LOWEST, HIGHEST = 20_000, 32_000
ATTEMPTS = 1_000


def is_free(port: int) -> bool:
    """Tells whether a server may listen on the port."""
    with socket.socket() as probe:
        # Without it, connections that ended a minute ago would make the port look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def assign(state: State, names: list[str]) -> dict[str, int]:
    """Returns a free port for each name, the one of the last start where that is still free."""
    kept = state.read_json("ports.json")
    ports: dict[str, int] = {}
    for name in names:
        port = kept.get(name)
        ports[name] = (
            port if isinstance(port, int) and is_free(port) else _choose(set(ports.values()) | set(kept.values()))
        )
    if ports != kept:
        state.write_json("ports.json", {**kept, **ports})
    return ports


def check_http(port: int) -> None:
    """Raises Failure if the port that callers use is taken."""
    if not is_free(port):
        raise CommandFailure(
            f"Port {port} is taken or not allowed; set RAMPART_HTTP_PORT to another one (0 takes a free one)."
        )


def _choose(taken: set[int]) -> int:
    for _ in range(ATTEMPTS):
        port = random.randint(LOWEST, HIGHEST)
        if port not in taken and is_free(port):
            return port
    raise CommandFailure(f"No free port was found between {LOWEST} and {HIGHEST} on {HOST}.")
