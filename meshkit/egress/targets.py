"""Reads URLs to which requests may lead, and the setting that opens further ones."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from meshkit.egress.addresses import IpAddress, is_public, may_be_opened, read_ip
from meshkit.egress.errors import EgressError, EgressFault
from meshkit.settings import SettingsError

__all__ = ["EgressTarget", "read_egress_allow", "read_target"]

_URL = re.compile(r"[!-~]{1,2048}")
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*", re.ASCII)
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class EgressTarget:
    """Where a request leads."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query."""
    opened: bool
    """Whether the setting names its origin, so that it may be of a private network."""

    @property
    def authority(self) -> str:
        """Returns what the `Host` field says."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"

    def admits(self, address: IpAddress) -> bool:
        """Tells whether the request may be sent to this address of the host."""
        return is_public(address) or (self.opened and may_be_opened(address))


def read_target(url: str, opened: Collection[str]) -> EgressTarget:
    """Reads the URL of a request: https, or an origin that is opened. Raises EgressError."""
    parts, port = _split(url)
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not (_NAME.fullmatch(host) or read_ip(host)) or "%" in host:
        raise EgressError(EgressFault.URL)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = EgressTarget(parts.scheme, host, port or _PORTS[parts.scheme], path, False)
    if target.origin in opened:
        return EgressTarget(target.scheme, host, target.port, path, True)
    if target.scheme != "https":
        raise EgressError(EgressFault.URL)
    return target


def read_egress_allow(name: str, text: str) -> frozenset[str]:
    """Reads the setting `name`: origins with commas between that may be of a private network, and without TLS.

    Raises SettingsError.
    """
    opened = frozenset(each.strip() for each in text.split(",") if each.strip())
    for origin in opened:
        try:
            right = read_target(origin, opened).origin == origin
        except EgressError:
            right = False
        if not right:
            raise SettingsError(f"{name} must be origins such as https://id.internal:8443, not {origin!r}")
    return opened


def _split(url: str) -> tuple[SplitResult, int | None]:
    """Takes a URL apart. Raises EgressError for what two programs could read differently."""
    if not _URL.fullmatch(url) or any(mark in url for mark in "\\#@"):
        raise EgressError(EgressFault.URL)
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:
        raise EgressError(EgressFault.URL) from None
