"""What a call revokes is known in the process before the call is answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.protobuf.message import Message
from rampart.auth.v1 import oauth_service_pb2 as pb

from meshkit.errors import MeshError, unavailable
from services.auth import errors
from services.auth.adapters import revocation_rows
from services.auth.app import revoking
from services.auth.app.revoking import known_at_once
from services.auth.domain.revocations import Revocation

CALL: Any = None
ANSWER = pb.RevokeTokenResponse()


class Connection:
    """Takes every statement."""

    async def execute(self, *_: object) -> str:
        return "INSERT 0 1"


class Feed:
    """Counts its readings, which fail if there is a failure."""

    def __init__(self, failure: MeshError | None = None) -> None:
        self.reads = 0
        self.failure = failure

    async def refresh(self) -> None:
        self.reads += 1
        if self.failure is not None:
            raise self.failure


async def revoke(_: Message, __: object) -> Message:
    connection: Any = Connection()
    await revocation_rows.append(connection, Revocation.of_tenant("t"))
    return ANSWER


async def revoke_and_refuse(request: Message, call: object) -> Message:
    await revoke(request, call)
    raise errors.grant_invalid()


async def change_nothing(_: Message, __: object) -> Message:
    return ANSWER


async def answered(feed: Any, handler: Any) -> Message:
    return await known_at_once(feed)(pb.RevokeTokenRequest(), CALL, handler)


async def test_call_that_revokes_is_answered_after_a_reading() -> None:
    feed = Feed()
    assert await answered(feed, revoke) is ANSWER
    assert feed.reads == 1


async def test_call_that_revokes_nothing_costs_no_reading() -> None:
    feed = Feed()
    assert await answered(feed, change_nothing) is ANSWER
    assert feed.reads == 0


async def test_what_a_refused_call_has_revoked_is_read_as_well() -> None:
    feed = Feed()
    with pytest.raises(MeshError, match="the code or token is not good"):
        await answered(feed, revoke_and_refuse)
    assert feed.reads == 1


async def test_call_whose_revocation_cannot_be_read_yet_is_answered_as_ever() -> None:
    assert await answered(Feed(unavailable("postgres")), revoke) is ANSWER


async def test_call_is_answered_though_the_reading_takes_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging:
        async def refresh(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(revoking, "READ_SECONDS", 0.01)
    async with asyncio.timeout(5):
        assert await answered(Hanging(), revoke) is ANSWER
