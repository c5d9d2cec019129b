from __future__ import annotations

import pytest

from tests.support.gateway import Gateway


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()
