"""Turns trees into Python. What is generated holds templates, slots and constants, never a word of a user.

A value that is missing is None, and so is what a function has no value for. Of a truth value three things can be
generated:

- `value`: True, False, or None if it hangs on what has no value;
- `possible`: false only if it is false for certain;
- `certain`: true only if it is true for certain.

`possible and not certain` is a failure. Most rules are false, so most often `possible` alone is computed. Nothing is
raised but by values of other types than were declared, and by lists; `exact` then finds what it means.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeGuard

from services.fraud.domain.expressions import arithmetic, texts
from services.fraud.domain.expressions.functions import LiteralForm, Loose
from services.fraud.domain.expressions.tree import Calculation, Constant, Constants, NamedValue, Node
from services.fraud.domain.expressions.types import ValueKind

__all__ = ["NO_PATTERNS", "TOOLS", "Generator", "Patterns", "prepare"]

Patterns = Callable[[str], Callable[[str], bool | None]]
"""Makes of a pattern what tells whether it is found in a text; None if the text cannot be searched."""

_NAMES = ("divide", "divide_whole", "join", "remainder_whole", "round_away", "rounded", "text_of_double", "to_double",
          "to_whole", "whole")  # fmt: skip
TOOLS: Mapping[str, Any] = {
    # Nothing else of Python is within reach of generated code.
    "__builtins__": {},
    **{name: getattr(builtins, name) for name in ("Exception", "abs", "float", "len", "max", "min", "str")},
    **{name: getattr(arithmetic, name) for name in _NAMES},
    "domain_of": texts.domain_of,
    "lower_ascii": texts.lower_ascii,
}
"""All that templates call."""


def NO_PATTERNS(pattern: str) -> Callable[[str], bool | None]:  # noqa: N802
    """Stands for an engine of patterns where no expression has any. Raises ValueError."""
    raise ValueError("no engine of patterns was given")


def prepare(kind: LiteralForm | None, literal: str, patterns: Patterns) -> Any:
    """Returns what a template calls in place of a literal text. Raises ValueError if the literal is not of its form."""
    match kind:
        case LiteralForm.NETWORK:
            return texts.network(literal)
        case LiteralForm.PATTERN:
            return patterns(literal)
        case LiteralForm.ZONE:
            return texts.zone(literal)
    raise ValueError("not a literal that is prepared")


class Generator:
    """Generates the expressions of one function of Python, and collects the constants that they need."""

    def __init__(self, slots: Mapping[str, int], patterns: Patterns) -> None:
        self._slots = slots
        self._patterns = patterns
        self._temporaries = 0
        self._shared: dict[tuple[Any, ...], str] = {}
        self.constants: dict[str, Any] = {}
        self.used: set[int] = set()
        self.fallible = False
        """True if a function of this expression may have no value although nothing is missing."""
        self.needed: dict[str, None] = {}
        """The variables whose value this expression may hang on."""

    def begin(self) -> None:
        """Begins an expression, which may use the temporaries of the one before."""
        self._temporaries, self.fallible, self.needed = 0, False, {}

    def value(self, node: Node) -> str:
        """Returns code for the value. Raises KeyError for a name without a slot."""
        if _is_logical(node):
            return self._logical(node)
        guards, code = self._strict(node)
        return f"(None if {_any_missing(guards)} else {code})" if guards else code

    def _logical(self, node: Calculation) -> str:
        match node.function.name:
            case "_&&_":
                return self._chain(node, "False", "True")
            case "_||_":
                return self._chain(node, "True", "False")
            case "!_":
                kept, code = self._keep(node.arguments[0])
                return f"(None if {code} is None else not {kept})"
        kept, code = self._keep(node.arguments[0])
        first, second = map(self.value, node.arguments[1:])
        return f"(None if {code} is None else {first} if {kept} else {second})"

    def possible(self, node: Node) -> str:
        """Returns code that is false only if the truth value is."""
        return self._truth(node, True)

    def certain(self, node: Node) -> str:
        """Returns code that is true only if the truth value is."""
        return self._truth(node, False)

    def _truth(self, node: Node, if_missing: bool) -> str:
        if not _is_logical(node):
            guards, code = self._strict(node)
            sign, word = ("is", " or ") if if_missing else ("is not", " and ")
            return f"({word.join([*(f'{each} {sign} None' for each in guards), code])})"
        name, arguments = node.function.name, node.arguments
        if name in ("_&&_", "_||_"):
            word = " and " if name == "_&&_" else " or "
            return f"({word.join(self._truth(each, if_missing) for each in _flat(node, name))})"
        if name == "!_":
            return f"(not {self._truth(arguments[0], not if_missing)})"
        kept, code = self._keep(arguments[0])
        first, second = (self._truth(each, if_missing) for each in arguments[1:])
        return f"({if_missing} if {code} is None else {first} if {kept} else {second})"

    def _chain(self, node: Calculation, decides: str, otherwise: str) -> str:
        kept, codes = zip(*map(self._keep, _flat(node, node.function.name)), strict=True)
        decided = " or ".join(f"{code} is {decides}" for code in codes)
        return f"({decides} if {decided} else None if {_any_missing(kept)} else {otherwise})"

    def _keep(self, node: Node) -> tuple[str, str]:
        """Returns the name of a temporary, and code that puts the value into it."""
        name = self._temporary()
        return name, f"({name} := {self.value(node)})"

    def _temporary(self) -> str:
        self._temporaries += 1
        return f"t{self._temporaries}"

    def _strict(self, node: Node) -> tuple[list[str], str]:
        """Returns code for the value, and code for each part that may have none, which runs before."""
        if isinstance(node, NamedValue):
            slot = self.slot(node.name)
            self.needed[slot] = None
            return [slot], slot
        if isinstance(node, Constant | Constants):
            return [], self._constant(node)
        if _is_logical(node):
            kept, code = self._keep(node)
            return [code], kept
        if node.overload.parameters == (Loose.NAME,):
            return [], node.overload.code.format(*(self.slot(name) for name in _names(node)))
        prepared = node.function.prepared
        parts = [self._strict(each) for each in node.arguments[: len(node.arguments) - bool(prepared)]]
        codes = [code for _, code in parts]
        if prepared:
            codes.append(self._prepared(prepared, node.arguments[-1]))
        guards = list(dict.fromkeys(guard for guards, _ in parts for guard in guards))
        code = node.overload.code.format(*codes)
        if node.overload.fallible:
            self.fallible = True
            name = self._temporary()
            return [*guards, f"({name} := {code})"], name
        return guards, code

    def slot(self, name: str) -> str:
        """Returns the variable that holds the value of a name."""
        number = self._slots[name]
        self.used.add(number)
        return f"s{number}"

    def _constant(self, node: Constant | Constants) -> str:
        if isinstance(node, Constants):
            values = frozenset(each.value for each in node.values)
            return self._named(("list", values), lambda: values)
        if node.kind in (ValueKind.INT, ValueKind.DOUBLE, ValueKind.BOOL):
            return f"({node.value!r})"
        return self._named((node.kind, node.value), lambda: node.value)

    def _prepared(self, kind: LiteralForm, node: Node) -> str:
        if not isinstance(node, Constant):
            raise ValueError("only a literal can be prepared")
        literal = str(node.value)
        return self._named((kind, literal), lambda: prepare(kind, literal, self._patterns))

    def _named(self, key: tuple[Any, ...], make: Callable[[], Any]) -> str:
        name = self._shared.get(key)
        if name is None:
            name = self._shared[key] = f"c{len(self._shared)}"
            self.constants[name] = make()
        return name


def _is_logical(node: Node) -> TypeGuard[Calculation]:
    """True for the operators that may have a value although a part of them has none."""
    return isinstance(node, Calculation) and not node.overload.code


def _names(node: Calculation) -> Iterator[str]:
    return (each.name for each in node.arguments if isinstance(each, NamedValue))


def _flat(node: Node, name: str) -> Iterator[Node]:
    """Returns what a chain of one operator joins, which is nested pairs in the tree."""
    if isinstance(node, Calculation) and node.function.name == name:
        for each in node.arguments:
            yield from _flat(each, name)
    else:
        yield node


def _any_missing(codes: Iterator[str] | list[str] | tuple[str, ...]) -> str:
    return " or ".join(f"{code} is None" for code in codes)
