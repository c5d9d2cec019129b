"""Builds the ledger anew from the decisions, after it has lost its place in the outbox.

Nothing is taken away: what the ledger has stays, and what it lacks is entered, page by page, each in the transaction
that moves the rebuild. So it can be interrupted anywhere, and no transaction counts twice.
"""

from __future__ import annotations

import asyncio
import logging

from meshkit.errors import MeshError
from meshkit.following.ports import DecidedLog
from services.data.domain.ledger import Transaction
from services.data.ports import LedgerWriter

__all__ = ["Rebuilder"]

_log = logging.getLogger(__name__)

PAGE_DECISIONS = 2_000
RETRY_SECONDS = 1.0


class Rebuilder:
    """Does what operators have asked for. Outages of the fraud service are waited out."""

    def __init__(self, decisions: DecidedLog[Transaction]) -> None:
        self._decisions = decisions

    async def run(self, writer: LedgerWriter) -> bool:
        """Goes on with a rebuild to its end; False if none was asked for."""
        rebuild = await writer.rebuild()
        if rebuild is None:
            return False
        _log.info("rebuilding the ledger", extra={"fields": {"begun": rebuild.begun}})
        failing = False
        while rebuild is not None:
            try:
                page = await self._decisions.read(rebuild.after, PAGE_DECISIONS)
            except MeshError as error:
                if not failing:
                    _log.warning("the decisions cannot be read: %s", error.message)
                failing = True
                await asyncio.sleep(RETRY_SECONDS)
            else:
                failing = False
                await writer.enter_page(page)
                rebuild = await writer.rebuild()
        _log.info("the ledger is rebuilt")
        return True
