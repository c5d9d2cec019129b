"""Resolves the client's address: of the connection or, behind trusted proxies, from their header.

A proxy appends to the header the address that it was called from, so what it says is read from the right, for as long
as the speaker is trusted (RFC 7239, section 8.1). Whatever stands further left is the word of a stranger. Only the one
configured header is read: a proxy that writes one of them passes the other on as the client made it up.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from starlette.types import Scope

from gateway.edge.trusted import UNIX, TrustedPeers
from meshkit import canonical
from meshkit.settings import Reader, SettingsError

__all__ = ["UNIX", "AddressResolver", "limit_key", "parse_address"]

Address: TypeAlias = canonical.Address

HEADERS = ("x-forwarded-for", "forwarded")
MAX_HOPS = 32
IPV6_PREFIX = 64
"""What one customer of a provider has at least; addresses inside are theirs to choose (RFC 6177)."""

_PAIR = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&\'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\.)*)")\s*')
_PORT = re.compile(r"[0-9]{1,5}|_[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class _Proxies:
    trusted: str
    """Addresses and networks of proxies, such as `10.0.0.0/8,2001:db8::/48,unix`, whose word about the caller's address
    is taken; `unix` stands for peers on a unix socket."""
    header: str
    """The one header that they write: `x-forwarded-for` or `forwarded`."""


class AddressResolver:
    """Finds the address of clients. Trusts no peer by default."""

    def __init__(self, trusted: TrustedPeers = TrustedPeers(), header: str = HEADERS[0]) -> None:
        if header not in HEADERS:
            raise ValueError(f"{header!r} is not one of {', '.join(HEADERS)}")
        self._trusted = trusted
        self._header = header.encode()
        self._hops = _forwarded_hops if header == "forwarded" else _x_forwarded_hops

    @classmethod
    def read(cls, reader: Reader) -> AddressResolver:
        """Raises SettingsError."""
        said = _Proxies(
            trusted=reader.text("RAMPART_TRUSTED_PROXIES", ""),
            header=reader.text("RAMPART_CLIENT_ADDRESS_HEADER", HEADERS[0]),
        )
        trusted, header = TrustedPeers.read("RAMPART_TRUSTED_PROXIES", said.trusted), said.header.lower()
        if header not in HEADERS:
            raise SettingsError(f"RAMPART_CLIENT_ADDRESS_HEADER must be {' or '.join(HEADERS)}, not {header!r}")
        return cls(trusted, header)

    def connection_key(self, host: str) -> str:
        """Returns what the connections of a peer are counted by; empty for a trusted proxy, or a unix socket."""
        peer = parse_address(host)
        return "" if peer is None or self._trusted.hold(peer) else limit_key(peer)

    def resolve(self, scope: Scope) -> str:
        """Returns what identifies the client of an ASGI scope for a limit (see `limit_key`)."""
        client = scope.get("client")
        host = client[0] if client else ""
        if not self._trusted:
            return _peer_key(host)
        peer = parse_address(host)
        if not self._trusted.hold(peer):
            return _peer_key(host)
        return self._walk(scope, peer)

    def _walk(self, scope: Scope, peer: Address | None) -> str:
        known = peer
        for hop, _ in zip(self._hops(_values(scope, self._header)), range(MAX_HOPS), strict=False):
            address = parse_address(hop)
            if address is None:
                # Unknown or hidden: as far as anyone knows it is the hop that said so.
                break
            known = address
            if not self._trusted.hold(address):
                break
        return limit_key(known) if known is not None else UNIX


def parse_address(text: str) -> Address | None:
    """Reads an address with or without brackets, port and zone; None for anything else. Mapped IPv4 becomes IPv4."""
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or ":" not in host or (rest and not (rest[0] == ":" and _PORT.fullmatch(rest[1:]))):
            return None
    else:
        host, colon, port = text.partition(":")
        if ":" in port:
            host = text
        elif colon and not _PORT.fullmatch(port):
            return None
    return canonical.parse_address(host.partition("%")[0])


def limit_key(address: Address) -> str:
    """Returns an IPv4 address, or the /64 of an IPv6 address."""
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((int(address), IPV6_PREFIX), strict=False))


@lru_cache(maxsize=4_096)
def _peer_key(host: str) -> str:
    address = parse_address(host)
    return limit_key(address) if address is not None else UNIX


def _values(scope: Scope, header: bytes) -> Iterator[str]:
    """Yields the elements of a list header from right to left, over all its lines."""
    for name, value in reversed(scope["headers"]):
        if name == header:
            yield from reversed(value.decode("latin-1").split(","))


def _x_forwarded_hops(values: Iterable[str]) -> Iterator[str]:
    return (value.strip(" \t") for value in values)


def _forwarded_hops(values: Iterable[str]) -> Iterator[str]:
    """Yields the `for` of each element, an empty string where there is none or the element is malformed.

    The list is split at every comma, quoted or not, and from the right: a quotation mark that a stranger opened on the
    left must not swallow what a proxy appended. An element that a comma inside quotes was cut out of does not parse.
    """
    for value in values:
        pairs = _pairs(value)
        yield pairs.get("for", "") if pairs is not None else ""


def _pairs(element: str) -> dict[str, str] | None:
    """Reads `name=value;…` (RFC 7239, section 4); None if malformed or if a name is there twice."""
    found: dict[str, str] = {}
    for text in element.split(";"):
        pair = _PAIR.fullmatch(text)
        if pair is None or pair[1].lower() in found:
            return None
        found[pair[1].lower()] = pair[2] if pair[2] is not None else re.sub(r"\\(.)", r"\1", pair[3])
    return found
