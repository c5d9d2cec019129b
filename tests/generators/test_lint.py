"""The document passes what linters recommend, and makes types that compile, of Rampart and of services of others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.compile.plan import compile_plan
from gateway.standalone.access import DefaultPolicy
from tests.generators.toolbox import Tools
from tests.support.documents import foreign_document, rampart_document
from tests.support.protos import compile_proto
from tests.support.stumbling import PROTO


def foreign() -> dict[str, Any]:
    return foreign_document(compile_plan(compile_proto(PROTO), DefaultPolicy(opens=True, deadline=1)))


DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {"rampart": rampart_document, "foreign": foreign}
# Only the owner of a service can say under which licence it is.
UNKNOWN = {"foreign": ["--skip-rule", "info-license"], "rampart": []}


@pytest.fixture(params=DOCUMENTS)
def described(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(DOCUMENTS[request.param]()))
    return request.param, path


def test_redocly_has_nothing_to_say(tools: Tools, described: tuple[str, Path]) -> None:
    name, document = described
    extends = ["--extends", "recommended", "--format", "json", *UNKNOWN[name]]
    found = json.loads(tools.node("redocly", "lint", *extends, document, environment={"REDOCLY_TELEMETRY": "off"}))
    assert [f"{each['ruleId']}: {each['message']}" for each in found["problems"]] == []


def test_spectral_has_nothing_to_say(tools: Tools, described: tuple[str, Path]) -> None:
    (tools.folder / ".spectral.yaml").write_text("extends: ['spectral:oas']\n")
    assert "No results" in tools.node("spectral", "lint", "--fail-severity", "hint", described[1])


def test_types_compile(tools: Tools, described: tuple[str, Path]) -> None:
    tools.node("openapi-typescript", described[1], "-o", "schema.d.ts")
    tools.node("tsc", "--strict", "--noEmit", "schema.d.ts")
