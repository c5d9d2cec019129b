"""Which passwords may be set."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.auth.domain import passwords
from services.auth.domain.passwords import normalized_password, own_words, password_fault

WORDS = own_words("Ada Lovelace", "countess.al@example.com", "acme-shop")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("7 chars", "short"),
        ("é" * 7, "short"),
        ("x" * 257, "long"),
        ("y" * 10_000, "long"),
        ("with\0nul-inside", "characters"),
        ("with\x1bescape-inside", "characters"),
        ("with\ud800surrogate", "characters"),
        ("password", "common"),
        ("PassWord1", "common"),
        ("ｐａｓｓｗｏｒｄ", "common"),
        ("zzzzzzzzzzzzzzzz", "common"),
        ("my-LOVELACE-secret", "personal"),
        ("adalovelace & friends", "personal"),
        ("the countess.al is here", "personal"),
        ("i am a countess today", "personal"),
        ("at ACME-shop we sell", "personal"),
        ("rampart rampart go", "personal"),
    ],
)
def test_password_that_others_try_first_is_refused(password: str, why: str) -> None:
    assert password_fault(password, WORDS) == why


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "quite-unusual",
        "пароль из слов",
        "🦉🦊🐢🐙🦔🐝🦜🐋",
        "b" * 255 + "a",
        " spaces at the end ",
    ],
)
def test_no_kinds_of_characters_are_asked_for(password: str) -> None:
    assert password_fault(password, WORDS) is None
    assert normalized_password(password) == password


def test_every_keyboard_writes_the_same_password() -> None:
    assert normalized_password("caf\u00e9 au lait") == normalized_password("cafe\u0301 au lait")


def test_nothing_is_cut_off() -> None:
    assert normalized_password("a" * 256) != normalized_password("a" * 255)
    assert normalized_password("a" * 257) is None


def test_short_words_of_ones_own_may_be_in_a_password() -> None:
    assert password_fault("saga of badgers", own_words("Ada", "al@example.com", "x-y")) is None


def test_three_thousand_commonest_are_refused() -> None:
    lines = Path(passwords.__file__).with_name("common_passwords.txt").read_text().splitlines()
    listed = [word for line in lines if not line.startswith("#") for word in line.split()]
    assert len(listed) == 3000
    assert {password_fault(word, ()) for word in listed} == {"common"}
