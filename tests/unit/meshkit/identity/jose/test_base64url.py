"""base64url has one text for each sequence of octets, and every other text is refused."""

from __future__ import annotations

import random
import string

import pytest

from meshkit.identity.jose import base64url
from tests.support.tokens import encode

ALPHABET = string.ascii_letters + string.digits + "-_"


def test_octets_come_back() -> None:
    source = random.Random(7)
    for length in range(100):
        octets = source.randbytes(length)
        assert base64url.decode(encode(octets).encode()) == octets
    everything = bytes(range(256))
    assert base64url.decode(encode(everything).encode()) == everything


def test_of_all_short_texts_only_the_canonical_ones_are_read() -> None:
    short = [a.encode() for a in ALPHABET] + [f"{a}{b}".encode() for a in ALPHABET for b in ALPHABET]
    read = {}
    for text in short:
        try:
            read[text] = base64url.decode(text)
        except ValueError:
            continue
    assert sorted(read.values()) == [bytes([octet]) for octet in range(256)]


@pytest.mark.parametrize(
    "text",
    [b"A", b"AAAAA", b"AA==", b"AAA=", b"AA=", b"=", b"====", b"AAAA====", b"AAB", b"AB", b"A+AA", b"A/AA", b"AA AA",
     b" AAAA", b"AAAA ", b"AAAA\n", b"AA\nAA", b"A\tAA", b"AAAA\0", b"A!AA", b"A.AA", b"A\xe9AA", b"AA\r\n"],
)  # fmt: skip
def test_text_that_another_decoder_might_read_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        base64url.decode(text)
