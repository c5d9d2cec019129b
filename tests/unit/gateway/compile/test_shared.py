"""One encoding for identical reads that were answered by one call."""

from __future__ import annotations

import pytest

from gateway.compile import shared as module
from gateway.compile.shared import shared


class Encoder:
    """Counts what it encodes."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, data: bytes) -> bytes:
        self.calls += 1
        return b"json of " + data


def test_the_same_answer_is_encoded_once() -> None:
    encoder = Encoder()
    encode = shared(encoder)
    answer = bytes(bytearray(b"answer"))
    assert [encode(answer) for _ in range(3)] == [b"json of answer"] * 3
    assert encoder.calls == 1


def test_an_equal_answer_of_another_call_is_encoded_for_itself() -> None:
    encoder = Encoder()
    encode = shared(encoder)
    encode(bytes(bytearray(b"answer")))
    encode(bytes(bytearray(b"answer")))
    assert encoder.calls == 2


def test_an_empty_answer_is_encoded_too() -> None:
    assert shared(Encoder())(b"") == b"json of "


def test_a_large_answer_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_SHARED", 4)
    encoder = Encoder()
    encode = shared(encoder)
    answer = bytes(bytearray(b"12345"))
    encode(answer)
    encode(answer)
    assert encoder.calls == 2


def test_an_answer_that_cannot_be_encoded_is_refused_each_time() -> None:
    def refuse(data: bytes) -> bytes:
        raise ValueError(data)

    encode = shared(refuse)
    for _ in range(2):
        with pytest.raises(ValueError, match="answer"):
            encode(b"answer")
