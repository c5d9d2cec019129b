from __future__ import annotations

import pytest

from gateway.edge.headers.cors import Cors, valid_origin

SHOP = b"https://shop.example"
LISTED = Cors(["https://shop.example", "http://localhost:3000"])
ANY = Cors(["*"])


@pytest.mark.parametrize(
    ("origin", "valid"),
    [
        ("*", True),
        ("https://shop.example", True),
        ("http://localhost:3000", True),
        ("http://[::1]:3000", True),
        ("https://shop.example/", False),
        ("https://shop.example:443", False),
        ("https://Shop.example", False),
        ("https://*.shop.example", False),
        ("https://user@shop.example", False),
        ("https://shop.example:x", False),
        ("shop.example", False),
        ("null", False),
        ("ftp://shop.example", False),
        ("https://", False),
        ("", False),
    ],
)
def test_origins_of_settings_are_as_browsers_send_them(origin: str, valid: bool) -> None:

    assert valid_origin(origin) is valid


def test_only_listed_origins_are_allowed_exactly() -> None:
    assert LISTED.allows(SHOP)
    for other in (
        b"https://shop.example.evil",
        b"https://evil-shop.example",
        b"http://shop.example",
        b"null",
        b"",
        b"*",
    ):
        assert not LISTED.allows(other)
    assert ANY.allows(b"https://anything.example")
    assert not Cors(()).allows(SHOP)


def test_answer_names_the_origin_and_varies_by_it() -> None:
    headers = LISTED.headers(SHOP)
    assert (b"access-control-allow-origin", SHOP) in headers
    assert (b"vary", b"origin") in headers
    assert LISTED.headers(b"https://evil.example") == [(b"vary", b"origin")]
    assert LISTED.headers(None) == [(b"vary", b"origin")]


def test_star_is_the_same_for_every_origin() -> None:
    for origin in (b"https://a.example", None):
        headers = dict(ANY.headers(origin))
        assert headers[b"access-control-allow-origin"] == b"*", "also in what a cache keeps for pages"
        assert b"vary" not in headers


@pytest.mark.parametrize("cors", [LISTED, ANY])
def test_credentials_are_never_allowed(cors: Cors) -> None:
    for headers in (cors.headers(SHOP), cors.preflight(SHOP, ["GET"])):
        assert b"access-control-allow-credentials" not in dict(headers)


def test_preflight_names_the_methods_of_the_path_and_the_headers_of_the_api() -> None:
    headers = dict(LISTED.preflight(SHOP, ["GET", "PATCH"]))
    assert headers[b"access-control-allow-methods"] == b"GET, PATCH"
    for name in (b"authorization", b"idempotency-key", b"if-match", b"last-event-id"):
        assert name in headers[b"access-control-allow-headers"]
    assert b"access-control-allow-origin" not in dict(LISTED.preflight(b"https://evil.example", ["GET"]))
