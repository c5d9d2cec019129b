"""Identifiers have one canonical form, whatever their spelling."""

from __future__ import annotations

import pytest

from meshkit.canonical import canonical_address, canonical_email


@pytest.mark.parametrize(
    ("canonical", "spellings"),
    [
        ("2001:db8:78::b7", ["2001:db8:78::b7", "2001:db8:78:0::b7", "2001:0db8:78::B7", "2001:DB8:78:0:0:0:0:b7"]),
        ("198.51.100.7", ["198.51.100.7", "::ffff:198.51.100.7", "::FFFF:c633:6407", "0:0:0:0:0:ffff:c633:6407"]),
        ("2001:db8::1:0:0:1", ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"]),
        ("::", ["::", "0:0:0:0:0:0:0:0", "::0.0.0.0"]),
    ],
)
def test_spellings_of_one_address_are_one(canonical: str, spellings: list[str]) -> None:
    assert {canonical_address(spelling) for spelling in spellings} == {canonical}


@pytest.mark.parametrize(
    "text",
    ["fe80::1%1", "2001:db8::1%any-text", "[2001:db8::1]", "[2001:db8::1]:443", "1.2.3.4:80", "01.2.3.4", "1.2.3", "",
     " 1.2.3.4", "1.2.3.4\n", "1.2.3.4/32", "١.٢.٣.٤", "host.example", "%", "1.2.3.4%eth0"],
)  # fmt: skip
def test_what_is_no_bare_address_has_no_canonical_form(text: str) -> None:
    assert canonical_address(text) is None


@pytest.mark.parametrize(
    ("canonical", "spellings"),
    [
        ("ada@example.com", ["ada@example.com", "Ada@Example.COM", '"ada"@example.com']),
        ("a@xn--mnchen-3ya.de", ["a@münchen.de", "a@MÜNCHEN.de", "a@mu\u0308nchen.de", "A@XN--MNCHEN-3YA.DE"]),
        ("josé@example.com", ["josé@example.com", "jose\u0301@example.com", "JOSÉ@example.com"]),
        ('"a b"@x.org', ['"a b"@x.org', '"a\\ b"@x.org', '"\\A b"@X.org']),
        ('"a@b"@x.org', ['"a@b"@x.org', '"a\\@b"@x.org']),
        ('"a\\"b"@x.org', ['"a\\"b"@x.org']),
        ("a@b.org", ["a@b.org", "a@ｂ.org", "a@Ｂ.org"]),
        ("a@[2001:db8::1]", ["a@[IPv6:2001:DB8::1]", "a@[ipv6:2001:db8:0::1]"]),
        ("a@[192.0.2.1]", ["a@[192.0.2.1]"]),
    ],
)
def test_spellings_of_one_mailbox_are_one(canonical: str, spellings: list[str]) -> None:
    assert {canonical_email(spelling) for spelling in spellings} == {canonical}


@pytest.mark.parametrize(
    ("one", "other"), [("a.b@x.org", "ab@x.org"), ("a+1@x.org", "a+2@x.org"), ("a@x.de", "a@x.org")]
)
def test_dots_tags_and_hosts_stay_apart(one: str, other: str) -> None:
    assert canonical_email(one) != canonical_email(other)


@pytest.mark.parametrize(
    "text",
    ["", "@", "alice", "alice@", "@x.org", "a b@x.org", "a@b@c.org", "a..b@x.org", ".a@x.org", "a@-x.org", "a@x..org",
     '"a"b"@x.org', "a@[999.1.1.1]", "a@x y.org", "a" * 65 + "@x.org", "a@" + "x" * 64 + ".org", "a\n@x.org",
     "a@b\u00adc.org", "a@b☃.org"],
)  # fmt: skip
def test_what_is_no_mailbox_has_no_canonical_form(text: str) -> None:
    assert canonical_email(text) is None
