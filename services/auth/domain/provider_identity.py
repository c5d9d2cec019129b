"""Judges what a provider says of who has signed in there (OpenID Connect Core 1.0, sections 3.1.3.7 and 5.1)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.auth.domain.members import key_is_its_own
from services.auth.domain.names import address_readable, readable_part

__all__ = ["ExpectedIdentity", "IdentityRefusedError", "ProvidedAddress", "ProvidedIdentity"]

LEEWAY = 60.0
"""Seconds by which the provider's clock may differ from ours."""
MOST_AGE = 600.0
"""Seconds since a token was issued that is shown to us at once."""
_EMAIL = re.compile(r"[^\x00-\x20\x7f@]+@[^\x00-\x20\x7f@]+")
_FACTORS = (
    frozenset({"kba", "pin", "pwd"}),
    frozenset({"hwk", "otp", "sc", "sms", "swk", "tel"}),
    frozenset({"face", "fpt", "iris", "retina", "vbm"}),
)
"""Methods of RFC 8176 by what they prove: to know, to have, and to be. Two of one kind are one factor."""
_STRONG = frozenset({"2", "3", "4", "phr", "phrh", "http://schemas.openid.net/pape/policies/2007/06/multi-factor"})
"""Values of `acr` for more than one factor: levels as we and others count them, and those of OpenID Connect EAP."""


class IdentityRefusedError(Exception):
    """What the provider says is not good. The message is one word, for the audit log."""


@dataclass(frozen=True, slots=True)
class ProvidedAddress:
    """What the provider says of a person's e-mail address."""

    email: str = field(repr=False)
    """Empty for none that can be one."""
    verified: bool | None
    """None if the provider does not say."""
    name: str = field(repr=False)

    @classmethod
    def read(cls, claims: Mapping[str, Any]) -> ProvidedAddress:
        email, name, verified = claims.get("email"), claims.get("name"), claims.get("email_verified")
        usable = isinstance(email, str) and _usable(email)
        # Some providers write the boolean as a string.
        return cls(
            str(email) if usable else "",
            None if verified is None else verified is True or verified == "true",
            readable_part(name[:200]) if isinstance(name, str) else "",
        )


@dataclass(frozen=True, slots=True)
class ProvidedIdentity:
    """Who has signed in at the provider."""

    subject: str
    address: ProvidedAddress
    several_factors: bool
    """Whether the provider says that it has checked more than one factor."""
    proven_at: float | None
    """When the person has proven itself there; None if the provider does not say."""


@dataclass(frozen=True, slots=True)
class ExpectedIdentity:
    """What an ID token has to say, for the attempt that it answers."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    max_age: int | None
    """Seconds since the person has proven who it is; None for any number."""
    begun_at: float

    def judge(self, claims: Mapping[str, Any], now: float) -> ProvidedIdentity:
        """Returns who it is. Raises IdentityRefusedError."""
        if claims.get("iss") != self.issuer:
            raise IdentityRefusedError("iss")
        # Another audience could show the token to us, whoever has signed in there (section 3.1.3.7, 3 to 5).
        if claims.get("aud") not in (self.client_id, [self.client_id]):
            raise IdentityRefusedError("aud")
        if claims.get("azp", self.client_id) != self.client_id:
            raise IdentityRefusedError("azp")
        if not hmac.compare_digest(_text(claims, "nonce").encode(), self.nonce.encode()):
            raise IdentityRefusedError("nonce")
        self._check_times(claims, now)
        subject = _text(claims, "sub")
        if not 1 <= len(subject) <= 255 or not (subject.isascii() and subject.isprintable()):
            raise IdentityRefusedError("sub")
        proven_at = min(_moment(claims, "auth_time"), now) if "auth_time" in claims else None
        return ProvidedIdentity(subject, ProvidedAddress.read(claims), _several_factors(claims), proven_at)

    def _check_times(self, claims: Mapping[str, Any], now: float) -> None:
        if _moment(claims, "exp") <= now - LEEWAY:
            raise IdentityRefusedError("exp")
        if not now - MOST_AGE - LEEWAY <= _moment(claims, "iat") <= now + LEEWAY:
            raise IdentityRefusedError("iat")
        if self.max_age is None:
            return
        if not self.begun_at - self.max_age - LEEWAY <= _moment(claims, "auth_time") <= now + LEEWAY:
            raise IdentityRefusedError("auth_time")


def _usable(email: str) -> bool:
    """Tells whether an address can be compared with those of members."""
    written = len(email) <= 320 and address_readable(email) and _EMAIL.fullmatch(email) is not None
    return written and key_is_its_own(email)


def _several_factors(claims: Mapping[str, Any]) -> bool:
    methods = claims.get("amr")
    named = {each for each in methods if isinstance(each, str)} if isinstance(methods, list) else set()
    kinds = sum(not named.isdisjoint(kind) for kind in _FACTORS)
    level = claims.get("acr")
    return "mfa" in named or kinds > 1 or (isinstance(level, str) and level in _STRONG)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise IdentityRefusedError(name)
    return value


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise IdentityRefusedError(name)
    return float(value)
