"""Reads the values of a list: into the one form in which they are compared, with the key of their look-up."""

from __future__ import annotations

import ipaddress
import re

from meshkit.canonical import NOT_AN_ADDRESS, canonical_address, canonical_email, parse_address
from services.fraud.domain.value_lists.keys import (
    TEXT,
    V4,
    Network,
    network_key,
    packed_address,
    seeded,
    text_key,
)
from services.fraud.domain.value_lists.lists import MAX_VALUE, NEVER, ListedType, ListEntry, ValueList

__all__ = ["Values", "WrongValueError"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BITS = re.compile(r"[0-9]{1,3}")
NOT_A_NETWORK = "must be a network such as 203.0.113.0/24 or 2001:db8::/32, without bits beyond its prefix"
NOT_A_MAILBOX = "must be an e-mail address such as ada@example.com"
MAPPED_BITS = 96
"""Before the 32 bits of an IPv4 address in an IPv6 one."""


class WrongValueError(Exception):
    """A value that cannot be on the list: the rule that it breaks, and what is wrong in words."""

    def __init__(self, rule: str, words: str) -> None:
        super().__init__(words)
        self.rule = rule
        self.words = words


class Values:
    """Reads values of one list."""

    def __init__(self, about: ValueList) -> None:
        self._type = about.type
        self._begun = seeded(about.seed)

    def canonical(self, text: str) -> str:
        """Returns the form in which a value is kept. Raises WrongValueError."""
        if not 1 <= len(text) <= MAX_VALUE:
            raise WrongValueError("string.length", f"must have 1 to {MAX_VALUE} characters")
        if _CONTROL.search(text):
            raise WrongValueError("string.pattern", "must not hold control characters")
        if self._type is ListedType.STRING:
            return text
        if self._type is ListedType.EMAIL:
            return _kept(canonical_email(text), "email.address", NOT_A_MAILBOX)
        if "/" in text:
            return _network_text(_network(text))
        return _kept(canonical_address(text), "ip_address.bare", NOT_AN_ADDRESS)

    def entry(self, text: str, ends: int = NEVER, note: str = "") -> ListEntry:
        """Raises WrongValueError."""
        value = self.canonical(text)
        return ListEntry(value, *self._key(value), ends, note)

    def _key(self, value: str) -> tuple[int, int]:
        if self._type is not ListedType.IP:
            return TEXT, text_key(self._begun, value)
        address, _, bits = value.partition("/")
        packed = packed_address(address)
        assert packed is not None, "a canonical address is one"
        family, number = packed
        width = 32 if family == V4 else 128
        length = int(bits) if bits else width
        return family + length, network_key(self._begun, number >> (width - length), length)


def _kept(value: str | None, rule: str, words: str) -> str:
    """An address can be longer in its canonical form."""
    if value is None or len(value) > MAX_VALUE:
        raise WrongValueError(rule, words)
    return value


def _network(text: str) -> Network:
    head, _, bits = text.partition("/")
    address = parse_address(head)
    if address is None or not _BITS.fullmatch(bits):
        raise WrongValueError("ip_network", NOT_A_NETWORK)
    length = int(bits) - (MAPPED_BITS if address.version == 4 and ":" in head else 0)
    try:
        return ipaddress.ip_network((int(address), length) if address.version == 6 else f"{address}/{length}")
    except ValueError:
        raise WrongValueError("ip_network", NOT_A_NETWORK) from None


def _network_text(network: Network) -> str:
    whole = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if whole else str(network)
