"""Keys at rest, and the key that protects them."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from meshkit.settings import SettingsError
from services.auth.adapters.sealing import AesSealer
from services.auth.settings import read_key


def test_sealed_text_opens_with_the_same_key_and_name() -> None:
    sealer = AesSealer(secrets.token_bytes(32))
    sealed = sealer.seal(b"private", "kid")
    assert b"private" not in sealed
    assert sealer.open(sealed, "kid") == b"private"
    assert sealer.seal(b"private", "kid") != sealed


@pytest.mark.parametrize("name", ["", "other"])
def test_sealed_text_is_bound_to_its_name(name: str) -> None:
    sealer = AesSealer(secrets.token_bytes(32))
    with pytest.raises(SettingsError):
        sealer.open(sealer.seal(b"private", "kid"), name)


def test_another_key_does_not_open_it_and_the_message_names_the_setting() -> None:
    sealed = AesSealer(secrets.token_bytes(32)).seal(b"private", "kid")
    with pytest.raises(SettingsError, match="RAMPART_AUTH_KEY_FILE"):
        AesSealer(secrets.token_bytes(32)).open(sealed, "kid")


@pytest.mark.parametrize("changed", range(0, 35, 5))
def test_changed_byte_is_noticed(changed: int) -> None:
    sealer = AesSealer(secrets.token_bytes(32))
    sealed = bytearray(sealer.seal(b"private", "kid"))
    sealed[changed] ^= 1
    with pytest.raises(SettingsError):
        sealer.open(bytes(sealed), "kid")


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 33, "00" * 32, "ff" * 32, "zz" * 32, "hunter2"])
def test_unusable_key_file_stops_the_start_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    with pytest.raises(SettingsError, match="RAMPART_AUTH_KEY_FILE") as caught:
        read_key(path)
    assert not text or text not in str(caught.value)


def test_key_file_may_end_in_a_newline(tmp_path: Path) -> None:
    key = secrets.token_bytes(32)
    path = tmp_path / "key"
    path.write_text(key.hex() + "\n")
    assert read_key(path) == key
