"""Clients that generators make: each compiles, and makes a check, a batch, a user, a patch and an error."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.generators.toolbox import DEPENDENCIES, FULL, HERE, HINT, Tools
from tests.steelthread.edge import Edge

pytestmark = pytest.mark.skipif(not FULL, reason=f"takes minutes; {HINT}")

TSC = ["--strict", "--target", "es2022", "--lib", "es2022,dom", "--types", "node", "--outDir", "out", "--rootDir", "."]
WRONG_ADDRESS = [400, "VALIDATION_FAILED", "/ip_address", "must be a valid IP address"]


def typescript_fetch(tools: Tools, document: Path, environment: dict[str, str]) -> str:
    _openapi_generator(tools, document, "typescript-fetch", tools.folder / "client")
    return _typescript(tools, "typescript_fetch", environment)


def openapi_typescript(tools: Tools, document: Path, environment: dict[str, str]) -> str:
    tools.node("openapi-typescript", document, "-o", "schema.d.ts")
    return _typescript(tools, "openapi_typescript", environment)


def orval(tools: Tools, document: Path, environment: dict[str, str]) -> str:
    output = {"target": "client.ts", "client": "fetch", "baseUrl": environment["RAMPART_URL"]}
    settings = {"rampart": {"input": str(document), "output": output}}
    (tools.folder / "orval.config.js").write_text(f"module.exports = {json.dumps(settings)};")
    tools.node("orval", "--config", "orval.config.js")
    return _typescript(tools, "orval", environment)


def python(tools: Tools, document: Path, environment: dict[str, str]) -> str:
    _openapi_generator(tools, document, "python", tools.folder)
    shutil.copy(HERE / "python" / "main.py", tools.folder)
    return tools.python("main.py", environment=environment)


def java(tools: Tools, document: Path, environment: dict[str, str]) -> str:
    _openapi_generator(tools, document, "java", tools.folder, "--library", "native")
    shutil.copy(HERE / "java" / "Main.java", tools.folder / "src" / "main" / "java")
    tools.maven("-Dmaven.test.skip=true", "compile", f"{DEPENDENCIES}:build-classpath", "-Dmdep.outputFile=classpath")
    classpath = (tools.folder / "classpath").read_text().strip()
    return tools.run("java", "-classpath", f"target/classes:{classpath}", "Main", environment=environment)


def oapi_codegen(tools: Tools, document: Path, environment: dict[str, str]) -> str:
    for file in (HERE / "go").iterdir():
        shutil.copy(file, tools.folder)
    (tools.folder / "api").mkdir()
    tools.oapi_codegen("-generate", "types,client", "-package", "api", "-o", "api/api.go", document)
    return tools.go("run", ".", environment=environment)


def _openapi_generator(tools: Tools, document: Path, generator: str, output: Path, *more: str) -> None:
    tools.openapi_generator("generate", "-i", document, "-g", generator, "-o", output, *more)


def _typescript(tools: Tools, program: str, environment: dict[str, str]) -> str:
    shutil.copy(HERE / program / "main.ts", tools.folder)
    tools.node("tsc", *TSC, "--module", "commonjs", "--moduleResolution", "node", "main.ts")
    return tools.node("out/main.js", environment=environment)


@pytest.mark.parametrize(
    "client", [typescript_fetch, openapi_typescript, orval, python, java, oapi_codegen], ids=lambda each: each.__name__
)
async def test_generated_client_compiles_and_works(
    edge: Edge, tools: Tools, document: Path, client: Callable[[Tools, Path, dict[str, str]], str]
) -> None:
    environment = {
        "RAMPART_URL": edge.target.base_url,
        "RAMPART_TOKEN": await edge.token(),
        "RAMPART_USER": client.__name__,
    }
    found: dict[str, Any] = json.loads(await asyncio.to_thread(client, tools, document, environment))
    assert found["outcome"] in ("approve", "review", "decline")
    assert found["batch"] == [found["batch"][0], 3]
    assert found["user"] == [client.__name__, "ada@example.com", True]
    assert found["patched"] == ["Ada", "+15550199"]
    assert found["error"] == WRONG_ADDRESS
