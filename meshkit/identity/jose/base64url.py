"""Decodes base64url as JOSE writes it (RFC 7515, section 2): one text for each sequence of octets, and no other."""

from __future__ import annotations

import binascii

__all__ = ["decode"]

# The characters of plain base64 become ones that no alphabet has.
_PLAIN = bytes.maketrans(b"-_+/=", b"+/!!!")
_LAST = {0: None, 2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}
"""What the last character may be, by the characters of the last group: its unused bits are zero."""


def decode(text: bytes) -> bytes:
    """Returns the octets. Raises ValueError for padding, white space, other characters and bits that are not used."""
    left_over = len(text) % 4
    if left_over not in _LAST:
        raise ValueError("is not base64url")
    last = _LAST[left_over]
    if last is not None and text[-1] not in last:
        raise ValueError("is not base64url")
    return binascii.a2b_base64(text.translate(_PLAIN) + b"=" * (-left_over % 4), strict_mode=True)
