"""The process's own certificate: what it starts with, and what it takes when the files change."""

from __future__ import annotations

import hashlib
import logging
import time
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from meshkit.identity.own import MeshIdentity, digest
from meshkit.identity.svid import CLIENT, SERVER
from meshkit.settings import SettingsError, TlsFiles
from tests.support.certificates import Certificates
from tests.support.pki import GATEWAY, Holder, authority, leaf, pem

DOMAIN = "rampart.local"
ROOT = authority(path_length=0)
OTHER = authority(path_length=0)
ORDERS = "spiffe://rampart.local/client/orders"
HOSTS = ["localhost", "gateway"]


def write(folder: Path, root: Holder | bytes, own: Holder, key: Holder | None = None) -> TlsFiles:
    files = TlsFiles(folder / "ca.pem", folder / "own.pem", folder / "own.key")
    files.ca.write_bytes(root if isinstance(root, bytes) else pem(root))
    files.certificate.write_bytes(pem(own))
    files.key.write_bytes((key or own).key_pem)
    return files


def good(root: Holder = ROOT) -> Holder:
    return leaf(root, GATEWAY, hosts=HOSTS)


def outcome(name: str) -> float:
    return REGISTRY.get_sample_value("certificate_reloads_total", {"outcome": name}) or 0.0


async def settled(identity: MeshIdentity) -> None:
    for _ in range(3):
        await identity.look()


def test_certificate_of_the_local_authority_is_taken(tmp_path: Path) -> None:
    identity = MeshIdentity(Certificates(tmp_path / "tls").identity("service/fraud"), DOMAIN)
    assert identity.svid.path == "service/fraud"
    left = REGISTRY.get_sample_value("certificate_seconds_left")
    assert left == pytest.approx(identity.svid.until - time.time(), abs=5)
    for file, text in (("ca", identity.material.ca), ("certificate", identity.material.certificate)):
        first = int(hashlib.sha256(text).hexdigest()[:12], 16)
        assert REGISTRY.get_sample_value("certificate_digest", {"file": file}) == first == digest(text)


def test_caller_that_serves_nothing_needs_neither_a_host_name_nor_the_purpose_of_a_server(tmp_path: Path) -> None:
    caller = leaf(ROOT, ORDERS, hosts=(), purposes=[CLIENT])
    assert MeshIdentity(write(tmp_path, ROOT, caller), DOMAIN).svid.path == "client/orders"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (leaf(ROOT, GATEWAY, hosts=HOSTS, is_ca=True), "authority"),
        (leaf(ROOT, hosts=HOSTS), "no_spiffe_id"),
        (leaf(OTHER, GATEWAY, hosts=HOSTS), "path"),
        (leaf(ROOT, GATEWAY, hosts=HOSTS, purposes=[CLIENT]), "extended_key_usage"),
        (leaf(ROOT, GATEWAY, hosts=HOSTS, purposes=[SERVER]), "extended_key_usage"),
        (leaf(ROOT, GATEWAY, hosts=["localhost"]), "server_name"),
        (leaf(ROOT, GATEWAY, hosts=HOSTS, life=timedelta(minutes=4)), "expired"),
        (leaf(ROOT, GATEWAY, hosts=HOSTS, begin=timedelta(hours=20)), "not_yet_valid"),
    ],
)
def test_process_refuses_to_start_with_what_its_peers_would_refuse(tmp_path: Path, bad: Holder, reason: str) -> None:
    files = write(tmp_path, ROOT, bad)
    with pytest.raises(SettingsError, match=rf"RAMPART_TLS_CERT_FILE names .*own.pem, .* no X509-SVID .*: {reason}$"):
        MeshIdentity(files, DOMAIN)


def test_process_refuses_to_start_with_the_key_of_another_certificate_or_no_authority(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r": key$"):
        MeshIdentity(write(tmp_path, ROOT, good(), good()), DOMAIN)
    with pytest.raises(SettingsError, match=r": unreadable$"):
        MeshIdentity(write(tmp_path, b"nothing", good()), DOMAIN)


