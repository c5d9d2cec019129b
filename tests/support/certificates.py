"""Certificates for any identity of the mesh, from the certificate authority of `rampart up`."""

from __future__ import annotations

import datetime
from pathlib import Path
from unittest.mock import patch

from console.up import issuing
from console.up.certificates import Authority
from meshkit.settings import TlsFiles

__all__ = ["Certificates"]

BACKDATE = datetime.timedelta(days=30)
"""Clocks of tests may be days behind."""


class Certificates:
    """Writes PEM files into a folder. Another instance is another authority, which nobody trusts."""

    def __init__(self, folder: Path, trust_domain: str = "rampart.local") -> None:
        folder.mkdir(mode=0o700)
        self._authority = Authority(folder, trust_domain)

    def identity(self, path: str) -> TlsFiles:
        """Returns the files of an identity such as "service/auth"."""
        name = path.replace("/", "-")
        with patch.object(issuing, "BACKDATE", BACKDATE):
            self._authority.ensure({name: path})
        return TlsFiles(self._authority.ca_file, self._authority.certificate(name), self._authority.key(name))

    def environment(self, path: str) -> dict[str, str]:
        """Returns what a process with this identity reads."""
        files = self.identity(path)
        return {
            "RAMPART_TLS_CA_FILE": str(files.ca),
            "RAMPART_TLS_CERT_FILE": str(files.certificate),
            "RAMPART_TLS_KEY_FILE": str(files.key),
        }
