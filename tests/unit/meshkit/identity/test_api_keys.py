from __future__ import annotations

import re
import zlib

from meshkit.identity.api_keys import PREFIX_LENGTH, is_api_key, new_api_key, well_formed


def test_keys_are_random_and_have_the_form_by_which_scanners_find_them() -> None:
    keys = {new_api_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(re.fullmatch(r"rpk_[A-Za-z0-9]{49}", key) and well_formed(key) and is_api_key(key) for key in keys)
    assert len({key[4:PREFIX_LENGTH] for key in keys}) > 150


def test_checksum_is_the_crc_of_all_before_it() -> None:
    key = new_api_key()
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    value = 0
    for digit in key[-6:]:
        value = value * 62 + digits.index(digit)
    assert value == zlib.crc32(key[:-6].encode())


def test_every_mistyped_character_is_told() -> None:
    key = new_api_key()
    for place in range(len(key)):
        other = "a" if key[place] != "a" else "b"
        assert not well_formed(key[:place] + other + key[place + 1 :])
    for wrong in ("", "rpk_", key[:-1], key + "0", key.upper(), "é" * 53):
        assert not well_formed(wrong)
