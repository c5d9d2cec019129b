"""What is not in the language is refused with a place and in words; what is, becomes a tree."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from services.fraud.domain.expressions.functions import FUNCTIONS, Loose
from services.fraud.domain.expressions.problems import ExpressionRefused
from services.fraud.domain.expressions.run import RuleProgram
from services.fraud.domain.expressions.tree import Calculation, Constant
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.names import RESERVED
from services.fraud.expressions import checker
from services.fraud.expressions.checker import check
from services.fraud.expressions.patterns import compile_pattern
from tests.support.processes import ROOT

EVENT: dict[str, tuple[ValueKind, Any]] = {
    "amount": (ValueKind.DOUBLE, 250.5),
    "user_count_1h": (ValueKind.INT, 7),
    "country": (ValueKind.STRING, "DE"),
    "is_business": (ValueKind.BOOL, False),
    "email": (ValueKind.STRING, "jane.doe@example.org"),
    "phone": (ValueKind.STRING, None),
    "ip_address": (ValueKind.STRING, "203.0.113.7"),
    "event_time": (ValueKind.TIME, datetime(2026, 1, 31, 2, 30, tzinfo=UTC)),
    "profile.tier": (ValueKind.STRING, "gold"),
    "profile.known": (ValueKind.BOOL, True),
    "lists.blocked": (ValueKind.STRING_LIST, {"203.0.113.7"}),
}
NAMES = {name: kind for name, (kind, _) in EVENT.items()}


def refused(text: str, kind: ValueKind = ValueKind.BOOL) -> list[tuple[int, int, str, str]]:
    with pytest.raises(ExpressionRefused) as caught:
        check(text, NAMES, kind)
    return [(each.line, each.column, each.expected, each.found) for each in caught.value.problems]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.name)
def test_the_example_of_every_function_is_true(function: Any) -> None:
    tree = check(function.example, NAMES, ValueKind.BOOL)
    slots = {name: slot for slot, name in enumerate(EVENT)}
    values = [value for _, value in EVENT.values()]
    assert RuleProgram([tree], slots, compile_pattern).evaluate(values) == ([0], [])


def test_every_overload_of_the_table_is_one_that_texts_lead_to() -> None:
    """So none is declared in vain, and ids are those that the library resolves."""
    names = {f"x_{kind.value}": kind for kind in ValueKind}
    literals = {"pattern": '"a"', "network": '"10.0.0.0/8"', "zone": '"UTC"', "time": '"2026-01-31T12:00:00Z"'}
    loose = {Loose.NUMBERS: "[1, 2.5]", Loose.NAME: "x_int"}
    for function in FUNCTIONS:
        for overload in function.overloads:
            parts = [loose[kind] if isinstance(kind, Loose) else f"x_{kind.value}" for kind in overload.parameters]
            if function.prepared:
                parts[-1] = literals[function.prepared.value]
            written = dict(zip("abc", parts, strict=False))
            text = re.sub(r"\b[abc]\b", lambda at, written=written: written[at[0]], function.form)  # type: ignore[misc]
            root = check(text, names, overload.result).root
            known = isinstance(root, Constant) or (isinstance(root, Calculation) and root.overload.id == overload.id)
            assert known or overload.id.startswith("choose_"), text


@pytest.mark.parametrize(
    ("text", "line", "column", "expected", "found"),
    [
        ("", 1, 1, "an expression", "nothing"),
        ("amount >", 1, 9, "a value", "the end"),
        ("amount > )", 1, 10, "a value", ")"),
        ("(amount > 2", 1, 12, ")", "the end"),
        ("amount > 2)", 1, 11, "an operator or the end", ")"),
        ("amount = 2", 1, 8, "== or another operator", "="),
        ("amount > 2 and is_business", 1, 12, "&& or another operator", "and"),
        ("amount > 2\n|| amuont < 1", 2, 4, "a known name, such as amount", "amuont"),
        ('profile.teir == "x"', 1, 1, "a known name, such as profile.tier", "profile.teir"),
        ('email == "é" && nope', 1, 17, "a known name", "nope"),
        ("__class__", 1, 1, "a known name", "__class__"),
        ("amount.__class__ == 1", 1, 7, "an operator or a function", "a part of a number"),
        ("amount > 1 || country > 1", 1, 23, "number > number; text > text; time > time", "text, whole number"),
        ("amount && is_business", 1, 8, "truth value && truth value", "number, truth value"),
        ('amount.startsWith("a")', 1, 8, "text.startsWith(text)", "number, text"),
        ('startsWith(email, "a")', 1, 1, "a.startsWith(b)", "startsWith called otherwise"),
        ("min(amount) > 1", 1, 1, "min(a, b)", "min called otherwise"),
        ('email.starsWith("a")', 1, 7, "a known function, such as startsWith", "starsWith(...)"),
        ("has(profile.known)", 1, 1, "present(name)", "has"),
        ("[1].exists(x, x > 1)", 1, 5, "there are no loops", "exists"),
        ("present(amount > 1)", 1, 16, "a name", "a value"),
        ("amount", 1, 1, "truth value", "number"),
        ("1e400 > amount", 1, 1, "a number of at most 64 bits", "one that is larger"),
        ("user_count_1h > 9223372036854775808", 1, 17, "at most 64 bits", "9223372036854775808"),
        ("аmount > 1", 1, 1, "letters a to z", "CYRILLIC SMALL LETTER A), which looks like a"),
        ("email == “x”", 1, 10, "letters a to z", 'which looks like "'),
        ("amount ≥ 1", 1, 8, "letters a to z", "which looks like >="),
        ('email == "x', 1, 10, "a closing quote", "none"),
        ('email == "\0"', 1, 11, "a character that can be seen", "U+0000"),
        ('email == "\ud800"', 1, 11, "a character that can be seen", "U+D800"),
        ('email == "a\u202eb"', 1, 12, "a character that can be seen", "RIGHT-TO-LEFT OVERRIDE"),
        (r'email == "\u0000"', 1, 10, "without the character 0", "one with it"),
        (r'email == "\q"', 1, 10, "escapes", '"'),
        ("email == null", 1, 7, "text == text", "text, null"),
        ("null", 1, 1, "a text, a number, true or false", "null"),
        ("1u", 1, 1, "a text, a number, true or false", "an unsigned number"),
        ('{"a": 1}', 1, 1, "a value", "{...}"),
        ("[1, 2]", 1, 1, "a value", "a list that nothing is looked up in"),
        ("email[0] == country", 1, 6, "nothing is taken out of a list", "["),
        ("int", 1, 1, "a value", "the type int"),
        ("amount in lists.blocked", 1, 16, "list of numbers", "list of texts"),
        ('amount in [1, "a"]', 1, 15, "a number", "text"),
        ("amount in [1, true]", 1, 15, "a number", "truth value"),
        ("email in [country]", 1, 11, "a literal", "something to compute"),
        ("email.matches(country)", 1, 15, "a pattern of RE2, in quotes", "something to compute"),
        ('email.matches("(")', 1, 15, "a pattern of RE2", "missing )"),
        ('email.matches("(?=a)")', 1, 15, "a pattern of RE2", "invalid perl operator"),
        ('in_network(ip_address, "10.0.0.1/8")', 1, 24, "a network such as", "10.0.0.1/8"),
        ('hour(event_time, "Mars") > 1', 1, 18, "a time zone such as", "Mars"),
        ('event_time > timestamp("today")', 1, 24, "a time such as", "today"),
        ("event_time > timestamp(email)", 1, 24, "a time such as", "something to compute"),
        ("x" * 2_001, 1, 2_001, "at most 2,000 characters", "2,001"),
        ("(" * 33 + "true", 1, 33, "at most 32 brackets", "more"),
        ("[" * 900, 1, 33, "at most 32 brackets", "more"),
        ("- " * 900 + "'", 1, 1801, "a closing quote", "none"),
        ("+".join(["amount"] * 34) + " > 1", 1, 1, "at most 32 operations", "more"),
        ("is_business ? true : " * 40 + "true", 1, 1, "at most 32 operations", "more"),
        ("min(1, 2 * -(1 + " * 12 + "user_count_1h" + "))" * 12 + " > 1", 1, 1, "at most 32 operations", "more"),
        ("&&".join(["is_business"] * 101), 1, 1, "at most 200 names", "more"),
        ("email in [" + ",".join(['"a"'] * 300) + "]", 1, 1, "at most 200 names", "more"),
        (" && ".join(['email.matches("a")'] * 9), 1, 1, "at most 1,000 µs", "one that may take"),
    ],
)  # fmt: skip
def test_refused_with_a_place_and_in_words(text: str, line: int, column: int, expected: str, found: str) -> None:
    said = refused(text)[0]
    assert expected in said[2]
    assert found in said[3]
    if "at most 200" not in expected and "µs" not in expected and "operations" not in expected:
        assert said[:2] == (line, column)


def test_our_bound_of_depth_does_not_hang_on_the_library_having_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "DEEPEST", 5)
    assert check("1 + (1 + amount) > 1", NAMES, ValueKind.BOOL).kind is ValueKind.BOOL
    assert refused("1 + (1 + (1 + amount)) > 1")[0][:3] == (1, 11, "at most 4 operations within each other")


def test_every_problem_is_said_in_the_order_of_the_text() -> None:
    places = [each[:2] for each in refused("nope > 1 &&\n amount > email ||\n  other(1)")]
    assert places == [(1, 1), (2, 9), (3, 3)]


def test_at_most_ten_problems_are_said() -> None:
    assert len(refused(" && ".join(f"name_{n}" for n in range(60)))) == 10


def test_what_the_library_is_told_cannot_pass_for_what_it_says() -> None:
    said = "ERROR: <input>:1:1: undeclared reference to 'amount' (in container '')"
    assert [each[3] for each in refused(f"""nope > 1 && email == "{said}" """)] == ["nope"]
    assert [each[3] for each in refused(f"""nope > 1 && email == '''\n{said}\n'''""")] == ["nope"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("amount > 200", ValueKind.BOOL),
        ("user_count_1h > 2.5", ValueKind.BOOL),
        ("user_count_1h * 2 > amount + 1", ValueKind.BOOL),
        ("amount in [1, 2.5]", ValueKind.BOOL),
        ("amount in []", ValueKind.BOOL),
        ("is_business ? amount : 0", ValueKind.DOUBLE),
        ("is_business ? 1 : 0", ValueKind.DOUBLE),
        ("user_count_1h", ValueKind.DOUBLE),
        ("-user_count_1h < -2", ValueKind.BOOL),
        ("amount >\n\t1 // large\r\n", ValueKind.BOOL),
        ("email == '''a\"b'''", ValueKind.BOOL),
        (r'email.matches(r"\d+")', ValueKind.BOOL),
        ('email == "Jürgen–Ω"', ValueKind.BOOL),
        ("!" * 1_900 + "is_business", ValueKind.BOOL),
    ],
)
def test_accepted(text: str, kind: ValueKind) -> None:
    assert check(text, NAMES, kind).kind is kind


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_reserved_names_cannot_be_declared(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        check(f"{name} > 5", {name: ValueKind.INT}, ValueKind.BOOL)


@pytest.mark.parametrize(
    "name",
    [
        "size",
        "timestamp",
        "string_value",
        "error",
        "google",
        "optional_type",
        "matches",
        "duration",
        "any",
        "class",
        "lambda",
        "has",
    ],
)
def test_names_of_types_and_functions_can_be_used(name: str) -> None:
    assert check(f"{name} > 5", {name: ValueKind.INT}, ValueKind.BOOL).kind is ValueKind.BOOL


def test_the_libraries_are_not_imported_before_an_expression_is_checked() -> None:
    script = (
        "import sys, services.fraud.expressions.checker\n"
        "assert not {'cel_expr_python', 're2'} & set(sys.modules), 'imported'"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
