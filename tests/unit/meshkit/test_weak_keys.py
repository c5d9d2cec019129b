"""Keys that somebody may know are told from random ones."""

from __future__ import annotations

import hashlib
import secrets

import pytest

from meshkit.weak_keys import WORDS, is_weak

PUBLISHED = {
    "FIPS 197, C.3": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "NIST SP 800-38A, F.1.5": "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
    "RFC 8032, 7.1": "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "RFC 8439, 2.8.2": "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    "RFC 8439, A.2": "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_key_of_a_standard_is_weak(name: str) -> None:
    key = bytes.fromhex(PUBLISHED[name])
    assert is_weak(key)
    # One bit more or less is another key, unless it has a pattern.
    assert is_weak(bytes([key[0] ^ 1]) + key[1:]) is False


@pytest.mark.parametrize("word", WORDS)
def test_hash_of_a_word_is_weak(word: str) -> None:
    assert is_weak(hashlib.sha256(word.encode()).digest())


@pytest.mark.parametrize(
    "key",
    [
        b"\0" * 32,
        b"\xde\xad\xbe\xef" * 8,
        bytes(range(7, 39)),
        bytes(range(200, 72, -4)),
        b"correct horse battery staple 123",
    ],
    ids=["zeros", "repeated", "counted up", "counted down", "text"],
)
def test_key_with_a_pattern_is_weak(key: bytes) -> None:
    assert len(key) == 32
    assert is_weak(key)


def test_random_keys_are_not_weak() -> None:
    assert not any(is_weak(secrets.token_bytes(32)) for _ in range(2_000))
