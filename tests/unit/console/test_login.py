"""The login of the command line: where it is kept, and that nobody else comes by it."""

from __future__ import annotations

import asyncio
import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from console.__main__ import main
from console.failure import CommandFailure
from console.signing_in import authorization
from console.signing_in.authorization import CodeRequest, Endpoints, OAuthRefusal, renewed
from console.signing_in.callback import Callback
from console.signing_in.login_file import Login, LoginFile

LOGIN = Login("https://a.example", "https://a.example/token", "https://a.example/revoke", "at-1", 0.0, "rrt-1")
ENDPOINTS = Endpoints("https://a.example", "https://a.example/authorize", "t", "d", "r")


class TwinServer:
    """Rotates refresh tokens, each good once."""

    def __init__(self) -> None:
        self.current = 1
        self.asked: list[dict[str, str]] = []

    async def ask(self, url: str, form: dict[str, str], what: str) -> dict[str, Any]:
        self.asked.append(dict(form))
        await asyncio.sleep(0)
        if form["refresh_token"] != f"rrt-{self.current}":
            raise OAuthRefusal("invalid_grant", "", what)
        self.current += 1
        return {
            "access_token": f"at-{self.current}", "refresh_token": f"rrt-{self.current}", "expires_in": 100,
        }  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> TwinServer:
    server = TwinServer()
    monkeypatch.setattr(authorization, "ask", server.ask)
    return server


def test_login_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    file = LoginFile(tmp_path / "new" / "rampart")
    assert file.read() is None
    file.write(LOGIN)
    file.write(replace(LOGIN, access_token="at-2"))
    assert file.read() == replace(LOGIN, access_token="at-2")
    folder = tmp_path / "new" / "rampart"
    assert [path.name for path in folder.iterdir()] == ["login.json"]
    assert stat.S_IMODE((folder / "login.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    file.delete()
    file.delete()
    assert file.read() is None
    assert "rrt-1" not in repr(LOGIN)


def test_file_of_something_else_is_named(tmp_path: Path) -> None:
    (tmp_path / "login.json").write_text('{"x": 1}')
    with pytest.raises(CommandFailure, match=r"login\.json is not what"):
        LoginFile(tmp_path).read()


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"RAMPART_CONFIG_HOME": "/own"}, "/own"),
        ({"XDG_CONFIG_HOME": "/xdg"}, "/xdg/rampart"),
        ({"XDG_CONFIG_HOME": "relative", "HOME": "/home/x"}, "/home/x/.config/rampart"),
        ({"HOME": "/home/x"}, "/home/x/.config/rampart"),
    ],
)
def test_place_is_that_of_the_standard(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], folder: str
) -> None:
    for name in ("RAMPART_CONFIG_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert vars(LoginFile.standard())["_path"] == Path(folder) / "login.json"


async def test_token_is_renewed_once_however_many_ask(tmp_path: Path, server: TwinServer) -> None:
    file = LoginFile(tmp_path)
    file.write(LOGIN)
    logins = [await renewed(file) for _ in range(3)]
    assert {login.access_token for login in logins} == {"at-2"}
    assert len(server.asked) == 1
    kept = file.read()
    assert kept is not None and (kept.refresh_token, kept.expires_at > time.time() + 70) == ("rrt-2", True)


async def test_token_that_was_refused_is_renewed_though_it_looks_good(tmp_path: Path, server: TwinServer) -> None:
    file = LoginFile(tmp_path)
    file.write(replace(LOGIN, expires_at=time.time() + 100))
    assert (await renewed(file, "other")).access_token == "at-1"
    assert (await renewed(file, "at-1")).access_token == "at-2"


async def test_login_that_is_over_is_forgotten(tmp_path: Path, server: TwinServer) -> None:
    file = LoginFile(tmp_path)
    file.write(replace(LOGIN, refresh_token="rrt-0"))
    with pytest.raises(CommandFailure, match="rampart login"):
        await renewed(file)
    assert file.read() is None
    with pytest.raises(CommandFailure, match="Nobody is signed in"):
        await renewed(file)


def test_login_ends_the_one_before_or_says_that_it_did_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, str]] = []

    async def discovered(_: str) -> Endpoints:
        return ENDPOINTS

    async def granted(_: Endpoints) -> dict[str, Any]:
        return {"access_token": "at-2", "refresh_token": "rrt-2", "expires_in": 100}

    async def ask(url: str, form: dict[str, str], what: str) -> dict[str, Any]:
        asked.append((url, form["token"]))
        raise OAuthRefusal("temporarily_unavailable", "", what)

    monkeypatch.setenv("RAMPART_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(Endpoints, "discover", discovered)
    monkeypatch.setattr("console.login._by_device", granted)
    monkeypatch.setattr(authorization, "ask", ask)
    LoginFile(tmp_path).write(LOGIN)
    assert main(["login", "--base-url", "https://a.example", "--device"]) == 0
    kept = LoginFile(tmp_path).read()
    assert kept is not None and kept.refresh_token == "rrt-2"
    assert asked == [("https://a.example/revoke", "rrt-1")]
    assert "The login before was not ended" in capsys.readouterr().err


def test_request_says_what_the_standards_ask_for() -> None:
    request = CodeRequest("http://127.0.0.1:1/callback")
    asked = parse_qs(urlsplit(request.url(ENDPOINTS, "acme")).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert (asked["client_id"], asked["tenant"], asked["state"]) == (["rampart-cli"], ["acme"], [request.state])
    assert request.verifier not in request.url(ENDPOINTS, "")
    assert request.form("c")["code_verifier"] == request.verifier
    assert request.verifier not in repr(request) and request.state not in repr(request)


GOOD = "/callback?code=c-1&state=st&iss=https%3A%2F%2Fa.example"


async def come(callback: Callback, target: str) -> str:
    """Comes back as a browser, and returns the first line of the answer."""
    reader = asyncio.StreamReader()
    reader.feed_data(f"GET {target} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    reader.feed_eof()
    written = bytearray()

    class Writer:
        def write(self, data: bytes) -> None:
            written.extend(data)

        async def drain(self) -> None: ...

        def close(self) -> None: ...

    await callback.serve(reader, Writer())  # type: ignore[arg-type]
    return written.split(b"\r\n")[0].decode()


@pytest.mark.parametrize(
    "target",
    [
        GOOD.replace("st", "other"),
        GOOD.replace("a.example", "evil.example"),
        GOOD.partition("&iss")[0],
        GOOD.replace("/callback", "/"),
        "/favicon.ico",
    ],
)
async def test_what_is_not_the_answer_means_nothing(target: str) -> None:
    callback = Callback("https://a.example")
    callback.state = "st"
    assert "404" in await come(callback, target)
    assert "200" in await come(callback, GOOD)
    assert "200" in await come(callback, GOOD.replace("c-1", "c-2"))
    assert await callback.code(1) == "c-1"


async def test_refusal_is_told() -> None:
    callback = Callback("https://a.example")
    callback.state = "st"
    told = await come(callback, GOOD.replace("code=c-1", "error=access_denied&error_description=no"))
    assert told == "HTTP/1.1 200 Not signed in"
    with pytest.raises(CommandFailure, match="Not signed in: no"):
        await callback.code(1)


async def test_nobody_is_waited_for_for_ever() -> None:
    with pytest.raises(CommandFailure, match="within"):
        await Callback("https://a.example").code(0.01)
