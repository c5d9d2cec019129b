"""Says in words of ours what the library says of a text that it refuses."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from services.fraud.domain.expressions.functions import FUNCTIONS, Loose, Parameter
from services.fraud.domain.expressions.problems import Problem
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.expressions.scan import DEEPEST_NESTING, place

__all__ = ["MOST_PROBLEMS", "kind_words", "problems_of"]

MOST_PROBLEMS = 10
_LONGEST_SHOWN = 64
_ERROR = re.compile(r"^(?:[A-Z_]+: )?ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?: \[[A-Z_]+\])?$", re.MULTILINE)
_KINDS: dict[Parameter, str] = {
    ValueKind.STRING: "text",
    ValueKind.INT: "whole number",
    ValueKind.DOUBLE: "number",
    ValueKind.BOOL: "truth value",
    ValueKind.TIME: "time",
    ValueKind.STRING_LIST: "list of texts",
    Loose.NUMBERS: "list of numbers",
    Loose.NAME: "a name",
}
_TYPES = {
    "string": "text", "int": "whole number", "double": "number", "bool": "truth value", "list(string)": "list of texts",
    "google.protobuf.Timestamp": "time", "list(int)": "list of numbers", "list(double)": "list of numbers",
    "list(dyn)": "list of several kinds", "uint": "unsigned number", "bytes": "bytes", "null_type": "null",
}  # fmt: skip
_ANYTHING = "an expression of this language"
_OF_OTHER_LANGUAGES = {"and": "&&", "or": "||", "not": "!", "is": "==", "mod": "%"}
_MACROS = {
    "has": "present(name)",
    **dict.fromkeys(("all", "exists", "exists_one", "map", "filter"), "a function of one value; there are no loops"),
}


class _Said(NamedTuple):
    """What the library said of a place."""

    text: str
    offset: int
    names: Mapping[str, ValueKind]
    parts: tuple[str, ...]


def kind_words(kind: Parameter) -> str:
    """Names a kind of value as analysts do."""
    return _KINDS[kind]


def problems_of(message: str, text: str, names: Mapping[str, ValueKind]) -> list[Problem]:
    """Returns the problems that the library's message names, at least one and at most ten, in the order of the text."""
    found = list(_problems(message, text, names))
    found = [each for each in found if each.expected != _ANYTHING] or found[:1]
    if not found:
        found = [_too_deep() if "recursion" in message else Problem(1, 1, _ANYTHING, "something else")]
    return sorted(dict.fromkeys(found), key=lambda each: (each.line, each.column))


def _problems(message: str, text: str, names: Mapping[str, ValueKind]) -> Iterator[Problem]:
    lines = text.split("\n")
    for found in list(_ERROR.finditer(message))[:MOST_PROBLEMS]:
        line, column, said = int(found[1]), int(found[2]), found[3]
        if "recursion" in said:
            yield _too_deep()
            return
        offset = sum(len(each) + 1 for each in lines[: line - 1]) + column - 1 if line > 0 else 0
        yield _problem(said, text, offset, names)
        if said.startswith("Syntax error"):
            # The others follow from it.
            return


def _too_deep() -> Problem:
    return Problem(1, 1, f"at most {DEEPEST_NESTING} operations within each other", "more")


def _problem(said: str, text: str, offset: int, names: Mapping[str, ValueKind]) -> Problem:
    for pattern, words in _WORDS:
        if match := pattern.match(said):
            offset, expected, found = words(_Said(text, offset, names, match.groups(default="")))
            return Problem(*place(text, offset), expected, found)
    return Problem(*place(text, offset), _ANYTHING, _token(text, offset))


def _undeclared(said: _Said) -> tuple[int, str, str]:
    text, offset, names, (name,) = said
    if text[offset : offset + 1] == "[":
        return offset, "a name or a function; nothing is taken out of a list", "["
    if text[offset : offset + 1] != "(":
        # Of a dotted name the place is its last dot.
        begin = max(text.rfind(name.partition(".")[0], 0, offset), 0) if "." in name else offset
        return begin, _nearest(name, names, "a known name"), _clipped(name)
    begin = max(text.rfind(name, 0, offset), 0) if name.isidentifier() else _start_of_name(text, offset)
    name = text[begin:offset].strip()
    forms = [function.form for function in FUNCTIONS if function.name == name]
    if forms:
        return begin, " or ".join(forms), f"{name} called otherwise"
    if name in _MACROS:
        return begin, _MACROS[name], name
    known = [function.name for function in FUNCTIONS if function.name.isidentifier()]
    return begin, _nearest(name, known, "a known function"), f"{_clipped(name)}(...)"


