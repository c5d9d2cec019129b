"""Serialises structured fields (RFC 9651), as far as rate limits need it."""

from __future__ import annotations

__all__ = ["string_item"]


def string_item(text: str) -> str:
    """Serialises a String (section 4.1.6). Raises ValueError for what it cannot hold."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"a structured field's String holds visible ASCII and spaces only, not {text!r}")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
