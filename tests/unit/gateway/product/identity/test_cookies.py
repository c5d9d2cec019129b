from __future__ import annotations

import pytest

from gateway.product.identity.cookies import attempts, dropped, kept, read_cookies


def test_cookies_are_of_this_host_over_tls_and_out_of_reach_of_scripts() -> None:
    assert kept("__Host-session", "s") == "__Host-session=s; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert kept("__Host-link", "s", 60).endswith("; Max-Age=60")
    assert dropped("__Host-session").startswith("__Host-session=; ") and "Max-Age=0" in dropped("__Host-session")


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b"", {}),
        (b"__Host-session=rss_a; theme=dark", {"__Host-session": "rss_a"}),
        (b"session=a; Session=b; __host-session=c", {}),
        (b"__Host-session=one; __Host-session=two", {}),
        (b"__Host-session=one; __Host-session=", {}),
        (b'__Host-session="one"', {}),
        (b"__Host-session=" + b"x" * 129, {}),
        (b"__Host-session=a b", {}),
        (b"__Host-session=\xff", {}),
        (b"__Host-a=1;__Host-b=2", {"__Host-a": "1", "__Host-b": "2"}),
    ],
)
def test_only_what_the_pages_could_have_set_is_read(header: bytes, found: dict[str, str]) -> None:
    assert read_cookies(header) == found


def test_attempts_are_told_from_other_cookies() -> None:
    assert attempts({"__Host-session": "s", "__Host-attempt-b": "2", "__Host-attempt-a": "1"}) == [
        "__Host-attempt-b",
        "__Host-attempt-a",
    ]
