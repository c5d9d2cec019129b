"""Keeps the process's own certificate, key and trusted authorities the newest that its files hold.

Whoever renews them rewrites the files or swaps the links to them (Kubernetes). What is there is taken only when it is
whole: certificate and key belong together, and peers would take them. Until then the process goes by what it has.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from prometheus_client import Counter, Gauge

from meshkit.identity.svid import CLIENT, SERVER, NoIdentityError, PeerIdentities, Svid, load, read_svid
from meshkit.settings import SettingsError, TlsFiles

__all__ = ["POLL_SECONDS", "Material", "MeshIdentity", "digest"]

_log = logging.getLogger(__name__)
_left = Gauge(
    "certificate_seconds_left",
    "Seconds until the process's own certificate, or its CA's, expires.",
    multiprocess_mode="livemin",
)
_digest = Gauge(
    "certificate_digest",
    "First 48 bits of SHA-256 of the TLS files that the process goes by.",
    ["file"],
    multiprocess_mode="liveall",
)
_reloads = Counter("certificate_reloads", "Changes of the TLS files, by what became of them.", ["outcome"])

POLL_SECONDS = 1.0
DIGEST_DIGITS = 12
"""As many as a number of Prometheus has room for."""
SERVICES = "service/"


@dataclass(frozen=True, slots=True)
class Material:
    """The PEM texts of an identity."""

    ca: bytes
    certificate: bytes
    key: bytes

    @classmethod
    def read(cls, files: TlsFiles) -> Material:
        """Reads the files as they are, which may be at different moments of a change. Raises OSError."""
        return cls(files.ca.read_bytes(), files.certificate.read_bytes(), files.key.read_bytes())

    def check(self, trust_domain: str, now: float) -> Svid:
        """Returns what the certificate says. Raises NoIdentityError if peers must refuse it at `now` (since 1970)."""
        chain = load(self.certificate)
        svid = read_svid(chain, load(self.ca), trust_domain, purposes={CLIENT})
        if svid.path.startswith(SERVICES):
            _check_server(chain[0], svid.path.removeprefix(SERVICES))
        if not _belongs(self.key, chain[0]):
            raise NoIdentityError("key")
        if not svid.since <= now < svid.until:
            raise NoIdentityError("expired" if now >= svid.until else "not_yet_valid")
        return svid


def digest(text: bytes) -> int:
    """Returns a short digest of the content of a file, as `certificate_digest` shows it."""
    return int(hashlib.sha256(text).hexdigest()[:DIGEST_DIGITS], 16)


def _check_server(leaf: x509.Certificate, name: str) -> None:
    """Raises NoIdentityError for the certificate of a service that clients would refuse as a server's."""
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if SERVER not in usage:
        raise NoIdentityError("extended_key_usage")
    if name not in names.get_values_for_type(x509.DNSName):
        raise NoIdentityError("server_name")


def _belongs(key: bytes, leaf: x509.Certificate) -> bool:
    try:
        own = load_pem_private_key(key, password=None).public_key()
    except (TypeError, ValueError):
        return False
    shape = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    return own.public_bytes(*shape) == leaf.public_key().public_bytes(*shape)


class MeshIdentity:
    """Who this process is in the mesh, and whom it believes. One for each process, which its host watches."""

    def __init__(self, files: TlsFiles, trust_domain: str, *, clock: Callable[[], float] = time.time) -> None:
        """Raises SettingsError for files that the peers of the process must refuse."""
        self._files = files
        self._trust_domain = trust_domain
        self._clock = clock
        self._followers: list[Callable[[], None]] = []
        self._refused: tuple[Material | None, str] = None, ""
        self._seen: Material | None = None
        try:
            self.material = Material.read(files)
            self.svid = self.material.check(trust_domain, clock())
            self.peers = PeerIdentities(trust_domain, self.material.ca, clock=clock)
        except (NoIdentityError, OSError) as error:
            raise SettingsError(
                f"RAMPART_TLS_CERT_FILE names {files.certificate}, which with RAMPART_TLS_KEY_FILE and "
                f"RAMPART_TLS_CA_FILE ({files.ca}) is no X509-SVID of {trust_domain}: {error}"
            ) from error
        self._report()

    def follow(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Calls `changed` whenever other files have been taken, until the function that is returned is called."""
        self._followers.append(changed)
        return lambda: self._followers.remove(changed)

    async def watch(self) -> None:
        """Looks at the files once a second."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Takes the files if they have changed and are whole, and parts with peers whose certificates have expired."""
        self.peers.forget_expired()
        _left.set(self.svid.until - self._clock())
        try:
            found = await asyncio.to_thread(Material.read, self._files)
        except OSError as error:
            self._refuse(None, error.strerror or "unreadable")
            return
        seen, self._seen = self._seen, found
        # The files are read one after the other, so a change of them is judged when they stand still.
        if found != self.material and found == seen:
            self._take(found)

    def _take(self, found: Material) -> None:
        try:
            svid = found.check(self._trust_domain, self._clock())
            self.peers.trust(found.ca)
        except NoIdentityError as error:
            self._refuse(found, str(error))
            return
        self.material, self.svid = found, svid
        self._refused = None, ""
        _reloads.labels("taken").inc()
        _log.info("took new TLS files", extra={"fields": {"seconds_left": round(svid.until - self._clock())}})
        for changed in tuple(self._followers):
            changed()
        # Last: who waits for these figures must see those of the followers with them.
        self._report()

    def _refuse(self, found: Material | None, reason: str) -> None:
        """Says so once, however often the same files are looked at."""
        if self._refused != (found, reason):
            self._refused = found, reason
            _reloads.labels("refused").inc()
            _log.error("kept the former TLS files, as %s is no identity: %s", self._files.certificate, reason)

    def _report(self) -> None:
        _left.set(self.svid.until - self._clock())
        _digest.labels("ca").set(digest(self.material.ca))
        _digest.labels("certificate").set(digest(self.material.certificate))
