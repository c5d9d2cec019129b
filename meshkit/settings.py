"""Reads settings from the environment, once at start. Unusable values stop the process with a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from meshkit.weak_keys import is_weak

__all__ = ["MeshSettings", "Reader", "SettingsError", "TlsFiles", "read_keys"]

KEY_BYTES = 32


class SettingsError(Exception):
    """A setting is missing or unusable. The message names it and never shows a secret's value."""


class Reader:
    """Reads `RAMPART_*` variables."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str | None = None) -> str:
        value = self._environment.get(name, "").strip()
        if value:
            return value
        if default is None:
            raise SettingsError(f"{name} is not set")
        return default

    def number(self, name: str, default: int, *, low: int = 0, high: int = 1 << 31) -> int:
        text = self.text(name, str(default))
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise SettingsError(f"{name} must be a whole number from {low} to {high}, not {text!r}")
        return int(text)

    def switch(self, name: str, default: bool) -> bool:
        text = self.text(name, "on" if default else "off").lower()
        if text not in ("on", "off"):
            raise SettingsError(f"{name} must be on or off, not {text!r}")
        return text == "on"

    def file(self, name: str) -> Path:
        path = Path(self.text(name))
        if not path.is_file():
            raise SettingsError(f"{name} names {path}, which is not a file")
        return path

    def paths(self, name: str, default: str) -> tuple[Path, ...]:
        """Returns the absolute paths of files with commas between, which may come to be there later."""
        paths = tuple(Path(each.strip()) for each in self.text(name, default).split(",") if each.strip())
        if not all(path.is_absolute() for path in paths):
            raise SettingsError(f"{name} must be absolute paths with commas between, not {self.text(name, default)!r}")
        return paths

    def keys(self, name: str, *, most: int = 1) -> tuple[bytes, ...]:
        """Reads the secret keys of a file (see `read_keys`)."""
        return read_keys(name, self.file(name), most=most)

    def trust_domain(self, name: str, default: str) -> str:
        """Reads the name of a trust domain (SPIFFE-ID, section 2.1)."""
        value = self.text(name, default)
        if not re.fullmatch("[a-z0-9._-]{1,255}", value):
            raise SettingsError(f"{name} must be lower-case letters, digits, '.', '-' and '_', not {value!r}")
        return value

    def address(self, name: str) -> str:
        value = self.text(name)
        if not _is_address(value):
            raise SettingsError(f"{name} must be host:port, not {value!r}")
        return value

    def upstream(self, name: str) -> str:
        """Returns where a service is: host:port, or several of its replicas by their IPv4 addresses, after commas."""
        value = self.text(name)
        addresses = value.split(",")
        if not all(map(_is_address, addresses)):
            raise SettingsError(f"{name} must be host:port, or several with commas between, not {value!r}")
        if len(addresses) > 1 and not all(map(_is_ipv4, addresses)):
            raise SettingsError(f"{name} names several replicas, so each must be an IPv4 address, not {value!r}")
        return value


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and 0 < int(port) < 65536


def _is_ipv4(address: str) -> bool:
    try:
        IPv4Address(address.rpartition(":")[0])
    except ValueError:
        return False
    return True


def read_keys(name: str, path: Path, *, most: int = 1) -> tuple[bytes, ...]:
    """Reads up to `most` keys, one a line, newest first: each 32 bytes as hexadecimal digits, which nobody may know.

    Anything else is a SettingsError that names the setting and the path.
    """
    try:
        keys = tuple(bytes.fromhex(line) for line in path.read_text().splitlines() if line.strip())
    except ValueError:
        keys = ()
    if not 1 <= len(keys) <= most or any(len(key) != KEY_BYTES or is_weak(key) for key in keys):
        lines = "" if most == 1 else f", on each of up to {most} lines"
        raise SettingsError(f"{name} names {path}, which does not hold 32 random bytes in hexadecimal{lines}")
    return keys


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of this process's identity, which may change while it runs (see `meshkit.identity.own`)."""

    ca: Path
    """Certificates of the authorities whose peers are believed."""
    certificate: Path
    """The process's own certificate, followed by intermediate ones."""
    key: Path
    """The private key to it."""

    @classmethod
    def read(cls, reader: Reader) -> TlsFiles:
        return cls(
            ca=reader.file("RAMPART_TLS_CA_FILE"),
            certificate=reader.file("RAMPART_TLS_CERT_FILE"),
            key=reader.file("RAMPART_TLS_KEY_FILE"),
        )


@dataclass(frozen=True, slots=True)
class MeshSettings:
    """What every process needs to take part in the mesh."""

    tls: TlsFiles
    trust_domain: str
    """Trust domain of the SPIFFE IDs of this mesh."""
    issuer: str
    """`iss` of access tokens."""
    audience: str
    """`aud` of access tokens: followed by a slash and the id of the tenant."""
    admin_listen: str
    """host:port of /health, /ready and /metrics, plain HTTP for probes."""
    log_level: str
    """Least severity of what is logged: DEBUG, INFO, WARNING or ERROR."""
    reflection: bool
    """Lets clients ask a service for its protos (gRPC reflection)."""
    drain_seconds: int
    """Time that calls under way get after SIGTERM."""

    @classmethod
    def read(cls, reader: Reader) -> MeshSettings:
        return cls(
            tls=TlsFiles.read(reader),
            trust_domain=reader.trust_domain("RAMPART_TRUST_DOMAIN", "rampart.local"),
            issuer=reader.text("RAMPART_ISSUER", "https://rampart.local"),
            audience=reader.text("RAMPART_AUDIENCE", "rampart"),
            admin_listen=reader.address("RAMPART_ADMIN_LISTEN"),
            log_level=reader.text("RAMPART_LOG_LEVEL", "INFO").upper(),
            reflection=reader.switch("RAMPART_REFLECTION", False),
            drain_seconds=reader.number("RAMPART_DRAIN_SECONDS", 5, high=300),
        )
