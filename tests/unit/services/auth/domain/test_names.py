"""Names and addresses that nobody can read, or tell from others, are known."""

from __future__ import annotations

import pytest

from services.auth.domain.names import address_readable, name_readable

UNSEEN = ["\u202e", "\u200b", "\u2066", "\ufeff", "\u00ad", "\ue000", "\u2028", "\u3164", "\u2800", "\u034f"]


@pytest.mark.parametrize(
    "name", ["", "Ada Example", "José Ⅷ", "نگه\u200cدار", "👩\u200d🚀 crew", "I ❤\ufe0f it", "山田 太郎"]
)
def test_name_that_can_be_read_is_one(name: str) -> None:
    assert name_readable(name)


@pytest.mark.parametrize("name", [*(f"Ada{each}Example" for each in UNSEEN), " ", "\u200d", "\ufe0f \u200c"])
def test_name_with_what_is_not_seen_is_none(name: str) -> None:
    assert not name_readable(name)


def test_address_is_read_in_any_script() -> None:
    assert address_readable("ada+x@example.com") and address_readable("山田@例え.jp")


@pytest.mark.parametrize("character", [*UNSEEN, "\u200d", "\ufe0f", "\u00a0", "\u3000"])
def test_address_with_what_is_not_seen_is_none(character: str) -> None:
    assert not address_readable(f"ada{character}@example.com")
