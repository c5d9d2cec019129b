"""Rules say what is true, what failed and why, each for itself; generated code holds no word of a user."""

from __future__ import annotations

import re
from typing import Any

import pytest

from services.fraud.domain.expressions.exact import Failure
from services.fraud.domain.expressions.generate import TOOLS
from services.fraud.domain.expressions.run import RuleProgram, value_of
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.expressions.checker import check
from services.fraud.expressions.patterns import compile_pattern

NAMES = {
    "amount": ValueKind.DOUBLE,
    "zero": ValueKind.INT,
    "phone": ValueKind.STRING,
    "is_business": ValueKind.BOOL,
    "lists.blocked": ValueKind.STRING_LIST,
}
SLOTS = {name: slot for slot, name in enumerate(NAMES)}
VALUES: list[Any] = [250.5, 0, None, False, None]
NONE, ERROR = Failure.NOT_ENOUGH_DATA, Failure.ERROR


def program(*texts: str) -> RuleProgram:
    return RuleProgram([check(text, NAMES, ValueKind.BOOL) for text in texts], SLOTS, compile_pattern)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('phone == "x"', NONE),
        ('!(phone == "x")', NONE),
        ('phone == "x" && amount > 1000', False),
        ('amount > 1000 && phone == "x"', False),
        ('phone == "x" && amount > 100', NONE),
        ('phone == "x" || amount > 100', True),
        ('phone == "x" || amount > 1000', NONE),
        ('present(phone) && phone == "x"', False),
        ('present(phone) ? phone == "x" : true', True),
        ('phone == "x" ? true : true', NONE),
        ('(phone == "x" ? true : true) || true', True),
        ('(phone == "x" && true) == is_business', NONE),
        ('(phone == "x" && false) == is_business', True),
        ("phone in lists.blocked", NONE),
        ("present(lists.blocked)", False),
        ("1 / zero == 1", ERROR),
        ("1 / zero == 1 && false", False),
        ("false && 1 / zero == 1", False),
        ("1 / zero == 1 || true", True),
        ("!(1 / zero == 1)", ERROR),
        ("is_business ? 1 / zero == 1 : true", True),
        ("(1 / zero == 1) == is_business", ERROR),
        ('1 / zero == 1 && phone == "x"', NONE),
        ("9223372036854775807 + zero + 1 > 0", ERROR),
        ("amount / 0 > 1e300", True),
        ("int(string(amount)) > 1", ERROR),
        ("is_business", False),
        ("!is_business", True),
        ("true", True),
    ],
)
def test_a_rule_is_true_false_or_fails(text: str, result: bool | Failure) -> None:
    failures = [(0, result)] if isinstance(result, Failure) else []
    assert program(text).evaluate(VALUES) == ([0] if result is True else [], failures)
    tree = check(text, NAMES, ValueKind.BOOL)
    assert value_of(tree, SLOTS)(VALUES) is (None if isinstance(result, Failure) else result)


def test_one_failing_rule_affects_no_other() -> None:
    rules = ["1 / zero == 1", "amount > 200", 'phone == "x"', "1 / zero == 1 || amount > 200", "amount > 300"] * 200
    hits, failures = program(*rules).evaluate(VALUES)
    assert hits == [n for n in range(1_000) if n % 5 in (1, 3)]
    assert failures == [(n, ERROR if n % 5 == 0 else NONE) for n in range(1_000) if n % 5 in (0, 2)]


def test_a_value_of_the_wrong_type_fails_the_rules_that_use_it() -> None:
    values = [object(), 0, None, False, None]
    assert program("amount > 200", "zero == 0").evaluate(values) == ([1], [(0, ERROR)])


class Raising:
    def __contains__(self, item: object) -> bool:
        raise RuntimeError("the list cannot be read")


class Even:
    def __contains__(self, item: object) -> bool:
        return len(str(item)) % 2 == 0