def _start_of_name(text: str, offset: int) -> int:
    match = re.search(r"[A-Za-z0-9_]+\s*$", text[:offset])
    return match.start() if match else offset


def _nearest(name: str, known: Iterable[str], words: str) -> str:
    close = difflib.get_close_matches(name[:_LONGEST_SHOWN], list(known), n=1)
    return f"{words}, such as {close[0]}" if close else words


def _unmatched(said: _Said) -> tuple[int, str, str]:
    text, offset, _, (name, types) = said
    forms: dict[str, None] = {}
    for function in FUNCTIONS:
        if function.name == name:
            for overload in function.overloads:
                kinds = [_KINDS[each].replace("whole number", "number") for each in overload.parameters]
                words = dict(zip("abc", kinds, strict=False))
                forms[re.sub(r"\b[abc]\b", lambda at, words=words: words[at[0]], function.form)] = None  # type: ignore[misc]
    if text[offset : offset + 1] == "(":
        offset = _start_of_name(text, offset)
    found = ", ".join(_TYPES.get(each, "something else") for each in re.split(r", (?![^(]*\))", types))
    return offset, "; ".join(forms) or "an operator of this language", found


def _selected(said: _Said) -> tuple[int, str, str]:
    kind = _TYPES.get(said.parts[0], "value")
    return said.offset, "an operator or a function that has brackets", f"a part of a {kind}"


def _syntax(said: _Said) -> tuple[int, str, str]:
    found, expected = said.parts
    if found in _OF_OTHER_LANGUAGES:
        expected = f"{_OF_OTHER_LANGUAGES[found]} or another operator"
    elif "IDENTIFIER" in expected:
        expected = "a value"
    elif "<EOF>" in expected or not expected:
        expected = "an operator or the end"
    else:
        expected = " or ".join(re.findall(r"'([^']+)'", expected))
    return said.offset, expected, "the end" if found == "<EOF>" else _clipped(found.strip() or "a blank")


def _unreadable(said: _Said) -> tuple[int, str, str]:
    sign = said.parts[0].strip()[:1]
    if sign in ('"', "'"):
        return said.offset, "a text whose escapes are those of CEL", sign
    twice = f"{sign * 2} or another operator" if sign and sign in "=&|" else "a value or an operator"
    return said.offset, twice, sign or "a blank"


_WORDS: tuple[tuple[re.Pattern[str], Callable[[_Said], tuple[int, str, str]]], ...] = (
    (re.compile(r"undeclared reference to '(.*)' \(in"), _undeclared),
    (re.compile(r"found no matching overload for '(.*)' applied to '\((.*)\)'"), _unmatched),
    (re.compile(r"expression of type '(.*)' cannot be the operand of a select"), _selected),
    (re.compile(r"Syntax error: (?:mismatched|extraneous) input '(.*)' expecting (.*)"), _syntax),
    (re.compile(r"Syntax error: missing (?P<expected>'.*') at '(?P<found>.*)'"),
     lambda said: _syntax(said._replace(parts=said.parts[::-1]))),
    (re.compile(r"Syntax error: token recognition error at: '(.*)"), _unreadable),
    (re.compile(r"Syntax error: (no viable alternative) at input '.*()"),
     lambda said: (said.offset, "a value or an operator", _token(said.text, said.offset))),
    (re.compile(r"reserved identifier: (.*)"),
     lambda said: (said.offset, "a name", f"the reserved word {said.parts[0]}")),
    (re.compile(r"unsupported syntax '(.*)'"), lambda said: (said.offset, "an operator", said.parts[0])),
    (re.compile(r"invalid (?:int|uint|double) literal"),
     lambda said: (said.offset, "a number of at most 64 bits", _token(said.text, said.offset))),
    (re.compile(r"Invalid (?:string|bytes) literal"),
     lambda said: (said.offset, "a text whose escapes are those of CEL", _token(said.text, said.offset))),
)  # fmt: skip


def _token(text: str, offset: int) -> str:
    match = re.compile(r"[-\w.]+|\S+").match(text, offset)
    return _clipped(match[0]) if match else "the end"


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
