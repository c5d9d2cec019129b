"""Which tokens are refused, from when and for how long, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from meshkit.context import Principal
from meshkit.errors import Kind, MeshError
from meshkit.identity import revocations as module
from meshkit.identity.revocations import ERASURE, Revocations, RevokedBy, RevokedTokens
from meshkit.identity.tokens import TokenVerifier
from tests.support.clock import Clock
from tests.support.tokens import TENANT, TRUSTED, Issuer

NOW = 1_800_000_000.0
CALLER = Principal(
    TENANT, "client-1", frozenset(), 1, "USD", "user-1", token_id="token-1", session_id="session-1", issued_at=NOW
)
NAMES = {
    RevokedBy.TOKEN: "token-1",
    RevokedBy.SESSION: "session-1",
    RevokedBy.CLIENT: "client-1",
    RevokedBy.SUBJECT: "user-1",
    RevokedBy.TENANT: "",
}
every = pytest.mark.parametrize(("by", "name"), NAMES.items())


@pytest.fixture
def clock() -> Clock[float]:
    return Clock(NOW)


@pytest.fixture
def known(clock: Clock[float]) -> Revocations:
    return Revocations(clock=clock)


def everything(tenant: str = TENANT, **changed: Any) -> RevokedTokens:
    return RevokedTokens(tenant, RevokedBy.TENANT, **changed)


def test_nothing_is_refused_that_was_not_revoked(known: Revocations) -> None:
    assert not known.refuses(CALLER)


@every
def test_token_is_refused_by_everything_that_it_has_to_do_with(known: Revocations, by: RevokedBy, name: str) -> None:
    known.add([RevokedTokens(TENANT, by, name)])
    assert known.refuses(CALLER)


@every
def test_revocation_is_of_its_own_kind_name_and_tenant(known: Revocations, by: RevokedBy, name: str) -> None:
    others = [RevokedTokens(TENANT, other, name) for other in RevokedBy if other is not by and name]
    others += [RevokedTokens(TENANT, by, "another")] if name else []
    known.add([*others, RevokedTokens("another-tenant", by, name)])
    assert not known.refuses(CALLER)


def test_client_of_the_same_name_as_a_user_is_another(known: Revocations) -> None:
    known.add([RevokedTokens(TENANT, RevokedBy.SUBJECT, "client-1"), RevokedTokens(TENANT, RevokedBy.CLIENT, "user-1")])
    assert not known.refuses(CALLER)


def test_token_without_a_session_belongs_to_none(known: Revocations) -> None:
    known.add([RevokedTokens(TENANT, RevokedBy.SESSION, "session-1")])
    assert not known.refuses(replace(CALLER, session_id=""))


@every
def test_token_that_is_issued_after_the_time_is_good(known: Revocations, by: RevokedBy, name: str) -> None:
    known.add([RevokedTokens(TENANT, by, name, issued_before=NOW)])
    assert known.refuses(replace(CALLER, issued_at=NOW - 1))
    assert known.refuses(CALLER)
    assert not known.refuses(replace(CALLER, issued_at=NOW + 1))


def test_without_a_time_what_will_be_issued_is_refused_too(known: Revocations) -> None:
    known.add([everything()])
    assert known.refuses(replace(CALLER, issued_at=NOW + 10**6))


def test_revocation_is_over_at_its_end(known: Revocations, clock: Clock[float]) -> None:
    known.add([everything(until=NOW + 10), RevokedTokens(TENANT, RevokedBy.TOKEN, "token-1", NOW, until=NOW + 20)])
    clock.now = NOW + 9
    assert known.refuses(replace(CALLER, issued_at=NOW + 5))
    clock.now = NOW + 10
    assert not known.refuses(replace(CALLER, issued_at=NOW + 5))
    assert known.refuses(CALLER)
    clock.now = NOW + 20
    assert not known.refuses(CALLER)


def test_what_is_over_is_forgotten(known: Revocations, clock: Clock[float]) -> None:
    known.add(RevokedTokens(TENANT, RevokedBy.TOKEN, str(number), NOW, NOW + 10) for number in range(100))
    assert len(known) == 100
    clock.now = NOW + 10
    known.add([])
    assert len(known) == 0


def test_tenant_may_be_erased_while_it_is_suspended_and_that_is_allowed(
    known: Revocations, clock: Clock[float]
) -> None:
    known.add([everything()])
    assert not known.may_be_erased(TENANT)
    allowed = everything(name=ERASURE)
    known.replace([allowed])
    assert not known.may_be_erased(TENANT) and not known.refuses(CALLER)
    known.replace([everything(), allowed])
    assert known.may_be_erased(TENANT) and not known.may_be_erased("another-tenant")
    known.replace([everything(), everything(name=ERASURE, issued_before=NOW)])
    assert not known.may_be_erased(TENANT)
    known.replace([everything(until=NOW + 9), everything(name=ERASURE, until=NOW + 9)])
    assert known.may_be_erased(TENANT)
    clock.now = NOW + 9
    assert not known.may_be_erased(TENANT)


def test_later_revocation_of_one_name_adds_to_the_one_before(known: Revocations, clock: Clock[float]) -> None:
    first, second = everything(issued_before=NOW, until=NOW + 50), everything(issued_before=NOW - 9, until=NOW + 10)
    known.add([first])
    known.add([second])
    clock.now = NOW + 40
    assert known.refuses(CALLER)
    known.add([everything(until=NOW + 60)])
    assert known.refuses(replace(CALLER, issued_at=NOW + 55))
    assert len(known) == 1


def test_replacing_lifts_what_is_not_named_again(known: Revocations) -> None:
    known.add([everything(), RevokedTokens("other", RevokedBy.TENANT)])
    known.replace([RevokedTokens("other", RevokedBy.TENANT)])
    assert not known.refuses(CALLER)
    assert known.refuses(replace(CALLER, tenant_id="other"))


def test_revocations_that_cannot_be_read_to_their_end_lift_nothing(known: Revocations) -> None:
    def broken() -> Iterator[RevokedTokens]:
        yield RevokedTokens("other", RevokedBy.TENANT)
        raise ValueError("broken")

    known.add([everything()])
    with pytest.raises(ValueError, match="broken"):
        known.replace(broken())
    assert known.refuses(CALLER)


def test_too_many_revocations_of_a_tenant_become_one_for_what_it_has_issued(
    known: Revocations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_OF_A_TENANT", 5)
    disabled = RevokedTokens(TENANT, RevokedBy.CLIENT, "disabled")
    known.add([disabled, RevokedTokens("other", RevokedBy.TOKEN, "t-0", NOW, NOW + 10)])
    known.add(RevokedTokens(TENANT, RevokedBy.TOKEN, f"t-{number}", NOW + number, NOW + 10) for number in range(20))
    assert len(known) <= 7
    assert known.refuses(replace(CALLER, token_id="t-0"))
    assert known.refuses(CALLER)
    assert not known.refuses(replace(CALLER, issued_at=NOW + 100))
    assert known.refuses(replace(CALLER, client_id="disabled", issued_at=NOW + 100))
    assert not known.refuses(replace(CALLER, tenant_id="other"))


def test_listeners_hear_of_every_change_once_until_they_end(known: Revocations) -> None:
    heard: list[int] = []
    end = known.listen(lambda: heard.append(len(known)))
    known.add([everything(), RevokedTokens("other", RevokedBy.TENANT)])
    known.replace([everything()])
    end()
    end()
    known.replace([])
    assert heard == [2, 1]


def test_watch_calls_when_the_token_is_revoked_and_not_for_others(known: Revocations) -> None:
    calls: list[str] = []
    with known.watch(CALLER, lambda: calls.append("revoked")):
        known.add([RevokedTokens(TENANT, RevokedBy.TOKEN, "another")])
        assert calls == []
        known.add([RevokedTokens(TENANT, RevokedBy.SESSION, "session-1")])
        assert calls == ["revoked"]
    known.add([everything()])
    assert calls == ["revoked"]


def test_watch_of_a_token_that_is_revoked_already_calls_at_once(known: Revocations) -> None:
    known.add([everything()])
    calls: list[str] = []
    with known.watch(CALLER, lambda: calls.append("revoked")):
        assert calls == ["revoked"]


class Verified:
    """A verifier with its issuer and its revocations in the open."""

    def __init__(self, clock: Clock[float]) -> None:
        self.issuer = Issuer()
        self.known = Revocations(clock=clock)
        self.fetched = 0
        self.verifier = TokenVerifier(self._keys, TRUSTED, revocations=self.known, clock=clock)

    async def _keys(self) -> list[dict[str, str]]:
        self.fetched += 1
        return [self.issuer.jwk]

    async def reason(self, token: str, asked: list[None] | None = None) -> str:
        """Returns "good", or the reason why a token is not."""
        try:
            await self.verifier.verify(token, (lambda: asked.append(None)) if asked is not None else None)
        except MeshError as error:
            assert error.kind is Kind.UNAUTHENTICATED
            return error.reason
        return "good"


@pytest.fixture
def verified(clock: Clock[float]) -> Verified:
    return Verified(clock)


REVOKED = RevokedTokens(TENANT, RevokedBy.TENANT, issued_before=NOW)


async def test_token_that_is_cached_is_refused_at_once(verified: Verified) -> None:
    token = verified.issuer.token(NOW)
    assert await verified.reason(token) == "good"
    verified.known.add([REVOKED])
    assert verified.verifier.verify_cached(token) is None
    assert await verified.reason(token) == "TOKEN_REVOKED"


async def test_token_that_nobody_has_seen_is_refused(verified: Verified) -> None:
    verified.known.add([REVOKED])
    token = verified.issuer.token(NOW)
    for _ in range(2):
        assert await verified.reason(token) == "TOKEN_REVOKED"
        assert verified.verifier.verify_cached(token) is None


async def test_other_tokens_stay_cached(verified: Verified) -> None:
    token, other = verified.issuer.token(NOW), verified.issuer.token(NOW, jti="other")
    assert [await verified.reason(each) for each in (token, other)] == ["good", "good"]
    verified.known.add([RevokedTokens(TENANT, RevokedBy.TOKEN, "other")])
    assert verified.verifier.verify_cached(token) is not None
    assert verified.verifier.verify_cached(other) is None


async def test_token_is_good_again_when_that_is_lifted(verified: Verified, clock: Clock[float]) -> None:
    token = verified.issuer.token(NOW)
    verified.known.add([everything()])
    assert await verified.reason(token) == "TOKEN_REVOKED"
    verified.known.replace([])
    assert await verified.reason(token) == "good"
    assert verified.verifier.verify_cached(token) is not None
    clock.now += 3600
    assert await verified.reason(token) == "TOKEN_INVALID"


async def test_revoked_token_costs_one_signature_and_no_permit_after_that(
    verified: Verified, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified.known.add([REVOKED])
    token, asked = verified.issuer.token(NOW), list[None]()
    assert await verified.reason(token, asked) == "TOKEN_REVOKED"
    seen = len(asked)
    monkeypatch.setattr(TokenVerifier, "_read", None)
    assert [await verified.reason(token, asked) for _ in range(5)] == ["TOKEN_REVOKED"] * 5
    assert len(asked) == seen


async def test_forged_token_of_a_revoked_client_is_invalid_and_not_revoked(verified: Verified) -> None:
    verified.known.add([REVOKED])
    assert await verified.reason(Issuer().token(NOW)) == "TOKEN_INVALID"


async def test_token_that_is_revoked_while_its_keys_are_fetched_is_refused(clock: Clock[float]) -> None:
    verified, fetching, answer = Verified(clock), asyncio.Event(), asyncio.Event()

    async def keys() -> list[dict[str, str]]:
        fetching.set()
        await answer.wait()
        return [verified.issuer.jwk]

    verified.verifier = TokenVerifier(keys, TRUSTED, revocations=verified.known, clock=clock)
    waiting = asyncio.create_task(verified.reason(verified.issuer.token(NOW)))
    await fetching.wait()
    verified.known.add([REVOKED])
    answer.set()
    assert await waiting == "TOKEN_REVOKED"
