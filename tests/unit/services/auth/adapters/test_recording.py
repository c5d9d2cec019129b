"""What is recorded of a change is the last of its transaction, so that the log of a tenant is not locked for longer."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.auth import adapters

MODULES = [each for each in sorted(Path(adapters.__path__[0]).glob("*.py")) if each.name != "audit_rows.py"]
RECORDING = {"append", "append_all", "record"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def recording_imports(tree: ast.Module) -> set[str]:
    """Returns what a module calls that records, by the names under which it calls it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for name in node.names:
                if name.name == "audit_rows":
                    names |= {"audit_rows.append", "audit_rows.append_all"}
                elif node.module in ("services.auth.adapters.audit_rows", "services.auth.adapters.act_rows"):
                    names |= {name.name} & RECORDING
    return names


def records(node: ast.AST, names: set[str]) -> bool:
    calls = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
    return any(ast.unparse(call).removeprefix("self.") in names for call in calls)


def waits(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Await | ast.AsyncFor | ast.AsyncWith) for each in ast.walk(node))


def returns(statement: ast.stmt) -> bool:
    """Tells whether nothing of the function follows where a statement has recorded."""
    return isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Return) and not statement.orelse


def too_late(statements: list[ast.stmt], names: set[str]) -> Iterator[int]:
    """Yields the lines of statements that wait for something after one that records, or that record in a loop."""
    done = False
    for statement in statements:
        if done and waits(statement):
            yield statement.lineno
        if not records(statement, names):
            continue
        done = done or not returns(statement)
        if isinstance(statement, ast.For | ast.AsyncFor | ast.While):
            yield statement.lineno
        for block in ("body", "orelse", "finalbody"):
            yield from too_late(getattr(statement, block, []), names)


def faults(source: str) -> list[int]:
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    names, known = recording_imports(tree), -1
    while len(names) != known:
        known = len(names)
        names |= {each.name for each in functions if records(each, names)}
    return [line for each in functions for line in too_late(each.body, names)]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_nothing_is_done_after_a_change_is_recorded(module: Path) -> None:
    assert faults(module.read_text()) == []


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("    await audit_rows.append(connection, event)\n    await connection.execute('')", [4]),
        ("    if event:\n        await end(connection)\n    await connection.execute('')", [5]),
        ("    for event in events:\n        await audit_rows.append(connection, event)", [3]),
        ("    if event:\n        await end(connection)\n        return\n    await connection.execute('')", []),
        ("    await connection.execute('')\n    await audit_rows.append(connection, event)\n    return True", []),
    ],
)
def test_what_is_done_after_is_found(body: str, lines: list[int]) -> None:
    head = "from services.auth.adapters import audit_rows\nasync def change(connection, event, events):\n"
    ending = "\nasync def end(connection):\n    await audit_rows.append(connection, None)\n"
    assert faults(head + body + ending) == lines
