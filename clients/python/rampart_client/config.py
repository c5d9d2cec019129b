"""Where the services are and who calls them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path

from ._services import Addresses


@dataclass(frozen=True, kw_only=True)
class Config(Addresses):
    """Everything that a client needs; nothing is read from the environment.

    Addresses are `host:port`; a service without one cannot be called. The certificate names the calling team as
    `spiffe://<trust domain>/client/<name>`.
    """

    client_id: str
    client_secret: str = field(repr=False)
    ca_file: Path
    certificate_file: Path
    key_file: Path
    scope: str = ""
    """Scopes to ask for, separated by spaces. Empty means all that the client has."""
    max_attempts: int = 3
    """Most times that one call is sent, or a stream begun again before its next answer. 1 turns retries off."""
    retry_budget: float = 0.1
    """Retries allowed per call, on average over the calls of this client."""

    @classmethod
    def from_dev(cls, path: str | Path = ".rampart/dev.json", client: str = "client") -> Config:
        """Reads what `make up` has written. Raises ValueError if there is no such file or it is not complete."""
        try:
            dev = json.loads(Path(path).read_text())
            credentials = dev[client]
            return cls(
                **{name: dev["grpc"][name] for name in _names() if name in dev["grpc"]},
                client_id=credentials["client_id"],
                client_secret=credentials["client_secret"],
                ca_file=Path(dev["ca_file"]),
                certificate_file=Path(dev["client_cert_file"]),
                key_file=Path(dev["client_key_file"]),
            )
        except OSError as error:
            raise ValueError(f"cannot read {path} ({error.strerror}): start the platform with `make up`") from error
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is not what `make up` writes: {error!r}") from error


def _names() -> list[str]:
    return [address.name for address in fields(Addresses)]
