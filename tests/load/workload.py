"""The requests of the benchmark, rendered before the clock starts: the same for every platform that is measured."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

__all__ = [
    "CHECK_PATH",
    "SHOPS",
    "TASKS_PATH",
    "USERS",
    "Target",
    "TaskRequests",
    "check_body",
    "each_user",
    "fraud_checks",
    "new_task",
]

CHECK_PATH = "/api/v1/fraud-check"
TASKS_PATH = "/api/v1/tasks"
REQUESTS = 20_000
"""Distinct requests that a run goes round."""
USERS = 5_000
SHOPS = 500
DEVICES, NETWORKS, HOSTS, AMOUNTS = 70_000, 250, 200, 1_000
PLACES = 3
"""From which a user with habits pays."""


@dataclass(frozen=True)
class Target:
    """Where requests go and the access token that they carry."""

    base_url: str
    token: str = field(repr=False)
    path: str = CHECK_PATH

    @property
    def address(self) -> tuple[str, int]:
        """Host and port. Raises ValueError unless the URL is plain http."""
        parts = urlsplit(self.base_url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{self.base_url} is not an http address")
        return parts.hostname, parts.port or 80


def check_body(chance: random.Random, user: int, *, habits: bool = False, shops: int = SHOPS) -> bytes:
    """Returns the JSON of one payment by a user from a random device and address.

    With habits it comes from one of the user's own few devices and addresses, with one of two cards, at a shop of many.
    """
    amount = chance.randrange(AMOUNTS) + 0.5
    place = random.Random(user * PLACES + chance.randrange(PLACES)) if habits else chance
    body = {
        "user_id": f"u{user}",
        "transaction_amount": amount,
        "device_fingerprint": f"d-{place.randrange(DEVICES)}",
        "ip_address": f"203.0.{place.randrange(NETWORKS)}.{place.randrange(HOSTS)}",
    }
    if habits:
        body |= {"card_fingerprint": f"c-{user}-{chance.randrange(2)}", "merchant_id": f"m-{chance.randrange(shops)}"}
    return json.dumps(body, separators=(",", ":")).encode()


def fraud_checks(
    target: Target, seed: int, users: int = USERS, *, habits: bool = False, shops: int = SHOPS
) -> list[bytes]:
    """Returns whole HTTP requests of random users. None names its transaction, so each send is a new one."""
    chance = random.Random(seed)
    bodies = (check_body(chance, chance.randrange(users) + 1, habits=habits, shops=shops) for _ in range(REQUESTS))
    return _render(target, bodies)


def each_user(target: Target, seed: int, users: int = USERS) -> list[bytes]:
    """Returns one request for every user, which fills the caches of whatever is keyed by user."""
    chance = random.Random(seed)
    return _render(target, (check_body(chance, user) for user in range(1, users + 1)))


def new_task() -> bytes:
    """Returns the JSON of the task that every user of the article's load test creates."""
    return json.dumps({"title": "Test task", "priority": "high"}).encode()


@dataclass(frozen=True)
class TaskRequests:
    """The two whole HTTP requests of the article's load test."""

    list: bytes
    create: bytes

    @classmethod
    def to(cls, target: Target) -> TaskRequests:
        (create,) = _render(target, [new_task()])
        return cls(_head("GET", target) + b"\r\n", create)


def _render(target: Target, bodies: Iterable[bytes]) -> list[bytes]:
    head = _head("POST", target) + b"content-type: application/json\r\ncontent-length: "
    return [b"%b%d\r\n\r\n%b" % (head, len(body), body) for body in bodies]


def _head(method: str, target: Target) -> bytes:
    host, port = target.address
    return (
        f"{method} {target.path} HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: Bearer {target.token}\r\n"
    ).encode("latin-1")
