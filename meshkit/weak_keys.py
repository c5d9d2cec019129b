"""Tells keys that somebody may know: examples of standards, hashes of common words, texts, and what has a pattern."""

from __future__ import annotations

import hashlib
import itertools

__all__ = ["is_weak"]

LEAST_DISTINCT = 16
"""Different bytes of a key. Of 32 random ones there are fewer once in 10^16 keys."""
WORDS = (
    "", "0", "1", "123456", "12345678", "1234567890", "admin", "changeme", "changeit", "default", "demo", "dev",
    "development", "example", "foo", "hello", "key", "letmein", "master", "my-secret", "mysecret", "password",
    "passw0rd", "private", "qwerty", "rampart", "secret", "secret-key", "secret_key", "secretkey", "super-secret",
    "supersecret", "test", "testing", "token", "your-256-bit-secret", "your-secret-key",
    "a-string-secret-at-least-256-bits-long",
)  # fmt: skip
"""Of which the SHA-256 is taken for a key, and what the pages of JWT tools sign with."""

_EXAMPLES = frozenset(
    {
        "b93c72b74bc8487d29827005f80d635918f91bc22b14d7ed05714d58f96702dd",
        "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd",
        "82d86408530b765e46ebf47807095027e807bc08674b0de77ee5ef2fae7d0492",
        "b2fc17bf5e95289cefb59ca945471f60dd000eb17a59c23a3deb85a76929a2ce",
        "644d50ab64864c20a12b3c4656d46b4a48f69ef7c47ecdc8415cd28316b22ef5",
        "3d2d9682cdba529682a152f678e25c6c29847bf2588ca4e1b3023c1579f9958d",
        "d8eca0cca720d33bf6d9a3e8057053ff6a4d19a62a9874fa7f7004ea662fb2f9",
    }
)
"""SHA-256 of the 256-bit keys of FIPS 197, NIST SP 800-38A, RFC 8032 and RFC 8439."""
_OF_WORDS = frozenset(hashlib.sha256(word.encode()).digest() for word in WORDS)


def is_weak(key: bytes) -> bool:
    """Tells whether a key is known or was not drawn at random, as far as can be seen."""
    return (
        len(set(key)) < LEAST_DISTINCT
        or _has_one_step(key)
        or all(0x20 <= byte < 0x7F for byte in key)
        or key in _OF_WORDS
        or hashlib.sha256(key).hexdigest() in _EXAMPLES
    )


def _has_one_step(key: bytes) -> bool:
    return len({(second - first) % 256 for first, second in itertools.pairwise(key)}) == 1
