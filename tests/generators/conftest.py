"""The OpenAPI document as its tools get it, and one platform for the clients that they make."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.generators.toolbox import Tools
from tests.steelthread.edge import Edge
from tests.steelthread.platform import Platform
from tests.support.documents import rampart_document


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(tmp_path)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """The document of Rampart in a file."""
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(rampart_document()))
    return path


@pytest.fixture(scope="package")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    platform = Platform(tmp_path_factory.mktemp("generators") / "home")
    try:
        await platform.start()
        yield platform
    finally:
        await platform.stop()


@pytest.fixture(scope="package")
async def edge(platform: Platform) -> Edge:
    return await platform.new_edge()
