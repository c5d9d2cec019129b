"""Labels that are kept true to the decisions, tenant by tenant."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest

from meshkit.errors import unavailable
from services.fraud.adapters.memory_labels import MemoryLabelRows, MemoryUntoldLabels
from services.fraud.ports.labels import MatchedLabels
from services.fraud.service.labels.matching import LabelKeeper
from tests.support.labels import NOW, label

FIRST, SECOND = "00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"


class FailingMatches(MemoryUntoldLabels):
    """Labels of which those of the first tenant cannot be looked for."""

    async def match(self, tenant_id: str, after: str, limit: int) -> MatchedLabels:
        if tenant_id == FIRST:
            raise unavailable("postgres")
        return await super().match(tenant_id, after, limit)


async def test_labels_of_other_tenants_are_told_though_those_of_one_cannot_be(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows, tell = MemoryLabelRows(), AsyncMock()
    for tenant in (FIRST, SECOND):
        rows.labels[tenant, "tx-1"] = [label(created_at=NOW - timedelta(minutes=1))]
    keeper = LabelKeeper(FailingMatches(rows), cast(Any, SimpleNamespace(tell=tell)), clock=lambda: NOW)
    await keeper.round()
    assert [(tenant, len(told)) for tenant, told in (each.args for each in tell.await_args_list) if told] == [
        (SECOND, 1)
    ]
    (told,) = [each for each in caplog.records if "cannot be kept" in each.message]
    assert vars(told)["fields"] == {"tenant": FIRST}
