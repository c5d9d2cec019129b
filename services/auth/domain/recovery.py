"""Codes with which a member gets in who has lost the second factor."""

from __future__ import annotations

import hashlib
import secrets

__all__ = ["CODES", "new_recovery_codes", "recovery_code_hash"]

CODES = 10
"""In one set."""
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that is taken for a digit."""
_LENGTH, _GROUP = 16, 4
_MISREAD = str.maketrans("oil", "011", "- ")


def new_recovery_codes() -> list[str]:
    """Returns a set of codes of 80 random bits, in groups of four characters."""
    return [_new_code() for _ in range(CODES)]


def recovery_code_hash(member_id: str, code: str) -> bytes:
    """Returns what is stored of a member's code, however it was typed: 80 random bits need no slow hash."""
    read = code.lower().translate(_MISREAD)
    return hashlib.sha256(f"{member_id}:{read}".encode(errors="replace")).digest()


def _new_code() -> str:
    text = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(text[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))
