"""Reads the messages in which the library hands over checked expressions (cel.expr, in the encoding of protobuf)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["Message", "parse"]

_SIGN = 1 << 63


class Message:
    """The fields of a message by number, as far as they have been asked for."""

    __slots__ = ("_fields",)

    def __init__(self, data: bytes) -> None:
        """Raises ValueError or IndexError if it is no message."""
        self._fields: dict[int, list[int | bytes]] = {}
        for number, value in _read(data):
            self._fields.setdefault(number, []).append(value)

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    def message(self, number: int) -> Message:
        return Message(self.bytes(number))

    def messages(self, number: int) -> list[Message]:
        return [Message(value) for value in self._fields.get(number, ()) if isinstance(value, bytes)]

    def bytes(self, number: int) -> bytes:
        value = self._fields.get(number, [b""])[-1]
        return value if isinstance(value, bytes) else b""

    def text(self, number: int) -> str:
        return self.bytes(number).decode()

    def number(self, number: int) -> int:
        """Returns an int64, as which a smaller one can be read too."""
        value = self._fields.get(number, [0])[-1]
        if not isinstance(value, int):
            raise ValueError("not a number")
        return value - 2 * _SIGN if value & _SIGN else value

    def double(self, number: int) -> float:
        (value,) = struct.unpack("<d", self.bytes(number))
        return float(value)


def parse(data: bytes) -> Message:
    """Returns the message in a google.protobuf.Any."""
    return Message(data).message(2)


def _read(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        match tag & 7:
            case 0:
                value, place = _varint(data, place)
                yield tag >> 3, value
                continue
            case 1:
                size = 8
            case 2:
                size, place = _varint(data, place)
            case 5:
                size = 4
            case _:
                raise ValueError("not a message")
        yield tag >> 3, data[place : place + size]
        place += size


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
