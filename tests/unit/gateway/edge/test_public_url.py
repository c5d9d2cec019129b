"""Where callers reach the gateway: what may be said, and what is said if nobody says it."""

from __future__ import annotations

import pytest

from gateway.edge.public_url import local_url, public_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        ("http://[2001:db8::1]:8080/fraud/v2/", "http://[2001:db8::1]:8080/fraud/v2"),
        ("http://localhost:8080", "http://localhost:8080"),
    ],
)
def test_address_loses_the_slash_at_its_end(text: str, url: str) -> None:
    assert public_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "api.example.com", "ftp://api.example.com", "https://", "https://a b", "https://api.example.com?x=1",
        "https://api.example.com#x", "https://user@api.example.com", "https://api.example.com:port",
        "https://api.example.com:99999", 'https://api.example.com/"', "https://api.example.com//x", "https://[::1",
    ],
)  # fmt: skip
def test_what_operations_cannot_stand_behind_is_no_address(text: str) -> None:
    assert public_url(text) is None


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("127.0.0.1:8101", "http://127.0.0.1:8101"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://127.0.0.1:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("gateway.internal:80", "http://gateway.internal"),
    ],
)
def test_address_is_that_of_the_listener_if_nobody_says_another(listen: str, url: str) -> None:
    assert local_url(listen) == url
