"""The gateway under a server that is not ours, for what ours does not speak."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from meshkit.topology import load
from tests.support.certificates import Certificates
from tests.support.processes import ROOT, environment_of, free_port

START_SECONDS = 40.0


def test_any_asgi_server_with_a_lifespan_serves_the_gateway(certificates: Certificates, run_folder: Path) -> None:
    port = free_port()
    addresses = {f"RAMPART_{name.upper()}_ADDRESS": f"127.0.0.1:{free_port()}" for name in load().gateway.calls}
    environment = certificates.environment("service/gateway") | addresses
    environment |= {"RAMPART_HTTP_LISTEN": f"127.0.0.1:{port}", "RAMPART_ADMIN_LISTEN": f"127.0.0.1:{free_port()}"}
    command = [sys.executable, "-m", "uvicorn", "gateway.asgi:app", "--port", str(port), "--ws", "none"]
    log = run_folder / "gateway-asgi.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment_of(environment), cwd=ROOT, stdout=output, stderr=output)
        try:
            assert b"ok" in _get(f"http://127.0.0.1:{port}/health", process, log)
        finally:
            process.terminate()
        assert process.wait(30) in (0, -15), log.read_text()
    assert "Application shutdown complete" in log.read_text()


def _get(url: str, process: subprocess.Popen[bytes], log: Path) -> bytes:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                body: bytes = answer.read()
                return body
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the gateway does not answer: {log.read_text()}")
            time.sleep(0.1)
