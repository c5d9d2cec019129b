"""Ranges from text: what lines mean, and what is said of those at fault."""

from __future__ import annotations

import ipaddress
import random

import pytest

from services.fraud.adapters.ip.lines import read_lines
from services.fraud.adapters.ip.ranges import IpRanges, IpRecord, RangeWriter
from tests.support.ip import block_of, said


def read(text: str, *, countries: bool = False) -> IpRanges:
    writer = RangeWriter()
    read_lines(text.splitlines(), writer, countries=countries)
    return block_of(writer)


@pytest.mark.parametrize(
    ("line", "inside", "outside"),
    [
        ("198.51.100.0/24", "198.51.100.255", "198.51.101.0"),
        ("198.51.100.7", "198.51.100.7", "198.51.100.8"),
        ("1.0.0.5,1.0.0.9,Hoster,https://hoster.example", "1.0.0.9", "1.0.0.10"),
        ('"1.0.0.5", "1.0.0.9"', "1.0.0.5", "1.0.0.4"),
        ("2001:db8::/32,Hoster", "2001:db8:ffff::", "2001:db9::"),
        ("2001:db8::1,2001:db8:0:1::", "2001:db8:0:1::", "2001:db8:0:1::1"),
        ("::ffff:1.2.3.0/120", "1.2.3.255", "1.2.4.0"),
        ("::ffff:1.2.3.4", "::ffff:1.2.3.4", "1.2.3.5"),
        ("0.0.0.0/0", "255.255.255.255", "::1"),
        ("::/0", "ffff::", "1.2.3.4"),
    ],
)
def test_a_line_is_a_network_or_an_address_or_first_and_last(line: str, inside: str, outside: str) -> None:
    ranges = read(f"# of today\n\n  {line} \r\n")
    assert said(ranges, inside) == IpRecord()
    assert said(ranges, outside) is None


@pytest.mark.parametrize(
    ("line", "address", "country"),
    [
        ("1.0.0.0/24,AU,South Brisbane,Queensland", "1.0.0.1", "AU"),
        ("1.0.0.0,1.0.0.255,au", "1.0.0.1", "AU"),
        ("1.0.0.1,AU", "1.0.0.1", "AU"),
        ('"2001:db8::","2001:db8::ff","XK","Kosovo"', "2001:db8::1", "XK"),
    ],
)
def test_a_country_stands_after_the_range(line: str, address: str, country: str) -> None:
    assert said(read(line, countries=True), address) == IpRecord(country)


@pytest.mark.parametrize(
    ("line", "countries", "fault"),
    [
        ("10.0.0.999", False, "'10.0.0.999' is no address"),
        ("start,end", False, "'start' is no address"),
        ("10.0.0.0,10.0.0.999", False, "'10.0.0.999' is no address"),
        ("10.0.0.9,10.0.0.1", False, "'10.0.0.9' comes after '10.0.0.1'"),
        ("10.0.0.1,2001:db8::1", False, "'10.0.0.1' and '2001:db8::1' are of different families"),
        ("10.0.0.1/8", False, "'10.0.0.1/8' is no network: bits are set beyond its length"),
        ("10.0.0.0/33", False, "'10.0.0.0/33' has no length of a network"),
        ("10.0.0.0/", False, "'10.0.0.0/' has no length of a network"),
        ("::ffff:10.0.0.0/8", False, "'::ffff:10.0.0.0/8' has no length of a network"),
        ("10.0.0.0/8,AUS", True, "'AUS' is no country of ISO 3166-1 alpha-2"),
        ("10.0.0.0/8", True, "'10.0.0.0/8' has no country"),
        ("10.0.0.0,10.0.0.255,Australia", True, "'Australia' is no country of ISO 3166-1 alpha-2"),
        ("10.0.0.1,AU,AU", True, "'AU' is no address"),
    ],
)
def test_a_line_at_fault_is_named(line: str, countries: bool, fault: str) -> None:
    good = "1.1.1.0/24,AU" if countries else "1.1.1.0/24"
    with pytest.raises(ValueError) as raised:
        read(f"{good}\n# remark\n{line}\n", countries=countries)
    assert str(raised.value) == f"line 3: {fault}"


