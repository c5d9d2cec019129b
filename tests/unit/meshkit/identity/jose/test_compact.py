"""Tokens that are forged, cut, swapped, stuffed or meant for something else, each refused before its signature."""

from __future__ import annotations

import base64
import hmac
import json
import random
from typing import Any

import pytest

from meshkit.identity.jose.compact import JwsError, JwsKind
from meshkit.identity.jose.keys import read_key
from meshkit.identity.jose.keysets import read_keys
from tests.support.signers import SIGNERS, Signer, signer
from tests.support.tokens import encode

KIND = JwsKind(frozenset({"ES256", "RS256"}), frozenset({"at+jwt"}))
LENIENT = JwsKind(frozenset(SIGNERS), frozenset({"jwt"}), typ_required=False, kid_required=False)
PROOF = JwsKind(frozenset({"ES256"}), frozenset({"dpop+jwt"}), kid_required=False, brings_key=True)
HOLDER, RSA = signer("ES256"), signer("RS256")
KEYS = read_keys([HOLDER.jwk | {"kid": "ec"}, RSA.jwk | {"kid": "rsa"}], SIGNERS)
HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": "ec"}
PAYLOAD = b'{"sub": "acme-1"}'
GOOD = HOLDER.sign(HEADER, PAYLOAD)


def payload(token: str, kind: JwsKind = KIND) -> bytes:
    unverified = kind.read(token)
    return unverified.verified(KEYS.find(unverified.kid, unverified.algorithm))


def refusal(token: str, kind: JwsKind = KIND) -> str:
    """Returns why a token is refused, whether before its signature is looked at or by it."""
    with pytest.raises(JwsError) as caught:
        payload(token, kind)
    assert token == "" or token not in str(caught.value)
    return str(caught.value)


def raw(header: bytes, holder: Signer = HOLDER, body: bytes = PAYLOAD) -> str:
    """Returns a token with a good signature over a header of any octets."""
    signed = f"{encode(header)}.{encode(body)}"
    return f"{signed}.{encode(holder.signature(signed.encode()))}"


def resigned(signed: str) -> str:
    """Returns a token with a good signature over a text that may not be what it should."""
    return f"{signed}.{encode(HOLDER.signature(signed.encode()))}"


def test_good_token_yields_its_payload() -> None:
    assert payload(GOOD) == PAYLOAD
    assert payload(RSA.sign({**HEADER, "alg": "RS256", "kid": "rsa"}, PAYLOAD)) == PAYLOAD


@pytest.mark.parametrize("algorithms", [set(), {"none"}, {"HS256"}, {"ES256", "HS512"}, {"ES256K"}, {""}])
def test_no_kind_of_token_can_allow_an_algorithm_that_is_not_asymmetric(algorithms: set[str]) -> None:
    with pytest.raises(ValueError, match="algorithms"):
        JwsKind(frozenset(algorithms), frozenset({"at+jwt"}))


@pytest.mark.parametrize("algorithm", SIGNERS)
def test_kind_accepts_each_algorithm_that_it_lists_and_no_other(algorithm: str) -> None:
    holder = signer(algorithm)
    kind = JwsKind(frozenset({algorithm}), frozenset({"at+jwt"}))
    token = holder.sign({**HEADER, "alg": algorithm}, PAYLOAD)
    key = read_key(holder.jwk, SIGNERS)
    assert kind.read(token).verified([key]) == PAYLOAD
    others = JwsKind(frozenset(SIGNERS) - {algorithm}, kind.types)
    with pytest.raises(JwsError, match="another algorithm"):
        others.read(token)


