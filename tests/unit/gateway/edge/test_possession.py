"""Tokens that are bound to a key at the edge."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from gateway.describe.openapi import LOCAL_URL
from gateway.edge.header_fields import join
from gateway.edge.possession import Held, PossessionCheck
from meshkit.context import Confirmation
from meshkit.errors import MeshError
from tests.support.dpop import ProofKey
from tests.support.gateway import PRINCIPAL, TOKEN, Gateway, Reply

KEY = ProofKey()
PATH = "/api/v1/users"
BOUND = replace(PRINCIPAL, confirmation=Confirmation("jkt", KEY.thumbprint))


def own_gateway(*, bound: bool = True) -> Gateway:
    gateway = Gateway()
    if bound:
        gateway.verifier.tokens[TOKEN] = BOUND
    return gateway


async def ask(gateway: Gateway, scheme: str, proof: str | None = None) -> Reply:
    headers = {"authorization": f"{scheme} {TOKEN}"} | ({"dpop": proof} if proof is not None else {})
    return await gateway.request("GET", PATH, headers=headers, token=None)


def proof(token: str = TOKEN) -> str:
    return KEY.proof(time.time(), "GET", LOCAL_URL + PATH, token)


async def test_bound_token_is_good_with_a_proof_of_its_key_once() -> None:
    gateway, shown = own_gateway(), proof()
    assert (await ask(gateway, "DPoP", shown)).status == 200
    again = await ask(gateway, "DPoP", shown)
    assert (again.status, again.json["reason"]) == (401, "PROOF_INVALID")
    assert (await ask(gateway, "dpop", proof())).status == 200
    assert len(gateway.upstream.calls) == 2


@pytest.mark.parametrize(
    ("scheme", "shown", "reason"),
    [
        ("Bearer", None, "TOKEN_INVALID"),
        ("Bearer", proof(), "TOKEN_INVALID"),
        ("DPoP", None, "PROOF_INVALID"),
        ("DPoP", "", "PROOF_INVALID"),
        ("DPoP", "a.b.c", "PROOF_INVALID"),
        ("DPoP", proof(token=""), "PROOF_INVALID"),
        ("DPoP", ProofKey().proof(time.time(), "GET", LOCAL_URL + PATH, TOKEN), "PROOF_INVALID"),
        ("DPoP", KEY.proof(time.time(), "POST", LOCAL_URL + PATH, TOKEN), "PROOF_INVALID"),
        ("DPoP", KEY.proof(time.time(), "GET", LOCAL_URL, TOKEN), "PROOF_INVALID"),
    ],
)
async def test_bound_token_without_its_key_is_refused(scheme: str, shown: str | None, reason: str) -> None:
    gateway = own_gateway()
    reply = await ask(gateway, scheme, shown)
    assert (reply.status, reply.json["reason"]) == (401, reason)
    assert gateway.upstream.calls == []


async def test_token_that_is_bound_to_nothing_is_a_bearers() -> None:
    gateway = own_gateway(bound=False)
    reply = await ask(gateway, "DPoP", proof())
    assert (reply.status, reply.json["reason"]) == (401, "TOKEN_INVALID")
    assert (await ask(gateway, "Bearer")).status == 200


async def test_proof_of_a_key_is_no_certificate() -> None:
    gateway = own_gateway()
    gateway.verifier.tokens[TOKEN] = replace(PRINCIPAL, confirmation=Confirmation("x5t#S256", "A" * 43))
    for scheme in ("Bearer", "DPoP"):
        assert (await ask(gateway, scheme, proof())).json["reason"] == "TOKEN_INVALID"


def test_two_proofs_are_none() -> None:
    assert join([(b"dpop", b"1"), (b"dpop", b"2")])[1] == b"dpop"


def test_proofs_are_forgotten_when_they_are_too_old_and_never_before() -> None:
    now, place = 1_800_000_000.0, ("GET", PATH)
    check = PossessionCheck(LOCAL_URL, lambda: now, most=2)
    bound = Confirmation("jkt", KEY.thumbprint)

    def show(jti: str) -> None:
        shown = KEY.proof(now, "GET", LOCAL_URL + PATH, "t", jti=jti)
        check.check(bound, "t", Held(shown.encode()), place)

    show("1")
    show("2")
    with pytest.raises(MeshError, match="more proofs"):
        show("3")
    now += 61
    show("3")
    show("1")
