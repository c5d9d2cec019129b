"""Makes, parses and compares entity tags (RFC 9110, section 8.8.3).

A compressed answer is another representation, so it needs another strong tag: `"v1"` becomes `"v1;gzip"`. Both name
one state of the resource, and either can come back in `If-Match` and `If-None-Match`. A service that leaves out the
quotes which AIP-154 asks for has `v1` sent as `"v1;raw"`, so that it gets back what it gave.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

__all__ = ["ANY", "Tag", "TagError", "hashed", "listed", "of_field", "parse"]

_OPAQUE = re.compile(rb"[\x21\x23-\x7e]+")
_QUOTED = re.compile(rb'(W/)?"([\x21\x23-\x7e]*)"')
_LISTED = re.compile(rb'[ \t]*((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")?[ \t]*(?:,|\Z)')
_RAW = b";raw"
_FORMS = (_RAW, b";quoted")
_CODINGS = (b";gzip", b";br", b";zstd")


class TagError(ValueError):
    """A header holds something else than entity tags."""


class Tag(NamedTuple):
    """An entity tag, by what stands between its quotes."""

    value: bytes
    weak: bool = False
    raw: bool = False
    """True if the resource says it without quotes."""
    coding: bytes = b""
    """The coding of the answer that it came with: empty, or for example `;gzip`."""

    def written(self, coding: bytes = b"") -> bytes:
        """Returns the tag as a header says it, for the name of a content coding; empty for the answer as it is."""
        ambiguous = self.value.endswith((*_FORMS, *_CODINGS))
        form = _RAW if self.raw else b";quoted" if ambiguous else b""
        suffix = b";" + coding if coding else self.coding
        return b'%b"%b%b%b"' % (b"W/" if self.weak else b"", self.value, form, suffix)

    def field(self) -> str:
        """Returns the tag as the resource says it."""
        return (self.value if self.raw else b'%b"%b"' % (b"W/" if self.weak else b"", self.value)).decode("latin-1")

    def same(self, other: Tag) -> bool:
        """Compares strongly: neither may be weak (RFC 9110, section 8.8.3.2)."""
        return not self.weak and not other.weak and self.alike(other)

    def alike(self, other: Tag) -> bool:
        """Compares weakly."""
        return self.value == other.value and self.raw == other.raw


ANY = Tag(b"*", coding=b"*")
"""Stands for `*`, which matches whatever there is; told from every tag by its identity."""


def hashed(body: bytes) -> Tag:
    """Returns the strong tag of a body that has no version of its own."""
    return Tag(hashlib.blake2b(body, digest_size=16).hexdigest().encode())


def of_field(value: str) -> Tag | None:
    """Returns the tag in the `etag` field of a resource, None if it cannot be one."""
    data = value.encode()
    quoted = _QUOTED.fullmatch(data)
    if quoted is not None:
        return Tag(quoted[2], weak=quoted[1] is not None)
    return Tag(data, raw=True) if _OPAQUE.fullmatch(data) else None


def parse(header: bytes) -> list[Tag]:
    """Reads `If-Match` or `If-None-Match`: `[ANY]`, or what the listed tags stand for. Raises TagError."""
    return [ANY if each == b"*" else _received(each) for each in listed(header)]


def listed(header: bytes) -> list[bytes]:
    """Splits `If-Match` or `If-None-Match`: `[b"*"]`, or the listed tags as they are. Raises TagError."""
    if header.strip(b" \t") == b"*":
        return [b"*"]
    tags: list[bytes] = []
    at = 0
    while at < len(header):
        found = _LISTED.match(header, at)
        if found is None:
            raise TagError("holds something else than entity tags")
        if found[1] is not None:
            tags.append(found[1])
        at = found.end()
    if not tags:
        raise TagError("names no entity tag")
    return tags


def _received(tag: bytes) -> Tag:
    value, coding = _split(tag.removeprefix(b"W/")[1:-1], _CODINGS)
    value, form = _split(value, _FORMS)
    return Tag(value, tag.startswith(b"W/"), form == _RAW, coding)


def _split(value: bytes, suffixes: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    for suffix in suffixes:
        if value.endswith(suffix):
            return value.removesuffix(suffix), suffix
    return value, b""
