"""An authenticator in software: makes passkeys and proves by them as browsers answer (Web Authentication, level 3)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["SoftAuthenticator"]

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


@dataclass
class SoftAuthenticator:
    """Holds one credential. What it says can be made wrong by its attributes."""

    origin: str
    relying_party: str
    verified: bool = True
    count: int = 0
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    handle: bytes = b""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: str) -> str:
        """Returns RegistrationResponseJSON for PublicKeyCredentialCreationOptionsJSON."""
        asked = json.loads(options)
        self.handle = _decoded(asked["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})
        attested = bytes(16) + len(self.credential).to_bytes(2) + self.credential + cose
        data = self._data(_ATTESTED) + attested
        response = {
            "clientDataJSON": self._client("webauthn.create", asked["challenge"]),
            "attestationObject": _encoded(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
        }
        return self._answer(response)

    def get(self, options: str) -> str:
        """Returns AuthenticationResponseJSON for PublicKeyCredentialRequestOptionsJSON."""
        data, client = self._data(), self._client("webauthn.get", json.loads(options)["challenge"])
        signed = data + hashlib.sha256(_decoded(client)).digest()
        response = {
            "clientDataJSON": client,
            "authenticatorData": _encoded(data),
            "signature": _encoded(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            "userHandle": _encoded(self.handle),
        }
        return self._answer(response)

    def _data(self, flags: int = 0) -> bytes:
        """Returns authenticator data, of which each has a count of its own."""
        self.count += 1
        flags |= _PRESENT | (_VERIFIED if self.verified else 0)
        return hashlib.sha256(self.relying_party.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _client(self, kind: str, challenge: str) -> str:
        return _encoded(json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode())

    def _answer(self, response: dict[str, Any]) -> str:
        name = _encoded(self.credential)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
