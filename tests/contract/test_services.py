"""Every service is laid out alike, its domain is plain Python, and its composition root is short."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import ROOT

SERVICES = sorted(path.parent for path in (ROOT / "services").glob("*/__main__.py"))
SHAPE = {
    "__init__",
    "__main__",
    "app",
    "settings",
    "servicer",
    "convert",
    "ports",
    "errors",
    "service",
    "domain",
    "adapters",
    "migrations",
}
ROOMS_OF_ITS_OWN = {"fraud": {"expressions", "models"}}
"""What one service has and the others need not."""
LONGEST = 40


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_service_has_the_files_that_all_have_and_no_others(service: Path) -> None:
    """A part that has grown is a package of the same name."""
    own = ROOMS_OF_ITS_OWN.get(service.name, set())
    assert {path.stem for path in service.iterdir() if path.name != "__pycache__"} == SHAPE | own


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_domain_imports_the_standard_library_and_itself(service: Path) -> None:
    own = f"services.{service.name}.domain"
    for path in (service / "domain").rglob("*.py"):
        for name in imports(ast.parse(path.read_text())):
            assert name.partition(".")[0] in sys.stdlib_module_names or name.startswith(own), f"{path}: {name}"


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_conversions_are_named_after_their_direction(service: Path) -> None:
    sources = [service / "convert.py"] if (service / "convert.py").exists() else (service / "convert").glob("*.py")
    nodes = [node for path in sources for node in ast.parse(path.read_text()).body]
    public = [node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name[0] != "_"]
    assert public
    for name in public:
        assert any(part in name for part in ("_from_", "_to_")), name


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_functions_of_the_composition_root_are_short(service: Path) -> None:
    modules = [service / "app.py"] if (service / "app.py").exists() else [*(service / "app").glob("*.py")]
    assert modules
    for node in [node for module in modules for node in ast.walk(ast.parse(module.read_text()))]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST, node.name
