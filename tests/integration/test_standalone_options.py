"""The command line of `rampart gateway`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.server.serve import bind
from tests.support.processes import ROOT, free_port, run_module
from tests.support.stranger import compile_stranger


@pytest.fixture(scope="module")
def descriptors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_stranger(tmp_path_factory.mktemp("stranger") / "set.binpb")


def test_the_routes_can_be_read_without_a_service(descriptors: Path) -> None:
    options = ("--descriptors", str(descriptors), "--upstream", "127.0.0.1:1", "--routes")
    ended = run_module("console", "gateway", *options, environment={})
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[0] == "GET   /v1/{name=shelves/*/books/*}      acme.library.Library/GetBook"


def test_what_cannot_be_served_is_one_sentence(descriptors: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.binpb"
    broken.write_bytes(b"\xff\xff")
    for options, sentence in (
        (("--descriptors", str(tmp_path / "none")), "is not a file"),
        (("--descriptors", str(broken)), "is not a serialised FileDescriptorSet"),
        (("--descriptors", str(ROOT / "gen/rampart/descriptors.binpb")), "asks for access tokens"),
        (("--descriptors", str(descriptors), "--public-url", "api.example.com"), "is not an address such as https"),
    ):
        ended = run_module("console", "gateway", *options, "--upstream", "127.0.0.1:1", "--plaintext", environment={})
        assert ended.returncode != 0
        assert sentence in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_port_that_another_gateway_serves_is_not_shared(descriptors: Path) -> None:
    port = free_port()
    with bind(f"127.0.0.1:{port}", shared=True) as taken:
        taken.listen()
        options = ("--descriptors", str(descriptors), "--upstream", "127.0.0.1:1", "--plaintext")
        ended = run_module("console", "gateway", *options, "--listen", f"127.0.0.1:{port}", environment={})
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
