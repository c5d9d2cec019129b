"""The token verifier against an honest issuer and every forgery that we know of."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import random
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from meshkit.context import SYSTEM_TENANT, Principal, Quota
from meshkit.errors import Kind, MeshError, unavailable
from meshkit.identity import tokens
from meshkit.identity.claims import tenant_audience
from meshkit.identity.tokens import TokenVerifier
from tests.support.clock import Clock
from tests.support.tokens import AUDIENCE, ISSUER, TENANT, TRUSTED, Issuer, encode

NOW = 1_800_000_000.0
CLAIMS = (
    "iss", "aud", "sub", "client_id", "tenant_id", "scope", "roles", "rate_limit", "currency", "iat", "exp", "jti"
)  # fmt: skip
NUMBERS = ("rate_limit", "iat", "exp")
VALUES: tuple[Any, ...] = (None, True, [], {}, [["x"]], {"a": 1}, 1.5, "1")
WRONG = [(claim, value) for claim in NUMBERS for value in VALUES if (claim, value) != ("iat", 1.5)]
WRONG += [(claim, value) for claim in CLAIMS if claim not in NUMBERS for value in (*VALUES[:-1], 1)]


class Keys:
    """A key source that counts its calls and can be down."""

    def __init__(self, *issuers: Issuer) -> None:
        self.published = [issuer.jwk for issuer in issuers]
        self.calls = 0
        self.down = False

    async def __call__(self) -> list[dict[str, str]]:
        self.calls += 1
        await asyncio.sleep(0)
        if self.down:
            raise unavailable("auth")
        return self.published


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def clock() -> Clock[float]:
    return Clock(NOW)


@pytest.fixture
def keys(issuer: Issuer) -> Keys:
    return Keys(issuer)


@pytest.fixture
def verifier(keys: Keys, clock: Clock[float]) -> TokenVerifier:
    return TokenVerifier(keys, TRUSTED, clock=clock)


async def accepted(verifier: TokenVerifier, token: str) -> None:
    assert (await verifier.verify(token)).client_id == "acme-1"


async def refused(verifier: TokenVerifier, token: str) -> None:
    """Asserts that a token is refused as invalid, and that the refusal is not remembered as anything else."""
    for _ in range(2):
        with pytest.raises(MeshError) as caught:
            await verifier.verify(token)
        assert (caught.value.kind, caught.value.reason) == (Kind.UNAUTHENTICATED, "TOKEN_INVALID")
        assert token == "" or token not in caught.value.message
    assert verifier.verify_cached(token) is None


async def test_good_token_yields_its_principal(issuer: Issuer, verifier: TokenVerifier) -> None:
    principal = await verifier.verify(issuer.token(NOW))
    scopes = frozenset({"decision:create", "user:read"})
    assert principal == Principal(
        TENANT, "acme-1", scopes, 100, "USD", "acme-1", Quota(), frozenset({"service"}),
        token_id="01a1fc5a-3c62-7000-a1f6-6dcddde11fa1", issued_at=NOW, named_scopes=scopes,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "quota"),
    [
        ({}, Quota()),
        ({"tenant": 500}, Quota(tenant=500)),
        ({"user": 5, "classes": {"read": 9, "decision": 7}}, Quota(user=5, classes=(("decision", 7), ("read", 9)))),
        ({"tenant": 500, "of-a-later-version": True}, Quota(tenant=500)),
    ],
)
async def test_token_carries_the_plan_of_its_tenant(
    issuer: Issuer, verifier: TokenVerifier, claim: dict[str, Any], quota: Quota
) -> None:
    assert (await verifier.verify(issuer.token(NOW, quota=claim))).quota == quota


@pytest.mark.parametrize(
    "claim",
    [None, 500, [], {"tenant": "500"}, {"tenant": -1}, {"tenant": 1.5}, {"tenant": True}, {"user": None},
     {"tenant": 10**10}, {"classes": []}, {"classes": {"read": None}}, {"classes": {"read": -1}}],
)  # fmt: skip
async def test_token_with_an_unusable_plan_is_refused(issuer: Issuer, verifier: TokenVerifier, claim: Any) -> None:
    with pytest.raises(MeshError, match="lacks quota"):
        await verifier.verify(issuer.token(NOW, quota=claim))


async def test_reserved_tenant_of_the_platform_is_refused(issuer: Issuer, verifier: TokenVerifier) -> None:
    await refused(verifier, issuer.token(NOW, tenant_id=SYSTEM_TENANT))


async def test_subject_may_be_another_than_the_client(issuer: Issuer, verifier: TokenVerifier) -> None:
    principal = await verifier.verify(issuer.token(NOW, sub="user-1"))
    assert (principal.client_id, principal.subject) == ("acme-1", "user-1")


async def test_permit_is_asked_for_tokens_that_were_never_good_and_for_no_others(
    issuer: Issuer, verifier: TokenVerifier, clock: Clock[float]
) -> None:
    asked: list[None] = []
    token = issuer.token(NOW)
    await verifier.verify(token, lambda: asked.append(None))
    seen = len(asked)
    assert seen > 0
    for _ in range(3):
        clock.now += 61
        await verifier.verify(token, lambda: asked.append(None))
    clock.now += 3600
    with pytest.raises(MeshError, match="has expired"):
        await verifier.verify(token, lambda: asked.append(None))
    assert len(asked) == seen


async def test_permit_can_refuse_before_anything_is_computed(issuer: Issuer, verifier: TokenVerifier) -> None:
    def refuse() -> None:
        raise MeshError(Kind.RESOURCE_EXHAUSTED, "RATE_LIMITED", "too many")

    with pytest.raises(MeshError, match="too many"):
        await verifier.verify("x" * 100_000, refuse)


@pytest.mark.parametrize("claim", CLAIMS)
async def test_token_without_a_required_claim_is_refused(issuer: Issuer, verifier: TokenVerifier, claim: str) -> None:
    await refused(verifier, issuer.token(NOW, without=[claim]))


@pytest.mark.parametrize(("claim", "value"), WRONG, ids=repr)
async def test_claim_of_a_wrong_type_is_refused(
    issuer: Issuer, verifier: TokenVerifier, claim: str, value: Any
) -> None:
    await refused(verifier, issuer.token(NOW, **{claim: value}))


@pytest.mark.parametrize(
    "claims",
    [
        {"rate_limit": -1},
        {"rate_limit": 10**30},
        {"tenant_id": ""},
        {"tenant_id": "a\0b"},
        {"tenant_id": "a" * 129},
        {"client_id": ""},
    ],
    ids=str,
)
async def test_claim_that_nobody_could_go_by_is_refused(
    issuer: Issuer, verifier: TokenVerifier, claims: dict[str, Any]
) -> None:
    await refused(verifier, issuer.token(NOW, **claims))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": ISSUER + "/"},
        {"iss": ISSUER.upper()},
        {"aud": "other"},
        {"aud": ["other", "rampart2"]},
        {"aud": []},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"iat": NOW + 31},
        {"nbf": NOW + 31},
        {"nbf": "soon"},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**400},
        {"exp": -1},
        {"iat": -1},
        {"iat": float("-inf")},
    ],
    ids=str,
)
async def test_token_for_others_or_for_another_time_is_refused(
    issuer: Issuer, verifier: TokenVerifier, claims: dict[str, Any]
) -> None:
    await refused(verifier, issuer.token(NOW, **claims))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["other", tenant_audience(AUDIENCE, TENANT)]},
        {"exp": NOW + 1},
        {"iat": NOW + 30},
        {"nbf": NOW},
        {"scope": ""},
        {"extra": {}},
    ],
    ids=str,
)
async def test_unusual_but_valid_token_is_accepted(
    issuer: Issuer, verifier: TokenVerifier, claims: dict[str, Any]
) -> None:
    await accepted(verifier, issuer.token(NOW, **claims))


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT", "Application/at+JWT"])
async def test_type_of_an_access_token_may_be_written_as_a_whole_media_type(
    issuer: Issuer, verifier: TokenVerifier, typ: str
) -> None:
    await accepted(verifier, issuer.token(NOW, header=issuer.header(typ=typ)))


@pytest.mark.parametrize(
    "changed",
    [
        {"typ": "JWT"},
        {"typ": "application/jwt"},
        {"typ": "application/application/at+jwt"},
        {"typ": "application/at+jwt; charset=utf-8"},
        {"typ": "text/at+jwt"},
        {"typ": " at+jwt"},
        {"extra": "\ud800"},
        {"typ": None},
        {"typ": ["at+jwt"]},
        {"typ": "logout+jwt"},
        {"alg": "ES384"},
        {"alg": "es256"},
        {"alg": "RS256"},
        {"alg": ["ES256"]},
        {"alg": None},
        {"kid": None},
        {"kid": 7},
        {"kid": ["key-1"]},
        {"kid": "../../key-1"},
        {"kid": "key-1' OR '1'='1"},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"b64": False},
        {"zip": "DEF"},
    ],
    ids=str,
)
async def test_header_that_our_issuer_does_not_write_is_refused(
    issuer: Issuer, verifier: TokenVerifier, changed: dict[str, Any]
) -> None:
    await refused(verifier, issuer.token(NOW, header=issuer.header(**changed)))


@pytest.mark.parametrize("name", ["alg", "typ", "kid"])
async def test_header_without_a_required_member_is_refused(issuer: Issuer, verifier: TokenVerifier, name: str) -> None:
    header = issuer.header()
    del header[name]
    await refused(verifier, issuer.token(NOW, header=header))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "AA"])
async def test_unsigned_token_is_refused(issuer: Issuer, verifier: TokenVerifier, alg: str, signature: str) -> None:
    signed = issuer.token(NOW, header=issuer.header(alg=alg)).rpartition(".")[0]
    await refused(verifier, f"{signed}.{signature}")


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
async def test_public_key_used_as_a_shared_secret_is_refused(issuer: Issuer, verifier: TokenVerifier, alg: str) -> None:
    public = issuer.key.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = issuer.token(NOW, header=issuer.header(alg=alg)).rpartition(".")[0]
    for secret in (pem, pem.strip(), der, json.dumps(issuer.jwk).encode(), b""):
        digest = hmac.new(secret, signed.encode(), f"sha{alg[2:]}").digest()
        await refused(verifier, f"{signed}.{encode(digest)}")


@pytest.mark.parametrize("kid", ["key-1", "key-of-the-attacker"])
async def test_key_that_the_token_brings_along_is_not_used(issuer: Issuer, verifier: TokenVerifier, kid: str) -> None:
    attacker = Issuer(kid)
    for extra in ({"jwk": attacker.jwk}, {"jku": "https://evil.example/jwks.json"}, {"x5u": "https://evil.example"}):
        await refused(verifier, attacker.token(NOW, header=attacker.header(**extra)))
    await refused(verifier, attacker.token(NOW))


async def test_every_changed_bit_of_the_signature_is_noticed(issuer: Issuer, verifier: TokenVerifier) -> None:
    token = issuer.token(NOW)
    signed, _, signature = token.rpartition(".")
    good = base64.urlsafe_b64decode(signature + "==")
    await accepted(verifier, token)
    for index in range(len(good)):
        bad = bytearray(good)
        bad[index] ^= 1 << (index % 8)
        await refused(verifier, f"{signed}.{encode(bytes(bad))}")


async def test_signature_of_the_wrong_shape_is_refused(issuer: Issuer, verifier: TokenVerifier) -> None:
    signed, _, signature = issuer.token(NOW).rpartition(".")
    good = base64.urlsafe_b64decode(signature + "==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    der = issuer.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
    shapes = [
        b"", bytes(64), bytes(63) + b"\1", good[:63], good + b"\0", good[:32], good * 2, der,
        order.to_bytes(32) * 2, good[:32] + bytes(32), bytes(32) + good[32:], b"\0" + good[:32] + b"\0" + good[32:],
    ]  # fmt: skip
    for shape in shapes:
        await refused(verifier, f"{signed}.{encode(shape)}")


async def test_changed_payload_is_refused(issuer: Issuer, verifier: TokenVerifier) -> None:
    header, _, rest = issuer.token(NOW).partition(".")
    signature = rest.rpartition(".")[2]
    richer = encode(json.dumps(issuer.claims(NOW, scope="fraud:backfill")).encode())
    await refused(verifier, f"{header}.{richer}.{signature}")


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b"1", b'"x"', b"{", b"\xff\xfe", b"[" * 500], ids=repr)
async def test_signed_payload_that_is_no_object_is_refused(
    issuer: Issuer, verifier: TokenVerifier, payload: bytes
) -> None:
    await refused(verifier, issuer.sign(issuer.header(), payload))


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize(
    "member",
    [
        nested(33), nested(1_000), "[" * 3_000 + "]" * 3_000, "[" * 3_000, '"\\ud800"', '{"\\udc00": 1}', "NaN",
        "-Infinity", "9" * 5_000, '1, "sub": "somebody else"',
    ],
    ids=lambda member: member[:12],
)  # fmt: skip
async def test_claims_that_parsers_disagree_about_are_refused(
    issuer: Issuer, verifier: TokenVerifier, member: str
) -> None:
    claims = json.dumps(issuer.claims(NOW))
    await refused(verifier, issuer.sign(issuer.header(), f'{claims[:-1]}, "extra": {member}}}'.encode()))


@pytest.mark.parametrize("claim", ["sub", "client_id", "tenant_id", "scope", "currency", "jti"])
async def test_half_of_a_surrogate_pair_is_no_text(issuer: Issuer, verifier: TokenVerifier, claim: str) -> None:
    claims: dict[str, Any] = {claim: "x\ud800"}
    await refused(verifier, issuer.token(NOW, **claims))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("part", ["header", "claims"])
async def test_text_in_another_encoding_than_utf_8_is_refused(
    issuer: Issuer, verifier: TokenVerifier, encoding: str, part: str
) -> None:
    header, claims = json.dumps(issuer.header()), json.dumps(issuer.claims(NOW))
    encodings = {"header": "utf-8", "claims": "utf-8"} | {part: encoding}
    await accepted(verifier, issuer.sign(header.encode(), claims.encode()))
    await refused(verifier, issuer.sign(header.encode(encodings["header"]), claims.encode(encodings["claims"])))


async def test_member_that_stands_twice_in_the_header_is_refused(issuer: Issuer, verifier: TokenVerifier) -> None:
    for twice in (b'"alg":"none",', b'"typ":"JWT",', b'"kid":"other",', b'"\\u006bid":"other",'):
        header = json.dumps(issuer.header()).encode()
        await refused(verifier, issuer.sign(b"{" + twice + header[1:], issuer.claims(NOW)))


async def test_token_that_is_no_text_of_bytes_is_refused(issuer: Issuer, verifier: TokenVerifier) -> None:
    await refused(verifier, "\ud800")
    await refused(verifier, issuer.token(NOW) + "\udfff")


@pytest.mark.parametrize(
    "header",
    [b"", b"null", b"[]", b"1", b'"x"', b"{", b"\xff", b"[" * 4000, b'{"a":' * 80, b'{"alg":"ES256"' + b" " * 3000],
    ids=lambda value: repr(value[:12]),
)
async def test_header_that_is_no_object_is_refused(issuer: Issuer, verifier: TokenVerifier, header: bytes) -> None:
    await refused(verifier, issuer.sign(header, issuer.claims(NOW)))


async def test_token_above_the_size_limit_is_refused(issuer: Issuer, verifier: TokenVerifier) -> None:
    await accepted(verifier, issuer.token(NOW, padding="x" * 5000))
    await refused(verifier, issuer.token(NOW, padding="x" * 8000))


async def test_garbage_is_refused_and_nothing_else_happens(issuer: Issuer, verifier: TokenVerifier) -> None:
    source = random.Random(7)
    good = issuer.token(NOW)
    texts = [
        "",
        ".",
        "..",
        "...",
        "....",
        "a.b.c",
        "é.é.é",
        "\0",
        good + ".",
        "." + good,
        good + " ",
        good.replace(".", ""),
    ]
    texts += ["".join(chr(source.randrange(1, 0x2FF)) for _ in range(source.randrange(200))) for _ in range(200)]
    for _ in range(500):
        at = source.randrange(len(good) - 1)
        texts.append(good[:at] + source.choice("AZaz09-_.=~\n") + good[at + 1 :])
    for text in texts:
        if text != good:
            await refused(verifier, text)


async def test_principal_is_cached_for_a_minute(issuer: Issuer, verifier: TokenVerifier, clock: Clock[float]) -> None:
    token = issuer.token(NOW)
    assert verifier.verify_cached(token) is None
    await verifier.verify(token)
    clock.now = NOW + 59.9
    assert verifier.verify_cached(token) is not None
    clock.now = NOW + 60
    assert verifier.verify_cached(token) is None


async def test_principal_is_cached_no_longer_than_its_token(
    issuer: Issuer, verifier: TokenVerifier, clock: Clock[float]
) -> None:
    token = issuer.token(NOW, exp=NOW + 5)
    await verifier.verify(token)
    clock.now = NOW + 4.9
    assert verifier.verify_cached(token) is not None
    clock.now = NOW + 5
    await refused(verifier, token)


async def test_cache_is_bounded(issuer: Issuer, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "CACHE_ENTRIES", 3)
    many = [issuer.token(NOW, jti=str(number)) for number in range(5)]
    for token in many:
        await verifier.verify(token)
    assert [verifier.verify_cached(token) is not None for token in many] == [False, False, True, True, True]


async def test_flood_of_unknown_keys_fetches_once_in_ten_seconds(
    verifier: TokenVerifier, keys: Keys, clock: Clock[float], issuer: Issuer
) -> None:
    await verifier.verify(issuer.token(NOW))
    assert keys.calls == 1
    clock.now += 10
    forged = [Issuer("x").token(NOW, header=issuer.header(kid=f"unknown-{number}")) for number in range(50)]
    await asyncio.gather(*[refused(verifier, token) for token in forged])
    assert keys.calls == 2
    clock.now += 9.9
    await refused(verifier, forged[0])
    assert keys.calls == 2
    clock.now += 0.1
    await refused(verifier, forged[0])
    assert keys.calls == 3


async def test_flood_of_unknown_keys_spares_an_issuer_that_is_down(
    verifier: TokenVerifier, keys: Keys, clock: Clock[float], issuer: Issuer
) -> None:
    await verifier.verify(issuer.token(NOW))
    keys.down = True
    clock.now += 10
    for number in range(20):
        await refused(verifier, issuer.token(NOW, header=issuer.header(kid=f"unknown-{number}")))
    assert keys.calls == 2


async def test_known_keys_verify_while_the_issuer_is_down(
    verifier: TokenVerifier, keys: Keys, clock: Clock[float], issuer: Issuer
) -> None:
    await verifier.verify(issuer.token(NOW))
    keys.down = True
    clock.now += 600
    await verifier.refresh()
    await accepted(verifier, issuer.token(NOW))


async def test_without_any_key_the_answer_is_unavailable_not_invalid(
    verifier: TokenVerifier, keys: Keys, clock: Clock[float], issuer: Issuer
) -> None:
    keys.down = True
    with pytest.raises(MeshError) as caught:
        await verifier.verify(issuer.token(NOW))
    assert (caught.value.kind, caught.value.metadata) == (Kind.UNAVAILABLE, {"dependency": "auth"})
    assert not verifier.ready
    keys.down = False
    clock.now += 1
    await accepted(verifier, issuer.token(NOW))


async def test_new_key_is_fetched_and_a_refusal_before_is_forgotten(
    verifier: TokenVerifier, keys: Keys, clock: Clock[float], issuer: Issuer
) -> None:
    await verifier.verify(issuer.token(NOW))
    successor = Issuer("key-2")
    await refused(verifier, successor.token(NOW))
    keys.published = [issuer.jwk, successor.jwk]
    clock.now += 10
    await accepted(verifier, successor.token(NOW))


async def test_key_that_is_no_longer_published_stops_verifying(
    verifier: TokenVerifier, keys: Keys, clock: Clock[float], issuer: Issuer
) -> None:
    await verifier.verify(issuer.token(NOW))
    keys.published = [Issuer("key-2").jwk]
    clock.now += 60
    await verifier.refresh()
    await refused(verifier, issuer.token(NOW))


async def test_time_that_a_verified_token_has_left_is_known(
    verifier: TokenVerifier, issuer: Issuer, clock: Clock[float]
) -> None:
    token = issuer.token(NOW, exp=int(NOW) + 600)
    assert verifier.remaining(token) == 0
    await verifier.verify(token)
    assert verifier.remaining(token) == 600
    clock.now += 599
    assert verifier.remaining(token) == 1
    clock.now += 5
    assert verifier.remaining(token) == 0


async def test_refresh_asks_once_a_minute(verifier: TokenVerifier, keys: Keys, clock: Clock[float]) -> None:
    for seconds in (0, 30, 59, 60, 61, 119, 120):
        clock.now = NOW + seconds
        await verifier.refresh()
    assert keys.calls == 3


async def test_concurrent_first_calls_fetch_once(verifier: TokenVerifier, keys: Keys, issuer: Issuer) -> None:
    await asyncio.gather(*[verifier.verify(issuer.token(NOW, jti=str(number))) for number in range(20)])
    assert keys.calls == 1


async def test_keys_of_other_kinds_are_left_out(issuer: Issuer, clock: Clock[float]) -> None:
    keys = Keys(issuer)
    keys.published.insert(0, {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"})
    verifier = TokenVerifier(keys, TRUSTED, clock=clock)
    await accepted(verifier, issuer.token(NOW))
    signed = issuer.token(NOW, header={"alg": "HS256", "typ": "at+jwt", "kid": "shared"}).rpartition(".")[0]
    await refused(verifier, f"{signed}.{encode(hmac.digest(b'secret', signed.encode(), 'sha256'))}")


async def test_a_caller_that_leaves_takes_the_keys_from_nobody(issuer: Issuer, clock: Clock[float]) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()
    calls = 0

    async def slow() -> list[dict[str, str]]:
        nonlocal calls
        calls += 1
        asked.set()
        await answer.wait()
        return [issuer.jwk]

    verifier = TokenVerifier(slow, TRUSTED, clock=clock)
    first = asyncio.create_task(verifier.verify(issuer.token(NOW)))
    await asked.wait()
    second = asyncio.create_task(verifier.verify(issuer.token(NOW)))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    third = asyncio.create_task(verifier.verify(issuer.token(NOW)))
    await asyncio.sleep(0)
    answer.set()
    assert [(await second).client_id, (await third).client_id] == ["acme-1"] * 2
    assert calls == 1
