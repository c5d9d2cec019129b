"""A name means one thing in the whole product, and what it names is small enough to be read at once."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("gateway", "meshkit", "services", "console")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
MOST_LINES = 40
MOST_LINES_OF_A_MODULE = 260


def modules() -> Iterator[tuple[str, str]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text()


def test_no_public_class_name_stands_twice() -> None:
    found = defaultdict(list)
    for path, text in modules():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path)
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def test_every_module_says_what_it_does() -> None:
    silent = [path for path, text in modules() if text.strip() and not ast.get_docstring(ast.parse(text))]
    assert silent == []


def test_functions_and_modules_stay_small() -> None:
    large = [path for path, text in modules() if text.count("\n") > MOST_LINES_OF_A_MODULE]
    for path, text in modules():
        functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, FUNCTIONS))
        large += [f"{path}:{each.name}" for each in functions if (each.end_lineno or 0) - each.lineno >= MOST_LINES]
    assert large == []
