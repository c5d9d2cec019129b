"""Holds a key and proves it (RFC 9449), honestly by default and able to forge anything."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from tests.support.tokens import Issuer, encode

__all__ = ["ProofKey"]


class ProofKey:
    """A client's key of proofs."""

    def __init__(self) -> None:
        self._issuer = Issuer()
        self.jwk = {name: self._issuer.jwk[name] for name in ("kty", "crv", "x", "y")}

    @property
    def thumbprint(self) -> str:
        members = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return encode(hashlib.sha256(members.encode()).digest())

    def proof(
        self,
        now: float,
        method: str = "POST",
        url: str = "https://api.example/x",
        token: str = "",
        *,
        header: Mapping[str, Any] | None = None,
        without: str = "",
        **claims: Any,
    ) -> str:
        said: dict[str, Any] = {"jti": secrets.token_hex(8), "htm": method, "htu": url, "iat": int(now)}
        if token:
            said["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        said |= claims
        said.pop(without, None)
        return self._issuer.sign({"alg": "ES256", "typ": "dpop+jwt", "jwk": self.jwk} | dict(header or {}), said)
