"""Reads what names the host of a request: `Host`, and targets in absolute form (RFC 9110, section 7.2)."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

__all__ = ["AbsoluteTarget", "valid_authority", "valid_host"]

_SUB_DELIMS = rb"!$&'()*+,;="
_AUTHORITY = re.compile(
    rb"(?:(?:[A-Za-z0-9._~%b-]|%%[0-9A-Fa-f]{2})+|\[(?:([0-9A-Fa-f:.]+)|[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~%b:-]+)\])(?::([0-9]*))?"
    % (_SUB_DELIMS, _SUB_DELIMS)
)
_ABSOLUTE = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://([^/?]*)([/?].*)?")
MOST_PORT = 65535


def valid_host(value: bytes) -> bool:
    """Tells whether a `Host` is a host with or without a port (RFC 3986, section 3.2), or empty."""
    return not value or valid_authority(value)


def valid_authority(value: bytes) -> bool:
    """Tells whether these are a host and perhaps a port, and no name of a user (RFC 9110, section 4.2.4)."""
    found = _AUTHORITY.fullmatch(value)
    if found is None:
        return False
    literal, port = found.groups()
    if port and (len(port) > len(str(MOST_PORT)) or int(port) > MOST_PORT):
        return False
    return literal is None or _is_ipv6(literal.decode("ascii"))


class AbsoluteTarget(NamedTuple):
    """A target such as `http://host/path?query`."""

    authority: bytes
    origin_form: bytes

    @classmethod
    def parse(cls, target: bytes) -> AbsoluteTarget | None:
        """Returns its parts; None if it is of another scheme or names no valid host."""
        found = _ABSOLUTE.fullmatch(target)
        if found is None or not valid_authority(found[1]):
            return None
        rest = found[2] or b"/"
        return cls(found[1], rest if rest[:1] == b"/" else b"/" + rest)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
