"""Proofs of possession (RFC 9449, section 4.3): each check, by the proof that only it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from meshkit.identity.dpop import WINDOW_SECONDS, ProofError, read_proof
from tests.support.dpop import ProofKey
from tests.support.tokens import Issuer

NOW = 1_800_000_000.0
URL = "https://api.example/x"
KEY = ProofKey()


def test_good_proof_names_its_key_and_itself() -> None:
    first = read_proof(KEY.proof(NOW, jti="1"), "POST", URL, NOW)
    again, other = (read_proof(KEY.proof(NOW, jti=jti), "POST", URL, NOW) for jti in ("1", "2"))
    stranger = read_proof(ProofKey().proof(NOW, jti="1"), "POST", URL, NOW)
    assert first.thumbprint == KEY.thumbprint
    assert first.until == NOW + WINDOW_SECONDS
    assert first.digest == again.digest
    assert len({first.digest, other.digest, stranger.digest}) == 3


def test_key_of_the_standards_own_example_has_its_thumbprint() -> None:
    # RFC 9449, sections 4.1 and 6.1.
    proof = (
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0Rs"
        "cEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2"
        "In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2Vu"
        "IiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT"
        "3Lg"
    )
    read = read_proof(proof, "POST", "https://server.example.com/token", 1562262616)
    assert read.thumbprint == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


@pytest.mark.parametrize(
    "url",
    ["https://API.example/x", "https://api.example:443/x", "https://api.example/x?q=1#f", "HTTPS://api.example/x"],
)
def test_address_is_the_same_without_what_does_not_count(url: str) -> None:
    assert read_proof(KEY.proof(NOW, url=url), "POST", URL, NOW).thumbprint == KEY.thumbprint


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example/x", "https://api.example/X", "https://api.example/x/", "https://api.example:8443/x",
        "https://evil.example/x", "https://u@api.example/x", "/x", "", "https://api.example:99999/x", "https://[/x",
    ],
)  # fmt: skip
def test_other_address_is_refused(url: str) -> None:
    with pytest.raises(ProofError, match="address"):
        read_proof(KEY.proof(NOW, url=url), "POST", URL, NOW)


@pytest.mark.parametrize("method", ["GET", "post", ""])
def test_other_method_is_refused(method: str) -> None:
    with pytest.raises(ProofError, match="method"):
        read_proof(KEY.proof(NOW, method), "POST", URL, NOW)


@pytest.mark.parametrize(("away", "good"), [(-60, True), (60, True), (-61, False), (61, False)])
def test_proof_is_good_for_a_minute_around_its_time(away: float, good: bool) -> None:
    proof = KEY.proof(NOW + away)
    if good:
        assert read_proof(proof, "POST", URL, NOW).thumbprint == KEY.thumbprint
    else:
        with pytest.raises(ProofError, match="old"):
            read_proof(proof, "POST", URL, NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"without": "jti"}, {"without": "htm"}, {"without": "htu"}, {"without": "iat"},
        {"jti": ""}, {"jti": 1}, {"jti": "x" * 256}, {"htm": 1}, {"htu": 1}, {"iat": "1800000000"}, {"iat": True},
        {"iat": None}, {"iat": 1e400},
        {"header": {"typ": "jwt"}}, {"header": {"typ": "at+jwt"}}, {"header": {"alg": "HS256"}},
        {"header": {"alg": "none"}}, {"header": {"jwk": Issuer().jwk}},
        {"header": {"jwk": KEY.jwk | {"d": "AA"}}}, {"header": {"jwk": {"kty": "oct", "k": "AA"}}},
        {"header": {"crit": ["x"]}}, {"header": {"jku": "https://evil.example"}},
    ],
)  # fmt: skip
def test_proof_that_is_not_one_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProofError):
        read_proof(KEY.proof(NOW, **wrong), "POST", URL, NOW)


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "é.é.é", "x" * 5000])
def test_text_that_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(ProofError):
        read_proof(text, "POST", URL, NOW)


def test_proof_is_of_the_use_of_one_token() -> None:
    assert read_proof(KEY.proof(NOW, token="t"), "POST", URL, NOW, "t").thumbprint == KEY.thumbprint
    for proof in (KEY.proof(NOW), KEY.proof(NOW, token="other"), KEY.proof(NOW, ath=1)):
        with pytest.raises(ProofError, match="token"):
            read_proof(proof, "POST", URL, NOW, "t")
