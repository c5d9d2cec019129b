"""Reads the qualities of `Accept` headers (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re

__all__ = ["quality", "qvalue"]

_QUALITY = re.compile(rb"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def quality(accept: bytes, media_type: bytes) -> float:
    """Returns how welcome a media type is, 0 to 1. The most specific range that matches it counts.

    Parameters of ranges are not compared. A range like `application/*+json`, which some clients send, is understood.
    """
    if not accept.strip():
        return 1.0
    best = (0, 0.0)
    for part in accept.lower().split(b","):
        kind, _, parameters = part.partition(b";")
        best = max(best, (_specificity(kind.strip(), media_type), qvalue(parameters)), key=_first)
    return best[1] if best[0] else 0.0


def _first(pair: tuple[int, float]) -> int:
    return pair[0]


def _specificity(kind: bytes, media_type: bytes) -> int:
    """Returns 0 if the range does not match."""
    if kind == media_type:
        return 4
    family, _, rest = media_type.partition(b"/")
    if kind == family + b"/*+" + rest.rpartition(b"+")[2]:
        return 3
    if kind == family + b"/*":
        return 2
    return 1 if kind == b"*/*" else 0


def qvalue(parameters: bytes) -> float:
    """Returns the weight among the parameters of a list element (RFC 9110, section 12.4.2); 0 if it is malformed."""
    for parameter in parameters.split(b";"):
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"q":
            return float(value) if _QUALITY.fullmatch(value.strip()) else 0.0
    return 1.0
