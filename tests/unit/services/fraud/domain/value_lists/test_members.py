"""What memory answers of lists is what a plain set answers, whatever is put in, taken out and over."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Generator
from typing import TypeVar

import pytest

from services.fraud.domain.value_lists.digests import BUCKET, TURN_ROWS, Digests
from services.fraud.domain.value_lists.keys import V4, V6, network_key, seeded, text_key
from services.fraud.domain.value_lists.lists import NEVER, ListedType
from services.fraud.domain.value_lists.members import Members, Row, empty

SEED = bytes(16)
NOW = 1_800_000_000
Result = TypeVar("Result")


def done(work: Generator[None, None, Result]) -> Result:
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Result = end.value
            return result


def text_row(value: str, end: int = NEVER) -> Row:
    return 0, text_key(seeded(SEED), value), end


def network_row(text: str, end: int = NEVER) -> Row:
    network = ipaddress.ip_network(text)
    prefix = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
    family = V4 if network.version == 4 else V6
    return family + network.prefixlen, network_key(seeded(SEED), prefix, network.prefixlen), end


def members(listed: ListedType, *rows: Row, now: float = NOW) -> Members:
    return done(empty(listed, SEED, lambda: now).changed(rows))


@pytest.mark.parametrize("seed", range(5))
def test_set_of_keys_is_what_a_mapping_is_after_any_changes(seed: int) -> None:
    chance = random.Random(seed)
    pool = [chance.getrandbits(64) for _ in range(6 * BUCKET)]
    digests, plain = Digests.sized(chance.choice([0, 100, 5_000])), dict[int, int]()
    for _ in range(30):
        changes = [(chance.choice(pool), chance.choice([0, NEVER, NOW + 5])) for _ in range(chance.randrange(200))]
        digests = done(digests.changed(changes, NOW))
        plain.update(changes)
    assert {key: digests.end(key) for key in pool} == {key: plain.get(key, 0) for key in pool}
    assert digests.size == sum(1 for end in plain.values() if end)


def test_set_that_grows_keeps_its_buckets_small() -> None:
    chance = random.Random(1)
    keys = [chance.getrandbits(64) for _ in range(40 * BUCKET)]
    grown = done(Digests().changed([(key, NEVER) for key in keys], NOW))
    assert all(grown.end(key) == NEVER for key in keys)
    assert max(map(len, grown._keys)) < 2 * BUCKET


def test_change_makes_another_set_and_leaves_the_one_there_was() -> None:
    before = members(ListedType.STRING, text_row("ada"))
    after = done(before.changed([text_row("bob"), text_row("ada", 0)]))
    assert ("ada" in before, "bob" in before) == (True, False)
    assert ("ada" in after, "bob" in after) == (False, True)


def test_long_change_lets_others_have_their_turn() -> None:
    rows = [text_row(f"user-{number}") for number in range(4 * TURN_ROWS)]
    for before in (empty(ListedType.STRING, SEED, lambda: NOW), members(ListedType.STRING, text_row("ada"))):
        assert sum(1 for _ in before.changed(rows)) >= 4


def test_what_has_ended_goes_from_memory_when_its_bucket_changes() -> None:
    clock = [NOW + 0.0]
    rows = [text_row("ada", NOW + 10), text_row("bob")]
    held = done(empty(ListedType.STRING, SEED, lambda: clock[0]).changed(rows))
    for clock[0], left in ((NOW + 9, 3), (NOW + 10, 2)):
        assert len(done(held.changed([text_row("eve")]))) == left


@pytest.mark.parametrize(("now", "there"), [(NOW - 0.001, True), (NOW, False), (NOW + 1, False)])
@pytest.mark.parametrize("kind", ["text", "network"])
def test_entry_is_there_until_the_second_at_which_it_ends(kind: str, now: float, there: bool) -> None:
    clock = [NOW - 1_000.0]
    listed, row, asked = {
        "text": (ListedType.STRING, text_row("ada", NOW), "ada"),
        "network": (ListedType.IP, network_row("192.0.2.0/24", NOW), "192.0.2.9"),
    }[kind]
    held = done(empty(listed, SEED, lambda: clock[0]).changed([row]))
    clock[0] = now
    assert (asked in held) is there


def test_address_is_in_every_network_that_has_not_ended() -> None:
    held = members(
        ListedType.IP,
        network_row("10.0.0.0/8", NOW + 5),
        network_row("10.1.0.0/16"),
        network_row("10.1.2.0/24", NOW + 1),
        network_row("0.0.0.0/1"),
        network_row("2001:db8::/32"),
        network_row("2001:db8::7/128"),
    )
    inside = {"10.1.2.3", "10.9.9.9", "100.0.0.1", "2001:db8::8"}
    assert {text for text in (*inside, "200.0.0.1", "2001:db9::") if text in held} == inside


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("version", [4, 6])
def test_networks_answer_as_a_search_through_all_of_them(version: int, seed: int) -> None:
    chance = random.Random(seed)
    width, first = (32, 0x0A000000) if version == 4 else (128, 0x20010DB8 << 96)
    free = 24 if version == 4 else 90

    def number() -> int:
        return first | chance.getrandbits(free)

    def network() -> str:
        length = chance.choice([0, 1, 7, 8, 12, 13, 20, width - 1, width] if seed % 2 else range(8, width + 1))
        return str(ipaddress.ip_network((number(), length), strict=False))

    there = {network(): chance.choice([NEVER, NOW + 1]) for _ in range(60)}
    gone = set(chance.sample(sorted(there), len(there) // 3))
    held = members(ListedType.IP, *(network_row(text, end) for text, end in there.items()))
    held = done(held.changed([network_row(text, 0) for text in gone]))
    left = [ipaddress.ip_network(text) for text in there if text not in gone]
    asked = [ipaddress.ip_address(number()) for _ in range(500)] + [each[0] for each in left]
    assert [str(each) in held for each in asked] == [any(each in network for network in left) for each in asked]


@pytest.mark.parametrize("value", ["", "nobody", "10.0.0.1%1", "10.0.0", "10.0.0.1/8", "::ffff:10.0.0.1\0", None, 7])
def test_what_is_no_address_is_in_no_list_of_them(value: object) -> None:
    assert value not in members(ListedType.IP, network_row("0.0.0.0/0"), network_row("::/0"))


def test_text_that_is_missing_is_in_no_list() -> None:
    assert None not in members(ListedType.STRING, text_row("None"))


def test_clock_is_not_asked_where_nothing_ends() -> None:
    asked: list[bool] = []

    def clock() -> float:
        asked.append(True)
        return NOW

    held = done(empty(ListedType.STRING, SEED, clock).changed([text_row("ada")]))
    asked.clear()
    assert "ada" in held
    assert asked == []
