"""Settings of the auth service."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from meshkit.egress.targets import read_egress_allow
from meshkit.rpc.keys import KEPT_SECONDS
from meshkit.settings import MeshSettings, Reader, SettingsError, read_keys
from services.auth.domain.keys import KeySchedule
from services.auth.domain.tenants import MOST_TOKEN_SECONDS

__all__ = ["AuthSettings", "check_rotation", "pages_of", "read_key", "read_origins"]


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """What `python -m services.auth` reads."""

    mesh: MeshSettings
    listen: str
    """host:port for gRPC."""
    dsn: str = field(repr=False)
    """Database, as the role that serves within the tenants of a call."""
    sealing_key: bytes = field(repr=False)
    """Encrypts the signing keys at rest."""
    notary_dsn: str = field(repr=False)
    """Database, as the role that anchors and prunes the audit logs of all tenants."""
    audit_keys: tuple[bytes, ...] = field(repr=False)
    """What the anchors of the audit log are sealed with: the first seals, what any has sealed is genuine."""
    continuation_keys: tuple[bytes, ...] = field(repr=False)
    """What page tokens are sealed with: the first seals, every one opens."""
    audit_days: int
    """Days for which events of the audit log are kept."""
    audit_anchor_seconds: int
    """How often the ends of the audit logs are anchored: what is cut off within it may not be missed."""
    token_seconds: int
    """Life of an access token."""
    key_use_seconds: int
    """How long one key signs."""
    key_publish_seconds: int
    """How long a key is published before it signs: a check of a replica, and what an older set may be kept for."""
    key_check_seconds: int
    """How often a replica looks for keys that others have made."""
    password_memory_kib: int
    """Memory of one password hash (Argon2id), in KiB. More is slower to guess and to sign in with."""
    password_passes: int
    """Passes of a password hash over its memory. Hashes with other parameters are made anew at the next sign-in."""
    password_threads: int
    """How many password hashes are made at once; 16 more for each wait, and others are refused. A storm
    of sign-ins keeps as many cores busy."""
    passkey_domain: str
    """Domain that passkeys are for: the host of the pages, or a domain above it. After a change no passkey is good any
    more. Empty means the host of RAMPART_ISSUER."""
    passkey_origins: tuple[str, ...]
    """Origins of the pages that use passkeys, with commas between. Empty means that of RAMPART_ISSUER."""

    two_operators: bool
    """Whether plans and erasures of tenants take a second operator. Each then has a certificate operator/NAME."""
    session_seconds: int
    """How long a browser stays signed in."""
    session_idle_seconds: int
    """How long it does without being used."""
    grant_seconds: int
    """How long a program may act for a person that has let it, by refresh tokens."""
    grant_idle_seconds: int
    """How long it may without a refresh."""
    refresh_grace_seconds: int
    """How long after its use a refresh token still gets the same successor, and is no sign of a theft."""
    egress_allow: frozenset[str]
    """Origins of OpenID providers in a private network or without TLS, such as https://id.internal:8443, with commas
    between: every tenant may name them. Others are reached on the public network alone, by https."""

    @classmethod
    def read(cls, reader: Reader) -> AuthSettings:
        mesh = MeshSettings.read(reader)
        host, origin = pages_of(mesh.issuer)
        found = cls(
            mesh=mesh,
            listen=reader.address("RAMPART_AUTH_LISTEN"),
            dsn=reader.text("RAMPART_AUTH_DSN"),
            sealing_key=read_key(reader.file("RAMPART_AUTH_KEY_FILE")),
            token_seconds=reader.number("RAMPART_TOKEN_SECONDS", 3600, low=1, high=MOST_TOKEN_SECONDS),
            notary_dsn=reader.text("RAMPART_AUTH_NOTARY_DSN"),
            audit_keys=reader.keys("RAMPART_AUTH_AUDIT_KEY_FILE", most=4),
            continuation_keys=reader.keys("RAMPART_AUTH_CONTINUATION_KEY_FILE", most=2),
            audit_days=reader.number("RAMPART_AUDIT_DAYS", 400, low=31, high=36_500),
            audit_anchor_seconds=reader.number("RAMPART_AUDIT_ANCHOR_SECONDS", 60, low=1, high=86_400),
            key_use_seconds=reader.number("RAMPART_KEY_USE_SECONDS", 30 * 86_400, low=1),
            key_publish_seconds=reader.number("RAMPART_KEY_PUBLISH_SECONDS", 180),
            key_check_seconds=reader.number("RAMPART_KEY_CHECK_SECONDS", 30, low=1, high=3600),
            password_memory_kib=reader.number("RAMPART_PASSWORD_MEMORY_KIB", 19_456, low=19_456, high=1 << 20),
            password_passes=reader.number("RAMPART_PASSWORD_PASSES", 2, low=2, high=16),
            password_threads=reader.number("RAMPART_PASSWORD_THREADS", 1, low=1, high=16),
            passkey_domain=reader.text("RAMPART_PASSKEY_DOMAIN", "") or host,
            passkey_origins=read_origins(reader.text("RAMPART_PASSKEY_ORIGINS", "") or origin),
            two_operators=reader.switch("RAMPART_TWO_OPERATORS", False),
            session_seconds=reader.number("RAMPART_SESSION_SECONDS", 43_200, low=60, high=30 * 86_400),
            session_idle_seconds=reader.number("RAMPART_SESSION_IDLE_SECONDS", 3_600, low=60, high=30 * 86_400),
            grant_seconds=reader.number("RAMPART_GRANT_SECONDS", 30 * 86_400, low=60, high=365 * 86_400),
            grant_idle_seconds=reader.number("RAMPART_GRANT_IDLE_SECONDS", 7 * 86_400, low=60, high=365 * 86_400),
            refresh_grace_seconds=reader.number("RAMPART_REFRESH_GRACE_SECONDS", 10, low=0, high=60),
            egress_allow=read_egress_allow("RAMPART_AUTH_EGRESS_ALLOW", reader.text("RAMPART_AUTH_EGRESS_ALLOW", "")),
        )
        check_rotation(found.key_publish_seconds, found.key_check_seconds)
        return found

    def derived_key(self, purpose: str) -> bytes:
        """Returns a key of 32 bytes for one purpose, from the sealing key (HKDF-SHA256, RFC 5869)."""
        return HKDF(hashes.SHA256(), 32, salt=None, info=purpose.encode()).derive(self.sealing_key)

    @property
    def schedule(self) -> KeySchedule:
        return KeySchedule(self.key_publish_seconds, self.key_use_seconds, self.token_seconds)


def pages_of(issuer: str) -> tuple[str, str]:
    """Returns the host and the origin of the pages of an issuer, as browsers have to know them for passkeys."""
    parts = urlsplit(issuer)
    host = parts.hostname or ""
    if host != "127.0.0.1":
        return host, f"{parts.scheme}://{parts.netloc}"
    # Passkeys are for names. On one machine this is the name of the same pages.
    return "localhost", f"{parts.scheme}://{parts.netloc.replace(host, 'localhost')}"


def read_origins(text: str) -> tuple[str, ...]:
    """Returns the origins of a text, which has commas between them. Raises SettingsError for what is none."""
    origins = tuple(each.strip() for each in text.split(",") if each.strip())
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("https", "http") or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
            raise SettingsError(f"RAMPART_PASSKEY_ORIGINS must be origins such as https://example.com, not {origin!r}")
    return origins


def check_rotation(publish: int, check: int) -> None:
    """Refuses seconds with which a key signs before everybody can have it. Raises SettingsError."""
    least = check + math.ceil(KEPT_SECONDS)
    if publish < least:
        raise SettingsError(
            f"RAMPART_KEY_PUBLISH_SECONDS must be {least} or more, not {publish}: RAMPART_KEY_CHECK_SECONDS, and "
            f"{KEPT_SECONDS:g} for which others may go by an older set of keys"
        )


def read_key(path: Path) -> bytes:
    """Reads the sealing key (see `read_keys`)."""
    return read_keys("RAMPART_AUTH_KEY_FILE", path)[0]
