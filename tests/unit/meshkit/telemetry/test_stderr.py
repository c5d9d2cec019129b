"""Whatever a process writes to standard error, each line of its log is one JSON object."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.certificates import Certificates
from tests.support.processes import ROOT, environment_of

PROCESS = """
import asyncio, logging, os, socket, sys, threading, warnings
import grpc
from meshkit.host import run

class Falling:
    def __del__(self):
        raise ValueError("in a finalizer")

async def serve(host, reader):
    os.write(2, b"plain words\\n")
    os.write(2, b"E1127 12:00:00.123456   42 some_file.cc:7] bad news\\n")
    os.write(2, b"x" * 40_000 + b"\\n\\xff not UTF-8\\n\\n")
    threading.Thread(target=lambda: 1 / 0).start()
    warnings.warn("old habits", UserWarning)
    logging.getLogger("own").info("%d", "no number")
    Falling()
    asyncio.get_running_loop().call_soon(lambda: {}["missing"])
    child = await asyncio.create_subprocess_exec("sh", "-c", "echo from a child >&2")
    await child.wait()
    key, certificate, ca = (open(path, "rb").read() for path in sys.argv[1:4])
    server = grpc.aio.server()
    credentials = grpc.ssl_server_credentials([(key, certificate)], ca, True)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\\r\\n\\r\\n")
    await reader.read()
    writer.close()
    await server.stop(0)
    raise SystemError("planned")

sys.exit(run("demo", serve))
"""
SAID = [
    "plain words", "bad news", "not UTF-8", "an exception ends a thread", "old habits", "could not be written",
    "exception ignored in", "Exception in callback", "from a child", "Handshake failed", "failed unexpectedly",
]  # fmt: skip


def test_each_line_is_an_object_whoever_wrote_it(tmp_path: Path) -> None:
    files = Certificates(tmp_path / "tls").identity("service/demo")
    ended = subprocess.run(
        [sys.executable, "-c", PROCESS, str(files.key), str(files.certificate), str(files.ca)],
        env=environment_of({}), cwd=ROOT, capture_output=True, timeout=60,
    )  # fmt: skip
    entries: list[dict[str, Any]] = [json.loads(line) for line in ended.stderr.decode().splitlines()]
    assert ended.returncode == 1
    assert all({"time", "level", "service", "logger", "message"} <= entry.keys() for entry in entries)
    for words in SAID:
        assert any(words in entry["message"] for entry in entries), words
    (bad,) = (entry for entry in entries if entry["message"] == "bad news")
    assert (bad["level"], bad["source"]) == ("ERROR", "some_file.cc:7")
    assert sum(entry["message"].count("x" * 1000) for entry in entries) >= 30, "long lines come in parts"