def test_header_cannot_choose_the_algorithm_of_a_key() -> None:
    """The key says RS256; the token says PS256, with a signature that PS256 verifies."""
    key = read_key(RSA.jwk | {"alg": "RS256"}, SIGNERS)
    forged = signer("PS256").sign({"alg": "PS256", "kid": "rsa"}, PAYLOAD)
    with pytest.raises(JwsError, match="wrong signature"):
        LENIENT.read(forged).verified([key])


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "HS256", "HS512", "es256", "ES256 ", "", None, 7, ["ES256"]])
@pytest.mark.parametrize("kind", [KIND, LENIENT, PROOF], ids=["token", "lenient", "proof"])
def test_algorithm_that_is_not_listed_is_refused_before_anything_else(alg: Any, kind: JwsKind) -> None:
    header = HEADER | {"alg": alg}
    assert "another algorithm" in refusal(HOLDER.sign(header, PAYLOAD), kind)
    signed = HOLDER.sign(header, PAYLOAD).rpartition(".")[0]
    for signature in ("", "AA", encode(hmac.digest(json.dumps(HOLDER.jwk).encode(), signed.encode(), "sha256"))):
        assert "another algorithm" in refusal(f"{signed}.{signature}", kind)


def test_key_of_another_type_under_the_same_name_is_not_used() -> None:
    for algorithm, holder, kid in (("ES256", HOLDER, "rsa"), ("RS256", RSA, "ec"), ("RS256", HOLDER, "ec")):
        assert "wrong signature" in refusal(holder.sign({**HEADER, "alg": algorithm, "kid": kid}, PAYLOAD))


def test_each_of_the_keys_that_share_a_name_may_have_signed() -> None:
    keys = read_keys([HOLDER.jwk | {"kid": "x"}, RSA.jwk | {"kid": "x"}], SIGNERS)
    for holder in (HOLDER, RSA):
        token = KIND.read(holder.sign({**HEADER, "alg": holder.algorithm, "kid": "x"}, PAYLOAD))
        assert token.verified(keys.find("x", token.algorithm)) == PAYLOAD


@pytest.mark.parametrize("kid", [None, 7, ["ec"], {"ec": 1}, "x" * 257, True])
@pytest.mark.parametrize("kind", [KIND, LENIENT])
def test_name_of_a_key_is_a_short_text(kid: Any, kind: JwsKind) -> None:
    assert "unusable header" in refusal(HOLDER.sign(HEADER | {"kid": kid, "typ": next(iter(kind.types))}), kind)


@pytest.mark.parametrize(
    "kid",
    ["", "EC", "ec ", "../../ec", "ec' OR '1'='1", "ec\0", "/dev/null", "https://evil.example/jwks", "\u0435c"],
)
def test_name_of_a_key_is_only_looked_up(kid: str) -> None:
    assert "wrong signature" in refusal(HOLDER.sign(HEADER | {"kid": kid}, PAYLOAD))


def test_name_may_be_absent_where_the_kind_says_so() -> None:
    nameless = HOLDER.sign({"alg": "ES256"}, PAYLOAD)
    assert payload(nameless, LENIENT) == PAYLOAD
    assert "unusable header" in refusal(HOLDER.sign({"alg": "ES256", "typ": "at+jwt"}, PAYLOAD))


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"])
def test_type_may_be_written_as_a_whole_media_type(typ: str) -> None:
    assert payload(HOLDER.sign(HEADER | {"typ": typ}, PAYLOAD)) == PAYLOAD


@pytest.mark.parametrize(
    "typ", ["JWT", "dpop+jwt", "logout+jwt", "application/application/at+jwt", "text/at+jwt", "at+jwt ", "", None, 7,
            ["at+jwt"], "at+jwt; charset=utf-8"],
)  # fmt: skip
def test_token_of_another_type_is_refused(typ: Any) -> None:
    assert "another type" in refusal(HOLDER.sign(HEADER | {"typ": typ}, PAYLOAD))


def test_token_without_a_type_is_refused_unless_the_kind_leaves_it_away() -> None:
    bare = HOLDER.sign({"alg": "ES256", "kid": "ec"}, PAYLOAD)
    assert "another type" in refusal(bare)
    assert payload(bare, LENIENT) == PAYLOAD
    assert "another type" in refusal(GOOD, LENIENT)
    assert "another type" in refusal(HOLDER.sign({"alg": "ES256", "kid": "ec", "typ": None}), LENIENT)


