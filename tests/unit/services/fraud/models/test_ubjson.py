"""Universal Binary JSON, as XGBoost writes it."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from services.fraud.models.ubjson import read_ubjson


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"{}", {}),
        (b"{L" + struct.pack(">q", 1) + b"ai\xff}", {"a": -1}),
        (b"{i\x01aTi\x01bFi\x01cZ}", {"a": True, "b": False, "c": None}),
        (b"[U\xffI\xff\xfel\x00\x01\x00\x00Si\x02hi]", [255, -2, 65536, "hi"]),
        (b"[$l#i\x02" + struct.pack(">ii", 7, -8), [7, -8]),
        (b"[$d#L" + struct.pack(">q", 1) + struct.pack(">f", 0.5), [0.5]),
        (b"[#i\x02i\x01D" + struct.pack(">d", 0.1), [1, 0.1]),
        (b"[[]{}]", [[], {}]),
    ],
)
def test_values_are_read(content: bytes, value: Any) -> None:
    assert read_ubjson(content) == value


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cut short"),
        (b"{i\x05ab", "cut short"),
        (b"{i\xff", "not negative"),
        (b"{d\x00\x00\x00\x00", "whole number"),
        (b"[$l#L\x7f" + b"\xff" * 7, "cut short"),
        (b"[$S#i\x01", "holds numbers"),
        (b"[$lx", "'#' is missing"),
        (b"{}{}", "something follows"),
        (b"Q", "no value begins"),
        (b"[" * 40, "too deep"),
    ],
)
def test_what_is_broken_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_ubjson(content)
