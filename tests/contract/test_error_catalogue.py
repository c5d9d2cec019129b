"""Every error that the code raises is in the catalogue, with the canonical code that the catalogue names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.documents import own_reasons

# A call that the service gave up must be answered; CANCELLED would say that the caller went away.
EXCEPTIONS = {("ABORTED", "CANCELLED")}
ROOT = Path(__file__).resolve().parents[2]


def raised() -> Iterator[tuple[str, str, str]]:
    """Yields the kind, the reason and the place of every error that is written out in the code."""
    for folder in ("gateway", "meshkit", "services"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(
                        func=ast.Name(id="MeshError"),
                        args=[ast.Attribute(value=ast.Name(id="Kind"), attr=kind), ast.Constant(value=str(reason)), *_],
                    ):
                        yield kind, reason, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_errors_are_raised_as_the_catalogue_says() -> None:
    known = {(reason.kind.name, name) for name, reason in own_reasons().items()} | EXCEPTIONS
    found = list(raised())
    assert len(found) > 20
    assert [each for each in found if each[:2] not in known] == []
