"""Puts serialised messages into other messages without decoding them (protobuf encoding, "Submessages")."""

from __future__ import annotations

__all__ = ["as_field"]

LENGTH_DELIMITED = 2


def as_field(number: int, message: bytes) -> bytes:
    """Returns the wire format of a message whose field `number` is the serialised `message`, and nothing else."""
    return _varint(number << 3 | LENGTH_DELIMITED) + _varint(len(message)) + message


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