async def test_new_files_are_taken_when_they_stand_still(tmp_path: Path) -> None:
    first, second = good(), good()
    identity, told, before = MeshIdentity(write(tmp_path, ROOT, first), DOMAIN), [], outcome("taken")
    unfollow = identity.follow(lambda: told.append(identity.material.certificate))
    await settled(identity)
    assert (told, outcome("taken")) == ([], before)
    write(tmp_path, pem(ROOT, OTHER), second)
    await identity.look()
    assert told == []
    await identity.look()
    assert (told, outcome("taken")) == ([pem(second)], before + 1)
    assert identity.peers.of({"x509_pem_cert": [pem(good(OTHER))]}) == "service/gateway"
    unfollow()
    write(tmp_path, ROOT, first)
    await settled(identity)
    assert len(told) == 1
    assert identity.peers.of({"x509_pem_cert": [pem(good(OTHER))]}) == ""


async def test_linked_folder_is_followed_when_it_is_swapped(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    write(tmp_path / "1", ROOT, good())
    (tmp_path / "data").symlink_to("1")
    linked = TlsFiles(*(tmp_path / "data" / name for name in ("ca.pem", "own.pem", "own.key")))
    identity, renewed = MeshIdentity(linked, DOMAIN), good()
    write(tmp_path / "2", ROOT, renewed)
    (tmp_path / "new").symlink_to("2")
    (tmp_path / "new").rename(tmp_path / "data")
    await settled(identity)
    assert identity.material.certificate == pem(renewed)


@pytest.mark.parametrize(
    ("ca", "bad", "key", "reason"),
    [
        (pem(ROOT), good(), good(), "key"),
        (pem(ROOT), leaf(OTHER, GATEWAY, hosts=HOSTS), None, "path"),
        (pem(OTHER), None, None, "path"),
        (b"", None, None, "unreadable"),
        (pem(ROOT)[:-40], None, None, "unreadable"),
        (pem(ROOT), leaf(ROOT, GATEWAY, hosts=HOSTS, life=timedelta(minutes=1)), None, "expired"),
    ],
)
async def test_files_that_are_no_identity_are_refused_once_and_the_former_ones_stay(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    ca: bytes,
    bad: Holder | None,
    key: Holder | None,
    reason: str,
) -> None:
    first = good()
    identity, before = MeshIdentity(write(tmp_path, ROOT, first), DOMAIN), outcome("refused")
    former = identity.material
    write(tmp_path, ca, bad or first, key)
    caplog.set_level(logging.ERROR)
    await settled(identity)
    await settled(identity)
    assert identity.material is former
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [reason]
    assert outcome("refused") == before + 1
    last = good()
    write(tmp_path, ROOT, last)
    await settled(identity)
    assert identity.material.certificate == pem(last)


async def test_file_that_is_gone_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = write(tmp_path, ROOT, good())
    identity = MeshIdentity(files, DOMAIN)
    files.key.unlink()
    caplog.set_level(logging.ERROR)
    await settled(identity)
    assert len(caplog.records) == 1
    renewed = good()
    write(tmp_path, ROOT, renewed)
    await settled(identity)
    assert identity.material.certificate == pem(renewed)


async def test_looking_parts_with_peers_whose_certificates_have_expired(tmp_path: Path) -> None:
    clock = [time.time()]
    identity = MeshIdentity(write(tmp_path, ROOT, good()), DOMAIN, clock=lambda: clock[0])
    peer = {"x509_pem_cert": [pem(leaf(ROOT, GATEWAY, life=timedelta(minutes=10)))]}
    assert identity.peers.of(peer) == "service/gateway"
    clock[0] += 360
    await identity.look()
    assert identity.peers.of(peer) == ""
