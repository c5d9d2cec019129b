"""What of a provider's answers is taken, over a real connection."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from meshkit.egress.client import Egress
from meshkit.egress.names import HostNames
from services.auth.adapters import egress_providers as adapters
from services.auth.adapters.egress_providers import EgressProviders
from services.auth.domain.provider_metadata import ProviderFault
from tests.support.outside import OutsideHost, answer, served_outside


@pytest.fixture
async def host() -> AsyncIterator[OutsideHost]:
    async with served_outside() as host:
        yield host


@pytest.fixture
def calls(host: OutsideHost) -> EgressProviders:
    return EgressProviders(Egress([host.origin], HostNames(host.lookup)))


async def why(calls: EgressProviders, url: str) -> str:
    with pytest.raises(ProviderFault) as caught:
        await calls.get_object(url, "t")
    return caught.value.why


async def test_object_is_read_with_the_token(host: OutsideHost, calls: EgressProviders) -> None:
    host.replies = [answer(b'{"sub": "s"}')]
    assert await calls.get_object(host.origin + "/userinfo", "t", "opaque") == {"sub": "s"}
    assert b"\r\nAuthorization: Bearer opaque\r\n" in host.heard[0]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer(b"{}", "302 Found", "Location: http://169.254.169.254/latest/meta-data/"), "status"),
        (answer(b"{}", "500 Oops"), "status"),
        (answer(b"[]"), "malformed"),
        (answer(b"<html>"), "malformed"),
        (answer(b'{"issuer": "a", "issuer": "b"}'), "malformed"),
        (answer(b'{"a":' * 100 + b"1" + b"}" * 100), "malformed"),
        (answer(b'{"a": "' + b"x" * 200_000 + b'"}'), "too_large"),
        (b"220 mail.example ESMTP\r\n", "malformed"),
    ],
)
async def test_answer_that_is_none_is_not_taken(
    host: OutsideHost, calls: EgressProviders, reply: bytes, reason: str
) -> None:
    host.replies = [reply]
    assert await why(calls, host.origin) == reason


async def test_token_that_no_header_can_hold_is_sent_to_nobody(host: OutsideHost, calls: EgressProviders) -> None:
    with pytest.raises(ProviderFault, match="malformed"):
        await calls.get_object(host.origin, "t", "a\r\nHost: other")
    assert host.heard == []


async def test_provider_that_drips_ends_in_time(
    host: OutsideHost, calls: EgressProviders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapters, "_SECONDS", 0.1)
    host.pieces = 1
    assert await why(calls, host.origin) == "timeout"


async def test_name_of_the_metadata_service_is_not_asked(host: OutsideHost, calls: EgressProviders) -> None:
    host.names = [["169.254.169.254"]]
    assert await why(calls, "https://id.example/") == "address"


async def test_form_is_sent_and_its_refusal_read(host: OutsideHost, calls: EgressProviders) -> None:
    host.replies = [answer(b'{"error": "invalid_grant"}', "400 Bad Request")]
    got = await calls.post_form(host.origin, "t", {"code": "a b"}, "Basic eDp5")
    assert got == (400, {"error": "invalid_grant"})
    assert host.heard[0].endswith(b"\r\n\r\ncode=a+b") and b"\r\nAuthorization: Basic eDp5\r\n" in host.heard[0]
    host.replies = [answer(b"<html>", "302 Found", "Location: /")]
    assert await calls.post_form(host.origin, "t", {}) == (302, {})
