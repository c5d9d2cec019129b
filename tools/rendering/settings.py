"""Renders the table of settings from the code that reads them: names, defaults and ranges from the calls of a reader,
words from the docstrings of the fields that take the values.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from meshkit.topology import Topology

__all__ = ["Setting", "page", "settings_of"]

COMMON = "meshkit.settings"
GATEWAY = ("gateway.settings", "gateway.edge.ratelimit.settings", "gateway.edge.address", "gateway.edge.certificates")
UNBOUNDED = 1 << 31
KINDS = {
    "text": "text", "switch": "on or off", "address": "host:port", "upstream": "host:port, …", "file": "a file",
    "keys": "a file of keys", "trust_domain": "a trust domain", "paths": "paths, …",
}  # fmt: skip
_INTRODUCTION = """\
<!-- Generated from the code by tools/docs.py; change the docstrings of the settings there. -->

# Settings

Every process reads its settings from the environment, once, at its start. One that cannot be used stops it with a
sentence. What has no default must be set; `rampart up` sets it. What matters in operation is explained in
[operations.md](operations.md). `OTEL_*` variables are those of OpenTelemetry.
"""


@dataclass(frozen=True)
class Setting:
    """One variable as a process reads it."""

    name: str
    kind: str
    default: str
    says: str

    def row(self) -> str:
        return f"| `{self.name}` | {self.default} | {self.kind} | {self.says} |"


def page(topology: Topology) -> str:
    """Returns docs/settings.md."""
    parts = [_INTRODUCTION, _section("Every process", [COMMON]), _section("gateway", GATEWAY)]
    parts.append(_section("Every service", ["meshkit.storage.migrations"]))
    parts += [_section(name, _modules(name)) for name in topology.names]
    return "\n".join(parts)


def settings_of(module: ModuleType) -> list[Setting]:
    """Returns the settings that a module reads. Raises ValueError for one that no docstring explains."""
    tree = ast.parse(inspect.getsource(module))
    lent = _lent(tree, module)
    found = []
    for owner, call in _reads(tree):
        name = _name(call.args[0])
        says = _explained(tree, call, module) or lent.get(owner, "")
        if not says:
            raise ValueError(f"{module.__name__}: {name} has no docstring that says what it is")
        found.append(Setting(name, _kind(call, module), _default(call, module), " ".join(says.split())))
    return found


def _modules(service: str) -> Iterator[str]:
    """Yields what reads settings of a service."""
    own = f"services.{service}.settings"
    yield own
    if hasattr(importlib.import_module(own), "ReadLimits"):
        yield "meshkit.storage.reads"


def _section(title: str, modules: Iterable[str]) -> str:
    head = f"## {title}\n\n| setting | default | value | says |\n|---|---|---|---|"
    found = [setting for name in modules for setting in settings_of(importlib.import_module(name))]
    rows = {setting.name: setting.row() for setting in reversed(found)}
    return "\n".join([head, *sorted(rows.values()), ""])


def _reads(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Yields the calls that read a setting, each with the function that it is in."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        names = {node.targets[0].id: node.value for node in ast.walk(function) if _names_setting(node)}  # type: ignore[attr-defined]
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args:
                first = call.args[0]
                if isinstance(first, ast.Name) and first.id in names:
                    call.args[0] = names[first.id]
                if _is_setting(call.args[0]) and getattr(call.func.value, "id", "") == "reader":
                    yield function.name, call


def _names_setting(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _is_setting(node.value)


def _is_setting(node: ast.AST) -> bool:
    return isinstance(node, (ast.Constant, ast.JoinedStr)) and _name(node).startswith("RAMPART_")


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "<SERVICE>" for part in node.values)
    return str(getattr(node, "value", ""))


def _explained(tree: ast.Module, call: ast.Call, module: ModuleType) -> str:
    """Returns the docstring of the field that takes the value of a call."""
    for outer in ast.walk(tree):
        if not isinstance(outer, ast.Call):
            continue
        for keyword in outer.keywords:
            if keyword.arg and any(inner is call for inner in ast.walk(keyword.value)):
                words = _fields(_class(tree, outer, module)).get(keyword.arg, "")
                if words:
                    return words
    return ""


def _lent(tree: ast.Module, module: ModuleType) -> dict[str, str]:
    """Returns the words for settings that a function of the module reads for a field of somebody else's."""
    words = {}
    for outer in ast.walk(tree):
        if isinstance(outer, ast.Call):
            for keyword in outer.keywords:
                if keyword.arg and isinstance(keyword.value, ast.Call) and isinstance(keyword.value.func, ast.Name):
                    fields = _fields(_class(tree, outer, module))
                    words[keyword.value.func.id] = fields.get(keyword.arg, "")
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    own = {node.name: ast.get_docstring(node) or "" for node in functions}
    return {**own, **{name: said for name, said in words.items() if said}}


def _class(tree: ast.Module, call: ast.Call, module: ModuleType) -> type | None:
    name = getattr(call.func, "id", "")
    if name == "cls":
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        name = next((node.name for node in classes if any(inner is call for inner in ast.walk(node))), "")
    found = getattr(module, name, None)
    return found if isinstance(found, type) else None


def _fields(cls: type | None) -> dict[str, str]:
    """Returns the docstrings below the fields of a class."""
    if cls is None:
        return {}
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    body = node.body if isinstance(node, ast.ClassDef) else []
    pairs = itertools.pairwise(body)
    return {
        field.target.id: text.value.value
        for field, text in pairs
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _kind(call: ast.Call, module: ModuleType) -> str:
    kind = str(getattr(call.func, "attr", ""))
    if kind != "number":
        return KINDS[kind]
    bounds = {each.arg: _value(each.value, module) for each in call.keywords}
    low, high = bounds.get("low", 0), bounds.get("high", UNBOUNDED)
    return f"{low} or more" if high == UNBOUNDED else f"{low} to {high}"


def _default(call: ast.Call, module: ModuleType) -> str:
    if len(call.args) < 2:
        return "must be set"
    value = _value(call.args[1], module)
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value == "" else f"`{value}`"


def _value(node: ast.AST, module: ModuleType) -> Any:
    """Evaluates a constant expression of the module's source, which is the project's own."""
    code = compile(ast.Expression(node), module.__name__, "eval")  # type: ignore[arg-type]
    return eval(code, vars(module))  # noqa: S307