def test_of_many_lines_at_fault_three_are_named_and_the_others_counted() -> None:
    with pytest.raises(ValueError) as raised:
        read("1.1.1.1\n" + "x\n" * 10)
    assert str(raised.value).startswith("line 2: 'x' is no address; line 3: ")
    assert str(raised.value).endswith("line 4: 'x' is no address, and 7 more")


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_a_file_without_ranges_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it holds no range"):
        read(text)


def test_the_narrower_range_holds_whatever_the_order() -> None:
    lines = ["10.0.0.0/8,US", "10.1.0.0/16,DE", "10.1.2.0/24,ZZ", "10.1.2.3,FR", "10.0.0.0/16,CA", "10.255.0.0/16,MX"]
    for seed in range(5):
        random.Random(seed).shuffle(lines)
        ranges = read("\n".join(lines), countries=True)
        for address, country in {
            "10.0.0.0": "CA", "10.1.0.0": "DE", "10.1.2.3": "FR", "10.1.3.0": "DE", "10.2.0.0": "US",
            "10.254.255.255": "US", "10.255.255.255": "MX",
        }.items():  # fmt: skip
            assert said(ranges, address) == IpRecord(country)
        for address in ("10.1.2.2", "10.1.2.4", "9.255.255.255", "11.0.0.0"):
            assert said(ranges, address) is None


def test_ranges_that_overlap_in_part_join_where_they_say_the_same() -> None:
    ranges = read("1.0.0.0,1.0.0.9\n1.0.0.5,1.0.0.20\n1.0.0.15,1.0.0.30\n1.0.0.0,1.0.0.9\n")
    assert all(said(ranges, f"1.0.0.{last}") for last in range(31))
    assert said(ranges, "1.0.0.31") is None


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("1.0.0.0,1.0.0.9,US\n1.0.0.5,1.0.0.20,DE", "1.0.0.5 to 1.0.0.20 overlaps a range that ends within it"),
        ("1.0.0.0/24,US\n1.0.0.0/24,DE", "two lines differ about 1.0.0.0 to 1.0.0.255"),
    ],
)
def test_ranges_that_contradict_each_other_are_refused(lines: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read(lines, countries=True)


@pytest.mark.parametrize(("family", "bits"), [(4, 32), (6, 128)])
def test_a_search_finds_what_a_search_through_all_lines_finds(family: int, bits: int) -> None:
    """The oracle takes the longest of the networks that hold an address. Many begin or end with the same upper half."""
    chance = random.Random(family)
    base = 0 if family == 4 else 0x2001_0DB8 << 96
    kind = ipaddress.IPv4Network if family == 4 else ipaddress.IPv6Network
    told: dict[ipaddress.IPv4Network | ipaddress.IPv6Network, str] = {}
    for _ in range(300):
        length = chance.randrange(bits - 20, bits + 1) if chance.random() < 0.5 else chance.randrange(bits // 2, bits)
        near = chance.getrandbits(20) if chance.random() < 0.5 else chance.getrandbits(bits // 2 + 4)
        told[kind((base + (near >> bits - length << bits - length), length))] = chance.choice(["US", "DE", "FR"])
    ranges = read("\n".join(f"{network},{country}" for network, country in told.items()), countries=True)
    edges = [int(network[0]) - 1 for network in told] + [int(network[-1]) + 1 for network in told]
    numbers = edges + [int(network[0]) for network in told] + [base + chance.getrandbits(21) for _ in range(500)]
    for number in numbers:
        if not 0 <= number < 1 << bits:
            continue
        address = ipaddress.IPv4Address(number) if family == 4 else ipaddress.IPv6Address(number)
        holding = [network for network in told if address in network]
        expected = IpRecord(told[max(holding, key=lambda each: each.prefixlen)]) if holding else None
        found = ranges.find(family, number)
        assert (ranges.record(found) if found else None) == expected, address
