"""Callers without the right to what they ask for: forged tokens, other tenants, wrong credentials."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from services.auth.adapters.sealing import AesSealer
from services.auth.settings import read_key
from tests.steelthread.edge import CHECK, NOWHERE, Edge, a_check, refusal
from tests.steelthread.platform import Platform
from tests.support.tokens import Issuer, encode

CHECKED = json.dumps(a_check()).encode()


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def real_issuer(platform: Platform, kid: str) -> Issuer:
    """Returns an issuer that holds the platform's own key, as only a thief would."""
    sealed = await platform.value("auth", "SELECT encrypted_key FROM signing_keys WHERE kid = $1", kid)
    key = load_pem_private_key(AesSealer(read_key(platform.home / "auth.key")).open(sealed, kid), password=None)
    assert isinstance(key, EllipticCurvePrivateKey)
    issuer = Issuer(kid)
    issuer.key = key
    return issuer


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer ", "Basic YTpi", "garbage", "Bearer a b"])
@pytest.mark.usefixtures("nothing_stored")
async def test_without_a_token_there_is_no_answer(attacker: Edge, authorization: str | None) -> None:
    headers = {"authorization": authorization} if authorization is not None else {}
    answer = await attacker.bare("POST", CHECK, CHECKED, content_type="application/json", **headers)
    assert answer.status == 401
    assert refusal(answer)["reason"] in ("TOKEN_MISSING", "TOKEN_INVALID")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.usefixtures("nothing_stored")
async def test_a_forged_token_is_refused(platform: Platform, attacker: Edge) -> None:
    good = await attacker.token()
    claims, now = claims_of(good), int(time.time())
    head, body, signature = good.split(".")
    kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    thief, stranger = await real_issuer(platform, kid), Issuer(kid)
    other = encode(json.dumps(claims | {"tenant_id": NOWHERE}).encode())
    forged = {
        "signed by a stranger": stranger.sign(stranger.header(), claims),
        "of a key that nobody knows": Issuer("other").sign(Issuer("other").header(), claims),
        "of a key of its own": stranger.sign(stranger.header(kid=None, jwk=stranger.jwk), claims),
        "without a signature": f"{encode(json.dumps({'alg': 'none', 'typ': 'at+jwt'}).encode())}.{body}.",
        "under alg none": f"{encode(json.dumps({'alg': 'none', 'typ': 'at+jwt', 'kid': kid}).encode())}.{body}.",
        "with another body": f"{head}.{other}.{signature}",
        "cut": good[:-4],
        "not a token": "x.y.z",
        "very long": "a" * 9000,
        "expired": thief.sign(thief.header(), claims | {"iat": now - 7200, "exp": now - 3600}),
        "not valid yet": thief.sign(thief.header(), claims | {"nbf": now + 3600}),
        "for another audience": thief.sign(thief.header(), claims | {"aud": "elsewhere"}),
        "of another issuer": thief.sign(thief.header(), claims | {"iss": "https://elsewhere"}),
        "of another type": thief.sign(thief.header(typ="JWT"), claims),
    }
    for name, token in forged.items():
        answer = await attacker.send("POST", CHECK, CHECKED, token=token)
        assert (name, answer.status, refusal(answer)["reason"]) == (name, 401, "TOKEN_INVALID")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    honest = thief.sign(thief.header(), claims)
    assert (await attacker.send("GET", "/api/v1/decisions", token=honest)).status == 200


@pytest.mark.usefixtures("nothing_stored")
async def test_a_token_without_the_scope_is_refused(platform: Platform) -> None:
    reader = await platform.new_edge(scopes=["decision:read"])
    answer = await reader.send("POST", CHECK, CHECKED)
    assert (answer.status, refusal(answer)["reason"]) == (403, "SCOPE_MISSING")
    assert (await reader.send("GET", "/api/v1/decisions")).status == 200


async def test_another_tenants_decision_does_not_exist(platform: Platform, edge: Edge, attacker: Edge) -> None:
    decision = (await edge.check())["decision_id"]
    theirs = await attacker.send("GET", f"/api/v1/decisions/{decision}")
    nobodys = await attacker.send("GET", f"/api/v1/decisions/{NOWHERE}")
    assert theirs.status == nobodys.status == 404
    assert refusal(theirs) | {"request_id": ""} == refusal(nobodys) | {"request_id": ""}
    assert decision not in {row["decision_id"] for row in (await attacker.get("/api/v1/decisions"))["decisions"]}


@pytest.mark.parametrize(
    "form",
    [
        {"authorization": "Basic " + base64.b64encode(b"a:b").decode()},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic " + base64.b64encode(b"a%00:b").decode()},
    ],
    ids=["unknown", "not base64", "NUL"],
)
async def test_wrong_client_credentials_are_refused(attacker: Edge, form: dict[str, str]) -> None:
    kind = "application/x-www-form-urlencoded"
    body = b"grant_type=client_credentials"
    answer = await attacker.bare("POST", "/api/v1/oauth/token", body, content_type=kind, **form)
    assert answer.status in (400, 401)
    assert answer.json()["error"] in ("invalid_client", "invalid_request")
    assert "access_token" not in answer.json()
