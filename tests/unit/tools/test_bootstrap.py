"""Making the environment on a bare machine: where pip's settings point, and what is taken from there."""

from __future__ import annotations

import base64
import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools import bootstrap
from tools.bootstrap import DEFAULT_INDEX, BootstrapError, fetch_pip, pip_settings, pip_sources

WHEEL = b"a wheel"


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests, and a pinned wheel that is small."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "system"))
    monkeypatch.setattr(bootstrap, "PIP_SHA256", hashlib.sha256(WHEEL).hexdigest())


class Index:
    """A package index that may ask for a password."""

    def __init__(self) -> None:
        self.content = WHEEL
        self.authorization: str | None = None
        self.seen: list[str] = []
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.seen.append(self.path)
                if index.authorization not in (None, self.headers["Authorization"]):
                    self.send_error(401)
                    return
                link = f'<a href="../../files/{bootstrap.PIP_WHEEL}#sha256=0">pip</a>'.encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(link if self.path.endswith("/") else index.content)

            def log_message(self, *arguments: Any) -> None:
                del arguments

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


@pytest.fixture
def index() -> Iterator[Index]:
    index = Index()
    yield index
    index.close()


def test_the_environment_comes_before_the_files_and_the_user_before_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, cert in (("system", "/system.pem"), ("config", "/user.pem")):
        (tmp_path / folder / "pip").mkdir(parents=True)
        (tmp_path / folder / "pip" / "pip.conf").write_text(f"[global]\nindex-url = https://{folder}/\ncert = {cert}\n")
    monkeypatch.setenv("PIP_INDEX_URL", "https://environment/simple")
    settings = pip_settings()
    assert settings["index-url"] == "https://environment/simple"
    assert settings["cert"] == "/user.pem"


def test_a_configuration_file_named_by_the_user_is_read_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "own.conf"
    file.write_text("[install]\nextra_index_url = https://own/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    assert pip_settings()["extra-index-url"] == "https://own/simple"


def test_places_are_tried_in_the_order_folders_index_further_indexes() -> None:
    settings = {
        "find-links": "/wheels https://links/",
        "index-url": "https://index/simple/",
        "extra-index-url": "https://x",
    }
    assert list(pip_sources(settings)) == ["/wheels", "https://links/", "https://index/simple/pip/", "https://x/pip/"]
    assert list(pip_sources({"no-index": "1"})) == []
    assert list(pip_sources({})) == [f"{DEFAULT_INDEX}/pip/"]


def test_the_wheel_is_taken_from_a_folder_without_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / bootstrap.PIP_WHEEL).write_bytes(WHEEL)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert fetch_pip(tmp_path).read_bytes() == WHEEL


def test_an_index_with_a_password_gets_it_for_the_page_and_for_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: Index
) -> None:
    index.authorization = "Basic " + base64.b64encode(b"me:p@ss").decode()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://me:p%40ss@{index.host}/simple")
    assert fetch_pip(tmp_path).read_bytes() == WHEEL
    assert index.seen == ["/simple/pip/", f"/files/{bootstrap.PIP_WHEEL}"]


def test_a_changed_wheel_is_refused_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: Index) -> None:
    index.content = b"something else"
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{index.host}/simple")
    with pytest.raises(BootstrapError, match="wrong hash"):
        fetch_pip(tmp_path)
    assert list(tmp_path.glob("*.whl")) == []


def test_a_wheel_that_cannot_be_fetched_says_where_it_was_looked_for_without_passwords(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: Index
) -> None:
    index.authorization = "Basic nobody"
    monkeypatch.setenv("PIP_INDEX_URL", f"http://me:secret@{index.host}/simple")
    with pytest.raises(BootstrapError) as caught:
        fetch_pip(tmp_path)
    assert f"http://{index.host}/simple/pip/" in str(caught.value)
    assert "install python3-venv" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A checkout whose installations are only counted."""
    seen = SimpleNamespace(root=tmp_path / "checkout", installed=[])
    seen.root.mkdir()
    for lock in ("requirements.lock", "requirements-dev.lock"):
        (seen.root / lock).write_text(lock)
    monkeypatch.setattr(bootstrap, "ROOT", seen.root)
    monkeypatch.setattr(bootstrap, "VENV", seen.root / ".venv")
    monkeypatch.setattr(bootstrap, "pip_of", lambda folder: ["pip"])
    monkeypatch.setattr(bootstrap, "make_importable", lambda folder: None)
    monkeypatch.setattr(bootstrap, "install", lambda pip, lock: seen.installed.append(lock.name))
    return seen


def test_nothing_is_installed_twice_until_the_lock_changes(checkout: SimpleNamespace) -> None:
    for _ in range(2):
        bootstrap.bootstrap(dev=False)
    (checkout.root / "requirements.lock").write_text("changed")
    bootstrap.bootstrap(dev=False)
    assert checkout.installed == ["requirements.lock"] * 2


def test_a_development_environment_serves_the_platform_as_well_but_not_the_reverse(checkout: SimpleNamespace) -> None:
    bootstrap.bootstrap(dev=False)
    bootstrap.bootstrap(dev=True)
    bootstrap.bootstrap(dev=False)
    assert checkout.installed == ["requirements.lock", "requirements-dev.lock"]


def test_an_installation_that_failed_is_tried_again(checkout: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    bootstrap.bootstrap(dev=False)
    (checkout.root / "requirements.lock").write_text("changed")

    def fail(pip: list[str], lock: Path) -> None:
        raise BootstrapError("no")

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "install", fail)
        with pytest.raises(BootstrapError):
            bootstrap.bootstrap(dev=False)
    (checkout.root / "requirements.lock").write_text("requirements.lock")
    bootstrap.bootstrap(dev=False)
    assert checkout.installed == ["requirements.lock"] * 2
