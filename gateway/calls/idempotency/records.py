"""Serialises idempotency records."""

from __future__ import annotations

from gateway.calls.idempotency.store import Begun, Claim, Known, StoredAnswer, Under

__all__ = ["claimed", "read", "settled"]

_UNDER = b"u"
_ANSWERED, _FAILED, _TOO_LARGE = b"a", b"f", b"l"
_ID_BYTES = 16


def claimed(claim: Claim) -> bytes:
    """Writes that a claim is held."""
    return _UNDER + claim.fingerprint + claim.owner


def settled(claim: Claim, answer: StoredAnswer) -> bytes:
    """Writes an answer."""
    kind = _TOO_LARGE if answer.payload is None else _FAILED if answer.failed else _ANSWERED
    request_id = answer.request_id.encode()
    return kind + claim.fingerprint + bytes([len(request_id)]) + request_id + (answer.payload or b"")


def read(record: bytes) -> Begun:
    """Reads either. What another version wrote and this one cannot read counts as not there."""
    kind, fingerprint, rest = record[:1], record[1 : 1 + _ID_BYTES], record[1 + _ID_BYTES :]
    if kind == _UNDER and len(rest) == _ID_BYTES:
        return Under(fingerprint)
    if kind not in (_ANSWERED, _FAILED, _TOO_LARGE) or not rest:
        return None
    request_id, payload = rest[1 : 1 + rest[0]].decode(), rest[1 + rest[0] :]
    return Known(fingerprint, StoredAnswer(request_id, None if kind == _TOO_LARGE else payload, kind == _FAILED))
