"""Reads settings from the environment, once at start. Unusable values stop the process with a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MeshSettings", "Reader", "SettingsError", "TlsFiles"]


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

    def address(self, name: str) -> str:
        value = self.text(name)
        host, _, port = value.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise SettingsError(f"{name} must be host:port, not {value!r}")
        return value


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of this process's identity."""

    ca: Path
    certificate: Path
    key: Path

    @classmethod
    def read(cls, reader: Reader) -> TlsFiles:
        return cls(
            reader.file("RAMPART_TLS_CA_FILE"),
            reader.file("RAMPART_TLS_CERT_FILE"),
            reader.file("RAMPART_TLS_KEY_FILE"),
        )


@dataclass(frozen=True, slots=True)
class MeshSettings:
    """What every process needs to take part in the mesh."""

    tls: TlsFiles
    trust_domain: str
    issuer: str
    audience: str
    admin_listen: str
    """host:port of /health, /ready and /metrics, plain HTTP for probes."""
    log_level: str
    reflection: bool
    drain_seconds: int
    """Time that calls under way get after SIGTERM."""

    @classmethod
    def read(cls, reader: Reader) -> MeshSettings:
        return cls(
            tls=TlsFiles.read(reader),
            trust_domain=reader.text("RAMPART_TRUST_DOMAIN", "rampart.local"),
            issuer=reader.text("RAMPART_ISSUER", "https://rampart.local"),
            audience=reader.text("RAMPART_AUDIENCE", "rampart"),
            admin_listen=reader.address("RAMPART_ADMIN_LISTEN"),
            log_level=reader.text("RAMPART_LOG_LEVEL", "INFO").upper(),
            reflection=reader.switch("RAMPART_REFLECTION", False),
            drain_seconds=reader.number("RAMPART_DRAIN_SECONDS", 5, high=300),
        )
