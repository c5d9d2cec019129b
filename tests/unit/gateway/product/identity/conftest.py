from __future__ import annotations

import pytest

from gateway.edge.ratelimit import LimitSettings
from tests.support.gateway import Gateway
from tests.support.pages import Browser
from tests.support.sign_in_twin import SignInTwin, TwinUpstream


@pytest.fixture(scope="session")
def pages() -> tuple[Gateway, TwinUpstream]:
    """One gateway for all tests of pages, to make one takes longer than to test a page; each has a mesh of its own."""
    upstream = TwinUpstream()
    return Gateway(upstream=upstream, limits=LimitSettings(address_rate=1_000_000)), upstream


@pytest.fixture
def twin(pages: tuple[Gateway, TwinUpstream]) -> SignInTwin:
    _, upstream = pages
    upstream.twin = SignInTwin()
    return upstream.twin


@pytest.fixture
def browser(pages: tuple[Gateway, TwinUpstream], twin: SignInTwin) -> Browser:
    return Browser(pages[0])
