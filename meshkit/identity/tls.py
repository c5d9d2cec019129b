"""Loads mutual TLS credentials from PEM files. TLS 1.3 only; see `meshkit/__init__.py`."""

from __future__ import annotations

import grpc

from meshkit.settings import TlsFiles

__all__ = ["channel_credentials", "server_credentials"]


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Returns credentials that ask every peer for a certificate of our CA."""
    pair = (files.key.read_bytes(), files.certificate.read_bytes())
    return grpc.ssl_server_credentials([pair], root_certificates=files.ca.read_bytes(), require_client_auth=True)


def channel_credentials(files: TlsFiles) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=files.ca.read_bytes(),
        private_key=files.key.read_bytes(),
        certificate_chain=files.certificate.read_bytes(),
    )
