"""An issuer of access tokens for tests, honest by default and able to forge anything."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from meshkit.identity.claims import TrustedIssuer, tenant_audience

__all__ = ["AUDIENCE", "ISSUER", "TENANT", "TRUSTED", "Issuer", "encode"]

ISSUER = "https://rampart.local"
AUDIENCE = "rampart"
TRUSTED = TrustedIssuer.own(ISSUER, AUDIENCE)
TENANT = "01a1fc5a-3c5b-7001-bc8a-22bbe467f00c"


class Issuer:
    """Holds one key and signs whatever it is told to."""

    def __init__(self, kid: str = "key-1") -> None:
        self.kid = kid
        self.key = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwk(self) -> dict[str, str]:
        numbers = self.key.public_key().public_numbers()
        x, y = (encode(number.to_bytes(32)) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid, "alg": "ES256", "use": "sig"}

    def header(self, **changed: Any) -> dict[str, Any]:
        return {"alg": "ES256", "typ": "at+jwt", "kid": self.kid} | changed

    def claims(self, now: float, **changed: Any) -> dict[str, Any]:
        """Returns the claims of a good token issued at `now`, for the tenant that they name."""
        tenant = changed.get("tenant_id", TENANT)
        return {
            "iss": ISSUER,
            "aud": tenant_audience(AUDIENCE, tenant),
            "sub": "acme-1",
            "client_id": "acme-1",
            "tenant_id": tenant,
            "scope": "decision:create user:read",
            "roles": ["service"],
            "rate_limit": 100,
            "currency": "USD",
            "iat": int(now),
            "exp": int(now) + 3600,
            "jti": "01a1fc5a-3c62-7000-a1f6-6dcddde11fa1",
        } | changed

    def token(self, now: float, *, without: Collection[str] = (), header: Mapping[str, Any] | None = None,
              **claims: Any) -> str:  # fmt: skip
        """Returns a signed token with claims changed or left out, under a header of any kind."""
        payload = {name: value for name, value in self.claims(now, **claims).items() if name not in without}
        return self.sign(self.header() if header is None else header, payload)

    def sign(self, header: Any, payload: Any) -> str:
        signed = f"{_part(header)}.{_part(payload)}"
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{encode(r.to_bytes(32) + s.to_bytes(32))}"


def encode(data: bytes) -> str:
    """Returns base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _part(value: Any) -> str:
    return encode(value if isinstance(value, bytes) else json.dumps(value).encode())
