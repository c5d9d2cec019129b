"""Where attempts come from, without saying it."""

from __future__ import annotations

import pytest

from services.auth.domain.origins import OriginKeys
from services.auth.domain.recovery import CODES, new_recovery_codes, recovery_code_hash

KEYS = OriginKeys(b"k" * 32)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("what is that", "what is that", True),
    ],
)
def test_host_has_one_origin(one: str, other: str, same: bool) -> None:
    assert (KEYS.origin(one, "").address == KEYS.origin(other, "").address) is same


def test_origin_says_nothing_without_the_key() -> None:
    assert OriginKeys(b"x" * 32).origin("192.0.2.1", "d") != KEYS.origin("192.0.2.1", "d")
    assert KEYS.origin("", "").marks == []


def test_names_do_not_run_together() -> None:
    assert KEYS.count("ab", "c") != KEYS.count("a", "bc")


def test_recovery_codes_are_ten_that_differ_and_can_be_typed_in_any_way() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == len(codes) == CODES
    code = codes[0]
    spoken = code.upper().replace("-", " ").replace("0", "O").replace("1", "I")
    assert recovery_code_hash("m", spoken) == recovery_code_hash("m", code)
    assert recovery_code_hash("m", code) != recovery_code_hash("n", code)
