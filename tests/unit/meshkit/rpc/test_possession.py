"""Bound tokens that come from outside the mesh, without a gateway between."""

from __future__ import annotations

import pytest

from meshkit.context import Confirmation
from meshkit.errors import MeshError
from meshkit.rpc.interceptors.possession import certificate_thumbprint, check_sender, sender_certificate
from tests.support.certificates import Certificates

CALLER = "client/batch"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls") / "ca")


def shown(certificates: Certificates, name: str = CALLER) -> dict[str, list[bytes]]:
    return {"x509_pem_cert": [certificates.identity(name).certificate.read_bytes()]}


def bound_to(connection: dict[str, list[bytes]]) -> Confirmation:
    return Confirmation("x5t#S256", certificate_thumbprint(connection["x509_pem_cert"][0]))


def test_certificate_that_the_token_is_bound_to_lets_it_in(certificates: Certificates) -> None:
    connection = shown(certificates)
    check_sender(bound_to(connection), CALLER, connection)


@pytest.mark.parametrize("other", ["client/other", ""])
def test_token_of_another_certificate_is_refused(certificates: Certificates, other: str) -> None:
    connection = shown(certificates, other) if other else {}
    with pytest.raises(MeshError, match="another certificate") as caught:
        check_sender(bound_to(shown(certificates)), CALLER, connection)
    assert caught.value.reason == "TOKEN_INVALID"


def test_token_that_is_bound_to_a_key_is_for_the_gateway(certificates: Certificates) -> None:
    with pytest.raises(MeshError, match="no proof here"):
        check_sender(Confirmation("jkt", "A" * 43), CALLER, shown(certificates))


@pytest.mark.parametrize("bound", [Confirmation("jkt", "A" * 43), Confirmation("x5t#S256", "A" * 43)])
def test_services_pass_on_what_was_checked(certificates: Certificates, bound: Confirmation) -> None:
    for peer in ("service/gateway", "service/fraud"):
        check_sender(bound, peer, shown(certificates, peer))


def test_token_that_is_bound_to_nothing_is_a_bearers(certificates: Certificates) -> None:
    check_sender(None, CALLER, shown(certificates))


def test_certificate_counts_for_who_calls_for_himself_and_not_for_who_passes_on(certificates: Certificates) -> None:
    connection = shown(certificates)
    assert sender_certificate(CALLER, connection) == bound_to(connection).thumbprint
    for peer in ("service/gateway", "operator", ""):
        assert sender_certificate(peer, connection) == ""
    assert sender_certificate(CALLER, {}) == ""
