"""Hashes of processes that give way."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshkit.errors import Kind, MeshError
from services.auth.adapters import child_argon2id
from services.auth.adapters.child_argon2id import ChildArgon2id
from services.auth.app.hashing_process import NICE


@pytest.fixture(scope="module")
def argon2id() -> Iterator[ChildArgon2id]:
    made = ChildArgon2id(8, 1)
    yield made
    made.close()


def test_children_hash_and_match(argon2id: ChildArgon2id) -> None:
    hashed = argon2id.hash("a pässword\n")
    assert hashed.startswith("$argon2id$v=19$m=8,t=1,p=1$") and not argon2id.outdated(hashed)
    assert argon2id.matches(hashed, "a pässword\n")
    assert not argon2id.matches(hashed, "another one") and not argon2id.matches("no hash at all", "a password")
    assert len(argon2id._idle) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux groups processes by session")
def test_children_give_way_to_other_sessions(argon2id: ChildArgon2id) -> None:
    argon2id.hash("a password")
    child, own = argon2id._idle[0].pid, os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, child) == min(19, own + NICE)
    assert os.getsid(child) == child
    group = Path(f"/proc/{child}/autogroup")
    assert not group.exists() or group.read_text().split()[-1] == str(NICE)


def test_child_that_has_ended_is_replaced(argon2id: ChildArgon2id) -> None:
    argon2id.hash("a password")
    ended = argon2id._idle[0]
    ended.kill()
    ended.wait(5)
    assert argon2id.hash("a password")
    assert len(argon2id._idle) == 1 and ended not in argon2id._idle


def test_child_that_takes_too_long_is_ended(argon2id: ChildArgon2id, monkeypatch: pytest.MonkeyPatch) -> None:
    argon2id.hash("a password")
    child = argon2id._idle[0]
    os.kill(child.pid, signal.SIGSTOP)
    monkeypatch.setattr(child_argon2id, "ANSWER_SECONDS", 0.05)
    with pytest.raises(MeshError) as caught:
        argon2id.hash("a password")
    assert caught.value.kind is Kind.UNAVAILABLE
    assert child.returncode is not None and child not in argon2id._idle


def test_child_ends_with_its_input(argon2id: ChildArgon2id) -> None:
    argon2id.hash("a password")
    child = argon2id._idle.pop()
    assert child.stdin is not None and child.stdout is not None
    child.stdin.close()
    assert child.wait(5) == 0
    child.stdout.close()
