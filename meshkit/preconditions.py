"""Evaluates in which states of a resource a change may happen (RFC 9110, sections 13.1.1 and 13.1.2)."""

from __future__ import annotations

from collections.abc import Collection

from meshkit.errors import Kind, MeshError

__all__ = ["Preconditions", "check_etag", "etag_from_revision", "etag_mismatch", "revision_from_etag"]

_ANY = "*"
_NO_REVISION = -1
"""What no state has."""


class Preconditions:
    """Conditions of one change. Etags are as resources say them: strong, with their quotes."""

    def __init__(self, if_match: Collection[str] = (), if_none_match: Collection[str] = ()) -> None:
        self._match = frozenset(if_match)
        self._none = frozenset(tag.removeprefix("W/") for tag in if_none_match)

    def __bool__(self) -> bool:
        return bool(self._match or self._none)

    def hold(self, etag: str) -> bool:
        """Tells whether a resource that is there may be changed."""
        if self._match and self._match.isdisjoint((etag, _ANY)):
            return False
        return self._none.isdisjoint((etag, _ANY))


def etag_mismatch() -> MeshError:
    """Returns the error of a change whose resource is in another state than those that were named."""
    return MeshError(
        Kind.ABORTED, "ETAG_MISMATCH", "the resource is not, or no longer, in the state that the etag names"
    )


def etag_from_revision(revision: int) -> str:
    """Returns the entity tag of a revision, with its quotes."""
    return f'"{revision}"'


def revision_from_etag(etag: str) -> int | None:
    """Returns the revision that an etag names, None without one. The quotes of the etag may be missing."""
    digits = etag.strip('"')
    if not etag:
        return None
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else _NO_REVISION


def check_etag(etag: str, revision: int) -> None:
    """Raises ETAG_MISMATCH unless an etag names a revision. One that is empty names any."""
    if revision_from_etag(etag) not in (None, revision):
        raise etag_mismatch()
