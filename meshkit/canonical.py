"""Brings identifiers into their one canonical form before they are counted, compared or limited (ADR 0026).

- IP addresses are folded: RFC 5952, an IPv4-mapped one is its IPv4 address; with a zone, port or bracket it is none.
- E-mail addresses are folded: the domain to lower case and A-labels, the local part to lower case and NFC, and needless
  quotes go. Dots and tags stay, because only the provider knows what they mean.
- Currencies have one right spelling, and the others are refused: see `meshkit.currencies`.
- Opaque identifiers are never folded: users, devices, cards, merchants and transactions are compared code point by code
  point, because only the tenant knows which of them are one.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import TypeAlias

__all__ = ["NOT_AN_ADDRESS", "Address", "canonical_address", "canonical_email", "parse_address"]

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

_ATOM = r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|[^\x00-\x7f])+"
_DOT_STRING = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_QUOTED = re.compile(r'"((?:[^\x00-\x1f\x7f"\\]|\\[\x20-\x7e])*)"')
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_DOTTED_QUAD = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
"""An IPv4 address in its only form."""
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]+)\]", re.IGNORECASE)
NOT_AN_ADDRESS = "must be an IPv4 or IPv6 address without zone, port and brackets, such as 203.0.113.7 or 2001:db8::7"
MAX_LOCAL_BYTES = 64
MAX_DOMAIN_BYTES = 255


def parse_address(text: str) -> Address | None:
    """Reads an address without zone, port and brackets; None for anything else. An IPv4-mapped one becomes IPv4."""
    if "%" in text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def canonical_address(text: str) -> str | None:
    """Returns the one text of an address (RFC 5952), None for what `parse_address` does not read."""
    return text if _DOTTED_QUAD.fullmatch(text) else _canonical_address(text)


@lru_cache(maxsize=16_384)
def _canonical_address(text: str) -> str | None:
    address = parse_address(text)
    return None if address is None else str(address)


def canonical_email(text: str) -> str | None:
    """Returns the one text of a mailbox (RFC 5321, section 4.1.2, with RFC 6531); None for what is no mailbox."""
    local, at, domain = text.rpartition("@")
    host = _canonical_domain(domain)
    name = _canonical_local(local)
    return f"{name}@{host}" if at and name and host else None


def _canonical_local(text: str) -> str | None:
    if len(text.encode()) > MAX_LOCAL_BYTES:
        return None
    quoted = _QUOTED.fullmatch(text)
    if quoted is not None:
        content = re.sub(r"\\(.)", r"\1", quoted[1])
        # RFC 5321, section 4.1.2: all quoted forms are equivalent; this is the one with the least quoting.
        text = content if _DOT_STRING.fullmatch(content) else '"' + re.sub(r'(["\\])', r"\\\1", content) + '"'
    elif _DOT_STRING.fullmatch(text) is None:
        return None
    return unicodedata.normalize("NFC", text.lower())


def _canonical_domain(text: str) -> str | None:
    literal = _LITERAL.fullmatch(text)
    if literal is not None:
        address = canonical_address(literal[1])
        return address and f"[{address}]"
    labels = [_a_label(label) for label in re.split(r"[.。．｡]", text)]
    domain = ".".join(labels)
    known = len(domain) <= MAX_DOMAIN_BYTES and all(_LABEL.fullmatch(label) for label in labels)
    return domain if known else None


def _a_label(text: str) -> str:
    """Returns a label of a domain name as the DNS has it (RFC 5890): lower case, in ASCII; empty for what is none.

    Wide and other compatible forms of letters are those letters (UTS 46). Of the rest letters, marks and digits stand
    in a label, beside hyphens (RFC 5892).
    """
    label = unicodedata.normalize("NFKC", text.lower())
    if label.isascii():
        return label
    stands = all(unicodedata.category(each)[0] in "LM" or each.isdecimal() or each == "-" for each in label)
    return f"xn--{label.encode('punycode').decode()}" if stands else ""
