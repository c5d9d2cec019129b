"""Reads and writes the cookies of the pages.

All have the prefix `__Host-` (RFC 6265bis, section 4.1.3.2): browsers take them over TLS alone, or from this machine,
and from this host alone, so that no neighbour can plant one. No script sees them, and no other site's form sends them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = [
    "ATTEMPT",
    "ATTEMPT_SECONDS",
    "DEVICE",
    "DEVICE_SECONDS",
    "FORM",
    "LINK",
    "SESSION",
    "attempts",
    "dropped",
    "kept",
    "read_cookies",
]

SESSION = "__Host-session"
"""Secret of the session. It ends with the browser, or when the service says so."""
FORM = "__Host-form"
"""Random bits to which the forms of a browser are bound."""
ATTEMPT = "__Host-attempt-"
"""Secret of one attempt to sign in, whose identifier ends the name: several may be under way, one in each tab."""
DEVICE = "__Host-device"
"""Secret by which a browser is known again whose person has signed in before."""
DEVICE_SECONDS = 400 * 86_400
"""The longest that browsers keep a cookie (RFC 6265bis, section 5.5)."""
LINK = "__Host-link"
"""Secret of a one-time link that was followed."""
ATTEMPT_SECONDS = 600
"""For how long the service keeps an attempt."""

_VALUE = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"


def read_cookies(header: bytes) -> dict[str, str]:
    """Returns the cookies of a `Cookie` header that these pages could have set. One that comes twice is none."""
    found: dict[str, str] = {}
    doubtful: set[str] = set()
    for part in header.decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name in found:
            doubtful.add(name)
        if name.startswith("__Host-") and _VALUE.fullmatch(value):
            found[name] = value
    return {name: value for name, value in found.items() if name not in doubtful}


def kept(name: str, value: str, seconds: int | None = None) -> str:
    """Returns the `Set-Cookie` of a value; without `seconds` the browser keeps it until it is closed."""
    age = f"; Max-Age={seconds}" if seconds is not None else ""
    return f"{name}={value}; {_ATTRIBUTES}{age}"


def dropped(name: str) -> str:
    """Returns the `Set-Cookie` that makes a browser forget a cookie."""
    return kept(name, "", 0)


def attempts(cookies: Mapping[str, str]) -> list[str]:
    """Returns the names of the attempts that a browser keeps, the oldest first as browsers send them."""
    return [name for name in cookies if name.startswith(ATTEMPT)]
