"""Paths of NIST's PKITS that must not be believed. The package cryptography-vectors has them, where it is installed."""

from __future__ import annotations

import re
import time
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from cryptography import x509

from meshkit.identity.svid import NoIdentityError, _verified_path

vectors = pytest.importorskip("cryptography_vectors", reason="cryptography-vectors has the certificates")
FOLDER = Path(vectors.__file__).parent / "x509/PKITS_data/certs"
REVOCATION = re.compile(
    "[cC]RL|Revoked|IDP|distributionPoint|onlyContains|onlySome|SeparateCertificateandCRLKeys|LongSerialNumber"
    "|BasicSelfIssued(NewWithOld|OldWithNew)"
)
"""What only a list of revoked certificates makes invalid. We have none."""
TAKEN = [
    "ValidCertificatePathTest1EE", "ValidbasicConstraintsNotCriticalTest4EE", "ValidpathLenConstraintTest7EE",
    "ValidpathLenConstraintTest8EE", "ValidpathLenConstraintTest13EE", "ValidpathLenConstraintTest14EE",
    "ValidkeyUsageNotCriticalTest3EE", "ValidDNSnameConstraintsTest30EE", "ValidDNSnameConstraintsTest32EE",
]  # fmt: skip


@pytest.fixture(scope="module")
def certificates() -> Mapping[str, x509.Certificate]:
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in FOLDER.glob("*.crt"):
            try:
                certificate = x509.load_der_x509_certificate(file.read_bytes())
            except ValueError:
                continue
            found[file.stem] = certificate
    return found


def believed(name: str, certificates: Mapping[str, x509.Certificate]) -> bool:
    """Tells whether the path of a certificate is good, and good now, with all that could be on it sent along."""
    root = certificates["TrustAnchorRootCertificate"]
    try:
        path = _verified_path([certificates[name], *above(certificates[name], certificates)], [root])
    except NoIdentityError:
        return False
    return all(each.not_valid_after_utc.timestamp() > time.time() for each in path)


def above(leaf: x509.Certificate, certificates: Mapping[str, x509.Certificate]) -> Sequence[x509.Certificate]:
    named = defaultdict(list)
    for name, certificate in certificates.items():
        if not name.endswith("EE") and name != "TrustAnchorRootCertificate":
            named[certificate.subject].append(certificate)
    found: list[x509.Certificate] = []
    rest = [leaf]
    while rest:
        more = [issuer for issuer in named[rest.pop().issuer] if issuer not in found]
        found += more
        rest += more
    return found


def test_no_invalid_path_is_believed(certificates: Mapping[str, x509.Certificate]) -> None:
    invalid = [name for name in certificates if re.fullmatch("Invalid.*EE", name) and not REVOCATION.search(name)]
    assert len(invalid) > 60
    assert [name for name in invalid if believed(name, certificates)] == []


@pytest.mark.parametrize("name", TAKEN)
def test_plain_valid_path_is_believed(name: str, certificates: Mapping[str, x509.Certificate]) -> None:
    assert believed(name, certificates)
