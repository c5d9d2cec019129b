"""Rules for passwords that people set (OWASP ASVS 5, V6.2; NIST SP 800-63B, section 3.1.1): length counts, not kinds of
characters; what others guess first is refused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

__all__ = ["LONGEST", "SHORTEST", "normalized_password", "own_words", "password_fault"]

SHORTEST = 8
"""Characters (code points in NFC)."""
LONGEST = 256
_PRODUCT = "rampart"
_LEAST_WORD = 4
"""Characters of the shortest word of one's own that is looked for: shorter ones are in too much else."""
_CONTROL = {"Cc", "Cs"}


def normalized_password(password: str) -> str | None:
    """Returns the password in NFC, so that every keyboard writes the same; None for what cannot be a password.

    What is too long is told before anything else is done with it.
    """
    if len(password) > 4 * LONGEST:
        return None
    if any(unicodedata.category(character) in _CONTROL for character in password):
        return None
    text = unicodedata.normalize("NFC", password)
    return text if len(text) <= LONGEST else None


def own_words(name: str, email: str, tenant: str) -> frozenset[str]:
    """Returns the words of a person that others would try: parts of name and address, the tenant's, the product's."""
    local = email.partition("@")[0]
    found = [local, tenant, *re.split(r"[\W_]+", name), *re.split(r"[\W_]+", local), "".join(name.split()), _PRODUCT]
    return frozenset(word for each in found if len(word := _folded(each)) >= _LEAST_WORD)


def password_fault(password: str, words: Iterable[str]) -> str | None:
    """Returns why a password is not to be set: "short", "long", "characters", "common" or "personal"; None if it is."""
    text = normalized_password(password)
    if text is None:
        return "long" if len(password) > LONGEST else "characters"
    if len(text) < SHORTEST:
        return "short"
    folded = _folded(text)
    if folded in _common() or len(set(folded)) == 1:
        return "common"
    return "personal" if any(word in folded for word in words) else None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def _common() -> frozenset[str]:
    lines = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(_folded(word) for line in lines if not line.startswith("#") for word in line.split())
