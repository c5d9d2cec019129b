from __future__ import annotations

from typing import Any

import pytest

from gateway.edge.address import AddressResolver, parse_address
from meshkit.settings import Reader, SettingsError

TRUSTED = "10.0.0.0/8, 2001:db8:ffff::/48,192.0.2.7"
PROXY = "10.0.0.1"


def scope(peer: str | None, *headers: tuple[str, str]) -> dict[str, Any]:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return {"type": "http", "client": (peer, 4711) if peer is not None else None, "headers": raw}


def resolver(trusted: str = TRUSTED, header: str = "x-forwarded-for") -> AddressResolver:
    environment = {"RAMPART_TRUSTED_PROXIES": trusted, "RAMPART_CLIENT_ADDRESS_HEADER": header}
    return AddressResolver.read(Reader(environment))


@pytest.mark.parametrize(
    ("peer", "key"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", "unix"),
        (None, "unix"),
    ],
)
def test_without_proxies_the_address_is_that_of_the_connection(peer: str | None, key: str) -> None:
    spoofed = scope(peer, ("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=198.51.100.1"))
    assert AddressResolver().resolve(spoofed) == key
    assert AddressResolver().resolve(scope(peer)) == key


def test_stranger_is_not_believed() -> None:
    assert resolver().resolve(scope("203.0.113.9", ("x-forwarded-for", "198.51.100.1"))) == "203.0.113.9"
    assert resolver().resolve(scope(None, ("x-forwarded-for", "198.51.100.1"))) == "unix"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ([], PROXY),
        ([""], PROXY),
        (["203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9, 10.9.9.9"], "203.0.113.9"),
        (["198.51.100.1", "203.0.113.9", "192.0.2.7 ,10.9.9.9"], "203.0.113.9"),
        (["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
        (["203.0.113.9:51234"], "203.0.113.9"),
        (["[2001:db8:1::9]:51234"], "2001:db8:1::/64"),
        (["[2001:db8:1::9]"], "2001:db8:1::/64"),
        (["2001:db8:1::9"], "2001:db8:1::/64"),
        (["198.51.100.1, 2001:db8:ffff::1"], "198.51.100.1"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, ::ffff:10.2.2.2"], "198.51.100.1"),
        # As far as anyone knows, the client is the hop that would not say more.
        (["198.51.100.1, unknown"], PROXY),
        (["198.51.100.1, _hidden, 10.2.2.2"], "10.2.2.2"),
        (["198.51.100.1, 999.1.1.1"], PROXY),
        (["198.51.100.1,"], PROXY),
        (["198.51.100.1, 203.0.113.9:port"], PROXY),
        (["198.51.100.1, [2001:db8:1::9"], PROXY),
        (["198.51.100.1, [2001:db8:1::9]x"], PROXY),
        (["198.51.100.1, é"], PROXY),
        ([", ".join(["198.51.100.1", *["10.2.2.2"] * 40])], "10.2.2.2"),
    ],
)
def test_trusted_proxies_are_believed_from_the_right(values: list[str], key: str) -> None:
    headers = [("x-forwarded-for", value) for value in values]
    assert resolver().resolve(scope(PROXY, ("forwarded", "for=192.0.2.99"), *headers)) == key


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ([], PROXY),
        (["for=203.0.113.9"], "203.0.113.9"),
        (["For=203.0.113.9; Proto=https ;by=10.0.0.1"], "203.0.113.9"),
        (['for="203.0.113.9:51234"'], "203.0.113.9"),
        (['for="[2001:db8:cafe::17]:4711"'], "2001:db8:cafe::/64"),
        (['for="[2001:db8:cafe::17]:_port"'], "2001:db8:cafe::/64"),
        (['for="203\\.0.113.9"'], "203.0.113.9"),
        (["for=198.51.100.1, for=203.0.113.9"], "203.0.113.9"),
        (["for=198.51.100.1", "for=203.0.113.9", "for=10.2.2.2"], "203.0.113.9"),
        (["for=198.51.100.1, for=unknown"], PROXY),
        (["for=198.51.100.1, for=_gazonk;proto=http, for=10.2.2.2"], "10.2.2.2"),
        (["for=198.51.100.1, proto=https"], PROXY),
        (["for=198.51.100.1, for=203.0.113.9;for=198.51.100.1"], PROXY),
        (["for=198.51.100.1, for = 203.0.113.9"], PROXY),
        (["for=198.51.100.1, 203.0.113.9"], PROXY),
        (["for=2001:db8:cafe::17"], PROXY),
        # A quotation mark that a stranger leaves open, and a comma that a proxy quotes with what it was sent.
        (['for="198.51.100.1, for=203.0.113.9'], "203.0.113.9"),
        (['for="198.51.100.1, for="[2001:db8:1::9]"'], "2001:db8:1::/64"),
        (['for=203.0.113.9;host="x, for=198.51.100.1"'], PROXY),
        (['for=203.0.113.9;host="x, for=198.51.100.1;y=\\""'], PROXY),
        (['for=203.0.113.9;host="x, for=198.51.100.1";proto=http'], PROXY),
    ],
)
def test_forwarded_is_read_from_the_right(values: list[str], key: str) -> None:
    headers = [("forwarded", value) for value in values]
    found = resolver(header="Forwarded").resolve(scope(PROXY, ("x-forwarded-for", "192.0.2.99"), *headers))
    assert found == key


@pytest.mark.parametrize(
    ("trusted", "peer", "key"),
    [
        ("unix", "", "203.0.113.9"),
        ("unix", None, "203.0.113.9"),
        ("unix", "10.0.0.1", "10.0.0.1"),
        ("unix,10.0.0.1", "10.0.0.1", "203.0.113.9"),
    ],
)
def test_peers_on_a_unix_socket_are_trusted_by_name(trusted: str, peer: str | None, key: str) -> None:
    assert resolver(trusted).resolve(scope(peer, ("x-forwarded-for", "203.0.113.9"))) == key


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"RAMPART_TRUSTED_PROXIES": "10.0.0.1/8"}, "'10.0.0.1/8' is not a network"),
        ({"RAMPART_TRUSTED_PROXIES": "proxy.example"}, "'proxy.example' is not a network"),
        ({"RAMPART_CLIENT_ADDRESS_HEADER": "x-real-ip"}, "x-forwarded-for or forwarded, not 'x-real-ip'"),
    ],
)
def test_unusable_setting_is_named(environment: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        AddressResolver.read(Reader(environment))


@pytest.mark.parametrize("text", ["", "unknown", "_x", "1.2.3", "1.2.3.4:", "1.2.3.4:123456", "[1.2.3.4]", "[::1]:x y"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse_address(text) is None
