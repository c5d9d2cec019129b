"""Ranges from MaxMind DB files. What maxminddb itself finds is the oracle."""

from __future__ import annotations

import contextlib
import ipaddress
import random
from pathlib import Path
from typing import Any

import maxminddb
import pytest

from services.fraud.adapters.ip import databases
from services.fraud.adapters.ip.compiler import compile_file
from services.fraud.adapters.ip.databases import country_of
from services.fraud.adapters.ip.ranges import IpRecord
from services.fraud.domain.travel import GeoPoint
from tests.support.ip import compiled, said
from tests.support.mmdb import mmdb, replace, write_mmdb

OXFORD = {"country": {"iso_code": "GB"}, "location": {"latitude": 51.75, "longitude": -1.25, "accuracy_radius": 20}}
GERMANY = {"country": {"iso_code": "DE", "names": {"en": "Germany" * 30}}}
NETWORKS: dict[str, Any] = {
    "1.0.0.0/8": GERMANY,
    "1.2.3.0/24": OXFORD,
    "1.2.3.4/32": {"country": {"iso_code": "FR"}},
    "255.0.0.0/8": OXFORD,
    "2001:db8::/32": GERMANY,
    "2a00::/12": OXFORD,
    "fff0::/12": GERMANY,
}


@pytest.mark.parametrize("record_bits", [24, 28, 32])
@pytest.mark.parametrize("unused", [0, 1 << 24])
def test_a_database_says_what_maxminddb_finds_in_it(tmp_path: Path, record_bits: int, unused: int) -> None:
    if record_bits == 24 and unused:
        pytest.skip("what lies so far cannot be pointed at")
    aliases = ["2002::/16", "::ffff:0:0/96"]
    path = replace(tmp_path / "x.mmdb", mmdb(NETWORKS, record_bits=record_bits, unused=unused, aliases=aliases))
    ranges = compiled("country", path)
    chance = random.Random(record_bits)
    with maxminddb.open_database(path) as reader:
        for text in NETWORKS:
            network = ipaddress.ip_network(text)
            spread = [int(network[0]) + chance.randrange(network.num_addresses) for _ in range(50)]
            for number in (int(network[0]), int(network[-1]), int(network[0]) - 1, *spread):
                address = type(network[0])(number)
                record = reader.get(address)
                assert said(ranges, str(address)) == (country_of(record) if record else None), address
    assert said(ranges, "2002:102:304::") is None


def test_a_database_of_ipv4_alone_says_nothing_about_ipv6(tmp_path: Path) -> None:
    ranges = compiled("country", write_mmdb(tmp_path / "x.mmdb", {"1.0.0.0/8": GERMANY}, version=4))
    assert said(ranges, "1.2.3.4") == IpRecord("DE")
    assert said(ranges, "::1.2.3.4") is None
    assert not ranges.has_place


def test_one_record_for_all_holds_in_both_families(tmp_path: Path) -> None:
    ranges = compiled("country", write_mmdb(tmp_path / "x.mmdb", {"::/1": GERMANY}))
    assert said(ranges, "1.2.3.4") == said(ranges, "7fff::") == IpRecord("DE")
    assert said(ranges, "8000::") is None


def test_places_keep_the_radius_that_the_database_gives(tmp_path: Path) -> None:
    ranges = compiled("country", write_mmdb(tmp_path / "x.mmdb", {"1.2.3.0/24": OXFORD}))
    assert ranges.has_place
    assert said(ranges, "1.2.3.4") == IpRecord("GB", GeoPoint(51.75, -1.25, 20.0))


def test_autonomous_systems_have_their_number(tmp_path: Path) -> None:
    path = write_mmdb(tmp_path / "x.mmdb", {"1.2.3.0/24": {"autonomous_system_number": 64512}})
    assert said(compiled("asn", path), "1.2.3.4") == IpRecord(asn=64512)


@pytest.mark.parametrize(
    "record",
    [
        {},
        [],
        "DE",
        {"country": "DE"},
        {"country": {"iso_code": "DEU"}},
        {"country": {"iso_code": 49}},
        {"country": {"iso_code": "D\u00dc"}},
        {"location": {"latitude": 91.0, "longitude": 0.0}},
        {"location": {"latitude": float("nan"), "longitude": 0.0}},
        {"location": {"latitude": 1.0}},
    ],
)
def test_a_record_without_what_is_asked_is_no_range(tmp_path: Path, record: Any) -> None:
    path = write_mmdb(tmp_path / "x.mmdb", {"1.2.3.0/24": record})
    with pytest.raises(ValueError, match="it holds no range"):
        compiled("country", path)


def broken_files() -> dict[str, bytes]:
    good = mmdb(NETWORKS)
    tree = 8 * 16
    return {
        "empty": b"",
        "text": b"1.0.0.0/8,DE\n",
        "half": good[: len(good) // 2],
        "without its beginning": good[tree:],
        "a tree that is a circle": b"\0" * tree + good[tree:],
        "pointers into nowhere": b"\x7f" * tree + good[tree:],
    }


@pytest.mark.parametrize("name", broken_files())
def test_a_broken_database_is_refused(tmp_path: Path, name: str) -> None:
    path = replace(tmp_path / "x.mmdb", broken_files()[name])
    with pytest.raises(ValueError):
        compile_file("country", path)


@pytest.mark.parametrize("most_nodes", [1, databases.MOST_NODES])
def test_a_tree_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_nodes: int) -> None:
    monkeypatch.setattr(databases, "MOST_NODES", most_nodes)
    path = replace(tmp_path / "x.mmdb", broken_files()["a tree that is a circle"])
    with pytest.raises(ValueError, match="its tree has no end"):
        compile_file("country", path)


def test_a_database_with_any_byte_wrong_is_refused_or_read_and_nothing_else_happens(tmp_path: Path) -> None:
    good = mmdb(NETWORKS)
    chance = random.Random(1)
    for _ in range(300):
        bad = bytearray(good)
        bad[chance.randrange(len(bad))] = chance.randrange(256)
        path = replace(tmp_path / "x.mmdb", bytes(bad))
        with contextlib.suppress(ValueError):
            compile_file("country", path)


@pytest.mark.parametrize(("kind", "name"), [("tor", "x.mmdb"), ("datacenter", "x.mmdb"), ("asn", "x.csv")])
def test_a_kind_that_the_format_does_not_have_is_refused(tmp_path: Path, kind: str, name: str) -> None:
    with pytest.raises(ValueError, match="read from"):
        compile_file(kind, replace(tmp_path / name, b"1.1.1.1\n"))
