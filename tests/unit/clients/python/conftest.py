"""A client and the server that it calls, over mutual TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rampart_client import Config, Rampart

from tests.support.certificates import Certificates
from tests.support.platform import Platform


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "tls")


@pytest.fixture
async def platform(certificates: Certificates) -> AsyncIterator[Platform]:
    platform = Platform(certificates.identity("service/fraud"))
    await platform.start()
    yield platform
    await platform.stop()


@pytest.fixture
def config(platform: Platform, certificates: Certificates) -> Config:
    files = certificates.identity("client/shop")
    return Config(
        auth=platform.address,
        fraud=platform.address,
        user=platform.address,
        data=platform.address,
        client_id="client-1",
        client_secret="secret",
        ca_file=files.ca,
        certificate_file=files.certificate,
        key_file=files.key,
    )


@pytest.fixture
async def rampart(config: Config) -> AsyncIterator[Rampart]:
    async with Rampart(config) as rampart:
        yield rampart
