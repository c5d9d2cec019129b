"""The state folder: private, ours, held by one run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from console.failure import CommandFailure
from console.up.state import SOCKET_PATH_BYTES, State


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    state = State.open(tmp_path / "a" / "home")
    assert mode(state.home) == 0o700


def test_a_folder_of_an_earlier_start_is_taken_again_and_made_private(tmp_path: Path) -> None:
    State.open(tmp_path / "home").home.chmod(0o755)
    assert mode(State.open(tmp_path / "home").home) == 0o700


def test_a_folder_with_foreign_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(CommandFailure, match=r"files that Rampart did not make; set RAMPART_HOME"):
        State.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_journal_of_a_replay_before_the_first_start_is_no_foreign_file(tmp_path: Path) -> None:
    (tmp_path / "replays").mkdir()
    State.open(tmp_path)


def test_a_file_in_place_of_the_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(CommandFailure, match=r"is not a folder"):
        State.open(tmp_path / "home")


def test_a_folder_below_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandFailure, match=r"Cannot write to .*Not a directory"):
        State.open(tmp_path / "file" / "home")


@pytest.mark.skipif(not Path("/proc/sys").exists(), reason="needs a file system that nobody can write to")
def test_a_read_only_place_is_one_sentence() -> None:
    with pytest.raises(CommandFailure, match=r"Cannot write to /proc/sys/rampart"):
        State.open(Path("/proc/sys/rampart"))


def test_a_folder_of_another_version_is_refused(tmp_path: Path) -> None:
    State.open(tmp_path).write_json("rampart.json", {"format": 99})
    with pytest.raises(CommandFailure, match=r"another version of Rampart \(format 99\)"):
        State.open(tmp_path)


def test_a_second_run_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    with state.held(), pytest.raises(CommandFailure, match=rf"already runs on .* \(pid {os.getpid()}\)"), state.held():
        pass


def test_the_hold_ends_with_the_process_that_had_it(tmp_path: Path) -> None:
    script = "import sys, os, pathlib; from console.up.state import State; s = State.open(pathlib.Path(sys.argv[1])); "
    script += "s.held().__enter__(); os.kill(os.getpid(), 9)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, env=environment, timeout=30)
    with State.open(tmp_path).held():
        pass


def test_passwords_differ_by_name_and_stay(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    one, two = state.password("one"), state.password("two")
    assert one != two
    assert State.open(tmp_path).password("one") == one
    assert mode(tmp_path / "passwords.json") == 0o600


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    (tmp_path / "ports.json").write_text("{")
    with pytest.raises(CommandFailure, match=r"ports\.json is damaged"):
        state.read_json("ports.json")


def test_sockets_are_in_the_folder_when_their_paths_fit() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        state = State.open(Path(short))
        assert state.sockets() == Path(short) / "run"
        assert mode(state.sockets()) == 0o700


def test_sockets_of_a_deep_folder_get_a_private_short_one_that_stays(tmp_path: Path) -> None:
    state = State.open(tmp_path / ("deep" * 20) / ("deeper" * 10))
    folder = state.sockets()
    try:
        assert len(os.fsencode(folder / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_BYTES
        assert mode(folder) == 0o700
        assert State.open(state.home).sockets() == folder
    finally:
        folder.rmdir()


def test_a_short_socket_folder_that_is_no_longer_private_is_not_used_again(tmp_path: Path) -> None:
    state = State.open(tmp_path / ("deep" * 20) / ("deeper" * 10))
    first = state.sockets()
    first.chmod(0o755)
    second = state.sockets()
    assert second != first
    first.rmdir()
    second.rmdir()
