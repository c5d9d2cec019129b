"""Keeps certificates in a folder: of the platform's own authority, and one for each process and caller."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from console.failure import CommandFailure
from console.up.issuing import new_authority, new_key, new_leaf
from console.up.names import OPERATOR
from console.up.state import write_private

RENEW_BEFORE = datetime.timedelta(days=60)
NEXT = "next"
PEM = serialization.Encoding.PEM


class Authority:
    """Keeps `ca.pem`, and `<name>.pem` with `<name>.key`, in a folder; makes what is missing or about to expire.

    `ca.pem` has the certificates of all authorities that are trusted: one, or while it is replaced the former and the
    next. The one that signs is the one whose key is in `ca.key`.
    """

    def __init__(self, folder: Path, trust_domain: str) -> None:
        self._folder = folder
        self._prefix = f"spiffe://{trust_domain}/"
        self.ca_file = folder / "ca.pem"

    @classmethod
    def of(cls, folder: Path) -> Authority:
        """Returns the authority whose certificates are in the folder. Raises CommandFailure if they are not."""
        operator = _read(folder / f"{OPERATOR}.pem")
        uris = _uris(operator) if operator is not None else []
        if not uris:
            raise CommandFailure(f"{folder} holds no certificates: `make up` makes them.")
        return cls(folder, uris[0].removeprefix("spiffe://").partition("/")[0])

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other commands away. Raises CommandFailure if one is at work here."""
        with open(self._folder / "lock", "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CommandFailure(
                    f"Another command changes the certificates in {self._folder}; try again."
                ) from None
            yield

    def certificate(self, name: str) -> Path:
        return self._folder / f"{name}.pem"

    def key(self, name: str) -> Path:
        return self._folder / f"{name}.key"

    def ensure(self, identities: Mapping[str, str]) -> None:
        """Makes the certificates of `identities`: file name to the path of the SPIFFE ID, such as "service/auth".

        Those of callers that were made before are renewed with them.
        """
        ca, signer = self._signing() or self._make()
        for name, path in {**self.known(), **identities}.items():
            self._ensure_leaf(ca, signer, name, self._prefix + path)

    def known(self) -> dict[str, str]:
        """Returns the identities that have certificates, as `ensure` takes them."""
        found = {}
        for file in sorted(self._folder.glob("*.pem")):
            uris = _uris(certificate) if (certificate := _read(file)) is not None else []
            if len(uris) == 1 and uris[0].startswith(self._prefix):
                found[file.stem] = uris[0].removeprefix(self._prefix)
        return found

    def trust_next(self) -> None:
        """Makes another authority, which is trusted too and does not sign yet, unless there is one."""
        trusted = _read_all(self.ca_file)
        waiting = _read_key(self.key(NEXT))
        if waiting is None or _of_key(trusted, waiting) is None:
            key = new_key()
            write_private(self.key(NEXT), _private(key))
            self._trust(*trusted, new_authority(key))

    def sign_with_next(self) -> None:
        """Has the next authority sign, if one waits, and makes all certificates anew that it has not signed."""
        if self.key(NEXT).exists():
            self.key(NEXT).replace(self.key("ca"))
        self.ensure({})

    def trust_signing(self) -> None:
        """Trusts none but the authority that signs."""
        ca, _ = self._signing() or self._make()
        self._trust(ca)

    @property
    def is_being_replaced(self) -> bool:
        """Whether a former authority is still trusted."""
        return len(_read_all(self.ca_file)) > 1

    @property
    def next_waits(self) -> bool:
        """Whether there is a next authority that does not sign yet."""
        return self.key(NEXT).exists()

    def _signing(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
        key = _read_key(self.key("ca"))
        ca = _of_key(_read_all(self.ca_file), key) if key is not None else None
        return None if ca is None or key is None or _expires(ca, RENEW_BEFORE) else (ca, key)

    def _make(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = new_key()
        ca = new_authority(key)
        write_private(self.key("ca"), _private(key))
        self._trust(ca)
        self.key(NEXT).unlink(missing_ok=True)
        return ca, key

    def _trust(self, *authorities: x509.Certificate) -> None:
        write_private(self.ca_file, b"".join(each.public_bytes(PEM) for each in authorities))

    def _ensure_leaf(self, ca: x509.Certificate, signer: ec.EllipticCurvePrivateKey, name: str, spiffe_id: str) -> None:
        known = _read(self.certificate(name))
        if (
            known is None
            or not self.key(name).exists()
            or _expires(known, RENEW_BEFORE)
            or not _fits(known, ca, spiffe_id)
        ):
            key = new_key()
            leaf = new_leaf(ca, signer, key.public_key(), name, spiffe_id)
            write_private(self.key(name), _private(key))
            write_private(self.certificate(name), leaf.public_bytes(PEM))


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (FileNotFoundError, ValueError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _of_key(certificates: list[x509.Certificate], key: ec.EllipticCurvePrivateKey) -> x509.Certificate | None:
    own = key.public_key()
    return next((each for each in certificates if each.public_key() == own), None)


def _read_all(path: Path) -> list[x509.Certificate]:
    """Returns stored certificates, none if they cannot be read: they are then made again."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return []


def _read(path: Path) -> x509.Certificate | None:
    return next(iter(_read_all(path)), None)


def _expires(certificate: x509.Certificate, within: datetime.timedelta) -> bool:
    return certificate.not_valid_after_utc < datetime.datetime.now(datetime.UTC) + within


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def _fits(certificate: x509.Certificate, ca: x509.Certificate, spiffe_id: str) -> bool:
    if _uris(certificate) != [spiffe_id]:
        return False
    authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    return authority.key_identifier == x509.SubjectKeyIdentifier.from_public_key(ca.public_key()).digest