REFUSED_MEMBERS: tuple[dict[str, Any], ...] = (
    {"crit": []}, {"crit": ["exp"], "exp": 1}, {"crit": ["b64"], "b64": False}, {"crit": None}, {"b64": False},
    {"b64": True}, {"zip": "DEF"}, {"enc": "A256GCM"}, {"jku": "https://evil.example/jwks.json"}, {"jku": None},
    {"x5u": "https://evil.example/chain.pem"}, {"x5c": ["MIIB"]}, {"x5c": []},
)  # fmt: skip


@pytest.mark.parametrize("members", REFUSED_MEMBERS, ids=str)
@pytest.mark.parametrize("kind", [KIND, LENIENT, PROOF], ids=["token", "lenient", "proof"])
def test_header_that_asks_for_more_is_refused_whatever_the_kind(members: dict[str, Any], kind: JwsKind) -> None:
    header = {"alg": "ES256", "typ": next(iter(kind.types)), "kid": "ec"} | members
    if kind.brings_key:
        header |= {"jwk": HOLDER.jwk}
    assert "unusable header" in refusal(HOLDER.sign(header, PAYLOAD), kind)


@pytest.mark.parametrize("jwk", [HOLDER.jwk, None, {}, "x"], ids=str)
def test_token_does_not_bring_its_key_along(jwk: Any) -> None:
    assert "unusable header" in refusal(HOLDER.sign(HEADER | {"jwk": jwk}, PAYLOAD))


def test_proof_of_possession_is_verified_with_the_key_that_it_brings() -> None:
    proof = PROOF.read(HOLDER.sign({"alg": "ES256", "typ": "dpop+jwt", "jwk": HOLDER.jwk}, PAYLOAD))
    assert proof.key is not None
    assert proof.verified([proof.key]) == PAYLOAD
    thief = PROOF.read(HOLDER.sign({"alg": "ES256", "typ": "dpop+jwt", "jwk": Signer("ES256").jwk}, PAYLOAD))
    assert thief.key is not None
    with pytest.raises(JwsError, match="wrong signature"):
        thief.verified([thief.key])


def test_proof_without_a_key_is_refused() -> None:
    assert "unusable header" in refusal(HOLDER.sign({"alg": "ES256", "typ": "dpop+jwt"}), PROOF)


@pytest.mark.parametrize(
    "jwk",
    [HOLDER.jwk | {"d": "AQAB"}, HOLDER.jwk | {"use": "enc"}, HOLDER.jwk | {"alg": "ES384"}, RSA.jwk, {}, None, "x",
     {"kty": "oct", "k": "AAAA"}],
    ids=lambda jwk: str(jwk)[-30:],
)  # fmt: skip
def test_proof_with_an_unusable_key_is_refused(jwk: Any) -> None:
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk}
    assert "unusable key" in refusal(HOLDER.sign(header, PAYLOAD), PROOF)


HEAD = json.dumps(HEADER).encode()


@pytest.mark.parametrize(
    "header",
    [
        b"", b"null", b"[]", b"1", b'"ES256"', b"{", HEAD + b"}", b"\xef\xbb\xbf" + HEAD,
        HEAD.decode().encode("utf-16"),
        b"\xff" + HEAD, HEAD + b"\0", HEAD[:-1] + b', "alg": "none"}', HEAD[:-1] + b', "alg": "ES256"}',
        HEAD[:-1] + b', "\\u0061lg": "none"}', HEAD[:-1] + b', "kid": "rsa"}', HEAD[:-1] + b', "typ": "JWT"}',
        HEAD[:-1] + b', "x": NaN}', HEAD[:-1] + b', "x": "\\ud800"}', HEAD[:-1] + b', "x": "\xed\xa0\x80"}',
        HEAD[:-1] + b', "x": ' + b"[" * 40 + b"]" * 40 + b"}", HEAD.replace(b'"', b"'"), HEAD[:-1] + b", }",
    ],
    ids=lambda header: repr(header[-24:]),
)  # fmt: skip
def test_header_that_is_not_one_object_of_strict_json_is_refused(header: bytes) -> None:
    assert "malformed" in refusal(raw(header))


def test_white_space_within_the_json_of_a_header_is_no_matter() -> None:
    assert payload(raw(b" " + json.dumps(HEADER, indent=2).encode() + b"\n")) == PAYLOAD


