"""Places in an HTTP request: what is wrong is named by where the caller wrote it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from meshkit.errors import Kind, MeshError, Violation

__all__ = ["HttpViolation", "Steps", "dotted", "malformed", "pointer", "steps"]

Steps = Sequence[str | int]

_STEP = re.compile(r'\[(?:([0-9]+)|"((?:[^"\\]|\\.)*)")\]|([^.\[\]]+)')


@dataclass(frozen=True, slots=True)
class HttpViolation(Violation):
    """A violation and its place in the HTTP request."""

    place: str
    """"path", "query" or "body"."""
    name: str
    """Name of the variable or parameter; for a body the JSON Pointer (RFC 6901) of the value."""


def malformed(place: str, name: str, message: str) -> MeshError:
    """Returns the error for a part of the HTTP request that cannot be read."""
    where = f"{place} {name}" if name else place
    return MeshError(
        Kind.INVALID_ARGUMENT,
        "MALFORMED_REQUEST",
        f"{where} {message}",
        violations=[HttpViolation(name, "malformed", message, place, name)],
    )


def pointer(path: Steps) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def dotted(path: Steps) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def steps(dotted: str) -> tuple[str | int, ...]:
    """Reads a field path as services write it, for example `user.email` or `requests[3].user_id`."""
    return tuple(int(index) if index else key or name for index, key, name in _STEP.findall(dotted))
