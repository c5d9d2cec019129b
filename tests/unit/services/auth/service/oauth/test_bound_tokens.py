"""Tokens that are bound to the certificate of the client (RFC 8705)."""

from __future__ import annotations

import pytest

from meshkit.context import Confirmation
from services.auth.domain.clients import AuthenticationMethod, SenderConstraint
from services.auth.domain.token_requests import ClientProof, GivenProof
from tests.support.dpop import ProofKey
from tests.support.signing_in import SECRET, SignInWorld, reason_of

OWN, OTHER = "A" * 43, "B" * 42 + "A"


async def confirmation(world: SignInWorld, token: str) -> Confirmation | None:
    return (await world.verifier.verify(token)).confirmation


async def test_token_of_each_grant_is_bound_to_the_certificate(world: SignInWorld) -> None:
    world.add_client("shop-1", constraint=SenderConstraint.MTLS)
    program = await world.grant("client_credentials", certificate=OWN)
    person = await world.redeem(await world.code(), certificate=OWN)
    renewed = await world.refresh(person.refresh_token, certificate=OTHER)
    for granted, certificate in ((program, OWN), (person, OWN), (renewed, OTHER)):
        assert granted.token_type == "Bearer"
        assert await confirmation(world, granted.access.token) == Confirmation("x5t#S256", certificate)


async def test_client_whose_tokens_are_bound_gets_none_without_a_certificate(world: SignInWorld) -> None:
    world.add_client("shop-1", constraint=SenderConstraint.MTLS)
    code = await world.code()
    assert await reason_of(world.grant("client_credentials")) == "CERTIFICATE_REQUIRED"
    assert await reason_of(world.redeem(code)) == "CERTIFICATE_REQUIRED"
    assert (await world.redeem(code, certificate=OWN)).access.token


async def test_proof_of_a_key_is_no_certificate(world: SignInWorld) -> None:
    world.add_client("shop-1", constraint=SenderConstraint.MTLS)
    proof = GivenProof(
        ProofKey().proof(world.seconds(), url="https://api.example/token"), "POST", "https://api.example/token"
    )
    assert await reason_of(world.grant("client_credentials", proof=proof, certificate=OWN)) == "PROOF_INVALID"


async def test_certificate_of_another_client_binds_nothing(world: SignInWorld) -> None:
    granted = await world.grant("client_credentials", certificate=OWN)
    assert await confirmation(world, granted.access.token) is None
    world.add_client("shop-1", constraint=SenderConstraint.DPOP)
    assert await reason_of(world.grant("client_credentials", certificate=OWN)) == "PROOF_INVALID"


async def test_refresh_token_of_a_public_client_is_bound_as_well(world: SignInWorld) -> None:
    world.add_client("shop-1", method=AuthenticationMethod.NONE, constraint=SenderConstraint.MTLS)
    granted = await world.redeem(await world.code(), certificate=OWN)
    assert await reason_of(world.refresh(granted.refresh_token, certificate=OTHER)) == "PROOF_INVALID"
    assert (await world.refresh(granted.refresh_token, certificate=OWN)).access.token


async def test_introspection_says_to_which_certificate_a_token_is_bound(world: SignInWorld) -> None:
    world.add_client("shop-1", constraint=SenderConstraint.MTLS)
    granted = await world.grant("client_credentials", certificate=OWN)
    found = await world.server.introspection.introspect(ClientProof("shop-1", SECRET), granted.access.token)
    assert found is not None
    assert (found.bound.certificate, found.bound.jkt, found.token_type) == (OWN, "", "Bearer")


@pytest.mark.parametrize("shown", ["", OTHER])
async def test_claims_are_for_who_shows_the_certificate(world: SignInWorld, shown: str) -> None:
    world.add_client("shop-1", constraint=SenderConstraint.MTLS)
    granted = await world.redeem(await world.code(scope="openid case:read"), certificate=OWN)
    ask = world.server.userinfo.claims
    assert await reason_of(ask(granted.access.token, GivenProof(), shown)) == "TOKEN_INVALID"
    assert (await ask(granted.access.token, GivenProof(), OWN)).subject == world.ann.member_id
