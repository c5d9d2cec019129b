"""The chain of the audit log: its hashes as anybody can compute them, and what is found when it was changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from meshkit.audit.chain import (
    FIELDS,
    START,
    ChainCheck,
    ChainedEvent,
    ChainPlace,
    canonical,
    canonical_time,
    chain_faults,
    link,
)


def chain(*contents: str) -> list[ChainedEvent]:
    events, last = [], START
    for content in contents:
        made = link(last.hash, last.sequence + 1, content)
        events.append(ChainedEvent(last.sequence + 1, last.hash, made, content))
        last = events[-1].place
    return events


EVENTS = chain(*"abcde")


def found(events: list[ChainedEvent], head: ChainPlace | None = None, *known: ChainPlace) -> list[tuple[int, str]]:
    return [(fault.sequence, fault.what.partition(":")[0]) for fault in chain_faults(events, START, head, known)]


def test_canonical_form_is_that_of_rfc_8785() -> None:
    text = canonical({"actor": 'é"\\\n\x01\u20ac', "time": "t"}, {"b": "2", "a": "1"})
    members = json.loads(text)
    assert list(members) == sorted([*FIELDS, "details"])
    assert members["actor"] == 'é"\\\n\x01\u20ac' and members["target"] == ""
    assert '"actor":"é\\"\\\\\\n\\u0001€"' in text
    assert '"details":{"a":"1","b":"2"}' in text
    assert ": " not in text and ", " not in text


def test_time_has_one_form_whatever_its_zone() -> None:
    at = datetime(2026, 11, 29, 21, 8, 2, tzinfo=UTC)
    assert canonical_time(at) == "2026-11-29T21:08:02.000000Z"
    assert canonical_time(at.astimezone(timezone(timedelta(hours=5)))) == canonical_time(at)


def test_hash_is_of_predecessor_sequence_and_content() -> None:
    own = hashlib.sha256("é".encode()).digest()
    assert link(b"\1" * 32, 258, "é") == hashlib.sha256(b"\1" * 32 + b"\0\0\0\0\0\0\1\2" + own).digest()


def test_chain_that_nobody_touched_has_no_faults() -> None:
    assert found(EVENTS, EVENTS[-1].place, EVENTS[0].place, EVENTS[3].place) == []
    assert list(chain_faults(EVENTS[2:], EVENTS[1].place, EVENTS[-1].place)) == []
    assert found([], START) == []


def test_change_is_found_where_it_was_made() -> None:
    changed = [*EVENTS]
    changed[2] = replace(EVENTS[2], content="x")
    assert found(changed, EVENTS[-1].place) == [(3, "does not say what its hash says")]


def test_change_with_a_hash_that_fits_is_found_after_it() -> None:
    changed = [*EVENTS]
    changed[2] = replace(EVENTS[2], content="x", hash=link(EVENTS[1].hash, 3, "x"))
    assert found(changed, EVENTS[-1].place) == [(4, "does not follow the event before it")]


def test_removal_is_found() -> None:
    assert found([*EVENTS[:2], *EVENTS[3:]], EVENTS[-1].place)[0] == (3, "is missing")
    assert found(EVENTS[1:], EVENTS[-1].place)[0] == (1, "is missing")


def test_removal_with_new_numbers_is_found() -> None:
    moved = [replace(event, sequence=event.sequence - 1) for event in EVENTS[3:]]
    assert found([*EVENTS[:2], *moved], EVENTS[-1].place)[0] == (3, "does not follow the event before it")


def test_reordering_is_found() -> None:
    swapped = [EVENTS[0], replace(EVENTS[2], sequence=2), replace(EVENTS[1], sequence=3), *EVENTS[3:]]
    assert (2, "does not follow the event before it") in found(swapped, EVENTS[-1].place)


def test_forged_append_is_found() -> None:
    forged = ChainedEvent(6, EVENTS[-1].hash, bytes(32), "x")
    assert (6, "does not say what its hash says") in found([*EVENTS, forged], forged.place)
    fitting = replace(forged, hash=link(EVENTS[-1].hash, 6, "x"))
    assert found([*EVENTS, fitting], EVENTS[-1].place) == [(6, "is more than the head of the log names")]


def test_truncation_is_found_by_the_head_or_an_anchor() -> None:
    assert found(EVENTS[:3], EVENTS[-1].place)[0][0] == 4
    assert found(EVENTS[:3], EVENTS[2].place, EVENTS[4].place) == [(5, "is missing, although an anchor names it")]


def test_log_written_anew_is_found_by_an_anchor() -> None:
    anew = chain(*"vwxyz")
    assert found(anew, anew[-1].place) == []
    assert found(anew, anew[-1].place, EVENTS[1].place) == [(2, "is not the event that an anchor names")]
    # Whoever has the key of the service seals the place anew: it does not outvote the anchor that was kept elsewhere.
    for anchors in ((EVENTS[1].place, anew[1].place), (anew[1].place, EVENTS[1].place)):
        assert found(anew, anew[-1].place, *anchors) == [(2, "is not the event that an anchor names")]


def test_anchor_from_before_the_events_is_not_counted_as_one_that_agrees() -> None:
    check = ChainCheck(EVENTS[1].place, [EVENTS[0].place, EVENTS[2].place])
    faults = [*check.begin(), *(fault for event in EVENTS[2:] for fault in check.follow(event)), *check.end()]
    assert (faults, check.compared) == ([], 1)


@pytest.mark.parametrize("hidden", [EVENTS[2:], []])
def test_checkpoint_that_an_anchor_contradicts_is_found(hidden: list[ChainedEvent]) -> None:
    other = ChainPlace(2, bytes(32))
    faults = [fault.sequence for fault in chain_faults(hidden, other, None, [EVENTS[1].place])]
    assert 2 in faults
