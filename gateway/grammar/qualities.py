"""Reads lists of what is welcome and how much: `Accept`, `Accept-Encoding` (RFC 9110, sections 12.4.2 and 12.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["quality", "weighted"]

_QUALITY = re.compile(rb"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def quality(accept: bytes, media_type: bytes) -> float:
    """Returns how welcome a media type is, 0 to 1. The most specific range that matches it counts.

    Parameters of ranges are not compared. A range like `application/*+json`, which some clients send, is understood,
    and `application/json` takes what is written in JSON under a name of its own (RFC 6839, section 3.1) as well.
    """
    if not accept.strip():
        return 1.0
    best = (0, 0.0)
    for kind, weight in weighted(accept):
        best = max(best, (_specificity(kind, media_type), weight), key=_first)
    return best[1] if best[0] else 0.0


def weighted(field: bytes) -> Iterator[tuple[bytes, float]]:
    """Yields the elements of a list in lower case, each with its weight, 0 to 1."""
    for part in field.lower().split(b","):
        element, _, parameters = part.partition(b";")
        yield element.strip(), _weight(parameters)


def _first(pair: tuple[int, float]) -> int:
    return pair[0]


def _specificity(kind: bytes, media_type: bytes) -> int:
    """Returns 0 if the range does not match."""
    if kind == media_type:
        return 5
    family, _, rest = media_type.partition(b"/")
    suffix = rest.rpartition(b"+")[2]
    if kind == family + b"/*+" + suffix:
        return 4
    if kind == family + b"/" + suffix:
        return 3
    if kind == family + b"/*":
        return 2
    return 1 if kind == b"*/*" else 0


def _weight(parameters: bytes) -> float:
    """Returns the weight among the parameters of a list element (section 12.4.2); 0 if it is malformed."""
    for parameter in parameters.split(b";"):
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"q":
            return float(value) if _QUALITY.fullmatch(value.strip()) else 0.0
    return 1.0
