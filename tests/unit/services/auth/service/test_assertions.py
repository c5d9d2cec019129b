"""Assertions of clients (RFC 7523): only their own, only for us, only now, only once."""

from __future__ import annotations

import time
from typing import Any

import pytest

from meshkit.errors import MeshError
from services.auth.domain.clients import AuthenticationMethod, ClientSettings, NewClient
from services.auth.domain.token_requests import ClientProof
from tests.support.programs import ProgramWorld
from tests.support.tokens import ISSUER, Issuer

SIGNER = Issuer("client-key")
ENDPOINT = f"{ISSUER}/api/v1/oauth/token"
SETTINGS = ClientSettings(method=AuthenticationMethod.PRIVATE_KEY_JWT, keys=(SIGNER.jwk,))


@pytest.fixture
async def world() -> ProgramWorld:
    world = ProgramWorld()
    await world.begin()
    return world


class Assertions:
    """Signs assertions of one client, honest unless told otherwise."""

    def __init__(self, world: ProgramWorld, made: NewClient) -> None:
        self.world = world
        self.client_id = made.client.client_id
        self._number = 0

    def sign(self, *, header: dict[str, Any] | None = None, signer: Issuer = SIGNER, **changed: Any) -> str:
        self._number += 1
        now = self.world.now
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": ISSUER, "exp": now + 60, "iat": now,
                  "jti": f"jti-{self._number}"} | changed  # fmt: skip
        head = {"alg": "ES256", "kid": signer.kid} | (header or {})
        kept = {name: value for name, value in claims.items() if value is not None}
        return signer.sign({name: value for name, value in head.items() if value is not None}, kept)

    async def accepted(self, assertion: str, client_id: str | None = None) -> bool:
        shown = ClientProof(self.client_id if client_id is None else client_id, assertion=assertion)
        try:
            await self.world.authenticator.authenticate(shown)
        except MeshError as error:
            assert error.reason == "CLIENT_INVALID"
            return False
        return True


@pytest.fixture
async def assertions(world: ProgramWorld) -> Assertions:
    return Assertions(world, await world.client(SETTINGS))


async def test_signed_assertion_proves_the_client(assertions: Assertions) -> None:
    assert await assertions.accepted(assertions.sign())
    assert await assertions.accepted(assertions.sign(), "")
    assert await assertions.accepted(assertions.sign(aud=ENDPOINT))
    assert await assertions.accepted(assertions.sign(aud=[ENDPOINT]))
    assert await assertions.accepted(assertions.sign(exp=assertions.world.now + 300, iat=None))
    for header in ({"typ": "JWT"}, {"typ": "client-authentication+jwt"}, {"kid": None}):
        assert await assertions.accepted(assertions.sign(header=header))


WRONG: dict[str, dict[str, Any]] = {
    "for another": {"aud": "https://other.example"},
    "for us and another": {"aud": [ISSUER, "https://other.example"]},
    "for nobody": {"aud": None},
    "without an issuer": {"iss": None},
    "of another issuer": {"iss": "client-other"},
    "without a subject": {"sub": None},
    "without a name": {"jti": None},
    "with a number for a name": {"jti": 7},
    "with a long name": {"jti": "x" * 257},
    "without an end": {"exp": None},
    "with words for an end": {"exp": "soon"},
    "with true for an end": {"exp": True},
}


@pytest.mark.parametrize("name", WRONG)
async def test_assertion_that_says_something_else_proves_nothing(assertions: Assertions, name: str) -> None:
    assert not await assertions.accepted(assertions.sign(**WRONG[name]))


@pytest.mark.parametrize(
    ("claim", "offset"), [("exp", 0), ("exp", -300), ("exp", 331), ("exp", 3600), ("iat", 31), ("nbf", 31)]
)
async def test_assertion_of_another_time_proves_nothing(assertions: Assertions, claim: str, offset: float) -> None:
    changed: dict[str, Any] = {claim: assertions.world.now + offset}
    assert not await assertions.accepted(assertions.sign(**changed))


async def test_assertion_is_good_once(assertions: Assertions) -> None:
    assertion = assertions.sign()
    assert [await assertions.accepted(assertion) for _ in range(3)] == [True, False, False]
    # Signed again it is the same by its name.
    assert not await assertions.accepted(assertions.sign(jti="jti-1"))


async def test_used_assertion_is_remembered_for_as_long_as_it_would_be_good(assertions: Assertions) -> None:
    await assertions.accepted(assertions.sign(exp=assertions.world.now + 330))
    assertions.world.now += 330
    assert await assertions.world.used.delete_expired() == 0
    assertions.world.now += 31
    assert await assertions.world.used.delete_expired() == 1


async def test_assertion_of_another_key_proves_nothing(assertions: Assertions) -> None:
    assert not await assertions.accepted(assertions.sign(signer=Issuer("client-key")))
    assert not await assertions.accepted(assertions.sign(header={"kid": "other"}))
    assert not await assertions.accepted(assertions.sign(header={"jwk": SIGNER.jwk}))
    assert not await assertions.accepted(assertions.sign(header={"alg": "none"}))
    assert not await assertions.accepted(assertions.sign(header={"typ": "at+jwt"}))
    assert not await assertions.accepted("a.b.c")


async def test_assertion_proves_no_other_client(world: ProgramWorld, assertions: Assertions) -> None:
    twin = await world.client(SETTINGS)
    assert not await assertions.accepted(assertions.sign(), twin.client.client_id)
    by_secret = await world.client()
    name = by_secret.client.client_id
    assert not await assertions.accepted(assertions.sign(iss=name, sub=name), name)
    assert not await assertions.accepted(assertions.sign(iss="client-nobody", sub="client-nobody"), "client-nobody")


async def test_secret_beside_an_assertion_is_refused(world: ProgramWorld, assertions: Assertions) -> None:
    made = await world.client()
    shown = ClientProof(made.client.client_id, made.secret, assertions.sign())
    with pytest.raises(MeshError):
        await world.authenticator.authenticate(shown)


async def test_unknown_client_costs_what_a_known_one_does(assertions: Assertions) -> None:
    async def seconds(client_id: str) -> float:
        wrong = assertions.sign(signer=Issuer("client-key"), iss=client_id, sub=client_id)
        started = time.perf_counter()
        await assertions.accepted(wrong, client_id)
        return time.perf_counter() - started

    pairs = [(await seconds(assertions.client_id), await seconds("client-nobody")) for _ in range(30)]
    known, unknown = (sorted(each)[15] for each in zip(*pairs, strict=True))
    assert 0.5 < known / unknown < 2
