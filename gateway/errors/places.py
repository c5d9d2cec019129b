"""Names where in an HTTP request a violation is: path, query, header, or JSON Pointer into the body."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from meshkit.errors import Kind, MeshError, Violation

__all__ = ["HttpViolation", "Steps", "dotted", "malformed", "placed", "pointed", "pointer", "steps"]

Steps = Sequence[str | int]

_PLAIN = re.compile(r"[^.\[\]\"\\]+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
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


def placed(error: MeshError, find: Callable[[Steps, str, str], HttpViolation]) -> MeshError:
    """Returns the error with every violation at its HTTP place. `find` maps (steps, reason, message) to one."""
    if all(isinstance(violation, HttpViolation) for violation in error.violations):
        return error
    return error.with_violations(_place(violation, find) for violation in error.violations)


def _place(violation: Violation, find: Callable[[Steps, str, str], HttpViolation]) -> HttpViolation:
    if isinstance(violation, HttpViolation):
        return violation
    found = find(steps(violation.field), violation.reason, violation.message)
    return dataclasses.replace(found, localized=violation.localized) if violation.localized else found


def pointed(error: MeshError) -> MeshError:
    """Returns the error with fields named by JSON Pointer, which is all that the sender of a frame knows of them."""
    if not any(isinstance(violation, HttpViolation) for violation in error.violations):
        return error
    return error.with_violations(
        dataclasses.replace(violation, field=violation.name) if isinstance(violation, HttpViolation) else violation
        for violation in error.violations
    )


def pointer(path: Steps) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def dotted(path: Steps) -> str:
    """Writes a field path as services do. A key that would read as several steps, or as none, stands in quotes."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            quoted = step.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{quoted}"]'
    return text


def steps(dotted: str) -> tuple[str | int, ...]:
    """Reads a field path as services write it, for example `user.email` or `requests[3].user_id`."""
    found = _STEP.findall(dotted)
    return tuple(int(index) if index else _ESCAPED.sub(r"\1", key) or name for index, key, name in found)
