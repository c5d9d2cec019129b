"""UUIDv7 identifiers (RFC 9562, section 5.7)."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid

import pytest

from meshkit.ids import uuid7, uuid7_text


def test_version_and_variant_are_those_of_the_rfc() -> None:
    made = uuid7()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)


def test_identifiers_are_strictly_increasing_however_fast_they_are_made() -> None:
    made = [str(uuid7()) for _ in range(20_000)]
    assert made == sorted(set(made))


def test_text_is_the_canonical_form_and_counts_on() -> None:
    before, text, after = uuid7(), uuid7_text(), uuid7()
    assert str(uuid.UUID(text)) == text
    assert before < uuid.UUID(text) < after


def test_first_48_bits_are_the_time() -> None:
    before = time.time_ns() // 1_000_000
    milliseconds = uuid7().int >> 80
    # A counter that overflows its 12 bits borrows from the next milliseconds.
    assert before <= milliseconds <= time.time_ns() // 1_000_000 + 20


def test_a_clock_set_back_does_not_repeat_or_reorder(monkeypatch: pytest.MonkeyPatch) -> None:
    before = uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert before < uuid7() < uuid7()


def test_the_last_62_bits_are_random() -> None:
    assert len({uuid7().int & ((1 << 62) - 1) for _ in range(1_000)}) == 1_000


def test_a_forked_child_does_not_repeat_the_random_numbers_of_its_parent() -> None:
    script = (
        "import os\n"
        "from meshkit.ids import uuid7\n"
        "uuid7()\n"
        "child = os.fork()\n"
        "os.write(1, b'%d\\n' % (uuid7().int & (1 << 62) - 1))\n"
        "child and os.waitpid(child, 0)\n"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    numbers = printed.stdout.split()
    assert len(numbers) == len(set(numbers)) == 2
