"""Unusable settings stop the process with a sentence that names them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from meshkit.settings import MeshSettings, Reader, SettingsError


def sentence(read: Callable[[], Any]) -> str:
    with pytest.raises(SettingsError) as caught:
        read()
    return str(caught.value)


def test_missing_setting_is_named() -> None:
    assert sentence(lambda: Reader({}).text("RAMPART_X")) == "RAMPART_X is not set"


@pytest.mark.parametrize("value", ["", "  ", "\n"])
def test_blank_counts_as_not_set(value: str) -> None:
    assert Reader({"RAMPART_X": value}).text("RAMPART_X", "default") == "default"
    assert "RAMPART_X is not set" in sentence(lambda: Reader({"RAMPART_X": value}).text("RAMPART_X"))


@pytest.mark.parametrize("value", ["-1", "1.5", "ten", "²", "١", "1e3", "0", "11"])
def test_number_out_of_form_or_range_is_refused_in_words(value: str) -> None:
    said = sentence(lambda: Reader({"RAMPART_N": value}).number("RAMPART_N", 5, low=1, high=10))
    assert said == f"RAMPART_N must be a whole number from 1 to 10, not {value!r}"


@pytest.mark.parametrize(("value", "number"), [("1", 1), ("10", 10), (" 7 ", 7), ("007", 7), ("", 5)])
def test_number_is_read(value: str, number: int) -> None:
    assert Reader({"RAMPART_N": value}).number("RAMPART_N", 5, low=1, high=10) == number


@pytest.mark.parametrize(("value", "state"), [("on", True), ("OFF", False), ("", True)])
def test_switch_is_read(value: str, state: bool) -> None:
    assert Reader({"RAMPART_S": value}).switch("RAMPART_S", True) is state


@pytest.mark.parametrize("value", ["true", "1", "yes"])
def test_switch_takes_nothing_but_on_and_off(value: str) -> None:
    assert "RAMPART_S must be on or off" in sentence(lambda: Reader({"RAMPART_S": value}).switch("RAMPART_S", True))


@pytest.mark.parametrize("value", ["localhost:80", "127.0.0.1:65535", "[::1]:8080"])
def test_address_is_read(value: str) -> None:
    assert Reader({"RAMPART_A": value}).address("RAMPART_A") == value


@pytest.mark.parametrize("value", ["localhost", ":80", "host:", "host:0", "host:65536", "host:x", "host:-1", "host:²"])
def test_address_out_of_form_is_refused_in_words(value: str) -> None:
    assert sentence(lambda: Reader({"RAMPART_A": value}).address("RAMPART_A")) == (
        f"RAMPART_A must be host:port, not {value!r}"
    )


def test_file_must_be_there(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    assert sentence(lambda: Reader({"RAMPART_F": str(missing)}).file("RAMPART_F")) == (
        f"RAMPART_F names {missing}, which is not a file"
    )
    missing.touch()
    assert Reader({"RAMPART_F": str(missing)}).file("RAMPART_F") == missing


def test_process_needs_its_certificates_and_its_admin_port_and_nothing_else(tmp_path: Path) -> None:
    needed = {f"RAMPART_TLS_{name}_FILE": str(tmp_path / name) for name in ("CA", "CERT", "KEY")}
    for path in needed.values():
        Path(path).touch()
    needed["RAMPART_ADMIN_LISTEN"] = "127.0.0.1:9000"
    settings = MeshSettings.read(Reader(needed))
    assert (settings.trust_domain, settings.audience, settings.reflection) == ("rampart.local", "rampart", False)
    for name in needed:
        rest = Reader({other: value for other, value in needed.items() if other != name})
        assert sentence(partial(MeshSettings.read, rest)) == f"{name} is not set"


KEYS = [hashlib.sha256(b"%d of a test" % number).hexdigest() for number in range(3)]


@pytest.mark.parametrize(
    ("text", "count"), [(KEYS[0], 1), (f"{KEYS[0]}\n\n{KEYS[1]}\n", 2), (f"  {KEYS[0].upper()}  ", 1)]
)
def test_keys_are_read_in_their_order(tmp_path: Path, text: str, count: int) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    found = Reader({"RAMPART_KEY_FILE": str(file)}).keys("RAMPART_KEY_FILE", most=2)
    assert found == tuple(bytes.fromhex(key) for key in KEYS[:count])


@pytest.mark.parametrize("text", ["", "\n", "xy" * 32, "00" * 32, KEYS[0][:-2], f"{KEYS[0]}\nshort", "\n".join(KEYS)])
def test_keys_that_are_none_are_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    said = sentence(lambda: Reader({"RAMPART_KEY_FILE": str(file)}).keys("RAMPART_KEY_FILE", most=2))
    assert said == (
        f"RAMPART_KEY_FILE names {file}, which does not hold 32 random bytes in hexadecimal, on each of up to 2 lines"
    )


def test_file_of_keys_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"\xff" * 32)
    assert "hexadecimal" in sentence(lambda: Reader({"RAMPART_KEY_FILE": str(file)}).keys("RAMPART_KEY_FILE"))


@pytest.mark.parametrize(
    ("value", "paths"), [("", ()), ("/a/b", ("/a/b",)), (" /a , /b,", ("/a", "/b")), ("/a b/c", ("/a b/c",))]
)
def test_paths_are_read(value: str, paths: tuple[str, ...]) -> None:
    assert Reader({"RAMPART_X_FILES": value}).paths("RAMPART_X_FILES", "") == tuple(map(Path, paths))


def test_a_path_that_depends_on_where_the_process_starts_is_refused() -> None:
    said = sentence(lambda: Reader({"RAMPART_X_FILES": "/a,b"}).paths("RAMPART_X_FILES", ""))
    assert said == "RAMPART_X_FILES must be absolute paths with commas between, not '/a,b'"
