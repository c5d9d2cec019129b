"""Checks expressions: the library parses them and resolves every overload, and its tree becomes ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from services.fraud.domain.expressions.functions import OVERLOADS, LiteralForm, Loose, Overload, Parameter
from services.fraud.domain.expressions.generate import prepare
from services.fraud.domain.expressions.problems import ExpressionRefused, Problem
from services.fraud.domain.expressions.texts import time_of
from services.fraud.domain.expressions.tree import (
    DEEPEST,
    MOST_COST,
    MOST_NODES,
    Calculation,
    Constant,
    Constants,
    NamedValue,
    Node,
    Tree,
    cost_of,
)
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.expressions.environment import environment
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.expressions.scan import place, scan
from services.fraud.expressions.wire import Message, parse
from services.fraud.expressions.words import kind_words, problems_of

__all__ = ["check"]

_WIDENED = OVERLOADS["double_int"][1]
_FORMS = {
    LiteralForm.NETWORK: "a network such as 10.0.0.0/8",
    LiteralForm.PATTERN: "a pattern of RE2",
    LiteralForm.ZONE: "a time zone such as Europe/Berlin",
    LiteralForm.TIME: "a time such as 2026-01-31T12:00:00Z",
}


def check(text: str, variables: Mapping[str, ValueKind], result: ValueKind) -> Tree:
    """Returns the tree of an expression over these names that has a value of this kind; whole numbers are widened.

    Raises ExpressionRefused, with places, for what is not in the language (docs/rules.md).
    """
    problem = scan(text)
    if problem:
        raise ExpressionRefused([problem])
    try:
        serialized = environment(variables).compile(text).serialize()
    except RuntimeError as error:
        raise ExpressionRefused(problems_of(str(error), text, variables)) from error
    return _Conversion(text, parse(serialized), variables).tree(result)


class _Conversion:
    """Makes our tree of the library's: fields have the numbers of cel.expr.CheckedExpr and its parts."""

    def __init__(self, text: str, checked: Message, variables: Mapping[str, ValueKind]) -> None:
        self._text = text
        self._variables = variables
        self._nodes = 0
        self._root = checked.message(4)
        source = checked.message(5)
        self._offsets = {entry.number(1): entry.number(2) for entry in source.messages(4)}
        self._names: dict[int, str] = {}
        self._overloads: dict[int, str] = {}
        for entry in checked.messages(2):
            identifier, reference = entry.number(1), entry.message(2)
            if 3 in reference:
                self._overloads[identifier] = reference.text(3)
            else:
                self._names[identifier] = reference.text(1)

    def tree(self, result: ValueKind) -> Tree:
        root = self._node(self._root, 1)
        if root.kind is ValueKind.INT and result is ValueKind.DOUBLE:
            root = Calculation(_WIDENED, (root,))
        if root.kind is not result:
            self._refuse(self._root.number(2), kind_words(result), kind_words(root.kind))
        spent = cost_of(root)
        if spent > MOST_COST:
            found = f"one that may take {spent / 100:,.0f}"
            self._refuse(self._root.number(2), f"an expression that takes at most {MOST_COST // 100:,} µs", found)
        return Tree(root)

    def _refuse(self, identifier: int, expected: str, found: str) -> NoReturn:
        where = place(self._text, self._offsets.get(identifier, 0))
        raise ExpressionRefused([Problem(*where, expected, found)])

    def _node(self, expr: Message, depth: int) -> Node:
        identifier = expr.number(2)
        self._nodes += 1
        if self._nodes >= MOST_NODES:
            self._refuse(identifier, f"at most {MOST_NODES - 1} names, literals and operations", "more")
        if depth >= DEEPEST:
            self._refuse(identifier, f"at most {DEEPEST - 1} operations within each other", "more")
        if 3 in expr:
            return self._constant(identifier, expr.message(3))
        if 6 in expr:
            return self._call(identifier, expr.message(6), depth)
        if 4 in expr or 5 in expr:
            return self._variable(identifier, self._names.get(identifier, ""))
        what = "a list that nothing is looked up in" if 7 in expr else "{...}" if 8 in expr else "a loop"
        return self._refuse(identifier, "a value", what)

    def _variable(self, identifier: int, name: str) -> NamedValue:
        kind = self._variables.get(name)
        if kind is None:
            self._refuse(identifier, "a value", f"the type {name}" if name else "a part of a value")
        return NamedValue(name, kind)

    def _constant(self, identifier: int, constant: Message) -> Constant:
        if 2 in constant:
            return Constant(ValueKind.BOOL, bool(constant.number(2)))
        if 3 in constant:
            return Constant(ValueKind.INT, constant.number(3))
        if 5 in constant:
            try:
                return Constant(ValueKind.DOUBLE, constant.double(5))
            except ValueError:
                self._refuse(identifier, "a number of at most 64 bits", "one that is larger")
        if 6 in constant:
            if "\0" in (text := constant.text(6)):
                self._refuse(identifier, "a text without the character 0", "one with it")
            return Constant(ValueKind.STRING, text)
        what = "null" if 1 in constant else "an unsigned number" if 4 in constant else "bytes"
        return self._refuse(identifier, "a text, a number, true or false", what)

    def _call(self, identifier: int, call: Message, depth: int) -> Node:
        function, overload = OVERLOADS[self._overloads[identifier]]
        given = [*call.messages(1), *call.messages(3)]
        arguments = [
            self._argument(each, kind, depth + 1) for each, kind in zip(given, overload.parameters, strict=True)
        ]
        if function.name == "_?_:_" and overload.result is ValueKind.DOUBLE:
            arguments = [Calculation(_WIDENED, (each,)) if each.kind is ValueKind.INT else each for each in arguments]
            overload = OVERLOADS["choose_double_double"][1]
        if function.prepared:
            return self._prepared(function.prepared, overload, arguments, given[-1].number(2))
        return Calculation(overload, tuple(arguments))

    def _argument(self, expr: Message, kind: Parameter, depth: int) -> Node:
        identifier = expr.number(2)
        if kind in (ValueKind.STRING_LIST, Loose.NUMBERS) and 7 in expr:
            return Constants(kind, tuple(self._element(each, kind) for each in expr.message(7).messages(1)))
        node = self._node(expr, depth)
        if kind is Loose.NAME:
            if not isinstance(node, NamedValue):
                self._refuse(identifier, "a name", "a value")
        elif node.kind is not kind:
            self._refuse(identifier, kind_words(kind), kind_words(node.kind))
        return node

    def _element(self, expr: Message, kind: Parameter) -> Constant:
        identifier = expr.number(2)
        self._nodes += 1
        if self._nodes >= MOST_NODES:
            self._refuse(identifier, f"at most {MOST_NODES - 1} names, literals and operations", "more")
        if 3 not in expr:
            self._refuse(identifier, "a literal", "something to compute")
        constant = self._constant(identifier, expr.message(3))
        texts = kind is ValueKind.STRING_LIST
        if (constant.kind is ValueKind.STRING) is not texts or constant.kind is ValueKind.BOOL:
            self._refuse(identifier, "a text" if texts else "a number", kind_words(constant.kind))
        return constant

    def _prepared(self, kind: LiteralForm, overload: Overload, arguments: list[Node], identifier: int) -> Node:
        literal = arguments[-1]
        if not isinstance(literal, Constant):
            self._refuse(identifier, f"{_FORMS[kind]}, in quotes", "something to compute")
        try:
            if kind is LiteralForm.TIME:
                return Constant(ValueKind.TIME, time_of(str(literal.value)))
            prepare(kind, str(literal.value), compile_pattern)
        except ValueError as error:
            self._refuse(
                identifier, _FORMS[kind], str(error) if kind is LiteralForm.PATTERN else str(literal.value)[:64]
            )
        return Calculation(overload, tuple(arguments))