def test_membership_asks_the_list() -> None:
    rules = program("phone in lists.blocked", "amount > 200")
    assert rules.evaluate([250.5, 0, "12", False, Even()]) == ([0, 1], [])
    assert rules.evaluate([250.5, 0, "123", False, Even()]) == ([1], [])
    assert rules.evaluate([250.5, 0, "123", False, Raising()]) == ([1], [(0, ERROR)])
    either = program("phone in lists.blocked || amount > 200", "amount > 200")
    assert either.evaluate([250.5, 0, "123", False, Raising()]) == ([0, 1], [])


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("amount / 2", ValueKind.DOUBLE, 125.25),
        ("zero + 1", ValueKind.DOUBLE, 1.0),
        ("zero + 1", ValueKind.INT, 1),
        ("amount / zero", ValueKind.DOUBLE, None),
        ("amount / zero - amount / zero", ValueKind.DOUBLE, None),
        ("1 / zero", ValueKind.INT, None),
        ("present(phone) ? phone : string(amount)", ValueKind.STRING, "250.5"),
        ("phone + phone", ValueKind.STRING, None),
    ],
)
def test_a_derived_value_is_finite_or_missing(text: str, kind: ValueKind, value: object) -> None:
    found = value_of(check(text, NAMES, kind), SLOTS)(VALUES)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("whole", [2**53 + 1, 2**63 - 1, -(2**53) - 1, 7])
@pytest.mark.parametrize("double", [2.0**53, 2.0**63, -(2.0**53), 7.0, 7.5])
def test_numbers_of_both_kinds_are_compared_exactly(whole: int, double: float) -> None:
    signs = ("<", "<=", "==", "!=", ">", ">=")
    hits, _ = program(*(f"zero {sign} amount" for sign in signs)).evaluate([double, whole, None, None, None])
    order = (whole > int(double)) - (whole < int(double)) or (-1 if double != int(double) else 0)
    true = [order < 0, order <= 0, order == 0, order != 0, order > 0, order >= 0]
    assert hits == [n for n, is_true in enumerate(true) if is_true]


def test_generated_code_holds_slots_and_constants_alone() -> None:
    texts = [
        'phone == "__import__" || phone in ["secret", "words"] || phone.matches("pattern")',
        'phone.startsWith("a") && amount > 200.5 && (is_business ? 1 : 2) == 1 && phone in lists.blocked',
        'in_network(phone, "10.0.0.0/8") || zero + 1 == 2 || present(phone)',
    ]
    for part in program(*texts)._parts:
        code = part.__code__
        known = {"startswith", *TOOLS}
        assert all(name in known or re.fullmatch(r"[cf]\d+", name) for name in code.co_names), code.co_names
        assert all(re.fullmatch(r"values|hit|fail|unclear|[st]\d+", name) for name in code.co_varnames)
        assert not [each for each in code.co_consts if isinstance(each, str | frozenset)]
        assert part.__globals__["__builtins__"] == {}


@pytest.mark.parametrize(
    ("text", "kind", "slots", "error"),
    [
        ("amount > 1", ValueKind.BOOL, {}, KeyError),
        ("amount", ValueKind.DOUBLE, SLOTS, ValueError),
        ('phone.matches("x")', ValueKind.BOOL, SLOTS, ValueError),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(
    text: str, kind: ValueKind, slots: dict[str, int], error: type[Exception]
) -> None:
    with pytest.raises(error):
        RuleProgram([check(text, NAMES, kind)], slots)


@pytest.mark.parametrize(
    "text",
    [
        "!" * 31 + "(is_business)",
        "(" * 32 + "is_business" + ")" * 32,
        " || ".join(["phone == 'x' && (is_business ? amount > 1 : zero > 1)"] * 15),
        "is_business ? true : " * 15 + "false",
        "min(" * 15 + "amount" + ", 1)" * 15 + " > 2",
        "(phone == 'x' ? " * 14 + "true" + " : is_business)" * 14,
        "!(" * 15 + "phone == 'x' && is_business" + ")" * 15,
        "(" * 14 + "phone == 'x'" + " ? amount > 1 : is_business) == true" * 14,
    ],
)
def test_the_deepest_expressions_are_generated(text: str) -> None:
    hits, failures = program(text).evaluate(VALUES)
    assert len(hits) + len(failures) <= 1
