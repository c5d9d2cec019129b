"""Literals of networks, zones and times are read strictly, and addresses as what they are."""

from __future__ import annotations

import pytest

from services.fraud.domain.expressions.texts import domain_of, lower_ascii, network, time_of, zone


@pytest.mark.parametrize(
    ("text", "address", "inside"),
    [
        ("10.0.0.0/8", "10.255.255.255", True),
        ("10.0.0.0/8", "11.0.0.0", False),
        ("10.0.0.0/8", "::ffff:10.0.0.1", True),
        ("::ffff:10.0.0.0/104", "10.1.2.3", True),
        ("::/0", "10.1.2.3", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("192.0.2.1", "192.0.2.1", True),
    ],
)
def test_address_is_in_a_network_of_its_version(text: str, address: str, inside: bool) -> None:
    assert network(text)(address) is inside


@pytest.mark.parametrize("address", ["", "x", "10.0.0.256", "fe80::1%" + "x" * 16_000, "1" * 16_000])
def test_what_is_no_address_is_in_no_network_and_in_none_other(address: str) -> None:
    assert network("10.0.0.0/8")(address) is None


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "10.0.0.0/33", "host"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        network(text)


@pytest.mark.parametrize(
    "name", ["", "Mars", "../../etc/passwd", "/etc/localtime", "Europe/Berlin\0", "Europe", "x" * 99]
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        zone(name)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00+00:00"),
        ("2026-01-31T12:00:00.25+05:45", "2026-01-31T06:15:00.250000+00:00"),
        ("2026-01-31t12:00:00z", "2026-01-31T12:00:00+00:00"),
    ],
)
def test_times_are_read_as_utc(text: str, utc: str) -> None:
    assert time_of(text).isoformat() == utc


@pytest.mark.parametrize(
    "text",
    ["", "2026-01-31", "2026-02-30T12:00:00Z", "2026-01-31T12:00:00", "0001-01-01T00:00:00+23:59", "20260131T120000Z"],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        time_of(text)


def test_domains_of_mailboxes() -> None:
    assert domain_of('"a@b"@Example.ORG') == "example.org"
    for text in ("", "x", "@", "a@", "@b"):
        assert domain_of(text) is None


def test_only_ascii_letters_become_small() -> None:
    assert lower_ascii("ÄBC") == "Äbc"
