"""Pages end where the rows end."""

from __future__ import annotations

import pytest

from services.data.adapters.memory import MemoryLedger
from services.data.ports import TotalsQuery, TransactionQuery
from services.data.service.ledger import LedgerService
from tests.support.ledger import batch, tenant, transaction


@pytest.mark.parametrize(("limit", "size", "more"), [(2, 2, True), (3, 3, False), (4, 3, False)])
async def test_a_page_names_its_last_row_only_if_more_follow(limit: int, size: int, more: bool) -> None:
    ledger, acme = MemoryLedger(), tenant()
    rows = [transaction(acme, name, minutes=number, currency=name * 3) for number, name in enumerate("ABC")]
    await ledger.apply(batch(await ledger.position(), rows))
    service = LedgerService(ledger)
    page = await service.transactions(TransactionQuery(acme, limit))
    assert (len(page.rows), page.last) == (size, page.rows[-1] if more else None)
    totals = await service.totals(TotalsQuery(acme, limit))
    assert (len(totals.rows), totals.last) == (size, totals.rows[-1] if more else None)


async def test_an_empty_ledger_has_one_empty_page() -> None:
    page = await LedgerService(MemoryLedger()).transactions(TransactionQuery(tenant(), 5))
    assert (list(page.rows), page.last) == ([], None)
