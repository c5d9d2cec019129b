"""Tells the operators of the platform among the peers: "operator", and those that have a name, "operator/alice"."""

from __future__ import annotations

from typing import Final

__all__ = ["OPERATOR", "is_named_operator", "is_operator"]

OPERATOR: Final = "operator"
_NAMED = "operator/"


def is_operator(peer: str) -> bool:
    """Tells whether a peer, the path of a SPIFFE ID, is an operator."""
    return peer == OPERATOR or is_named_operator(peer)


def is_named_operator(peer: str) -> bool:
    """Tells whether a peer is one operator and no other: a certificate without a name may be anybody's."""
    return peer.startswith(_NAMED)
