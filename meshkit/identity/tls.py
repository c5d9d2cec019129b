"""Makes mutual TLS credentials of PEM texts. TLS 1.3 only; see `meshkit/__init__.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import grpc

from meshkit.identity.own import Material, MeshIdentity

__all__ = ["channel_credentials", "server_credentials"]


def server_credentials(identity: MeshIdentity) -> grpc.ServerCredentials:
    """Returns credentials that ask every peer for a certificate of our CA.

    Each handshake is made with the newest certificates; connections that are open stay.
    """
    shown = identity.material

    def changed() -> grpc.ServerCertificateConfiguration | None:
        # Called by gRPC's threads, one handshake at a time. None leaves it with what it has.
        nonlocal shown
        newest = identity.material
        if newest is shown:
            return None
        shown = newest
        return _server_configuration(newest)

    # The types of grpcio leave out that it may be None.
    fetch = cast("Callable[[], grpc.ServerCertificateConfiguration]", changed)
    return grpc.dynamic_ssl_server_credentials(_server_configuration(shown), fetch, require_client_authentication=True)


def channel_credentials(material: Material) -> grpc.ChannelCredentials:
    """Returns credentials that show a server our certificate and take only certificates of our CA from it."""
    return grpc.ssl_channel_credentials(
        root_certificates=material.ca, private_key=material.key, certificate_chain=material.certificate
    )


def _server_configuration(material: Material) -> grpc.ServerCertificateConfiguration:
    pair = (material.key, material.certificate)
    return grpc.ssl_server_certificate_configuration([pair], root_certificates=material.ca)
