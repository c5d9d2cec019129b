"""Seals records of decisions, so that one that was changed in the store is told from one that was not.

It is no signature: who writes to the store can seal what he writes.
"""

from __future__ import annotations

from hashlib import blake2b

from rampart.fraud.v1 import decision_pb2

__all__ = ["intact_from_record", "sealed_to_record"]

_SIZE = 16
_FIELD = decision_pb2.DecisionInputs.DESCRIPTOR.fields_by_name["digest"].number
_BYTES = 2
"""The type of such a field on the wire."""
_HEAD = bytes(((_FIELD & 0x0F) << 3 | _BYTES | 0x80, _FIELD >> 4, _SIZE))
"""What a digest of this size begins with: tag, in two bytes, and length."""


def sealed_to_record(answer: bytes, fields: bytes, inputs: bytes) -> bytes:
    """Returns serialised inputs with the digest behind them, as their last field."""
    return inputs + _HEAD + _digest(answer, fields, inputs)


def intact_from_record(answer: bytes, fields: bytes, inputs: bytes) -> bool:
    """Tells whether what is stored is what was sealed."""
    body = inputs[: -len(_HEAD) - _SIZE]
    return sealed_to_record(answer, fields, body) == inputs


def _digest(answer: bytes, fields: bytes, inputs: bytes) -> bytes:
    lengths = len(answer).to_bytes(4, "big") + len(fields).to_bytes(4, "big")
    return blake2b(b"".join((lengths, answer, fields, inputs)), digest_size=_SIZE).digest()
