"""Composes how revocations come to be known."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from google.protobuf.message import Message

from meshkit.errors import MeshError
from meshkit.host import Host
from meshkit.identity.revocations import Revocations
from meshkit.periodic import Periodic
from meshkit.rpc.interceptors.chain import Call, Handler, Middleware
from meshkit.storage.postgres import Pool
from meshkit.timestamps import utc_now
from services.auth.adapters import revocation_rows
from services.auth.adapters.postgres_revocations import PostgresRevocations
from services.auth.convert.revocations import revocation_to_tokens
from services.auth.domain.revocations import Revocation
from services.auth.service.revoking.feed import RevocationFeed

__all__ = ["follow_revocations", "known_at_once"]

_log = logging.getLogger(__name__)

READ_SECONDS = 0.5
"""For which an answer waits until this process knows what the call has revoked: it would soon anyway."""


def follow_revocations(host: Host, pool: Pool, own: Revocations) -> RevocationFeed:
    """Follows the revocations, by which this process goes as well, and deletes those that are over."""
    source = PostgresRevocations(pool)
    feed = RevocationFeed(source, utc_now, lambda told: own.replace(map(revocation_to_tokens, told)))
    host.check("revocations", feed.check)
    host.background("revocation feed", feed.follow)
    host.background("end of revocations", Periodic("the deletion of old revocations", source.forget).run)
    return feed


def known_at_once(feed: RevocationFeed) -> Middleware:
    """Returns the middleware by which this process knows what a call has revoked before the call is answered."""

    async def middleware(request: Message, call: Call, handler: Handler) -> Message:
        written = revocation_rows.notice()
        try:
            answer = await handler(request, call)
        except MeshError:
            # A code that is used twice is refused, and ends what came of it.
            await _read(feed, written)
            raise
        await _read(feed, written)
        return answer

    return middleware


async def _read(feed: RevocationFeed, written: Sequence[Revocation]) -> None:
    if not written:
        return
    try:
        async with asyncio.timeout(READ_SECONDS):
            await feed.refresh()
    except (MeshError, TimeoutError) as error:
        _log.warning("what a call has revoked is known here a moment later: %r", error)
