"""One-time passwords, by the vectors of RFC 6238 (appendix B) and RFC 4226 (appendix D)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from services.auth.domain.totp import base32, matching_step, otpauth_uri, totp_code

SECRET = b"12345678901234567890"
VECTORS = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
COUNTERS = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]


@pytest.mark.parametrize(("time", "code"), VECTORS.items())
def test_codes_are_those_of_the_rfc(time: int, code: str) -> None:
    assert totp_code(SECRET, time // 30, 8) == code
    assert matching_step(SECRET, code[-6:], time) == time // 30


def test_counters_are_those_of_the_rfc() -> None:
    assert [totp_code(SECRET, counter) for counter in range(10)] == COUNTERS


@pytest.mark.parametrize(("step", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_codes_of_neighbouring_steps_are_taken(step: int, taken: bool) -> None:
    now = 1_800_000_010.0
    present = int(now // 30)
    assert matching_step(SECRET, totp_code(SECRET, present + step), now) == (present + step if taken else None)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "９４２８７０", "\ud800", "x" * 4096])
def test_what_is_no_code_is_of_no_step(code: str) -> None:
    assert matching_step(SECRET, code, 59) is None


def test_spaces_that_authenticators_show_may_be_typed() -> None:
    assert matching_step(SECRET, " 287 082 ", 59) == 1


def test_uri_holds_what_an_authenticator_needs() -> None:
    uri = urlsplit(otpauth_uri(SECRET, "ada+x@example.com", "Rampart"))
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Rampart:ada%2Bx%40example.com")
    parameters = {name: values[0] for name, values in parse_qs(uri.query).items()}
    assert parameters == {
        "secret": base32(SECRET), "issuer": "Rampart", "algorithm": "SHA1", "digits": "6", "period": "30"
    }  # fmt: skip