def test_token_is_as_long_as_its_kind_may_be_and_no_longer() -> None:
    def of(length: int) -> str:
        left = length - len(HOLDER.sign(HEADER, b""))
        return HOLDER.sign(HEADER, b"x" * (left * 3 // 4))

    assert len(of(8192)) == 8192
    assert payload(of(8192)).startswith(b"xxx")
    assert "too long" in refusal(of(8194))
    small = JwsKind(KIND.algorithms, KIND.types, max_octets=len(GOOD) - 1)
    assert "too long" in refusal(GOOD, small)


def test_nothing_is_parsed_of_a_token_that_is_too_long() -> None:
    assert "too long" in refusal("\ud800" * 8193)


PARTS = GOOD.split(".")


@pytest.mark.parametrize(
    "token",
    [
        "", ".", "..", "...", PARTS[0], ".".join(PARTS[:2]), f"{PARTS[0]}.{PARTS[1]}.", f"{PARTS[0]}..{PARTS[2]}",
        f".{PARTS[1]}.{PARTS[2]}", GOOD + ".", "." + GOOD, f"{GOOD}.{PARTS[2]}", ".".join([*PARTS, *PARTS[:2]]),
        ".".join([PARTS[1], PARTS[0], PARTS[2]]), ".".join([PARTS[2], PARTS[1], PARTS[0]]), "." * 8000,
        ".".join([PARTS[0], PARTS[2], PARTS[1]]), GOOD[:-1], GOOD[:-2], GOOD[1:], GOOD * 2, GOOD.replace(".", ","),
        json.dumps({"protected": PARTS[0], "payload": PARTS[1], "signature": PARTS[2]}),
    ],
    ids=lambda token: token[:12] + token[-12:],
)  # fmt: skip
def test_token_that_is_cut_swapped_or_serialized_otherwise_is_refused(token: str) -> None:
    refusal(token)


def test_signature_of_nothing_is_refused() -> None:
    assert "wrong signature" in refusal(f"{PARTS[0]}.{PARTS[1]}.")


@pytest.mark.parametrize("segment", [0, 1, 2])
@pytest.mark.parametrize(
    "extra", ["=", "==", " ", "\n", "\r\n", "\t", "\0", "+", "/", "é", "%3D", "\u200b", "\ud800"], ids=repr
)
def test_segment_with_anything_before_or_after_it_is_refused_as_malformed(segment: int, extra: str) -> None:
    """Whoever signs such a text, with a good key, is refused all the same: another parser may read it otherwise."""
    for changed in (PARTS[segment] + extra, extra + PARTS[segment]):
        parts = [*PARTS[:segment], changed, *PARTS[segment + 1 :]]
        if segment < 2 and changed.isascii():
            parts[2] = resigned(".".join(parts[:2])).rpartition(".")[2]
        refusal(".".join(parts))


def test_segment_whose_last_bits_are_not_zero_is_refused_as_malformed() -> None:
    """All these decode to the same octets with a lenient decoder, so that one token would have many names."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for body in (b'{"a":1}', b'{"a":12}'):
        head, text, _ = HOLDER.sign(HEADER, body).split(".")
        at = alphabet.index(text[-1])
        sloppy = f"{head}.{text[:-1]}{alphabet[at + 1]}"
        assert base64.urlsafe_b64decode(sloppy.partition(".")[2] + "==") == body
        assert "malformed" in refusal(resigned(sloppy))
    assert "malformed" in refusal(GOOD[:-1] + alphabet[alphabet.index(GOOD[-1]) + 1])


def test_token_within_a_token_is_not_unwrapped() -> None:
    outer = Signer("ES256").sign(HEADER | {"cty": "JWT"}, GOOD.encode())
    assert "wrong signature" in refusal(outer)
    assert payload(HOLDER.sign(HEADER | {"cty": "JWT"}, GOOD.encode())) == GOOD.encode()


def test_every_changed_octet_is_noticed() -> None:
    source = random.Random(7)
    for _ in range(300):
        at = source.randrange(len(GOOD))
        changed = GOOD[:at] + source.choice("AZaz09-_.=~\n+/\u00e9") + GOOD[at + 1 :]
        if changed != GOOD:
            refusal(changed)
