"""The use cases of people on ports in memory, with real hashes that are fast."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.people_cases import PeopleCases


@pytest.fixture
def cases() -> Iterator[PeopleCases]:
    made = PeopleCases()
    yield made
    made.hasher.close()
