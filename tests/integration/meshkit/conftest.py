"""A server of the mesh whose methods do what a test tells them to."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from tests.support.calls import Caller, calling
from tests.support.certificates import Certificates
from tests.support.mesh import FRAUD, MeshNode, serving
from tests.support.tokens import Issuer


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def token(issuer: Issuer) -> str:
    return issuer.token(time.time(), scope="decision:create decision:read")


@pytest.fixture
async def node(certificates: Certificates, issuer: Issuer) -> AsyncIterator[MeshNode]:
    async with serving(certificates, issuer) as node:
        yield node


@pytest.fixture
async def gateway(node: MeshNode, certificates: Certificates) -> AsyncIterator[Caller]:
    async with calling(node.address, FRAUD.full_name, certificates.identity("service/gateway")) as caller:
        yield caller
