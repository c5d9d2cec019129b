"""Peers whose certificates TLS takes and X509-SVID refuses: they call as nobody, and not even health is told them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from grpc_health.v1 import health_pb2
from rampart.fraud.v1 import fraud_service_pb2 as pb

from meshkit.errors import Kind
from meshkit.identity.svid import SERVER
from meshkit.rpc.channel import open_channel
from meshkit.rpc.server import HEALTH
from meshkit.settings import TlsFiles
from tests.support.calls import calling, failure
from tests.support.certificates import Certificates
from tests.support.fraud import request
from tests.support.mesh import FRAUD, MeshNode
from tests.support.pki import GATEWAY, Holder, authority, leaf, pem

ASKED = health_pb2.HealthCheckRequest()


@pytest.fixture
def root(certificates: Certificates) -> Holder:
    """The authority of `rampart up`, which may sign leaves and no further authority."""
    ours = certificates.identity("operator")
    key = serialization.load_pem_private_key(ours.ca.with_name("ca.key").read_bytes(), None)
    return Holder(x509.load_pem_x509_certificate(ours.ca.read_bytes()), cast("ec.EllipticCurvePrivateKey", key))


def files(folder: Path, root: Holder, *chain: Holder) -> TlsFiles:
    found = TlsFiles(folder / "ca.pem", folder / "peer.pem", folder / "peer.key")
    found.ca.write_bytes(pem(root))
    found.certificate.write_bytes(pem(*chain))
    found.key.write_bytes(chain[0].key_pem)
    return found


async def nobody(node: MeshNode, peer: TlsFiles, token: str) -> None:
    async with calling(node.address, FRAUD.full_name, peer) as caller:
        error = await failure(caller(request(), pb.CheckFraudResponse, token=token))
        assert (error.kind, error.reason) == (Kind.PERMISSION_DENIED, "CALLER_NOT_ALLOWED")
    channel: Any = open_channel(node.address, peer, {})
    for method in (channel.unary_unary, channel.unary_stream):
        name = "Check" if method == channel.unary_unary else "Watch"
        call = method(f"/{HEALTH}/{name}", lambda message: message.SerializeToString(), None)(ASKED, timeout=5)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await (call if name == "Check" else call.read())
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    await channel.close()
    assert node.behaviour.requests == []


async def test_good_leaf_of_the_same_authority_is_the_gateway(
    node: MeshNode, token: str, root: Holder, tmp_path: Path
) -> None:
    async with calling(node.address, FRAUD.full_name, files(tmp_path, root, leaf(root, GATEWAY))) as caller:
        assert (await caller(request(), pb.CheckFraudResponse, token=token)).HasField("decision")


async def test_leaf_that_may_sign_others_is_nobody(node: MeshNode, token: str, root: Holder, tmp_path: Path) -> None:
    signing = leaf(root, GATEWAY, is_ca=True, usage=("digital_signature", "key_cert_sign"))
    in_part = leaf(root, GATEWAY, usage=("digital_signature", "key_cert_sign"))
    for bad in (signing, leaf(root, GATEWAY, is_ca=True), in_part):
        await nobody(node, files(tmp_path, root, bad), token)


async def test_leaf_below_an_authority_beyond_the_path_length_is_nobody(
    node: MeshNode, token: str, root: Holder, tmp_path: Path
) -> None:
    beyond = authority(root)
    await nobody(node, files(tmp_path, root, leaf(beyond, GATEWAY), beyond), token)


@pytest.mark.parametrize("ending", ["?x=1", "#x", "/", "/..", "//x", "%20", " ", "/x y"])
async def test_id_that_is_none_is_nobody(node: MeshNode, token: str, root: Holder, tmp_path: Path, ending: str) -> None:
    await nobody(node, files(tmp_path, root, leaf(root, GATEWAY + ending)), token)


@pytest.mark.parametrize(
    "options",
    [
        {"purposes": None},
        {"purposes": [SERVER]},
        {"life": timedelta(minutes=1)},
        {"begin": timedelta(minutes=5)},
        {"key": rsa.generate_private_key(65537, 1024)},
        {"key": ec.generate_private_key(ec.SECP192R1())},
        {"usage": None},
        {"usage": ("key_agreement",)},
        {"hosts": ("rampart.local",), "uris": ()},
        {"uris": (GATEWAY, GATEWAY)},
        {"uris": ("spiffe://elsewhere.example/service/gateway",)},
        {"uris": ("SPIFFE://rampart.local/service/gateway",)},
    ],
    ids=lambda options: " ".join(f"{name}={value}" for name, value in options.items())[:60],
)
async def test_certificate_that_lacks_something_gets_no_answer(
    node: MeshNode, token: str, root: Holder, tmp_path: Path, options: dict[str, Any]
) -> None:
    """TLS itself refuses some of them, and the server the others."""
    asked = {"uris": (GATEWAY,)} | options
    peer = files(tmp_path, root, leaf(root, *asked.pop("uris"), **asked))
    async with calling(node.address, FRAUD.full_name, peer) as caller:
        error = await failure(caller(request(), pb.CheckFraudResponse, token=token))
    assert error.kind in (Kind.PERMISSION_DENIED, Kind.UNAVAILABLE)
    assert error.reason in ("CALLER_NOT_ALLOWED", "DEPENDENCY_UNAVAILABLE")
    assert node.behaviour.requests == []
