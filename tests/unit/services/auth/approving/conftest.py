"""A tenant that asks for a second person, on stores in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.approval_cases import ApprovalCases


@pytest.fixture
def cases() -> Iterator[ApprovalCases]:
    made = ApprovalCases()
    yield made
    made.hasher.close()
