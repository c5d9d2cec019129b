from __future__ import annotations

import pytest

from tests.support.decider import DeciderPlatform


@pytest.fixture
def platform() -> DeciderPlatform:
    return DeciderPlatform()
